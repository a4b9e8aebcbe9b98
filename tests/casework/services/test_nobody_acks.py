"""Nobody acknowledges and nobody claims: the whole ladder, on time, over both databases, and the victim told the truth.

Red when: a step is written twice; shown in a copy that records each once more.
"""

import threading

import pytest

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import outbox
from casework.services import ladder
from tests.casework.services.on_call import CONTROL, KIT, ROBIN, OnCall
from tests.support.line import Line

# Saturday 21 November 2026, 12:00: somebody is at the desk until 16:00.
WHOLE_LADDER = [
    ("desk", 60),
    ("on_call", 180),
    ("on_call", 480),
    ("control_room", 780),
    ("victim_told", 840),
]


@pytest.fixture
def on_call(line: Line) -> OnCall:
    desk = OnCall(line)
    desk.put("Kit Example", KIT, place=1)
    desk.put("Robin Example", ROBIN, place=2)
    desk.put_control_room()
    return desk


async def test_the_whole_ladder_of_danger_is_climbed_on_time(on_call: OnCall) -> None:
    conversation_id = on_call.line.receive("red 1").conversation_id

    await on_call.pass_time(minutes=20)

    assert on_call.timeline(conversation_id) == WHOLE_LADDER
    assert [notice.to for notice in on_call.phones.took] == [KIT, ROBIN, CONTROL]
    assert on_call.sounding().keys() == {"urgent_unclaimed"}


async def test_the_victim_is_told_what_is_true(on_call: OnCall) -> None:
    conversation_id = on_call.line.receive("red 1").conversation_id
    await on_call.pass_time(minutes=20)
    await on_call.line.deliver_all()

    texts = [text for text, status in on_call.line.outgoing(conversation_id) if status == "sent"]

    assert texts[-1].startswith("No one has read your message yet.")
    assert "999" in texts[-1] and "55" in texts[-1]
    assert len([text for text in texts if "No one has read" in text]) == 1


async def test_a_restart_in_the_middle_forgets_nothing(on_call: OnCall, database_url: str) -> None:
    conversation_id = on_call.line.receive("red 1").conversation_id
    await on_call.pass_time(seconds=200)
    other = Database(create_engine(database_url), on_call.line.clock)
    after = OnCall(on_call.line, store=other, phones=on_call.phones)

    await after.pass_time(minutes=20)
    other.close()

    assert on_call.timeline(conversation_id) == WHOLE_LADDER
    assert len(on_call.phones.took) == 3


async def test_what_was_missed_while_no_worker_ran_is_done_at_once(on_call: OnCall) -> None:
    conversation_id = on_call.line.receive("red 1").conversation_id
    on_call.line.clock.advance(minutes=30)

    await on_call.look()

    assert on_call.timeline(conversation_id) == [("desk", 1800), ("on_call", 1800)]


def test_workers_that_look_at_the_same_time_take_each_step_once(on_call: OnCall) -> None:
    conversation_id = on_call.line.receive("red 1").conversation_id

    def look() -> None:
        on_call.store.write_now(lambda tx: ladder.take_step(tx, on_call.climbing))

    for _ in range(6):
        on_call.line.clock.advance(minutes=6)
        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    steps = [step for step, _ in on_call.timeline(conversation_id)]
    assert steps == [step for step, _ in WHOLE_LADDER]
    told = [row for row in on_call.line.rows(outbox) if row.template == "nobody_has_read"]
    assert len(told) == 1


async def test_after_the_last_step_no_timer_runs(on_call: OnCall) -> None:
    on_call.line.receive("red 1")
    await on_call.pass_time(minutes=20)
    on_call.line.clock.advance(days=3)

    assert await ladder.take_next_step(on_call.climbing) is False
