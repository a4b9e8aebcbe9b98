"""Stored messages by the thousand are rows as the service writes them, and one more still goes its whole way.

Red when, each tried once: copies of a table have the template's own times; the audit's chains do not go on after the
copies; PostgreSQL's counters stay behind them; a half-filled file is gone on with.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.storage.audit_tables import audit_head
from casework.adapters.storage.database import create_engine
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import (
    audit,
    conversation,
    delivery_attempt,
    delivery_event,
    inbox,
    outbox,
    turn,
)
from casework.adapters.storage.workbench_tables import turn_record
from launcher.bench_line import Line
from launcher.bench_rasa import BenchFailed
from launcher.bench_stored import Costs, _fill, make_part, measure_stored, open_service
from launcher.bench_turn import SCRIPT

ROOT = Path(__file__).parents[2]
STORED = 400
COPIED = (inbox, turn, turn_record, outbox)


def test_a_filled_database_is_like_one_that_was_written_to(database_url: str, tmp_path: Path) -> None:
    if database_url.startswith("sqlite"):
        database_url = f"sqlite:///{tmp_path}/stored.db"
    _fill(ROOT, database_url, STORED)
    engine = create_engine(database_url)
    with engine.connect().execution_options(waymark_read=True) as connection:

        def count(table: sa.Table) -> int:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

        pairs = STORED // 2
        assert {table.name: count(table) for table in COPIED} == {table.name: pairs + 1 for table in COPIED}
        assert count(conversation) == pairs // 10 + 1
        assert count(data_key) >= count(conversation)
        # Of the template each has as many as every copy has.
        for table in (delivery_attempt, delivery_event, audit):
            assert count(table) % (pairs + 1) == 0 and count(table) > pairs
        joined = sa.select(sa.func.count()).select_from(
            inbox.join(turn, turn.c.inbox_id == inbox.c.id)
            .join(outbox, outbox.c.turn_id == turn.c.id)
            .join(delivery_event, delivery_event.c.provider_message_id == outbox.c.provider_message_id)
            .join(conversation, conversation.c.id == outbox.c.conversation_id)
        )
        assert connection.execute(joined).scalar_one() == count(delivery_event)
        times = connection.execute(sa.select(inbox.c.received_at).order_by(inbox.c.id)).scalars().all()
        heads = dict(connection.execute(sa.select(audit_head.c.shard, audit_head.c.seq)).all())
        newest = sa.select(audit.c.shard, sa.func.max(audit.c.seq)).group_by(audit.c.shard)
        assert all(seq <= heads[shard] for shard, seq in connection.execute(newest))
    engine.dispose()
    now = datetime.now(UTC)
    assert times[1] == min(times) and now - times[1] > timedelta(days=364)
    assert sorted(times[1:]) == list(times[1:]) and now - times[-1] > timedelta(days=2)

    service = open_service(ROOT, database_url, tmp_path)
    upgrade(service.database.engine)  # it opens with its own keys still
    try:
        assert asyncio.run(Line(service).take("+447700900001", SCRIPT[1])) == 1
    finally:
        service.database.close()


def test_a_file_that_was_not_filled_to_its_end_is_filled_anew(tmp_path: Path) -> None:
    (tmp_path / "stored.part").write_bytes(b"half")

    told = _fill(ROOT, f"sqlite:///{tmp_path}/stored.db", 20)
    again = _fill(ROOT, f"sqlite:///{tmp_path}/stored.db", 20)

    assert told.startswith("Filled in") and "kept" in again
    assert not (tmp_path / "stored.part").exists()


@pytest.mark.slow
def test_a_message_is_measured_in_both_and_the_database_is_kept(tmp_path: Path) -> None:
    """About five seconds: forty messages warm both up."""
    part = measure_stored(ROOT, tmp_path, stored=20, messages=4)

    assert part.rows[0].ours is not None and part.rows[0].ours > 0
    assert part.notes[0].startswith("Filled in")
    assert (tmp_path / "bench" / "stored-20.db").exists()


def test_too_many_messages_to_copy_are_refused(tmp_path: Path) -> None:
    from launcher.bench_stored_rows import fill

    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    upgrade(engine)
    with pytest.raises(BenchFailed, match="one is wanted"):
        fill(engine, 20, take=lambda: None)
    engine.dispose()


@pytest.mark.parametrize(("full_ms", "holds"), [(12.0, True), (12.1, False)])
def test_the_limit_is_of_the_processor(full_ms: float, holds: bool) -> None:
    empty = Costs(cpu_ms=(9.0, 10.0, 11.0), wall_ms=(20.0, 20.0, 20.0))
    full = Costs(cpu_ms=(1.0, full_ms, 90.0), wall_ms=(50.0, 60.0, 70.0))

    part = make_part(full, empty, stored=10_000_000, size_bytes=25_000_000_000, notes=())

    assert part.holds is holds
    assert "10,000,000" in part.title
    figures = {row.name: row.ours for row in part.rows}
    assert figures["Wait, stored / empty"] == pytest.approx(3.0)
    assert figures["Database"] == pytest.approx(25.0)
