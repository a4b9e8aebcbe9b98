"""Twilio's REST calls out, against the sandbox over real sockets."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from casework.model.errors import SettingsInvalid
from casework.model.messages import Author, Channel, Lane, OutboundMessage, SendKind
from channels.twilio_forms import parse_status
from channels.twilio_sms import DeliveryOutcome, OutcomeStillUnknown, TwilioSender, sort_refusal
from channels.twilio_transport import TwilioSettings, _read_seconds
from tests.channels.provider_stand_ins import (
    ACCOUNT_SID,
    HANDSET,
    SERVICE,
    TOKEN,
    ListeningService,
    Sandbox,
    listening_service,
    running_sandbox,
    serving,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_message(**changes: Any) -> OutboundMessage:
    fields: dict[str, Any] = {
        "conversation_id": "c1",
        "channel": Channel.SMS,
        "to": HANDSET,
        "text": "We have your message.",
        "lane": Lane.ASSISTANT,
        "author": Author.ASSISTANT,
        "template": "utter_test",
        "dedupe_key": "c1-1",
        "epoch": 0,
        "kind": SendKind.ASSISTANT_REPLY,
    }
    return OutboundMessage(**{**fields, **changes})


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, 20429, DeliveryOutcome.TRY_AGAIN),
        (400, 21611, DeliveryOutcome.TRY_AGAIN),
        (401, 20003, DeliveryOutcome.TRY_AGAIN),
        *[
            (400, code, DeliveryOutcome.GIVE_UP)
            for code in (21610, 21211, 21614, 21408, 21612, 21617, 30005, 30006)
        ],
        (403, 21408, DeliveryOutcome.GIVE_UP),
        (400, 99999, DeliveryOutcome.GIVE_UP),
        (408, None, DeliveryOutcome.UNKNOWN),
        (302, None, DeliveryOutcome.UNKNOWN),
        (500, 20500, DeliveryOutcome.UNKNOWN),
        (500, 21610, DeliveryOutcome.UNKNOWN),
        (503, None, DeliveryOutcome.UNKNOWN),
    ],
)
def test_refusals_are_sorted_by_whether_the_message_may_have_left(
    status: int, code: int | None, outcome: DeliveryOutcome
) -> None:
    assert sort_refusal(status=status, code=code).outcome is outcome


@pytest_asyncio.fixture
async def service() -> AsyncIterator[ListeningService]:
    async with listening_service() as service:
        yield service


@pytest_asyncio.fixture
async def sandbox(service: ListeningService, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        yield sandbox


def a_sender(api_url: str, **changes: Any) -> TwilioSender:
    fields: dict[str, Any] = {"timeout_seconds": 0.5, "whatsapp_from": SERVICE, **changes}
    return TwilioSender(
        TwilioSettings(account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=api_url, **fields)
    )


@pytest_asyncio.fixture
async def sender(sandbox: Sandbox, service: ListeningService) -> AsyncIterator[TwilioSender]:
    sender = a_sender(sandbox.url, status_callback_url=service.url + "/webhooks/twilio/status")
    yield sender
    sender.close()


async def test_a_message_is_sent_once_with_its_validity(sandbox: Sandbox, sender: TwilioSender) -> None:
    delivery = await sender.deliver(a_message(text="Your code is 123456", valid_for_seconds=300))

    [message] = await sandbox.get_thread()
    assert delivery.outcome is DeliveryOutcome.SENT
    assert delivery.provider_message_id == message["sid"]
    assert (message["body"], message["from"], message["validity_period"]) == (
        "Your code is 123456",
        SERVICE,
        300,
    )


async def test_the_news_of_a_sent_message_comes_to_the_callback(
    sender: TwilioSender, service: ListeningService
) -> None:
    delivery = await sender.deliver(a_message())

    news = [parse_status(posted.body) for posted in await service.wait_for(2)]
    assert [each.status for each in news] == ["sent", "delivered"]
    assert {each.provider_message_id for each in news} == {delivery.provider_message_id}


async def test_a_whatsapp_message_goes_to_and_from_whatsapp(sandbox: Sandbox, sender: TwilioSender) -> None:
    await sandbox.send("whatsapp:" + HANDSET, body="Hello", webhook=False)  # opens the 24-hour window
    await sender.deliver(a_message(channel=Channel.WHATSAPP))

    [_, message] = await sandbox.get_thread("whatsapp:" + HANDSET)
    assert (message["to"], message["from"]) == ("whatsapp:" + HANDSET, "whatsapp:" + SERVICE)


@pytest.mark.parametrize(
    ("fault", "outcome", "code", "stored"),
    [
        (429, DeliveryOutcome.TRY_AGAIN, 20429, 0),
        (500, DeliveryOutcome.UNKNOWN, 20500, 0),
        ("500_after_store", DeliveryOutcome.UNKNOWN, 20500, 1),
        ("timeout", DeliveryOutcome.UNKNOWN, None, 0),
        ("timeout_after_store", DeliveryOutcome.UNKNOWN, None, 1),
        ("reset", DeliveryOutcome.UNKNOWN, None, 0),
        ("reset_after_store", DeliveryOutcome.UNKNOWN, None, 1),
        ("error:21610", DeliveryOutcome.GIVE_UP, 21610, 0),
        ("error:21614", DeliveryOutcome.GIVE_UP, 21614, 0),
    ],
)
async def test_each_failure_of_the_provider_is_told_apart_and_tried_once(
    sandbox: Sandbox,
    sender: TwilioSender,
    fault: object,
    outcome: DeliveryOutcome,
    code: int | None,
    stored: int,
) -> None:
    await sandbox.add_fault(fault)

    delivery = await sender.deliver(a_message())

    assert (delivery.outcome, delivery.error_code) == (outcome, code)
    assert delivery.retry_after_seconds == (1 if fault == 429 else None)
    assert len(await sandbox.get_thread()) == stored


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("3600", 3600), ("999999", 3600), ("1234567", None), (None, None)]
)
def test_no_answer_of_the_provider_makes_a_message_wait_for_days(
    header: str | None, seconds: int | None
) -> None:
    """Red when six figures of seconds are believed: eleven days."""
    assert _read_seconds(header) == seconds


async def test_a_refused_connection_may_be_tried_again() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        sender = a_sender(f"http://127.0.0.1:{held.getsockname()[1]}")

        delivery = await sender.deliver(a_message())

        with pytest.raises(OutcomeStillUnknown):
            await sender.find_sent(a_message(), attempted_at=datetime.now(UTC))
    sender.close()
    assert delivery.outcome is DeliveryOutcome.TRY_AGAIN


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", "null"])
async def test_a_success_that_makes_no_sense_is_an_unknown_outcome(text: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=201, text=text, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with serving(app) as url:
        sender = a_sender(url)
        delivery = await sender.deliver(a_message())
        sender.close()

    assert delivery.outcome is DeliveryOutcome.UNKNOWN


@pytest.mark.parametrize("fault", ["500_after_store", "timeout_after_store", "reset_after_store"])
async def test_unknown_outcome_not_resent_if_found(
    sandbox: Sandbox, sender: TwilioSender, fault: str
) -> None:
    attempted_at = datetime.now(UTC)
    await sandbox.add_fault(fault)
    delivery = await sender.deliver(a_message())

    found = await sender.find_sent(a_message(), attempted_at=attempted_at)

    [message] = await sandbox.get_thread()
    assert delivery.outcome is DeliveryOutcome.UNKNOWN
    assert found is not None
    assert (found.outcome, found.provider_message_id) == (DeliveryOutcome.SENT, message["sid"])


async def test_a_message_that_never_left_is_not_found(sandbox: Sandbox, sender: TwilioSender) -> None:
    attempted_at = datetime.now(UTC)
    await sandbox.add_fault("reset")
    await sender.deliver(a_message())
    await sender.deliver(a_message(text="Another text"))
    await sender.deliver(a_message(to="+447700900002"))

    assert await sender.find_sent(a_message(), attempted_at=attempted_at) is None


async def test_an_equal_text_sent_before_is_not_mistaken_for_the_lost_one(sender: TwilioSender) -> None:
    earlier = await sender.deliver(a_message())
    attempted_at = datetime.now(UTC)
    assert earlier.provider_message_id

    taken = await sender.find_sent(
        a_message(), attempted_at=attempted_at, taken=[earlier.provider_message_id]
    )
    much_later = await sender.find_sent(a_message(), attempted_at=attempted_at + timedelta(minutes=1))

    assert (taken, much_later) == (None, None)


async def test_ten_messages_at_once_are_ten_messages(sandbox: Sandbox, sender: TwilioSender) -> None:
    deliveries = await asyncio.gather(*(sender.deliver(a_message(text=f"Text {n}")) for n in range(10)))

    assert {delivery.provider_message_id for delivery in deliveries} == {
        message["sid"] for message in await sandbox.get_thread()
    }


async def test_no_log_line_has_a_number_or_a_text(
    sandbox: Sandbox, sender: TwilioSender, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await sender.deliver(a_message())
        await sender.find_sent(a_message(), attempted_at=datetime.now(UTC))

    assert HANDSET[1:] not in caplog.text
    assert "We have your message" not in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"auth_token": ""},
        {"account_sid": ""},
        {"api_url": "http://api.example.org"},
        {"api_url": "ftp://127.0.0.2"},
    ],
)
def test_a_sender_without_credentials_or_over_plain_http_does_not_start(changes: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid):
        TwilioSettings(**{"account_sid": ACCOUNT_SID, "auth_token": TOKEN, "sms_from": SERVICE, **changes})  # type: ignore[arg-type]
