"""What a stored value is to whoever reads a copy: plain JSON, with a provider's form undone into its fields."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl

from casework.adapters.storage.schema import metadata


def name_row(table: str, row: Any) -> str:
    """The row's key, its columns joined by full stops."""
    return ".".join(str(row._mapping[column.name]) for column in metadata.tables[table].primary_key.columns)


def read_value(value: object) -> Any:
    """As JSON: times in UTC with a Z, days as 2026-11-23, bytes as what they say."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return read_raw(value) if isinstance(value, bytes) else value


def read_raw(raw: bytes) -> Any:
    """A message as its provider posted it: the fields of its form or its JSON; else the text as it is.

    In the form itself a word is spelt another way ("Sam+Test"), and what is held back would not be found in it.
    """
    text = raw.decode("utf-8", "backslashreplace")
    try:
        return json.loads(text)
    except ValueError:
        pass
    fields = parse_qsl(text, keep_blank_values=True) if "=" in text and "\n" not in text else []
    return [list(each) for each in fields] or text


def write_flat(value: object) -> str:
    """JSON as lines a person reads: `name: value`, one a line; what it says stands in them letter for letter."""
    return "\n".join(_write_lines(value))


def _write_lines(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key in value:
            yield from _write_lines(value[key], f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        is_field = len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str)
        if is_field:
            yield f"{value[0]}: {value[1]}"
        else:
            for each in value:
                yield from _write_lines(each, name)
    elif value is not None:
        yield f"{name}: {value}" if name else str(value)
