"""The sandbox against what its providers publish: every request and answer must be one their documents allow.

Twilio's OpenAPI documents are trimmed by openapi/trim.py. They call no field of an answer required and allow any other;
here an answer must have exactly the fields they list. Telegram publishes none, so its updates are held against
examples written by hand after its Bot API's pages.

Red when: the sandbox answers with `num_media` as a number, leaves out `price_unit`, adds a field, or pages by other
names (each tried in a copy of messages_api.py and rest.py); or gives a photo of Telegram no `file_unique_id`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from multidict import MultiDict
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from twilio.rest import Client

from channels.sandbox.app import build_sandbox_app
from channels.sandbox.settings import SandboxSettings
from channels.twilio_transport import TwilioSettings, TwilioTransport
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

DOCUMENTS = Path(__file__).parent / "openapi"
WRITTEN_UPDATES = Path(__file__).parent / "telegram_updates"
HOSTS = {
    "/2010-04-01/": ("https://api.twilio.com", "twilio_api_v2010"),
    "/v1/Services": ("https://messaging.twilio.com", "twilio_messaging_v1"),
    "/v1/Content": ("https://content.twilio.com", "twilio_content_v1"),
}
RESOURCES = (
    "api.v2010.account.message",
    "api.v2010.account.message.media",
    "api.v2010.account.incoming_phone_number",
    "messaging.v1.service",
    "messaging.v1.service.phone_number",
    "content.v1.content",
    "content.v1.content.approval_fetch",
)
MESSAGE = "/Messages/SM"
WHATSAPP = "whatsapp:" + HANDSET
BOT_TOKEN = "1000001:" + "b" * 32


@dataclass
class Exchange:
    """One request and its answer, in the shape openapi-core reads of both."""

    host_url: str
    document: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None
    status_code: int = 0
    data: bytes | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status_code: int
    data: bytes | None
    content_type: str
    headers: Mapping[str, Any]


def record_into(exchanges: list[Exchange]) -> Any:
    @web.middleware
    async def record(request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.read()
        answer: web.StreamResponse = await handler(request)
        start = next((each for each in HOSTS if request.path.startswith(each)), None)
        is_file = "/Media/" in request.path and not request.path.endswith(".json")
        if start and not is_file:
            host, document = HOSTS[start]
            assert isinstance(answer, web.Response)
            exchanges.append(
                Exchange(
                    host_url=host,
                    document=document,
                    path=request.path,
                    method=request.method.lower(),
                    parameters=RequestParameters(
                        query=MultiDict(request.query), header=dict(request.headers), cookie={}
                    ),
                    content_type=request.content_type,
                    body=body or None,
                    status_code=answer.status,
                    data=answer.body if isinstance(answer.body, bytes) else None,
                    headers=dict(answer.headers),
                )
            )
        return answer

    return record


@cache
def read_document(name: str) -> Any:
    return json.loads((DOCUMENTS / f"{name}.json").read_text())


@cache
def open_document(name: str) -> OpenAPI:
    """The document, made strict: an answer has the fields of its resource, all of them and no other."""
    document = json.loads((DOCUMENTS / f"{name}.json").read_text())
    for resource, schema in document["components"]["schemas"].items():
        if resource in RESOURCES:
            schema |= {"additionalProperties": False, "required": sorted(schema["properties"])}
    for schema in find_list_schemas(document):
        schema |= {"additionalProperties": False, "required": sorted(schema["properties"])}
    return OpenAPI.from_dict(document)


def find_list_schemas(document: Any) -> Iterator[dict[str, Any]]:
    for operations in document["paths"].values():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if "properties" in schema:
            yield schema


def check(exchange: Exchange) -> None:
    """Raises what openapi-core finds wrong with the request or the answer."""
    api = open_document(exchange.document)
    kind = "application/json" if exchange.data else ""
    api.validate_request(exchange)
    api.validate_response(exchange, Answer(exchange.status_code, exchange.data, kind, exchange.headers))


@pytest_asyncio.fixture
async def service() -> AsyncIterator[ListeningService]:
    async with listening_service() as service:
        yield service


async def talk(sandbox: Sandbox, client: Client) -> None:
    """Everything the sandbox answers, asked by Twilio's own library."""

    def ask() -> None:
        sent = client.messages.create(to=HANDSET, from_=SERVICE, body="Hello", validity_period=300)
        buttons = {"body": "{{1}}", "actions": [{"type": "QUICK_REPLY", "title": "Yes", "id": "t.1"}]}
        listed = {"body": "Which?", "button": "Choose", "items": [{"id": "t.1", "item": "One"}]}
        for types in ({"twilio/quick-reply": buttons}, {"twilio/list-picker": listed}):
            asked = {"friendly_name": "waymark", "language": "en", "variables": {"1": "Word"}, "types": types}
            made = client.request(
                "POST", "https://content.twilio.com/v1/Content", data=asked, headers=JSON_BODY
            )
            sid = json.loads(made.text)["sid"]
            client.messages.create(
                to=WHATSAPP,
                from_="whatsapp:" + SERVICE,
                content_sid=sid,
                content_variables='{"1": "Safe?"}',
            )
            assert client.content.v1.contents(sid).fetch().friendly_name == "waymark"
            assert (
                client.content.v1.contents(sid).approval_fetch().fetch().whatsapp["status"] == "unsubmitted"
            )
        assert client.content.v1.contents(sid).delete()
        assert len(client.content.v1.contents.list(page_size=1)) == 2
        assert client.messages(sent.sid).fetch().body == "Hello"
        assert client.messages(sent.sid).update(body="").body == ""
        [with_files] = [each for each in client.messages.list(page_size=2) if int(each.num_media) == 2]
        files = client.messages(with_files.sid).media.list(page_size=1)
        assert {each.content_type for each in files} == {"image/jpeg", "application/pdf"}
        assert client.messages(with_files.sid).media(files[0].sid).fetch().parent_sid == with_files.sid
        assert client.messages(with_files.sid).media(files[0].sid).delete()
        assert client.messages(sent.sid).delete()
        [number] = client.incoming_phone_numbers.list(phone_number=SERVICE)
        assert client.incoming_phone_numbers(number.sid).fetch().sms_url == number.sms_url
        [found] = client.messaging.v1.services.list()
        assert client.messaging.v1.services(found.sid).fetch().inbound_request_url == number.sms_url
        assert client.messaging.v1.services(found.sid).phone_numbers.list()[0].phone_number == SERVICE

    await sandbox.send(body="Two files", media=["photo", "pdf"])
    await sandbox.send(WHATSAPP, body="Hello")
    await asyncio.to_thread(ask)


