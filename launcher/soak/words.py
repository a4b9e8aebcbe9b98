"""What the synthetic people write, and how the checker knows words again. Nobody's: each text has a number."""

import random
import re
from dataclasses import dataclass
from enum import StrEnum

ORDINARY = (
    "what is happening with my case, question {number:06d}",
    "who is my officer, question {number:06d}",
    "can you tell me about the court date, question {number:06d}",
    "what support is there for me, question {number:06d}",
)
DANGER = (
    "he is outside my door, question {number:06d}",
    "he has a knife, question {number:06d}",
)
WANTS_A_PERSON = "can i talk to a person, question {number:06d}"
URGENT_SHARE, PERSON_SHARE = 0.04, 0.02
TWICE_SHARE, LATE_SHARE, UNPOSTED_SHARE = 0.05, 0.02, 0.01
WHATSAPP = "whatsapp:"
NUMBERS = 1000
OURS = frozenset({900, 999})  # the last figures of the service's own pretend numbers

ECHO = "re: "
PASSED_ON = "I have passed this on to a person."
TELLING = re.compile(r"pass(ed)?\b.{0,40}\bon\b|a person will read", re.IGNORECASE | re.DOTALL)


class Manner(StrEnum):
    """How the provider passes a text on: `LATE` after the next ones, `UNPOSTED` never, so the list alone has it."""

    ONCE = "once"
    TWICE = "twice"
    LATE = "late"
    UNPOSTED = "unposted"


@dataclass(frozen=True, kw_only=True)
class Writing:
    handset: str
    text: str
    manner: Manner
    is_urgent: bool
    pause_seconds: float  # before the second posting, where there is one


def make_writing(number: int, *, seed: int, people: int) -> Writing:
    """The text of that number: always the same for one seed, whatever became of those before."""
    chance = random.Random(f"{seed}:{number}")
    kind = chance.random()
    is_urgent = kind < URGENT_SHARE
    words = WANTS_A_PERSON if kind < URGENT_SHARE + PERSON_SHARE else chance.choice(ORDINARY)
    return Writing(
        handset=find_handset(chance.randrange(people)),
        text=(chance.choice(DANGER) if is_urgent else words).format(number=number),
        manner=_choose_manner(chance.random()),
        is_urgent=is_urgent,
        pause_seconds=chance.uniform(0.0, 4.0),
    )


def _choose_manner(drawn: float) -> Manner:
    for share, manner in (
        (TWICE_SHARE, Manner.TWICE),
        (LATE_SHARE, Manner.LATE),
        (UNPOSTED_SHARE, Manner.UNPOSTED),
    ):
        if drawn < share:
            return manner
        drawn -= share
    return Manner.ONCE


def find_handset(person: int) -> str:
    """Every second one writes by WhatsApp; numbers are those Ofcom keeps for drama."""
    usable = [number for number in range(NUMBERS) if number not in OURS]
    number = f"+447700900{usable[person // 2 % len(usable)]:03d}"
    return WHATSAPP + number if person % 2 else number


def is_danger(text: str) -> bool:
    """Whether the text is one of `DANGER`, as the provider recorded it."""
    return text.startswith(tuple(each.partition(",")[0] for each in DANGER))


def wants_a_person(text: str) -> bool:
    return text.startswith(WANTS_A_PERSON.partition(",")[0])


def is_echo(text: str) -> bool:
    """An answer of the stand-in, which no phone may have twice: each repeats a text that has a number."""
    return text.startswith(ECHO)


def tells_of_a_person(text: str) -> bool:
    """Whether whoever reads it will think that a person has their words."""
    return TELLING.search(text) is not None
