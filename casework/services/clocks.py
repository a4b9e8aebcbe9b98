"""The clocks of the Victims' Code over the cases: started, stopped, told of when they run out, and counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from casework.model.case_changes import STAGE_CHANGED, CaseChange
from casework.model.cases import Case, CaseEvent
from casework.model.code_clock import (
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
from casework.model.desk import GRADE_OF_REASON, Grade, HandoffReason
from casework.model.stages import VICTIM_TOLD, is_human_first_crime
from casework.model.working_days import CalendarTooShort, WorkingDays, load_working_days, local_day
from casework.services.notices import BY_WORKER, is_withheld, still_stands
from casework.services.ports import ClockStatus, Store, StoredClock, Transaction
from casework.services.reach import open_item_of_case

# No limit of the Code is longer: what happened earlier cannot be running when a case first comes.
LONGEST_LIMIT = timedelta(days=60)
# The assistant says the stage, which is all these ask to be told. The others want a date, a place, reasons or a way
# to a review, which it does not give.
MET_BY_READING = frozenset({"investigation_step", "charged_or_no_court"})


@dataclass(frozen=True, kw_only=True)
class CodeRules:
    """Every clock of every edition, and the working days they are counted in."""

    clocks: tuple[CodeClock, ...]
    working_days: WorkingDays

    @cached_property  # asked of every event of an import
    def starting(self) -> frozenset[str]:
        return frozenset().union(*(clock.starts_on for clock in self.clocks))

    @cached_property
    def stopping(self) -> frozenset[str]:
        return frozenset().union(*(clock.stops_on for clock in self.clocks))

    def find_clock(self, clock_id: str, day: date) -> CodeClock | None:
        """The edition in force that day, or else any of that name; None once it is in no file."""
        named = [clock for clock in self.clocks if clock.id == clock_id]
        in_force = [clock for clock in named if clock.is_in_force(day)]
        return next(iter([*in_force, *named]), None)

    def as_running(self, stored: StoredClock) -> RunningClock | None:
        clock = self.find_clock(stored.clock_id, local_day(stored.started_at))
        if clock is None:
            return None
        return RunningClock(
            clock=clock,
            started_by=stored.started_by,
            started_on=local_day(stored.started_at),
            is_enhanced=stored.is_enhanced,
            due_on=stored.due_on,
        )


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What the worker's step needs, wired once."""

    store: Store
    rules: CodeRules


def load_code_rules() -> CodeRules:
    return CodeRules(clocks=load_code_clocks(), working_days=load_working_days())


# --- starting and stopping ----------------------------------------------------------------------


def note_change(tx: Transaction, change: CaseChange, *, rules: CodeRules) -> None:
    """Starts what this event starts and stops what it shows was done.

    Of history only what may still be running is started: nobody knows what was done before the case came here.
    """
    event = change.event.told
    if what_happened(event) in rules.starting:
        _start(tx, change, rules)
    if event.kind in rules.stopping and not change.is_history:
        _stop(tx, change.after, rules)


def _start(tx: Transaction, change: CaseChange, rules: CodeRules) -> None:
    event, case, today = change.event.told, change.after, local_day(tx.now)
    if change.is_history and local_day(event.at) < today - LONGEST_LIMIT:
        return
    try:
        begun = _list_begun(event, case, rules, today)
    except CalendarTooShort:
        _record_undated(tx, change, rules)
        return
    if change.is_history:
        begun = tuple(each for each in begun if each.due_on >= today)
    known = tx.clocks.list_of_case(case.crime_reference) if begun else []
    for each in begun:
        if not _is_known(each, known, change) and not _has_begun_before(each, case, event):
            _record(tx, each, change, rules)
    _void_repeats(tx, case, rules, {each.clock.id for each in begun if each.clock.is_once})


def _list_begun(event: CaseEvent, case: Case, rules: CodeRules, today: date) -> tuple[RunningClock, ...]:
    return start_clocks(
        what_happened(event),
        event.at,
        enhanced=_find_enhanced(case),
        clocks=rules.clocks,
        working_days=rules.working_days,
        today=today,
    )


def _find_enhanced(case: Case) -> bool | None:
    """Domestic abuse, stalking and sexual offences are among the most serious crimes, whatever the file says."""
    return None if is_human_first_crime(case.crime_type) else case.enhanced_rights


