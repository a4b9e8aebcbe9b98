"""The page of a copy: everything in one file that needs nothing else, runs nothing and prints well."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2

from casework.adapters.storage.data_map import MappedTable
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.subject_values import write_flat
from casework.adapters.storage.tables import UtcDateTime
from casework.model.working_days import LONDON

TEMPLATES = Path(__file__).parents[1] / "templates"
FILES = "files/"


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table's rows, from the first each time: each personal column by name; `by`: whose act a row was."""

    table: MappedTable
    rows: Callable[[], Iterator[dict[str, Any]]]


def write_page(head: dict[str, Any], sections: Sequence[Section]) -> Iterator[bytes]:
    """As UTF-8, piece by piece; a table without rows is not on it."""
    style = (TEMPLATES / "access_copy.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _write_moment
    page = environment.get_template("access_copy.html").generate(
        head=head,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        contents=((section.table.name, section.table.says, rows) for section, rows in _with_rows(sections)),
    )
    for piece in page:
        # A lone surrogate in somebody's message must not cost them the page.
        yield piece.encode("utf-8", "backslashreplace")


def _with_rows(sections: Sequence[Section]) -> Iterator[tuple[Section, Iterator[list[tuple[str, str, str]]]]]:
    for section in sections:
        rows = section.rows()
        first = next(rows, None)
        if first is not None:
            yield section, (_write_row(section.table, row) for row in chain([first], rows))


def _write_row(table: MappedTable, row: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(words, what it says, address of the file it is or "") of everything that says something."""
    words, columns = {**table.personal, "by": "By"}, metadata.tables[table.name].columns
    written = []
    for name in words:
        value = row.get(name)
        if value in (None, "", [], {}):
            continue
        is_moment = name in columns and isinstance(columns[name].type, UtcDateTime)
        said = _write_moment(value) if is_moment else _write_value(value)
        written.append((words[name], said, value if _is_file(name, value) else ""))
    return written


def _is_file(name: str, value: object) -> bool:
    return name == "content" and isinstance(value, str) and value.startswith(FILES)


def _write_value(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return write_flat(value)


def _write_moment(text: str) -> str:
    """A stored time as the clock in London showed it."""
    local = datetime.fromisoformat(text).astimezone(LONDON)
    return f"{local.day} {local:%B %Y}, {local:%H:%M:%S}"
