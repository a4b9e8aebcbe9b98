"""What a page may show somebody of their own case now, read in one go: may_tell decides, and nothing else gets out.

Stricter than the assistant in two places, because a page shows more at once than an answer: a stage of long ago, or
a date that comes from one, is left out while nothing says that a person has told it where a person must.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from casework.model.cases import Case, CaseEvent
from casework.model.code_clock import STAGE_CHANGED, ClockState, may_be_shown
from casework.model.may_tell import FOR_EVERYONE, SHOWS_THE_NEWS, Piece
from casework.model.messages import OutboxStatus
from casework.model.notices import NoticeRules, find_victim_told
from casework.model.outcomes import RESPONSES_OF_OUTCOMES, find_outcome
from casework.model.stage_line import MAY_FOLLOW, RIGHTS_AT
from casework.model.stages import STAGE_IDS, VICTIM_TOLD
from casework.model.standings import Standing
from casework.model.working_days import local_day
from casework.services.clocks import find_state
from casework.services.kept_informed import KeptInformed, mark_read
from casework.services.notices import is_withheld
from casework.services.ports import StoredClock, Transaction, TranscriptEntry
from casework.services.proved import find_proved
from casework.services.standings import use_standing

MOST_MESSAGES = 5000
"""How many a copy holds at most, the newest."""


class Hearing(StrEnum):
    """What is known of when they hear from us next, as the assistant says it."""

    BY_CODE = "by_code"  # a clock of the Victims' Code ends then
    AGREED = "agreed"
    PAST = "past"  # the day has gone by, and a person can be asked
    NO_DATE = "no_date"


@dataclass(frozen=True, kw_only=True)
class NextUpdate:
    hearing: Hearing
    day: date | None = None


@dataclass(frozen=True, kw_only=True)
class PastStage:
    stage: str
    began_on: date


@dataclass(frozen=True, kw_only=True)
class Officer:
    """Each is empty where it is not recorded, and `contact` also where it may not be told."""

    name: str
    collar_number: str
    contact: str


@dataclass(frozen=True, kw_only=True)
class CodeDate:
    """One limit of the Victims' Code in this case. `days` are working days; `is_enhanced`: fewer than others have."""

    clock_id: str
    state: ClockState
    due_on: date
    days: int
    is_enhanced: bool


@dataclass(frozen=True, kw_only=True)
class MyCase:
    """Everything there is to show; what may not be told is None or empty, and nothing says what it was.

    `is_news_waiting`: a person speaks to them first, and no stage, date or outcome is here.
    """

    standing: Standing = Standing.UNKNOWN
    told: frozenset[Piece] = FOR_EVERYONE
    is_news_waiting: bool = False
    stage: str | None = None
    since: date | None = None
    confirmed_on: date | None = None
    outcome: str | None = None  # the answer that says how it ended, in place of what the stage means
    past: tuple[PastStage, ...] = ()
    may_follow: tuple[str, ...] = ()
    next_update: NextUpdate | None = None
    officer: Officer | None = None
    dates: tuple[CodeDate, ...] = ()
    rights_now: tuple[str, ...] = ()

    @property
    def is_linked(self) -> bool:
        return self.standing >= Standing.LINKED

    @property
    def may_see_past(self) -> bool:
        return Piece.EVENT_HISTORY in self.told

    @property
    def is_closed(self) -> bool:
        """Linked, and the plan lets nothing of the case be written here."""
        return self.is_linked and self.told == FOR_EVERYONE


NOTHING = MyCase()


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A conversation from its first message. `is_cut`: there were more before these."""

    entries: tuple[TranscriptEntry, ...] = field(repr=False)
    is_cut: bool
    may_be_saved: bool


def open_my_case(
    tx: Transaction, conversation_id: str | None, *, informed: KeptInformed, shows_stage: bool
) -> MyCase:
    """For the transaction of the page that shows it: notes the use, and with `shows_stage` that the news was read."""
    if conversation_id is None:
        return NOTHING
    my = find_my_case(tx, conversation_id, informed=informed)
    if my.is_linked:
        use_standing(tx, conversation_id)
    _, reference = tx.standings.find(conversation_id)
    if shows_stage and my.stage is not None and reference is not None:
        mark_read(tx, reference, conversation_id, informed=informed)
    return my


def find_my_case(tx: Transaction, conversation_id: str, *, informed: KeptInformed) -> MyCase:
    """Writes nothing, but holds the case until the transaction ends: what is marked read is what was shown."""
    _, reference = tx.standings.find(conversation_id)
    if reference is not None:
        tx.cases.find_stored([reference], hold=True)
    proved = find_proved(tx, conversation_id)
    case, told = proved.case, proved.told
    if case is None:
        return NOTHING
    if told == FOR_EVERYONE:
        return MyCase(standing=proved.standing)
    is_news_waiting = is_withheld(tx, case) or not _has_words(case)
    told = told - SHOWS_THE_NEWS if is_news_waiting else told
    my = MyCase(
        standing=proved.standing,
        told=told,
        is_news_waiting=is_news_waiting,
        officer=_find_officer(case, told),
    )
    return _with_status(tx, my, case, informed) if Piece.NEUTRAL_STATUS in told else my


def copy_conversation(
    tx: Transaction, conversation_id: str, my: MyCase, *, most: int = MOST_MESSAGES
) -> Copy | None:
    """This conversation alone; None where the standing is too low for it.

    What was written elsewhere under the same case may have been written by somebody else who had proved a link.
    """
    if Piece.MESSAGE_HISTORY not in my.told:
        return None
    entries = tx.transcripts.list_latest(conversation_id, limit=most + 1)
    # As in the chat: only what has left, for the rest may still be suppressed.
    shown = [each for each in entries if each.status in (None, OutboxStatus.SENT)]
    return Copy(
        entries=tuple(shown[-most:]),
        is_cut=len(entries) > most,
        may_be_saved=Piece.OWN_EXPORT in my.told,
    )


# --- the pieces ---------------------------------------------------------------------------------


def _has_words(case: Case) -> bool:
    """A stage nobody knows, or an end that only a person may tell, is a person's to say."""
    return case.stage in STAGE_IDS and find_outcome(case) in {None, *RESPONSES_OF_OUTCOMES}


