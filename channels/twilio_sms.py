"""Twilio's door for SMS and WhatsApp: forms in, REST calls out. Provider words end here.

Field names, error codes and their meaning: Twilio's messaging webhook and error pages.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import requests
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from casework.model.errors import SettingsInvalid, WaymarkError
from casework.model.messages import Channel, InboundMessage, OutboundMessage
from channels.twilio_signature import parse_form
from channels.twilio_transport import TooManyRequests, TwilioSettings, TwilioTransport

WHATSAPP_PREFIX = "whatsapp:"

# The recipient, not the moment, is the reason: asking again cannot help.
PERMANENT_CODES = frozenset({21610, 21211, 21614, 21408, 21612, 21617, 30005, 30006})
# A full queue or a rate limit: nothing was accepted, so asking later is safe.
BUSY_CODES = frozenset({20429, 21611, 30001, 63017, 63018})
# Wrong credentials or a closed account: our fault, not the message's, and mended by people.
ACCOUNT_STATUSES = frozenset({401, 403, 404})


class FormInvalid(WaymarkError):
    """A signed form that names no message, no writer, or an account that is not ours."""


class OutcomeStillUnknown(WaymarkError):
    """The provider could not be asked what became of a message; do not resend yet."""


class DeliveryOutcome(StrEnum):
    SENT = "sent"
    TRY_AGAIN = "try_again"  # nothing left; the same message may be sent later
    GIVE_UP = "give_up"  # it can never be sent as it is
    UNKNOWN = "unknown"  # it may have left; look it up before any resend


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of one attempt to send."""

    outcome: DeliveryOutcome
    provider_message_id: str | None = None
    error_code: int | None = None
    retry_after_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class ProviderStatus:
    """Twilio's news of one message we sent. Order is not guaranteed."""

    provider_message_id: str
    status: str
    error_code: int | None = None


def parse_inbound_sms(body: bytes, *, account_sid: str, received_at: datetime) -> InboundMessage:
    """The message in a webhook form whose signature was checked.

    Unreadable text is kept, with U+FFFD where a character was lost and `is_readable` False; never refused.
    Refuses (FormInvalid) a form without MessageSid or From, with either twice, or of another account.
    """
    fields = _Fields(body)
    if fields.get_identifier("AccountSid") != account_sid:
        raise FormInvalid("The form names another account than TWILIO_ACCOUNT_SID.")
    sender = fields.get_identifier("From")
    is_whatsapp = sender.startswith(WHATSAPP_PREFIX)
    if is_whatsapp:
        # Stays the same when the person hides the number behind a username; the number then does not arrive.
        sender = fields.find_identifier("ExternalUserId") or sender
    text, is_readable = _read_text(fields.find("Body") or b"")
    return InboundMessage(
        channel=Channel.WHATSAPP if is_whatsapp else Channel.SMS,
        provider_message_id=fields.get_identifier("MessageSid"),
        external_id=sender.removeprefix(WHATSAPP_PREFIX),
        text=text,
        received_at=received_at,
        raw=body,
        media_count=_read_number(fields.find("NumMedia")) or 0,
        has_location=bool(fields.find("Latitude") and fields.find("Longitude")),
        is_readable=is_readable,
    )


def parse_status(body: bytes) -> ProviderStatus:
    """The news in a status callback whose signature was checked. Refuses (FormInvalid) one without id."""
    fields = _Fields(body)
    return ProviderStatus(
        provider_message_id=fields.get_identifier("MessageSid"),
        status=fields.get_identifier("MessageStatus").lower(),
        error_code=_read_number(fields.find("ErrorCode")),
    )


class _Fields:
    """A form by name. A field given twice is refused when read: the signature cannot say which counts."""

    def __init__(self, body: bytes) -> None:
        self._values: dict[str, list[bytes]] = {}
        for name, value in parse_form(body):
            self._values.setdefault(name.decode("utf-8", "replace"), []).append(value)

    def find(self, name: str) -> bytes | None:
        values = self._values.get(name, [])
        if len(values) > 1:
            raise FormInvalid(f"The form has {name} more than once.")
        return values[0] if values else None

    def find_identifier(self, name: str) -> str | None:
        value = (self.find(name) or b"").decode("utf-8", "replace").strip()
        if not value.isprintable() or "\ufffd" in value or len(value) > 255:
            raise FormInvalid(f"The {name} of the form cannot be read.")
        return value or None

    def get_identifier(self, name: str) -> str:
        value = self.find_identifier(name)
        if value is None:
            raise FormInvalid(f"The form has no {name}.")
        return value


def _read_text(value: bytes) -> tuple[str, bool]:
    text = value.decode("utf-8", "replace").replace("\0", "\ufffd")
    # A person may really have sent U+FFFD; only what had to change is called unreadable.
    return text, text.encode() == value


def _read_number(value: bytes | None) -> int | None:
    return int(value) if value and value.isdigit() and len(value) <= 6 else None


class TwilioSender:
    """Sends by Twilio's REST API, each call once. It has no idempotency key: look up an unknown outcome."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._transport = TwilioTransport(settings)
        self._client = Client(settings.account_sid, settings.auth_token, http_client=self._transport)
        # Read from the environment by the library; the address is ours to choose.
        self._client.edge = self._client.region = None

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

    def close(self) -> None:
        self._transport.close()

    def _create(self, message: OutboundMessage) -> Delivery:
        try:
            sent = self._client.messages.create(**self._get_fields(message))
        except TooManyRequests as busy:
            return Delivery(
                outcome=DeliveryOutcome.TRY_AGAIN,
                error_code=20429,
                retry_after_seconds=busy.retry_after_seconds,
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
        wanted = _readable(message.text).strip()
        try:
            # No DateSent filter: a message still queued has no such date and would be missed.
            listed = self._client.messages.list(to=self._get_address(message), limit=200)
        except Exception as failure:
            raise OutcomeStillUnknown("Twilio could not be asked what became of a message.") from failure
        found = [
            sent
            for sent in listed
            if sent.sid
            and sent.sid not in taken
            and (sent.body or "").strip() == wanted
            and sent.date_created
            and sent.date_created >= since
        ]
        if not found:
            return None
        first = found[-1]  # listed newest first
        return Delivery(
            outcome=DeliveryOutcome.SENT, provider_message_id=first.sid, error_code=first.error_code
        )

    def _get_fields(self, message: OutboundMessage) -> dict[str, Any]:
        fields: dict[str, Any] = {"to": self._get_address(message), "body": _readable(message.text)}
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


def sort_refusal(*, status: int, code: int | None) -> Delivery:
    """What to do about an error answer to a send: Twilio's HTTP status and its own error code."""
    if status == 429 or code in BUSY_CODES:
        return Delivery(outcome=DeliveryOutcome.TRY_AGAIN, error_code=code)
    if status >= 500 or status == 408 or status < 400:
        return Delivery(outcome=DeliveryOutcome.UNKNOWN, error_code=code)
    if code not in PERMANENT_CODES and status in ACCOUNT_STATUSES:
        return Delivery(outcome=DeliveryOutcome.TRY_AGAIN, error_code=code)
    return Delivery(outcome=DeliveryOutcome.GIVE_UP, error_code=code)


def _never_left(failure: requests.RequestException) -> bool:
    if isinstance(failure, requests.ConnectTimeout):
        return True
    cause = failure.args[0] if failure.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
