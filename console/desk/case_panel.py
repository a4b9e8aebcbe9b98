"""What a case waits for: the news a person must tell, the Code's limits, and what was told and read."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.cases import Case
from casework.model.code_clock import ClockState
from casework.model.notices import CaseNotice, NoticeStatus
from casework.model.safe_contact import SafeContact, find_safe_contact
from casework.model.working_days import local_day
from casework.services.clocks import CodeRules, find_state
from casework.services.kept_informed import load_kept_informed
from casework.services.notices import list_to_tell
from casework.services.ports import ClockStatus, StoredClock
from console.pages import STATION_ZONE

MOST_SHOWN = 12
DUE_TODAY = "due_today"
UNDATED = "undated"

# Frozen once read; every page asks the same tables.
get_informed = cache(load_kept_informed)


@dataclass(frozen=True, kw_only=True)
class ToTell:
    """News that a person has to tell. `happened_at` is None where only the day of the stage is known."""

    name: str
    happened_at: datetime | None
    blocked_why: str | None


@dataclass(frozen=True, kw_only=True)
class ClockRow:
    """`state` is a ClockState, due_today or undated."""

    stored: StoredClock
    state: str


@dataclass(frozen=True, kw_only=True)
class CaseNews:
    """One case of the conversation: the one proved there, or one that an item of the desk is about."""

    facts: Case
    safe_contact: SafeContact
    to_tell: tuple[ToTell, ...]
    notices: tuple[CaseNotice, ...]  # newest first
    clocks: tuple[ClockRow, ...]
    local_now: datetime  # what the form begins with

    @property
    def parts(self) -> list[object]:
        """What the page shows of it, for its fingerprint."""
        clocks = [(row.stored.id, row.state, row.stored.read_at) for row in self.clocks]
        return [self.facts.crime_reference, self.to_tell, self.notices, clocks]


def load_case_news(tx: SqlTransaction, conversation_id: str) -> tuple[CaseNews, ...]:
    cases = [tx.cases.find(reference) for reference in list_cases(tx, conversation_id)]
    return tuple(_load(tx, case) for case in cases if case is not None)


def list_cases(tx: SqlTransaction, conversation_id: str) -> list[str]:
    """The references of the cases whose news this conversation's page shows."""
    _, proved = tx.standings.find(conversation_id)
    about = tx.notices.list_cases_of_items(conversation_id)
    return list(dict.fromkeys([*([proved] if proved else []), *about]))


def show_clock(stored: StoredClock, *, rules: CodeRules, now: datetime) -> ClockRow | None:
    """None for one that is void, or in no file any more."""
    if stored.status is ClockStatus.UNDATED:
        return ClockRow(stored=stored, state=UNDATED)
    state = find_state(stored, rules=rules, now=now)
    if state is None:
        return None
    is_today = state is ClockState.DUE and stored.due_on == local_day(now)
    return ClockRow(stored=stored, state=DUE_TODAY if is_today else state.value)


def _load(tx: SqlTransaction, case: Case) -> CaseNews:
    notices = tx.notices.list_of_cases([case.crime_reference])
    clocks = [
        show_clock(stored, rules=get_informed().code, now=tx.now)
        for stored in reversed(tx.clocks.list_of_case(case.crime_reference))
    ]
    blocked = {each.kind: each.blocked_why for each in notices if each.status is NoticeStatus.WITH_PERSON}
    return CaseNews(
        facts=case,
        safe_contact=find_safe_contact(case.safe_contact) or SafeContact.REPLY_ONLY,
        to_tell=tuple(
            ToTell(name=name, happened_at=at, blocked_why=blocked.get(name))
            for name, at in list_to_tell(tx, case)
        ),
        notices=tuple(each for each in reversed(notices) if each.status is not NoticeStatus.VOID)[
            :MOST_SHOWN
        ],
        clocks=tuple(row for row in clocks if row is not None)[:MOST_SHOWN],
        local_now=tx.now.astimezone(STATION_ZONE),
    )


def parse_local(day: str, clock: str) -> datetime | None:
    """The aware moment that a date and a time of the form name on the station's clock; None for anything else."""
    try:
        moment = datetime.fromisoformat(f"{date.fromisoformat(day).isoformat()}T{clock}")
    except ValueError:
        return None
    return None if moment.tzinfo is not None else moment.replace(tzinfo=STATION_ZONE)
