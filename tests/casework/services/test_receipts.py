"""The provider's news is kept whole, and a failure is a person's task exactly once."""

import pytest

from casework.adapters.storage.tables import audit, delivery_event, desk_item, outbox
from casework.model.desk import Outcome
from casework.services.receipts import record_receipt
from tests.support.line import Line


async def send_one(line: Line) -> tuple[str, str]:
    """(conversation id, provider's id) of one message that was sent."""
    received = line.receive()
    await line.answer()
    await line.deliver_all()
    return received.conversation_id, line.rows(outbox)[-1].provider_message_id


def tell(line: Line, provider_message_id: str, status: str, error_code: str | None = None) -> None:
    line.database.write_now(lambda tx: record_receipt(tx, provider_message_id, status, error_code=error_code))


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