JSON_BODY = {"Content-Type": "application/json", "Accept": "application/json"}


@pytest_asyncio.fixture
async def exchanges(service: ListeningService, tmp_path: Path) -> list[Exchange]:
    found: list[Exchange] = []
    app = build_sandbox_app(
        SandboxSettings(
            account_sid=ACCOUNT_SID,
            auth_token=TOKEN,
            webhook_url=service.url + "/webhooks/twilio/message",
            data_dir=tmp_path,
            service_number=SERVICE,
            status_delay_seconds=0.0,
        )
    )
    app.middlewares.append(record_into(found))
    async with serving(app) as url, aiohttp.ClientSession() as session:
        transport = TwilioTransport(
            TwilioSettings(account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=url)
        )
        await talk(Sandbox(url, session), Client(ACCOUNT_SID, TOKEN, http_client=transport))
        transport.close()
    return found


async def test_every_exchange_is_one_twilio_publishes(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        check(exchange)
    assert find_operations(exchanges) == list_published_operations()


@pytest.mark.parametrize(
    "change",
    [{"num_media": 1}, {"price_unit": ...}, {"colour": "red"}, {"status": "gone"}, {"sid": "SM1"}],
    ids=["kind", "missing", "invented", "state", "sid"],
)
async def test_an_answer_twilio_would_not_give_is_noticed(
    exchanges: list[Exchange], change: dict[str, Any]
) -> None:
    fetched = next(
        each for each in exchanges if (each.method, each.status_code) == ("get", 200) and MESSAGE in each.path
    )
    answer = json.loads(fetched.data or b"") | change
    wrong = {name: value for name, value in answer.items() if value is not ...}

    check(fetched)
    with pytest.raises(OpenAPIError):
        check(replace(fetched, data=json.dumps(wrong).encode()))


def list_published_operations() -> set[tuple[str, str]]:
    return {
        (method, path)
        for _, name in HOSTS.values()
        for path, operations in read_document(name)["paths"].items()
        for method in operations
        if method != "servers"
    }


def find_operations(exchanges: list[Exchange]) -> set[tuple[str, str]]:
    """The published operations that were asked, by their path templates."""
    published = list_published_operations()
    return {
        (method, path)
        for exchange in exchanges
        for method, path in published
        if method == exchange.method and is_path_of(path, exchange.path)
    }


def is_path_of(template: str, path: str) -> bool:
    wanted, given = template.removesuffix(".json").split("/"), path.removesuffix(".json").split("/")
    is_alike = template.endswith(".json") == path.endswith(".json") and len(wanted) == len(given)
    return is_alike and all(
        each == part or each.startswith("{") for each, part in zip(wanted, given, strict=True)
    )


# The keys of a button press as Twilio posted one in 2026 (reference notes on the channels, section 1).
# The values are ours.
PRESSED_KEYS = {
    *("MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "SmsStatus", "ApiVersion", "From", "To", "Body"),
    *("NumMedia", "NumSegments", "ProfileName", "WaId", "ExternalUserId", "MessageType", "ChannelMetadata"),
    *("Forwarded", "FrequentlyForwarded", "ReferralNumMedia", "ButtonText", "ButtonPayload"),
    *("OriginalRepliedMessageSid", "OriginalRepliedMessageSender"),
}


async def test_a_pressed_button_has_the_fields_of_a_recorded_one(
    service: ListeningService, tmp_path: Path
) -> None:
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        await sandbox.set_up(names_everyone=True)
        await sandbox.send(WHATSAPP, body="Hello")
        client = aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)
        await send_menu(sandbox, client)
        await sandbox.send(WHATSAPP, press=1)

    form = dict(parse_qsl(service.posted[-1].body.decode(), keep_blank_values=True))
    assert set(form) == PRESSED_KEYS
    assert (form["ButtonText"], form["ButtonPayload"], form["Body"]) == ("Yes", "t.1", "Yes")
    assert (form["MessageType"], form["Forwarded"]) == ("interactive", "false")
    assert form["OriginalRepliedMessageSid"].startswith("MM")
    assert form["OriginalRepliedMessageSender"] == "whatsapp:" + SERVICE


async def send_menu(sandbox: Sandbox, authorization: str) -> None:
    headers = {"Authorization": authorization}
    menu = {"body": "Safe?", "actions": [{"type": "QUICK_REPLY", "title": "Yes", "id": "t.1"}]}
    asked = {"language": "en", "types": {"twilio/quick-reply": menu}}
    async with sandbox.session.post(sandbox.url + "/v1/Content", json=asked, headers=headers) as answer:
        sid = (await answer.json())["sid"]
    form = {"To": WHATSAPP, "From": "whatsapp:" + SERVICE, "ContentSid": sid}
    messages = f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with sandbox.session.post(messages, data=form, headers=headers) as answer:
        assert answer.status == 201


def find_shape(part: Any, path: str = "") -> set[tuple[str, str]]:
    """Every place in a JSON value and the kind of what is there; of a list, its first entry."""
    if isinstance(part, dict):
        return {(path, "object")}.union(*(find_shape(value, f"{path}/{key}") for key, value in part.items()))
    if isinstance(part, list):
        return {(path, "list")}.union(*(find_shape(each, path + "[]") for each in part[:1]))
    return {(path, type(part).__name__)}


UPDATES: dict[str, dict[str, Any]] = {
    "text": {"body": "who is my officer"},
    "start_with_token": {"start": "AbCdEfGhIjKl"},
    "photo": {"media": ["photo"]},
    "photo_with_caption": {"media": ["photo"], "body": "look"},
    "document": {"media": ["pdf"], "body": "the letter"},
    "voice": {"media": ["voice"]},
    "video": {"media": ["video"]},
    "contact": {"media": ["contact"]},
    "location": {"location": True},
}


@pytest.mark.parametrize("name", sorted(UPDATES))
async def test_an_update_of_telegram_has_all_one_written_by_hand_has(
    name: str, service: ListeningService, tmp_path: Path
) -> None:
    async with running_telegram(tmp_path, service) as sandbox:
        await sandbox.send("telegram:7700900001", **UPDATES[name])

    written = json.loads((WRITTEN_UPDATES / f"{name}.json").read_text())
    assert find_shape(written) - find_shape(json.loads(service.posted[0].body)) == set()


async def test_a_press_an_edit_and_a_block_on_telegram_have_all_those_written_by_hand_have(
    service: ListeningService, tmp_path: Path
) -> None:
    phone = "telegram:7700900001"
    async with running_telegram(tmp_path, service) as sandbox:
        sent = await sandbox.send(phone, body="who is my officer")
        await sandbox.send(phone, body="who is my officer now", edit=sent["sid"])
        rows = [[{"text": "My case", "callback_data": "Abc.1"}]]
        asked = {"chat_id": 7700900001, "text": "What?", "reply_markup": {"inline_keyboard": rows}}
        async with sandbox.session.post(f"{sandbox.url}/bot{BOT_TOKEN}/sendMessage", json=asked) as answer:
            assert answer.status == 200
        await sandbox.send(phone, press=1)
        await sandbox.set_state(phone, is_blocked=True)
        posted = await service.wait_for(4)

    for name, update in zip(("edited", "button", "blocked"), posted[1:], strict=True):
        written = json.loads((WRITTEN_UPDATES / f"{name}.json").read_text())
        assert find_shape(written) - find_shape(json.loads(update.body)) == set(), name


def running_telegram(tmp_path: Path, service: ListeningService) -> AbstractAsyncContextManager[Sandbox]:
    return running_sandbox(
        tmp_path,
        service_url=service.url,
        telegram_token=BOT_TOKEN,
        telegram_webhook_url=service.url + "/webhooks/telegram",
        telegram_secret="a-secret-of-the-webhook",
    )
