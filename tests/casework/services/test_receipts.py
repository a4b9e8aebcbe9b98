"""The provider's news is kept whole, in any order, and a failure is a person's task exactly once."""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import audit, delivery_event, desk_item, outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import Outcome
from casework.model.messages import OutboxStatus
from casework.services import deliver
from casework.services.ports import Delivery
from casework.services.receipts import record_receipt
from tests.support.builders import an_outbound
from tests.support.clock import SetClock
from tests.support.line import Line

NAMES = {"30006": "not_a_mobile", "30003": "unreachable_now"}


async def send_one(line: Line) -> tuple[str, str]:
    """(conversation id, provider's id) of one message that was sent."""
    received = line.receive()
    await line.answer()
    await line.deliver_all()
    return received.conversation_id, line.rows(outbox)[-1].provider_message_id


def tell(line: Line, provider_message_id: str, status: str, error_code: str | None = None) -> None:
    line.database.write_now(
        lambda tx: record_receipt(
            tx, provider_message_id, status, error_code=error_code, name_failure=NAMES.get
        )
    )


async def test_every_piece_of_news_is_kept_in_the_order_it_came(line: Line) -> None:
    _, provider_id = await send_one(line)

    for status in ("delivered", "sent", "sent", "queued"):
        tell(line, provider_id, status)

    assert [row.status for row in line.rows(delivery_event)] == ["delivered", "sent", "sent", "queued"]
    assert line.rows(desk_item) == []


@pytest.mark.parametrize("status", ["failed", "undelivered"])
async def test_a_message_the_provider_could_not_deliver_is_an_item(line: Line, status: str) -> None:
    conversation_id, provider_id = await send_one(line)

    tell(line, provider_id, status, "30006")

    item = line.row(desk_item)
    assert (item.reason, item.conversation_id) == ("not_delivered", conversation_id)
    assert line.rows(audit, act="delivery_failed")[0].thing == f"out-{line.row(outbox).id}"
    assert line.row(delivery_event).error_code == "30006"


async def test_the_same_failure_told_twice_is_one_item(line: Line) -> None:
    _, provider_id = await send_one(line)

    tell(line, provider_id, "undelivered", "30006")
    tell(line, provider_id, "undelivered", "30006")

    assert len(line.rows(desk_item)) == 1


async def test_a_failure_told_again_after_its_item_was_closed_opens_nothing(line: Line) -> None:
    rowan = line.add_staff()
    conversation_id, provider_id = await send_one(line)
    tell(line, provider_id, "undelivered", "30006")
    line.claim(conversation_id, rowan)
    line.hand_back(conversation_id, Outcome.OFFICER_WILL_CALL, by=rowan)

    tell(line, provider_id, "undelivered", "30006")

    assert [row.status for row in line.rows(desk_item)] == ["closed"]


async def test_news_of_a_message_we_do_not_know_is_kept(line: Line) -> None:
    tell(line, "SM" + "f" * 32, "failed", "30005")

    assert line.row(delivery_event).status == "failed"
    assert line.rows(desk_item) == []


async def test_a_failure_told_before_the_sending_was_recorded_is_still_an_item(line: Line) -> None:
    """The callback can outrun our own commit, and after an unknown outcome it always does."""
    line.receive()
    await line.answer()
    provider_id = "SM" + f"{1:032x}"
    tell(line, provider_id, "undelivered", "30006")

    await line.deliver_all()

    assert line.row(outbox).provider_message_id == provider_id
    assert line.row(desk_item).reason == "not_delivered"


# --- in any order -------------------------------------------------------------------------------


def project(line: Line, conversation_id: str, orders: list[list[str]]) -> list[tuple[str | None, str | None]]:
    """What the row of a new message says after its news in this order; a message for each order."""

    def write(tx: SqlTransaction) -> None:
        for order in orders:
            sid = f"SM{random.getrandbits(128):032x}"
            outbox_id = tx.outbox.record(an_outbound(conversation_id), decision="test")
            row = sa.update(outbox).where(outbox.c.id == outbox_id)
            tx.connection.execute(row.values(status="sent", provider_message_id=sid, sent_at=tx.now))
            for status in order:
                code = "30006" if status in ("failed", "undelivered") else None
                record_receipt(tx, sid, status, error_code=code, name_failure=NAMES.get)

    line.database.write_now(write)
    rows = line.rows(outbox, conversation_id=conversation_id)
    assert len(rows) == len(orders)
    return [(row.delivery_state, row.reason) for row in rows]


@pytest.mark.parametrize(
    ("statuses", "state", "reason"),
    [
        (["queued", "sending", "sent", "undelivered"], "undelivered", "not_a_mobile"),
        (["accepted", "sending", "sent", "failed"], "failed", "not_a_mobile"),
        (["queued", "sent", "undelivered", "delivered"], "delivered", None),
        (["queued", "sending", "sent", "failed", "delivered"], "delivered", None),
        (["sent", "undelivered", "delivered", "read"], "read", None),
        (["sent", "delivered", "something new", "received"], "delivered", None),
    ],
)
async def test_status_any_order_same_projection(
    line: Line, statuses: list[str], state: str, reason: str | None
) -> None:
    """Every order, and orders with each piece of news told twice, come to the same.

    Red when: project_news writes the state of the newest event; or never compares ranks.
    """
    conversation_id = line.open("+447700900001")
    orders = [list(order) for order in permutations(statuses)]
    shuffle = random.Random(7)
    twice = [shuffle.sample(order * 2, 2 * len(order)) for order in shuffle.sample(orders, 12)]

    assert set(project(line, conversation_id, orders + twice)) == {(state, reason)}


