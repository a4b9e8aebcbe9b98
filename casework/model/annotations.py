"""What two people who read the same message say of it, and when it is settled. Nothing here knows who they are."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from casework.model.disclosures import TIER_OF, Band, Category
from casework.model.labels import find_gravest
from casework.model.review_queues import Queue


class AnnotationKind(StrEnum):
    LABEL = "label"
    JUDGEMENT = "judgement"  # of the step the assistant took
    ADJUDICATION = "adjudication"


class Act(StrEnum):
    DECIDED = "decided"
    SKIPPED = "skipped"
    FLAGGED = "flagged"  # somebody else should look: not fit to be labelled, or too hard for one


class Judgement(StrEnum):
    """Of the assistant's next step."""

    GOOD = "good"
    WRONG_STEP = "wrong_step"
    WRONG_WORDS = "wrong_words"
    SHOULD_HAND_OVER = "should_hand_over"


class ItemStatus(StrEnum):
    """Of a message to review. `SKIPPED`: flagged by the two people asked; nobody is asked again."""

    OPEN = "open"
    NEEDS_SECOND = "needs_second"
    NEEDS_THIRD = "needs_third"
    SETTLED = "settled"
    SKIPPED = "skipped"
    REMOVED = "removed"


# Queues of calm matter: one person may be enough.
ONE_MAY_DO = frozenset({Queue.UNSURE, Queue.NOT_UNDERSTOOD, Queue.NEW_WORDS, Queue.GUESTS})
# Dangers whose words weigh on whoever reads them.
GRAPHIC = frozenset(
    {
        Category.SUICIDE_OR_SELF_HARM,
        Category.CHILD_AT_RISK,
        Category.STRANGULATION,
        Category.SEXUAL_VIOLENCE_RECENT,
    }
)


@dataclass(frozen=True, kw_only=True)
class Label:
    """`risks`: dangers in the order they were pressed, none for calm; `intent` is None where there is danger."""

    risks: tuple[str, ...] = ()
    intent: str | None = None
    sub: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Where an item stands: `label` once it is settled."""

    status: ItemStatus
    label: Label | None = None


def agree(one: Label, other: Label) -> bool:
    """Danger: the same tiers and the same gravest kind. Calm: the same wish as well, for that is what is taught."""
    if not one.risks and not other.risks:
        return one.intent == other.intent
    return _weigh(one) == _weigh(other)


def _weigh(label: Label) -> tuple[frozenset[int], Category | None]:
    return frozenset(TIER_OF[Category(risk)] for risk in label.risks), find_gravest(label.risks)


def find_verdict(labels: Sequence[Label], adjudged: Label | None, *, needs_two: bool) -> Verdict:
    """`labels`: of different people, the first first. What a third said is final."""
    if adjudged is not None:
        return Verdict(status=ItemStatus.SETTLED, label=adjudged)
    if not labels:
        return Verdict(status=ItemStatus.OPEN)
    if len(labels) == 1:
        if needs_two:
            return Verdict(status=ItemStatus.NEEDS_SECOND)
        return Verdict(status=ItemStatus.SETTLED, label=labels[0])
    if agree(labels[0], labels[1]):
        return Verdict(status=ItemStatus.SETTLED, label=labels[0])
    return Verdict(status=ItemStatus.NEEDS_THIRD)


def needs_two(
    inbox_id: int, first: Label, *, band_seen: Band, queues: Iterable[Queue], is_test: bool, one_in: int
) -> bool:
    """Danger by anybody's word, any queue but those of calm matter, what is kept to test with, and one in `one_in`."""
    if first.risks or band_seen is not Band.GREEN or is_test:
        return True
    return not ONE_MAY_DO.issuperset(queues) or is_drawn(f"second:{inbox_id}", one_in)


def is_drawn(name: str, one_in: int) -> bool:
    """One in so many, the same each time it is asked."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % one_in == 0
