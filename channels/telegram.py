"""The webhook Telegram calls. An update is stored before it is acknowledged; nothing is ever answered here.

The library's own webhook server is not used: it acknowledges first and keeps the update in memory.
"""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
import structlog
from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.messages import Channel, InboundMessage
from casework.services.blocks import record_block, record_unblock
from casework.services.edits import settle_edit
from casework.services.menus import read_choice
from casework.services.opt_outs import PROVIDER
from casework.services.receive import Received
from casework.services.unreadable import keep_unreadable
from channels.telegram_updates import Membership, ParsedUpdate, UpdateUnreadable, parse_update

log = structlog.get_logger()

ROUTE = "/webhooks/telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
# The database is away or busy: Telegram keeps the update for a day and sends it again.
AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)


def add_telegram_routes(app: web.Application) -> None:
    app.router.add_post(ROUTE, receive_update)


async def receive_update(request: web.Request) -> web.Response:
    """Stores and screens one update, then says accepted. 403: wrong secret; 404: no bot is set; 5xx: not stored.

    What cannot be read is kept for a person and accepted too: Telegram would send it again for a day.
    """
    service = request.app[SERVICE]
    secret, token = service.settings.telegram_secret, service.settings.telegram_bot_token
    if token is None or secret is None:
        raise web.HTTPNotFound(text="")
    _check_secret(request, secret)
    body = await request.read()
    try:
        update = parse_update(body, bot_id=token.partition(":")[0], received_at=service.clock.now())
    except UpdateUnreadable:
        await _keep(service, body)
        return web.Response()
    try:
        await _store(service, update)
    except AWAY:
        raise
    except Exception:
        # Whatever was wrong with this one update would be wrong with it again.
        log.exception("update_not_stored", code=update.kind)
        await _keep(service, body)
    return _answer(update)


def _check_secret(request: web.Request, secret: str) -> None:
    given = request.headers.getall(SECRET_HEADER, [])
    sent = given[0].encode("utf-8", "surrogateescape") if len(given) == 1 else b""
    if not hmac.compare_digest(sent, secret.encode()):
        log.warning("secret_refused", route=ROUTE)
        raise web.HTTPForbidden(text="")


async def _store(service: Service, update: ParsedUpdate) -> None:
    membership = update.membership
    if membership is not None:
        await service.database.write(lambda tx: _record_membership(tx, membership))
        log.info("membership_received", code=update.kind)
        return
    if update.message is None:
        log.info("update_ignored", code=update.kind)
        return
    received = await service.database.write(lambda tx: _receive(tx, service, update))
    if received is None:
        log.info("edit_without_change")
    else:
        log.info("message_received", conversation_id=received.conversation_id, inbox_id=received.inbox_id)


def _receive(tx: SqlTransaction, service: Service, update: ParsedUpdate) -> Received | None:
    message = update.message
    assert message is not None
    # Nobody who has blocked us can write, whatever order the news came in.
    tx.opt_outs.end(Channel.TELEGRAM, message.external_id, how=PROVIDER)
    settled = settle_edit(tx, message) if update.is_edit else _name_choice(tx, message)
    if settled is None:
        return None
    return service.receive(tx, settled)


def _name_choice(tx: SqlTransaction, message: InboundMessage) -> InboundMessage:
    """A button under a message that Telegram no longer shows says what it said when we sent it."""
    if message.choice is None or message.text:
        return message
    conversation = tx.conversations.open(message.channel, message.external_id)
    return replace(message, text=read_choice(tx, conversation, message).choice or "")


def _record_membership(tx: SqlTransaction, membership: Membership) -> None:
    if membership.is_blocked:
        record_block(tx, Channel.TELEGRAM, membership.external_id, at=membership.at)
    else:
        record_unblock(tx, Channel.TELEGRAM, membership.external_id)


async def _keep(service: Service, body: bytes) -> None:
    name = f"unreadable:{hashlib.sha256(body).hexdigest()}"
    inbox_id = await service.database.write(
        lambda tx: keep_unreadable(
            tx,
            Channel.TELEGRAM,
            body,
            provider_message_id=name,
            received_at=service.clock.now(),
            screen=service.screen,
        )
    )
    log.warning("update_unreadable", inbox_id=inbox_id)


def _answer(update: ParsedUpdate) -> web.Response:
    """Accepted; and what Telegram may do at once for us, which it does or does not and never says.

    A pressed button stops turning, and a group that the bot was put into is left (bots/api, "Making requests
    when getting updates").
    """
    asked: dict[str, Any] | None = None
    if update.callback_query_id is not None:
        asked = {"method": "answerCallbackQuery", "callback_query_id": update.callback_query_id}
    elif update.leave_chat_id is not None:
        asked = {"method": "leaveChat", "chat_id": update.leave_chat_id}
    return web.Response() if asked is None else web.json_response(asked)
