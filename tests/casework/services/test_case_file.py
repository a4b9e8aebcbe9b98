import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from casework.model.cases import CaseEvent
from casework.model.stages import Stage
from casework.services.case_file import COLUMNS, CaseFileInvalid, Problem, parse_case_file, render_problems

PAGE = (Path(__file__).parents[3] / "docs" / "case-file.md").read_text("utf-8")

Cells = Mapping[str, object]


def a_row(**changed: object) -> dict[str, object]:
    row: dict[str, object] = {
        "crime_reference": "43260990001",
        "crime_type": "Robbery",
        "stage": "allocated",
        "stage_since": "2026-11-03",
        "oic_name": "DC Test-Maple",
        "oic_collar_number": "TEST1000",
        "oic_contact": "101 extension 0000 (synthetic)",
        "next_update_due": "2026-12-01",
        "victim_name": "Alex Example",
        "contact_mobile": "07700 900001",
        "contact_email": "alex@example.org",
        "safe_contact": "any",
        "enhanced_rights": "yes",
        "language": "en",
        "events": "",
    }
    return row | changed


def as_csv(*rows: Cells, line_end: str = "\n") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_json(*rows: object) -> bytes:
    return json.dumps(list(rows), indent=2).encode()


def problems_in(content: bytes, filename: str = "cases.csv") -> tuple[Problem, ...]:
    with pytest.raises(CaseFileInvalid) as caught:
        parse_case_file(content, filename=filename)
    return caught.value.problems


def places_in(content: bytes, filename: str = "cases.csv") -> list[tuple[int, str]]:
    return [(problem.line, problem.column) for problem in problems_in(content, filename)]


# --- what is taken ------------------------------------------------------------------------------


@pytest.mark.parametrize("filename", ["cases.csv", "CASES.CSV", "cases.json"])
def test_a_case_is_read_whole(filename: str) -> None:
    row = a_row(events='[{"at": "2026-11-05T16:00:00Z", "kind": "update_given", "detail": "by  phone"}]')
    content = as_json(row | {"enhanced_rights": True}) if filename.endswith("json") else as_csv(row)

    [case] = parse_case_file(content, filename=filename)

    assert case.crime_reference == "43260990001"
    assert case.stage == "allocated"
    assert case.stage_since == date(2026, 11, 3)
    assert case.next_update_due == date(2026, 12, 1)
    assert case.oic_contact == "101 extension 0000 (synthetic)"
    assert case.contact_mobile == "+447700900001"
    assert case.contact_email == "alex@example.org"
    assert case.enhanced_rights is True
    assert case.imported_at is None
    at = datetime(2026, 11, 5, 16, 0, tzinfo=UTC)
    assert case.events == (CaseEvent(at=at, kind="update_given", detail="by phone"),)


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_what_may_be_empty_has_its_safest_meaning(nothing: str | None) -> None:
    optional = dict.fromkeys(
        (
            "next_update_due",
            "contact_mobile",
            "contact_email",
            "safe_contact",
            "enhanced_rights",
            "language",
            "events",
        ),
        nothing,
    )

    [case] = parse_case_file(as_json(a_row(**optional)), filename="cases.json")

    assert (case.next_update_due, case.contact_mobile, case.contact_email) == (None, None, None)
    assert case.safe_contact == ""
    assert case.enhanced_rights is None
    assert case.language == "en"
    assert case.events == ()


def test_json_may_leave_out_what_may_be_empty() -> None:
    needed = (*COLUMNS[:7], "victim_name")
    row = {name: value for name, value in a_row().items() if name in needed}

    [case] = parse_case_file(as_json(row), filename="cases.json")

    assert case.safe_contact == ""


def test_excel_s_mark_line_ends_and_dates_are_taken() -> None:
    content = b"\xef\xbb\xbf" + as_csv(
        a_row(stage_since="3/11/2026", next_update_due="01/12/2026"), line_end="\r\n"
    )

    [case] = parse_case_file(content, filename="cases.csv")

    assert (case.stage_since, case.next_update_due) == (date(2026, 11, 3), date(2026, 12, 1))


