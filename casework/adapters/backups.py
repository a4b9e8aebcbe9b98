"""Backup, restore and verify of the embedded database. PostgreSQL has better tools of its own."""

import json
import os
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite
from sqlalchemy.engine import make_url

from casework.adapters.key_backups import find_beside, move_out, put_back
from casework.adapters.storage.database import create_engine, find_keys
from casework.adapters.storage.migration_state import find_newest, find_version
from casework.adapters.storage.vaults import get_vault
from casework.adapters.vault.key_files import KeysWrong
from casework.adapters.vault.key_services import FileKeys
from casework.model.errors import WaymarkError

FIRST_BYTES = b"SQLite format 3\x00"


class NotHere(WaymarkError):
    """What was asked is done with another tool, or on another file; the message says which."""


def backup(url: str, target: Path) -> Path:
    """A consistent copy, taken while the service runs, and beside it its data keys, to be kept elsewhere.

    Refuses to overwrite.
    """
    keys = find_beside(target)
    for taken in (target, keys):
        if taken.exists():
            raise NotHere(f"{taken} exists already. Choose another name.")
    if not Path(_path(url)).exists():
        raise NotHere(f"There is no database at {_path(url)}. Nothing was backed up.")
    target.parent.mkdir(parents=True, exist_ok=True)
    source = sqlite.connect(f"file:{_path(url)}?mode=ro", uri=True)
    # By its name it is a backup only once the keys are out of it.
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    copy = sqlite.connect(str(part))
    try:
        source.backup(copy)
        move_out(copy, keys)
    finally:
        copy.close()
        source.close()
    part.replace(target)
    return target


def restore(url: str, saved: Path, *, key_file: Path | None = None) -> str:
    """Puts a backup and its keys in place, and says what can be read. The service must be stopped.

    The present file is kept beside it. A key that was shredded since does not come back. `key_file`: where the force's
    key file is, None for beside the database: what was shredded is noted there.
    """
    if saved.read_bytes()[: len(FIRST_BYTES)] != FIRST_BYTES:
        raise NotHere(f"{saved} is not a backup made by ./waymark db backup.")
    path = Path(_path(url))
    if _find_damage(saved) is not None:
        raise NotHere(f"{saved} is damaged. Nothing was restored.")
    check_stopped(path.parent)
    aside = f"{path}.before-restore"
    while Path(aside).exists():
        aside += "-1"
    for suffix in ("", "-wal", "-shm"):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.replace(Path(f"{aside}{suffix}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(saved.read_bytes())
    return _restore_keys(path, find_beside(saved), key_file or find_keys(url))


def _restore_keys(path: Path, kept: Path, key_file: Path) -> str:
    copy = sqlite.connect(str(path))
    try:
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'data_key'").fetchone() is None:
            return "It is from before fields were sealed: run ./waymark db upgrade."
        if not kept.exists():
            return (
                f"There is no {kept} with its keys. No message, name, number, picture or note of it can be read; "
                "references, times, states and the record can."
            )
        back, left_out = put_back(copy, kept, key_file=key_file)
    except ValueError:
        raise NotHere(
            f"{kept} holds no keys, or is damaged. The database was put back without them."
        ) from None
    finally:
        copy.close()
    return f"Its {back} keys are back; {left_out} that were destroyed since are not."


def check_stopped(data_dir: Path) -> None:
    """Raises NotHere while a launcher runs there."""
    if _is_running(data_dir / "run.json"):
        raise NotHere("Waymark is running on this database. Stop it first.")


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


def verify(url: str, *, key_file: Path | None = None) -> int:
    """Prints what was checked. 0 when the database is whole and current, else 1."""
    engine = create_engine(url, FileKeys(key_file) if key_file else None)
    problems = []
    try:
        get_vault(engine).check()
    except KeysWrong as wrong:
        print(wrong)  # noqa: T201
        return 1
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            answer = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            if answer != "ok":
                problems.append(f"integrity: {answer}")
        has, newest = find_version(connection), find_newest()
        if has is None or has < newest:
            problems.append("a migration is missing: run ./waymark db upgrade")
        elif has > newest:
            problems.append(
                f"the database is newer ({has}) than this release ({newest}), which cannot judge what it does "
                "not know: verify it with the release that upgraded it"
            )
    engine.dispose()
    print("\n".join(problems) if problems else "The database is whole and current.")  # noqa: T201
    return 1 if problems else 0


def _path(url: str) -> str:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise NotHere("This database is PostgreSQL: use pg_dump and pg_restore.")
    return parsed.database
