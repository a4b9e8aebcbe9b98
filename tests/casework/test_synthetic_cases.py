import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from casework.model.cases import Case
from casework.model.stages import Stage, needs_human_first
from casework.services.case_file import parse_case_file

FOLDER = Path(__file__).parents[2] / "data" / "cases"
WRITTEN_ON = date(2026, 11, 21)


def read(filename: str) -> list[Case]:
    return parse_case_file((FOLDER / filename).read_bytes(), filename=filename)


CASES = read("synthetic_cases.json")


def test_csv_and_json_say_the_same() -> None:
    assert read("synthetic_cases.csv") == CASES


def test_there_are_forty_over_every_stage() -> None:
    assert len(CASES) == 40
    assert {case.stage for case in CASES} == {stage.value for stage in Stage}


def test_four_forces_ways_of_writing_a_reference_are_there() -> None:
    starts = Counter(re.sub(r"^2[56]000.*", "northants", case.crime_reference)[:2] for case in CASES)

    assert starts == {"43": 10, "44": 10, "42": 10, "no": 10}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.crime_reference)
def test_nobody_in_them_could_be_real(case: Case) -> None:
    assert re.fullmatch(r"\+4477009000[0-4][0-9]", case.contact_mobile or "")
    assert case.contact_email is None or case.contact_email.endswith("@example.org")
    assert re.search(r"Example|Sample|Testcase|Placeholder", case.victim_name)
    assert re.search(r"Test-|synthetic", case.oic_name)
    assert case.oic_collar_number.startswith("TEST")
    assert "synthetic" in case.oic_contact
    assert "99" in case.crime_reference


def test_each_has_a_name_and_a_mobile_of_its_own() -> None:
    assert sorted(case.contact_mobile or "" for case in CASES) == [
        f"+4477009000{n:02d}" for n in range(1, 41)
    ]
    assert len({case.victim_name for case in CASES}) == 40


def test_an_officer_has_one_collar_number() -> None:
    assert len({case.oic_name for case in CASES}) == len({case.oic_collar_number for case in CASES})


def test_nothing_in_them_has_yet_to_happen_but_the_next_update() -> None:
    for case in CASES:
        assert case.stage_since < WRITTEN_ON
        assert all(event.at < datetime(2026, 11, 21, tzinfo=UTC) for event in case.events)
        assert case.next_update_due is None or case.next_update_due > WRITTEN_ON


def test_the_hard_cases_are_there() -> None:
    assert {case.safe_contact for case in CASES} == {"any", "reply_only", "none"}
    assert {case.enhanced_rights for case in CASES} == {True, False, None}
    assert {case.next_update_due is None for case in CASES} == {True, False}
    assert sum(needs_human_first(case) for case in CASES) >= 5
    told = [case for case in CASES if any(event.kind == "victim_told" for event in case.events)]
    assert len(told) >= 4
    assert not any(needs_human_first(case) for case in told)
