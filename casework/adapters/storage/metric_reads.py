"""What the stored rows say of how it runs: counts, ages and statuses. No id, no text, nothing of a person.

Ages and queues are read from the small indexes of what is unfinished. What was ever counted is counted from the rows
that came since it was last asked, so that it costs the same with ten million rows as with none.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.audit_tables import audit_anchor
from casework.adapters.storage.known_turns import SqlKnownTurns
from casework.adapters.storage.tables import (
    DESK_ITEM_OPEN,
    OUTBOX_UNFINISHED,
    TURN_UNFINISHED,
    alarm,
    audit,
    delivery_attempt,
    delivery_event,
    desk_item,
    inbox,
    outbox,
    status_in,
    sweep_run,
    turn,
    worker_beat,
)
from casework.model.desk import Grade
from casework.model.disclosures import Band
from casework.model.known_turns import Heard
from casework.model.messages import Channel, Origin, OutboxStatus

Labels = tuple[tuple[str, str], ...]

# A row is counted once every row with a lower number has long been there, too.
SETTLED = timedelta(seconds=10)
AT_ONCE = 5000
OTHER = "other"
TIERS = ("1", "2", "3", "4")
NEWS = (
    "accepted",
    "queued",
    "scheduled",
    "sending",
    "sent",
    "delivered",
    "read",
    "undelivered",
    "failed",
    "canceled",
)
# A disclosure is stored together with its desk item, or not at all: counted from 0, so that the first one is seen.
UNGUARDED: tuple[str, Labels] = ("danger_without_item", ())
# Words of the program: acts of the audit and kinds of alarms.
WORD = re.compile(r"[a-z][a-z_]{1,47}")


@dataclass(frozen=True)
class Figure:
    """One value now; the name without its beginning, ages in seconds."""

    name: str
    value: float
    labels: Labels = ()


@dataclass(frozen=True)
class Counted:
    """`counts`: since this process first looked. `last`: by table, the number of the last row counted."""

    counts: Mapping[tuple[str, Labels], int] = field(default_factory=dict)
    last: Mapping[str, int] = field(default_factory=dict)


def read_figures(connection: sa.Connection, now: datetime) -> list[Figure]:
    return [
        *_read_turns(connection, now),
        *_read_outbox(connection, now),
        *_read_queue(connection, now),
        *_read_watchers(connection, now),
    ]


def _read_turns(connection: sa.Connection, now: datetime) -> Iterable[Figure]:
    columns = (sa.func.count(), sa.func.min(turn.c.created_at))
    count, oldest = connection.execute(sa.select(*columns).where(status_in(turn, TURN_UNFINISHED))).one()
    yield Figure("turns_unanswered", count)
    yield Figure("oldest_turn_seconds", _age(oldest, now))


def _read_outbox(connection: sa.Connection, now: datetime) -> Iterable[Figure]:
    columns = (outbox.c.status, sa.func.count(), sa.func.min(outbox.c.not_before))
    query = sa.select(*columns).where(status_in(outbox, OUTBOX_UNFINISHED)).group_by(outbox.c.status)
    found = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    for status in OUTBOX_UNFINISHED:
        yield Figure("outbox", found.get(status, (0, None))[0], (("status", status),))
    due = [since for _, since in found.values()]
    yield Figure("outbox_oldest_due_seconds", _age(min(due, default=None), now))


def _read_queue(connection: sa.Connection, now: datetime) -> Iterable[Figure]:
    is_free = desk_item.c.owner_id.is_(None)
    free_since = sa.func.min(sa.case((is_free, desk_item.c.waiting_since)))
    columns = (desk_item.c.grade, sa.func.count(), sa.func.sum(sa.case((is_free, 1), else_=0)), free_since)
    query = sa.select(*columns).where(status_in(desk_item, DESK_ITEM_OPEN)).group_by(desk_item.c.grade)
    found = {row[0]: row for row in connection.execute(query)}
    for grade in Grade:
        _, count, free, since = found.get(grade.value, (grade.value, 0, 0, None))
        labels = (("grade", str(grade.value)),)
        yield Figure("queue", count, labels)
        yield Figure("queue_unclaimed", free, labels)
        yield Figure("queue_oldest_unclaimed_seconds", _age(since, now), labels)


def _read_watchers(connection: sa.Connection, now: datetime) -> Iterable[Figure]:
    """Who watches: alarms, the worker, the reading of the provider's list, what the assistant says, the signing."""
    for kind in connection.scalars(sa.select(alarm.c.kind).where(alarm.c.ended_at.is_(None)).distinct()):
        yield Figure("alarm", 1, (("kind", _word(kind)),))
    beat = connection.scalar(sa.select(sa.func.max(worker_beat.c.beat_at)))
    if beat is not None:
        yield Figure("worker_beat_seconds", _age(beat, now))
    columns = (sweep_run.c.finished_at, sweep_run.c.missing_in, sweep_run.c.missing_out)
    whole = sa.and_(sweep_run.c.finished_at.is_not(None), sweep_run.c.fault.is_(None))
    newest = sa.select(*columns).where(whole).order_by(sweep_run.c.id.desc()).limit(1)
    swept = connection.execute(newest).one_or_none()
    if swept is not None:
        yield Figure("sweep_seconds", _age(swept.finished_at, now))
        yield Figure("sweep_missing_in", swept.missing_in)
        yield Figure("sweep_missing_out", swept.missing_out)
    heard = SqlKnownTurns(connection, now).find()
    if heard is not None:
        yield Figure("assistant_answers", float(heard.heard is Heard.WELL))
        yield Figure("assistant_checked_seconds", _age(heard.at, now))
    last = sa.select(audit_anchor.c.signed_at).order_by(audit_anchor.c.number.desc()).limit(1)
    signed = connection.scalar(last)
    if signed is not None:
        yield Figure("anchor_seconds", _age(signed, now))


