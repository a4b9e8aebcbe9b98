"""What a person typed, made fit to send."""

import hashlib

from casework.model.messages import Channel

# Twilio refuses longer SMS and WhatsApp bodies (its error 21617); Telegram's own limit is 4,096.
LONGEST_REPLY = {
    Channel.SMS: 1600,
    Channel.WHATSAPP: 1600,
    Channel.WEBCHAT: 4000,
    Channel.TELEGRAM: 4096,
    Channel.EMAIL: 4000,
}


def clean_reply(text: str) -> str:
    """The same words without what no phone can show: control characters, half characters, outer blanks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(letter for letter in lines if letter in "\n\t" or ord(letter) >= 32)
    return kept.replace("\x7f", "").encode("utf-8", "ignore").decode().strip()


def name_composer(form_id: str) -> str:
    """16 letters that the name of every reply out of that composer begins with; empty for no composer."""
    return hashlib.sha256(form_id.encode("utf-8", "replace")).hexdigest()[:16] if form_id else ""


def find_fault(text: str, channel: Channel) -> str | None:
    """`empty` or `too_long` for a cleaned reply that cannot be sent; None when it can."""
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        return "empty"
    return "too_long" if len(text) > LONGEST_REPLY[channel] else None
