"""What the provider's record and our database say of the same run, side by side."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import sqlalchemy as sa

from casework.adapters.storage.tables import conversation, desk_item, inbox, outbox, turn
from channels.sandbox.record import Direction
from channels.spool_files import SUFFIX, LineUnreadable, decode_line

RECORD = "sandbox-messages.jsonl"
ACCEPTED = range(200, 400)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A text a person wrote, as the provider has it.

    `at`: the line of the provider's record that has it first. `accepted_at`: the line that says that one of ours
    took it; None where nobody did.
    """

    sid: str
    handset: str
    text: str
    at: int
    accepted_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A text the provider took from us; `at` as above."""

    sid: str
    handset: str
    text: str
    at: int


@dataclass(frozen=True, kw_only=True)
class Held:
    """A row of the inbox with its turn; `turn_status` is None where there is no turn."""

    inbox_id: int
    sid: str
    conversation: str
    origin: str
    turn_status: str | None
    outcome: str | None


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A row of the outbox. `inbox_id`: of the message it answers; `sid`: as the provider called it."""

    outbox_id: int
    conversation: str
    inbox_id: int | None
    lane: int
    status: str
    sid: str | None


@dataclass(frozen=True, kw_only=True)
class Item:
    conversation: str
    inbox_id: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class History:
    """`spooled`: ids that reached the fallback address. `urgent`: ids of texts that tell of danger to life.

    `looks`: how often the running service was looked at; `seen_late`: inbox ids that stood there urgent and
    without their item at any look.
    """

    written: tuple[Written, ...]
    sent: tuple[Sent, ...]
    held: tuple[Held, ...]
    queued: tuple[Queued, ...]
    items: tuple[Item, ...]
    spooled: frozenset[str] = frozenset()
    urgent: frozenset[str] = frozenset()
    owned: frozenset[str] = frozenset()
    looks: int = 0
    seen_late: frozenset[int] = frozenset()


def read_provider(lines: Iterable[bytes]) -> tuple[list[Written], list[Sent]]:
    """The provider's record: a line each time a message changes, and what a crash cut short left out."""
    first: dict[str, tuple[int, Mapping[str, Any]]] = {}
    accepted: dict[str, int] = {}
    for number, said in enumerate(_parse_lines(lines)):
        first.setdefault(said["sid"], (number, said))
        if said["direction"] == Direction.INBOUND and said["webhook_status"] in ACCEPTED:
            accepted.setdefault(said["sid"], number)
    written = [
        Written(
            sid=sid,
            handset=said["handset"],
            text=said["body"],
            at=at,
            accepted_at=accepted.get(sid),
        )
        for sid, (at, said) in first.items()
        if said["direction"] == Direction.INBOUND
    ]
    sent = [
        Sent(sid=sid, handset=said["handset"], text=said["body"], at=at)
        for sid, (at, said) in first.items()
        if said["direction"] == Direction.OUTBOUND
    ]
    return written, sent


def _parse_lines(lines: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue  # torn by a kill: nobody was told of it


def read_record(folder: Path) -> tuple[list[Written], list[Sent]]:
    with (folder / RECORD).open("rb") as lines:
        return read_provider(lines)


def read_spool(folder: Path) -> frozenset[str]:
    """Ids of the messages the fallback address kept, taken in or not."""
    found: set[str] = set()
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        for line in path.read_bytes().splitlines():
            try:
                form = parse_qs(decode_line(line).body.decode())
            except LineUnreadable:
                continue
            found.update(form.get("MessageSid", []))
    return frozenset(found)


def read_held(connection: sa.Connection) -> list[Held]:
    columns = (inbox.c.id, inbox.c.provider_message_id, inbox.c.conversation_id, inbox.c.origin)
    query = sa.select(*columns, turn.c.status, turn.c.outcome).join_from(
        inbox, turn, turn.c.inbox_id == inbox.c.id, isouter=True
    )
    return [
        Held(
            inbox_id=row.id,
            sid=row.provider_message_id,
            conversation=row.conversation_id,
            origin=row.origin,
            turn_status=row.status,
            outcome=row.outcome,
        )
        for row in connection.execute(query.order_by(inbox.c.id))
    ]


def read_queued(connection: sa.Connection) -> list[Queued]:
    columns = (outbox.c.id, outbox.c.conversation_id, outbox.c.lane, outbox.c.status)
    query = sa.select(*columns, outbox.c.provider_message_id, turn.c.inbox_id).join_from(
        outbox, turn, outbox.c.turn_id == turn.c.id, isouter=True
    )
    return [
        Queued(
            outbox_id=row.id,
            conversation=row.conversation_id,
            inbox_id=row.inbox_id,
            lane=row.lane,
            status=row.status,
            sid=row.provider_message_id,
        )
        for row in connection.execute(query.order_by(outbox.c.id))
    ]


def read_items(connection: sa.Connection) -> list[Item]:
    query = sa.select(desk_item.c.conversation_id, desk_item.c.inbox_id, desk_item.c.reason)
    return [
        Item(conversation=row.conversation_id, inbox_id=row.inbox_id, reason=row.reason)
        for row in connection.execute(query)
    ]


def read_owned(connection: sa.Connection) -> frozenset[str]:
    """Conversations a person has now."""
    query = sa.select(conversation.c.id).where(conversation.c.owner_id.is_not(None))
    return frozenset(connection.execute(query).scalars())
