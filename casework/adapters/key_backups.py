"""The data keys of a backup: out of the copy of the database, in a second file kept elsewhere and not for long.

One line a key, behind a first line that says what it is: its name, its owner, the version that wraps it, when it was
made, and the wrapped key as base64. Without the key file nobody opens one.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from casework.adapters.vault.shredded import read_shredded

FIRST_LINE = "waymark data keys 1"
COLUMNS = "id, owner, key_version, made_at, wrapped"


def find_beside(saved: Path) -> Path:
    """Where the keys of a backup are: beside it, by its name and .keys."""
    return saved.with_name(f"{saved.name}.keys")


def move_out(copy: Any, target: Path) -> None:
    """Out of the open copy of a database into `target`, which its owner alone may read; none stays in the copy."""
    has_keys = copy.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'data_key'"
    ).fetchone()
    if has_keys is None:
        return
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as out:
        print(FIRST_LINE, file=out)
        for key_id, owner, version, made_at, wrapped in copy.execute(f"SELECT {COLUMNS} FROM data_key"):
            print(key_id, owner, version, made_at, base64.b64encode(wrapped).decode(), sep="\t", file=out)
        out.flush()
        os.fsync(out.fileno())
    copy.execute("PRAGMA journal_mode=DELETE")
    copy.execute("DELETE FROM data_key")
    copy.commit()
    copy.execute("VACUUM")


def put_back(copy: Any, kept: Path, *, key_file: Path) -> tuple[int, int]:
    """Into the open copy: how many keys, and how many were left out because they had been shredded since."""
    shredded = read_shredded(key_file)
    rows = list(_read(kept))
    whole = [row for row in rows if row[0] not in shredded]
    copy.executemany(f"INSERT INTO data_key ({COLUMNS}) VALUES (?, ?, ?, ?, ?)", whole)
    copy.commit()
    return len(whole), len(rows) - len(whole)


def _read(kept: Path) -> Iterator[tuple[str, str, int, str, bytes]]:
    """Raises ValueError for a file that holds anything else."""
    with kept.open() as lines:
        if next(lines, "").strip() != FIRST_LINE:
            raise ValueError("another first line")
        for line in lines:
            key_id, owner, version, made_at, wrapped = line.rstrip("\n").split("\t")
            yield key_id, owner, int(version), made_at, base64.b64decode(wrapped, validate=True)
