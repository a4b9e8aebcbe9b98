"""A number said in words is a number.

Red when, each tried once: "hundred" adds nothing, letters for noughts are letters, or "to" joins two years.
"""

import pytest

from tests.casework.model.masking_cases import hidden, mask


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("phone", "oh double seven hundred nine double oh one two three"),
        ("phone", "zero seven seven zero zero, nine zero zero, one two three"),
        ("phone", "nought one six three two, nine six nought, one two three"),
        ("phone", "o7700 nine hundred 123"),
        ("phone", "O77OO 9OO123"),
        ("phone", "oh seven seven then treble oh nine one two three"),
        ("phone", "zero seventy seven double zero ninety oh one twenty three"),
        ("reference", "four three two six, oh nine nine, oh oh oh one"),
        ("phone", "oh sivin sivin double oh nine double oh fower twa wan"),
        ("phone", "07700 then 900 then 123"),
        ("nino", "q q one two three four five six c"),
        ("postcode", "zulu zulu nine nine four romeo tango"),
    ],
)
def test_a_number_in_words_is_hidden_whole(kind: str, said: str) -> None:
    assert hidden(f"call me on, {said} please") == [(kind, said)]


@pytest.mark.parametrize(
    "text",
    [
        "there were two or three of them and one had four dogs",
        "twenty minutes to nine",
        "oh no not again",
        "i called one hundred and one",
        "me and my two kids, six and nine",
        "i went to the shop for one",
        "1986 to 88, i was eleven",
    ],
)
def test_words_that_only_count_stay(text: str) -> None:
    assert hidden(text) == []


def test_the_same_number_said_and_written_has_one_fake() -> None:
    written, said = mask("07700900123"), mask("oh double seven hundred nine double oh one two three")

    assert written.text == said.text