def test_columns_may_stand_in_any_order_and_blank_lines_are_passed_over() -> None:
    row = dict(reversed(a_row().items()))

    [case] = parse_case_file(as_csv(row) + b"\n,,,,,,,,,,,,,,\n", filename="cases.csv")

    assert case == parse_case_file(as_csv(a_row()), filename="cases.csv")[0]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("07700 900001", "+447700900001"),
        ("07700900001", "+447700900001"),
        ("7700900001", "+447700900001"),
        ("447700900001", "+447700900001"),
        ("+44 (0)7700 900-001", "+447700900001"),
        ("0044 7700 900001", "+447700900001"),
        ("+353 85 012 3456", "+353850123456"),
    ],
)
def test_a_mobile_is_kept_as_e164(written: str, number: str) -> None:
    [case] = parse_case_file(as_csv(a_row(contact_mobile=written)), filename="cases.csv")

    assert case.contact_mobile == number


@pytest.mark.parametrize(
    ("written", "reference"), [("42-990001-26", "42/990001/26"), ("44 26 0990001", "44260990001")]
)
def test_a_reference_is_kept_in_its_canonical_form(written: str, reference: str) -> None:
    [case] = parse_case_file(as_csv(a_row(crime_reference=written)), filename="cases.csv")

    assert case.crime_reference == reference


@pytest.mark.parametrize(
    ("written", "hour"),
    [("2026-07-01T10:30", 9), ("2026-07-01T10:30:00Z", 10), ("2026-07-01 10:30:00+01:00", 9)],
)
def test_an_event_without_a_zone_happened_in_british_time(written: str, hour: int) -> None:
    events = [{"at": written, "kind": "victim_told"}]

    [case] = parse_case_file(as_json(a_row(events=events)), filename="cases.json")

    assert case.events == (
        CaseEvent(at=datetime(2026, 7, 1, hour, 30, tzinfo=UTC), kind="victim_told", detail=""),
    )


def test_events_stand_in_the_order_they_happened() -> None:
    events = [{"at": f"2026-11-0{day}T09:00Z", "kind": "update_given"} for day in (3, 1, 2)]

    [case] = parse_case_file(as_json(a_row(events=events)), filename="cases.json")

    assert [event.at.day for event in case.events] == [1, 2, 3]


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("crime_reference", ""),
        ("crime_reference", "12345"),
        ("crime_reference", "2089/21Nov"),
        ("crime_reference", "43260990005 and 43260990006"),
        ("crime_reference", "43260990005 7"),
        ("crime_reference", "4.32610E+10"),
        ("crime_type", " "),
        ("crime_type", "x" * 201),
        ("crime_type", "Rob\u202ebery"),
        ("stage", "in progress"),
        ("stage", ""),
        ("stage_since", ""),
        ("stage_since", "31/02/2026"),
        ("stage_since", "2026-13-01"),
        ("stage_since", "20261103"),
        ("stage_since", "0026-11-03"),
        ("stage_since", "yesterday"),
        ("oic_name", ""),
        ("oic_collar_number", ""),
        ("oic_contact", ""),
        ("next_update_due", "soon"),
        ("victim_name", ""),
        ("contact_mobile", "07700 900001x"),
        ("contact_mobile", "07700 900001 ext 2"),
        ("contact_mobile", "07700 90000"),
        ("contact_mobile", "01604 123456"),
        ("contact_mobile", "070 1234 5678"),
        ("contact_mobile", "4.477E+11"),
        ("contact_mobile", "none"),
        ("contact_email", "alex at example.org"),
        ("contact_email", "alex@example"),
        ("safe_contact", "do not text"),
        ("enhanced_rights", "maybe"),
        ("language", "English"),
        ("events", "[{"),
        ("events", '{"at": "2026-11-05T16:00:00Z"}'),
        ("events", '["told"]'),
        ("events", '[{"at": "2026-11-05", "kind": "victim_told"}]'),
        ("events", '[{"at": "2026-11-31T10:00Z", "kind": "victim_told"}]'),
        ("events", '[{"kind": "victim_told"}]'),
        ("events", '[{"at": "2026-11-05T16:00:00Z", "kind": "Victim told"}]'),
        ("events", '[{"at": "2026-11-05T16:00:00Z", "kind": "victim_told", "by": "DC"}]'),
        ("events", '[{"at": "2026-11-05T16:00:00Z", "kind": "victim_told", "detail": "\\ud800"}]'),
        ("events", '[{"at": 5, "kind": "victim_told"}]'),
    ],
)
def test_a_bad_cell_is_named_by_its_line_and_column(column: str, written: str) -> None:
    content = as_csv(a_row(), a_row(crime_reference="43260990002") | {column: written})

    assert places_in(content) == [(3, column)]


