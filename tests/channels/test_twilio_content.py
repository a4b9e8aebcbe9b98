"""Buttons and lists on a WhatsApp phone, by templates of Twilio's Content API, over real sockets.

Red when: the sid is not kept, a failure of the Content API or a refused template loses the message, the listed body of
an interactive message is not known again, or content.twilio.com is asked although the provider is on this machine.
"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from twilio.http.response import Response
from twilio.rest import Client

from casework.model.messages import Author, Channel, Lane, OutboundMessage, SendKind
from casework.services.rendering import render_for_whatsapp
from casework.services.service_texts import load_service_texts
from casework.services.windows import NUDGE
from channels.sandbox.contents import WAITING, WAITING_SID
from channels.twilio_content import ContentTemplates, describe_template, name_template, write_variables
from channels.twilio_errors import DeliveryOutcome
from channels.twilio_sms import TwilioSender
from channels.twilio_transport import TwilioSettings, TwilioTransport
from tests.channels.provider_stand_ins import (
    ACCOUNT_SID,
    HANDSET,
    SERVICE,
    TOKEN,
    Sandbox,
    listening_service,
    running_sandbox,
    serving,
)

PHONE = f"whatsapp:{HANDSET}"
MENU = "m" * 22
TEXTS = load_service_texts()
CHOICES = ("My case", "My rights", "A person")


def a_message(text: str = "What would help?", *choices: str, **changes: Any) -> OutboundMessage:
    fields: dict[str, Any] = {
        "conversation_id": "c1",
        "channel": Channel.WHATSAPP,
        "to": HANDSET,
        "text": text,
        "lane": Lane.ASSISTANT,
        "author": Author.ASSISTANT,
        "template": "utter_test",
        "dedupe_key": "c1-1",
        "epoch": 0,
        "kind": SendKind.ASSISTANT_REPLY,
        "choices": choices,
        "menu_token": MENU,
    }
    return OutboundMessage(**{**fields, **changes})


def a_sender(api_url: str, **changes: Any) -> TwilioSender:
    fields: dict[str, Any] = {
        "timeout_seconds": 2.0,
        "whatsapp_from": SERVICE,
        "whatsapp_template": WAITING_SID,
        **changes,
    }
    return TwilioSender(
        TwilioSettings(account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=api_url, **fields)
    )


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with listening_service() as service, running_sandbox(tmp_path, service_url=service.url) as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def sender(sandbox: Sandbox) -> AsyncIterator[TwilioSender]:
    """To a person who has just written, so that anything may be sent."""
    await sandbox.send(PHONE, body="hello")
    sender = a_sender(sandbox.url)
    yield sender
    sender.close()


async def on_the_phone(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [each for each in await sandbox.get_thread(PHONE) if each["direction"] == "to_handset"]


async def list_templates(sandbox: Sandbox) -> list[dict[str, Any]]:
    async with sandbox.session.get(f"{sandbox.url}/v1/Content", headers=login()) as answer:
        found: list[dict[str, Any]] = (await answer.json())["contents"]
        return [each for each in found if each["friendly_name"] != WAITING.friendly_name]


def login() -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)}


# --- what arrives ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_up_to_three_choices_are_buttons_that_say_the_token_and_the_number(
    sandbox: Sandbox, sender: TwilioSender, count: int
) -> None:
    delivery = await sender.deliver(a_message('One.\n\nTwo: it\'s "here".', *CHOICES[:count]))

    [shown] = await on_the_phone(sandbox)
    assert (delivery.outcome, delivery.provider_message_id) == (DeliveryOutcome.SENT, shown["sid"])
    assert shown["body"] == 'One.\n\nTwo: it\'s "here".'
    assert shown["list_opener"] is None
    assert shown["buttons"] == [
        {"title": title, "payload": f"{MENU}.{number}"} for number, title in enumerate(CHOICES[:count], 1)
    ]


async def test_four_choices_are_a_list(sandbox: Sandbox, sender: TwilioSender) -> None:
    await sender.deliver(a_message("What would help?", *CHOICES, "Being kept up to date"))

    [shown] = await on_the_phone(sandbox)
    assert [button["title"] for button in shown["buttons"]] == [*CHOICES, "Being kept up to date"]
    assert shown["buttons"][3]["payload"] == f"{MENU}.4"
    assert shown["list_opener"] == TEXTS.render("list_button", Channel.WHATSAPP)


@pytest.mark.parametrize("titles", [("x" * 25, "y"), tuple(f"choice {number}" for number in range(11))])
async def test_what_whatsapp_would_refuse_is_a_numbered_text(
    sandbox: Sandbox, sender: TwilioSender, titles: tuple[str, ...]
) -> None:
    await sender.deliver(a_message("What would help?", *titles))

    [shown] = await on_the_phone(sandbox)
    assert shown["body"].startswith(f"What would help?\nReply 1 {titles[0]} 2 {titles[1]}")
    assert (shown["buttons"], await list_templates(sandbox)) == ([], [])


def test_what_opens_a_list_is_twenty_letters_at_most() -> None:
    assert 0 < len(TEXTS.render("list_button", Channel.WHATSAPP)) <= 20


# --- one template a shape --------------------------------------------------------------------------------


async def test_one_shape_is_one_template_whatever_is_said(sandbox: Sandbox, sender: TwilioSender) -> None:
    for text in ("Is it you?", "Is it about your case?", "Shall I go on?"):
        await sender.deliver(a_message(text, "Yes", "No"))
    await sender.deliver(a_message("One.\n\nTwo.", "Yes", "No"))
    await sender.deliver(a_message("What would help?", *CHOICES))

    names = sorted(each["friendly_name"] for each in await list_templates(sandbox))
    assert names == ["waymark_buttons_2_1_v1", "waymark_buttons_2_2_v1", "waymark_buttons_3_1_v1"]


async def test_a_template_holds_no_word_of_any_message(sandbox: Sandbox, sender: TwilioSender) -> None:
    await sender.deliver(a_message("Robin will see you on Friday.", "A secret choice", "Another"))

    kept = json.dumps(await list_templates(sandbox))
    assert "Robin" not in kept and "secret" not in kept and MENU not in kept


async def test_another_worker_finds_the_template_and_makes_none(
    sandbox: Sandbox, sender: TwilioSender
) -> None:
    await sender.deliver(a_message("Is it you?", "Yes", "No"))
    another = a_sender(sandbox.url)

    await another.deliver(a_message("Is it you?", "Yes", "No"))

    another.close()
    first, second = await on_the_phone(sandbox)
    assert first["content_sid"] == second["content_sid"]
    assert len(await list_templates(sandbox)) == 1


async def test_ten_at_once_from_one_worker_make_one_template(sandbox: Sandbox, sender: TwilioSender) -> None:
    await asyncio.gather(*(sender.deliver(a_message(f"Text {n}", "Yes", "No")) for n in range(10)))

    assert len(await on_the_phone(sandbox)) == 10
    assert len(await list_templates(sandbox)) == 1


def test_who_would_wait_for_the_look_up_of_another_is_sent_as_text() -> None:
    """Red when the lock is waited for without an end."""
    is_asked, may_end = threading.Event(), threading.Event()

    class SlowClient(Client):
        def request(self, *_: Any, **__: Any) -> Response:
            is_asked.set()
            may_end.wait(10)  # an end, so that who waits for the lock fails and does not hang
            return Response(200, json.dumps({"contents": [], "sid": "HX1"}))

    client = SlowClient(ACCOUNT_SID, TOKEN)
    templates = ContentTemplates(client, list_button="Choose", longest_wait_seconds=0.0)
    shown = render_for_whatsapp(a_message("What would help?", *CHOICES), TEXTS)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(templates.find_fields, shown)
        is_asked.wait()
        try:
            second = templates.find_fields(shown)
        finally:
            may_end.set()

    assert second is None
    assert first.result() is not None


async def test_after_a_lost_race_everybody_takes_the_older(sandbox: Sandbox, sender: TwilioSender) -> None:
    shape = render_for_whatsapp(a_message("Is it you?", "Yes", "No"), TEXTS)
    made = []
    for _ in range(2):
        body = describe_template(name_template(shape), shape)
        async with sandbox.session.post(f"{sandbox.url}/v1/Content", json=body, headers=login()) as answer:
            made.append(await answer.json())
    older = min(made, key=lambda each: (each["date_created"], each["sid"]))

    await sender.deliver(a_message("Is it you?", "Yes", "No"))

    [shown] = await on_the_phone(sandbox)
    assert shown["content_sid"] == older["sid"]
    assert len(await list_templates(sandbox)) == 2


def test_every_variable_of_a_template_is_given_with_the_send() -> None:
    shape = render_for_whatsapp(a_message("a\n\nb", *CHOICES, "Four"), TEXTS)
    made = describe_template(name_template(shape), shape)

    variables = write_variables(shape, list_button="Choose one")

    assert made["variables"] is not None and set(made["variables"]) == set(variables)  # type: ignore[arg-type]
    assert all(f"{{{{{name}}}}}" in json.dumps(made["types"]) for name in variables)
    assert not any("\n" in value for value in variables.values())
    assert max(map(len, variables)) <= 16


# --- without the Content API -------------------------------------------------------------------------------


class WithoutContent:
    """Takes messages, and answers the Content API as told; remembers both."""

    def __init__(self, *, status: int = 500, text: str = "{}", is_slow: bool = False) -> None:
        self.status, self.text, self.is_slow = status, text, is_slow
        self.asked = 0
        self.bodies: list[str] = []

    async def answer_content(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.is_slow:
            await asyncio.Event().wait()
        return web.Response(status=self.status, text=self.text, content_type="application/json")

    async def take_message(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.bodies.append(str(form.get("Body", "")))
        return web.json_response({"sid": f"SM{len(self.bodies):032x}", "status": "queued"}, status=201)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/v1/Content", self.answer_content)
        app.router.add_post("/{path:.*}", self.take_message)
        return app


@pytest.mark.parametrize(
    "provider",
    [
        WithoutContent(status=500),
        WithoutContent(status=429),
        WithoutContent(status=401),
        WithoutContent(status=200, text="not json"),
        WithoutContent(status=200, text="[]"),
        WithoutContent(status=200, text='{"contents": [{"friendly_name": "waymark_buttons_2_1_v1"}]}'),
        WithoutContent(is_slow=True),
    ],
    ids=["500", "429", "401", "no-json", "a-list", "no-sid", "timeout"],
)
async def test_without_the_content_api_the_words_arrive_numbered_and_it_is_asked_once_a_minute(
    provider: WithoutContent,
) -> None:
    async with serving(provider.app()) as url:
        sender = a_sender(url, timeout_seconds=0.3)
        deliveries = [await sender.deliver(a_message("Is it you?", "Yes", "No")) for _ in range(3)]
        sender.close()

    assert {delivery.outcome for delivery in deliveries} == {DeliveryOutcome.SENT}
    assert provider.bodies == ["Is it you?\nReply 1 Yes 2 No."] * 3
    assert provider.asked == 1


async def test_a_template_that_is_gone_costs_the_buttons_and_not_the_words(
    sandbox: Sandbox, sender: TwilioSender
) -> None:
    """Deleted in Twilio's console: the send is refused with 21655, and nothing has left."""
    await sender.deliver(a_message("Is it you?", "Yes", "No"))
    [template] = await list_templates(sandbox)
    async with sandbox.session.delete(
        f"{sandbox.url}/v1/Content/{template['sid']}", headers=login()
    ) as answer:
        assert answer.status == 204

    delivery = await sender.deliver(a_message("Shall I go on?", "Yes", "No"))

    _, shown = await on_the_phone(sandbox)
    assert delivery.outcome is DeliveryOutcome.SENT
    assert (shown["body"], shown["buttons"]) == ("Shall I go on?\nReply 1 Yes 2 No.", [])