def _is_known(begun: RunningClock, known: Iterable[StoredClock], change: CaseChange) -> bool:
    """Whether a file and the feed have told of one and the same thing."""
    is_same_stage = (
        change.event.kind == STAGE_CHANGED
        and change.before is not None
        and change.before.stage == change.event.detail
    )
    return any(
        each.clock_id == begun.clock.id
        and each.started_by == begun.started_by
        and (is_same_stage or local_day(each.started_at) == begun.started_on)
        for each in known
        if each.status is not ClockStatus.VOID
    )


def _has_begun_before(begun: RunningClock, case: Case, event: CaseEvent) -> bool:
    """A duty owed once is owed since the first of what starts it, though that may be older than what we count."""
    return begun.clock.is_once and any(
        each.at < event.at and what_happened(each) in begun.clock.starts_on for each in case.events
    )


def _record(tx: Transaction, begun: RunningClock, change: CaseChange, rules: CodeRules) -> None:
    told_at = _find_told_at(begun, change.after, rules, tx.now)
    tx.clocks.record(
        crime_reference=change.after.crime_reference,
        clock_id=begun.clock.id,
        right=begun.clock.right,
        event_id=change.event.event_id,
        started_by=begun.started_by,
        started_at=change.event.at,
        due_on=begun.due_on,
        is_enhanced=begun.is_enhanced,
        status=ClockStatus.RUNNING if told_at is None else ClockStatus.MET,
        met_at=told_at,
    )


def _record_undated(tx: Transaction, change: CaseChange, rules: CodeRules) -> None:
    """The worker asks again each day, and tells the desk: a calendar that ends must not hide what is owed."""
    event, day = change.event.told, local_day(change.event.at)
    for clock in rules.clocks:
        if what_happened(event) in clock.starts_on and clock.is_in_force(day):
            tx.clocks.record(
                crime_reference=change.after.crime_reference,
                clock_id=clock.id,
                right=clock.right,
                event_id=change.event.event_id,
                started_by=what_happened(event),
                started_at=event.at,
                due_on=day,
                is_enhanced=_find_enhanced(change.after) is not False,
                status=ClockStatus.UNDATED,
            )


def _void_repeats(tx: Transaction, case: Case, rules: CodeRules, clock_ids: set[str]) -> None:
    """Of a duty owed once the earliest start counts, even if it came to be known last."""
    if not clock_ids:
        return
    stored = {
        each.id: running
        for each in tx.clocks.list_of_case(case.crime_reference)
        if each.clock_id in clock_ids and each.status is not ClockStatus.VOID
        if (running := rules.as_running(each)) is not None
    }
    kept = {id(running) for running in without_repeats(stored.values())}
    repeats = [stored_id for stored_id, running in stored.items() if id(running) not in kept]
    tx.clocks.void(repeats)
    _close_items(tx, repeats)


def _stop(tx: Transaction, case: Case, rules: CodeRules) -> None:
    for stored in tx.clocks.list_of_case(case.crime_reference):
        running = rules.as_running(stored)
        if not stored.is_open or running is None:
            continue
        told_at = _find_told_at(running, case, rules, tx.now)
        if told_at is not None:
            tx.clocks.record_met(stored.id, told_at)
            _close_items(tx, [stored.id])


def _find_told_at(running: RunningClock, case: Case, rules: CodeRules, now: datetime) -> datetime | None:
    return find_told_at(running, [event for event in case.events if event.at <= now], clocks=rules.clocks)


def _close_items(tx: Transaction, stored_ids: Iterable[str]) -> None:
    reasons = (HandoffReason.CLOCK_OVERDUE, HandoffReason.CLOCK_UNDATED)
    tx.notices.close_items([f"{reason.value}:{each}" for reason in reasons for each in stored_ids])


def note_read(tx: Transaction, case: Case, *, rules: CodeRules) -> None:
    """The victim has just read the stage of the case, and how it ended unless a person keeps that for themselves."""
    said = {case.stage} if is_human_first_crime(case.crime_type) else {case.stage, "outcome"}
    read = [
        (each, running.clock)
        for each in tx.clocks.list_of_case(case.crime_reference)
        if each.is_open and each.read_at is None and each.started_by in said
        if (running := rules.as_running(each)) is not None and VICTIM_TOLD in running.clock.stops_on
    ]
    met = [each.id for each, clock in read if clock.id in MET_BY_READING]
    tx.clocks.record_read(met, meets=True)
    tx.clocks.record_read([each.id for each, _ in read if each.id not in met], meets=False)
    _close_items(tx, met)


