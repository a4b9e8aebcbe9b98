"""The webhooks Twilio calls for SMS and WhatsApp."""

import structlog
from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.errors import SignatureInvalid
from casework.services.receipts import record_receipt
from casework.services.receive import receive_message
from channels.twilio_signature import SIGNATURE_HEADER, check_signature
from channels.twilio_sms import FormInvalid, parse_inbound_sms, parse_status

log = structlog.get_logger()

# Answers go out through the REST API: TwiML has no id, no status and no retry (channels.md §1).
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def add_twilio_routes(app: web.Application) -> None:
    app.router.add_post("/webhooks/twilio/message", receive_sms)
    app.router.add_post("/webhooks/twilio/status", receive_status)


async def receive_sms(request: web.Request) -> web.Response:
    """Stores and screens one message, then says accepted. 403: unsigned; 400: no message; 5xx: not stored."""
    service = request.app[SERVICE]
    body = await _read_signed(request)
    try:
        message = parse_inbound_sms(
            body, account_sid=service.settings.twilio_account_sid, received_at=service.clock.now()
        )
    except FormInvalid:
        log.warning("form_refused", route="twilio_message")
        raise web.HTTPBadRequest from None
    received = await service.database.write(
        lambda tx: receive_message(
            tx, message, screen=service.screen, safety_lines=service.safety_lines, bands=service.bands
        )
    )
    log.info("message_received", conversation_id=received.conversation_id, inbox_id=received.inbox_id)
    return web.Response(text=EMPTY_TWIML, content_type="text/xml")


async def receive_status(request: web.Request) -> web.Response:
    """Records the provider's news of a message we sent; in any order, known or not."""
    service = request.app[SERVICE]
    body = await _read_signed(request)
    try:
        status = parse_status(body)
    except FormInvalid:
        log.warning("form_refused", route="twilio_status")
        raise web.HTTPBadRequest from None
    await service.database.write(
        lambda tx: record_receipt(
            tx,
            status.provider_message_id,
            status.status,
            error_code=str(status.error_code) if status.error_code else None,
        )
    )
    return web.Response(status=204)


async def _read_signed(request: web.Request) -> bytes:
    service = request.app[SERVICE]
    body = await request.read()
    try:
        check_signature(
            tokens=service.settings.twilio_auth_tokens,
            # Never from Host or X-Forwarded-*: whoever sends the request chooses those.
            url=service.settings.public_url + request.raw_path,
            body=body,
            header=request.headers.get(SIGNATURE_HEADER),
        )
    except SignatureInvalid:
        log.warning("signature_refused", route=request.path)
        raise web.HTTPForbidden(text="") from None
    return body
