"""The names of a case are hidden however they are written; others where words beside them or a list say so.

Red when, each tried once: a slip is not borne, "May" is a name behind "in", or doubled letters are looked up as
they are.
"""

import pytest

from casework.model.masking import CaseValues
from tests.casework.model.masking_cases import hidden, mask

CASE = CaseValues(
    names=("Kieran O'Neill", "May Bell"),
    officers=("DC Farida Test-Mistry",),
    phones=("+447700900123",),
    emails=("kieran@example.org",),
    references=("42/990001/26",),
    others=("4471",),
)


@pytest.mark.parametrize(
    "value",
    [
        "kieran",
        "KIERAN",
        "Kierán",
        "keiran",
        "kierran",
        "kierans",
        "k i e r a n",
        "ki\u200beran",
        "kier\u0430n",
    ],
)
def test_a_name_of_the_case_is_hidden_however_it_is_written(value: str) -> None:
    assert hidden(f"so {value} went", CASE) == [("person", value)]


@pytest.mark.parametrize("value", ["oneill", "O'Neill", "o neill", "O\u2019Neill"])
def test_a_surname_in_two_parts_is_one(value: str) -> None:
    assert hidden(f"so {value} went", CASE) == [("person", value)]


def test_numbers_and_addresses_of_the_case_are_hidden_where_nothing_says_what_they_are() -> None:
    assert hidden("farida 4471 said", CASE) == [("officer", "farida"), ("number", "4471")]
    assert hidden("test-mistry said", CASE) == [("officer", "test"), ("officer", "mistry")]
    assert hidden("a test of DNA", CASE) == []
    assert hidden("on 7700 900 123", CASE) == [("phone", "7700 900 123")]


def test_a_name_that_is_also_an_ordinary_word_is_hidden_where_it_is_a_name() -> None:
    assert hidden("may i ask, it was in May", CASE) == []
    assert hidden("Thank you. May", CASE) == [("person", "May")]
    assert hidden("may bell here", CASE) == [("person", "may bell")]
    assert hidden("its kieran c-bell now", CASE) == [("person", "kieran"), ("person", "bell")]
    assert hidden("so Ola's mum came", CaseValues(names=("Ola Eze",))) == [("person", "Ola's")]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("my name is oluwaseun ok", "person", "oluwaseun"),
        ("i spoke to PC Hollis", "officer", "Hollis"),
        ("pc hollis told me", "officer", "hollis"),
        ("it was Mrs Ottoline Crabbe", "person", "Ottoline Crabbe"),
        ("any news? thanks, Tamsyn", "person", "Tamsyn"),
        ("his mate connor drove", "person", "connor"),
        ("we live in Fareham now", "place", "Fareham"),
        ("he goes to Mockley Primary", "place", "Mockley Primary"),
    ],
)
def test_names_nobody_told_us_of_are_seen_by_their_words(text: str, kind: str, value: str) -> None:
    assert hidden(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "i am scared and this is the third time",
        "the officer misheard me",
        "my names been written on the wall",
        "i hope you will mark it, grace period is over",
        "reading my statement took ages",
        "I WANT TO KNOW WHAT IS HAPPENING",
        "thanks for everything",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert hidden(text) == []


def test_one_person_has_one_fake_whichever_way_they_are_called() -> None:
    text = mask("kieran said that kierans mate knows Keiran", CASE).text.split()

    assert text[3] == text[0] + "s"
    assert text[-1].casefold() == text[0]