async def test_a_refusal_of_the_person_is_not_tried_again_as_text(
    sandbox: Sandbox, sender: TwilioSender
) -> None:
    await sandbox.add_fault("error:63024", to=PHONE)

    delivery = await sender.deliver(a_message("Is it you?", "Yes", "No"))

    assert (delivery.outcome, delivery.error_code) == (DeliveryOutcome.GIVE_UP, 63024)
    assert await on_the_phone(sandbox) == []


# --- an outcome that was never learnt ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        a_message("One.\n\nTwo.", "Yes", "No"),
        a_message("What would help?", *CHOICES, "Four"),
        a_message("What would help?", "x" * 25, "y"),
        a_message("No choices."),
        a_message(TEXTS.render(NUDGE, Channel.WHATSAPP), template=NUDGE, menu_token=None),
    ],
    ids=["buttons", "list", "numbered", "text", "nudge"],
)
async def test_an_interactive_message_whose_outcome_was_lost_is_found(
    sandbox: Sandbox, sender: TwilioSender, message: OutboundMessage
) -> None:
    attempted_at = datetime.now(UTC)
    assert await sender.find_sent(message, attempted_at=attempted_at) is None
    await sandbox.add_fault("500_after_store", to=PHONE)
    delivery = await sender.deliver(message)

    found = await sender.find_sent(message, attempted_at=attempted_at)

    [shown] = await on_the_phone(sandbox)
    assert delivery.outcome is DeliveryOutcome.UNKNOWN
    assert found is not None and found.provider_message_id == shown["sid"]
    other = a_message("Another text.", "Yes", "No")
    assert await sender.find_sent(other, attempted_at=attempted_at) is None


