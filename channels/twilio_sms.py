"""Twilio's REST calls out, for SMS and WhatsApp. What comes in is read in channels/twilio_forms.py.

Error codes and their meaning: Twilio's error pages.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import requests
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from casework.model.errors import SettingsInvalid, WaymarkError
from casework.model.gsm_text import normalise_for_sms
from casework.model.messages import Channel, OutboundMessage
from casework.services.rendering import WhatsAppForm, render_as_text, render_for_whatsapp
from casework.services.service_texts import ServiceTexts, load_service_texts
from casework.services.windows import is_nudge
from channels.twilio_content import REFUSED_CONTENT, ContentTemplates
from channels.twilio_errors import Delivery, DeliveryOutcome, sort_refusal
from channels.twilio_forms import WHATSAPP_PREFIX, ProviderStatus
from channels.twilio_transport import TooManyRequests, TwilioSettings, TwilioTransport


class OutcomeStillUnknown(WaymarkError):
    """The provider could not be asked what became of a message; do not resend yet."""


class TwilioSender:
    """Sends by Twilio's REST API, each call once. It has no idempotency key: look up an unknown outcome."""

    def __init__(self, settings: TwilioSettings, texts: ServiceTexts | None = None) -> None:
        self._settings = settings
        self._texts = texts or load_service_texts()
        self._transport = TwilioTransport(settings)
        self._client = Client(settings.account_sid, settings.auth_token, http_client=self._transport)
        # Read from the environment by the library; the address is ours to choose.
        self._client.edge = self._client.region = None
        self._templates = ContentTemplates(
            self._client, list_button=self._texts.render("list_button", Channel.WHATSAPP)
        )

    async def deliver(self, message: OutboundMessage) -> Delivery:
        """Asks Twilio once to send `message`; says what became of it. A provider's fault is never raised."""
        return await asyncio.to_thread(self._create, message)

    async def find_sent(
        self, message: OutboundMessage, *, attempted_at: datetime, taken: Collection[str] = ()
    ) -> Delivery | None:
        """The delivery of an attempt whose answer was lost, or None if Twilio holds no such message.

        Matches recipient, text and time since `attempted_at` (5 s of clock difference allowed). `taken` are
        provider ids already known for other messages, so an equal text sent before is not mistaken for it.
        Raises OutcomeStillUnknown when Twilio cannot be asked. Wait for the timeout before believing None.
        """
        return await asyncio.to_thread(self._look_up, message, attempted_at, frozenset(taken))

    async def find_status(self, provider_message_id: str) -> ProviderStatus | None:
        """What Twilio says now of a message it took; None where it holds none of that id.

        Raises OutcomeStillUnknown when Twilio cannot be asked.
        """
        return await asyncio.to_thread(self._fetch, provider_message_id)

    def close(self) -> None:
        self._transport.close()

    def _create(self, message: OutboundMessage) -> Delivery:
        if is_nudge(message) and message.channel is Channel.WHATSAPP:
            return self._send_template(message)
        if message.channel is not Channel.WHATSAPP:
            return self._send(message, {"body": _sms_body(message)})
        shown = render_for_whatsapp(message, self._texts)
        fields = None if shown.form is WhatsAppForm.TEXT else self._templates.find_fields(shown)
        if fields is not None:
            delivery = self._send(message, fields)
            # Refused at once, so nothing has left: the words matter more than the buttons.
            if delivery.error_code not in REFUSED_CONTENT or delivery.outcome is not DeliveryOutcome.GIVE_UP:
                return delivery
            self._templates.forget(shown)
        return self._send(message, {"body": _readable(render_as_text(message, self._texts).body)})

    def _send_template(self, message: OutboundMessage) -> Delivery:
        if self._settings.whatsapp_template is None:
            return Delivery(outcome=DeliveryOutcome.GIVE_UP, failure="template_wrong")
        return self._send(message, {"content_sid": self._settings.whatsapp_template})

    def _send(self, message: OutboundMessage, content: dict[str, str]) -> Delivery:
        try:
            sent = self._client.messages.create(**self._get_fields(message), **content)
        except TooManyRequests as busy:
            return Delivery(
                outcome=DeliveryOutcome.TRY_AGAIN,
                error_code=20429,
                retry_after_seconds=busy.retry_after_seconds,
                failure="busy",
            )
        except (TwilioRestException, TwilioServiceException) as refusal:
            return sort_refusal(status=refusal.status, code=refusal.code)
        except requests.RequestException as failure:
            return Delivery(
                outcome=DeliveryOutcome.TRY_AGAIN if _never_left(failure) else DeliveryOutcome.UNKNOWN
            )
        except (ValueError, TypeError, AttributeError):
            # A success whose body made no sense: the message has probably left.
            return Delivery(outcome=DeliveryOutcome.UNKNOWN)
        if not sent.sid:
            return Delivery(outcome=DeliveryOutcome.UNKNOWN)
        return Delivery(
            outcome=DeliveryOutcome.SENT, provider_message_id=sent.sid, error_code=sent.error_code
        )

    def _look_up(
        self, message: OutboundMessage, attempted_at: datetime, taken: frozenset[str]
    ) -> Delivery | None:
        since = attempted_at - timedelta(seconds=5)
        try:
            wanted = {text.strip() for text in self._find_bodies(message)}
            # No DateSent filter: a message still queued has no such date and would be missed.
            listed = self._client.messages.list(to=self._get_address(message), limit=200)
        except Exception as failure:
            raise OutcomeStillUnknown("Twilio could not be asked what became of a message.") from failure
        found = [
            sent
            for sent in listed
            if sent.sid
            and sent.sid not in taken
            and (sent.body or "").strip() in wanted
            and sent.date_created
            and sent.date_created >= since
        ]
        if not found:
            return None
        first = found[-1]  # listed newest first
        return Delivery(
            outcome=DeliveryOutcome.SENT, provider_message_id=first.sid, error_code=first.error_code
        )

    def _find_bodies(self, message: OutboundMessage) -> set[str]:
        """Every text that Twilio may list this message with: buttons are not part of it, written choices are."""
        if message.channel is not Channel.WHATSAPP:
            return {_sms_body(message)}
        if is_nudge(message) and self._settings.whatsapp_template is not None:
            return {message.text} | self._templates.fetch_bodies(self._settings.whatsapp_template)
        return {_readable(message.text), _readable(render_as_text(message, self._texts).body)}

    def _fetch(self, provider_message_id: str) -> ProviderStatus | None:
        try:
            held = self._client.messages(provider_message_id).fetch()
        except TwilioRestException as refusal:
            if refusal.status == 404:
                return None
            raise OutcomeStillUnknown("Twilio could not be asked what became of a message.") from refusal
        except Exception as failure:
            raise OutcomeStillUnknown("Twilio could not be asked what became of a message.") from failure
        if not held.status:
            return None
        return ProviderStatus(
            provider_message_id=provider_message_id,
            status=str(held.status).lower(),
            error_code=held.error_code,
        )

    def _get_fields(self, message: OutboundMessage) -> dict[str, Any]:
        fields: dict[str, Any] = {"to": self._get_address(message)}
        sender = self._get_sender(message.channel)
        fields["messaging_service_sid" if sender.startswith("MG") else "from_"] = sender
        if self._settings.status_callback_url:
            fields["status_callback"] = self._settings.status_callback_url
        if message.valid_for_seconds:
            fields["validity_period"] = message.valid_for_seconds
        return fields

    def _get_sender(self, channel: Channel) -> str:
        if channel is Channel.SMS:
            return self._settings.sms_from
        if channel is Channel.WHATSAPP and self._settings.whatsapp_from:
            return WHATSAPP_PREFIX + self._settings.whatsapp_from.removeprefix(WHATSAPP_PREFIX)
        raise SettingsInvalid(f"No Twilio sender is set for {channel.value}. Set WAYMARK_WHATSAPP_FROM.")

    def _get_address(self, message: OutboundMessage) -> str:
        return WHATSAPP_PREFIX + message.to if message.channel is Channel.WHATSAPP else message.to


def _never_left(failure: requests.RequestException) -> bool:
    if isinstance(failure, requests.ConnectTimeout):
        return True
    cause = failure.args[0] if failure.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _sms_body(message: OutboundMessage) -> str:
    return normalise_for_sms(_readable(message.text))


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
