"""The keys that were destroyed, noted beside the key file: no restored backup may bring one back."""

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

NAME = "shredded"


def note_shredded(key_file: Path, key_ids: Iterable[str]) -> None:
    """One line each, the key's name and nothing else: an owner's may hold a crime reference."""
    key_file.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(key_file.with_name(NAME), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(file, "a") as out:
        out.writelines(f"{key_id}\n" for key_id in key_ids)
        out.flush()
        os.fsync(out.fileno())


def read_shredded(key_file: Path) -> frozenset[str]:
    """The names of the keys."""
    path = key_file.with_name(NAME)
    try:
        # It is only ever written on: as long as it was, it says what it said.
        return _read(path, path.stat().st_size)
    except FileNotFoundError:
        return frozenset()


@lru_cache(maxsize=2)
def _read(path: Path, _size: int) -> frozenset[str]:
    return frozenset(path.read_text().splitlines())
