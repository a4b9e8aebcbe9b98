"""Reading a force's case file, CSV or JSON: every case in it, or every problem in it, never half.

The format is docs/case-file.md. Bytes become rows in case_file_rows, cells become values in case_file_cells.
"""

from collections.abc import Callable, Mapping, Sequence

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
from casework.services.case_file_rows import COLUMNS, Problem, Row, read_object, read_rows
from casework.services.packed_cases import PackedCases

__all__ = [
    "COLUMNS",
    "CaseFileInvalid",
    "Problem",
    "pack_case_file",
    "parse_case",
    "parse_case_file",
    "render_problems",
]

MOST_PROBLEMS = 1_000  # nobody reads more, and a wrong column has one in every line
PROGRESS_ROWS = 1_000


class CaseFileInvalid(WaymarkError):
    """A case file with anything wrong in it. `problems` says all of it; none of it may be imported."""

    def __init__(self, filename: str, problems: Sequence[Problem]) -> None:
        counted = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{filename} has {counted}. Nothing was imported.")
        self.problems = tuple(problems)


def parse_case_file(content: bytes, *, filename: str) -> list[Case]:
    """Every case, in the order of the file. `filename` ends in .csv or .json. Raises CaseFileInvalid."""
    return [case for chunk in pack_case_file(content, filename=filename) for case in chunk]


def pack_case_file(
    content: bytes, *, filename: str, on_progress: Callable[[int], None] = lambda _count: None
) -> PackedCases:
    """As parse_case_file, for a file of any length: the cases take little room until they are looked at."""
    problems: list[Problem] = []
    first_line: dict[str, int] = {}
    packed = PackedCases()
    for count, row in enumerate(read_rows(content, filename=filename, problems=problems), start=1):
        case = _parse_row(row)
        _check_reference_is_new(row, case, first_line)
        if not problems:
            packed.add(case)
        if len(problems) >= MOST_PROBLEMS:
            break
        if count % PROGRESS_ROWS == 0:
            on_progress(count)
    if problems:
        raise CaseFileInvalid(filename, sorted(problems, key=lambda problem: problem.line))
    return packed


def parse_case(cells: Mapping[str, object]) -> Case:
    """One case as a JSON object. Raises CaseFileInvalid."""
    problems: list[Problem] = []
    case = _parse_row(read_object(cells, problems))
    if problems:
        raise CaseFileInvalid("the case", problems)
    return case


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


def _check_reference_is_new(row: Row, case: Case, first_line: dict[str, int]) -> None:
    if not case.crime_reference:
        return
    if case.crime_reference in first_line:
        what = f"the case on line {first_line[case.crime_reference]} has the same crime reference"
        row.refuse("crime_reference", what, "Keep one row for each case.")
    first_line.setdefault(case.crime_reference, row.line)
