"""The audit is written with the act or not at all, in chains that nobody can change without it being seen."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from casework.adapters.storage.audit_tables import audit_head
from casework.adapters.storage.chain_reads import read_heads, read_records
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.migrate import SCRIPTS, upgrade
from casework.adapters.storage.tables import audit, conversation, inbox, turn
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.audit_acts import ActUnknown, ThingUnfit
from casework.model.audit_chain import ChainCheck, Fault
from casework.model.messages import Channel
from tests.support.clock import SetClock
from tests.support.databases import make_postgresql
from tests.support.line import Line

ID = "0123456789abcdef" * 2


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def find_faults(database: Database) -> list[Fault]:
    check = ChainCheck()
    with database.engine.connect() as connection:
        for record in read_records(connection):
            check.take(record)
        return check.finish(read_heads(connection))


def record_a_few(tx: SqlTransaction) -> None:
    tx.audit.record("shift_started", by="staff")
    tx.audit.record("gone_quiet", by="worker", conversation_id=ID, thing=ID)
    tx.audit.record("shift_ended", by="staff")


def test_what_was_recorded_stands_in_its_order_and_is_chained(line: Line) -> None:
    line.database.write_now(record_a_few)
    line.database.write_now(record_a_few)

    rows = line.rows(audit)
    assert [row.act for row in rows] == ["shift_started", "gone_quiet", "shift_ended"] * 2
    assert [row.seq for row in rows] == [1, 1, 2, 3, 2, 4]
    assert len({row.shard for row in rows}) == 2
    assert find_faults(line.database) == []


def test_an_act_that_fails_leaves_no_record_and_one_that_cannot_be_recorded_does_not_happen(
    line: Line,
) -> None:
    """Red when: `finish` runs in a transaction of its own, or before the work."""

    def fail(tx: SqlTransaction) -> None:
        record_a_few(tx)
        raise ZeroDivisionError

    def record_wrongly(tx: SqlTransaction) -> None:
        tx.alarms.sound("of_a_test", "")
        tx.audit.record("shift_ended", by="staff", thing="with words")

    with pytest.raises(ZeroDivisionError):
        line.database.write_now(fail)
    with pytest.raises(ThingUnfit):
        line.database.write_now(record_wrongly)
    with pytest.raises(ActUnknown):
        line.database.write_now(lambda tx: tx.audit.record("of_nobody", by="staff"))

    assert line.rows(audit) == line.rows(audit_head, seq=1) == []
    assert line.database.read_now(lambda tx: tx.alarms.list_open()) == []


def test_nothing_of_a_transaction_that_failed_is_written_by_the_next(line: Line) -> None:
    """Red when: what was gathered hangs on the pooled connection and not on the transaction."""
    for _ in range(12):
        with pytest.raises(ZeroDivisionError):
            line.database.write_now(lambda tx: (record_a_few(tx), 1 // 0))

    line.database.write_now(lambda tx: tx.audit.record("break_ended", by="staff"))

    assert [row.act for row in line.rows(audit)] == ["break_ended"]


def test_a_transaction_reads_what_it_has_recorded_itself(line: Line) -> None:
    """Red when: `write_before_reading` is not listening, or a later record is lost after a first reading."""

    def record_and_read(tx: SqlTransaction) -> tuple[bool, bool]:
        conversation_id = tx.conversations.open(Channel.WEBCHAT, "x").id
        before = tx.feedback.was_offered(conversation_id)
        tx.audit.record("feedback_offered", by="service", conversation_id=conversation_id)
        after = tx.feedback.was_offered(conversation_id)
        tx.audit.record("gone_quiet", by="worker", conversation_id=conversation_id, thing=ID)
        return before, after

    assert line.database.write_now(record_and_read) == (False, True)
    assert [row.act for row in line.rows(audit)] == ["feedback_offered", "gone_quiet"]
    assert find_faults(line.database) == []


def test_a_transaction_that_only_reads_cannot_record(line: Line) -> None:
    """It is never committed: the record would be lost without a sound."""
    with pytest.raises(RuntimeError, match="would be lost"):
        line.database.read_now(record_a_few)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit",
        "DELETE FROM audit_anchor",
        "UPDATE audit SET actor = 'somebody else'",
        "UPDATE audit_anchor SET signed = ''",
    ],
)
def test_the_database_refuses_to_change_what_was_recorded(line: Line, statement: str) -> None:
    """Red when: migration 0015 makes no trigger for it."""
    line.database.write_now(record_a_few)
    line.database.write_now(lambda tx: tx.anchors.record(1, "signed"))

    with pytest.raises(sa.exc.IntegrityError, match="only ever added to"):
        line.database.write_now(lambda tx: tx.connection.exec_driver_sql(statement))

    assert find_faults(line.database) == []


def test_no_row_is_put_in_the_place_of_another(line: Line) -> None:
    """PostgreSQL: TRUNCATE; SQLite: INSERT OR REPLACE, of which its trigger of DELETE hears nothing."""
    line.database.write_now(record_a_few)
    is_shared = line.database.engine.dialect.name == "postgresql"
    statement = "TRUNCATE audit" if is_shared else "INSERT OR REPLACE INTO audit SELECT * FROM audit"

    with pytest.raises(sa.exc.IntegrityError, match="only ever added to"):
        line.database.write_now(lambda tx: tx.connection.exec_driver_sql(statement))


def test_it_survives_the_erasure_of_what_it_tells_of(line: Line) -> None:
    """Red when: the audit refers to the conversation's row."""
    conversation_id = line.receive("my name is Anna").conversation_id

    def erase(tx: SqlTransaction) -> None:
        tx.connection.execute(sa.delete(turn).where(turn.c.conversation_id == conversation_id))
        tx.connection.execute(sa.delete(inbox).where(inbox.c.conversation_id == conversation_id))
        tx.connection.execute(sa.delete(conversation).where(conversation.c.id == conversation_id))

    line.database.write_now(erase)

    assert [row.act for row in line.rows(audit, conversation_id=conversation_id)] == ["message_received"]
    assert find_faults(line.database) == []


