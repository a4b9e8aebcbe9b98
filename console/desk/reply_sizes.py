"""How many text messages a reply takes, and which signs make it take more."""

import unicodedata
from dataclasses import dataclass

from casework.model.gsm_text import normalise_for_sms
from casework.model.messages import Channel
from casework.model.sms_segments import GSM_7_EXTENDED, SmsSize, count_segments, measure
from console.desk.reply_texts import LONGEST_REPLY

MOST_TEXTS_UNASKED = 2
"""More than this is sent only when whoever writes has said so (sms_whatsapp.md T2)."""
MOST_SIGNS_NAMED = 6


@dataclass(frozen=True, kw_only=True)
class ReplySize:
    """A reply as it would leave. `texts` is 0 where the channel counts none, and for no words.

    `used` of `room` are letters as the phone network counts them; without `signs` it would be fewer texts.
    """

    letters: int
    over: int  # letters too many for the channel
    texts: int = 0
    used: int = 0
    room: int = 0
    signs: tuple[str, ...] = ()

    @property
    def needs_consent(self) -> bool:
        return self.texts > MOST_TEXTS_UNASKED

    def is_meant(self, agreed: str) -> bool:
        """`agreed`: how many texts whoever writes has agreed to; anything but a number is none."""
        number = int(agreed) if agreed.isascii() and agreed.isdigit() and len(agreed) < 4 else 0
        return self.texts <= max(number, MOST_TEXTS_UNASKED)


def measure_reply(text: str, channel: Channel) -> ReplySize:
    letters, over = len(text), max(0, len(text) - LONGEST_REPLY[channel])
    if channel is not Channel.SMS or not text:
        return ReplySize(letters=letters, over=over)
    leaving = normalise_for_sms(text)
    size = measure(leaving)
    return ReplySize(
        letters=letters,
        over=over,
        texts=size.segments,
        used=size.used,
        room=size.room,
        signs=_name_costly(leaving, size),
    )


def _name_costly(text: str, size: SmsSize) -> tuple[str, ...]:
    """Signs no plain text has; where there is none, those that count as two. None where they cost no text."""
    signs = size.costly or tuple(dict.fromkeys(letter for letter in text if letter in GSM_7_EXTENDED))
    without = "".join("x" if letter in signs else letter for letter in text)
    if count_segments(without) >= size.segments:
        return ()
    return tuple(name_sign(sign) for sign in signs[:MOST_SIGNS_NAMED])


def name_sign(sign: str) -> str:
    """The sign itself, or its name where there is nothing to see."""
    # Mn: drawn over its neighbour, as the second half of an accent or of a red heart.
    can_be_seen = sign.isprintable() and not sign.isspace() and unicodedata.category(sign) != "Mn"
    return sign if can_be_seen else unicodedata.name(sign, "a sign that cannot be seen").lower()
