"""After a backup was put back nothing that may have left leaves again before it was looked up, on both databases.

Red when: `deliver._lease_next` does not ask `restored.doubt` (what waited at the backup leaves twice), or it doubts
what people write now (their second "yes" is taken for the first).
"""

from datetime import timedelta
from pathlib import Path

import pytest

from casework.adapters.backups import NotHere, backup, restore
from casework.adapters.restores import note_restored
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.switch_tables import restore_gap
from casework.adapters.storage.tables import audit, outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.vault.shredded import note_shredded
from casework.model.messages import Origin, OutboxStatus
from casework.services import outgoing
from casework.services.ports import Delivery
from casework.services.promises import write_unasked
from casework.services.switch_ports import RestoreGap
from tests.support.builders import VICTIM
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, put_keys
from tests.support.line import Line

HELD = Delivery(status=OutboxStatus.SENT, provider_message_id="SM" + "f" * 32)


@pytest.fixture(name="line")
def open_line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def put_back(line: Line, *, minutes_lost: float = 10) -> None:
    """As `note_restored` does, by the test's clock."""
    now = line.clock.now()
    gap = RestoreGap(since=now - timedelta(minutes=minutes_lost), until=now)
    line.database.write_now(lambda tx: tx.restore_gaps.record(gap))


async def test_what_waited_and_had_left_is_found_and_not_sent_again(line: Line) -> None:
    line.receive()
    await line.answer_all()
    put_back(line)
    line.sender.holds = HELD

    await line.deliver_all()

    assert line.sender.sent == []
    found = line.row(outbox)
    assert (found.status, found.provider_message_id) == ("sent", HELD.provider_message_id)


async def test_what_waited_and_had_not_left_leaves(line: Line) -> None:
    line.receive()
    await line.answer_all()
    put_back(line)

    await line.deliver_all()

    assert len(line.sender.looked_up) == len(line.sender.sent) == 1


async def test_the_answer_to_what_the_list_brought_back_is_looked_up(line: Line, clock: SetClock) -> None:
    """Written in the gap, answered anew after it."""
    written_at = clock.now()
    clock.advance(minutes=5)
    put_back(line)
    clock.advance(minutes=1)
    line.receive(origin=Origin.SWEEP, sent_at=written_at, received_at=clock.now())
    line.sender.holds = HELD

    await line.answer_all()
    await line.deliver_all()

    assert line.sender.sent == []


async def test_the_answer_to_what_is_written_now_is_not_looked_up(line: Line, clock: SetClock) -> None:
    put_back(line)
    clock.advance(minutes=1)
    line.receive()
    line.sender.holds = HELD

    await line.answer_all()
    await line.deliver_all()

    assert line.sender.looked_up == []
    assert len(line.sender.sent) == 1


async def test_what_a_person_writes_now_leaves_though_they_said_it_before(
    line: Line, clock: SetClock
) -> None:
    sam = line.add_staff("sam")
    received = line.receive()
    line.claim(received.conversation_id, sam)
    await line.deliver_all()
    put_back(line)
    clock.advance(minutes=1)
    line.sender.holds = HELD
    before = len(line.sender.sent)

    line.reply(received.conversation_id, "Yes", sam)
    await line.deliver_all()

    assert [message.text for message in line.sender.sent[before:]] == ["Yes"]


@pytest.mark.parametrize(("hours", "looked_up"), [(1, 1), (25, 0)])
async def test_what_nobody_asked_for_is_looked_up_for_a_day(
    line: Line, clock: SetClock, hours: float, looked_up: int
) -> None:
    line.add_cases()
    conversation_id = line.open(VICTIM)
    put_back(line)
    clock.advance(hours=hours)

    def write(tx: SqlTransaction) -> None:
        conversation = tx.conversations.hold(conversation_id)
        outgoing.send(tx, write_unasked(conversation, "There is news.", template="t", dedupe_key="news"))

    line.database.write_now(write)
    await line.deliver_all()

    assert len(line.sender.looked_up) == looked_up


# --- noting it ------------------------------------------------------------------------------------


def make(url: str) -> Database:
    return Database(create_engine(url), SetClock())


def test_the_gap_begins_with_the_newest_record_and_noting_twice_changes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    database = make(database_url)
    line = Line(database=database, clock=SetClock())
    line.receive()
    newest = max(row.at for row in line.rows(audit))

    first = note_restored(database_url, key_file=put_keys(tmp_path))
    second = note_restored(database_url, key_file=put_keys(tmp_path))

    assert first.since == second.since == newest - timedelta(minutes=2)
    assert len(line.rows(restore_gap)) == 2
    assert [row.act for row in line.rows(audit)][-2:] == ["backup_restored"] * 2
    database.close()


def test_a_key_that_was_shredded_since_goes_again_whichever_tool_brought_it_back(
    database_url: str, tmp_path: Path
) -> None:
    database = make(database_url)
    line = Line(database=database, clock=SetClock())
    received = line.receive()
    other = line.receive(external_id="+447700900002")
    key = line.row(data_key, owner=received.conversation_id)
    keys = put_keys(tmp_path)
    note_shredded(keys, [key.id])

    note_restored(database_url, key_file=keys)

    assert [row.owner for row in line.rows(data_key)] == [other.conversation_id]
    database.close()


def test_after_a_restore_of_the_embedded_database_the_gap_is_known(
    tmp_path: Path, sqlite_template: Path
) -> None:
    (tmp_path / "data").mkdir()
    url = copy_sqlite(sqlite_template, tmp_path / "data" / "waymark.db")
    saved = backup(url, tmp_path / "today.db")
    restore(url, saved)

    gap = note_restored(url)

    database = make(url)
    found = database.read_now(lambda tx: tx.restore_gaps.find_newest(until_after=gap.since))
    assert found == gap
    database.close()


def test_with_a_migration_missing_nothing_is_noted(tmp_path: Path) -> None:
    put_keys(tmp_path)

    with pytest.raises(NotHere, match="db upgrade"):
        note_restored(f"sqlite:///{tmp_path}/waymark.db")
