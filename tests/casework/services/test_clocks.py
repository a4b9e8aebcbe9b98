"""The Code clocks over the cases: each event starts its clocks once, and what was not done in time is told once."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, desk_item, running_clock
from casework.model.cases import CaseEvent
from casework.model.desk import Grade, HandoffReason
from casework.services import clocks
from casework.services.kept_informed import mark_read, tells_news
from tests.support.builders import REFERENCE, VICTIM
from tests.support.line import Line
from tests.support.news import (
    INFORMED,
    happens,
    note_overdue_clocks,
    say_case,
    settle_notices,
    stage_becomes,
)

FLAGGED = "Domestic abuse - assault"
RULES = INFORMED.code
# The calendar without its last years.
SHORT = replace(
    INFORMED, code=replace(RULES, working_days=replace(RULES.working_days, known_until=date(2026, 11, 20)))
)


def kept(line: Line) -> list[tuple[str, str, date]]:
    return [(row.clock_id, row.status, row.due_on) for row in sorted(line.rows(running_clock), key=_order)]


def _order(row: Any) -> tuple[datetime, str]:
    return row.started_at, row.clock_id


def items(line: Line, reason: str = "clock_overdue") -> list[tuple[int, str]]:
    return [(row.grade, row.status) for row in line.rows(desk_item, reason=reason)]


def reads(line: Line) -> None:
    conversation_id = line.open(VICTIM)
    line.database.write_now(lambda tx: mark_read(tx, REFERENCE, conversation_id, informed=INFORMED))


def next_due(line: Line) -> date | None:
    return line.database.read_now(lambda tx: clocks.next_due_for_victim(tx, REFERENCE, rules=RULES))


# --- starting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_enhanced", "due"),
    # Saturday 21 November 2026.
    [(False, date(2026, 11, 27)), (True, date(2026, 11, 23)), (None, date(2026, 11, 23))],
)
def test_an_arrest_starts_its_clock_by_the_victims_rights(
    line: Line, is_enhanced: bool | None, due: date
) -> None:
    say_case(line, enhanced_rights=is_enhanced)
    stage_becomes(line, "arrested")

    assert kept(line) == [("investigation_step", "running", due)]
    assert line.row(running_clock).is_enhanced is (is_enhanced is not False)


def test_a_flagged_crime_has_the_enhanced_limit_though_the_file_says_no(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, enhanced_rights=False)
    stage_becomes(line, "arrested")

    assert kept(line) == [("investigation_step", "running", date(2026, 11, 23))]


def test_one_event_starts_a_clock_once_however_often_it_is_told(line: Line) -> None:
    say_case(line)
    for _ in range(2):
        stage_becomes(line, "arrested", at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC), event_id="e1")
    stage_becomes(line, "arrested", at=datetime(2026, 11, 20, 9, 5, tzinfo=UTC), event_id="e2")
    say_case(line, stage="arrested", stage_since=date(2026, 11, 20))

    assert [clock_id for clock_id, _, _ in kept(line)] == ["investigation_step"]


def test_a_second_arrest_after_a_release_is_another_clock(line: Line) -> None:
    say_case(line)
    for day, stage in ((17, "arrested"), (18, "released_on_bail"), (20, "arrested")):
        stage_becomes(line, stage, at=datetime(2026, 11, day, 9, 0, tzinfo=UTC))

    assert len(kept(line)) == 3


def test_of_a_case_that_is_new_here_only_what_may_still_be_running_starts(line: Line) -> None:
    events = tuple(
        CaseEvent(at=datetime(2026, 11, day, 9, 0, tzinfo=UTC), kind="stage_changed", detail=stage)
        for day, stage in ((10, "arrested"), (20, "released_on_bail"))
    )
    say_case(line, stage="released_on_bail", stage_since=date(2026, 11, 20), events=events)

    assert kept(line) == [("investigation_step", "running", date(2026, 11, 27))]
    assert line.row(running_clock).started_by == "released_on_bail"


def test_the_referral_is_owed_once_from_the_first_event_whatever_order_they_come_in(line: Line) -> None:
    say_case(line, stage="reported", stage_since=date(2026, 11, 18))
    happens(line, "recorded", at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))
    happens(line, "reported", at=datetime(2026, 11, 19, 9, 0, tzinfo=UTC))

    assert kept(line) == [
        ("support_referral", "running", date(2026, 11, 23)),
        ("support_referral", "void", date(2026, 11, 24)),
    ]


def test_a_referral_that_fell_due_before_the_case_came_here_is_not_owed_anew(line: Line) -> None:
    reported = CaseEvent(at=datetime(2026, 11, 2, 9, 0, tzinfo=UTC), kind="reported", detail="")
    say_case(line, stage="reported", stage_since=date(2026, 11, 2), events=(reported,))
    happens(line, "recorded")

    assert kept(line) == []


# --- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["arrested", "released_on_bail"])
def test_telling_the_victim_meets_the_clock_of_what_they_were_told(line: Line, stage: str) -> None:
    say_case(line)
    stage_becomes(line, "arrested", at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))
    stage_becomes(line, "released_on_bail", at=datetime(2026, 11, 20, 18, 0, tzinfo=UTC))
    happens(line, "victim_told", stage)

    met = [row.started_by for row in line.rows(running_clock, status="met")]
    assert met == [stage]
    assert line.row(running_clock, status="met").met_at is not None


def test_a_file_that_says_both_meets_the_clock_at_once(line: Line) -> None:
    say_case(line)
    told = CaseEvent(at=datetime(2026, 11, 21, 11, 0, tzinfo=UTC), kind="victim_told", detail="")
    say_case(line, stage="arrested", stage_since=date(2026, 11, 20), events=(told,))

    assert line.row(running_clock).met_at == told.at


def test_a_referral_meets_the_referral_and_an_update_does_not(line: Line) -> None:
    say_case(line, stage="reported", stage_since=date(2026, 11, 20))
    happens(line, "recorded")
    happens(line, "victim_told")
    assert kept(line)[0][1] == "running"

    happens(line, "referred_to_support")
    assert kept(line)[0][1] == "met"


def test_reading_the_stage_meets_what_asks_for_no_more_than_that(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "arrested")
    reads(line)

    row = line.row(running_clock)
    assert (row.status, row.met_at) == ("met", None)
    assert row.read_at is not None


def test_reading_a_stage_does_not_count_as_being_told_a_date_or_reasons(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "court_date_set")
    reads(line)

    row = line.row(running_clock)
    assert (row.clock_id, row.status) == ("hearing_date", "running")
    assert row.read_at is not None
    line.clock.advance(days=5)
    counts = line.database.read_now(lambda tx: clocks.count_rights(tx, rules=RULES))
    assert counts["right_8"].overdue == 1


def test_what_is_withheld_is_not_read(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 20))
    stage_becomes(line, "released_on_bail")
    reads(line)

    assert line.row(running_clock).read_at is None


@pytest.mark.parametrize(
    ("response", "tells"),
    [
        ("utter_stage_arrested", True),
        ("utter_next_with_cps", True),
        ("utter_outcome_not_enough_evidence", True),
        ("utter_next_update_due", False),
        ("utter_update_by_officer", False),
        ("utter_officer", False),
        ("utter_no_update_date", False),
    ],
)
def test_only_a_reply_that_says_where_the_case_stands_is_reading_it(response: str, tells: bool) -> None:
    assert tells_news(["utter_greet", response]) is tells


# --- overdue ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_enhanced", "days", "grade"), [(False, 6, Grade.ROUTINE), (True, 2, Grade.PROMPT)]
)
async def test_a_clock_whose_last_day_is_over_is_one_item_once(
    line: Line, is_enhanced: bool, days: int, grade: Grade
) -> None:
    say_case(line, enhanced_rights=is_enhanced)
    stage_becomes(line, "arrested")
    line.clock.advance(days=days, hours=11.5)
    await note_overdue_clocks(line)
    assert items(line) == []

    line.clock.advance(hours=1)
    for _ in range(3):
        await note_overdue_clocks(line)
        line.clock.advance(days=1)

    assert items(line) == [(grade, "open")]
    assert kept(line)[0][1] == "overdue"


def test_two_workers_at_once_open_one_item(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "arrested")
    line.clock.advance(days=8)
    stored_id = line.row(running_clock).id
    threads = [
        threading.Thread(
            target=line.database.write_now,
            args=(lambda tx: clocks.note_overdue(tx, stored_id, rules=RULES),),
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(items(line)) == 1
    assert len(line.rows(audit, act="desk_item_opened")) == 1


async def test_being_told_late_closes_the_item_and_counts_as_late(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "arrested")
    line.clock.advance(days=8)
    await note_overdue_clocks(line)
    happens(line, "victim_told", "arrested")

    assert items(line) == [(Grade.ROUTINE, "closed")]
    counts = line.database.read_now(lambda tx: clocks.count_rights(tx, rules=RULES))
    assert (counts["right_6"].met_late, counts["right_6"].overdue) == (1, 0)


async def test_a_clock_of_something_that_was_taken_back_alarms_nobody(line: Line) -> None:
    say_case(line)
    listed = CaseEvent(at=line.clock.now(), kind="hearing_listed", detail="")
    say_case(line, events=(listed,))
    say_case(line)
    line.clock.advance(days=8)
    await note_overdue_clocks(line)

    assert items(line) == []
    assert kept(line)[0][1] == "void"


async def test_a_calendar_that_ends_is_one_item_and_the_clock_is_dated_when_it_goes_on(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "arrested", informed=SHORT)
    assert kept(line) == [("investigation_step", "undated", date(2026, 11, 21))]
    for _ in range(3):
        line.clock.advance(days=1)
        await note_overdue_clocks(line, SHORT)
    assert items(line, "clock_undated") == [(Grade.ROUTINE, "open")]

    line.clock.advance(days=1)
    await note_overdue_clocks(line)

    assert kept(line) == [("investigation_step", "running", date(2026, 11, 27))]
    assert items(line, "clock_undated") == [(Grade.ROUTINE, "closed")]
    assert items(line) == []


async def test_an_item_of_a_clock_leads_back_to_its_case(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "arrested")
    line.clock.advance(days=8)
    await note_overdue_clocks(line)

    item = line.row(desk_item, reason=HandoffReason.CLOCK_OVERDUE.value)
    found = line.database.read_now(lambda tx: tx.notices.list_cases_of_items(item.conversation_id))
    assert found == [REFERENCE]


# --- what the victim may see --------------------------------------------------------------------


def test_the_victim_may_be_told_the_day_of_a_sure_limit(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "arrested")

    assert next_due(line) == date(2026, 11, 27)


@pytest.mark.parametrize("stage", ["charged", "court_date_set", "closed_no_further_lines", "with_cps"])
def test_a_limit_that_is_not_sure_is_told_to_no_victim(line: Line, stage: str) -> None:
    say_case(line)
    stage_becomes(line, stage)

    assert next_due(line) is None


def test_a_day_that_would_give_away_a_persons_news_is_not_told(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="allocated")
    stage_becomes(line, "arrested")
    assert next_due(line) is None


@pytest.mark.parametrize("days", [7, 365])
def test_a_day_that_is_past_or_a_clock_past_its_review_is_not_told(line: Line, days: int) -> None:
    say_case(line)
    line.clock.advance(days=days if days > 300 else 0)
    stage_becomes(line, "arrested")
    line.clock.advance(days=days if days < 300 else 0)

    assert next_due(line) is None


def test_counts_are_by_right(line: Line) -> None:
    say_case(line)
    happens(line, "recorded")
    stage_becomes(line, "arrested")
    line.clock.advance(minutes=1)
    happens(line, "victim_told")

    counts = line.database.read_now(lambda tx: clocks.count_rights(tx, rules=RULES))

    assert {right: (each.started, each.met, each.running) for right, each in counts.items()} == {
        "right_4": (1, 0, 1),
        "right_6": (1, 1, 0),
    }


async def test_notices_and_clocks_of_one_event_stand_side_by_side(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 20))
    stage_becomes(line, "released_on_bail")
    await settle_notices(line)
    line.clock.advance(days=3)
    await note_overdue_clocks(line)

    assert sorted(row.reason for row in line.rows(desk_item)) == ["clock_overdue", "tell_victim_first"]
    line.clock.advance(minutes=1)
    happens(line, "victim_told", "released_on_bail", at=line.clock.now() - timedelta(seconds=30))
    assert {row.status for row in line.rows(desk_item)} == {"closed"}
