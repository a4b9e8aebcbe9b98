"""A drill's message meets each real sender at its wire: nothing is so much as connected to, and the row says why.

The same message of a real conversation does reach the wire, so the silence proves something. Red when: `_keep_drill`
is left out of `_take` and `_deliver`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from casework.adapters.email import EmailSender, SmtpSettings
from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import delivery_attempt, outbox
from casework.model.messages import Author, Channel, Lane, SendKind
from casework.services import deliver
from casework.services.ports import Sender
from casework.services.service_texts import load_service_texts
from channels.senders import SmsSender
from channels.telegram_sender import TelegramSender
from channels.telegram_transport import TelegramSettings, build_bot
from channels.twilio_sms import TwilioSender
from channels.twilio_transport import TwilioSettings
from tests.channels.provider_stand_ins import ACCOUNT_SID, HANDSET, SERVICE, TOKEN
from tests.channels.telegram_door import BOT_TOKEN, PERSON, SECRET
from tests.support.builders import an_outbound
from tests.support.clock import SetClock
from tests.support.line import Line


@dataclass
class Wire:
    """A port where a provider would be. Counts who connects, and hangs up."""

    port: int = 0
    connections: int = 0

    async def hang_up(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Wire]:
    wire = Wire()
    server = await asyncio.start_server(wire.hang_up, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    async with server:
        yield wire


def build_twilio(wire: Wire, line: Line) -> Sender:
    settings = TwilioSettings(
        account_sid=ACCOUNT_SID,
        auth_token=TOKEN,
        sms_from=SERVICE,
        whatsapp_from=SERVICE,
        api_url=f"http://127.0.0.1:{wire.port}",
        timeout_seconds=3.0,
    )
    return SmsSender(TwilioSender(settings), line.database)


def build_telegram(wire: Wire, _line: Line) -> Sender:
    settings = TelegramSettings(
        token=BOT_TOKEN,
        api_url=f"http://127.0.0.1:{wire.port}",
        secret=SECRET,
        webhook_url="https://messages.example.org/webhooks/telegram",
    )
    return TelegramSender(build_bot(settings), load_service_texts())


def build_email(wire: Wire, line: Line) -> Sender:
    smtp = SmtpSettings(
        host="127.0.0.1",
        port=wire.port,
        email_from="Messages <messages@example.org>",
        is_tls_from_start=False,
        needs_tls=False,
    )
    return EmailSender(smtp, load_service_texts(), line.clock)


ADAPTERS: list[tuple[Channel, str, Callable[[Wire, Line], Sender]]] = [
    (Channel.SMS, HANDSET, build_twilio),
    (Channel.WHATSAPP, HANDSET, build_twilio),
    (Channel.TELEGRAM, PERSON, build_telegram),
    (Channel.EMAIL, "alex@example.org", build_email),
]


@pytest.mark.parametrize(
    ("channel", "to", "build"), ADAPTERS, ids=[channel.value for channel, _, _ in ADAPTERS]
)
@pytest.mark.parametrize("is_half_sent", [False, True], ids=["new", "half_sent"])
@pytest.mark.parametrize("is_drill", [False, True], ids=["real", "drill"])
async def test_a_drill_row_is_kept_and_no_provider_hears_of_it(
    database: Database,
    clock: SetClock,
    channel: Channel,
    to: str,
    build: Callable[[Wire, Line], Sender],
    is_half_sent: bool,
    is_drill: bool,
) -> None:
    line = Line(database=database, clock=clock)
    async with listening() as wire:
        line.sender = build(wire, line)
        write_one(line, channel, to, is_drill=is_drill)
        if is_half_sent:
            line.database.write_now(lambda tx: tx.outbox.lease_next("dead", lease_seconds=1))
            line.clock.advance(seconds=5)

        await deliver.deliver_next_message(line.delivering())

        row = line.row(outbox)
        if is_drill:
            assert wire.connections == 0
            assert (row.status, row.reason, row.text) == ("suppressed", "drill", "Is it safe to write?")
            assert line.rows(delivery_attempt)[-1].outcome == "suppressed"
            line.clock.advance(days=2)
            await line.deliver_all()
            assert wire.connections == 0
        elif not is_half_sent:
            assert wire.connections > 0
            assert row.reason != "drill"


def write_one(line: Line, channel: Channel, to: str, *, is_drill: bool) -> None:
    conversation_id = line.open(to, channel)
    if is_drill:
        line.database.write_now(lambda tx: tx.drills.mark_conversation(conversation_id))
    message = an_outbound(
        conversation_id,
        "Is it safe to write?",
        channel=channel,
        to=to,
        lane=Lane.STAFF,
        author=Author.STAFF,
        kind=SendKind.STAFF_REPLY,
    )
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))