def test_many_who_write_to_one_chain_at_once_leave_it_whole(postgresql_uri: str) -> None:
    """Eight threads, one chain that nobody has begun yet and another that all share.

    Red when: the head is read without FOR UPDATE.
    """
    database = Database(create_engine(make_postgresql(postgresql_uri, "waymark_audit_race")), SetClock())
    with database.engine.begin() as connection:
        connection.execute(sa.delete(audit_head))
    together = threading.Barrier(8)

    def write(writer: int) -> None:
        together.wait()
        for _ in range(10):
            database.write_now(record_a_few)
            database.write_now(lambda tx: tx.audit.record("shift_started", by=f"staff {writer}"))

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(write, range(8)))

    with database.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar() == 8 * 10 * 4
    assert find_faults(database) == []
    database.close()


@pytest.fixture(params=["postgresql", "sqlite"])
def unmigrated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, without a table."""
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path}/waymark.db")
    else:
        engine = create_engine(
            make_postgresql(request.getfixturevalue("postgresql_uri"), "waymark_audit_before")
        )
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    database = Database(engine, SetClock())
    yield database
    database.close()


def migrate(database: Database, step: Callable[[Config, str], None], to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        step(config, to)


def test_what_was_recorded_before_there_was_a_chain_is_chained(unmigrated: Database) -> None:
    """More rows than one batch of the migration takes; there and back. Red when: a batch begins its chains anew."""
    migrate(unmigrated, command.upgrade, "0014")
    at = "timestamptz" if unmigrated.engine.dialect.name == "postgresql" else "text"
    with unmigrated.engine.begin() as connection:
        connection.execute(sa.text(OLD_ROWS.format(at=at)))

    migrate(unmigrated, command.upgrade, "0015")
    assert find_faults(unmigrated) == []
    migrate(unmigrated, command.downgrade, "0014")
    upgrade(unmigrated.engine)

    unmigrated.write_now(record_a_few)
    assert find_faults(unmigrated) == []
    line = Line(database=unmigrated, clock=SetClock())
    assert [row.id for row in line.rows(audit)] == list(range(1, 6004))
    with pytest.raises(sa.exc.IntegrityError, match="only ever added to"):
        unmigrated.write_now(lambda tx: tx.connection.exec_driver_sql("DELETE FROM audit"))


OLD_ROWS = """
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 6000)
    INSERT INTO audit (at, actor, act)
    SELECT CAST('2026-11-23 09:30:00.000007' AS {at}), 'staff ' || n % 20, 'signed_in' FROM counted
"""
