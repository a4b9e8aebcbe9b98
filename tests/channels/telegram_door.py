"""The gateway with a Telegram bot set, over real sockets and a real database, and someone who knows how to knock."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from channels.telegram import SECRET_HEADER
from channels.telegram_updates import KNOWN_UPDATES
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN, serving
from tests.support.clock import SetClock

UPDATES = Path(__file__).parent / "telegram_updates"
PUBLIC_URL = "https://messages.example.org"
ROUTE = "/webhooks/telegram"
BOT_TOKEN = "1000001:AAE-synthetic-token-of-no-bot"
SECRET = "synthetic-secret_of-the-webhook-01"
PERSON = "7700900001"


def read_update(name: str) -> bytes:
    return (UPDATES / f"{name}.json").read_bytes()


def make_update(name: str, *, update_id: int | None = None, **content: Any) -> bytes:
    """The fixture with another number, or other values in its message."""
    update = json.loads(read_update(name))
    next(value for key, value in update.items() if key in KNOWN_UPDATES).update(content)
    return json.dumps(update if update_id is None else {**update, "update_id": update_id}).encode()


@dataclass
class Door:
    service: Service
    url: str
    http: aiohttp.ClientSession

    async def knock(self, body: bytes, *headers: tuple[str, str]) -> tuple[int, str]:
        given = [("Content-Type", "application/json"), *(headers or [(SECRET_HEADER, SECRET)])]
        async with self.http.post(self.url + ROUTE, data=body, headers=given) as response:
            return response.status, await response.text()

    async def post(self, name: str, *, update_id: int | None = None, **content: Any) -> int:
        status, _ = await self.knock(make_update(name, update_id=update_id, **content))
        return status

    def rows(self, table: sa.Table) -> list[Any]:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return self.service.database.read_now(lambda tx: tx.connection.execute(query).all())

    def count(self, *tables: sa.Table) -> list[int]:
        return [len(self.rows(table)) for table in tables]


def make_environ(tmp_path: Path, database_url: str, **more: str) -> dict[str, str]:
    return {
        "WAYMARK_DATA_DIR": str(tmp_path),
        "WAYMARK_DATABASE_URL": database_url,
        "WAYMARK_PUBLIC_URL": PUBLIC_URL,
        "WAYMARK_TURN_SECRET": "x" * 32,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WAYMARK_SMS_FROM": "+447700900900",
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "WAYMARK_TELEGRAM_SECRET": SECRET,
        **more,
    }


@asynccontextmanager
async def open_door(environ: dict[str, str], clock: SetClock, *, port: int = 0) -> AsyncIterator[Door]:
    service = build_service(Settings.from_env(environ), clock=clock)
    async with serving(build_gateway_app(service), port=port) as url, aiohttp.ClientSession() as http:
        yield Door(service, url, http)
    service.database.close()
