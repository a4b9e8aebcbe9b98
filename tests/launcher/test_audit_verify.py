"""Whatever is done to the audit behind the service's back, `db verify` names the first record that is not as it was."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.adapters.anchor_places import KeySigner
from casework.adapters.storage.audit_tables import audit_anchor, audit_head
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.records import to_row
from casework.adapters.storage.tables import audit
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.audit_chain import Entry, Head, begin_chain, chain
from casework.services import anchors
from casework.services.anchors import Anchoring, StoredAnchor
from launcher.audit_verify import run_verify, verify
from tests.channels.webchat_site import make_settings
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, lift_audit_triggers, make_postgresql

CONVERSATIONS = tuple(f"{number:032x}" for number in range(1, 7))
STAFF = "5" * 32
PROPERTY = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@dataclass
class FolderPlace:
    """Takes what it is handed into a file of one line each."""

    path: Path
    name: str = "file:/outside"

    async def hand_over(self, anchor: StoredAnchor) -> None:
        with self.path.open("a") as file:
            file.write(anchor.signed + "\n")


@dataclass(frozen=True)
class Kept:
    """An audit of three spells of work, each signed at its end, and a fourth that nobody has signed yet."""

    database: Database
    folder: Path
    outside: Path

    @contextmanager
    def tampered(self) -> Iterator[sa.Connection]:
        """What is done in the block is undone after it: the next try finds the audit whole."""
        connection = self.database.engine.connect()
        began = connection.begin()
        try:
            lift_audit_triggers(connection)
            yield connection
        finally:
            began.rollback()
            connection.close()

    def verify(self, connection: sa.Connection, *, outside: bool = True) -> list[str]:
        return verify(connection, self.folder, self.outside if outside else None).wrong

    def list_rows(self, connection: sa.Connection) -> list[Any]:
        return list(connection.execute(sa.select(audit).order_by(audit.c.id)))


async def keep(database: Database, clock: SetClock, folder: Path) -> Kept:
    outside = folder / "outside.log"
    place = FolderPlace(outside)
    anchoring = Anchoring(store=database, signer=KeySigner(folder), places=(place,))
    drawn = random.Random(7)
    for spell in range(4):
        for _ in range(12):
            database.write_now(lambda tx: _work(tx, drawn.choice(CONVERSATIONS)))
        if spell < 3:
            clock.advance(minutes=5)
            assert await anchors.sign_if_due(anchoring)
            while await anchors.hand_over_next(anchoring, place):
                pass
    return Kept(database=database, folder=folder, outside=outside)


def _work(tx: SqlTransaction, conversation_id: str) -> None:
    tx.audit.record("message_received", by="person", conversation_id=conversation_id, thing="in-7")
    tx.audit.record("conversation_read", by=STAFF, conversation_id=conversation_id)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    if request.param == "sqlite":
        url = copy_sqlite(request.getfixturevalue("sqlite_template"), folder / "waymark.db")
    else:
        url = make_postgresql(request.getfixturevalue("postgresql_uri"), "waymark_audit_kept")
    clock = SetClock()
    database = Database(create_engine(url), clock)
    yield asyncio.run(keep(database, clock, folder))
    database.close()


def name(row: Any) -> str:
    return f"Chain {row.shard}, record {row.seq}: "


def test_what_nobody_touched_is_as_it_was_written(kept: Kept) -> None:
    with kept.tampered() as connection:
        verified = verify(connection, kept.folder, kept.outside)

    assert verified.wrong == []
    assert (verified.records, verified.in_database, verified.in_file) == (96, 3, 3)


CHANGES = {
    "at": lambda row: row.at + timedelta(microseconds=1),
    "actor": lambda row: row.actor + "x",
    "act": lambda row: "conversation_claimed",
    "conversation_id": lambda row: CONVERSATIONS[row.conversation_id == CONVERSATIONS[0]],
    "thing": lambda row: "in-8",
    "hash": lambda row: row.hash[:-1] + ("0" if row.hash[-1] != "0" else "1"),
}


@PROPERTY
@given(data=st.data())
@pytest.mark.parametrize("column", sorted(CHANGES))
def test_a_row_that_was_changed_is_named(kept: Kept, column: str, data: st.DataObject) -> None:
    """Red when: the column is left out of `write_canonical`."""
    with kept.tampered() as connection:
        row = data.draw(st.sampled_from(kept.list_rows(connection)))
        values = {column: CHANGES[column](row)}
        connection.execute(sa.update(audit).where(audit.c.id == row.id).values(values))

        wrong = kept.verify(connection)

    assert wrong == [f"{name(row)}it was changed: it does not fit the record before it."]


@PROPERTY
@given(data=st.data())
def test_a_row_that_was_deleted_is_named(kept: Kept, data: st.DataObject) -> None:
    """Red when: the numbers are not compared, or the end is not held against the head."""
    with kept.tampered() as connection:
        row = data.draw(st.sampled_from(kept.list_rows(connection)))
        connection.execute(sa.delete(audit).where(audit.c.id == row.id))

        [wrong] = kept.verify(connection)

    assert wrong.startswith(f"{name(row)}it is missing")


SAID = ("at", "actor", "act", "conversation_id", "thing", "hash")


@PROPERTY
@given(data=st.data())
def test_rows_that_changed_places_are_named(kept: Kept, data: st.DataObject) -> None:
    """Red when: only the numbers are compared, and not what stands at them."""
    with kept.tampered() as connection:
        rows = kept.list_rows(connection)
        one = data.draw(st.sampled_from(rows))
        other = data.draw(st.sampled_from([each for each in rows if each.id != one.id]))
        for row, said_by in ((one, other), (other, one)):
            values = {column: getattr(said_by, column) for column in SAID}
            connection.execute(sa.update(audit).where(audit.c.id == row.id).values(values))

        wrong = kept.verify(connection)

    first = [min((one, other), key=lambda row: row.seq)] if one.shard == other.shard else [one, other]
    assert sorted(wrong) == sorted(
        f"{name(row)}it was changed: it does not fit the record before it." for row in first
    )


@PROPERTY
@given(data=st.data())
def test_rows_stored_in_another_order_are_named(kept: Kept, data: st.DataObject) -> None:
    with kept.tampered() as connection:
        rows = kept.list_rows(connection)
        one = data.draw(st.sampled_from(rows))
        of_chain = [each for each in rows if each.shard == one.shard and each.id != one.id]
        other = data.draw(st.sampled_from(of_chain))
        for row, to in ((one, 0), (other, one.id), (one, other.id)):
            now = 0 if to == other.id else row.id
            connection.execute(sa.update(audit).where(audit.c.id == now).values(id=to))

        [wrong] = kept.verify(connection)

    assert (
        wrong
        == f"{name(min((one, other), key=lambda row: row.seq))}it was moved: it does not stand where it was written."
    )


@PROPERTY
@given(data=st.data())
def test_a_row_that_was_put_in_is_named(kept: Kept, data: st.DataObject) -> None:
    """At the end of a chain, with a hash that fits: the head and what was signed tell. Within: its number is taken."""
    with kept.tampered() as connection:
        rows = kept.list_rows(connection)
        row = data.draw(st.sampled_from(rows))
        last = max((each for each in rows if each.shard == row.shard), key=lambda each: each.seq)
        entry = Entry(last.at, STAFF, "conversation_read", last.conversation_id, None)
        [forged] = chain(Head(row.shard, last.seq, last.hash), [entry])
        connection.execute(sa.insert(audit).values(to_row(forged)))

        [wrong] = kept.verify(connection)

    assert wrong == f"Chain {row.shard}, record {last.seq + 1}: it was inserted: no record was written there."


@PROPERTY
@given(data=st.data())
def test_an_end_that_was_cut_off_is_named_even_with_its_head(kept: Kept, data: st.DataObject) -> None:
    """Red when: `finish` does not ask what was signed beyond the end."""
    with kept.tampered() as connection:
        rows = kept.list_rows(connection)
        signed = [each for each in rows if each.id <= 72]
        row = data.draw(st.sampled_from(signed))
        of_chain = [each for each in rows if each.shard == row.shard]
        connection.execute(sa.delete(audit).where(audit.c.shard == row.shard, audit.c.seq >= row.seq))
        before = next(
            (each.hash for each in of_chain if each.seq == row.seq - 1), begin_chain(row.shard).hash
        )
        move_head(connection, row.shard, row.seq - 1, before)

        [wrong] = kept.verify(connection)

    assert wrong.startswith(f"{name(row)}it is missing, with all that came after it (signed head ")


@PROPERTY
@given(data=st.data())
def test_a_chain_that_was_written_anew_is_told_by_what_was_signed(kept: Kept, data: st.DataObject) -> None:
    """With every hash and the head put right it is whole in itself; only the anchors know better.

    Red when: `_compare` is not called.
    """
    with kept.tampered() as connection:
        row = data.draw(st.sampled_from([each for each in kept.list_rows(connection) if each.id <= 72]))
        rewrite(connection, kept, row)

        [wrong] = kept.verify(connection)

    assert wrong.startswith(f"Chain {row.shard}, record ")
    assert "whole, but not what was signed" in wrong
    assert int(wrong.split("record ")[1].split(":")[0]) <= row.seq


def rewrite(connection: sa.Connection, kept: Kept, row: Any) -> None:
    """The row says something else, and all that follows is chained anew."""
    of_chain = [each for each in kept.list_rows(connection) if each.shard == row.shard]
    entries = [
        Entry(
            each.at,
            "somebody else" if each.id == row.id else each.actor,
            each.act,
            each.conversation_id,
            each.thing,
        )
        for each in of_chain
    ]
    records = chain(begin_chain(row.shard), entries)
    for each, record in zip(of_chain, records, strict=True):
        values = {"actor": record.entry.actor, "hash": record.hash}
        connection.execute(sa.update(audit).where(audit.c.id == each.id).values(values))
    move_head(connection, row.shard, records[-1].seq, records[-1].hash)


def move_head(connection: sa.Connection, shard: int, seq: int, hash_: str) -> None:
    connection.execute(sa.update(audit_head).where(audit_head.c.shard == shard).values(seq=seq, hash=hash_))


def test_only_a_place_outside_tells_when_the_signed_heads_are_gone_too(kept: Kept) -> None:
    """Everything rewritten and every signed head taken away: inside nothing is left that could tell."""
    with kept.tampered() as connection:
        rewrite(connection, kept, kept.list_rows(connection)[0])
        connection.execute(sa.delete(audit_anchor))

        assert kept.verify(connection, outside=False) == []
        wrong = kept.verify(connection)

    assert wrong[:3] == [f"Signed head {number} is not in the database." for number in (1, 2, 3)]
    assert "not what was signed (signed head 1)" in wrong[3]


def test_a_signed_head_that_was_altered_or_is_anothers_proves_nothing(kept: Kept, tmp_path: Path) -> None:
    """Red when: the signature is not checked, or with any key."""
    with kept.tampered() as connection:
        other = KeySigner(tmp_path).sign(b"{}")
        [first, second, _] = connection.execute(sa.select(audit_anchor).order_by(audit_anchor.c.number)).all()
        header, _, signature = first.signed.split(".")
        # Another's words under its signature: to be read, but for that.
        altered = f"{header}.{second.signed.split('.')[1]}.{signature}"
        for number, signed in ((1, altered), (2, other)):
            connection.execute(
                sa.update(audit_anchor).where(audit_anchor.c.number == number).values(signed=signed)
            )
        connection.execute(sa.delete(audit_anchor).where(audit_anchor.c.number == 3))
        connection.execute(
            sa.insert(audit_anchor).values(number=4, signed_at=second.signed_at, signed=second.signed)
        )

        wrong = kept.verify(connection, outside=False)

    assert wrong == [
        "Signed head 1 of the database proves nothing: it was altered.",
        "Signed head 2 of the database proves nothing: it was signed with a key that is not in the data folder.",
        "Signed head 3 of the database is missing.",
        "Signed head 4 of the database was signed as 2.",
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [("at", "yesterday"), ("seq", "first"), ("shard", "some"), ("actor", b"\xff"), ("hash", "")],
)
def test_what_can_hardly_be_read_is_named_and_does_not_stop_the_rest(
    kept: Kept, column: str, value: object
) -> None:
    """SQLite keeps whatever it is given."""
    if kept.database.engine.dialect.name == "postgresql":
        return
    with kept.tampered() as connection:
        row = kept.list_rows(connection)[10]
        statement = f"UPDATE audit SET {column} = ? WHERE id = ?"
        connection.exec_driver_sql(statement, (value, row.id))

        wrong = kept.verify(connection)

    assert any(each.startswith(name(row)) for each in wrong)


def test_the_command_says_what_it_found_and_fails_for_one_wrong_record(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Red when: `run_verify` gives 0 whatever was found."""
    copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    of_folder = make_settings(tmp_path, "http://127.0.0.1")
    clock = SetClock()
    database = Database(create_engine(of_folder.database_url), clock)
    kept = asyncio.run(keep(database, clock, tmp_path))

    assert run_verify(of_folder, kept.outside) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "The audit is as it was written: 96 records, held against 3 signed heads of the database and 3"
    )

    with database.engine.begin() as connection:
        lift_audit_triggers(connection)
        connection.execute(sa.update(audit).where(audit.c.id == 5).values(actor="somebody else"))
    assert run_verify(of_folder, None) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert "it was changed" in first
    assert last.startswith("The audit is NOT as it was written")
    database.close()