def _find_officer(case: Case, told: frozenset[Piece]) -> Officer | None:
    if Piece.OFFICER_NAME not in told:
        return None
    contact = case.oic_contact if Piece.OFFICER_CONTACT in told else ""
    return Officer(name=case.oic_name, collar_number=case.oic_collar_number, contact=contact)


def _with_status(tx: Transaction, my: MyCase, case: Case, informed: KeptInformed) -> MyCase:
    told, rules = my.told, informed.notices
    outcome = find_outcome(case) if Piece.OUTCOME in told else None
    dates = _list_dates(tx, case, informed) if Piece.CODE_CLOCK_DATES in told else ()
    shows_next = Piece.NEXT_STEPS in told and outcome is None
    return replace(
        my,
        stage=case.stage,
        since=case.stage_since,
        confirmed_on=local_day(case.imported_at) if case.imported_at else case.stage_since,
        outcome=RESPONSES_OF_OUTCOMES[outcome] if outcome else None,
        past=_list_past(case, rules, tx.now) if Piece.EVENT_HISTORY in told else (),
        may_follow=MAY_FOLLOW.get(case.stage, ()) if shows_next else (),
        next_update=_find_next_update(case, dates, has_ended=outcome is not None, today=local_day(tx.now)),
        dates=tuple(shown for shown, _ in dates),
        rights_now=RIGHTS_AT.get(case.stage, ()) if Piece.CODE_CLOCK_DATES in told else (),
    )


def _find_next_update(
    case: Case, dates: Sequence[tuple[CodeDate, bool]], *, has_ended: bool, today: date
) -> NextUpdate | None:
    agreed = case.next_update_due
    if has_ended and agreed is None:
        return None
    hear_by = min(
        (shown.due_on for shown, is_told in dates if is_told and shown.state is ClockState.DUE), default=None
    )
    if agreed is not None and agreed < today:
        return NextUpdate(hearing=Hearing.PAST, day=agreed)
    if hear_by is not None and (agreed is None or hear_by <= agreed):
        return NextUpdate(hearing=Hearing.BY_CODE, day=hear_by)
    return NextUpdate(hearing=Hearing.AGREED if agreed else Hearing.NO_DATE, day=agreed)


def _list_past(case: Case, rules: NoticeRules, now: datetime) -> tuple[PastStage, ...]:
    """The stages before the present one, earliest first; one that was said twice in a row counts once."""
    moves = [
        event
        for event in sorted(case.events, key=lambda event: event.at)
        if event.kind == STAGE_CHANGED and event.detail in STAGE_IDS and event.at <= now
    ]
    moves = [
        move
        for place, move in enumerate(moves)
        if (place == 0 or move.detail != moves[place - 1].detail) and local_day(move.at) <= case.stage_since
    ]
    if moves and moves[-1].detail == case.stage:
        moves.pop()
    return tuple(
        PastStage(stage=move.detail, began_on=local_day(move.at))
        for move in moves
        if _may_be_said(move, case, rules, now)
    )


def _list_dates(tx: Transaction, case: Case, informed: KeptInformed) -> list[tuple[CodeDate, bool]]:
    """The limits a victim may read, what is still due first; and of each whether telling them is what it asks for."""
    dates = [
        found
        for stored in tx.clocks.list_of_case(case.crime_reference)
        if (found := _find_date(stored, case, informed, tx.now)) is not None
    ]
    met = (ClockState.MET, ClockState.MET_LATE)
    return sorted(dates, key=lambda each: (each[0].state in met, each[0].due_on))


def _find_date(
    stored: StoredClock, case: Case, informed: KeptInformed, now: datetime
) -> tuple[CodeDate, bool] | None:
    running, state = informed.code.as_running(stored), find_state(stored, rules=informed.code, now=now)
    if running is None or state is None or not may_be_shown(running.clock, local_day(now)):
        return None
    is_stage = stored.started_by in STAGE_IDS
    started = CaseEvent(
        at=stored.started_at,
        kind=STAGE_CHANGED if is_stage else stored.started_by,
        detail=stored.started_by if is_stage else "",
    )
    if not _may_be_said(started, case, informed.notices, now):
        return None
    clock = running.clock
    shown = CodeDate(
        clock_id=clock.id,
        state=state,
        due_on=running.due_on,
        days=clock.enhanced if running.is_enhanced else clock.standard,
        is_enhanced=running.is_enhanced and clock.enhanced < clock.standard,
    )
    return shown, VICTIM_TOLD in clock.stops_on


def _may_be_said(event: CaseEvent, case: Case, rules: NoticeRules, now: datetime) -> bool:
    """Whether no person has to say it first, or one has: only the events of the case show that."""
    if not rules.needs_person(event, case.crime_type):
        return True
    name = event.detail if event.kind == STAGE_CHANGED else event.kind
    return find_victim_told(name, event.at, case.events, names=rules.names, now=now) is not None