# --- the nudge for a closed window ---------------------------------------------------------------------------


async def test_the_nudge_leaves_by_its_template_where_free_words_are_refused(sandbox: Sandbox) -> None:
    """Nobody has written from this phone, so its window is closed."""
    sender = a_sender(sandbox.url)
    nudge = a_message(TEXTS.render(NUDGE, Channel.WHATSAPP), template=NUDGE, menu_token=None)

    refused = await sender.deliver(a_message("Free words."))
    sent = await sender.deliver(nudge)

    sender.close()
    [shown] = await on_the_phone(sandbox)
    assert (refused.outcome, refused.error_code, refused.failure) == (
        DeliveryOutcome.GIVE_UP,
        63016,
        "window_closed",
    )
    assert sent.outcome is DeliveryOutcome.SENT
    assert (shown["body"], shown["content_sid"]) == (nudge.text, WAITING_SID)
    assert [button["title"] for button in shown["buttons"]] == ["Read now"]


async def test_without_a_template_the_nudge_is_given_up_at_once(sandbox: Sandbox) -> None:
    sender = a_sender(sandbox.url, whatsapp_template=None)

    delivery = await sender.deliver(a_message("x", template=NUDGE, menu_token=None))

    sender.close()
    assert (delivery.outcome, delivery.failure) == (DeliveryOutcome.GIVE_UP, "template_wrong")
    assert await on_the_phone(sandbox) == []


