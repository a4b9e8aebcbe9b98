"""Details are found where people write them, and what only looks like one is left alone."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.components.details.detail import Detail
from bot.components.details.reader import DetailReader
from tests.yaml_files import ROOT

TOWNS = (ROOT / "bot/components/towns.txt").read_text(encoding="utf-8")
READER = DetailReader(TOWNS)
SECONDS_FOR_RUBBISH = 1.5


def found(text: str) -> list[tuple[str, str, str]]:
    """Entity, the words it stands on, and its value."""
    return [(one.entity, text[one.start : one.end], one.value) for one in READER.find(text)]


def only(entity: str, text: str) -> list[tuple[str, str]]:
    assert {name for name, _, _ in found(text)} <= {entity}, found(text)
    return [(words, value) for _, words, value in found(text)]


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("it was 12/03/2026", "12/03/2026", "2026-03-12"),
        ("12/3/26 at about 9", "12/3/26", "2026-03-12"),
        ("dob 1-2-1988", "1-2-1988", "1988-02-01"),
        ("dob 01.02.88", "01.02.88", "1988-02-01"),
        ("2026-03-12", "2026-03-12", "2026-03-12"),
        ("on 12/3 he came", "12/3", "12/3"),
        ("12/3", "12/3", "12/3"),
        ("it was 12/03 i think", "12/03", "12/03"),
        ("court 4/12", "4/12", "4/12"),
        ("12th March", "12th March", "12th march"),
        ("on the 12th of march 2026 in the shop", "12th of march 2026", "2026-03-12"),
        ("tues 12th march 2026", "tues 12th march 2026", "2026-03-12"),
        ("3rd of feburary", "3rd of feburary", "3rd of feburary"),
        ("12 mar 26", "12 mar 26", "2026-03-12"),
        ("12mar2026", "12mar2026", "2026-03-12"),
        ("March 12th", "March 12th", "march 12th"),
        ("november the 5th", "november the 5th", "november the 5th"),
        ("sept 4 2025", "sept 4 2025", "2025-09-04"),
        ("12th march 10am", "12th march", "12th march"),
        ("fifth of november", "fifth of november", "fifth of november"),
        ("the twenty-first of June 2025", "twenty-first of June 2025", "2025-06-21"),
        ("it was 2 may", "2 may", "2 may"),
        ("in May 2025", "May 2025", "2025-05"),
        ("since jan", "jan", "jan"),
        ("last march", "last march", "last march"),
        ("next tues", "next tues", "next tues"),
        ("last  Friday", "last  Friday", "last friday"),
        ("is it on sat", "sat", "sat"),
        ("see you monday then", "monday", "monday"),
        ("wensday at 2", "wensday", "wensday"),
        ("yesterday", "yesterday", "yesterday"),
        ("2moro is court", "2moro", "2moro"),
        ("the day before yesterday", "the day before yesterday", "the day before yesterday"),
        ("last nite", "last nite", "last nite"),
        ("3 weeks ago", "3 weeks ago", "3 weeks ago"),
        ("a couple of days ago", "a couple of days ago", "a couple of days ago"),
        ("it was boxing day", "boxing day", "boxing day"),
        ("on the 5th", "5th", "5th"),
        ("by the 21st please", "21st", "21st"),
        ("is it the 3rd?", "3rd", "3rd"),
        ("hearing 31/1/2027.", "31/1/2027", "2027-01-31"),
    ],
)
def test_a_date_is_found(text: str, words: str, value: str) -> None:
    assert only("date", text) == [(words, value)]


@pytest.mark.parametrize(
    "text",
    [
        "he owes me £12.03",
        "he took £20 Jan had saved",
        "£1200 stolen",
        "12.50",
        "at 10.30",
        "10:30 please",
        "24/7",
        "its 10/10 bad",
        "1/2 an hour",
        "3/4 of it",
        "31/02/2026",
        "12/25/2026",
        "sort code 20-10-15",
        "42/94271/23",
        "2089/21Nov",
        "43240012345",
        "on the 5th floor",
        "this is the 3rd time",
        "the 2nd officer i spoke to",
        "on the 1st day",
        "he sat on me",
        "the sun was out",
        "we wed in church",
        "you may be right",
        "the 2 may have gone",
        "i may go",
        "march up to him",
        "every monday",
        "c'mon",
        "my sat nav was stolen",
        "flat 12",
        "2026",
        "SW1A 1AA",
    ],
)
def test_what_looks_like_a_date_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("i live in leeds", "leeds", "Leeds"),
        ("moved from Newcastle upon Tyne", "Newcastle upon Tyne", "Newcastle"),
        ("im at stoke-on-trent station", "stoke-on-trent", "Stoke on Trent"),
        ("KINGS LYNN", "KINGS LYNN", "Kings Lynn"),
        ("king\u2019s lynn", "king\u2019s lynn", "Kings Lynn"),
        ("St. Helens police", "St. Helens", "St Helens"),
        ("saint albans", "saint albans", "St Albans"),
        ("the court is in Bath", "Bath", "Bath"),
        ("i live in bath", "bath", "Bath"),
        ("the Bath one", "Bath", "Bath"),
        ("moved to reading", "reading", "Reading"),
        ("a house in ware", "ware", "Ware"),
        ("he works in sale", "sale", "Sale"),
        ("near deal", "deal", "Deal"),
        ("from rugby", "rugby", "Rugby"),
        ("still living in barry", "barry", "Barry"),
        ("tower hamlets", "tower hamlets", "Tower Hamlets"),
        ("merthyr", "merthyr", "Merthyr Tydfil"),
        ("Hull crown court", "Hull", "Hull"),
        ("up in brum", "brum", "Birmingham"),
    ],
)
def test_a_town_is_found(text: str, words: str, value: str) -> None:
    assert only("town", text) == [(words, value)]


@pytest.mark.parametrize(
    "text",
    [
        "he was in the bath",
        "Bath was run when he came",
        "i was reading it",
        "in reading the letter",
        "i have to deal with him",
        "for sale online",
        "he plays rugby",
        "beware of him",
        "my ex Barry hit me",
        "a message from barry",
        "DC Bradford rang",
        "mrs lincoln",
        "12 Chester Road",
        "we bury him",
        "New York",
        "leave me alone",
        "i live with him",
        "HE PUT ME IN THE BATH",
        "going to settle",
        "the street light",
    ],
)
def test_what_looks_like_a_town_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("07700900123", "07700900123", "+447700900123"),
        ("ring 07700 900 123 after 5", "07700 900 123", "+447700900123"),
        ("+44 7700 900123", "+44 7700 900123", "+447700900123"),
        ("+44 (0)7700 900123.", "+44 (0)7700 900123", "+447700900123"),
        ("0044 7700900123", "0044 7700900123", "+447700900123"),
        ("447700900123", "447700900123", "+447700900123"),
        ("O77OO 9OO123", "O77OO 9OO123", "+447700900123"),
        ("020 7946 0123", "020 7946 0123", "+442079460123"),
        ("(0113) 496 0123", "(0113) 496 0123", "+441134960123"),
        ("mine (07700 900123)", "07700 900123", "+447700900123"),
        ("01632-960123", "01632-960123", "+441632960123"),
        ("0808 157 0123", "0808 157 0123", "+448081570123"),
    ],
)
def test_a_telephone_number_is_found(text: str, words: str, value: str) -> None:
    assert only("phone_number", text) == [(words, value)]


@pytest.mark.parametrize(
    "text",
    [
        "999",
        "call 101",
        "43240012345",
        "44230492231",
        "190000 12345",
        "0770090012",
        "077009001234",
        "4929 0770 0900 1234",
        "my crime number is 01632 960123",
        "ref: 0123456789",
        "£07700900123",
        "12-34-56 12345678",
    ],
)
def test_what_looks_like_a_telephone_number_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("im 13", ["13"]),
        ("i'm only 15 please help", ["15"]),
        ("I\u2019m 12 years old", ["12"]),
        ("i am fourteen", ["14"]),
        ("my daughter is 8", ["8"]),
        ("my son jack is 7 and scared", ["7"]),
        ("my son, 9, saw it", ["9"]),
        ("my 8 year old", ["8"]),
        ("a six-year-old boy", ["6"]),
        ("my lad (10) was there", ["10"]),
        ("shes 8", ["8"]),
        ("she's only 6", ["6"]),
        ("kids are 8, 6 and 4", ["8", "6", "4"]),
        ("daughters aged 5 and 9", ["5", "9"]),
        ("age 11", ["11"]),
        ("10yo", ["10"]),
    ],
)
def test_the_age_of_a_child_is_found(text: str, ages: list[str]) -> None:
    assert [value for _, value in only("age", text)] == ages


@pytest.mark.parametrize(
    "text",
    [
        "im 34",
        "my mum is 70",
        "my daughter is 25",
        "im 10 mins away",
        "im 5 months gone",
        "im 12 weeks pregnant",
        "she is 5 ft 2",
        "im 1 of 3 victims",
        "he is 2 doors down",
        "im at number 12",
        "i was 12",
        "when i was 8 years old",
        "it happened when she was 6 years old",
        "a 6 year old car",
        "under age 16",
        "im 10/10 scared",
        "im 2 years clean",
        "im 5 miles off",
        "i am one of them",
        "my son is one of them",
        "its been 3 years",
    ],
)
def test_what_looks_like_an_age_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_several_details_come_in_order() -> None:
    text = "im 15, on 3/4/26 in Luton he took my phone, ring my mum on 07700 900123"
    assert [(entity, value) for entity, _, value in found(text)] == [
        ("age", "15"),
        ("date", "2026-04-03"),
        ("town", "Luton"),
        ("phone_number", "+447700900123"),
    ]


def test_a_span_that_is_taken_is_not_marked_again() -> None:
    text = "2089 21 Nov in Leeds"
    assert READER.find(text, [(0, 11)]) == [Detail("town", "Leeds", 15, 20)]


def test_the_list_of_towns_has_names_enough_and_none_twice() -> None:
    entries = [
        entry.split("=")[0].strip().lower()
        for line in TOWNS.splitlines()
        if not line.startswith("#")
        for entry in line.split(",")
        if entry.strip()
    ]
    names = [entry.lstrip("~!") for entry in entries]
    assert len(names) > 1100
    assert sorted(names) == sorted(set(names))


@given(st.text(alphabet=st.characters(), max_size=200))
@settings(max_examples=300)
def test_any_text_gives_spans_that_are_in_it_and_apart(text: str) -> None:
    details = READER.find(text)
    assert all(0 <= one.start < one.end <= len(text) for one in details)
    assert all(one.end <= two.start for one, two in pairwise(details))


@pytest.mark.parametrize(
    "part",
    [
        "1 ",
        "12/",
        "1-",
        "a",
        " ",
        "mon the ",
        "0 7 ",
        "my son is 1,",
        "st ",
        "i am only just ",
        "first of ",
        "stoke on ",
    ],
)
def test_ten_thousand_characters_of_rubbish_take_bounded_time(part: str) -> None:
    text = (part * 10_000)[:10_000]
    started = time.process_time()
    READER.find(text)
    assert time.process_time() - started < SECONDS_FOR_RUBBISH