async def test_of_failed_and_undelivered_the_first_counts(line: Line) -> None:
    conversation_id = line.open("+447700900001")

    told = project(line, conversation_id, [["undelivered", "failed"], ["failed", "undelivered"]])

    assert [state for state, _ in told] == ["undelivered", "failed"]


async def test_what_was_delivered_is_never_undelivered_again(line: Line) -> None:
    """Red when: a failure opens its item whatever was known before."""
    _, provider_id = await send_one(line)

    tell(line, provider_id, "delivered")
    tell(line, provider_id, "undelivered", "30006")

    assert line.row(outbox).delivery_state == "delivered"
    assert line.rows(desk_item) == []


async def test_a_state_is_dated_when_it_was_first_told(line: Line) -> None:
    _, provider_id = await send_one(line)
    tell(line, provider_id, "delivered")
    first = line.row(delivery_event).received_at
    line.clock.advance(minutes=5)

    tell(line, provider_id, "delivered")

    assert line.row(outbox).delivery_state_at == first


@pytest.mark.parametrize("word", ["a word nobody knows", "x" * 300, "ürgent", ""])
async def test_a_word_nobody_knows_is_kept_and_changes_nothing(line: Line, word: str) -> None:
    _, provider_id = await send_one(line)

    tell(line, provider_id, word, "9" * 300)

    kept = line.row(delivery_event)
    assert (kept.status, kept.error_code) == (word[:32], "9" * 32)
    assert (line.row(outbox).delivery_state, line.rows(desk_item)) == (None, [])


# --- news before we know whose it is ---------------------------------------------------------------


async def test_news_that_outran_the_sending_is_joined_when_its_id_is_known(line: Line) -> None:
    """Red when: record_delivery does not project the events already there."""
    line.receive()
    await line.answer()
    provider_id = "SM" + f"{1:032x}"
    for status in ("delivered", "sent"):
        tell(line, provider_id, status)

    await line.deliver_all()

    assert line.row(outbox).delivery_state == "delivered"


async def test_a_failure_that_outran_the_sending_keeps_its_meaning(line: Line) -> None:
    line.name_failure = NAMES.get
    line.receive()
    await line.answer()
    tell(line, "SM" + f"{1:032x}", "undelivered", "30006")

    await line.deliver_all()

    row = line.row(outbox)
    assert (row.status, row.delivery_state, row.reason) == ("sent", "undelivered", "not_a_mobile")


async def test_a_failure_that_outran_the_sending_is_sent_anew_as_well(line: Line) -> None:
    line.name_failure = NAMES.get
    line.receive()
    await line.answer()
    tell(line, "SM" + f"{1:032x}", "undelivered", "30003")

    await line.deliver_all()

    assert [row.status for row in line.rows(outbox)] == ["sent", "waiting"]
    assert line.rows(desk_item) == []


def test_news_and_sending_at_the_same_moment_find_each_other(postgresql_url: str, clock: SetClock) -> None:
    """Each looks for the other before either has committed. On SQLite there is one writer at a time.

    Red when: _hold_news_of does nothing: neither sees the other, and the failure is nobody's.
    """
    database = Database(create_engine(postgresql_url), clock)
    line = Line(database=database, clock=clock)
    conversation_id = line.open("+447700900055")
    sid = f"SM{random.getrandbits(128):032x}"
    message = an_outbound(conversation_id, f"text {sid}")
    database.write_now(lambda tx: tx.outbox.record(message, decision="test"))

    def lease(tx: SqlTransaction) -> object:
        while True:
            found = tx.outbox.lease_next("worker", lease_seconds=10)
            assert found is not None
            if found.message.text == message.text:
                return found

    leased = database.write_now(lease)
    sent = Delivery(status=OutboxStatus.SENT, provider_message_id=sid)
    with ThreadPoolExecutor(1) as other:

        def tell_while_it_is_recorded(tx: SqlTransaction) -> None:
            record_receipt(tx, sid, "undelivered", error_code="30006", name_failure=NAMES.get)
            recording = other.submit(
                database.write_now,
                lambda tx: deliver.record_delivery(tx, leased, sent, line.texts, name_failure=NAMES.get),
            )
            waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            while not recording.done() and not database.read_now(lambda tx: tx.connection.scalar(waiting)):
                pass

        database.write_now(tell_while_it_is_recorded)

    row = line.row(outbox, provider_message_id=sid)
    assert (row.delivery_state, row.reason) == ("undelivered", "not_a_mobile")
    assert [item.reason for item in line.rows(desk_item, conversation_id=conversation_id)] == [
        "not_delivered"
    ]
    database.close()
