"""Statements that several tables share, and those whose spelling differs between the dialects."""

import secrets
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def new_id() -> str:
    """128 random bits; ids carry no meaning and cannot be guessed."""
    return secrets.token_hex(16)


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_once(
    connection: sa.Connection, table: sa.Table, key: list[str], values: dict[str, Any]
) -> Any | None:
    """Inserts unless `key` is taken: the new row's primary key, or None. The database decides, not a check."""
    returned = connection.execute(_insert_once(connection.dialect.name, table, tuple(key)), values).first()
    return None if returned is None else returned[0]


@cache
def _insert_once(dialect: str, table: sa.Table, key: tuple[str, ...]) -> Any:
    statement = insert_for(dialect, table).on_conflict_do_nothing(index_elements=key)
    return statement.returning(*table.primary_key.columns)


def lock_rows(connection: sa.Connection, query: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    """Skips rows another worker is choosing. SQLite has one writer at a time and needs nothing."""
    return lock_rows_for(connection.dialect.name, query, table)


def lock_rows_for(dialect: str, query: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    return query.with_for_update(skip_locked=True, of=table) if dialect == "postgresql" else query


@cache
def lease_row(table: sa.Table) -> sa.Update:
    """Leases the row `of` to `worker`, `until` when, as `to_status`: whoever had it before holds an old fence.

    Built once for each table: building it costs more than running it, and each message needs it.
    """
    return (
        sa.update(table)
        .where(table.c.id == sa.bindparam("of"))
        .values(
            status=sa.bindparam("to_status"),
            fence=table.c.fence + 1,
            attempts=table.c.attempts + 1,
            leased_by=sa.bindparam("worker"),
            lease_until=sa.bindparam("until"),
        )
    )
