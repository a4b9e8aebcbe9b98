"""Reading a force's case file, CSV or JSON: every case in it, or every problem in it, never half.

The format is docs/case-file.md. Bytes become rows in case_file_rows, cells become values in case_file_cells.
"""

from collections.abc import Sequence

from casework.model.cases import Case
from casework.model.errors import WaymarkError
from casework.services.case_file_cells import (
    find_date,
    find_email,
    find_enhanced_rights,
    find_mobile,
    get_crime_reference,
    get_date,
    get_events,
    get_language,
    get_safe_contact,
    get_stage,
    get_text,
)
from casework.services.case_file_rows import COLUMNS, Problem, Row, read_rows

__all__ = ["COLUMNS", "CaseFileInvalid", "Problem", "parse_case_file", "render_problems"]


class CaseFileInvalid(WaymarkError):
    """A case file with anything wrong in it. `problems` says all of it; none of it may be imported."""

    def __init__(self, filename: str, problems: Sequence[Problem]) -> None:
        counted = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{filename} has {counted}. Nothing was imported.")
        self.problems = tuple(problems)


def parse_case_file(content: bytes, *, filename: str) -> list[Case]:
    """Every case, in the order of the file. `filename` ends in .csv or .json. Raises CaseFileInvalid."""
    problems: list[Problem] = []
    rows = read_rows(content, filename=filename, problems=problems)
    cases = [_parse_row(row) for row in rows]
    _check_references_differ(rows, cases)
    if problems:
        raise CaseFileInvalid(filename, sorted(problems, key=lambda problem: problem.line))
    return cases


def render_problems(error: CaseFileInvalid) -> list[str]:
    """One line of plain English for each problem, in the order of the file."""
    return [f"{_place(problem)}: {problem.what}. {problem.remedy}" for problem in error.problems]


def _place(problem: Problem) -> str:
    return f"line {problem.line}, column {problem.column}" if problem.column else f"line {problem.line}"


def _parse_row(row: Row) -> Case:
    return Case(
        crime_reference=get_crime_reference(row),
        crime_type=get_text(row, "crime_type"),
        stage=get_stage(row),
        stage_since=get_date(row, "stage_since"),
        oic_name=get_text(row, "oic_name"),
        oic_collar_number=get_text(row, "oic_collar_number"),
        oic_contact=get_text(row, "oic_contact"),
        next_update_due=find_date(row, "next_update_due"),
        victim_name=get_text(row, "victim_name"),
        contact_mobile=find_mobile(row),
        contact_email=find_email(row),
        safe_contact=get_safe_contact(row),
        enhanced_rights=find_enhanced_rights(row),
        language=get_language(row),
        events=get_events(row),
    )


def _check_references_differ(rows: Sequence[Row], cases: Sequence[Case]) -> None:
    first_line: dict[str, int] = {}
    for row, case in zip(rows, cases, strict=True):
        if not case.crime_reference:
            continue
        if case.crime_reference in first_line:
            what = f"the case on line {first_line[case.crime_reference]} has the same crime reference"
            row.refuse("crime_reference", what, "Keep one row for each case.")
        first_line.setdefault(case.crime_reference, row.line)
