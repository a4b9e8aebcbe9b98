"""The queues as they are read: worst first, by keyset, counted to a thousand, and nothing of a live talk.

Red when, each tried once: one of the four conditions of `_is_shown` is taken out (its own test), `_behind` compares
the wrong way round, `_in_queue` leaves out the status, or `find_next` leaves out skips.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import conversation, inbox
from casework.adapters.storage.workbench_tables import review_item, review_reason
from casework.model.annotations import ItemStatus
from casework.model.review_queues import Queue
from casework.model.training_flags import TrainingFlag
from casework.services import consents, review_inbox
from casework.services.ports import StaffMember
from casework.services.review_inbox import ItemNotFound
from casework.services.review_ports import Cursor
from tests.casework.services.reviewing import (
    an_answer_of,
    decide,
    make_line,
    make_quiet,
    put,
    queue_of,
    say,
    set_of,
)
from tests.support.builders import a_hit
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.rows import put_rows

HIT = "he has a knife"


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Any:
    made = make_line(database_url, clock)
    made.screen.results = {HIT: a_hit(1)}
    yield made
    made.database.close()


@pytest.fixture
def toni(line: Line) -> StaffMember:
    return line.add_staff("toni")


def fill(line: Line, count: int, **values: Any) -> list[int]:
    """So many quiet messages in a queue, each of its own conversation; their ids."""

    def write(tx: Any) -> list[int]:
        at = tx.now - timedelta(days=1)
        people = [
            {
                "id": f"{number:032x}",
                "channel": "sms",
                "external_id": f"x{number}",
                "created_at": at,
                "epoch": 0,
                "last_inbound_at": at,
                "is_drill": False,
            }
            for number in range(1, count + 1)
        ]
        put_rows(tx.connection, conversation, *people)
        messages = [
            {
                "id": number,
                "channel": "sms",
                "provider_message_id": f"m{number}",
                "conversation_id": f"{number:032x}",
                # Two of each moment.
                "received_at": at + timedelta(seconds=number // 2),
                "text": "synthetic",
                "raw": b"",
                "media_count": 0,
                "has_location": False,
                "screen": {"urgent": False, "tier": None, "category": None, "evidence": []},
            }
            for number in range(1, count + 1)
        ]
        put_rows(tx.connection, inbox, *messages)
        for row in messages:
            tx.reviews.add_item(
                row["id"],
                conversation_id=row["conversation_id"],
                said_at=row["received_at"],
                channel="sms",
                band_seen="green",
                side="train",
            )
            harm = 1 + row["id"] % 5
            tx.reviews.add_reason(row["id"], Queue.UNSURE, harm=harm, why="unsure", detail={})
        return [row["id"] for row in messages]

    return line.database.write_now(write)


def test_pages_go_by_harm_then_newest_and_miss_or_repeat_nothing(line: Line) -> None:
    numbers = fill(line, 60)
    rows, after = [], None
    while True:
        cursor = after
        page = line.database.read_now(
            lambda tx, c=cursor: review_inbox.list_page(tx, Queue.UNSURE, after=c, limit=7)
        )
        rows += page.rows
        if page.next is None:
            break
        after = page.next
    assert sorted(row.inbox_id for row in rows) == numbers
    places = [(row.harm, -row.said_at.timestamp(), row.inbox_id) for row in rows]
    assert places == sorted(places)


def test_a_page_that_is_just_full_is_the_last(line: Line) -> None:
    fill(line, 7)
    page = line.database.read_now(lambda tx: review_inbox.list_page(tx, Queue.UNSURE, limit=7))
    assert (len(page.rows), page.next) == (7, None)


def test_a_cursor_is_behind_its_row(line: Line) -> None:
    fill(line, 10)
    rows = queue_of(line, Queue.UNSURE)
    at = rows[3]
    rest = queue_of(line, Queue.UNSURE, after=Cursor(at.harm, at.said_at, at.inbox_id))
    assert rest == rows[4:]


def test_tabs_are_counted_in_their_order_and_to_a_thousand_and_one(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(line, 12)
    counts = line.database.read_now(review_inbox.count_tabs)
    assert list(counts) == list(Queue)
    assert counts[Queue.UNSURE] == 12 and sum(counts.values()) == 12
    assert line.database.read_now(lambda tx: tx.reviews.count_open(most=5))[Queue.UNSURE] == 6


async def put_one(line: Line) -> tuple[int, str]:
    inbox_id = await say(line, "hello there")
    put(line, inbox_id)
    make_quiet(line)
    assert [row.inbox_id for row in queue_of(line, Queue.UNSURE)] == [inbox_id]
    return inbox_id, line.row(inbox, id=inbox_id).conversation_id


def owned(line: Line, of: str) -> None:
    # By hand: a claim opens an item too.
    set_of(line, of, owner_id=line.add_staff("rowan").id)


def with_an_open_item(line: Line, of: str) -> None:
    line.screen.results["help me now"] = a_hit(1)
    line.receive("help me now", received_at=line.clock.now() - timedelta(hours=1))


def written_to(line: Line, of: str) -> None:
    line.receive("and another thing")


def a_drill(line: Line, of: str) -> None:
    set_of(line, of, is_drill=True)


def excluded(line: Line, of: str) -> None:
    line.database.write_now(
        lambda tx: consents.flag(tx, of, None, TrainingFlag.EXCLUDED, why="asked", by="victim")
    )


@pytest.mark.parametrize("becomes", [a_drill, excluded, owned, with_an_open_item, written_to])
async def test_a_live_conversation_is_in_no_queue_and_on_no_page(
    line: Line, toni: StaffMember, becomes: Callable[[Line, str], None]
) -> None:
    inbox_id, of = await put_one(line)
    becomes(line, of)

    read = line.database.read_now
    assert queue_of(line, Queue.UNSURE) == []
    assert read(review_inbox.count_tabs)[Queue.UNSURE] == 0
    assert read(lambda tx: review_inbox.find_next(tx, Queue.UNSURE, by=toni.id)) is None
    with pytest.raises(ItemNotFound):
        read(lambda tx: review_inbox.get_item(tx, inbox_id))


async def test_half_an_hour_after_their_last_word_it_is_there_again(line: Line) -> None:
    inbox_id, _ = await put_one(line)
    line.assistant.answers["more"] = an_answer_of()
    line.receive("more")
    await line.answer_all()
    line.clock.advance(minutes=29)
    assert queue_of(line, Queue.UNSURE) == []
    line.clock.advance(minutes=1)
    assert [row.inbox_id for row in queue_of(line, Queue.UNSURE)] == [inbox_id]


def test_the_next_one_is_the_first_this_person_has_not_dealt_with(line: Line, toni: StaffMember) -> None:
    jo = line.add_staff("jo")
    fill(line, 12)
    order = [row.inbox_id for row in queue_of(line, Queue.UNSURE)]
    decide(line, order[0], toni, act="skipped")
    decide(line, order[1], toni, act="flagged")
    decide(line, order[2], toni, risks=("strangulation",))

    read = line.database.read_now
    assert read(lambda tx: review_inbox.find_next(tx, Queue.UNSURE, by=toni.id)) == order[3]
    assert read(lambda tx: review_inbox.find_next(tx, Queue.UNSURE, by=jo.id)) == order[0]


def test_what_is_settled_or_for_a_third_leaves_every_queue_and_its_reasons(
    line: Line, toni: StaffMember
) -> None:
    jo = line.add_staff("jo")
    fill(line, 3)
    for number in (1, 2):
        decide(line, number, toni, risks=("strangulation",))
    assert {row.status for row in queue_of(line, Queue.UNSURE)} == {"needs_second", "open"}
    decide(line, 1, jo, risks=("strangulation",))
    decide(line, 2, jo, risks=("modern_slavery",))
    assert [row.inbox_id for row in queue_of(line, Queue.UNSURE)] == [3]
    assert line.row(review_item, inbox_id=1).status == ItemStatus.SETTLED
    assert line.row(review_reason, inbox_id=1).settled_at is not None
    kit = line.add_staff("kit")
    page = line.database.read_now(lambda tx: review_inbox.list_third_page(tx, by=kit.id))
    assert [row.inbox_id for row in page.rows] == [2]
    assert line.database.read_now(lambda tx: review_inbox.count_third(tx, by=kit.id)) == 1
    assert line.database.read_now(lambda tx: review_inbox.find_next_third(tx, by=kit.id)) == 2
    for one_of_both in (toni, jo):
        assert (
            line.database.read_now(lambda tx, by=one_of_both.id: review_inbox.find_next_third(tx, by=by))
            is None
        )


def test_a_message_stands_once_in_a_queue_as_bad_as_the_worst_reason(line: Line) -> None:
    fill(line, 1)
    for harm in (4, 2, 3):
        put(line, 1, Queue.POSSIBLE_MISSES, harm=harm)
    [row] = queue_of(line, Queue.POSSIBLE_MISSES)
    assert row.harm == 2
