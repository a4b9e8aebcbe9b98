"""Misspelt copies for training: about as many slips as asked, the same ones every time, on letters alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.components.misspelling import LETTERS, NEIGHBOURS, misspell

TEXT = "he came round again last night and I did not dare to open the door for anyone "


def test_the_same_text_is_misspelt_the_same_way_for_ever() -> None:
    # Not by a seed of the process: two trainings a year apart must see the same copies.
    assert misspell(TEXT, 0.15) == (
        "hee car round afian last nigght and  Idi not dre t opej th edoor for anyone "
    )


def test_two_texts_are_misspelt_in_different_places() -> None:
    one, two = misspell("a " + TEXT, 0.3), misspell("b " + TEXT, 0.3)
    assert one[2:] != two[2:]


def test_a_share_of_nothing_changes_nothing() -> None:
    assert misspell(TEXT, 0.0) == TEXT


@pytest.mark.parametrize("share", [0.04, 0.08, 0.2])
def test_the_share_asked_for_is_misspelt(share: float) -> None:
    written = [f"{number}{letter}." for number in range(150) for letter in LETTERS]
    misspelt = misspell(" ".join(written), share).split()
    wrong = sum(one != other for one, other in zip(written, misspelt, strict=True))
    assert wrong / len(written) == pytest.approx(share, rel=0.2)


def test_a_letter_is_left_out_doubled_swapped_or_hit_beside() -> None:
    slips = misspell(" ".join(f"{number}a." for number in range(2000)), 0.5)
    assert {one.lstrip("0123456789") for one in slips.split()} == {"a.", ".", "aa.", ".a", "q.", "s.", "z."}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=100), st.floats(0, 1))
def test_what_is_no_latin_letter_stays(text: str, share: float) -> None:
    def kept(one: str) -> list[str]:
        return sorted(c for c in one if c.lower() not in NEIGHBOURS)

    assert kept(misspell(text, share)) == kept(text)


def test_every_letter_has_keys_beside_it() -> None:
    assert set(NEIGHBOURS) == set("abcdefghijklmnopqrstuvwxyz")
    assert not any(letter in beside for letter, beside in NEIGHBOURS.items())
