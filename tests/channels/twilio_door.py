"""The real gateway with a door for Twilio's webhooks, and someone who knows how Twilio knocks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import inbox
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from channels.request_limits import RequestLimits
from channels.runner import IDLE_SECONDS, make_runner
from channels.twilio_signature import compute_signature
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN
from tests.support.clock import SetClock

PUBLIC_URL = "https://messages.example.org"
MESSAGE = "/webhooks/twilio/message"
STATUS = "/webhooks/twilio/status"
SHARED_KEY, SHARED_SECRET = "webhooks_sharedkey_1", "c0ffee00c0ffee00c0ffee00c0ffee00"
URLENCODED = "application/x-www-form-urlencoded"


@dataclass
class Door:
    service: Service
    url: str
    http: aiohttp.ClientSession

    async def post(
        self, body: bytes, *, path: str = MESSAGE, token: str = TOKEN, signed: bytes | None = None
    ) -> int:
        signature = compute_signature(
            token=token, url=PUBLIC_URL + path, body=body if signed is None else signed
        )
        headers = {"X-Twilio-Signature": signature, "Content-Type": URLENCODED}
        async with self.http.post(self.url + path, data=body, headers=headers) as response:
            return response.status

    async def send_raw(self, request: bytes) -> bytes:
        """Everything the gateway says to these bytes before it closes the connection."""
        reader, writer = await self.connect()
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await connect(self.url)

    def count(self, table: sa.Table) -> int:
        query = sa.select(sa.func.count()).select_from(table)
        return int(self.service.database.read_now(lambda tx: tx.connection.execute(query).scalar_one()))

    def rows(self, table: sa.Table) -> list[Any]:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return self.service.database.read_now(lambda tx: list(tx.connection.execute(query)))

    def texts(self) -> list[str]:
        return [row.text for row in self.rows(inbox)]


@asynccontextmanager
async def open_door(
    database_url: str,
    tmp_path: Path,
    clock: SetClock,
    *,
    limits: RequestLimits | None = None,
    sms_cost: str = "standard",
) -> AsyncIterator[Door]:
    environ = {
        "WAYMARK_DATA_DIR": str(tmp_path),
        "WAYMARK_DATABASE_URL": database_url,
        "WAYMARK_PUBLIC_URL": PUBLIC_URL,
        "WAYMARK_TURN_SECRET": "x" * 32,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WAYMARK_TWILIO_SHARED_KEYS": f"{SHARED_KEY}={SHARED_SECRET}",
        "WAYMARK_SMS_FROM": "+447700900900",
        "WAYMARK_SMS_COST": sms_cost,
    }
    service = build_service(Settings.from_env(environ), clock=clock)
    app = build_gateway_app(service, limits=limits)
    async with listening(app) as url, aiohttp.ClientSession() as http:
        yield Door(service, url, http)
    service.database.close()


@asynccontextmanager
async def listening(app: web.Application, *, idle_seconds: float = IDLE_SECONDS) -> AsyncIterator[str]:
    """As launcher/serve.py listens; what is left of a refused body is read for a moment only."""
    runner = make_runner(app, idle_seconds=idle_seconds, lingering_seconds=0.2, shutdown_seconds=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = urlsplit(url)
    return await asyncio.open_connection(where.hostname, where.port)


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


def raw_request(
    body: bytes,
    *,
    signature: str | None = None,
    method: str = "POST",
    path: str = MESSAGE,
    headers: tuple[str, ...] = (),
    length: int | None = None,
) -> bytes:
    """A whole request as bytes, signed as Twilio would sign this body unless `signature` says otherwise."""
    said = signature or compute_signature(token=TOKEN, url=PUBLIC_URL + path, body=body)
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: messages.example.org",
        "Connection: close",
        f"Content-Type: {URLENCODED}",
        f"X-Twilio-Signature: {said}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]
