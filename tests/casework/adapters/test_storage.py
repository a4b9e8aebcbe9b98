"""Storage keeps its promises on SQLite and on PostgreSQL."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from casework.adapters.storage.changes import watch_changes
from casework.adapters.storage.conversations import screen_from_json
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.migrate import SCRIPTS, upgrade
from casework.adapters.storage.migration_state import find_newest, is_current
from casework.adapters.storage.tables import inbox, metadata, outbox, turn
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.bands import load_band_limits
from casework.model.disclosures import CALM, Band
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus, SendKind
from tests.support.builders import an_outbound, an_sms
from tests.support.clock import SetClock
from tests.support.databases import make_postgresql, make_sqlite
from tests.support.rows import put_rows


def store_turn(tx: SqlTransaction, text: str = "hello", external_id: str = "+447700900001") -> str:
    message = an_sms(text, external_id=external_id)
    conversation = tx.conversations.open(message.channel, message.external_id)
    inbox_id = tx.inbox.record(message, conversation.id, CALM)
    assert inbox_id is not None
    return tx.turns.record_waiting(inbox_id, conversation.id)


def store_message(tx: SqlTransaction, key: str, lane: Lane, external_id: str = "+447700900001") -> None:
    conversation = tx.conversations.open(Channel.SMS, external_id)
    tx.outbox.record(
        OutboundMessage(
            conversation_id=conversation.id,
            channel=Channel.SMS,
            to=external_id,
            text=key,
            lane=lane,
            author=Author.ASSISTANT,
            template="test",
            dedupe_key=key,
            epoch=0,
            kind=SendKind.ASSISTANT_REPLY,
        ),
        decision="test",
    )


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_a_database_is_current_with_the_newest_migration_and_with_those_to_come(database: Database) -> None:
    """Red when: a migration's file is not named by its number, or a service stops as the next version migrates."""
    scripts = Config()
    scripts.set_main_option("script_location", str(SCRIPTS))
    assert find_newest() == ScriptDirectory.from_config(scripts).get_current_head()

    with database.engine.begin() as connection:
        assert is_current(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9998'")
        assert is_current(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        assert not is_current(connection)
        connection.rollback()


def test_a_database_without_tables_is_not_current(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/empty.db")
    with engine.connect() as connection:
        assert not is_current(connection)
    engine.dispose()


def test_a_commit_survives_only_with_full_synchronisation(database: Database) -> None:
    with database.engine.connect() as connection:
        if database.engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_parallel_copies_of_one_message_are_stored_once(database: Database) -> None:
    message = an_sms(provider_message_id="SM" + "a" * 32)
    results: list[int | None] = []

    def receive() -> None:
        def store(tx: SqlTransaction) -> int | None:
            conversation = tx.conversations.open(message.channel, message.external_id)
            return tx.inbox.record(message, conversation.id, CALM)

        results.append(database.write_now(store))

    threads = [threading.Thread(target=receive) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(result is not None for result in results) == 1
    assert (
        database.read_now(lambda tx: tx.connection.execute(sa.select(sa.func.count(inbox.c.id))).scalar())
        == 1
    )


def test_a_failed_write_leaves_nothing(database: Database) -> None:
    def fail(tx: SqlTransaction) -> None:
        store_turn(tx)
        raise RuntimeError("the worker died here")

    with pytest.raises(RuntimeError):
        database.write_now(fail)

    assert database.read_now(lambda tx: tx.connection.execute(sa.select(turn)).all()) == []


def test_one_conversation_is_answered_one_turn_at_a_time(database: Database) -> None:
    database.write_now(lambda tx: (store_turn(tx, "first"), store_turn(tx, "second")))

    first = database.write_now(lambda tx: tx.turns.lease_next("a", lease_seconds=10))
    while_first = database.write_now(lambda tx: tx.turns.lease_next("b", lease_seconds=10))
    assert first is not None
    database.write_now(lambda tx: tx.turns.finish(first, "answered"))
    second = database.write_now(lambda tx: tx.turns.lease_next("b", lease_seconds=10))

    assert first.text == "first"
    assert while_first is None
    assert second is not None
    assert second.text == "second"


def test_conversations_do_not_wait_for_each_other(database: Database) -> None:
    database.write_now(
        lambda tx: (store_turn(tx, external_id="+447700900001"), store_turn(tx, external_id="+447700900002"))
    )

    leased = [database.write_now(lambda tx: tx.turns.lease_next("a", lease_seconds=10)) for _ in range(3)]

    assert [turn is not None for turn in leased] == [True, True, False]


def test_a_worker_that_lost_its_lease_can_finish_nothing(database: Database, clock: SetClock) -> None:
    database.write_now(store_turn)
    slow = database.write_now(lambda tx: tx.turns.lease_next("slow", lease_seconds=10))
    clock.advance(seconds=11)
    quick = database.write_now(lambda tx: tx.turns.lease_next("quick", lease_seconds=10))

    assert slow is not None
    assert quick is not None
    assert not database.write_now(lambda tx: tx.turns.finish(slow, "answered"))
    assert database.write_now(lambda tx: tx.turns.finish(quick, "answered"))


def test_a_renewed_lease_is_not_taken(database: Database, clock: SetClock) -> None:
    database.write_now(store_turn)
    leased = database.write_now(lambda tx: tx.turns.lease_next("a", lease_seconds=10))
    assert leased is not None
    clock.advance(seconds=8)
    database.write_now(lambda tx: tx.turns.renew("a", [leased.id], lease_seconds=10))
    clock.advance(seconds=8)

    assert database.write_now(lambda tx: tx.turns.lease_next("b", lease_seconds=10)) is None


def test_many_workers_never_lease_the_same_turn(database: Database) -> None:
    for number in range(30):
        database.write_now(lambda tx, n=number: store_turn(tx, external_id=f"+4477009{n:05d}"))
    leased: list[str] = []

    def work(name: str) -> None:
        while (
            turn := database.write_now(lambda tx: tx.turns.lease_next(name, lease_seconds=60))
        ) is not None:
            leased.append(turn.id)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(leased) == len(set(leased)) == 30


def test_the_safety_lane_overtakes_and_each_lane_keeps_its_order(database: Database, clock: SetClock) -> None:
    def fill(tx: SqlTransaction) -> None:
        store_message(tx, "bot 1", Lane.ASSISTANT)
        store_message(tx, "bot 2", Lane.ASSISTANT)
        store_message(tx, "safety", Lane.SAFETY)

    database.write_now(fill)
    sent = []
    while (due := database.write_now(lambda tx: tx.outbox.lease_next("a", lease_seconds=10))) is not None:
        sent.append(due.message.text)
        database.write_now(lambda tx, due=due: tx.outbox.record_outcome(due, OutboxStatus.SENT))

    assert sent == ["safety", "bot 1", "bot 2"]


def test_a_message_being_sent_holds_back_the_next_of_its_conversation_only(database: Database) -> None:
    def fill(tx: SqlTransaction) -> None:
        store_message(tx, "a 1", Lane.ASSISTANT)
        store_message(tx, "a 2", Lane.ASSISTANT)
        store_message(tx, "b 1", Lane.ASSISTANT, "+447700900002")

    database.write_now(fill)
    leased = [database.write_now(lambda tx: tx.outbox.lease_next("w", lease_seconds=10)) for _ in range(3)]

    assert [due.message.text for due in leased if due] == ["a 1", "b 1"]


def test_a_send_that_a_dead_worker_left_behind_is_marked_unknown(database: Database, clock: SetClock) -> None:
    database.write_now(lambda tx: store_message(tx, "maybe sent", Lane.STAFF))
    first = database.write_now(lambda tx: tx.outbox.lease_next("dead", lease_seconds=10))
    clock.advance(seconds=11)
    second = database.write_now(lambda tx: tx.outbox.lease_next("alive", lease_seconds=10))

    assert first is not None
    assert second is not None
    assert not first.was_unknown
    assert second.was_unknown
    assert second.first_attempt_at is not None
    assert second.first_attempt_at < clock.now() - timedelta(seconds=10)


def test_asking_twice_for_the_same_message_writes_it_once(database: Database) -> None:
    database.write_now(lambda tx: (store_message(tx, "k", Lane.STAFF), store_message(tx, "k", Lane.STAFF)))

    conversation = database.write_now(lambda tx: tx.conversations.open(Channel.SMS, "+447700900001"))
    assert len(database.read_now(lambda tx: tx.transcripts.list_latest(conversation.id))) == 1


async def test_a_commit_elsewhere_wakes_a_waiting_page_at_once(database: Database) -> None:
    changes = watch_changes(database.engine)
    await changes.wait(5)
    woken = asyncio.create_task(changes.wait(30))
    await asyncio.sleep(0)

    for number in range(50):
        await database.write(lambda tx, n=number: store_turn(tx, external_id=f"+44770090{n:04d}"))
        if woken.done():
            break
        await asyncio.wait([woken], timeout=0.2)

    assert woken.done()
    await changes.close()


def store_conversation(tx: SqlTransaction, count: int) -> str:
    """One person's long conversation, written in one go."""
    conversation = tx.conversations.open(Channel.SMS, "+447700900001")
    same = {"conversation_id": conversation.id, "channel": "sms", "raw": b"", "screen": {}}
    same |= {"media_count": 0, "has_location": False, "received_at": tx.now}
    rows = [same | {"provider_message_id": f"SM{n}", "text": f"text {n}"} for n in range(count)]
    put_rows(tx.connection, inbox, *rows)
    return conversation.id


def test_the_earlier_texts_cost_the_same_in_a_long_conversation(database: Database) -> None:
    """By the index alone, newest first: no row is read that is not given back."""
    conversation_id = database.write_now(lambda tx: store_conversation(tx, 3000))
    limits = load_band_limits(Path("tests/data/bands.toml"))
    plans: list[str] = []
    is_sqlite = database.engine.dialect.name == "sqlite"
    if not is_sqlite:
        database.write_now(lambda tx: tx.connection.exec_driver_sql("ANALYZE inbox"))

    def explain(connection: sa.Connection, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if statement.startswith("SELECT inbox"):
            ask = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            plans.append(str(connection.exec_driver_sql(ask + statement, values).all()))

    def read(tx: SqlTransaction) -> list[str]:
        return tx.inbox.list_earlier(conversation_id, before=tx.now, limits=limits, before_id=2900)

    sa.event.listen(database.engine, "before_cursor_execute", explain)
    try:
        texts = database.read_now(read)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", explain)

    assert texts == [f"text {n}" for n in range(2895, 2899)]
    [plan] = plans
    assert "conversation_id_id" in plan or "pk_inbox" in plan
    assert "SCAN" not in plan.replace("Index Scan", "") and "Seq Scan" not in plan and "Sort" not in plan
    assert "B-TREE" not in plan


def test_what_nothing_was_heard_of_is_found_by_when_it_left(database: Database) -> None:
    """Red when the rows are walked by their ids: each look would read the week."""
    now = database.read_now(lambda tx: tx.now)

    def store(tx: SqlTransaction) -> None:
        conversation_id = tx.conversations.open(Channel.SMS, "+447700900001").id
        for number in range(2000):
            message = an_outbound(conversation_id)
            outbox_id = tx.outbox.record(message, decision="test")
            changed = {
                "status": "sent",
                "provider_message_id": f"SM{number}",
                "sent_at": now - timedelta(minutes=number * 5),
                "delivery_state": None if number == 60 else "read",
            }
            tx.connection.execute(sa.update(outbox).where(outbox.c.id == outbox_id).values(**changed))

    database.write_now(store)
    is_sqlite = database.engine.dialect.name == "sqlite"
    database.write_now(lambda tx: tx.connection.exec_driver_sql("ANALYZE" if is_sqlite else "ANALYZE outbox"))
    plans: list[str] = []

    def explain(connection: sa.Connection, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if statement.startswith("SELECT outbox"):
            ask = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            plans.append(str(connection.exec_driver_sql(ask + statement, values).all()))

    sa.event.listen(database.engine, "before_cursor_execute", explain)
    try:
        found = database.write_now(
            lambda tx: tx.outbox.take_silent(
                [Channel.SMS],
                left_after=now - timedelta(hours=11),
                not_since=now - timedelta(hours=1),
                young_after=now - timedelta(hours=1),
                young_not_since=now - timedelta(minutes=15),
            )
        )
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", explain)

    assert found is not None and found.provider_message_id == "SM60"
    [plan] = plans
    assert "ix_outbox_sent_at" in plan
    assert "TEMP B-TREE" not in plan and "Seq Scan" not in plan


def test_a_hit_stored_before_there_were_bands_was_red(database: Database) -> None:
    stored = {"tier": 3, "category": "hate_or_repeat_targeting", "evidence": []}

    assert screen_from_json(stored | {"urgent": True}).band is Band.RED
    assert screen_from_json(stored | {"urgent": False}).band is Band.GREEN
    assert screen_from_json(stored | {"urgent": True, "band": "amber"}).band is Band.AMBER


OLD_ROWS = (
    "INSERT INTO conversation (id, channel, external_id, epoch, created_at)"
    " VALUES ('c', 'sms', '+447700900001', 0, '2026-11-21 12:00:00')",
    "INSERT INTO desk_item (id, conversation_id, dedupe_key, grade, reason, status, waiting_since, created_at)"
    " VALUES ('i', 'c', 'k', 1, 'disclosure', 'open', '2026-11-21 12:00:00', '2026-11-21 12:00:00')",
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_from_before_there_were_bands_keeps_its_items(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    if kind == "sqlite":
        url = make_sqlite(tmp_path / "old.db")
    else:
        url = make_postgresql(request.getfixturevalue("postgresql_uri"), "waymark_old")
    database = Database(create_engine(url), SetClock())
    with database.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        for row in OLD_ROWS:
            connection.exec_driver_sql(row)

    upgrade(database.engine)

    [item] = database.read_now(lambda tx: tx.desk.list_queue())
    database.close()
    assert (item.id, item.evidence, item.quiet_since) == ("i", (), None)


async def test_looking_for_work_and_finding_none_wakes_nobody(database: Database) -> None:
    changes = watch_changes(database.engine)
    await changes.wait(5.0)  # a fresh watcher reports once
    loop = asyncio.get_running_loop()

    waited = asyncio.create_task(changes.wait(0.3))
    started = loop.time()
    await database.write(lambda tx: tx.turns.lease_next("worker", lease_seconds=1))
    await waited

    # It ran to its own end: nothing cut it short.
    assert loop.time() - started > 0.25
    await changes.close()
