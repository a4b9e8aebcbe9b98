"""A message that its page shows is sent in one transaction: nothing is waited for between taking it and recording it.

Red when: it takes a second write; what must not leave is shown; a failure of it holds up the messages after it; a
channel with a provider is recorded as sent without asking them; one message overtakes another.
"""

from dataclasses import replace

from casework.adapters.storage.tables import delivery_attempt, outbox
from casework.model.messages import Channel, OutboxStatus
from casework.services import deliver
from casework.services.ports import Delivery, Store
from tests.support.builders import an_outbound
from tests.support.fakes import FailingStore
from tests.support.line import Line

WRITER = "0123456789abcdef0123456789abcdef"
SENT = Delivery(status=OutboxStatus.SENT, provider_message_id="SM" + "a" * 32)


class CountingStore(FailingStore):
    """A real store that counts its writes."""

    writes = 0

    async def write(self, work: object) -> object:
        self.writes += 1
        return await super().write(work)  # type: ignore[arg-type]


def queue(line: Line, *texts: str, channel: Channel = Channel.WEBCHAT) -> str:
    conversation_id = line.open(WRITER, channel)
    for text in texts:
        message = an_outbound(conversation_id, text, to=WRITER, channel=channel)
        line.database.write_now(lambda tx, message=message: tx.outbox.record(message, decision="test"))
    return conversation_id


def showing(line: Line, store: Store | None = None) -> deliver.Delivering:
    shown = replace(line.delivering(), shown=frozenset({Channel.WEBCHAT}))
    return shown if store is None else replace(shown, store=store)


async def test_it_is_sent_in_one_write_and_its_attempt_is_on_record(line: Line) -> None:
    queue(line, "hello")
    store = CountingStore(line.database)

    assert await deliver.deliver_next_message(showing(line, store))

    assert store.writes == 1
    row = line.row(outbox)
    assert (row.status, row.attempts, row.lease_until) == ("sent", 1, None)
    assert row.sent_at is not None
    assert [each.outcome for each in line.rows(delivery_attempt)] == ["started", "sent"]
    assert line.sender.sent == []
    assert not await deliver.deliver_next_message(showing(line))


async def test_two_of_one_conversation_are_sent_in_their_order(line: Line) -> None:
    queue(line, "first", "second")

    await deliver.deliver_next_message(showing(line))

    assert [(row.text, row.status) for row in line.rows(outbox)] == [("first", "sent"), ("second", "waiting")]


async def test_what_a_person_took_over_is_not_shown(line: Line) -> None:
    conversation_id = queue(line, "hello")
    # Written before, and not withdrawn with the others: the epoch alone says so.
    staff = line.add_staff()
    line.database.write_now(
        lambda tx: tx.conversations.pass_on(conversation_id, from_id=None, to_id=staff.id)
    )

    assert await deliver.deliver_next_message(showing(line))

    assert line.row(outbox).status == "suppressed"


async def test_a_failure_is_its_own_and_step_by_step_it_leaves_after_all(line: Line) -> None:
    queue(line, "hello")
    line.sender.outcomes = [Delivery(status=OutboxStatus.SENT)]

    assert await deliver.deliver_next_message(showing(line, FailingStore(line.database, 1)))

    assert line.row(outbox).status == "sent"
    assert [message.text for message in line.sender.sent] == ["hello"]


async def test_a_channel_with_a_provider_still_asks_them(line: Line) -> None:
    queue(line, "hello", channel=Channel.SMS)
    line.sender.outcomes = [SENT]

    assert await deliver.deliver_next_message(showing(line))

    assert [message.text for message in line.sender.sent] == ["hello"]
    assert line.row(outbox).provider_message_id == SENT.provider_message_id
