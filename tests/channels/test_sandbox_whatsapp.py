"""WhatsApp on the sandbox: the 24-hour window, templates and their limits, pressed buttons, hidden numbers.

Red when: the window is not looked at, a fourth button passes, or a hidden number is left in any field (each tried in a
copy).
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
import pytest_asyncio

from channels.sandbox.contents import BUTTONS, LIST, TEXT, WAITING_SID
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

SIGNED_IN = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)}
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
PHONE = "whatsapp:" + HANDSET


@pytest_asyncio.fixture
async def service() -> AsyncIterator[ListeningService]:
    async with listening_service() as service:
        yield service


@pytest_asyncio.fixture
async def sandbox(service: ListeningService, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        yield sandbox


def get_form(service: ListeningService, index: int = -1) -> dict[str, str]:
    return dict(parse_qsl(service.posted[index].body.decode(), keep_blank_values=True))


async def post(sandbox: Sandbox, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
    async with sandbox.session.post(sandbox.url + path, headers=SIGNED_IN, **options) as answer:
        return answer.status, await answer.json()


async def create(sandbox: Sandbox, **fields: str) -> tuple[int, dict[str, Any]]:
    form = {"To": PHONE, "From": "whatsapp:" + SERVICE, **fields}
    if "ContentSid" not in fields:
        form.setdefault("Body", "We have your message.")
    return await post(sandbox, MESSAGES, data=form)


async def make_content(sandbox: Sandbox, types: dict[str, Any], **more: Any) -> str:
    asked = {"friendly_name": "waymark_test", "language": "en", "types": types, **more}
    status, content = await post(sandbox, "/v1/Content", json=asked)
    assert status == 201, content
    return str(content["sid"])


def menu_of(count: int, *, title: str = "Choice {}") -> dict[str, Any]:
    actions = [
        {"type": "QUICK_REPLY", "title": title.format(number), "id": f"token.{number}"}
        for number in range(1, count + 1)
    ]
    return {BUTTONS: {"body": "What would help?", "actions": actions}}


def list_of(count: int, *, title: str = "Row {}", opener: str = "Choose") -> dict[str, Any]:
    items = [{"item": title.format(number), "id": f"token.{number}"} for number in range(1, count + 1)]
    return {LIST: {"body": "What would help?", "button": opener, "items": items}}


@pytest.mark.parametrize(("hours_ago", "status"), [(0, 201), (23.9, 201), (24.1, 400)])
async def test_free_text_reaches_a_phone_for_24_hours_after_it_wrote(
    hours_ago: float, status: int, sandbox: Sandbox
) -> None:
    await sandbox.send(PHONE, body="Hello")
    moved = await sandbox.move_last_wrote(PHONE, hours_ago=hours_ago)

    answered, created = await create(sandbox)

    assert answered == status
    assert created.get("code") == (None if status == 201 else 63016)
    assert moved["window_seconds"] == pytest.approx(max(0, 24 - hours_ago) * 3600, abs=5)


async def test_a_phone_that_never_wrote_has_no_window(sandbox: Sandbox) -> None:
    assert (await create(sandbox))[1]["code"] == 63016


async def test_writing_again_opens_the_window(sandbox: Sandbox) -> None:
    await sandbox.send(PHONE, body="Hello")
    await sandbox.move_last_wrote(PHONE, hours_ago=48)
    await sandbox.send(PHONE, body="Still there?")

    assert (await create(sandbox))[0] == 201


async def test_outside_the_window_the_refusal_can_come_later(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.set_up(refuses_closed_window="later")

    status, created = await create(sandbox, StatusCallback=service.url + "/webhooks/twilio/status")

    await service.wait_for(1)
    assert (status, created["status"]) == (201, "queued")
    assert (get_form(service)["MessageStatus"], get_form(service)["ErrorCode"]) == ("failed", "63016")
    assert get_form(service)["ChannelPrefix"] == "whatsapp"


async def test_only_an_approved_template_passes_a_closed_window(sandbox: Sandbox) -> None:
    own = await make_content(sandbox, {TEXT: {"body": "Hello"}})

    refused = (await create(sandbox, ContentSid=own))[1]["code"]
    status, created = await create(sandbox, ContentSid=WAITING_SID)
    async with sandbox.session.post(f"{sandbox.url}/sandbox/contents/{own}/approve") as approved:
        assert approved.status == 204

    assert (refused, status, created["body"]) == (63016, 201, "You have a new message. Reply to read it.")
    assert (await create(sandbox, ContentSid=own))[0] == 201


async def test_a_template_becomes_buttons_with_its_variables(sandbox: Sandbox) -> None:
    await sandbox.send(PHONE, body="Hello")
    types = {
        BUTTONS: {
            "body": "{{1}}\n\n{{2}}",
            "actions": [{"type": "QUICK_REPLY", "title": "{{t1}}", "id": "{{i1}}"}],
        }
    }
    sid = await make_content(sandbox, types, variables={"1": "a", "2": "b", "t1": "c", "i1": "d"})

    values = {"1": "Thank you.", "t1": "My case", "i1": "token.1"}
    status, created = await create(sandbox, ContentSid=sid, ContentVariables=json.dumps(values))

    message = (await sandbox.get_thread(PHONE))[-1]
    assert (status, created["body"], created["sid"][:2]) == (201, "Thank you.\n\nb", "MM")
    assert message["buttons"] == [{"title": "My case", "payload": "token.1"}]


@pytest.mark.parametrize(
    ("types", "code"),
    [
        (menu_of(3), None),
        (menu_of(4), 63021),
        (menu_of(1, title="A title of 20 chars{}"), None),
        (menu_of(1, title="A title of 21 charsx{}"), 63021),
        (menu_of(2, title="The same"), 63021),
        (list_of(10), None),
        (list_of(11), 63021),
        (list_of(1, title="A title of 24 characte{}"), None),
        (list_of(1, title="A title of 25 character{}x"), 63021),
        (list_of(2, opener="An opener of 21 chars"), 63021),
        ({TEXT: {"body": "a" * 1025}}, 63021),
        ({TEXT: {"body": "{{missing}}"}}, 21656),
    ],
)
async def test_the_limits_of_buttons_and_lists_are_kept(
    types: dict[str, Any], code: int | None, sandbox: Sandbox
) -> None:
    await sandbox.send(PHONE, body="Hello")
    sid = await make_content(sandbox, types)

    status, created = await create(sandbox, ContentSid=sid)

    assert (status, created.get("code")) == ((201, None) if code is None else (400, code))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ContentSid": "HX" + "9" * 32}, 21655),
        ({"ContentSid": WAITING_SID, "ContentVariables": "{"}, 21656),
        ({"ContentSid": WAITING_SID, "ContentVariables": '["a"]'}, 21656),
        ({"ContentSid": WAITING_SID, "ContentVariables": '{"1": ""}'}, 21656),
    ],
)
async def test_a_template_that_is_none_and_variables_that_are_none_are_refused(
    fields: dict[str, str], code: int, sandbox: Sandbox
) -> None:
    assert (await create(sandbox, **fields))[1]["code"] == code


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"language": "en"},
        {"language": "en", "types": {"twilio/quick-reply": {"body": "Hello"}}},
        {"language": "en", "types": {"twilio/unknown": {"body": "Hello"}}},
        {"language": "en", "types": {TEXT: {"body": "Hello"}}, "variables": {"1": 1}},
        {"language": "en", "types": {LIST: {"body": "a", "button": "b", "items": [{"item": "no id"}]}}},
    ],
)
async def test_what_is_no_template_is_refused(asked: dict[str, Any], sandbox: Sandbox) -> None:
    status, refusal = await post(sandbox, "/v1/Content", json=asked)

    assert (status, refusal["code"]) == (400, 20001)


async def test_a_pressed_row_says_so_and_names_what_it_answers(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send(PHONE, body="Hello")
    sid = await make_content(sandbox, list_of(3))
    _, created = await create(sandbox, ContentSid=sid)

    await sandbox.send(PHONE, press=2)

    form = get_form(service)
    assert (form["ListId"], form["ListTitle"], form["Body"]) == ("token.2", "Row 2", "Row 2")
    assert (form["MessageType"], form["OriginalRepliedMessageSid"]) == ("interactive", created["sid"])
    assert "ButtonPayload" not in form


async def test_a_templates_button_is_another_kind_of_message(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await create(sandbox, ContentSid=WAITING_SID)

    await sandbox.send(PHONE, press=1)

    form = get_form(service)
    assert (form["MessageType"], form["ButtonText"], form["ButtonPayload"]) == (
        "button",
        "Read now",
        "read_now",
    )


async def test_a_phone_can_claim_to_press_what_no_button_holds(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send(PHONE, press={"payload": "forged.1", "title": "My case"})

    assert (get_form(service)["ButtonPayload"], get_form(service)["Body"]) == ("forged.1", "My case")


async def test_a_hidden_number_is_in_no_field_and_the_answer_still_arrives(
    sandbox: Sandbox, service: ListeningService
) -> None:
    state = await sandbox.set_state(PHONE, is_hidden=True)
    await sandbox.send(PHONE, body="Hello")
    form = get_form(service)

    status, _ = await create(sandbox, To=form["ExternalUserId"])

    assert form["From"] == form["ExternalUserId"] == state["address"]
    assert form["From"].startswith("whatsapp:GB.")
    assert HANDSET[1:] not in service.posted[0].body.decode()
    assert status == 201
    assert [message["body"] for message in await sandbox.get_thread(PHONE)] == [
        "Hello",
        "We have your message.",
    ]


async def test_a_shown_number_keeps_its_id_when_it_is_hidden_later(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.set_up(names_everyone=True)
    await sandbox.send(PHONE, body="Hello")
    shown = get_form(service)
    await sandbox.set_state(PHONE, is_hidden=True)
    await sandbox.send(PHONE, body="Hello again")

    assert (shown["From"], shown["WaId"]) == (PHONE, HANDSET[1:])
    assert shown["ExternalUserId"] == get_form(service)["ExternalUserId"]


async def test_a_place_a_forwarded_text_and_files_have_their_fields(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send(PHONE, location={"latitude": 51.5, "longitude": -0.1, "label": "Home"})
    await sandbox.send(PHONE, body="Look at this", forwarded="often")
    await sandbox.send(PHONE, media=["voice", "pdf"])

    place, forwarded, files = (get_form(service, index) for index in range(3))
    assert (place["Latitude"], place["Longitude"], place["Label"]) == ("51.5", "-0.1", "Home")
    assert (place["MessageType"], place["Body"]) == ("location", "")
    assert (forwarded["Forwarded"], forwarded["FrequentlyForwarded"]) == ("true", "true")
    assert (files["MessageType"], files["NumMedia"], files["MediaContentType1"]) == (
        "audio",
        "2",
        "application/pdf",
    )
    context = json.loads(place["ChannelMetadata"])["data"]["context"]
    assert context["Latitude"] == place["Latitude"]


async def test_a_blocked_service_cannot_write(sandbox: Sandbox) -> None:
    await sandbox.send(PHONE, body="Hello")
    await sandbox.set_state(PHONE, is_blocked=True)

    assert (await create(sandbox))[1]["code"] == 63024


async def test_stop_on_whatsapp_stops_nothing_at_the_provider(sandbox: Sandbox) -> None:
    await sandbox.set_up(handles_stop=True)
    await sandbox.send(PHONE, body="STOP")

    assert (await create(sandbox))[0] == 201
