"""How many texts a message costs: 160 or 153 GSM-7 characters, or 70 or 67 UTF-16 units, to a text."""

from dataclasses import dataclass

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENDED = frozenset("^{}\\[~]|€\f")
ALONE, JOINED = 160, 153
WIDE_ALONE, WIDE_JOINED = 70, 67


@dataclass(frozen=True)
class SmsSize:
    """A text as the phone network counts it: `used` of the `room` that its `segments` have, in units.

    `costly`: the letters that make every segment of it shorter, each once, in order.
    """

    used: int
    room: int
    segments: int
    costly: tuple[str, ...]


def measure(text: str) -> SmsSize:
    costly = tuple(dict.fromkeys(letter for letter in text if not _is_plain(letter)))
    units = _count_units(text, is_plain=not costly)
    alone, joined = (WIDE_ALONE, WIDE_JOINED) if costly else (ALONE, JOINED)
    segments = _fill(units, alone=alone, joined=joined)
    return SmsSize(sum(units), alone if segments == 1 else joined * segments, segments, costly)


def count_segments(text: str) -> int:
    """The number of texts `text` is sent as; 1 for an empty one."""
    return measure(text).segments


def _is_plain(letter: str) -> bool:
    return letter in GSM_7 or letter in GSM_7_EXTENDED


def _count_units(text: str, *, is_plain: bool) -> list[int]:
    if is_plain:
        return [2 if letter in GSM_7_EXTENDED else 1 for letter in text]
    return [2 if ord(letter) > 0xFFFF else 1 for letter in text]


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
