"""The web chat on a loopback port over a real database, and a hand that does the worker's part."""

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from casework.adapters.case_import import build_case_feed
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import conversation, inbox, outbox, web_session
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE, add_security_headers
from casework.bootstrap import build_service
from casework.model.cases import Case
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus, SendKind
from casework.model.standings import HIGHEST_OF_METHOD, ProofMethod, Standing
from casework.services.case_feed import record_cases
from channels.webchat.pages import WebPages
from channels.webchat.routes import add_webchat_routes
from tests.support.builders import a_case
from tests.support.clock import SetClock


@dataclass
class WebchatSite:
    url: str
    service: Service
    clock: SetClock

    def rows(self, table: sa.Table) -> list[Any]:
        return self.service.database.read_now(lambda tx: list(tx.connection.execute(sa.select(table)).all()))

    def texts_received(self) -> list[str]:
        return [row.text for row in sorted(self.rows(inbox), key=lambda row: int(row.id))]

    def answer(
        self,
        text: str,
        *,
        choices: tuple[str, ...] = (),
        author: Author = Author.ASSISTANT,
        staff_id: str | None = None,
        status: OutboxStatus = OutboxStatus.SENT,
    ) -> None:
        """Writes a message to whoever wrote last, in the state the worker would leave it in."""

        def write(tx: SqlTransaction) -> None:
            newest = sa.select(conversation).order_by(conversation.c.last_inbound_at.desc()).limit(1)
            row = tx.connection.execute(newest).one()
            message = OutboundMessage(
                conversation_id=row.id,
                channel=Channel.WEBCHAT,
                to=row.external_id,
                text=text,
                lane=Lane.ASSISTANT,
                author=author,
                template="test",
                dedupe_key=secrets.token_hex(8),
                epoch=row.epoch,
                kind=SendKind.ASSISTANT_REPLY,
                staff_id=staff_id,
                choices=choices,
            )
            tx.outbox.record(message, decision="test", status=status)

        self.service.database.write_now(write)

    def add_staff(self, name: str) -> str:
        return self.service.database.write_now(
            lambda tx: tx.staff.add(login=name, display_name=name, role="officer", password_hash="none")
        )

    def add_case(self, case: Case | None = None) -> Case:
        """A case of the force's file, with the clocks its history starts; `a_case()` unless another is given."""
        said = case or a_case()
        self.service.database.write_now(
            lambda tx: record_cases(tx, [said], feed=build_case_feed(), source="file", by="test")
        )
        return said

    def link(self, standing: Standing = Standing.LINKED, *, case: Case | None = None) -> str:
        """Ties the newest web conversation to a case, which must be stored; the conversation's id.

        Made where the visit has none yet. STEPPED_UP stands on a link with a PIN on top, as it comes about.
        """
        reference = (case or a_case()).crime_reference
        methods = {
            Standing.LINKED: [ProofMethod.INVITE],
            Standing.STEPPED_UP: [ProofMethod.INVITE, ProofMethod.PIN],
            Standing.OFFICER_CONFIRMED: [ProofMethod.CALL_BACK],
        }[standing]
        external_id = max(self.rows(web_session), key=lambda row: row.started_at).external_id

        def tie(tx: SqlTransaction) -> str:
            opened = tx.conversations.open(Channel.WEBCHAT, external_id)
            for method in methods:
                level = HIGHEST_OF_METHOD[method]
                tx.standings.record(opened.id, reference, level, method=method.value)
            return opened.id

        return self.service.database.write_now(tie)

    def send_waiting(self) -> None:
        """What the worker does for an open page: a waiting message counts as sent."""
        waiting = sa.update(outbox).where(outbox.c.status == "waiting")
        sent = waiting.values(status="sent", sent_at=self.clock.now())
        self.service.database.write_now(lambda tx: tx.connection.execute(sent))


@asynccontextmanager
async def run_webchat(
    folder: Path,
    *,
    public_url: str | None = None,
    pages: WebPages | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[WebchatSite]:
    """Serves the chat for as long as the block runs; `pages` may speak other languages than ours.

    At the `host` "localhost" browsers offer passkeys, which belong to a name.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://{host}:{listener.getsockname()[1]}"
    clock = SetClock()
    settings = make_settings(folder, public_url or url)
    database = Database(create_engine(settings.database_url), clock)
    upgrade(database.engine)
    service = replace(read_rules_once(), settings=settings, database=database, clock=clock)
    app = web.Application(middlewares=[add_security_headers])
    app[SERVICE] = service
    add_webchat_routes(app, pages=pages)
    # Cancelled with its client, or a stream would still look into the database after it is closed.
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield WebchatSite(url, service, clock)
    finally:
        await runner.cleanup()
        service.database.close()


@cache
def read_rules_once() -> Service:
    """Reading the rules takes most of a second; its database is never opened."""
    return build_service(make_settings(Path(gettempdir()), "http://127.0.0.1"))


def make_settings(folder: Path, public_url: str) -> Settings:
    return Settings.from_env(
        {
            "WAYMARK_DATA_DIR": str(folder),
            "WAYMARK_DATABASE_URL": f"sqlite:///{folder}/waymark.db",
            "WAYMARK_PUBLIC_URL": public_url,
            "WAYMARK_TURN_SECRET": "t" * 32,
            "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "t" * 32,
            "WAYMARK_SMS_FROM": "+447700900999",
            "WAYMARK_WHATSAPP_FROM": "+447700900998",
            "WAYMARK_SANDBOX": "1",
        }
    )
