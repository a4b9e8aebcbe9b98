"""Intervals and tests against values of textbooks.

Red when: the tail of McNemar's test is counted once, or leaves out the split that was seen; shown with both.
"""

import math

import pytest

from casework.model.significance import chance_in_words, mcnemar, wilson


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


def test_a_split_of_thousands_is_no_overflow() -> None:
    found = mcnemar(2500, 2600)

    assert math.isclose(found, math.erfc(99 / math.sqrt(2 * 5100)), rel_tol=0.01)
    assert mcnemar(0, 5000) == 0.0


def test_chance_is_told_in_words() -> None:
    assert chance_in_words(9, 1) == "Probably not chance."
    assert chance_in_words(3, 1) == "Could be chance."
