"""`./waymark db rehearse`: a backup taken while people write, everything lost, put back, and counted.

Real processes, as in `bench outage`: sandbox provider, gateway, worker, spool; only Rasa is a stand-in. After the
backup the service goes on answering, so that the provider knows of answers the backup knows nothing of. Then all of it
is killed and the database removed, while people still write.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from casework.adapters import backups, restores
from casework.adapters.clock import SystemClock
from casework.adapters.storage.database import Database, create_engine, find_keys
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.tables import inbox, outbox
from casework.adapters.vault.key_services import FileKeys
from casework.model.errors import WaymarkError
from casework.model.messages import Channel
from launcher.audit_verify import verify
from launcher.bench_outage import (
    Site,
    Written,
    count_unfinished,
    list_held,
    running_site,
    wait_until,
    write_texts,
)

RATE = 5.0
BEFORE_SECONDS, GAP_SECONDS, AWAY_SECONDS, AFTER_SECONDS = 4.0, 4.0, 2.0, 3.0
LONGEST_SECONDS = 300.0
ERASED = "+447700900199"  # writes once, before the backup, and is erased after it


class ToolMissing(WaymarkError):
    """What PostgreSQL is copied with is not on this machine."""


@dataclass(frozen=True, kw_only=True)
class RestoreFigures:
    """What putting a backup back came to. `unknown_answers`: those that had left and the backup knew nothing of."""

    sent: int
    taken_by: Mapping[str, int]  # webhook, spool, sweep
    lost: int
    duplicate_rows: int
    duplicate_replies: int
    unanswered: int
    unknown_answers: int
    keys_come_back: int
    audit_faults: int
    backup_seconds: float
    restore_seconds: float  # from the loss to a database that is in place
    answer_seconds: float  # from the start of the processes to the last answer

    @property
    def is_well(self) -> bool:
        wrong = (self.lost, self.duplicate_rows, self.duplicate_replies, self.unanswered)
        return not any((*wrong, self.keys_come_back, self.audit_faults)) and self.unknown_answers > 0


def run_rehearse(database_url: str | None) -> int:
    """Prints the figures; 1 when anything was lost or there twice, or came back that was erased."""
    with tempfile.TemporaryDirectory(prefix="waymark-rehearse-") as folder:
        found = asyncio.run(measure_restore(Path(folder), database_url=database_url))
    rows = {
        "messages sent": found.sent,
        "taken in": ", ".join(f"{count} by {way}" for way, count in sorted(found.taken_by.items())),
        "lost": found.lost,
        "duplicate rows": found.duplicate_rows,
        "answers the backup knew nothing of": found.unknown_answers,
        "duplicate replies": found.duplicate_replies,
        "unanswered": found.unanswered,
        "erased keys that came back": found.keys_come_back,
        "faults of the audit": found.audit_faults,
        "seconds to back up": f"{found.backup_seconds:.1f}",
        "seconds to put it back": f"{found.restore_seconds:.1f}",
        "seconds until all were answered": f"{found.answer_seconds:.1f}",
    }
    for name, value in rows.items():
        print(f"{name:36}{value}")
    return 0 if found.is_well else 1


async def measure_restore(
    folder: Path, *, database_url: str | None = None, tools: Path | None = None
) -> RestoreFigures:
    """One loss and return of the database, in `folder`: a new SQLite one, or an empty PostgreSQL.

    `tools`: where pg_dump and pg_restore are; None: on the path.
    """
    url = database_url or f"sqlite:///{folder}/waymark.db"
    copies = _find_copies(url, folder, tools)
    async with running_site(folder, url) as (site, engine):
        return await _measure(site, engine, url, copies, folder)


async def _measure(
    site: Site, engine: sa.Engine, url: str, copies: "_Copies", folder: Path
) -> RestoreFigures:
    erased_id = await site.send(ERASED, "nobody reads this one again")
    until = time.monotonic() + LONGEST_SECONDS
    await wait_until(engine, until, lambda connection: list_held(connection) == {erased_id})
    written, enough = Written(), asyncio.Event()
    writing = asyncio.create_task(write_texts(site, written, RATE, enough))
    try:
        await asyncio.sleep(BEFORE_SECONDS)
        began = time.monotonic()
        await asyncio.to_thread(copies.save)
        saved = time.monotonic()
        key = await asyncio.to_thread(_shred, url)
        await asyncio.sleep(GAP_SECONDS)
        await site.kill("serve", "worker", "spool")
        answered = await site.list_replies({writer for writer, _ in written.ids.values()})
        engine.dispose()
        lost_at = time.monotonic()
        await asyncio.to_thread(copies.lose)
        await asyncio.to_thread(copies.put_back)
        await asyncio.to_thread(restores.note_restored, url)
        back_at = time.monotonic()
        known = await asyncio.to_thread(_count_sent, engine)
        await asyncio.sleep(AWAY_SECONDS)
        started = time.monotonic()
        await site.start("spool", "serve", "worker")
        await asyncio.sleep(AFTER_SECONDS)
    finally:
        enough.set()
        await writing
    until = time.monotonic() + LONGEST_SECONDS
    await wait_until(engine, until, lambda connection: set(written.ids) <= list_held(connection))
    done = await wait_until(engine, until, lambda connection: count_unfinished(connection) == 0)
    replies = await site.list_replies({writer for writer, _ in written.ids.values()})
    return _count(
        engine,
        written,
        replies,
        folder=folder,
        key=key,
        unknown_answers=len(answered) - known,
        backup_seconds=saved - began,
        restore_seconds=back_at - lost_at,
        answer_seconds=done - started,
    )


def _shred(url: str) -> str:
    """Destroys the key of the one who is erased, as erasing does; its name."""
    database = Database(create_engine(url, FileKeys(find_keys(url))), SystemClock())
    try:
        owner = database.write_now(lambda tx: tx.conversations.open(Channel.SMS, ERASED).id)
        named = sa.select(data_key.c.id).where(data_key.c.owner == owner)
        key: str = database.read_now(lambda tx: tx.connection.execute(named).scalar_one())
        database.write_now(lambda tx: tx.data_keys.shred(owner))
        return key
    finally:
        database.close()


def _count_sent(engine: sa.Engine) -> int:
    query = sa.select(sa.func.count()).select_from(outbox)
    with engine.connect().execution_options(waymark_read=True) as connection:
        sent = connection.execute(query.where(outbox.c.provider_message_id.is_not(None))).scalar_one()
    # Without the answer to the one who is erased: theirs is in no list that is counted.
    return int(sent) - 1


def _count(
    engine: sa.Engine, written: Written, replies: list[str], *, folder: Path, key: str, **more: float
) -> RestoreFigures:
    with engine.connect().execution_options(waymark_read=True) as connection:
        rows = connection.execute(sa.select(inbox.c.provider_message_id, inbox.c.origin)).all()
        back = sa.select(sa.func.count()).select_from(data_key).where(data_key.c.id == key)
        keys_come_back = int(connection.execute(back).scalar_one())
        audit_faults = len(verify(connection, folder, None).wrong)
    ids = Counter(row.provider_message_id for row in rows)
    answers = Counter(reply.removeprefix("re: ") for reply in replies)
    return RestoreFigures(
        sent=len(written.ids),
        taken_by=Counter(row.origin for row in rows),
        lost=len(set(written.ids) - set(ids)),
        duplicate_rows=sum(count - 1 for count in ids.values()),
        duplicate_replies=sum(count - 1 for count in answers.values()),
        unanswered=len(written.texts - set(answers)),
        unknown_answers=int(more.pop("unknown_answers")),
        keys_come_back=keys_come_back,
        audit_faults=audit_faults,
        **more,
    )


# --- taking a copy, and putting it back -----------------------------------------------------------


@dataclass(frozen=True)
class _Copies:
    save: Callable[[], object]
    lose: Callable[[], object]
    put_back: Callable[[], object]


def _find_copies(url: str, folder: Path, tools: Path | None) -> _Copies:
    saved = folder / "saved" / "backup"
    if make_url(url).get_backend_name() == "sqlite":
        return _Copies(
            lambda: backups.backup(url, saved),
            lambda: _remove_files(Path(make_url(url).database or "")),
            lambda: backups.restore(url, saved),
        )
    saved.parent.mkdir(parents=True)
    return _PostgresCopies(url, saved, _find_tools(tools)).as_copies()


def _remove_files(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _find_tools(tools: Path | None) -> Callable[[str], str]:
    def find(name: str) -> str:
        found = shutil.which(name, path=str(tools) if tools else os.environ.get("PATH"))
        if found is None:
            raise ToolMissing(f"There is no {name} here. Install the client programs of PostgreSQL.")
        return found

    for name in ("pg_dump", "pg_restore"):
        find(name)
    return find


@dataclass(frozen=True)
class _PostgresCopies:
    """As docs/keys.md says: everything but the data keys in one file, those in another."""

    url: str
    saved: Path
    find: Callable[[str], str]

    def as_copies(self) -> _Copies:
        return _Copies(self._save, self._lose, self._put_back)

    def _save(self) -> None:
        self._run("pg_dump", "-Fc", "--exclude-table-data=data_key", "-f", str(self.saved), "-d", self.url)
        self._run("pg_dump", "-Fc", "-a", "-t", "data_key", "-f", f"{self.saved}.keys", "-d", self.url)

    def _lose(self) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        engine.dispose()

    def _put_back(self) -> None:
        for file in (self.saved, f"{self.saved}.keys"):
            self._run("pg_restore", "--exit-on-error", "--no-owner", "-d", self.url, str(file))

    def _run(self, tool: str, *arguments: str) -> None:
        subprocess.run([self.find(tool), *arguments], check=True, stdout=subprocess.DEVNULL)
