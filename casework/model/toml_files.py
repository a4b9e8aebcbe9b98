"""Reading the tables that are packaged beside the code: one fault for all that may be wrong with a file."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid


def as_date(value: object) -> date:
    """A TOML date as it is. Raises TypeError for anything else, a date with a time as well."""
    if type(value) is not date:
        raise TypeError(f"{value!r} is not a date")
    return value


def as_text(value: object) -> str:
    """A TOML text that says something. Raises TypeError for anything else."""
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{value!r} is not a text")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a packaged file. Raises SettingsInvalid for one that is not there or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise SettingsInvalid(f"{path.name} cannot be read: {fault}; put the packaged file back") from fault
