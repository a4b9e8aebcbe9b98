"""Numbers, addresses, names in apps and of people as they are handed over: in pauses, sounds, signs and corrections.

Red when, tried once: the rules are as they were before `told_handles.py`, `spelled_names.py` and `digit_words.py`.
"""

import pytest

from casework.model.masking import CaseValues
from tests.casework.model.masking_cases import hidden


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("ZZ99 7TT, not 7TG", "postcode", ["ZZ99 7TT", "7TG"]),
        ("he uses mocklad-zz01 and also mocklad-zz02", "handle", ["mocklad-zz01", "mocklad-zz02"]),
        ("insta mock underscore lad underscore nine", "handle", ["mock underscore lad underscore nine"]),
        (
            "oh double seven double oh... nine double oh... 331",
            "phone",
            ["oh double seven double oh... nine double oh... 331"],
        ),
        (
            "oh seven seven hunner, nine hunner, two one four",
            "phone",
            ["oh seven seven hunner, nine hunner, two one four"],
        ),
        (
            "oh seven seven oh oh nine oh oh free four five",
            "phone",
            ["oh seven seven oh oh nine oh oh free four five"],
        ),
        ("ring 07700 900,847", "phone", ["07700 900,847"]),
        ("ring 07700 900132 sorry 123 at the end", "phone", ["07700 900132", "123"]),
        (
            "the site was w w w dot help dash me dot example dot com",
            "url",
            ["w w w dot help dash me dot example dot com"],
        ),
        ("tracking ZZ00 9918 273 GB says signed for", "number", ["ZZ00 9918 273 GB"]),
        ("we are at zz 99 3 ab", "postcode", ["zz 99 3 ab"]),
        ("zed zed ninety-nine, seven tee tee", "postcode", ["zed zed ninety-nine, seven tee tee"]),
        (
            "zerosevensevenzerozeroninezerozeroonetwothree",
            "number",
            ["zerosevensevenzerozeroninezerozeroonetwothree"],
        ),
    ],
)
def test_what_is_handed_over_in_another_way_is_hidden(text: str, kind: str, values: list[str]) -> None:
    assert hidden(text) == [(kind, value) for value in values]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Mr Sims rang from the bank", "Sims"),
        ("Precious was kind to us", "Precious"),
        ("chantellez new bf kicked the door", "chantellez"),
        ("his mate spud did it", "spud"),
        ("the one they called Beans", "Beans"),
    ],
)
def test_a_name_that_looks_like_a_word_is_hidden_where_it_is_said_to_be_one(text: str, value: str) -> None:
    assert [hid for _, hid in hidden(text)] == [value]


@pytest.mark.parametrize("text", ["O. L. A.", "o-l-a", "O L A"])
def test_a_name_of_the_case_is_hidden_letter_by_letter(text: str) -> None:
    assert [value for _, value in hidden(f"its {text}, three letters", CaseValues(names=("Ola Eze",)))] == [
        text
    ]


def test_the_writers_own_initial_before_their_surname_goes_with_it_in_small_letters() -> None:
    assert hidden("its k doyle here", CaseValues(names=("Kieran Doyle",))) == [("person", "k doyle")]


@pytest.mark.parametrize(
    "text",
    [
        "300,000 people got the same text",
        "a 3-bed with a 50-inch screen since mid-2024",
        "i have covid-19 and my 7-year-old saw",
        "i waited one... two... three days",
        "nine hundred pounds, then four hundred, then two hundred",
        "the underscore of it is he is guilty",
        "they called him twice and my mate ran",
        "my phone is 256 gb and cracked",
        "Hope is all i have",
    ],
)
def test_words_and_counts_that_only_sound_like_it_stay(text: str) -> None:
    assert hidden(text) == []
