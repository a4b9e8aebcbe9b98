"""What becomes of a message, from the outbox over real sockets to the provider and back, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import delivery_attempt, delivery_event, desk_item, opt_out, outbox
from casework.model.messages import Author, Channel, Lane, OutboxStatus, SendKind
from casework.services import deliver, stale
from casework.services.receipts import record_receipt
from channels.senders import SmsSender, find_trackers
from channels.twilio_errors import name_failure
from channels.twilio_forms import parse_status
from channels.twilio_sms import TwilioSender
from channels.twilio_transport import TwilioSettings
from tests.channels.provider_stand_ins import (
    ACCOUNT_SID,
    HANDSET,
    SERVICE,
    TOKEN,
    ListeningService,
    Sandbox,
    listening_service,
    running_sandbox,
)
from tests.support.builders import an_outbound
from tests.support.clock import SetClock
from tests.support.line import Line

CODE = "482913"


@pytest.fixture
def clock() -> SetClock:
    """Begins with the provider's own clock, which compares what it holds with when we tried."""
    return SetClock(datetime.now(UTC))


@dataclass
class Provider:
    """The outbox, the sandbox, and the place its callbacks come to, where a test takes them up when it likes."""

    line: Line
    sandbox: Sandbox
    service: ListeningService
    sender: SmsSender
    heard: int = 0
    told: list[str] = field(default_factory=list)

    def write(self, text: str = "We have your message.", **values: Any) -> None:
        conversation_id = self.line.open(HANDSET)
        message = an_outbound(conversation_id, text, to=HANDSET, **values)
        self.line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))

    async def try_on(self, *, seconds: float = 12, times: int = 3) -> None:
        for _ in range(times):
            await self.line.deliver_all()
            self.line.clock.advance(seconds=seconds)

    async def hear(self, count: int) -> None:
        """Takes up the provider's next callbacks, as the gateway would."""
        posted = await self.service.wait_for(self.heard + count)
        for each in posted[self.heard : self.heard + count]:
            news = parse_status(each.body, account_sid=ACCOUNT_SID)
            self.told.append(news.status)
            code = str(news.error_code) if news.error_code else None
            self.line.database.write_now(
                lambda tx, news=news, code=code: record_receipt(
                    tx, news.provider_message_id, news.status, error_code=code, name_failure=name_failure
                )
            )
        self.heard += count


@pytest_asyncio.fixture
async def provider(database: Database, clock: SetClock, tmp_path: Path) -> AsyncIterator[Provider]:
    async with (
        listening_service() as service,
        running_sandbox(tmp_path / "sandbox", service_url=service.url) as sandbox,
    ):
        twilio = TwilioSender(
            TwilioSettings(
                account_sid=ACCOUNT_SID,
                auth_token=TOKEN,
                sms_from=SERVICE,
                api_url=sandbox.url,
                status_callback_url=service.url + "/webhooks/twilio/status",
                timeout_seconds=3.0,
            )
        )
        sender = SmsSender(twilio, database)
        line = Line(database=database, clock=clock, sender=sender, name_failure=name_failure)
        yield Provider(line, sandbox, service, sender)
        twilio.close()


# --- an unknown outcome ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500_after_store", "reset_after_store", "timeout_after_store"])
async def test_unknown_outcome_not_resent_if_found(provider: Provider, fault: str) -> None:
    """The answer is lost, the message is not: it is looked up, found, and never sent again.

    Red when: _deliver does not ask find_sent, or believes an unknown outcome to be a failure.
    """
    await provider.sandbox.add_fault(fault)
    provider.write()

    await provider.try_on(times=1)
    assert provider.line.row(outbox).status == "unknown"
    await provider.try_on()

    [held] = await provider.sandbox.get_thread()
    row = provider.line.row(outbox)
    assert (row.status, row.provider_message_id) == ("sent", held["sid"])
    outcomes = [each.outcome for each in provider.line.rows(delivery_attempt)]
    assert outcomes == ["started", "unknown", "started", "sent"]


@pytest.mark.parametrize("fault", [500, "reset", "timeout"])
async def test_an_unknown_outcome_that_is_not_found_is_sent_once(provider: Provider, fault: object) -> None:
    await provider.sandbox.add_fault(fault)
    provider.write()

    await provider.try_on()

    [held] = await provider.sandbox.get_thread()
    assert provider.line.row(outbox).provider_message_id == held["sid"]


async def test_an_equal_text_that_left_before_does_not_stand_for_the_lost_one(provider: Provider) -> None:
    provider.write("The same words.")
    await provider.try_on(times=1)
    await provider.sandbox.add_fault("reset")
    provider.write("The same words.")

    await provider.try_on()

    held = await provider.sandbox.get_thread()
    assert len(held) == 2
    assert {row.provider_message_id for row in provider.line.rows(outbox)} == {each["sid"] for each in held}


async def test_what_was_lost_for_good_is_a_persons_task_and_stays_unsent(provider: Provider) -> None:
    """While the provider cannot be asked nothing is sent, however long it takes."""
    await provider.sandbox.add_fault("reset_after_store")
    provider.write()
    await provider.try_on(times=1)
    unreachable = TwilioSender(
        TwilioSettings(
            account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url="http://127.0.0.1:1"
        )
    )
    provider.line.sender = SmsSender(unreachable, provider.line.database)

    await provider.try_on(seconds=400, times=deliver.MAX_ATTEMPTS + 2)
    unreachable.close()

    row = provider.line.row(outbox)
    assert (row.status, row.reason) == ("failed", "outcome_unknown")
    assert provider.line.row(desk_item).reason == "not_delivered"
    assert len(await provider.sandbox.get_thread()) == 1


