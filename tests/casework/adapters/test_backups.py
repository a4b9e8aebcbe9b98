"""A backup taken while the service writes can be put back, and says when it cannot."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.backups import NotHere, backup, restore, verify
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.tables import conversation, inbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.vault.data_keys import FieldUnreadable
from casework.model.disclosures import CALM
from casework.model.erased import load_erased
from tests.support.builders import an_sms
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    (tmp_path / "data").mkdir()
    return copy_sqlite(sqlite_template, tmp_path / "data" / "waymark.db")


def store(url: str, *texts: str) -> None:
    database = Database(create_engine(url), SetClock())
    for text in texts:
        message = an_sms(text)

        def write(tx, message=message):  # type: ignore[no-untyped-def]
            conversation = tx.conversations.open(message.channel, message.external_id)
            tx.inbox.record(message, conversation.id, CALM)

        database.write_now(write)
    database.close()


def texts_in(url: str) -> list[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(sa.select(inbox.c.text).order_by(inbox.c.id)).scalars())
    engine.dispose()
    return found


def test_the_drill_what_was_backed_up_comes_back(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "saved" / "today.db")
    store(url, "after")

    restore(url, saved)

    assert texts_in(url) == ["before"]
    assert verify(url) == 0


def test_a_restore_keeps_what_was_there_beside_it(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    store(url, "after")

    restore(url, saved)

    assert texts_in(f"sqlite:///{tmp_path}/data/waymark.db.before-restore") == ["before", "after"]


def test_a_second_restore_loses_nothing_of_the_first(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    store(url, "after")
    restore(url, saved)

    restore(url, saved)

    kept = [
        texts_in(f"sqlite:///{path}")
        for path in (tmp_path / "data").glob("waymark.db.before-restore*")
        if not path.name.endswith(("-wal", "-shm"))
    ]
    assert ["before", "after"] in kept


def test_a_backup_includes_what_is_still_in_the_write_ahead_log(url: str, tmp_path: Path) -> None:
    database = Database(create_engine(url), SetClock())
    message = an_sms("not checkpointed yet")
    database.write_now(
        lambda tx: tx.inbox.record(message, tx.conversations.open(message.channel, "x").id, CALM)
    )

    saved = backup(url, tmp_path / "today.db")
    database.close()
    restore(url, saved)

    assert texts_in(url) == ["not checkpointed yet"]


def test_a_backup_taken_while_messages_come_in_is_whole(url: str, tmp_path: Path) -> None:
    stop = threading.Event()
    database = Database(create_engine(url), SetClock())

    def keep_writing() -> None:
        number = 0
        while not stop.is_set() and number < 2000:
            number += 1
            message = an_sms(f"message {number}")
            database.write_now(
                lambda tx, m=message: tx.inbox.record(m, tx.conversations.open(m.channel, "x").id, CALM)
            )

    writer = threading.Thread(target=keep_writing)
    writer.start()
    saved = [backup(url, tmp_path / f"{number}.db") for number in range(5)]
    stop.set()
    writer.join()
    database.close()

    assert [verify(f"sqlite:///{each}") for each in saved] == [0] * 5
    for each in saved:
        restore(url, each)
        found = texts_in(url)
        assert found == [f"message {number + 1}" for number in range(len(found))]


def test_a_backup_never_overwrites(url: str, tmp_path: Path) -> None:
    target = tmp_path / "today.db"
    target.write_bytes(b"something dear")

    with pytest.raises(NotHere, match="exists already"):
        backup(url, target)

    assert target.read_bytes() == b"something dear"


def test_a_backup_can_be_read_by_nobody_else(url: str, tmp_path: Path) -> None:
    saved = backup(url, tmp_path / "today.db")

    assert stat.S_IMODE(saved.stat().st_mode) & 0o077 == 0


def test_a_backup_of_nothing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotHere):
        backup(f"sqlite:///{tmp_path}/nowhere.db", tmp_path / "today.db")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_a_backup_is_refused_and_nothing_moves(url: str, tmp_path: Path) -> None:
    store(url, "before")
    (tmp_path / "letter.txt").write_text("dear all")

    with pytest.raises(NotHere, match="not a backup"):
        restore(url, tmp_path / "letter.txt")

    assert texts_in(url) == ["before"]


def test_half_a_backup_is_refused_and_nothing_moves(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    half = tmp_path / "half.db"
    half.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])

    with pytest.raises(NotHere):
        restore(url, half)

    assert texts_in(url) == ["before"]


def test_a_restore_is_refused_while_waymark_runs(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    store(url, "after")
    (tmp_path / "data" / "run.json").write_text(json.dumps({"launcher": os.getpid()}))

    with pytest.raises(NotHere, match="Stop it first"):
        restore(url, saved)

    assert texts_in(url) == ["before", "after"]


def test_a_launcher_that_was_killed_does_not_stand_in_the_way(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    store(url, "after")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "data" / "run.json").write_text(json.dumps({"launcher": dead.pid}))

    restore(url, saved)

    assert texts_in(url) == ["before"]


def test_a_restore_puts_a_database_where_there_was_none(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")

    restore(f"sqlite:///{tmp_path}/new/waymark.db", saved)

    assert texts_in(f"sqlite:///{tmp_path}/new/waymark.db") == ["before"]


@pytest.mark.parametrize("act", [backup, restore])
def test_postgresql_is_left_to_its_own_tools(act, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    saved = tmp_path / "saved.db"
    if act is restore:
        saved.write_bytes(b"SQLite format 3\x00")

    with pytest.raises(NotHere, match="pg_dump"):
        act("postgresql://waymark@127.0.0.1/waymark", saved)


def test_verify_says_what_is_wrong(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    engine.dispose()

    assert verify(url) == 1
    assert "./waymark db upgrade" in capsys.readouterr().out


def test_verify_does_not_judge_a_database_of_a_later_release(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Red when: what this release does not know counts as whole and current."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()

    assert verify(url) == 1
    said = capsys.readouterr().out
    assert "newer (9999) than this release" in said
    assert "whole" not in said


def test_verify_notices_a_damaged_file(url: str, tmp_path: Path) -> None:
    store(url, *("x" * 500 for _ in range(200)))
    saved = backup(url, tmp_path / "today.db")
    content = bytearray(saved.read_bytes())
    content[-8192:-4096] = b"\xff" * 4096
    saved.write_bytes(content)

    assert verify(f"sqlite:///{saved}") == 1


# --- the keys of what is sealed ------------------------------------------------------------------


def talk_of(url: str) -> str:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = str(connection.execute(sa.select(conversation.c.id)).scalars().first())
    engine.dispose()
    return found


def key_of(url: str, owner: str) -> str:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(data_key.c.id).where(data_key.c.owner == owner)).scalar_one()
    engine.dispose()
    return str(found)


def shred(url: str, owner: str) -> bool:
    database = Database(create_engine(url), SetClock())
    was_there = database.write_now(lambda tx: tx.data_keys.shred(owner))
    database.close()
    return was_there


def test_the_keys_lie_beside_the_backup_and_not_in_it(url: str, tmp_path: Path) -> None:
    """Red when: a wrapped key is left anywhere in the bytes of the copy."""
    store(url, "before")
    engine = create_engine(url)
    with engine.connect() as connection:
        wrapped = connection.execute(sa.select(data_key.c.wrapped)).scalars().all()
    engine.dispose()

    saved = backup(url, tmp_path / "today.db")

    kept = tmp_path / "today.db.keys"
    assert wrapped
    assert not any(each in saved.read_bytes() for each in wrapped)
    assert talk_of(url) in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("today*")) == ["today.db", "today.db.keys"]


def test_without_its_keys_a_backup_says_what_cannot_be_read(url: str, tmp_path: Path) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    (tmp_path / "today.db.keys").unlink()

    said = restore(url, saved)

    assert "No message, name, number, picture or note of it can be read" in said
    assert talk_of(url)
    with pytest.raises(FieldUnreadable):
        texts_in(url)


def test_a_restore_never_brings_back_a_key_that_was_destroyed(url: str, tmp_path: Path) -> None:
    """Red when: the line in keys/shredded is not written, or not looked at."""
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    gone = talk_of(url)
    key_id = key_of(url, gone)
    assert shred(url, gone) is True

    said = restore(url, saved)

    assert "1 that were destroyed since are not" in said
    assert talk_of(url) == gone
    assert texts_in(url) == [load_erased()]
    assert (tmp_path / "data" / "keys" / "shredded").read_text() == f"{key_id}\n"


def test_what_was_rolled_back_destroyed_nothing(url: str, tmp_path: Path) -> None:
    store(url, "before")
    database = Database(create_engine(url), SetClock())

    def shred_and_fail(tx: SqlTransaction) -> None:
        tx.data_keys.shred(tx.connection.execute(sa.select(conversation.c.id)).scalars().one())
        raise KeyError("no")

    with pytest.raises(KeyError):
        database.write_now(shred_and_fail)
    database.close()

    assert texts_in(url) == ["before"]
    assert not (tmp_path / "data" / "keys" / "shredded").exists()


@pytest.mark.parametrize("content", ["", "something else\n", "waymark data keys 1\nno key\n"])
def test_a_damaged_file_of_keys_is_named(url: str, tmp_path: Path, content: str) -> None:
    store(url, "before")
    saved = backup(url, tmp_path / "today.db")
    (tmp_path / "today.db.keys").write_text(content)

    with pytest.raises(NotHere, match=r"today\.db\.keys holds no keys"):
        restore(url, saved)
