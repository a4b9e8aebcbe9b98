"""What a person typed, made fit to send, and how many text messages it takes."""

from casework.model.messages import Channel

# Twilio refuses longer SMS and WhatsApp bodies (its error 21617); Telegram's own limit is 4,096.
LONGEST_REPLY = {Channel.SMS: 1600, Channel.WHATSAPP: 1600, Channel.WEBCHAT: 4000, Channel.TELEGRAM: 4096}

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENDED = frozenset("^{}\\[~]|€\f")


def clean_reply(text: str) -> str:
    """The same words without what no phone can show: control characters, half characters, outer blanks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(letter for letter in lines if letter in "\n\t" or ord(letter) >= 32)
    return kept.replace("\x7f", "").encode("utf-8", "ignore").decode().strip()


def find_fault(text: str, channel: Channel) -> str | None:
    """`empty` or `too_long` for a cleaned reply that cannot be sent; None when it can."""
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        return "empty"
    return "too_long" if len(text) > LONGEST_REPLY[channel] else None


def count_segments(text: str) -> int:
    """Text messages this is sent as: 160, or 153 each when joined; 70 and 67 outside the GSM alphabet."""
    if all(letter in GSM_7 or letter in GSM_7_EXTENDED for letter in text):
        sizes, alone, joined = [2 if letter in GSM_7_EXTENDED else 1 for letter in text], 160, 153
    else:
        sizes, alone, joined = [2 if ord(letter) > 0xFFFF else 1 for letter in text], 70, 67
    if sum(sizes) <= alone:
        return 1
    segments, room = 1, joined
    for size in sizes:
        # A character of two units is never split across two texts.
        if size > room:
            segments, room = segments + 1, joined
        room -= size
    return segments