# --- a code's time ----------------------------------------------------------------------------------------


def write_code(provider: Provider) -> None:
    text = provider.line.texts.render("one_time_code", Channel.SMS, code=CODE)
    provider.write(
        text,
        lane=Lane.ONE_TIME_CODE,
        author=Author.SERVICE,
        kind=SendKind.ONE_TIME_CODE,
        valid_for_seconds=600,
    )


async def test_a_code_leaves_with_what_is_left_of_its_time(provider: Provider) -> None:
    """Red when: ValidityPeriod is not on the wire: the provider keeps a message for ten hours."""
    write_code(provider)
    provider.line.clock.advance(seconds=100)

    await provider.line.deliver_all()

    [held] = await provider.sandbox.get_thread()
    assert (held["validity_period"], CODE in held["body"]) == (500, True)


async def test_a_code_that_was_too_long_on_its_way_is_not_sent(provider: Provider) -> None:
    await provider.sandbox.add_fault("reset")
    write_code(provider)
    await provider.try_on(times=1)
    provider.line.clock.advance(seconds=601)

    await provider.try_on()

    assert await provider.sandbox.get_thread() == []
    assert provider.line.row(outbox).reason == "too_late"


# --- refusals and news ------------------------------------------------------------------------------------


async def test_a_refusal_is_named_and_acted_on(provider: Provider) -> None:
    await provider.sandbox.add_fault("error:21610")
    provider.write()

    await provider.line.deliver_all()

    assert (provider.line.row(outbox).reason, provider.line.row(opt_out).word) == ("opted_out", "21610")
    assert provider.line.row(desk_item).reason == "cannot_be_texted"


async def test_a_busy_provider_is_asked_again(provider: Provider) -> None:
    await provider.sandbox.add_fault(429)
    provider.write()

    await provider.line.deliver_all()
    row = provider.line.row(outbox)
    assert (row.status, row.reason) == ("waiting", "busy")
    await provider.try_on()

    assert len(await provider.sandbox.get_thread()) == 1
    assert provider.line.row(outbox).reason is None


async def test_the_news_of_a_message_reaches_its_row(provider: Provider) -> None:
    provider.write()
    await provider.line.deliver_all()

    await provider.hear(2)

    assert provider.told == ["sent", "delivered"]
    assert provider.line.row(outbox).delivery_state == "delivered"


async def test_a_phone_that_was_off_gets_the_message_later(provider: Provider) -> None:
    await provider.sandbox.add_fault("undelivered:30003")
    provider.write(author=Author.STAFF, lane=Lane.STAFF, kind=SendKind.STAFF_REPLY)
    await provider.line.deliver_all()
    await provider.hear(2)
    assert provider.line.row(outbox, status="sent").delivery_state == "undelivered"

    provider.line.clock.advance(minutes=31)
    await provider.line.deliver_all()
    await provider.hear(2)

    assert len(await provider.sandbox.get_thread()) == 2
    assert [row.delivery_state for row in provider.line.rows(outbox)] == ["undelivered", "delivered"]
    assert provider.line.rows(desk_item) == []


async def test_news_that_comes_before_the_answer_is_joined_to_its_message(provider: Provider) -> None:
    """The answer is lost and found ten seconds later; what came of the message was told in between."""
    await provider.sandbox.add_fault("timeout_after_store")
    provider.write()
    await asyncio.gather(provider.line.deliver(), provider.hear(2))
    row = provider.line.row(outbox)
    assert (row.status, row.delivery_state) == ("unknown", None)

    await provider.try_on(seconds=20)

    row = provider.line.row(outbox)
    assert (row.status, row.delivery_state) == (OutboxStatus.SENT, "delivered")


# --- nothing is heard -------------------------------------------------------------------------------------


async def test_a_message_of_which_nothing_is_heard_is_looked_up(provider: Provider) -> None:
    """The callbacks came to a gateway that was down; fifteen minutes later the provider is asked."""
    provider.write()
    await provider.line.deliver_all()
    await provider.service.wait_for(2)
    tracking = stale.Tracking(
        store=provider.line.database,
        clock=provider.line.clock,
        trackers=find_trackers({Channel.SMS: provider.sender}),
        texts=provider.line.texts,
        name_failure=name_failure,
    )
    assert not await stale.look_up_next_silent(tracking)
    provider.line.clock.advance(minutes=16)

    assert await stale.look_up_next_silent(tracking)

    assert provider.line.row(outbox).delivery_state == "delivered"
    assert provider.line.row(delivery_event).status == "delivered"
    assert not await stale.look_up_next_silent(tracking)


async def test_a_message_the_provider_does_not_hold_changes_nothing(provider: Provider) -> None:
    assert await provider.sender.find_state("SM" + "f" * 32) is None


async def test_a_provider_that_cannot_be_asked_changes_nothing() -> None:
    twilio = TwilioSender(
        TwilioSettings(
            account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url="http://127.0.0.1:1"
        )
    )

    assert await SmsSender(twilio, None).find_state("SM" + "f" * 32) is None  # type: ignore[arg-type]
    twilio.close()