# --- the worker ---------------------------------------------------------------------------------


async def note_next_overdue_clock(timing: Timing) -> bool:
    """Tells the desk, once, of one clock whose last day is over. False when there is none."""
    past = await timing.store.read(lambda tx: tx.clocks.next_past(local_day(tx.now)))
    if past is None:
        return False
    await timing.store.write(lambda tx: note_overdue(tx, past.id, rules=timing.rules))
    return True


def note_overdue(tx: Transaction, stored_id: str, *, rules: CodeRules) -> None:
    """The same in one transaction; nothing when another worker was first."""
    reference = tx.clocks.get(stored_id).crime_reference
    found = tx.cases.find_stored([reference], hold=True)[reference]
    stored, case = tx.clocks.get(stored_id), found.case
    if stored.status not in (ClockStatus.RUNNING, ClockStatus.UNDATED) or stored.due_on >= local_day(tx.now):
        return
    running = rules.as_running(stored)
    if running is None or not still_stands(stored.event_id, found):
        tx.clocks.void([stored.id])
        tx.audit.record("clock_void", by=BY_WORKER, thing=f"clock:{stored.id}")
        return
    told_at = _find_told_at(running, case, rules, tx.now)
    if told_at is not None:
        tx.clocks.record_met(stored.id, told_at)
    elif stored.status is ClockStatus.UNDATED:
        _date_again(tx, stored, running, case, rules)
    else:
        tx.clocks.set_overdue(stored.id)
        grade = Grade.PROMPT if stored.is_enhanced else GRADE_OF_REASON[HandoffReason.CLOCK_OVERDUE]
        open_item_of_case(tx, case, HandoffReason.CLOCK_OVERDUE, grade=grade, about=stored.id)


def _date_again(
    tx: Transaction, stored: StoredClock, running: RunningClock, case: Case, rules: CodeRules
) -> None:
    days = running.clock.enhanced if stored.is_enhanced else running.clock.standard
    try:
        due_on = rules.working_days.add(running.started_on, days)
    except CalendarTooShort:
        tx.clocks.set_due(stored.id, local_day(tx.now), ClockStatus.UNDATED)
        reason = HandoffReason.CLOCK_UNDATED
        open_item_of_case(tx, case, reason, grade=GRADE_OF_REASON[reason], about=stored.id)
        return
    tx.clocks.set_due(stored.id, due_on, ClockStatus.RUNNING)
    _close_items(tx, [stored.id])


# --- what is shown and counted ------------------------------------------------------------------


def next_due_for_victim(tx: Transaction, crime_reference: str, *, rules: CodeRules) -> date | None:
    """The day by which the victim should be told of what happened last; None where no sure limit runs.

    Never a day that would give away news a person must tell first, nor one that is past: then they ask for a person.
    """
    case, today = tx.cases.find(crime_reference), local_day(tx.now)
    if case is None or is_withheld(tx, case):
        return None
    days = [
        stored.due_on
        for stored in tx.clocks.list_of_case(crime_reference)
        if stored.status is ClockStatus.RUNNING and stored.due_on >= today
        if (running := rules.as_running(stored)) is not None
        and may_be_shown(running.clock, today)
        and VICTIM_TOLD in running.clock.stops_on
    ]
    return min(days, default=None)


def as_record(stored: StoredClock, *, rules: CodeRules) -> ClockRecord | None:
    """For `state_of` and `count_compliance`; None for a clock that is void, undated or in no file any more."""
    running = rules.as_running(stored)
    if running is None or stored.status in (ClockStatus.VOID, ClockStatus.UNDATED):
        return None
    is_met_by_reading = stored.clock_id in MET_BY_READING
    return ClockRecord(
        running=running, told_at=stored.met_at, read_at=stored.read_at if is_met_by_reading else None
    )


def find_state(stored: StoredClock, *, rules: CodeRules, now: datetime) -> ClockState | None:
    record = as_record(stored, rules=rules)
    if record is None:
        return None
    return state_of(record.running, now=now, told_at=record.told_at, read_at=record.read_at)


def count_rights(tx: Transaction, *, rules: CodeRules) -> dict[str, RightCounts]:
    """Right -> how many clocks were started and where each stands now."""
    records = [as_record(stored, rules=rules) for stored in tx.clocks.list_all()]
    return count_compliance([record for record in records if record is not None], now=tx.now)
