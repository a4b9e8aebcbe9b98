"""Every row that is about one person, found by walking the map of the tables. See data_map.py."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.data_map import Label, MappedTable, load_data_map
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.tables import (
    UtcDateTime,
    case,
    conversation,
    inbound_media,
    media_content,
    person,
    standing,
)

ROWS_AT_ONCE = 200
FILES = {"media_content": "content"}
"""The columns that hold whole files: read one by one (`read_file`), never with their rows."""


@dataclass(frozen=True, kw_only=True)
class FoundConversation:
    """A conversation taken for somebody's. `how`: proved, proved_once or same_contact."""

    id: str
    how: str


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """Either is empty where it is not known."""

    sha256: str
    found_type: str


def find_conversations(connection: sa.Connection, person_id: str) -> list[FoundConversation]:
    """What was proved to be theirs, now or once, and what came from their contact of record; no drill.

    A number may have changed hands, and a phone may be shared: whether each is theirs, a person says.
    """
    cases = sa.select(case.c.crime_reference).where(case.c.person_id == person_id)
    proofs = (
        sa.select(standing.c.conversation_id, standing.c.ended_at)
        .where(standing.c.crime_reference.in_(cases))
        .order_by(standing.c.id)
    )
    found: dict[str, str] = {}
    for conversation_id, ended_at in connection.execute(proofs):
        if ended_at is None or conversation_id not in found:
            found[conversation_id] = "proved" if ended_at is None else "proved_once"
    contacts = _list_contacts(connection, person_id)
    same = sa.select(conversation.c.id).where(conversation.c.external_id.in_(contacts))
    for conversation_id in connection.execute(same).scalars():
        found.setdefault(conversation_id, "same_contact")
    real = sa.select(conversation.c.id).where(
        conversation.c.id.in_(found), conversation.c.is_drill.is_(sa.false())
    )
    ordered = real.order_by(conversation.c.created_at, conversation.c.id)
    return [FoundConversation(id=each, how=found[each]) for each in connection.execute(ordered).scalars()]


def _list_contacts(connection: sa.Connection, person_id: str) -> list[str]:
    queries = (
        sa.select(person.c.contact_mobile).where(person.c.id == person_id),
        sa.select(case.c.contact_mobile).where(case.c.person_id == person_id),
        sa.select(case.c.contact_email).where(case.c.person_id == person_id),
    )
    found = {each for query in queries for each in connection.execute(query).scalars() if each}
    return sorted(found)


class SubjectRows:
    """The rows of one person and of those conversations, table by table, in an order that does not change."""

    def __init__(self, connection: sa.Connection, person_id: str, conversations: Collection[str]) -> None:
        self._connection = connection
        self._person_id = person_id
        self._conversations = sorted(conversations)
        self._map = load_data_map()

    def list_tables(self) -> list[MappedTable]:
        """Those with rows of a person, in the map's order."""
        return [table for table in self._map.values() if table.is_of_a_person]

    def read(self, mapped: MappedTable) -> Iterator[Any]:
        """The rows with every column but files and those of the service itself; oldest first."""
        table = metadata.tables[mapped.name]
        kept = (name for name, label in mapped.labels.items() if label is not Label.SYSTEM)
        columns = [table.c[name] for name in kept if name != FILES.get(mapped.name)]
        named = {each.name for each in columns}
        columns += [each for each in table.primary_key.columns if each.name not in named]
        times = [table.c[name] for name in mapped.personal if isinstance(table.c[name].type, UtcDateTime)]
        query = (
            sa.select(*columns)
            .where(self._is_theirs(mapped))
            .order_by(*times[:1], *table.primary_key.columns)
        )
        yield from self._connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE))

    def list_files(self) -> dict[int, KeptFile]:
        """What is known of each file of theirs, by its number, in the order they came."""
        theirs = self._is_theirs(self._map["media_content"])
        query = (
            sa.select(inbound_media.c.id, inbound_media.c.sha256, inbound_media.c.found_type)
            .join(media_content, media_content.c.media_id == inbound_media.c.id)
            .where(theirs)
            .order_by(inbound_media.c.id)
        )
        return {
            row.id: KeptFile(sha256=row.sha256 or "", found_type=row.found_type or "")
            for row in self._connection.execute(query)
        }

    def read_file(self, media_id: int) -> bytes | None:
        """The bytes as they came; None for a file that is not there or not theirs."""
        theirs = self._is_theirs(self._map["media_content"])
        query = sa.select(media_content.c.content).where(media_content.c.media_id == media_id, theirs)
        return self._connection.execute(query).scalar()

    def _is_theirs(self, mapped: MappedTable) -> sa.ColumnElement[bool]:
        table = metadata.tables[mapped.name]
        if table is person:
            return person.c.id == self._person_id
        if table is conversation:
            return conversation.c.id.in_(self._conversations)
        straight, itself = [], []
        before: list[sa.ColumnElement[bool]] = []
        for reach in mapped.reach:
            here = [table.c[name] for name in reach.columns]
            if reach.table == mapped.name:
                itself.append((reach, before))
            else:
                target = metadata.tables[reach.table]
                theirs = self._is_theirs(self._map[reach.table])
                there = sa.select(*(target.c[name] for name in reach.there)).where(theirs)
                straight.append(sa.and_(*before, _all_of(here).in_(there)))
            # The first that is not empty decides: a row of another's case is not theirs for where it was said.
            before = [*before, here[0].is_(None)]
        found = sa.or_(*straight)
        for reach, empty in itself:
            found = _follow(table, found, reach.columns[0], reach.there[0], empty)
        return found


def _all_of(columns: list[sa.Column[Any]]) -> Any:
    return columns[0] if len(columns) == 1 else sa.tuple_(*columns)


def _follow(
    table: sa.Table,
    start: sa.ColumnElement[bool],
    column: str,
    there: str,
    empty: list[sa.ColumnElement[bool]],
) -> sa.ColumnElement[bool]:
    """What `start` finds, and every row that comes of one of those, however many steps on."""
    found = sa.select(table.c[there]).where(start).cte(f"{table.name}_and_after", recursive=True)
    after = sa.select(table.c[there]).join(found, table.c[column] == found.c[there]).where(*empty)
    found = found.union(after)
    return table.c[there].in_(sa.select(found.c[there]))
