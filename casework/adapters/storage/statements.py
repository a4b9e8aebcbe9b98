"""The two statements whose spelling differs between the dialects."""

import secrets
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def new_id() -> str:
    """128 random bits; ids carry no meaning and cannot be guessed."""
    return secrets.token_hex(16)


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_once(
    connection: sa.Connection, table: sa.Table, key: list[str], values: dict[str, Any]
) -> Any | None:
    """Inserts unless `key` is taken: the new row's primary key, or None. The database decides, not a check."""
    statement = insert(connection, table).values(**values).on_conflict_do_nothing(index_elements=key)
    returned = connection.execute(statement.returning(*table.primary_key.columns)).first()
    return None if returned is None else returned[0]


def lock_rows(connection: sa.Connection, query: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    """Skips rows another worker is choosing. SQLite has one writer at a time and needs nothing."""
    if connection.dialect.name == "postgresql":
        return query.with_for_update(skip_locked=True, of=table)
    return query
