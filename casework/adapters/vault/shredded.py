"""The keys that were destroyed, noted beside the key file: no restored backup may bring one back."""

import os
from collections.abc import Iterable
from pathlib import Path

NAME = "shredded"


def note_shredded(key_file: Path, keys: Iterable[tuple[str, str]]) -> None:
    """One line each: the key's name and its owner."""
    key_file.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(key_file.with_name(NAME), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(file, "a") as out:
        out.writelines(f"{key_id} {owner}\n" for key_id, owner in keys)
        out.flush()
        os.fsync(out.fileno())


def read_shredded(key_file: Path) -> dict[str, str]:
    """Name of each key to its owner."""
    try:
        lines = key_file.with_name(NAME).read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split(" ", 1) for line in lines if " " in line)