# --- by SMS, in plain signs -------------------------------------------------------------------------------------


async def test_what_leaves_by_sms_has_plain_signs_whoever_wrote_it_and_is_found_by_them(
    sandbox: Sandbox,
) -> None:
    sender = a_sender(sandbox.url)
    message = a_message("We\u2019re here \u2013 Llŷr\u2026", channel=Channel.SMS, author=Author.STAFF)
    attempted_at = datetime.now(UTC)
    await sandbox.add_fault("500_after_store")
    await sender.deliver(message)

    found = await sender.find_sent(message, attempted_at=attempted_at)

    sender.close()
    [shown] = await sandbox.get_thread()
    assert shown["body"] == "We're here - Llŷr..."
    assert found is not None and found.provider_message_id == shown["sid"]


async def test_on_whatsapp_words_stay_as_they_were_written(sandbox: Sandbox, sender: TwilioSender) -> None:
    await sender.deliver(a_message("We\u2019re here \u2013 Llŷr\u2026"))

    [shown] = await on_the_phone(sandbox)
    assert shown["body"] == "We\u2019re here \u2013 Llŷr\u2026"


# --- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api_url", "asked", "goes_to"),
    [
        ("http://127.0.0.1:9", "https://content.twilio.com/v1/Content", "http://127.0.0.1:9/v1/Content"),
        ("http://127.0.0.1:9/", "https://api.twilio.com/2010-04-01/x", "http://127.0.0.1:9/2010-04-01/x"),
        (
            "https://api.twilio.com",
            "https://content.twilio.com/v1/Content",
            "https://content.twilio.com/v1/Content",
        ),
        (
            "https://twilio.example.org",
            "https://api.twilio.com/2010-04-01/x",
            "https://twilio.example.org/2010-04-01/x",
        ),
        ("https://twilio.example.org", "https://content.twilio.com/v1/C", "https://content.twilio.com/v1/C"),
    ],
)
def test_where_a_request_goes(api_url: str, asked: str, goes_to: str) -> None:
    transport = TwilioTransport(
        TwilioSettings(account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=api_url)
    )

    assert transport.find_address(asked) == goes_to
    transport.close()


async def test_no_log_line_has_a_text_a_title_or_a_number(
    sandbox: Sandbox, sender: TwilioSender, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await sender.deliver(a_message("Robin will see you.", "A secret choice"))

    assert "Robin" not in caplog.text and "secret" not in caplog.text and HANDSET[1:] not in caplog.text
