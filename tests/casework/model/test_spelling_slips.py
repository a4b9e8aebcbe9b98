"""A slip of the fingers is put right, and nothing that may be meant is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.spelling_slips import Spelling, are_keys_beside, cost_of_slip

SPELLING = Spelling(
    {"strangled", "knife", "outside"}, {"strange"}, ["the", "these", "house", "horse", "been", "even"]
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("strangld", "strangled"),
        ("strangeld", "strangled"),
        ("strangked", "strangled"),
        ("knief", "knife"),
        ("jnife", "knife"),
        ("nife", "knife"),
        ("tge", "the"),
        ("thes", "these"),
        ("houae", "house"),
    ],
)
def test_a_word_one_slip_away_is_put_right(written: str, meant: str) -> None:
    assert SPELLING.respell(written) == meant


@pytest.mark.parametrize("word", ["strange", "knife", "house", "mangled", "k", "sw1a", "zzz", "a" * 40, ""])
def test_a_word_that_stands_for_itself_stays(word: str) -> None:
    assert SPELLING.respell(word) is None


def test_of_two_words_the_one_whose_key_is_beside_is_meant() -> None:
    assert Spelling(set(), set(), ["gate", "date"]).respell("hate") == "gate"
    assert Spelling(set(), set(), ["hope", "home"]).respell("hone") == "home"


def test_keys_beside_each_other_are_those_a_thumb_may_hit() -> None:
    assert are_keys_beside("g", "h")
    assert are_keys_beside("b", "g")
    assert not are_keys_beside("q", "p")
    assert not are_keys_beside("e", "3")


@given(st.text(alphabet="abcde", min_size=1, max_size=6), st.text(alphabet="abcde", min_size=1, max_size=6))
def test_only_one_slip_has_a_cost(written: str, meant: str) -> None:
    assert (cost_of_slip(written, meant) is not None) == (distance(written, meant) == 1)


def distance(one: str, other: str) -> int:
    """Letters left out, added, changed, or swapped with the next, counted the long way (Damerau 1964)."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if not i or not j:
                rows[i][j] = i + j
                continue
            rows[i][j] = min(
                rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (one[i - 1] != other[j - 1])
            )
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]
