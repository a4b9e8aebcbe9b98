"""Rows put into a table as they are, past every repository."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.sealed import seal_all


def put_rows(
    connection: sa.Connection, table: sa.Table, *rows: Mapping[str, Any], owner: str | None = None
) -> None:
    """`owner`: whose key seals them, where the table's own columns do not say."""
    connection.execute(sa.insert(table), seal_all(connection, table, rows, owner=owner))


def put_value(connection: sa.Connection, column: sa.Column[Any], value: Any) -> None:
    """The same words in a sealed column of every row."""
    table = column.table
    assert isinstance(table, sa.Table)
    for row in connection.execute(sa.select(table)).mappings().all():
        [sealed] = seal_all(connection, table, [{**row, column.name: value}])
        same = [key == row[key.name] for key in table.primary_key.columns]
        connection.execute(sa.update(table).where(*same).values({column.name: sealed[column.name]}))
