"""The webhooks Twilio calls for SMS and WhatsApp."""

from collections import Counter

import structlog
from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.services.receipts import record_receipt
from channels.spool import EMPTY_TWIML
from channels.twilio_errors import name_failure
from channels.twilio_forms import FormInvalid, parse_inbound_sms, parse_status
from channels.twilio_signature import WebhookUnsigned, check_webhook

log = structlog.get_logger()

# Answers go out through the REST API: TwiML has no id, no status and no retry.

REFUSED = web.AppKey("refused", Counter[str])


def add_twilio_routes(app: web.Application) -> None:
    app[REFUSED] = Counter()
    app.router.add_post("/webhooks/twilio/message", receive_sms)
    app.router.add_post("/webhooks/twilio/status", receive_status)


async def receive_sms(request: web.Request) -> web.Response:
    """Stores and screens one message, then says accepted. 403: unsigned; 400: no message; 5xx: not stored.

    Never 429: Twilio does not understand it (its error 11217), and a message refused for haste would be lost.
    """
    service = request.app[SERVICE]
    body = await _read_signed(request, route="twilio_message")
    try:
        message = parse_inbound_sms(
            body,
            account_sid=service.settings.twilio_account_sid,
            received_at=service.clock.now(),
            api_url=service.settings.twilio_api_url,
        )
    except FormInvalid:
        log.warning("form_refused", route="twilio_message")
        raise web.HTTPBadRequest from None
    received = await service.database.write(lambda tx: service.receive(tx, message))
    log.info("message_received", conversation_id=received.conversation_id, inbox_id=received.inbox_id)
    return web.Response(text=EMPTY_TWIML, content_type="text/xml")


async def receive_status(request: web.Request) -> web.Response:
    """Records the provider's news of a message we sent; in any order, known or not."""
    service = request.app[SERVICE]
    body = await _read_signed(request, route="twilio_status")
    try:
        status = parse_status(body, account_sid=service.settings.twilio_account_sid)
    except FormInvalid:
        log.warning("form_refused", route="twilio_status")
        raise web.HTTPBadRequest from None
    await service.database.write(
        lambda tx: record_receipt(
            tx,
            status.provider_message_id,
            status.status,
            error_code=str(status.error_code) if status.error_code else None,
            name_failure=name_failure,
            texts=service.texts,
        )
    )
    return web.Response(status=204)


async def _read_signed(request: web.Request, *, route: str) -> bytes:
    settings = request.app[SERVICE].settings
    body = await request.read()
    try:
        check_webhook(
            tokens=settings.twilio_auth_tokens,
            shared_keys=settings.twilio_shared_keys,
            # Never from Host or X-Forwarded-*: whoever sends the request chooses those.
            url=settings.public_url + request.raw_path,
            body=body,
            headers=request.headers,
        )
    except WebhookUnsigned as refusal:
        refused = request.app[REFUSED]
        refused[refusal.reason] += 1
        log.warning("signature_refused", route=route, code=refusal.reason, count=refused[refusal.reason])
        raise web.HTTPForbidden(text="") from None
    return body
