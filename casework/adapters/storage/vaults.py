"""A database's vault: whose data key is which, unwrapped for a short while, and whether the key file is the right one.

Which key an owner writes with is asked of the database in each transaction, for another process may have shredded it;
which key opens what is sealed is remembered, by its name, for at most `KEPT_SECONDS`.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import Lock, local
from typing import Any, NamedTuple

import sqlalchemy as sa

from casework.adapters.storage.key_tables import FIELD, INDEX, data_key, key_check
from casework.adapters.storage.statements import insert, insert_for
from casework.adapters.vault.data_keys import DataKey, destroyed, new_key, parse, unreadable
from casework.adapters.vault.key_files import KeysWrong, new_ring, write_keys
from casework.adapters.vault.key_services import FileKeys, KeyService, make_index
from casework.adapters.vault.shredded import note_shredded, read_shredded

KEPT_SECONDS = 300
MOST_KEPT = 4096
CHUNK = 500
CHECK = "key check"  # the owner of what is wrapped only to be unwrapped at the start
READING = {"waymark_read": True}
# Written out: it is asked in each transaction that stores a message, and building it would cost more than it does.
# On PostgreSQL nobody shreds it before what is written with it is committed; SQLite has one writer.
_FIND = "SELECT id, wrapped, key_version FROM data_key WHERE owner = "
_NEWEST = sa.select(data_key).order_by(data_key.c.key_version.desc()).limit(1)
_OPEN = sa.select(data_key.c.owner, data_key.c.wrapped, data_key.c.key_version).where(
    data_key.c.id == sa.bindparam("id")
)


@cache
def _insert_keys(dialect: str) -> Any:
    return insert_for(dialect, data_key).on_conflict_do_nothing()


def get_vault(engine: sa.Engine) -> "Vault":
    """The vault `create_engine` made for it."""
    vault: Vault = engine.dialect.waymark_vault  # type: ignore[attr-defined]
    return vault


def check_keys(engine: sa.Engine) -> None:
    """For the start of a process: raises KeysWrong unless its key file is the database's. Writes nothing.

    Where the database does not answer yet, or its file is not there, nothing is raised and no file made: it is looked
    at again before the first use.
    """
    url = engine.url
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        return
    with suppress(sa.exc.OperationalError):
        get_vault(engine).check()


class _Here(local):
    """The connections of this thread on which a transaction runs, the newest last."""

    def __init__(self) -> None:
        self.frames: list[_Frame] = []
        self.is_checking = False


class _KeyRow(NamedTuple):
    id: str
    wrapped: bytes
    key_version: int


class _Frame:
    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.of_owner: dict[str, DataKey] = {}
        self.shredded: list[str] = []


class Vault:
    def __init__(self, engine: sa.Engine, keys: FileKeys, *, service: KeyService | None = None) -> None:
        """`service`: a force's own; None: the key file wraps data keys too."""
        self._engine = engine
        self._file = keys
        self._service: KeyService = service or keys
        self._here = _Here()
        self._kept: OrderedDict[str, tuple[float, DataKey]] = OrderedDict()
        self._lock = Lock()
        self._index_version: int | None = None
        self._indexes: Callable[[str], str] | None = None
        self._is_checked = False
        engine.dialect.waymark_vault = self  # type: ignore[attr-defined]
        sa.event.listen(engine, "begin", self._check_first, insert=True)
        sa.event.listen(engine, "begin", self._enter)
        sa.event.listen(engine, "commit", self._commit)
        sa.event.listen(engine, "rollback", self._leave)
        sa.event.listen(engine, "rollback_savepoint", self._undo)

    # --- whose transaction it is ---

    def _check_first(self, _connection: sa.Connection) -> None:
        """No transaction begins, in any process, with another database's keys."""
        if not self._is_checked and not self._here.is_checking:
            self.check()

    def _enter(self, connection: sa.Connection) -> None:
        self._here.frames = [each for each in self._here.frames if not each.connection.closed]
        self._here.frames.append(_Frame(connection))

    def _commit(self, connection: sa.Connection) -> None:
        # Just before the commit: a note too many is found out by the key that is still there, one too few by nobody.
        shredded = [each for frame in self._frames_of(connection) for each in frame.shredded]
        self._leave(connection)
        if shredded:
            note_shredded(self._file.path, shredded)
            with self._lock:
                for key_id in shredded:
                    self._kept.pop(key_id, None)

    def _leave(self, connection: sa.Connection) -> None:
        self._here.frames = [each for each in self._here.frames if each.connection is not connection]

    def _undo(self, connection: sa.Connection, *_savepoint: object) -> None:
        # A key made since the savepoint is gone again.
        self._frame(connection).of_owner.clear()

    def _frames_of(self, connection: sa.Connection) -> list[_Frame]:
        return [each for each in self._here.frames if each.connection is connection]

    def _frame(self, connection: sa.Connection) -> _Frame:
        if not self._frames_of(connection):
            self._enter(connection)
        return self._frames_of(connection)[-1]

    # --- keys to write with ---

    def get_for_writing(self, connection: sa.Connection, owner: str) -> DataKey:
        """The owner's key as the database has it now; made, in this transaction, if it has none."""
        frame = self._frame(connection)
        key = frame.of_owner.get(owner)
        if key is None:
            row = self._find(connection, owner)
            key = self._make(connection, owner) if row is None else self._unwrap(row, owner)
            frame.of_owner[owner] = key
        return key

    def prepare(self, connection: sa.Connection, owners: Iterable[str]) -> None:
        """Finds and makes the keys of many owners in a few statements."""
        frame = self._frame(connection)
        wanted = sorted(owner for owner in set(owners) if owner not in frame.of_owner)
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            query = sa.select(data_key).where(data_key.c.owner.in_(part))
            for row in connection.execute(query.with_for_update(read=True, key_share=True)):
                frame.of_owner[row.owner] = self._unwrap(row, row.owner)
        missing = [owner for owner in wanted if owner not in frame.of_owner]
        if missing:
            made = {owner: new_key() for owner in missing}
            self._insert(connection, made)
            # One that another transaction made meanwhile is found, not made.
            for owner in missing:
                self.get_for_writing(connection, owner)

    def _make(self, connection: sa.Connection, owner: str) -> DataKey:
        key_id, key = new_key()
        if self._insert(connection, {owner: (key_id, key)}):
            return self._keep(key_id, key)
        # Another transaction made one meanwhile.
        return self._unwrap(self._find(connection, owner), owner)

    def _find(self, connection: sa.Connection, owner: str) -> Any:
        if connection.dialect.name == "sqlite":
            # By the driver itself: the transaction has the lock, and nothing of it can fail and be tried again.
            found = connection.connection.cursor()
            found.execute(f"{_FIND}?", (owner,))
            row = found.fetchone()
            found.close()
            return None if row is None else _KeyRow(*row)
        return connection.exec_driver_sql(f"{_FIND}%(owner)s FOR KEY SHARE", {"owner": owner}).first()

    def _insert(self, connection: sa.Connection, made: dict[str, tuple[str, bytes]]) -> int:
        """How many are new: owners who have one keep it."""
        version, wrapped = self._wrap({owner: key for owner, (_, key) in made.items()})
        now = datetime.now(UTC)
        rows = [
            {
                "id": made[owner][0],
                "owner": owner,
                "wrapped": wrapped[owner],
                "key_version": version,
                "made_at": now,
            }
            for owner in made
        ]
        return connection.execute(_insert_keys(connection.dialect.name), rows).rowcount

    def _wrap(self, keys: dict[str, bytes]) -> tuple[int, dict[str, bytes]]:
        # Asked before and after: the key may be rotated in between.
        while True:
            version = self._service.newest()
            wrapped = {owner: self._service.wrap(key, owner) for owner, key in keys.items()}
            if self._service.newest() == version:
                return version, wrapped

    # --- keys to read with ---

    def open(self, text: str, about: str) -> bytes:
        """What was sealed as `text`, if it stands where `about` says. Raises FieldUnreadable, and KeyDestroyed where
        its key was destroyed on purpose: the note beside the key file says so, not the database."""
        key_id, sealed = parse(text, about)
        return self._get(key_id, about).open(sealed, about)

    def _get(self, key_id: str, about: str) -> DataKey:
        kept = self._kept.get(key_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        with self._connected() as connection:
            row = connection.execute(_OPEN, {"id": key_id}).first()
        if row is None:
            raise destroyed(about) if key_id in read_shredded(self._file.path) else unreadable(about)
        return self._keep(key_id, self._service.unwrap(row.key_version, row.wrapped, row.owner))

    def _unwrap(self, row: Any, owner: str) -> DataKey:
        kept = self._kept.get(row.id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        return self._keep(row.id, self._service.unwrap(row.key_version, row.wrapped, owner))

    def _keep(self, key_id: str, key: bytes) -> DataKey:
        made = DataKey(key_id, key)
        with self._lock:
            self._kept[key_id] = (time.monotonic() + KEPT_SECONDS, made)
            self._kept.move_to_end(key_id)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made

    def shred(self, connection: sa.Connection, key_id: str, owner: str) -> None:
        """It seals nothing more in this transaction, and opens nothing more in this process once that is committed."""
        frame = self._frame(connection)
        frame.of_owner.pop(owner, None)
        frame.shredded.append(key_id)

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """The connection of the transaction that runs, or one for this look alone."""
        if self._here.frames:
            yield self._here.frames[-1].connection
            return
        with self._engine.connect().execution_options(**READING) as connection:
            yield connection

    @property
    def newest(self) -> int:
        """The version of the key that wraps from now on."""
        return self._service.newest()

    def rewrap(self, row: Any) -> tuple[int, bytes]:
        """(version, wrapped) of a row of `data_key` under the newest version."""
        key = self._service.unwrap(row.key_version, row.wrapped, row.owner)
        version, wrapped = self._wrap({row.owner: key})
        return version, wrapped[row.owner]

    # --- the index ---

    def index(self, text: str) -> str:
        if not self._is_checked:
            self.check()
        if self._indexes is None:
            # Of a database that notes none yet nothing is sealed: the newest becomes its own.
            key = self._file.get_index_key(self.index_version)
            # The number of whoever writes is looked for several times in the transaction that stores their message.
            self._indexes = lru_cache(maxsize=256)(partial(make_index, key))
        return self._indexes(text)

    # --- whether it is the right file ---

    def check(self) -> None:
        """Raises KeysWrong unless the file opens what this database was sealed with. Writes nothing."""
        self._here.is_checking = True
        try:
            with self._engine.connect().execution_options(**READING) as connection:
                self._check(connection)
        finally:
            self._here.is_checking = False

    def make_keys_if_new(self) -> bool:
        """Makes the key file of a database in which nothing is sealed; False where there is one, or must have been."""
        if self._file.path.exists():
            return False
        with self._engine.connect().execution_options(**READING) as connection:
            if _holds_sealed(connection):
                return False
        write_keys(self._file.path, new_ring())
        return True

    def _check(self, connection: sa.Connection) -> None:
        rows = newest = None
        if sa.inspect(connection).has_table(key_check.name):
            rows = connection.execute(sa.select(key_check)).all()
            newest = connection.execute(_NEWEST).first()
        if newest is not None and not rows:
            raise KeysWrong("The table key_check of this database is empty: restore a backup that has it.")
        for row in rows or ():
            if row.kind == FIELD:
                self._service.unwrap(row.version, row.made, CHECK)
            elif not secrets.compare_digest(self._make_index_check(row.version), row.made):
                raise KeysWrong(
                    f"{self._file.path} does not fit this database: version {row.version} of its index key is "
                    "another one. Put back the file this database was sealed with. See docs/keys.md."
                )
        # A version may be in use before it was noted: the process that made it died.
        if newest is not None:
            self._service.unwrap(newest.key_version, newest.wrapped, newest.owner)
        noted = [row.version for row in rows or () if row.kind == INDEX]
        self._index_version = max(noted) if noted else None
        self._is_checked = True

    def note_field(self, connection: sa.Connection) -> None:
        """Stores what later starts check the newest version of the key by."""
        version, made = self._wrap({CHECK: secrets.token_bytes(32)})
        self._note(connection, FIELD, version, made[CHECK])

    @property
    def index_version(self) -> int:
        """The version of the index key that this database is found by."""
        return self._index_version or self._file.newest_index()

    @property
    def newest_index(self) -> int:
        return self._file.newest_index()

    def note_index(self, connection: sa.Connection, version: int) -> None:
        """From the commit on, this version of the index key is the one in use."""
        connection.execute(
            sa.delete(key_check).where(key_check.c.kind == INDEX, key_check.c.version < version)
        )
        self._note(connection, INDEX, version, self._make_index_check(version))

    def _make_index_check(self, version: int) -> bytes:
        return make_index(self._file.get_index_key(version), CHECK).encode()

    def new_index(self, text: str) -> str:
        """With the newest version of the index key, which need not be the one in use yet."""
        return make_index(self._file.get_index_key(self.newest_index), text)

    def _note(self, connection: sa.Connection, kind: str, version: int, made: bytes) -> None:
        row = {"kind": kind, "version": version, "made": made}
        connection.execute(insert(connection, key_check).on_conflict_do_nothing(), row)


def _holds_sealed(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table(key_check.name):
        return False
    return any(
        connection.execute(sa.select(table).limit(1)).first() is not None for table in (key_check, data_key)
    )