def test_every_problem_is_told_at_once_and_no_case_is_given() -> None:
    content = as_csv(
        a_row(stage="arested", contact_mobile="1"),
        a_row(crime_reference="43260990002"),
        a_row(crime_reference="43260990003", stage_since="", events="told"),
    )

    assert places_in(content) == [(2, "stage"), (2, "contact_mobile"), (4, "stage_since"), (4, "events")]


def test_a_second_row_of_one_case_is_refused_even_when_it_is_spelt_differently() -> None:
    content = as_csv(a_row(), a_row(crime_reference="4326-0990001"))

    [problem] = problems_in(content)

    assert (problem.line, problem.column) == (3, "crime_reference")
    assert "line 2" in problem.what


def test_two_objects_on_one_line_cannot_hide_a_second_row_of_one_case() -> None:
    content = json.dumps([a_row(), a_row()]).encode()

    assert places_in(content, "cases.json") == [(1, "crime_reference")]


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "events"])
def test_a_missing_column_is_named(name: str) -> None:
    row = {column: value for column, value in a_row().items() if column != name}

    assert places_in(as_csv(row)) == [(1, name)]


def test_events_alone_may_be_missing_from_the_header() -> None:
    row = {column: value for column, value in a_row().items() if column != "events"}

    assert len(parse_case_file(as_csv(row), filename="cases.csv")) == 1


def test_an_unknown_column_is_refused_with_the_nearest_name() -> None:
    row = {("stage_sinse" if name == "stage_since" else name): value for name, value in a_row().items()}

    problems = problems_in(as_csv(row))

    assert [(problem.line, problem.column) for problem in problems] == [
        (1, "stage_since"),
        (1, "stage_sinse"),
    ]
    assert problems[1].remedy == "Did you mean 'stage_since'?"


def test_a_column_named_twice_is_refused() -> None:
    header, row = as_csv(a_row()).decode().splitlines()

    assert places_in(f"{header},stage\n{row},allocated\n".encode()) == [(1, "stage")]


def test_a_row_with_a_stray_comma_is_named() -> None:
    header, row = as_csv(a_row()).decode().splitlines()

    assert places_in(f"{header}\n{row},\n".encode()) == [(2, "")]


def test_a_line_is_counted_through_cells_that_hold_line_breaks() -> None:
    content = as_csv(
        a_row(crime_type="Robbery\nwith a knife"), a_row(crime_reference="43260990002", stage="lost")
    )

    assert places_in(content) == [(4, "stage")]


@pytest.mark.parametrize(
    ("content", "filename", "line"),
    [
        (b"", "cases.csv", 1),
        (b"\xef\xbb\xbf \r\n", "cases.csv", 1),
        (b"", "cases.json", 1),
        (b"[]", "cases.json", 1),
        (as_csv(a_row()).splitlines(keepends=True)[0], "cases.csv", 1),
        (as_csv(a_row()), "cases.xlsx", 1),
        (as_csv(a_row()).replace(b",", b";"), "cases.csv", 1),
        (as_csv(a_row()).replace(b"Alex", b"Zo\xeb"), "cases.csv", 2),
        (as_csv(a_row()).decode().encode("utf-16"), "cases.csv", 1),
        (as_csv(a_row()) + b'"43260990002', "cases.csv", 3),
        (b'[\n{"stage": "allocated",}\n]', "cases.json", 2),
        (b"[\n{}\n{}\n]", "cases.json", 3),
        (b'{"crime_reference": "43260990001"}', "cases.json", 1),
        (b"[{},]", "cases.json", 1),
        (b"[{}] []", "cases.json", 1),
        (b"[", "cases.json", 1),
        (b'[\n"43260990001"\n]', "cases.json", 2),
        (b"[" * 100_000, "cases.json", 1),
    ],
)
def test_a_file_that_cannot_be_read_says_where(content: bytes, filename: str, line: int) -> None:
    problems = problems_in(content, filename)

    assert [problem.line for problem in problems if problem.column == ""] == [line]


