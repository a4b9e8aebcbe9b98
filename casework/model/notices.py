"""Which of the things that happen in a case are news for its victim, and when a person must tell it first.

The table stands in notices.toml with a reason for each row. A stage that stages.py keeps for a person is kept for one
here too, whatever the table says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from casework.model.cases import CaseEvent
from casework.model.code_clock import STAGE_CHANGED, what_happened
from casework.model.errors import SettingsInvalid
from casework.model.stages import STAGE_IDS, VICTIM_TOLD, is_human_first, is_human_first_crime
from casework.model.toml_files import as_date, as_text, read_toml
from casework.model.working_days import local_day

NOTICES_FILE = Path(__file__).with_name("notices.toml")

_RULES = ("gather_minutes", "hours_between_texts", "oldest_days", "again_minutes")


class NeedsPerson(StrEnum):
    NEVER = "never"
    FLAGGED = "flagged"
    ALWAYS = "always"


class NoticeStatus(StrEnum):
    WAITING = "waiting"  # for its time
    WITH_PERSON = "with_person"  # a desk item is open
    TOLD = "told"  # by a text, by a person, or because they read it
    VOID = "void"  # taken back before anybody was told


@dataclass(frozen=True, kw_only=True)
class CaseNotice:
    """One piece of news of a case and what became of it. `kind` as `what_happened` names it; times aware UTC.

    `needs_person`: a person tells it first. `blocked_why`: a text was due, but the plan lets none leave.
    """

    id: str
    crime_reference: str
    event_id: str
    kind: str
    status: NoticeStatus
    needs_person: bool
    happened_at: datetime
    not_before: datetime
    created_at: datetime
    blocked_why: str | None = None
    told_by_person_at: datetime | None = None
    told_by: str | None = None
    noticed_at: datetime | None = None
    read_at: datetime | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether nobody but a person may say it yet."""
        return self.needs_person and self.status in (NoticeStatus.WAITING, NoticeStatus.WITH_PERSON)


@dataclass(frozen=True, kw_only=True)
class News:
    """One row of the table. `may_say` empty: whatever the event's detail."""

    name: str
    person: NeedsPerson
    may_say: frozenset[str]
    is_urgent: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class NoticeRules:
    news: dict[str, News]
    silent: frozenset[str]
    gather: timedelta
    between_texts: timedelta
    oldest: timedelta
    again: timedelta

    @cached_property
    def names(self) -> frozenset[str]:
        """Everything that a `victim_told` event can name."""
        return STAGE_IDS.union(self.news, self.silent)

    def find_news(self, event: CaseEvent) -> News | None:
        """None for what nobody is told of, a kind nobody knows among it."""
        return self.news.get(what_happened(event))

    def is_too_old(self, event: CaseEvent, now: datetime) -> bool:
        return event.at < now - self.oldest

    def needs_person(self, event: CaseEvent, crime_type: str) -> bool:
        """Whether a person must tell it first. Of what the table does not name, stages.py decides alone."""
        news, is_flagged = self.find_news(event), is_human_first_crime(crime_type)
        if is_flagged and event.kind == STAGE_CHANGED and is_human_first(event.detail):
            return True
        if news is None or news.person is NeedsPerson.NEVER:
            return False
        if news.may_say and event.detail.strip() not in news.may_say:
            return True
        return is_flagged or news.person is NeedsPerson.ALWAYS

    def is_urgent(self, name: str) -> bool:
        return name in self.news and self.news[name].is_urgent


def find_victim_told(
    name: str, happened_at: datetime, events: Iterable[CaseEvent], *, names: frozenset[str], now: datetime
) -> datetime | None:
    """When a person first told them of `name`, which happened then; None while no event says so.

    As in stages: a `victim_told` counts from that day on, unless its detail names something else that
    happens in a case, and not while it is still to come.
    """
    others = names - {name}
    return min(
        (
            event.at
            for event in events
            if event.kind == VICTIM_TOLD
            and event.detail not in others
            and local_day(happened_at) <= local_day(event.at)
            and event.at <= now
        ),
        default=None,
    )


def load_notice_rules(path: Path = NOTICES_FILE) -> NoticeRules:
    """Raises SettingsInvalid, with the place, for a table that cannot be right."""
    tables = read_toml(path)
    try:
        return _parse_rules(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault


def _parse_rules(tables: dict[str, Any]) -> NoticeRules:
    about = tables.pop("about")
    as_text(about["source"])
    as_date(about["review_by"])
    rows = [_parse_news(dict(entry)) for entry in tables.pop("news")]
    silent = [name for entry in tables.pop("silent") for name in _texts(entry["news"])]
    numbers = tables.pop("rules")
    if tables or numbers.keys() != set(_RULES):
        raise KeyError(*tables, *numbers)
    names = [*(row.name for row in rows), *silent]
    if len(set(names)) < len(names):
        raise ValueError("something listed twice")
    return NoticeRules(
        news={row.name: row for row in rows},
        silent=frozenset(silent),
        gather=timedelta(minutes=_number(numbers["gather_minutes"])),
        between_texts=timedelta(hours=_number(numbers["hours_between_texts"])),
        oldest=timedelta(days=_number(numbers["oldest_days"])),
        again=timedelta(minutes=_number(numbers["again_minutes"])),
    )


def _parse_news(entry: dict[str, Any]) -> News:
    news = News(
        name=as_text(entry.pop("news")),
        person=NeedsPerson(entry.pop("person")),
        may_say=frozenset(_texts(entry.pop("may_say", []))),
        is_urgent=_flag(entry.pop("urgent", False)),
        why=as_text(entry.pop("why")),
    )
    if entry:
        raise KeyError(*entry)
    return news


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return [as_text(each) for each in value]


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError(f"{value!r} is no number from 1")
    return value
