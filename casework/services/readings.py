"""Who read what somebody wrote, as they are told themselves: days, kinds of people and deeds; names only by a setting.

Today is never listed, and nothing from the day on which words that mean "I am not free to speak" were heard: whoever
stands beside them must not see from this list that somebody came to look.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from casework.model.audit_acts import load_acts
from casework.model.may_tell import Piece
from casework.model.readings import Deed, find_deed
from casework.model.working_days import LONDON, local_day
from casework.services.proved import Proved
from casework.services.reading_ports import ReadingTransaction, RecordedDeed

MOST_DEEDS = 2000
"""Rows of the record a list is made of, the newest."""
# For so long after words of duress were heard the list ends before them.
SILENT_FOR = timedelta(days=28)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What one person did on one day: `at` the first time, `times` how often. `name` is "" unless names are shown."""

    at: datetime
    role: str
    name: str
    deed: Deed
    times: int


@dataclass(frozen=True, kw_only=True)
class ReadersOfDay:
    day: date
    done: tuple[Done, ...]


@dataclass(frozen=True, kw_only=True)
class Readers:
    """The newest day first. `is_cut`: there was more before."""

    days: tuple[ReadersOfDay, ...] = field(repr=False)
    is_cut: bool


def open_readers(
    tx: ReadingTransaction, conversation_id: str, proved: Proved, *, is_named: bool, most: int = MOST_DEEDS
) -> Readers | None:
    """For the page that shows it, which is recorded. None where too little is proved, as for a copy of the words."""
    if Piece.MESSAGE_HISTORY not in proved.told:
        return None
    tx.audit.record("readers_opened", by="person", conversation_id=conversation_id)
    found = tx.audit_reads.list_deeds(conversation_id, until=_find_end(tx, conversation_id), limit=most + 1)
    return Readers(days=_group(found[:most], is_named=is_named), is_cut=len(found) > most)


def _find_end(tx: ReadingTransaction, conversation_id: str) -> datetime:
    heard_at = tx.audit_reads.find_duress(conversation_id, since=tx.now - SILENT_FOR)
    return datetime.combine(local_day(heard_at or tx.now), time(), LONDON)


def _group(deeds: Iterable[RecordedDeed], *, is_named: bool) -> tuple[ReadersOfDay, ...]:
    days: dict[date, dict[tuple[str, Deed], list[RecordedDeed]]] = {}
    for each in deeds:
        known = load_acts().get(each.act)
        deed = find_deed(each.act, known.kind if known else None)
        if deed is not None:
            days.setdefault(local_day(each.at), {}).setdefault((each.actor, deed), []).append(each)
    return tuple(
        ReadersOfDay(
            day=day,
            done=tuple(
                sorted(
                    (_sum_up(those, deed, is_named=is_named) for (_, deed), those in done.items()),
                    key=lambda each: (each.at, each.deed, each.role),
                )
            ),
        )
        for day, done in days.items()
    )


def _sum_up(deeds: list[RecordedDeed], deed: Deed, *, is_named: bool) -> Done:
    # The newest comes first.
    first = deeds[-1]
    name = first.name if is_named else ""
    return Done(at=first.at, role=first.role, name=name, deed=deed, times=len(deeds))
