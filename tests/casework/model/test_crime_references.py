import time
from datetime import date

import pytest

from casework.model.crime_references import (
    FORMATS,
    is_incident_number,
    parse_crime_reference,
    parse_formats,
)
from casework.model.errors import SettingsInvalid


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("43240012345", "43240012345"),
        ("its 43240012345 i think", "43240012345"),
        ("43 24 0012345", "43240012345"),
        ("4324-001-2345.", "43240012345"),
        ("43 - 24 - 0012345", "43240012345"),
        ("ref:43240012345", "43240012345"),
        ("ref43240012345thanks", "43240012345"),
        ("crime no43240012345", "43240012345"),
        ("432400l2345", "43240012345"),
        ("4324OO12345", "43240012345"),
        ("43240O12345 i think", "43240012345"),
        ("432400I2345, is that right", "43240012345"),
        ("４３２４００１２３４５", "43240012345"),
        ("43–24–0012345", "43240012345"),
        ("4324\u200b0012345", "43240012345"),
        ("٤٣٢٤٠٠١٢٣٤٥", "43240012345"),
        ("43,240,012,345", "43240012345"),
        ("44230492231", "44230492231"),
        ("my hampshire one is 44 23 049 2231", "44230492231"),
        ("42/94271/23", "42/94271/23"),
        ("42 94271 23", "42/94271/23"),
        ("42-94271-23", "42/94271/23"),
        ("42/094271/23", "42/94271/23"),
        ("42/94271/2023", "42/94271/23"),
        ("42/9427l/23", "42/94271/23"),
        ("42/7/26", "42/7/26"),
        ("its essex 42 / 94271 / 23 ok", "42/94271/23"),
        ("26000712345", "26000712345"),
        ("190000 12345", "19000012345"),
        ("43240012345 or 44230492231", "43240012345"),
        ("44230492231 not 43240012345", "44230492231"),
        ("my number is 07700 900123 and the ref is 43240012345", "43240012345"),
        ("43240012345\n07700900123", "43240012345"),
    ],
)
def test_a_reference_is_found_however_it_is_typed(text: str, reference: str) -> None:
    assert parse_crime_reference(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "has anything happened",
        "07700 900123",
        "+447700900123",
        "447700900123",
        "44 7700 900 12 3",
        "+44 16977 2345",
        "0808 2000 247",
        "my code is 421234",
        "123456",
        "4324001234",
        "432400123456",
        "he took £43240012345",
        "43990012345",
        "21/11/2026",
        "2089/21Nov",
        "oil lol I O",
        "42 is my age, 7 is his",
        "42//23",
        "42/1234567/23",
    ],
)
def test_what_is_no_reference_is_not_taken_for_one(text: str) -> None:
    assert parse_crime_reference(text) is None


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.force)
def test_each_force_s_example_is_in_its_canonical_form(form) -> None:  # type: ignore[no-untyped-def]
    assert parse_crime_reference(form.example) == form.example


def test_a_canonical_reference_stays_as_it_is() -> None:
    for text in ("42 094271 2023", "43-24-0012345", "19 0000 12345"):
        reference = parse_crime_reference(text)
        assert reference is not None
        assert parse_crime_reference(reference) == reference


@pytest.mark.parametrize(
    "text",
    [
        "2089/21Nov",
        "2089/21NOV24",
        "ref 2089/21nov please",
        "cad 2089/21 November",
        "2089 / 21 Nov",
        "CAD 2089",
        "my CAD number is 2089",
        "incident number 345",
        "log no: 12",
    ],
)
def test_a_log_number_is_told_apart(text: str) -> None:
    assert is_incident_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "43240012345",
        "incident number 43240012345",
        "the incident 3 weeks ago",
        "he calls me 24/7 may be more",
        "21/11/2026",
        "my cadet ref 12",
        "2089/21Nov, crime number 42/94271/23",
    ],
)
def test_what_is_no_log_number_is_not_taken_for_one(text: str) -> None:
    assert not is_incident_number(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["4", "43 ", "42/", "o", "l1", "42 1 ", "-", "43" + " " * 3, "cad ", "2089/", "٤"]
)
def test_a_hostile_text_costs_no_more_than_its_length(piece: str) -> None:
    text = piece * (400_000 // len(piece))

    started = time.process_time()
    parse_crime_reference(text)
    is_incident_number(text)

    assert time.process_time() - started < 5


def test_another_force_is_another_row_of_the_table() -> None:
    row = {"force": "Testshire", "parts": ["9#", "1-3#", "20?##"], "joined": "-", "example": "91-7-26"}
    [form] = parse_formats([row | {"source": "made up", "review_by": date(2027, 5, 21)}])

    found = form.pattern.search("ref is 91 / 007 / 2026 thanks")

    assert found is not None
    assert form.canonical(found) == "91-7-26"


@pytest.mark.parametrize(
    "wrong", [{"example": "no"}, {"parts": ["9+", "#"]}, {"source": ""}, {"example": "91-07-26"}]
)
def test_a_format_that_cannot_be_right_is_refused(wrong: dict[str, object]) -> None:
    row = {"force": "Testshire", "parts": ["9#", "1-3#", "20?##"], "joined": "-", "example": "91-7-26"}

    with pytest.raises(SettingsInvalid):
        parse_formats([row | {"source": "made up", "review_by": date(2027, 5, 21)} | wrong])
