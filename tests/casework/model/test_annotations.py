"""When two labels agree and what settles an item. Red when: `agree` compares the lists as they stand, or `needs_two`
forgets one of its five grounds (its own row)."""

import pytest

from casework.model.annotations import (
    ItemStatus,
    Label,
    Verdict,
    agree,
    find_verdict,
    is_drawn,
    needs_two,
)
from casework.model.disclosures import Band
from casework.model.review_queues import Queue

CALM = Label(intent="ask_status")
COURT = Label(intent="ask_court")
CHILD = Label(risks=("child_at_risk",))


@pytest.mark.parametrize(
    ("one", "other", "do"),
    [
        (CALM, CALM, True),
        (CALM, COURT, False),
        (CALM, CHILD, False),
        (CHILD, Label(risks=("child_at_risk", "strangulation")), True),
        (CHILD, Label(risks=("strangulation", "child_at_risk")), False),
        (CHILD, Label(risks=("child_at_risk", "modern_slavery")), False),
        (
            Label(risks=("modern_slavery", "child_at_risk")),
            Label(risks=("child_at_risk", "stalking_escalation")),
            True,
        ),
    ],
)
def test_two_agree_on_the_tiers_and_the_gravest_or_on_the_wish(one: Label, other: Label, do: bool) -> None:
    assert agree(one, other) is do
    assert agree(other, one) is do


def test_what_settles_an_item() -> None:
    def verdict(*labels: Label, adjudged: Label | None = None, two: bool = True) -> Verdict:
        return find_verdict(labels, adjudged, needs_two=two)

    assert verdict() == Verdict(status=ItemStatus.OPEN)
    assert verdict(CALM) == Verdict(status=ItemStatus.NEEDS_SECOND)
    assert verdict(CALM, two=False) == Verdict(status=ItemStatus.SETTLED, label=CALM)
    assert verdict(CALM, CALM) == Verdict(status=ItemStatus.SETTLED, label=CALM)
    assert verdict(CALM, CHILD) == Verdict(status=ItemStatus.NEEDS_THIRD)
    assert verdict(CALM, CHILD, adjudged=COURT) == Verdict(status=ItemStatus.SETTLED, label=COURT)


ALONE = next(number for number in range(1, 100) if not is_drawn(f"second:{number}", 10))
DRAWN = next(number for number in range(1, 100) if is_drawn(f"second:{number}", 10))


@pytest.mark.parametrize(
    ("number", "label", "band", "queues", "is_test", "two"),
    [
        (ALONE, CALM, Band.GREEN, [Queue.UNSURE], False, False),
        (ALONE, CALM, Band.GREEN, [Queue.NEW_WORDS, Queue.NOT_UNDERSTOOD], False, False),
        (ALONE, CHILD, Band.GREEN, [Queue.UNSURE], False, True),
        (ALONE, CALM, Band.AMBER, [Queue.UNSURE], False, True),
        (ALONE, CALM, Band.GREEN, [Queue.SAMPLE, Queue.UNSURE], False, True),
        (ALONE, CALM, Band.GREEN, [Queue.UNSURE], True, True),
        (DRAWN, CALM, Band.GREEN, [Queue.UNSURE], False, True),
    ],
)
def test_two_people_are_needed_where_it_matters(
    number: int, label: Label, band: Band, queues: list[Queue], is_test: bool, two: bool
) -> None:
    assert needs_two(number, label, band_seen=band, queues=queues, is_test=is_test, one_in=10) is two


def test_about_one_in_so_many_is_drawn_and_always_the_same() -> None:
    drawn = [number for number in range(4000) if is_drawn(f"of:{number}", 20)]
    assert 150 < len(drawn) < 250
    assert drawn == [number for number in range(4000) if is_drawn(f"of:{number}", 20)]
