"""How many texts a message costs: 160 or 153 GSM-7 characters, or 70 or 67 UTF-16 units, to a text."""

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENDED = frozenset("^{}\\[~]|€\f")


def count_segments(text: str) -> int:
    """The number of texts `text` is sent as; 1 for an empty one."""
    if all(letter in GSM_7 or letter in GSM_7_EXTENDED for letter in text):
        return _fill([2 if letter in GSM_7_EXTENDED else 1 for letter in text], alone=160, joined=153)
    return _fill([2 if ord(letter) > 0xFFFF else 1 for letter in text], alone=70, joined=67)


def _fill(units: list[int], *, alone: int, joined: int) -> int:
    if sum(units) <= alone:
        return 1
    segments, room = 1, joined
    for size in units:
        # A character of two units is never split across two texts.
        if size > room:
            segments, room = segments + 1, joined
        room -= size
    return segments
