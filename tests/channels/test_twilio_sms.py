"""Twilio's forms in and its REST calls out, against the sandbox over real sockets."""

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
from hypothesis import given
from hypothesis import strategies as st

from casework.model.errors import SettingsInvalid
from casework.model.messages import Author, Channel, InboundMessage, Lane, OutboundMessage
from channels.sandbox.webhooks import encode_form
from channels.twilio_sms import (
    DeliveryOutcome,
    FormInvalid,
    OutcomeStillUnknown,
    ProviderStatus,
    TwilioSender,
    parse_inbound_sms,
    parse_status,
    sort_refusal,
)
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
    serving,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FIELDS = {
    "MessageSid": "SM" + "a" * 32,
    "AccountSid": ACCOUNT_SID,
    "From": HANDSET,
    "To": SERVICE,
    "Body": "Any news",
    "NumMedia": "0",
}


def a_form(**changes: str | None) -> bytes:
    return encode_form([(name, value) for name, value in {**FIELDS, **changes}.items() if value is not None])


def parse(body: bytes) -> InboundMessage:
    return parse_inbound_sms(body, account_sid=ACCOUNT_SID, received_at=NOW)


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
    }
    return OutboundMessage(**{**fields, **changes})


def test_an_sms_form_becomes_an_inbound_message() -> None:
    body = a_form()

    assert parse(body) == InboundMessage(
        channel=Channel.SMS,
        provider_message_id="SM" + "a" * 32,
        external_id=HANDSET,
        text="Any news",
        received_at=NOW,
        raw=body,
    )


def test_a_whatsapp_writer_is_known_by_number_until_a_username_hides_it() -> None:
    by_number = parse(a_form(From="whatsapp:" + HANDSET))
    hidden = parse(a_form(From="whatsapp:" + HANDSET, ExternalUserId="whatsapp:GB.4566123"))

    assert (by_number.channel, by_number.external_id) == (Channel.WHATSAPP, HANDSET)
    assert (hidden.channel, hidden.external_id) == (Channel.WHATSAPP, "GB.4566123")


def test_media_only_and_location() -> None:
    photo = parse(a_form(Body=None, NumMedia="2"))
    place = parse(a_form(Body=None, From="whatsapp:" + HANDSET, Latitude="51.5", Longitude="-0.1"))

    assert (photo.text, photo.media_count, photo.is_readable) == ("", 2, True)
    assert (place.text, place.has_location) == ("", True)


@pytest.mark.parametrize("number", ["", "many", "-1", "٣", "9" * 5000, "1.0"])
def test_a_media_count_that_is_no_number_is_none(number: str) -> None:
    assert parse(a_form(NumMedia=number)).media_count == 0


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"%FFhelp", "\ufffdhelp"),
        (b"%ED%A0%80", "\ufffd" * 3),
        (b"help%00me", "help\ufffdme"),
        (b"\xe9", "\ufffd"),
    ],
)
def test_text_that_cannot_be_read_is_kept_and_marked(sent: bytes, read: str) -> None:
    body = a_form(Body=None) + b"&Body=" + sent

    message = parse(body)

    assert (message.text, message.is_readable, message.raw) == (read, False, body)


@given(text=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=1600))
def test_every_readable_text_arrives_as_it_was_written(text: str) -> None:
    message = parse(a_form(Body=text))

    assert (message.text, message.is_readable) == (text, True)


@given(body=st.binary(max_size=300))
def test_no_body_crashes_the_door(body: bytes) -> None:
    try:
        message = parse(a_form(Body=None) + b"&" + body)
    except FormInvalid:
        return
    assert message.text.encode() is not None and "\0" not in message.text + message.external_id


@pytest.mark.parametrize(
    "body",
    [
        b"",
        a_form(MessageSid=None),
        a_form(MessageSid=" "),
        a_form(From=None),
        a_form(From="+44\0"),
        a_form(AccountSid=None),
        a_form(AccountSid="AC" + "1" * 32),
        a_form() + b"&From=%2B447700900002",
        a_form() + b"&MessageSid=SM2",
        a_form(From=None) + b"&From=%FF",
    ],
)
def test_a_form_without_one_message_one_writer_and_our_account_is_refused(body: bytes) -> None:
    with pytest.raises(FormInvalid):
        parse(body)


def test_a_status_form_is_read() -> None:
    body = encode_form([("MessageSid", "SM1"), ("MessageStatus", "Undelivered"), ("ErrorCode", "30003")])

    assert parse_status(body) == ProviderStatus(
        provider_message_id="SM1", status="undelivered", error_code=30003
    )
    with pytest.raises(FormInvalid):
        parse_status(b"MessageStatus=sent")


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
    await sender.deliver(a_message(channel=Channel.WHATSAPP))

    [message] = await sandbox.get_thread("whatsapp:" + HANDSET)
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
