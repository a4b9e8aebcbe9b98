"""Dates of birth as people tell them: joined, misspelt, in dialect, by a feast, in another language, a child's.

Red when, tried once: the rules are as they were before `child_dates.py` and `calendar_words.py`.
"""

import pytest

from tests.casework.model.masking_cases import hidden


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Child 1: 05/05/2019", "05/05/2019"),
        ("My little girl, 19/01/2019, saw it", "19/01/2019"),
        ("Year 6, 25-03-2016, she is small for it", "25-03-2016"),
        ("born twinty-fifth o January 1966", "twinty-fifth o January 1966"),
        ("he is nine, 25/12/2016, a winter baby", "25/12/2016"),
        ("i had her on 12 Jan 2020 and he came", "12 Jan 2020"),
        ("it was 12,04,1985 on the form", "12,04,1985"),
        ("me mam is 18th o' April nineteen fifty", "18th o' April nineteen fifty"),
        ("my dob 31stoct07 if you want it", "31stoct07"),
        ("nacido el 12 de abril de 1985", "12 de abril de 1985"),
        ("dob twelve four eighty-five", "twelve four eighty-five"),
        ("1952 I was born, before any of this", "1952"),
        ("i was 9th Febuary 1962 on the letter", "9th Febuary 1962"),
        ("the 12th of the 4th 1985 is right", "the 12th of the 4th 1985"),
    ],
)
def test_a_birth_date_is_hidden_however_it_is_told(text: str, value: str) -> None:
    assert hidden(text) == [("birth_date", value)]


def test_a_feast_told_before_the_birth_and_the_date_behind_it_are_both_hidden() -> None:
    told = hidden("St Andrew's Day 1961 I was born, that is 30/11/61")

    assert [value for _, value in told] == ["St Andrew's Day 1961", "30/11/61"]


@pytest.mark.parametrize(
    "text",
    [
        "he came 3 may 10ish and again 12 oct 15:30",
        "my daughter was followed on 12/04/2025 from school",
        "my son got a letter dated 14/08/2026",
        "the baby was asleep on 12/04/2026 when they came in",
        "year 6 trip was 14/05/2026 and he waited there",
    ],
)
def test_a_day_on_which_something_happened_stays(text: str) -> None:
    assert hidden(text) == []
