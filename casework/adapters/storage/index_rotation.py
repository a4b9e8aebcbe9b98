"""Every index made anew with a newer index key, in one transaction. The service is stopped: two keys never mix."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversations import index_of_told
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.sealed import BlindIndex
from casework.adapters.storage.tables import case, inbox, person, throttle
from casework.adapters.storage.vaults import Vault
from casework.model.case_changes import name_of_person
from casework.model.cases import Case

AT_ONCE = 500


def rotate_index(connection: sa.Connection, vault: Vault, *, say: Callable[[int, int], None]) -> None:
    """`say`: how many rows are done, of how many. Throttle counts begin anew: they are known by their index alone."""
    total = sum(_count(connection, table) for table in _tables())
    done = 0
    for table in _tables():
        for keys, words in _in_parts(connection, table, vault):
            # Read with the old key, all of a part before any of it is written with the new one.
            connection.execute(sa.update(_plain(table)).where(*_same(table, keys)).values(words))
            done += 1
            if done % AT_ONCE == 0:
                say(done, total)
    connection.execute(sa.delete(throttle))
    vault.note_index(connection, vault.newest_index)
    say(total, total)


def _tables() -> list[sa.Table]:
    found = [table for table in metadata.sorted_tables if any(_is_index(column) for column in table.c)]
    return [table for table in found if table is not throttle]


def _is_index(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, BlindIndex)


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


@cache
def _plain(table: sa.Table) -> sa.TableClause:
    """The same table, whose columns take what they are given."""
    return sa.table(table.name, *(sa.column(column.name) for column in table.c))


def _same(table: sa.Table, keys: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [_plain(table).c[name] == value for name, value in keys.items()]


def _in_parts(
    connection: sa.Connection, table: sa.Table, vault: Vault
) -> Iterator[tuple[dict[str, Any], dict[str, str | None]]]:
    """(primary key, its indexes made anew) of each row."""
    order = list(table.primary_key.columns)
    wanted = [column for column in table.c if _is_index(column) and column.type.has_words]  # type: ignore[attr-defined]
    more = [inbox.c.details] if table is inbox else []
    query = sa.select(*order, *(each for each in (*wanted, *more) if each not in order)).order_by(*order)
    rows = connection.execute(query.limit(AT_ONCE)).mappings().all()
    while rows:
        names = _name_people(connection, [row["id"] for row in rows]) if table is person else {}
        for row in rows:
            words = {column.name: row[column.name] for column in wanted}
            if table is inbox:
                words["told_index"] = index_of_told(row["details"] or {})
            if table is person:
                words["match_key"] = names.get(row["id"], f"no case any more: {row['id']}")
            made = {name: None if text is None else vault.new_index(text) for name, text in words.items()}
            yield {key.name: row[key.name] for key in order}, made
        last = [sa.literal(rows[-1][key.name]) for key in order]
        after = query.where(sa.tuple_(*order) > sa.tuple_(*last)).limit(AT_ONCE)
        rows = connection.execute(after).mappings().all()


def _name_people(connection: sa.Connection, ids: list[str]) -> dict[str, str]:
    """What each is matched by. Who has no case any more is matched by nothing."""
    columns = [case.c[each.name] for each in fields(Case) if each.name != "events"]
    rows = connection.execute(sa.select(*columns).where(case.c.person_id.in_(ids)))
    cases = [Case(**row._mapping, events=()) for row in rows]
    return {str(each.person_id): name_of_person(each) for each in cases}