def _age(since: datetime | None, now: datetime) -> float:
    """0 where nothing waits, or what waits is to come."""
    return 0.0 if since is None else max(0.0, round((now - since).total_seconds(), 1))


# --- what was ever counted ----------------------------------------------------------------------------------


def read_new(connection: sa.Connection, now: datetime, before: Counted) -> Counted:
    """`before`, and the rows that came since. At the first look nothing is counted yet."""
    counts, last = Counter({UNGUARDED: 0} | dict(before.counts)), dict(before.last)
    has_item = sa.exists().where(
        desk_item.c.dedupe_key == sa.literal("disclosure:") + sa.cast(inbox.c.id, sa.String)
    )
    for table, at, columns, name_row in (
        (
            inbox,
            inbox.c.received_at,
            (inbox.c.channel, inbox.c.origin, inbox.c.screen, has_item),
            _name_message,
        ),
        (delivery_attempt, delivery_attempt.c.at, (delivery_attempt.c.outcome,), _name_attempt),
        (delivery_event, delivery_event.c.received_at, (delivery_event.c.status,), _name_news),
        (audit, audit.c.at, (audit.c.act,), _name_act),
    ):
        since = last.get(table.name)
        if since is None:
            last[table.name] = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
            continue
        query = sa.select(table.c.id, at, *columns).where(table.c.id > since).order_by(table.c.id)
        for number, moment, *values in connection.execute(query.limit(AT_ONCE)):
            if moment > now - SETTLED:
                break
            last[table.name] = number
            counts.update(name_row(*values))
    return Counted(counts=counts, last=last)


def _name_message(
    channel: str, origin: str, screen: Mapping[str, Any], has_item: bool
) -> list[tuple[str, Labels]]:
    tier = screen.get("tier")
    unguarded = [UNGUARDED] if screen.get("band") == Band.RED and not has_item else []
    return [
        *unguarded,
        ("messages_in", (("channel", _one_of(channel, Channel)), ("origin", _one_of(origin, Origin)))),
        ("screen", (("tier", "none" if tier is None else _one_of(str(tier), TIERS)),)),
    ]


def _name_attempt(outcome: str) -> list[tuple[str, Labels]]:
    return [("delivery_attempts", (("outcome", _one_of(outcome, OutboxStatus)),))]


def _name_news(status: str) -> list[tuple[str, Labels]]:
    return [("delivery_news", (("status", _one_of(status, NEWS)),))]


def _name_act(act: str) -> list[tuple[str, Labels]]:
    return [("acts", (("act", _word(act)),))]


def _one_of(value: str, known: Iterable[str]) -> str:
    return value if value in list(known) else OTHER


def _word(value: str) -> str:
    return value if WORD.fullmatch(value) else OTHER
