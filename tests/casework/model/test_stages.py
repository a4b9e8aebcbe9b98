from datetime import UTC, date, datetime

import pytest

from casework.model.cases import Case, CaseEvent
from casework.model.stages import HUMAN_FIRST, Stage, is_human_first, is_human_first_crime, needs_human_first


def a_case(
    *,
    crime_type: str = "Domestic abuse - assault",
    stage: str = "released_on_bail",
    events: tuple[CaseEvent, ...] = (),
    imported_at: datetime | None = None,
) -> Case:
    return Case(
        crime_reference="43260990001",
        crime_type=crime_type,
        stage=stage,
        stage_since=date(2026, 11, 17),
        oic_name="DC Test-Maple",
        oic_collar_number="TEST1000",
        oic_contact="101 extension 0000 (synthetic)",
        next_update_due=None,
        victim_name="Alex Example",
        contact_mobile="+447700900001",
        contact_email=None,
        safe_contact="any",
        enhanced_rights=None,
        language="en",
        events=events,
        imported_at=imported_at,
    )


def told(day: int, *, kind: str = "victim_told", detail: str = "") -> CaseEvent:
    return CaseEvent(at=datetime(2026, 11, day, 9, 0, tzinfo=UTC), kind=kind, detail=detail)


def test_there_are_22_stages_and_12_of_them_a_person_tells_first() -> None:
    assert len(Stage) == 22
    assert len(HUMAN_FIRST) == 12


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_reads_the_same_as_text(stage: Stage) -> None:
    assert is_human_first(stage) == is_human_first(stage.value) == (stage in HUMAN_FIRST)


def test_a_stage_nobody_knows_is_told_by_a_person() -> None:
    assert is_human_first("escaped")
    assert needs_human_first(a_case(stage="escaped"))


@pytest.mark.parametrize("stage", Stage)
def test_after_domestic_abuse_exactly_the_dangerous_stages_wait_for_a_person(stage: Stage) -> None:
    assert needs_human_first(a_case(stage=stage)) == (stage in HUMAN_FIRST)


@pytest.mark.parametrize("stage", Stage)
def test_after_a_burglary_no_stage_waits(stage: Stage) -> None:
    assert not needs_human_first(a_case(crime_type="Burglary - residential", stage=stage))


@pytest.mark.parametrize(
    "crime_type",
    [
        "Domestic abuse",
        "ASSAULT (DOMESTIC)",
        "DA related criminal damage",
        "Coercive or controlling behaviour",
        "Non-fatal strangulation",
        "Stalking involving fear of violence",
        "stalker",
        "Sexual assault",
        "Sex offence",
        "Rape",
        "Attempted rape",
        "Indecent exposure",
        "Voyeurism",
        "Disclosure of private intimate images",
        "Honour-based abuse",
        "so-called honor based violence",
        "HBA",
        "Forced marriage",
        "Female genital mutilation",
    ],
)
def test_the_crimes_of_the_rule_are_known_by_many_names(crime_type: str) -> None:
    assert is_human_first_crime(crime_type)


@pytest.mark.parametrize(
    "crime_type",
    [
        "Burglary",
        "Criminal damage",
        "Robbery",
        "Fraud",
        "Controlled drugs",
        "Essex lorry theft",
        "Harassment",
        "Arson",
    ],
)
def test_other_crimes_are_not_taken_for_them(crime_type: str) -> None:
    assert not is_human_first_crime(crime_type)


@pytest.mark.parametrize(("day", "waits"), [(16, True), (17, False), (18, False)])
def test_being_told_counts_from_the_day_the_stage_began(day: int, waits: bool) -> None:
    assert needs_human_first(a_case(events=(told(day),))) is waits


def test_another_kind_of_event_tells_nobody() -> None:
    assert needs_human_first(a_case(events=(told(18, kind="stage_changed"), told(18, kind="call_attempted"))))


def test_being_told_of_another_stage_the_same_day_does_not_count() -> None:
    assert needs_human_first(a_case(events=(told(17, detail="arrested"),)))
    assert not needs_human_first(a_case(events=(told(17, detail="released_on_bail"),)))
    assert not needs_human_first(a_case(events=(told(17, detail="by phone"),)))


def test_a_call_planned_for_after_the_import_does_not_count_yet() -> None:
    imported_at = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)

    assert needs_human_first(a_case(events=(told(18),), imported_at=imported_at))
    assert not needs_human_first(a_case(events=(told(17),), imported_at=imported_at))
