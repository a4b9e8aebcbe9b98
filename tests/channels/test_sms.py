"""The gateway's Twilio door over real sockets and real databases: what is stored, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import delivery_event, desk_item, inbox, outbox, turn
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from channels.twilio_signature import compute_signature
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN, serving
from tests.support.clock import SetClock

PUBLIC_URL = "https://messages.example.org"
MESSAGE = "/webhooks/twilio/message"
STATUS = "/webhooks/twilio/status"


@dataclass
class Door:
    """The gateway, and someone who knows how Twilio knocks."""

    service: Service
    url: str
    http: aiohttp.ClientSession

    async def post(
        self, body: bytes, *, path: str = MESSAGE, token: str = TOKEN, signed: bytes | None = None
    ) -> int:
        signature = compute_signature(
            token=token, url=PUBLIC_URL + path, body=body if signed is None else signed
        )
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        async with self.http.post(self.url + path, data=body, headers=headers) as response:
            return response.status

    def count(self, table: sa.Table) -> int:
        query = sa.select(sa.func.count()).select_from(table)
        return int(self.service.database.read_now(lambda tx: tx.connection.execute(query).scalar_one()))

    def texts(self) -> list[str]:
        return self.service.database.read_now(
            lambda tx: list(tx.connection.execute(sa.select(inbox.c.text).order_by(inbox.c.id)).scalars())
        )


@pytest_asyncio.fixture
async def door(database_url: str, tmp_path: Path, clock: SetClock) -> AsyncIterator[Door]:
    environ = {
        "WAYMARK_DATA_DIR": str(tmp_path),
        "WAYMARK_DATABASE_URL": database_url,
        "WAYMARK_PUBLIC_URL": PUBLIC_URL,
        "WAYMARK_TURN_SECRET": "x" * 32,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WAYMARK_SMS_FROM": "+447700900900",
    }
    service = build_service(Settings.from_env(environ), clock=clock)
    async with serving(build_gateway_app(service)) as url, aiohttp.ClientSession() as http:
        yield Door(service, url, http)
    service.database.close()


def form(**fields: str) -> bytes:
    defaults = {
        "MessageSid": "SM" + "1" * 32,
        "AccountSid": ACCOUNT_SID,
        "From": "+447700900001",
        "To": "+447700900900",
        "Body": "who is my officer",
        "NumMedia": "0",
        "FromCity": "",
    }
    return urlencode(defaults | fields).encode()


async def test_a_signed_message_is_stored_with_the_whole_form_and_waits_for_the_worker(door: Door) -> None:
    body = form(SomethingNew="kept")

    assert await door.post(body) == 200
    assert door.texts() == ["who is my officer"]
    raw = door.service.database.read_now(lambda tx: tx.connection.execute(sa.select(inbox.c.raw)).scalar())
    assert raw == body
    assert door.count(turn) == 1
    assert door.count(outbox) == 0


async def test_twenty_copies_in_parallel_are_one_row(door: Door) -> None:
    statuses = await asyncio.gather(*(door.post(form(Body="he is outside")) for _ in range(20)))

    assert statuses == [200] * 20
    assert [door.count(table) for table in (inbox, turn, desk_item, outbox)] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("body", "token", "signed"),
    [
        (form(), "0" * 32, None),
        (form(Body="drop my case"), TOKEN, form()),
        (form() + b"&Extra=1", TOKEN, form()),
        (form(), "", None),
    ],
    ids=["another token", "altered text", "added field", "empty token"],
)
async def test_a_forged_message_is_refused_and_nothing_is_stored(
    door: Door, body: bytes, token: str, signed: bytes | None
) -> None:
    assert await door.post(body, token=token, signed=signed) == 403
    assert [door.count(table) for table in (inbox, turn, desk_item, outbox)] == [0, 0, 0, 0]


async def test_an_unsigned_message_is_refused(door: Door) -> None:
    async with door.http.post(door.url + MESSAGE, data=form()) as response:
        assert response.status == 403
        assert await response.text() == ""
    assert door.count(inbox) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"%%%=&&&", b"Body=hello", form(MessageSid=""), form(AccountSid="AC" + "9" * 32), form(From="")],
    ids=["empty", "no form", "no ids", "blank id", "another account", "nobody"],
)
async def test_a_signed_form_that_is_no_message_is_told_so(door: Door, body: bytes) -> None:
    assert await door.post(body) == 400
    assert door.count(inbox) == 0


NUL_BODY = form(Body="x").replace(b"Body=x", b"Body=%00he%00lp%00")
SURROGATE_BODY = form(Body="x").replace(b"Body=x", b"Body=%ED%A0%BDhelp")


@pytest.mark.parametrize(
    ("body", "is_urgent"),
    [
        (form(Body=""), True),
        (form().replace(b"Body=who+is+my+officer&", b""), True),
        (form(Body="", NumMedia="2", MediaUrl0="https://example.org/0"), True),
        (form(Body="", Latitude="51.5", Longitude="-0.1"), True),
        (form(Body="😀" * 1600), True),
        (NUL_BODY, True),
        (SURROGATE_BODY, True),
        (form(Body="/restart"), False),
        (form(Body='/ask_case_status{"verified": true}'), False),
        (form(Body="Он стоит у двери"), True),
        (form(Body="thanks " * 250), False),
    ],
    ids=[
        "empty",
        "missing",
        "media",
        "place",
        "emoji",
        "nul",
        "surrogate",
        "restart",
        "slash",
        "script",
        "long",
    ],
)
async def test_nothing_a_person_can_send_is_lost(door: Door, body: bytes, is_urgent: bool) -> None:
    assert await door.post(body) == 200
    assert door.count(inbox) == 1
    assert door.count(desk_item) == (1 if is_urgent else 0)
    assert door.count(outbox) == (1 if is_urgent else 0)


async def test_status_news_is_kept_in_any_order_for_known_and_unknown_messages(door: Door) -> None:
    for status in ("delivered", "sent", "queued"):
        body = urlencode(
            {"MessageSid": "SM" + "2" * 32, "MessageStatus": status, "AccountSid": ACCOUNT_SID}
        ).encode()
        assert await door.post(body, path=STATUS) == 204

    assert door.count(delivery_event) == 3


async def test_a_database_that_is_gone_is_never_answered_with_accepted(door: Door) -> None:
    def break_it(tx: object) -> None:
        tx.connection.exec_driver_sql("ALTER TABLE inbox RENAME TO lost")  # type: ignore[attr-defined]

    def mend_it(tx: object) -> None:
        tx.connection.exec_driver_sql("ALTER TABLE lost RENAME TO inbox")  # type: ignore[attr-defined]

    door.service.database.write_now(break_it)
    try:
        assert await door.post(form()) == 500
    finally:
        door.service.database.write_now(mend_it)
    assert await door.post(form()) == 200
    assert door.count(inbox) == 1
