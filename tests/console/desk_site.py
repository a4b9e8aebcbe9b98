"""The desk on a loopback port over a real database, detectives at it, and people who write to them."""

import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from argon2 import PasswordHasher

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.staff_tables import glass_opening
from casework.adapters.storage.tables import audit, conversation, inbox, outbox, staff_member
from casework.adapters.storage.transaction import SqlTransaction
from casework.bootstrap import build_service
from casework.model.desk import GRADE_OF_REASON, Grade, HandoffReason, ItemEvidence
from casework.model.disclosures import TIER_OF, Category, Evidence, ScreenResult
from casework.model.messages import (
    Author,
    Channel,
    DeliveryState,
    Lane,
    OutboundMessage,
    OutboxStatus,
    SendKind,
)
from casework.model.standings import Standing
from casework.services.ports import Clock
from console.app import build_console_app
from tests.support.builders import a_case, an_sms
from tests.support.databases import copy_sqlite

Result = TypeVar("Result")

PASSWORD = "correct horse battery staple"
# As weak as argon2 goes: checking it costs next to nothing. Tests about the cost ask for a real one.
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass
class DeskSite:
    url: str
    app: web.Application
    service: Service
    clock: Any  # a SetClock, or the wall clock where a browser looks at it
    detectives: list["Detective"] = field(default_factory=list)
    # Whether everybody has opened every conversation with a reason: for tests that are not about who may.
    is_glass_open: bool = True

    def add_staff(
        self,
        login: str = "sam",
        name: str = "Sam Price",
        password_hash: str = PASSWORD_HASH,
        *,
        role: str = "investigator",
        collar_number: str | None = None,
    ) -> str:
        staff_id = self.write(
            lambda tx: tx.staff.add(
                login=login,
                display_name=name,
                role=role,
                password_hash=password_hash,
                collar_number=collar_number,
            )
        )
        self.open_glass()
        return staff_id

    def open_glass(self) -> None:
        if self.is_glass_open:
            self.write(_open_every_conversation)

    async def detective(
        self,
        login: str = "sam",
        name: str = "Sam Price",
        *,
        role: str = "investigator",
        collar_number: str | None = None,
    ) -> "Detective":
        """A new member of staff, logged in."""
        self.add_staff(login, name, role=role, collar_number=collar_number)
        detective = Detective(self)
        answer, _ = await detective.log_in(login)
        assert answer.status == 303
        return detective

    def victim_writes(
        self,
        text: str = "what is happening with my case",
        *,
        category: Category | None = None,
        reason: HandoffReason | None = None,
        evidence: tuple[Evidence, ...] = (),
        reasons: tuple[tuple[str, int, int, str], ...] = (),
        channel: Channel = Channel.SMS,
        external_id: str | None = None,
        media_count: int = 0,
        outcome: str | None = None,
        read_as: str | None = None,
        **values: Any,
    ) -> str:
        """Stores a message, with an item on the queue when there is a category or reason; the conversation.

        `reasons` are kept with the item: rule, start, end and the sentence about it. `outcome`: the message's turn
        is over, and came to that. `values` are of the InboundMessage.
        """
        sender = external_id or f"+447700900{secrets.randbelow(1000):03d}{secrets.token_hex(4)}"
        tier = TIER_OF[category] if category else None
        screen = ScreenResult(urgent=tier is not None, tier=tier, category=category, evidence=evidence)

        def write(tx: SqlTransaction) -> str:
            opened = tx.conversations.open(channel, sender)
            given = {
                "channel": channel,
                "external_id": sender,
                "received_at": tx.now,
                "media_count": media_count,
            }
            message = an_sms(text, **(given | values))
            inbox_id = tx.inbox.record(message, opened.id, screen)
            if inbox_id is not None:
                tx.media.record(inbox_id, message.media)
                _finish(tx, inbox_id, opened.id, outcome, read_as)
            if inbox_id and (category or reason):
                tx.desk.record_item(
                    conversation_id=opened.id,
                    reason=reason or HandoffReason.DISCLOSURE,
                    grade=Grade(tier)
                    if tier
                    else GRADE_OF_REASON.get(reason or HandoffReason.UNREADABLE, Grade.HIGH),
                    dedupe_key=f"test:{inbox_id}",
                    inbox_id=inbox_id,
                    tier=tier,
                    category=category.value if category else None,
                    owner_id=opened.owner_id,
                    evidence=[
                        ItemEvidence(inbox_id=inbox_id, rule=rule, start=start, end=end, says=says)
                        for rule, start, end, says in reasons
                    ],
                )
            return opened.id

        conversation_id = self.write(write)
        self.open_glass()
        return conversation_id

    def writes_again(self, conversation_id: str, text: str, **values: Any) -> None:
        row = self.rows(conversation, conversation.c.id == conversation_id)[0]
        self.victim_writes(text, channel=Channel(row.channel), external_id=row.external_id, **values)

    def assistant_answers(
        self,
        conversation_id: str,
        text: str,
        status: OutboxStatus = OutboxStatus.WAITING,
        *,
        choices: tuple[str, ...] = (),
        channel: Channel | None = None,
        provider_message_id: str | None = None,
        delivery_state: DeliveryState | None = None,
        **values: Any,
    ) -> int:
        """The outbox row, with what its provider has said of it."""

        def write(tx: SqlTransaction) -> int:
            found = tx.conversations.get(conversation_id)
            message = OutboundMessage(
                conversation_id=found.id,
                channel=channel or found.channel,
                to=found.external_id,
                text=text,
                lane=Lane.ASSISTANT,
                author=Author.ASSISTANT,
                template="test",
                dedupe_key=secrets.token_hex(8),
                epoch=found.epoch,
                kind=SendKind.ASSISTANT_REPLY,
                choices=choices,
            )
            outbox_id = tx.outbox.record(message, decision="test", status=status, **values)
            assert outbox_id is not None
            told = {"provider_message_id": provider_message_id, "delivery_state": delivery_state}
            tx.connection.execute(sa.update(outbox).where(outbox.c.id == outbox_id).values(**told))
            return outbox_id

        return self.write(write)

    def link_case(self, conversation_id: str, **values: Any) -> None:
        def write(tx: SqlTransaction) -> None:
            case = a_case(**values)
            tx.cases.record_all([case])
            tx.standings.record(conversation_id, case.crime_reference, Standing.LINKED, method="code")

        self.write(write)

    def ending(self, outcome: str) -> dict[str, str]:
        """What the finishing form posts after its page was read to the end."""
        newest = max(row.id for row in self.rows(inbox))
        return {"outcome": outcome, "last_seen_inbox_id": str(newest)}

    def rows(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[Any]:
        query = sa.select(table).where(*where)
        return self.service.database.read_now(lambda tx: list(tx.connection.execute(query).all()))

    def sent_by_staff(self) -> list[Any]:
        return self.rows(outbox, outbox.c.author == "staff")

    def acts(self) -> list[str]:
        return [row.act for row in self.rows(audit)]

    def latest_inbox_id(self) -> int:
        newest: int = max(row.id for row in self.rows(inbox))
        return newest

    def write(self, work: Callable[[SqlTransaction], Result]) -> Result:
        return self.service.database.write_now(work)


class Detective:
    """A browser without JavaScript: keeps cookies, posts what the page's forms hold."""

    def __init__(self, site: DeskSite) -> None:
        self.site = site
        self.http = aiohttp.ClientSession(site.url, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.csrf_token = ""
        site.detectives.append(self)

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.get(path, allow_redirects=False, headers=headers) as answer:
            return answer, await answer.text()

    async def post(
        self, path: str, fields: dict[str, Any] | None = None, **headers: str
    ) -> tuple[aiohttp.ClientResponse, str]:
        body = urlencode({"csrf_token": self.csrf_token} | (fields or {})).encode()
        sent = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        async with self.http.post(path, data=body, allow_redirects=False, headers=sent) as answer:
            return answer, await answer.text()

    async def log_in(
        self, login: str = "sam", password: str = PASSWORD, **fields: str
    ) -> tuple[aiohttp.ClientResponse, str]:
        _, page = await self.get("/login")
        form = {"login": login, "password": password, "form_token": field_in(page, "form_token")}
        answer = await self.post("/login", form | fields)
        if answer[0].status == 303:
            # Every role has this page.
            _, account = await self.get("/console/account")
            self.csrf_token = field_in(account, "csrf_token")
        return answer

    async def open(self, conversation_id: str) -> str:
        answer, page = await self.get(f"/console/c/{conversation_id}")
        assert answer.status == 200
        return page

    async def claim(self, conversation_id: str) -> tuple[aiohttp.ClientResponse, str]:
        return await self.post(f"/console/c/{conversation_id}/claim")

    async def reply(
        self, conversation_id: str, text: str, page: str | None = None, **fields: str
    ) -> tuple[aiohttp.ClientResponse, str]:
        """Sends from the composer of `page`, or of the page as it stands now."""
        page = page or await self.open(conversation_id)
        form = {name: field_in(page, name) for name in ("form_id", "last_seen_inbox_id")}
        return await self.post(f"/console/c/{conversation_id}/reply", form | {"text": text} | fields)

    async def close(self) -> None:
        await self.http.close()


def _finish(
    tx: SqlTransaction, inbox_id: int, conversation_id: str, outcome: str | None, read_as: str | None
) -> None:
    if outcome is not None:
        tx.turns.record_finished(inbox_id, conversation_id, outcome)
    if read_as is not None:
        tx.inbox.record_reading(inbox_id, read_as)


def _open_every_conversation(tx: SqlTransaction) -> None:
    """For everybody, for good, and nothing for a supervisor to look at."""
    staff = tx.connection.execute(sa.select(staff_member.c.id)).scalars().all()
    known = set(tx.connection.execute(sa.select(glass_opening.c.conversation_id, glass_opening.c.staff_id)))
    for conversation_id in tx.connection.execute(sa.select(conversation.c.id)).scalars().all():
        for staff_id in staff:
            if (conversation_id, staff_id) not in known:
                until = tx.now + timedelta(days=3650)
                opened = tx.glass.record(conversation_id, staff_id=staff_id, reason="test", until=until)
                reviewed = sa.update(glass_opening).where(glass_opening.c.id == opened)
                tx.connection.execute(reviewed.values(reviewed_at=tx.now))


def field_in(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    return found[1] if found else ""


@asynccontextmanager
async def run_desk(folder: Path, template: Path, clock: Clock) -> AsyncIterator[DeskSite]:
    """Serves the desk for as long as the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    service = build_service(Settings.from_env(desk_environ(folder, template)), clock=clock)
    app = build_console_app(service)
    site = DeskSite(url, app, service, clock)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield site
    finally:
        for detective in site.detectives:
            await detective.close()
        await runner.cleanup()
        service.database.close()


def desk_environ(folder: Path, template: Path) -> dict[str, str]:
    return {
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_DATABASE_URL": copy_sqlite(template, folder / "waymark.db"),
        "WAYMARK_TURN_SECRET": "t" * 32,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "t" * 32,
        "WAYMARK_SMS_FROM": "+447700900999",
        "WAYMARK_WHATSAPP_FROM": "+447700900998",
        "WAYMARK_SANDBOX": "1",
    }


async def read_event(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The next server-sent event of a stream, without its beats."""
    event: dict[str, str] = {}
    while True:
        line = (await answer.content.readline()).decode().strip()
        if not line and event:
            return event
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
