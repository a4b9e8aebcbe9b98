"""What a victim would get of one turn, and how two models differ in it."""

from dataclasses import dataclass
from enum import StrEnum

from casework.model.disclosures import TIER_OF, Band, Category

NO_HARM = 5
"""After the four tiers: nothing urgent about it."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What people say the message was; `category` None with `is_urgent` False: calm.

    `by`: settled (the label two people settled on) or ending (the word with which a detective closed it).
    """

    is_urgent: bool
    category: Category | None
    intent: str | None
    by: str


@dataclass(frozen=True, kw_only=True)
class TurnOutcome:
    """The names of the responses in their order, the effects as `kind:reason`, and where it stands in urgency.

    RED has neither: the assistant's answer is dropped for the safety line. `intent`, `confidence` and `urgency`
    (each 0 to 1) are told and not compared: nobody who writes to us reads them.
    """

    responses: tuple[str, ...]
    effects: tuple[str, ...]
    band: Band
    tier: int | None
    category: str | None
    to_person: bool
    intent: str | None = None
    confidence: float = 0.0
    urgency: float | None = None

    @property
    def is_caught(self) -> bool:
        """A person looks at it: RED, AMBER, or on its way to one."""
        return self.band is not Band.GREEN or self.to_person


class Change(StrEnum):
    NEWLY_RIGHT = "newly_right"
    NEWLY_WRONG = "newly_wrong"
    CHANGED = "changed"


def find_change(before: TurnOutcome, after: TurnOutcome, truth: Truth | None) -> Change | None:
    """None where the victim would get the same. Right and wrong need somebody's word; without it, `CHANGED`."""
    if _what_they_get(before) == _what_they_get(after):
        return None
    if truth is None or is_right(before, truth) == is_right(after, truth):
        return Change.CHANGED
    return Change.NEWLY_RIGHT if is_right(after, truth) else Change.NEWLY_WRONG


def is_right(outcome: TurnOutcome, truth: Truth) -> bool:
    """Urgent: somebody looks. Calm: nobody is alarmed, and the wish is the one people named, if they named one."""
    if truth.is_urgent:
        return outcome.is_caught
    return outcome.band is Band.GREEN and truth.intent in (None, outcome.intent)


def is_risk(before: TurnOutcome, after: TurnOutcome, truth: Truth | None) -> bool:
    """Whether the difference touches danger: by people's word, by either band, or because a person no longer looks."""
    if truth is not None and truth.is_urgent:
        return True
    is_marked = any(each.band is not Band.GREEN for each in (before, after))
    return is_marked or (before.to_person and not after.to_person)


def find_harm(before: TurnOutcome, after: TurnOutcome, truth: Truth | None) -> int:
    """The tier, 1 to 4, by people's word if there is one and by the more urgent of the two if not; else `NO_HARM`."""
    if truth is not None and truth.category is not None:
        return TIER_OF[truth.category]
    return min((each.tier for each in (before, after) if each.tier), default=NO_HARM)


def _what_they_get(outcome: TurnOutcome) -> tuple[object, ...]:
    return outcome.responses, outcome.effects, outcome.band, outcome.tier, outcome.to_person
