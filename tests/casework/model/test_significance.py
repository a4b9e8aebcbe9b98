"""Intervals and tests against values of textbooks.

Red when: the tail of McNemar's test is counted once where both sides are asked, or twice where one is, or leaves out
the split that was seen; shown with each.
"""

import math

import pytest

from casework.model.significance import chance_in_words, chance_of_worse, count_changes, mcnemar, wilson


@pytest.mark.parametrize(
    ("hits", "n", "interval"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I: the score method without correction.
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (15, 148, (0.0624, 0.1605)),
        (81, 263, (0.2553, 0.3662)),
    ],
)
def test_an_interval_is_wilsons(hits: int, n: int, interval: tuple[float, float]) -> None:
    assert wilson(hits, n) == pytest.approx(interval, abs=0.00006)


@pytest.mark.parametrize(
    ("newly_right", "newly_wrong", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (3, 3, 1.0),
        (0, 6, 2 / 64),
        (9, 1, 22 / 1024),
        (5, 21, 0.002494),
    ],
)
def test_mcnemar_is_exact_and_the_same_whichever_way_round(
    newly_right: int, newly_wrong: int, p: float
) -> None:
    assert mcnemar(newly_right, newly_wrong) == pytest.approx(p, rel=0.001)
    assert mcnemar(newly_wrong, newly_right) == mcnemar(newly_right, newly_wrong)


@pytest.mark.parametrize(
    ("newly_right", "newly_wrong", "p"),
    [
        (0, 0, 1.0),
        (5, 0, 1.0),
        (0, 1, 1 / 2),
        (0, 4, 1 / 16),
        (0, 5, 1 / 32),
        (2, 3, 16 / 32),
        (1, 9, 11 / 1024),
    ],
)
def test_the_chance_of_as_many_newly_wrong_is_of_one_side(
    newly_right: int, newly_wrong: int, p: float
) -> None:
    assert chance_of_worse(newly_right, newly_wrong) == p


def test_worse_is_never_likelier_to_be_chance_than_better() -> None:
    for right in range(1, 40):
        for wrong in range(40):
            found = chance_of_worse(right, wrong)
            assert chance_of_worse(right, wrong + 1) <= found
            assert chance_of_worse(right - 1, wrong) <= found
            assert chance_of_worse(right - 1, wrong + 1) <= found


def test_changes_are_counted_item_by_item() -> None:
    now, was = [True, True, False, False, False], [True, False, True, True, False]

    assert count_changes(now, was) == (1, 2)
    with pytest.raises(ValueError, match="zip"):
        count_changes(now, was[1:])


def test_a_split_of_thousands_is_no_overflow() -> None:
    found = mcnemar(2500, 2600)

    assert math.isclose(found, math.erfc(99 / math.sqrt(2 * 5100)), rel_tol=0.01)
    assert mcnemar(0, 5000) == 0.0


def test_chance_is_told_in_words() -> None:
    assert chance_in_words(9, 1) == "Probably not chance."
    assert chance_in_words(3, 1) == "Could be chance."
