"""Every stage and event against the limits written out by hand, the end of each clock to the second, and the counts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.cases import CaseEvent
from casework.model.code_clock import (
    CLOCKS_FILE,
    ClockRecord,
    ClockState,
    CodeClock,
    RightCounts,
    RunningClock,
    count_compliance,
    find_told_at,
    load_code_clocks,
    may_be_shown,
    start_clocks,
    state_of,
    what_happened,
    without_repeats,
)
from casework.model.errors import SettingsInvalid
from casework.model.stages import STAGE_IDS
from casework.model.working_days import CalendarTooShort, load_working_days

CLOCKS = load_code_clocks()
CALENDAR = load_working_days()
FRIDAY = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
SECOND = timedelta(seconds=1)
DUE, OVERDUE, MET, MET_LATE = ClockState

# What happened -> right, standard, enhanced, whether a victim may read it. rights.yaml and case_stages.yaml, by hand.
LIMITS: dict[str, tuple[str, int, int, bool]] = {
    "reported": ("right_4", 2, 2, True),
    "recorded": ("right_4", 2, 2, True),
    "arrested": ("right_6", 5, 1, True),
    "interviewed_voluntary": ("right_6", 5, 1, True),
    "released_on_bail": ("right_6", 5, 1, True),
    "released_under_investigation": ("right_6", 5, 1, True),
    "released_no_charge": ("right_6", 5, 1, True),
    "bail_changed": ("right_6", 5, 1, True),
    "bail_ended": ("right_6", 5, 1, True),
    "not_investigated": ("right_6", 5, 1, True),
    "charged": ("right_6", 5, 1, False),
    "out_of_court": ("right_6", 5, 1, False),
    "closed_no_further_lines": ("right_6", 5, 1, False),
    "outcome": ("right_6", 5, 1, False),
    "charge_stopped": ("right_6", 5, 1, False),
    "charge_changed": ("right_6", 5, 1, False),
    "hearing_listed": ("right_8", 1, 1, False),
    "court_date_set": ("right_8", 1, 1, False),
    "must_give_evidence": ("right_8", 1, 1, False),
    "hearing_outcome": ("right_8", 5, 1, False),
    "remanded_or_court_bail": ("right_8", 5, 1, False),
    "warrant_issued": ("right_8", 5, 1, False),
    "verdict": ("right_9", 1, 1, False),
    "sentence": ("right_9", 1, 1, False),
    "verdict_and_sentence": ("right_9", 1, 1, False),
    "contact_scheme_applies": ("right_11", 10, 10, False),
    "contact_scheme_referred": ("right_11", 20, 20, False),
}
WITHOUT_A_LIMIT = [
    *("assessing", "allocated", "under_investigation", "suspect_identified", "with_cps"),
    *("trial", "post_sentence", "appeal", "transferred"),
    *("officer_allocated", "update_given", "victim_told", "referred_to_support", "stage_changed", ""),
]


def start(happened: str, at: datetime = FRIDAY, **values: Any) -> tuple[RunningClock, ...]:
    defaults: dict[str, Any] = {"enhanced": False, "clocks": CLOCKS, "working_days": CALENDAR, "today": TODAY}
    return start_clocks(happened, at, **(defaults | values))


def started(happened: str, at: datetime = FRIDAY, **values: Any) -> RunningClock:
    (running,) = start(happened, at, **values)
    return running


def an_event(kind: str, detail: str = "", *, days: int = 0) -> CaseEvent:
    return CaseEvent(at=FRIDAY + timedelta(days=days), kind=kind, detail=detail)


def told(running: RunningClock, *events: CaseEvent) -> datetime | None:
    return find_told_at(running, events, clocks=CLOCKS)


# --- which clock, and until when ------------------------------------------------------------------


@pytest.mark.parametrize("happened", LIMITS)
def test_each_event_starts_its_one_clock_with_the_limits_of_its_source(happened: str) -> None:
    clock = started(happened).clock

    limits = (clock.right, clock.standard, clock.enhanced, may_be_shown(clock, TODAY))
    assert limits == LIMITS[happened]


@pytest.mark.parametrize("happened", WITHOUT_A_LIMIT)
def test_what_has_no_sourced_limit_starts_no_clock(happened: str) -> None:
    assert start(happened) == ()


def test_every_stage_is_decided_upon_and_the_file_starts_on_nothing_else() -> None:
    assert LIMITS.keys() | set(WITHOUT_A_LIMIT) >= STAGE_IDS
    assert set().union(*(clock.starts_on for clock in CLOCKS)) == LIMITS.keys()


@pytest.mark.parametrize(("enhanced", "due_on"), [(False, 27), (True, 23), (None, 23)])
def test_enhanced_rights_not_recorded_count_as_enhanced(enhanced: bool | None, due_on: int) -> None:
    running = started("arrested", enhanced=enhanced)

    assert running.due_on == date(2026, 11, due_on)
    assert running.is_enhanced is (enhanced is not False)


@pytest.mark.parametrize(
    ("at", "due_on"),
    [
        (datetime(2026, 7, 2, 22, 30, tzinfo=UTC), date(2026, 7, 3)),  # Thursday, 23:30 there
        (datetime(2026, 7, 2, 23, 30, tzinfo=UTC), date(2026, 7, 6)),  # Friday, 00:30 there
        (datetime(2025, 12, 24, 12, 0, tzinfo=UTC), date(2025, 12, 29)),
        (datetime(2026, 4, 2, 12, 0, tzinfo=UTC), date(2026, 4, 7)),
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), date(2026, 10, 26)),
    ],
)
def test_a_limit_counts_from_the_local_day_of_the_event(at: datetime, due_on: date) -> None:
    assert started("arrested", at, enhanced=True).due_on == due_on


def test_an_event_still_to_come_starts_nothing() -> None:
    assert start("arrested", datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    assert start("arrested", datetime(2026, 11, 23, 0, 0, tzinfo=UTC)) == ()


def test_the_edition_in_force_on_the_day_of_the_event_applies() -> None:
    old = replace(started("arrested").clock, in_force_until=date(2026, 11, 19))
    new = replace(old, edition="test", in_force_from=date(2026, 11, 20), in_force_until=None, standard=3)

    def edition(day: int) -> str:
        at = datetime(2026, 11, day, 12, 0, tzinfo=UTC)
        return started("arrested", at, clocks=(old, new)).clock.edition

    assert [edition(day) for day in (18, 19, 20, 21)] == ["2020", "2020", "test", "test"]
    assert start("arrested", datetime(2021, 3, 31, 12, 0, tzinfo=UTC)) == ()
    assert start("arrested", datetime(2021, 4, 1, 12, 0, tzinfo=UTC))


def test_the_calendar_begins_before_the_first_clock_can() -> None:
    assert all(CALENDAR.known_from <= clock.in_force_from for clock in CLOCKS)


def test_a_due_day_past_the_calendar_is_refused_and_not_guessed() -> None:
    with pytest.raises(CalendarTooShort):
        start("arrested", datetime(2028, 12, 28, 12, 0, tzinfo=UTC), today=date(2029, 1, 1))


def test_past_its_review_day_a_clock_alarms_staff_and_no_victim_reads_it() -> None:
    running = started("arrested", datetime(2027, 5, 20, 12, 0, tzinfo=UTC), today=date(2027, 6, 30))
    clock = running.clock

    assert may_be_shown(clock, clock.review_by)
    assert not may_be_shown(clock, clock.review_by + timedelta(days=1))
    assert state_of(running, now=datetime(2027, 6, 30, tzinfo=UTC), told_at=None) is OVERDUE


def test_a_case_owes_one_referral_whether_its_file_begins_with_the_report_or_the_record() -> None:
    reported, recorded = started("reported"), started("recorded", FRIDAY + timedelta(days=1))
    arrests = [started("arrested", FRIDAY - timedelta(days=count)) for count in range(2)]

    kept = without_repeats([recorded, reported, *arrests])

    assert kept == (arrests[1], reported, arrests[0])
    assert without_repeats([recorded]) == (recorded,)


def test_a_change_of_stage_is_known_by_its_stage() -> None:
    assert what_happened(an_event("stage_changed", "charged")) == "charged"
    assert what_happened(an_event("recorded", "Crime recorded")) == "recorded"


# --- whether it was done --------------------------------------------------------------------------

DUE_DAY_ENDS = datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC)
IN_TIME, LATE = DUE_DAY_ENDS, DUE_DAY_ENDS + SECOND
AT_FIRST, AT_LAST = FRIDAY, datetime(2026, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "told_at", "read_at", "state"),
    [
        (AT_FIRST, None, None, DUE),
        (IN_TIME, None, None, DUE),
        (LATE, None, None, OVERDUE),
        (IN_TIME, IN_TIME, None, MET),
        (AT_LAST, IN_TIME, None, MET),
        (AT_LAST, LATE, None, MET_LATE),
        (AT_LAST, None, IN_TIME, MET),
        (AT_LAST, None, LATE, MET_LATE),
        (AT_LAST, LATE, IN_TIME, MET),  # who has read it has been told
        (AT_LAST, IN_TIME, LATE, MET),
        (IN_TIME, LATE, None, DUE),  # still to come
        (IN_TIME - SECOND, IN_TIME, None, DUE),
        (LATE, LATE + SECOND, None, OVERDUE),
        (AT_LAST, FRIDAY - timedelta(days=1), None, OVERDUE),  # told of something else, before
        (AT_LAST, FRIDAY - timedelta(days=1), LATE, MET_LATE),
        (IN_TIME, FRIDAY - timedelta(hours=5), None, MET),  # that day: the case file is not to the hour
    ],
)
def test_where_a_clock_stands_to_the_second(
    now: datetime, told_at: datetime | None, read_at: datetime | None, state: ClockState
) -> None:
    assert state_of(started("arrested"), now=now, told_at=told_at, read_at=read_at) is state


def test_in_summer_a_limit_ends_at_midnight_there_and_not_in_utc() -> None:
    running = started("arrested", datetime(2026, 7, 2, 12, 0, tzinfo=UTC), enhanced=True)
    midnight = datetime(2026, 7, 3, 23, 0, tzinfo=UTC)

    assert state_of(running, now=midnight - SECOND, told_at=None) is DUE
    assert state_of(running, now=midnight, told_at=None) is OVERDUE
    assert state_of(running, now=midnight, told_at=midnight - SECOND) is MET
    assert state_of(running, now=midnight, told_at=midnight) is MET_LATE


@given(
    hours=st.lists(st.integers(0, 2000), min_size=2, max_size=2),
    told_after=st.none() | st.integers(0, 2000),
    enhanced=st.sampled_from([True, False, None]),
)
def test_a_clock_never_goes_back_to_due(
    hours: list[int], told_after: int | None, enhanced: bool | None
) -> None:
    running = started("arrested", enhanced=enhanced)
    told_at = None if told_after is None else FRIDAY + timedelta(hours=told_after)
    order = [DUE, OVERDUE, MET, MET_LATE]

    first, second = (
        state_of(running, now=FRIDAY + timedelta(hours=count), told_at=told_at) for count in sorted(hours)
    )

    assert order.index(first) <= order.index(second)
    assert (first, second) not in {(OVERDUE, MET), (MET, MET_LATE)}


@pytest.mark.parametrize(
    ("detail", "counts"),
    [
        ("arrested", True),
        ("", True),
        ("Told by phone", True),
        ("released_on_bail", False),
        ("charged", False),
        ("bail_changed", False),
        ("appeal", False),
    ],
)
def test_a_telling_that_names_something_else_does_not_stop_a_clock(detail: str, counts: bool) -> None:
    event = an_event("victim_told", detail, days=3)

    assert told(started("arrested"), event) == (event.at if counts else None)


@pytest.mark.parametrize(
    ("happened", "detail", "counts"),
    [
        ("verdict", "verdict", True),
        ("verdict", "sentence", True),
        ("verdict", "verdict_and_sentence", True),
        ("sentence", "verdict", False),
        ("outcome", "closed_no_further_lines", True),
        ("closed_no_further_lines", "outcome", True),
        ("court_date_set", "hearing_listed", True),
        ("released_on_bail", "arrested", False),
        ("bail_ended", "released_on_bail", False),
    ],
)
def test_one_thing_told_under_two_names_counts(happened: str, detail: str, counts: bool) -> None:
    event = an_event("victim_told", detail)

    assert (told(started(happened), event) == event.at) is counts


def test_other_events_and_earlier_tellings_stop_nothing() -> None:
    arrested = started("arrested")

    assert told(arrested, an_event("update_given"), an_event("referred_to_support")) is None
    assert told(arrested, an_event("victim_told", days=-1)) is None
    first, second = an_event("victim_told", days=1), an_event("victim_told", days=2)
    assert told(arrested, second, first) == first.at


@pytest.mark.parametrize(
    ("happened", "kind"),
    [
        ("recorded", "referred_to_support"),
        ("recorded", "support_declined"),
        ("contact_scheme_applies", "contact_scheme_referred"),
        ("contact_scheme_referred", "liaison_officer_made_contact"),
    ],
)
def test_a_duty_to_do_something_is_not_met_by_telling(happened: str, kind: str) -> None:
    running, done = started(happened), an_event(kind, "Done, with consent", days=1)

    assert told(running, an_event("victim_told", happened)) is None
    assert told(running, done) == done.at


# --- the counts -----------------------------------------------------------------------------------


def test_the_counts_of_each_right_add_up() -> None:
    arrested, reported = started("arrested"), started("reported")
    verdict = started("verdict")
    records = [
        ClockRecord(running=arrested),
        ClockRecord(running=arrested, told_at=IN_TIME),
        ClockRecord(running=arrested, told_at=LATE, read_at=IN_TIME),
        ClockRecord(running=arrested, read_at=LATE),
        ClockRecord(running=verdict),
        ClockRecord(running=replace(reported, due_on=date(2027, 1, 4))),
        ClockRecord(running=started("contact_scheme_applies"), told_at=FRIDAY),
    ]

    counts = count_compliance(records, now=AT_LAST)

    assert list(counts) == ["right_4", "right_6", "right_9", "right_11"]
    assert counts["right_4"] == RightCounts(started=1, met=0, met_late=0, overdue=0, running=1)
    assert counts["right_6"] == RightCounts(started=4, met=2, met_late=1, overdue=1, running=0)
    assert counts["right_9"] == RightCounts(started=1, met=0, met_late=0, overdue=1, running=0)
    assert counts["right_11"] == RightCounts(started=1, met=1, met_late=0, overdue=0, running=0)
    assert count_compliance([], now=AT_LAST) == {}


# --- the file -------------------------------------------------------------------------------------


def test_every_clock_has_its_sources_and_a_review_day() -> None:
    for clock in CLOCKS:
        assert clock.source
        assert all(title for _, title in clock.source)
        assert clock.review_by > TODAY
    assert len({clock.id for clock in CLOCKS}) == len(CLOCKS)


def test_a_limit_that_only_older_or_other_pages_give_is_never_shown() -> None:
    doubtful = {"S_CPS_2006", "S_BEDS_R8", "S_BEDS_R9", "S_BEDS_R11"}

    def is_doubtful(clock: CodeClock) -> bool:
        pages = {page for page, _ in clock.source}
        return bool(pages & doubtful) or pages == {"S_LVWS_INV"}

    shown = [clock for clock in CLOCKS if clock.show_to_victim]
    assert shown
    assert not any(is_doubtful(clock) for clock in shown)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("enhanced = 1", "enhanced = 6", "enhanced above standard"),
        ("standard = 5", "standard = 0", "number of days"),
        ("standard = 5", "standard = true", "number of days"),
        ("standard = 5", "standard = '5'", "number of days"),
        ("standard = 5", "", "standard"),
        ('right = "right_6"', 'right = "right_13"', "right_13"),
        ('"S_BEDS_R4"', '"S_NOBODY"', "S_NOBODY"),
        ('source = ["S_BEDS_R4"]', "source = []", "empty"),
        ('source = ["S_BEDS_R4"]', "", "source"),
        ("show_to_victim = true", 'show_to_victim = "no"', "neither true nor false"),
        ("once = true", "once = 1", "neither true nor false"),
        ('starts_on = ["not_investigated"]', "starts_on = []", "empty"),
        ('starts_on = ["not_investigated"]', 'starts_on = "not_investigated"', "no list"),
        ('"arrested"', '"was arrested"', "was arrested"),
        ('stops_on = ["victim_told"]', "", "stops_on"),
        ("review_by = 2027-05-21", "review_by = 'soon'", "soon"),
        ("review_by = 2027-05-21", "review_by = 2027-05-21\nreviewed = 1", "reviewed"),
        ("in_force_from = 2021-04-01", "", "in_force_from"),
        (
            "in_force_from = 2021-04-01",
            "in_force_from = 2021-04-01\nin_force_until = 2021-03-31",
            "in_force_until before",
        ),
        ('id = "charged_or_no_court"', 'id = "investigation_step"', "two editions of investigation_step"),
        ("[sources.S_BEDS_R4]", "extra = 1\n[sources.S_BEDS_R4]", "nothing else"),
        ("[sources.S_BEDS_R4]", "[sources", "cannot be read"),
    ],
)
def test_a_clock_that_cannot_be_right_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    written = CLOCKS_FILE.read_text(encoding="utf-8")
    assert old in written
    path = tmp_path / "code_clocks.toml"
    path.write_text(written.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(SettingsInvalid, match=says):
        load_code_clocks(path)


@pytest.mark.parametrize("written", ["", "clock = 3", "clock = [3]", "[clock]\nid = 'x'"])
def test_a_file_without_clocks_is_refused(tmp_path: Path, written: str) -> None:
    path = tmp_path / "code_clocks.toml"
    path.write_text(written, encoding="utf-8")

    with pytest.raises(SettingsInvalid):
        load_code_clocks(path)
