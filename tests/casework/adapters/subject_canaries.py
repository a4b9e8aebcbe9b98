"""A person with a row in every table that can reach one, and a word of its own in each column that takes one."""

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.data_map import MappedTable, load_data_map
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.sealed import BYTES, JSON, SealedBeside
from casework.adapters.storage.tables import UtcDateTime
from tests.support.rows import seal_row

START = datetime.fromisoformat("2026-11-01T09:00:00+00:00")


class Seeded:
    """`words`: the canary of each personal column, as "table.column". Two subjects share none of them.

    Rows go in as the map reaches them: the parent's key where the row names it, whatever else has to be there.
    """

    def __init__(self, connection: sa.Connection, letter: str, staff_id: str) -> None:
        self.words: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self._connection, self._letter, self._staff_id = connection, letter, staff_id
        self._rows: dict[str, dict[str, Any]] = {}
        self._data_map = load_data_map()

    def fill(self) -> "Seeded":
        for table in metadata.sorted_tables:
            # Keys are made by what is sealed.
            is_to_come = table is not data_key and table.name not in self._rows
            if is_to_come and self._data_map[table.name].is_of_a_person:
                self._insert(table)
        return self

    @property
    def person_id(self) -> str:
        return str(self._rows["person"]["id"])

    @property
    def conversation_id(self) -> str:
        return str(self._rows["conversation"]["id"])

    @property
    def reference(self) -> str:
        return str(self._rows["case"]["crime_reference"])

    def row(self, table: str) -> dict[str, Any]:
        return self._rows[table]

    def _insert(self, table: sa.Table) -> None:
        mapped = self._data_map[table.name]
        values: dict[str, Any] = {}
        for column in table.columns:
            is_given = column.primary_key and column.autoincrement is True
            if not is_given and not isinstance(column.type, SealedBeside):
                values[column.name] = self._value(table, column, mapped)
        values |= self._fixed(table.name)
        sealed = seal_row(self._connection, table, values)
        inserted = self._connection.execute(sa.insert(table).values(sealed).returning(*table.columns)).one()
        self._rows[table.name] = dict(inserted._mapping)
        for name in mapped.personal:
            self._note(table.name, name, inserted._mapping[name])

    def _note(self, table: str, name: str, value: object) -> None:
        if isinstance(value, bytes) and table == "media_content":
            self.files[f"{table}.{name}"] = value
        elif (word := self._word_of(table, name)) in str(value):
            self.words[f"{table}.{name}"] = word

    def _word_of(self, table: str, column: str) -> str:
        """Short enough for the narrowest column, and like nothing else: "qa07x03"."""
        tables = list(self._data_map)
        columns = list(metadata.tables[table].columns.keys())
        return f"q{self._letter}{tables.index(table):02d}x{columns.index(column):02d}"

    def _value(self, table: sa.Table, column: sa.Column[Any], mapped: MappedTable) -> Any:
        for reach in mapped.reach:
            if column.name in reach.columns and reach.table != table.name:
                if reach.table not in self._rows:
                    self._insert(metadata.tables[reach.table])
                return self._rows[reach.table][reach.there[reach.columns.index(column.name)]]
        for key in column.foreign_keys:
            target = key.column.table.name
            if target in self._rows and target != table.name:
                return self._rows[target][key.column.name]
            if target == "staff_member":
                return self._staff_id
            if column.nullable:
                return None
            self._insert(key.column.table)
            return self._rows[target][key.column.name]
        return self._made_up(table.name, column)

    def _made_up(self, table: str, column: sa.Column[Any]) -> Any:
        word = self._word_of(table, column.name)
        kind = column.type
        if isinstance(kind, UtcDateTime):
            return START + timedelta(minutes=len(self._rows))
        if isinstance(kind, sa.Date):
            return date(2026, 11, 1)
        if isinstance(kind, sa.JSON) or getattr(kind, "kind", None) == JSON:
            return {"said": [word]}
        if isinstance(kind, sa.LargeBinary) or getattr(kind, "kind", None) == BYTES:
            return f"Body={word}+said&From=%2B44".encode()
        if isinstance(kind, sa.Boolean):
            return False
        if isinstance(kind, sa.Float):
            return 0.5
        if isinstance(kind, sa.Integer):
            return list(self._data_map).index(table) + (1000 if self._letter == "b" else 500)
        return word

    def _fixed(self, table: str) -> dict[str, Any]:
        """What has to be of a certain kind for the row to be found, or to be let in."""
        fixed: dict[str, dict[str, Any]] = {
            "conversation": {"is_drill": False},
            "standing": {"ended_at": None},
            "media_content": {"content": f"\x89PNG q{self._letter} the file".encode()},
            "outbox": {"to": self._word_of("outbox", "to"), "turn_id": None},
            "access_request": {"status": "given"},
            "example": {"guest_message_id": None, "derived_from": None},
            "credential": {"ended_at": None},
        }
        return fixed.get(table, {})