def test_json_problems_stand_on_the_line_of_the_name_that_is_wrong() -> None:
    content = as_json(
        a_row(), a_row(crime_reference=43260990002, stage_since="2026-02-31", oic="DC Test-Maple")
    )
    lines = content.decode().splitlines()

    for problem in problems_in(content, "cases.json"):
        assert f'"{problem.column}"' in lines[problem.line - 1]
        assert problem.line > 18
    assert {column for _, column in places_in(content, "cases.json")} == {
        "crime_reference",
        "stage_since",
        "oic",
    }


def test_a_name_a_number_or_an_address_is_never_repeated_in_a_problem() -> None:
    private = {
        "victim_name": "Zed Example\u202e",
        "contact_mobile": "07700 900999x",
        "contact_email": "zed at home",
    }
    with pytest.raises(CaseFileInvalid) as caught:
        parse_case_file(as_csv(a_row(crime_reference="zed 1", **private)), filename="cases.csv")

    told = "\n".join([*render_problems(caught.value), str(caught.value)])

    assert len(caught.value.problems) == 4
    assert not re.search("zed|900999|home", told, re.IGNORECASE)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("private", ["Zed Example", "07700 900999", "zed@example.org", "zed"])
def test_what_slipped_into_the_wrong_column_is_not_repeated_either(column: str, private: str) -> None:
    content = as_csv(a_row() | {column: private})
    told = ""
    try:
        parse_case_file(content, filename="cases.csv")
    except CaseFileInvalid as invalid:
        told = "\n".join([*render_problems(invalid), str(invalid)])

    assert not re.search("zed|900999", told, re.IGNORECASE)


def test_a_file_without_its_first_line_does_not_repeat_its_first_case() -> None:
    [problem] = problems_in(as_csv(a_row(victim_name="Zed Example")).split(b"\n", 1)[1])

    assert (problem.line, problem.column) == (1, "")
    assert "zed" not in (problem.what + problem.remedy).casefold()


def test_after_a_thousand_problems_no_more_are_looked_for() -> None:
    rows = [a_row(crime_reference=f"4326{number:07d}", stage="lost") for number in range(1_500)]

    assert len(problems_in(as_csv(*rows))) == 1_000


@pytest.mark.parametrize(
    ("column", "longest"),
    [("crime_type", 96), ("oic_name", 128), ("oic_collar_number", 32), ("victim_name", 128)],
)
def test_what_no_database_could_keep_is_refused(column: str, longest: int) -> None:
    assert len(parse_case_file(as_csv(a_row(**{column: "x" * longest})), filename="cases.csv")) == 1
    assert places_in(as_csv(a_row(**{column: "x" * (longest + 1)}))) == [(2, column)]


def test_what_is_quoted_back_cannot_write_on_the_operator_s_screen() -> None:
    [line] = render_problems(CaseFileInvalid("cases.csv", problems_in(as_csv(a_row(stage="x" * 90)))))

    assert line.isprintable()
    assert "x" * 41 not in line


def test_a_large_file_is_read_in_the_time_its_length_asks() -> None:
    rows = [a_row(crime_reference=f"4326{number:07d}") for number in range(5_000)]

    assert len(parse_case_file(as_json(*rows), filename="cases.json")) == 5_000


# --- the page says the truth --------------------------------------------------------------------


def block(opening: str) -> str:
    found = re.search(rf"^```{opening}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_two_examples_in_the_page_are_the_same_case() -> None:
    from_csv = parse_case_file(block("csv").encode(), filename="cases.csv")
    from_json = parse_case_file(block("json").encode(), filename="cases.json")

    assert from_csv == from_json
    assert len(from_csv) == 1


def test_the_problems_in_the_page_are_the_ones_waymark_writes() -> None:
    with pytest.raises(CaseFileInvalid) as caught:
        parse_case_file(block("csv wrong").encode(), filename="cases.csv")

    assert render_problems(caught.value) == block("text").splitlines()
    assert str(caught.value) == "cases.csv has 5 problems. Nothing was imported."


def test_the_page_describes_every_column_and_names_every_stage() -> None:
    for name in COLUMNS:
        assert f"| `{name}` |" in PAGE
    for stage in Stage:
        assert f"`{stage}`" in PAGE
