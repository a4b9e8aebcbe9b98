"""The copy a person is given: a page to read, the same as JSON, their files as they came, and a list with SHA-256.

Built by walking the map of the tables, so it holds what is labelled there and forgets nothing. The same state gives
the same bytes: fixed order, times and permissions, and nothing in it of when or by whom it was made.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import IO, Any

import sqlalchemy as sa

from casework.adapters.access_page import Section, write_page
from casework.adapters.held_back import MARK, HeldBack, find_held_back
from casework.adapters.sealed_zip import SealedZip
from casework.adapters.storage.data_map import MappedTable
from casework.adapters.storage.subject_rows import SubjectRows
from casework.adapters.storage.subject_values import name_row, read_value
from casework.adapters.storage.tables import staff_member
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.access_requests import RequestStatus, Verdict, load_access_rules
from casework.model.media_endings import find_ending
from casework.services.access_ports import AccessRequest
from casework.services.access_requests import RequestOver, check_all_looked_at, get_request

IN_MEMORY_BYTES = 4 * 1024 * 1024
"""Beyond this the copy is put together in a file without a name."""
# Who acts where no member of staff does.
SELF, SERVICE = "you", "the service"


@dataclass(frozen=True, kw_only=True)
class MadeCopy:
    """`file` stands at its beginning; whoever asked for it closes it."""

    file: IO[bytes]
    sha256: str
    size: int
    conversations: tuple[str, ...]


def make_copy(tx: SqlTransaction, request_id: str) -> MadeCopy:
    """For `Database.read`, as the first thing read there. Raises RequestOver, and StillToLook for what is new."""
    # Read twice, for the page and the JSON: both have to see the same.
    tx.export_reads.begin()
    copy = _Copy(tx, get_request(tx, request_id))
    made = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115
    try:
        copy.write(made)
        sha256, size = _measure(made)
    except BaseException:
        made.close()
        raise
    return MadeCopy(file=made, sha256=sha256, size=size, conversations=tuple(copy.conversations))


class _Copy:
    def __init__(self, tx: SqlTransaction, request: AccessRequest) -> None:
        if request.status is not RequestStatus.READY or request.ready_at is None:
            raise RequestOver
        items = tx.access_requests.list_items(request.id)
        check_all_looked_at(items)
        self._request = request
        self._ready_at: datetime = request.ready_at
        self._held: HeldBack = find_held_back(items)
        self.conversations = [
            item.key.partition(":")[2]
            for item in items
            if item.is_conversation and item.decision is not None and item.decision.verdict is Verdict.GIVE
        ]
        self._rows = SubjectRows(tx.connection, request.person_id, self.conversations)
        self._staff = _read_staff(tx.connection, names=request.names_staff)
        self._files = self._name_files()

    def write(self, out: IO[bytes]) -> None:
        sections = [
            Section(table=table, rows=partial(self._give_rows, table))
            for table in self._rows.list_tables()
            if table.personal
        ]
        sealed = SealedZip(out)
        sealed.stream("copy.html", write_page(self._head(), sections))
        sealed.stream("copy.json", _write_json(self._head(), sections))
        for media_id, name in self._files.items():
            sealed.keep(name, self._rows.read_file(media_id) or b"")
        listed = {"made_for": self._request.id, "files": sealed.files}
        sealed.keep("manifest.json", _dump(listed, indent=1).encode() + b"\n")
        sealed.close()

    def _head(self) -> dict[str, Any]:
        rules = load_access_rules()
        return {
            "request": self._request.id,
            "asked_on": self._request.asked_on.isoformat(),
            "as_of": read_value(self._ready_at),
            "held_back": [
                {"law": rules.reasons[reason].law, "because": rules.reasons[reason].says, "things": count}
                for reason, count in self._held.counts.items()
            ],
            "law": list(rules.sources),
        }

    def _give_rows(self, table: MappedTable) -> Iterator[dict[str, Any]]:
        for row in self._rows.read(table):
            columns = row._mapping
            if table.name == "audit" and columns["at"] > self._ready_at:
                continue  # who made and took this copy is no part of it
            key = f"{table.name}:{name_row(table.name, row)}"
            if key in self._held.untold:
                continue
            given: dict[str, Any] = {}
            for name in table.personal:
                if name in columns:
                    value = read_value(columns[name])
                    given[name] = self._held.clean(value, key=key)
                if key in self._held.whole and name in table.look and given.get(name) is not None:
                    given[name] = MARK
            if table.name == "media_content":
                given["content"] = self._files.get(columns["media_id"], MARK)
            if by := self._name_staff(table, columns):
                given["by"] = by
            yield given

    def _name_staff(self, table: MappedTable, columns: Any) -> list[str]:
        """Whose act it was: of staff the role, or the name where the force gives names."""
        linked = [columns[name] for name in columns if name not in table.personal]
        found = [self._staff[each] for each in linked if isinstance(each, str) and each in self._staff]
        if table.name == "audit" and not found:
            found = [SELF if columns["actor"] == "person" else SERVICE]
        return list(dict.fromkeys(found))

    def _name_files(self) -> dict[int, str]:
        """The name in the copy of each file that is given, by its number."""
        given = {
            media_id: file
            for media_id, file in self._rows.list_files().items()
            if f"media_content:{media_id}" not in self._held.whole
        }
        return {
            media_id: f"files/{place:04d}.{find_ending(file.found_type)}"
            for place, (media_id, file) in enumerate(given.items(), start=1)
        }


def _write_json(head: dict[str, Any], sections: list[Section]) -> Iterator[bytes]:
    yield (_dump(head, indent=1).removesuffix("\n}") + ',\n "tables": [').encode()
    for place, section in enumerate(sections):
        table = section.table
        words = {"table": table.name, "says": table.says, "columns": dict(table.personal)}
        yield ((",\n" if place else "\n") + _dump(words).removesuffix("}") + ', "rows": [').encode()
        for number, row in enumerate(section.rows()):
            yield ((",\n" if number else "\n") + _dump(row)).encode("utf-8", "backslashreplace")
        yield b"]}"
    yield b"\n]}\n"


def _dump(value: object, *, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _read_staff(connection: sa.Connection, *, names: bool) -> dict[str, str]:
    query = sa.select(staff_member.c.id, staff_member.c.display_name, staff_member.c.role)
    return {
        row.id: f"{row.display_name} ({row.role})" if names else row.role for row in connection.execute(query)
    }


def _measure(file: IO[bytes]) -> tuple[str, int]:
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    file.seek(0)
    return digest.hexdigest(), size
