"""How a notice reaches a member of staff: by text through the provider's client, by e-mail, by a signed webhook.

A webhook is a POST of JSON {"text", "link", "item", "notice"} with the two headers of the case feed's signature
(channels/feed_signature.py), made with WAYMARK_ON_CALL_KEY. Any answer of 2xx is "taken"; a redirect is not followed.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp

from casework.adapters.email import EmailSender, parse_smtp_settings
from casework.bootstrap import Service
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus, SendKind
from casework.model.rota import Way
from casework.services.ports import Clock
from casework.services.staff_notices import Attempt, Came, NoticeSender, StaffNotice
from channels.feed_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, compute_signature
from channels.senders import build_twilio_settings
from channels.twilio_errors import DeliveryOutcome
from channels.twilio_sms import TwilioSender

WEBHOOK_SECONDS = 10.0
NEVER_AGAIN = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})


def build_notice_senders(service: Service, session: aiohttp.ClientSession) -> Mapping[Way, NoticeSender]:
    """Those that are set up. The provider's client is one of its own: no victim's message waits for it."""
    settings = service.settings
    senders: dict[Way, NoticeSender] = {Way.SMS: SmsNotices(TwilioSender(build_twilio_settings(settings)))}
    smtp = parse_smtp_settings(settings)
    if smtp is not None:
        subject = {"email_subject": service.texts.texts["on_call_subject"]}
        texts = replace(service.texts, texts=service.texts.texts | subject)
        senders[Way.EMAIL] = MailNotices(EmailSender(smtp, texts, service.clock))
    if settings.on_call_key is not None:
        senders[Way.WEBHOOK] = WebhookNotices(session, key=settings.on_call_key, clock=service.clock)
    return senders


class SmsNotices:
    """Text messages to staff phones."""

    def __init__(self, twilio: TwilioSender) -> None:
        self._twilio = twilio

    async def deliver(self, notice: StaffNotice) -> Attempt:
        delivery = await self._twilio.deliver(_address(notice, Channel.SMS))
        fault = delivery.failure or (str(delivery.error_code) if delivery.error_code else None)
        if delivery.outcome is DeliveryOutcome.SENT:
            return Attempt(came=Came.SENT, provider_message_id=delivery.provider_message_id)
        came = Came.NEVER if delivery.outcome is DeliveryOutcome.GIVE_UP else Came.TRY_AGAIN
        return Attempt(came=came, fault=fault or "not_reached")


class MailNotices:
    """E-mail to staff; the same Message-ID at every attempt."""

    def __init__(self, sender: EmailSender) -> None:
        self._sender = sender

    async def deliver(self, notice: StaffNotice) -> Attempt:
        delivery = await self._sender.deliver(_address(notice, Channel.EMAIL))
        if delivery.status is OutboxStatus.SENT:
            return Attempt(came=Came.SENT, provider_message_id=delivery.provider_message_id)
        came = Came.NEVER if delivery.status is OutboxStatus.FAILED else Came.TRY_AGAIN
        return Attempt(came=came, fault=delivery.error_code or "not_reached")


class WebhookNotices:
    """A signed POST to an address of the force's own."""

    def __init__(self, session: aiohttp.ClientSession, *, key: str, clock: Clock) -> None:
        self._session = session
        self._key = key
        self._clock = clock

    async def deliver(self, notice: StaffNotice) -> Attempt:
        parts = urlsplit(notice.to)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        said = {"text": notice.text, "link": notice.link, "item": notice.item, "notice": notice.id}
        body = json.dumps(said).encode()
        timestamp = str(int(self._clock.now().timestamp()))
        signature = compute_signature(key=self._key, method="POST", path=path, timestamp=timestamp, body=body)
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: signature,
        }
        try:
            async with self._session.post(
                notice.to,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=WEBHOOK_SECONDS),
            ) as answer:
                return _sort(answer.status)
        except (TimeoutError, aiohttp.ClientError, ValueError):
            return Attempt(came=Came.TRY_AGAIN, fault="not_reached")


def _sort(status: int) -> Attempt:
    if 200 <= status < 300:
        return Attempt(came=Came.SENT)
    is_final = status in NEVER_AGAIN or 300 <= status < 400
    return Attempt(came=Came.NEVER if is_final else Came.TRY_AGAIN, fault=str(status))


def _address(notice: StaffNotice, channel: Channel) -> OutboundMessage:
    """What the channels' own clients take. It is of no conversation and is never stored."""
    return OutboundMessage(
        conversation_id="",
        channel=channel,
        to=notice.to,
        text=notice.text,
        lane=Lane.SAFETY,
        author=Author.SERVICE,
        kind=SendKind.INVITE,
        template="on_call_notice",
        dedupe_key=f"notice:{notice.id}",
        epoch=0,
    )
