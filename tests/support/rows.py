"""Rows put into a table as they are, past every repository."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import SERVICE, seal


def put_rows(connection: sa.Connection, table: sa.Table, *rows: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(table), [seal_row(connection, table, row) for row in rows])


def seal_row(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """With the service's key where the row does not say whose it is."""
    named = table.info.get("sealed_rows")
    try:
        owner = None if named is None else named.owner(row)
    except KeyError:
        owner = SERVICE
    return seal(connection, table, row, owner=owner)


def put_value(
    connection: sa.Connection, column: sa.Column[Any], value: Any, *only: sa.ColumnElement[bool]
) -> None:
    """The same value in that column of every row, each sealed anew: a row may be called by what was changed."""
    table = column.table
    assert isinstance(table, sa.Table)
    keys = list(table.primary_key.columns)
    for row in connection.execute(sa.select(table).where(*only)).mappings().all():
        sealed = seal_row(connection, table, {**row, column.name: value})
        same = [key == row[key.name] for key in keys]
        connection.execute(sa.update(table).where(*same).values(sealed))
