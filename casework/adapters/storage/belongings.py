"""Which rows belong to a conversation, a case or a person, by every key there is; and taking them out.

It is read from the tables themselves, so that a new table is reached the day it is added. What names a row without a
key of the database is read from data_map.toml.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.data_keys import shred_where
from casework.adapters.storage.data_map import MappedTable
from casework.adapters.storage.keeping_tables import hold
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.tables import case, conversation, metadata, person, standing

CASE, CONVERSATION, PERSON = "case", "conversation", "person"
KEY_OF: Mapping[str, sa.Column[str]] = {
    CASE: case.c.crime_reference,
    CONVERSATION: conversation.c.id,
    PERSON: person.c.id,
}
# The record of who did what: it outlives what it speaks of, and holds no words.
OUTLIVES = frozenset({"audit"})
NOBODY: sa.Select[Any] = sa.select(sa.null()).where(sa.false())


@dataclass(frozen=True, kw_only=True)
class Link:
    """`column` names a row of the parent by `there`. `is_loose`: it lets go of it, and the row stays."""

    column: sa.Column[Any]
    there: sa.Column[Any]
    is_loose: bool

    @property
    def is_of_itself(self) -> bool:
        return self.column.table is self.there.table


class Belongings:
    """`loosens`: table -> columns that let go. Raises KeyError for one that is not there."""

    def __init__(self, data_map: Mapping[str, MappedTable], loosens: Mapping[str, frozenset[str]]) -> None:
        self._data_map = data_map
        self._loosens = loosens
        # Of tables alone: the same for as long as the program runs, and dear to work out.
        self._belonging: dict[str, list[Link]] = {}
        self._held: dict[str, sa.ColumnElement[bool]] = {}
        for table, columns in loosens.items():
            for column in columns:
                assert metadata.tables[table].c[column].nullable, f"{table}.{column} cannot let go"

    @cached_property
    def _links(self) -> Sequence[Link]:
        return [link for table in metadata.sorted_tables for link in self._list_links(table)]

    def _list_links(self, table: sa.Table) -> Iterator[Link]:
        if table.name in OUTLIVES:
            return
        loose = self._loosens.get(table.name, frozenset())
        keyed = [
            (key.parent, key.column) for key in sorted(table.foreign_keys, key=lambda each: each.parent.name)
        ]
        mapped = self._data_map.get(table.name)
        for reach in () if mapped is None else mapped.reach:
            if len(reach.columns) == 1:
                pair = (table.c[reach.columns[0]], metadata.tables[reach.table].c[reach.there[0]])
                keyed += [] if pair in keyed else [pair]
        for column, there in keyed:
            yield Link(column=column, there=there, is_loose=column.name in loose)

    # --- whose a row is ---------------------------------------------------------------------------

    def is_of(self, table: sa.Table, subjects: Mapping[str, sa.Select[Any]]) -> sa.ColumnElement[bool]:
        """The condition that a row of the table belongs to one of `subjects`: kind -> their ids or references."""
        conditions: list[sa.ColumnElement[bool]] = []
        if table.name in KEY_OF:
            conditions.append(KEY_OF[table.name].in_(subjects.get(table.name, NOBODY)))
        conditions += [self._is_of_parent(link, subjects) for link in self._list_belonging(table)]
        return sa.or_(sa.false(), *conditions)

    def _is_of_parent(self, link: Link, subjects: Mapping[str, sa.Select[Any]]) -> sa.ColumnElement[bool]:
        parent = link.there.table
        theirs = sa.select(link.there).where(self.is_of(parent, subjects))
        # An empty column is of nobody, and what is said of it must not be unknown: "not held" is asked, too.
        return sa.and_(link.column.is_not(None), link.column.in_(theirs.correlate(None)))

    def _list_belonging(self, table: sa.Table) -> list[Link]:
        """By which its rows are anybody's."""
        if table.name not in self._belonging:
            mine = [each for each in self._links if each.column.table is table]
            self._belonging[table.name] = [
                each
                for each in mine
                if not each.is_loose and not each.is_of_itself and self._is_anybodys(each.there.table)
            ]
        return self._belonging[table.name]

    def _is_anybodys(self, table: sa.FromClause) -> bool:
        assert isinstance(table, sa.Table)
        return table.name in KEY_OF or bool(self._list_belonging(table))

    def list_of_somebody(self) -> list[sa.Table]:
        """Every table whose rows belong to somebody, those that hang on others first."""
        return [table for table in reversed(metadata.sorted_tables) if self._is_anybodys(table)]

    def is_held(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """The condition that a hold keeps a row of the table."""
        if table.name not in self._held:
            self._held[table.name] = self.is_of(table, held_subjects())
        return self._held[table.name]

    # --- taking rows out --------------------------------------------------------------------------

    def remove(
        self, connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool]
    ) -> Counter[str]:
        """Deletes those rows and all that hangs on them; how many of each table. What lets go stays, and lets go."""
        if table is data_key:
            # Noted outside the database as well: no old backup may bring back what it opens.
            return Counter({table.name: shred_where(connection, which)})
        counts: Counter[str] = Counter()
        for link in self._links:
            if link.there.table is not table or link.is_of_itself:
                continue
            child = link.column.table
            gone = sa.select(link.there).where(which, link.there.is_not(None)).correlate(None)
            hanging = link.column.in_(gone)
            if link.is_loose:
                connection.execute(sa.update(child).where(hanging).values({link.column.name: None}))
            elif connection.execute(
                sa.select(sa.literal(1)).select_from(child).where(hanging).limit(1)
            ).first():
                counts += self.remove(connection, child, hanging)
        deleted = connection.execute(sa.delete(table).where(which)).rowcount
        return counts + Counter({table.name: deleted})


def held_subjects() -> Mapping[str, sa.Select[Any]]:
    """Everybody and everything that a hold keeps, placed on it or on what it belongs to."""
    people = _on(PERSON)
    cases = sa.union(_on(CASE), sa.select(case.c.crime_reference).where(case.c.person_id.in_(people)))
    of_cases = sa.select(standing.c.conversation_id).where(standing.c.crime_reference.in_(cases))
    return {
        PERSON: people,
        CASE: sa.select(cases.subquery().c[0]),
        CONVERSATION: sa.select(sa.union(_on(CONVERSATION), of_cases).subquery().c[0]),
    }


def _on(kind: str) -> sa.Select[Any]:
    return sa.select(hold.c.subject_id).where(hold.c.subject_kind == kind, hold.c.lifted_at.is_(None))
