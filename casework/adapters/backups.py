"""Backup, restore and verify of the embedded database. PostgreSQL has better tools of its own."""

import json
import os
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite
from sqlalchemy.engine import make_url

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.migration_state import is_current
from casework.model.errors import WaymarkError

FIRST_BYTES = b"SQLite format 3\x00"


class NotHere(WaymarkError):
    """What was asked is done with another tool, or on another file; the message says which."""


def backup(url: str, target: Path) -> Path:
    """A consistent copy, taken while the service runs. Refuses to overwrite."""
    if target.exists():
        raise NotHere(f"{target} exists already. Choose another name.")
    if not Path(_path(url)).exists():
        raise NotHere(f"There is no database at {_path(url)}. Nothing was backed up.")
    target.parent.mkdir(parents=True, exist_ok=True)
    source = sqlite.connect(f"file:{_path(url)}?mode=ro", uri=True)
    target.touch(mode=0o600)
    copy = sqlite.connect(str(target))
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    return target


def restore(url: str, saved: Path) -> None:
    """Puts a backup in place. The service must be stopped; the present file is kept beside it."""
    if saved.read_bytes()[: len(FIRST_BYTES)] != FIRST_BYTES:
        raise NotHere(f"{saved} is not a backup made by ./waymark db backup.")
    path = Path(_path(url))
    if _find_damage(saved) is not None:
        raise NotHere(f"{saved} is damaged. Nothing was restored.")
    if _is_running(path.parent / "run.json"):
        raise NotHere("Waymark is running on this database. Stop it first.")
    aside = f"{path}.before-restore"
    while Path(aside).exists():
        aside += "-1"
    for suffix in ("", "-wal", "-shm"):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.replace(Path(f"{aside}{suffix}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(saved.read_bytes())


def _is_running(run_file: Path) -> bool:
    """True while the launcher that wrote the file lives; a killed one leaves its file behind."""
    try:
        os.kill(json.loads(run_file.read_text())["launcher"], 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, KeyError):
        return False
    except PermissionError:
        return True  # somebody else's, but alive
    return True


def _find_damage(saved: Path) -> str | None:
    connection = sqlite.connect(f"file:{saved}?mode=ro&immutable=1", uri=True)
    try:
        answer = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite.DatabaseError as error:
        return str(error)
    finally:
        connection.close()
    return None if answer == "ok" else answer


def verify(url: str) -> int:
    """Prints what was checked. 0 when the database is whole and current, else 1."""
    engine = create_engine(url)
    problems = []
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            answer = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            if answer != "ok":
                problems.append(f"integrity: {answer}")
        if not is_current(connection):
            problems.append("a migration is missing: run ./waymark db upgrade")
    engine.dispose()
    print("\n".join(problems) if problems else "The database is whole and current.")  # noqa: T201
    return 1 if problems else 0


def _path(url: str) -> str:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise NotHere("This database is PostgreSQL: use pg_dump and pg_restore.")
    return parsed.database
