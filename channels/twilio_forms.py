"""Twilio's forms in: an SMS or WhatsApp message, and the news of one of ours. Provider words end here.

The fields and their traps: Twilio's messaging webhook pages; what each is used for, docs/channels.md. The whole form
is kept with the message; a field that is not read here is not lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casework.adapters.settings import TWILIO_API_URL
from casework.model.errors import WaymarkError
from casework.model.messages import Channel, InboundMedia, InboundMessage
from channels.twilio_addresses import is_providers_own
from channels.twilio_signature import parse_form

WHATSAPP_PREFIX = "whatsapp:"
MOST_MEDIA = 10
LONGEST_IDENTIFIER = 128  # what the tables hold
LONGEST_DETAIL = 200
# 30038: Twilio took a text for somebody's one-time passcode and blanked it; the words are lost before they reach us.
REDACTED_CODE = 30038

# Exactly 34 characters: fields are signed without a mark between them, so a replayed form could otherwise carry a
# new id made of the old one and the field after it.
_MESSAGE_ID = re.compile(r"[A-Z]{2}[0-9a-f]{32}", re.IGNORECASE)
_PHONE_NUMBER = re.compile(r"\+[0-9]{7,15}")
# A country, a dot and Meta's own part. Anything else is no identity: a number above all is not.
_SCOPED_ID = re.compile(r"[A-Za-z]{2}\.[A-Za-z0-9][\w.-]{0,120}", re.ASCII)
_OPT_OUT_TYPES = ("STOP", "START", "HELP")


class FormInvalid(WaymarkError):
    """A signed form that names no message, no writer, or an account that is not ours."""


@dataclass(frozen=True, kw_only=True)
class ProviderStatus:
    """Twilio's news of one message we sent. Order is not guaranteed."""

    provider_message_id: str
    status: str
    error_code: int | None = None


def parse_inbound_sms(
    body: bytes, *, account_sid: str, received_at: datetime, api_url: str = TWILIO_API_URL
) -> InboundMessage:
    """The message in a webhook form whose signature was checked.

    Unreadable text is kept, with U+FFFD where a character was lost and `is_readable` False; never refused. Media is
    listed where it is at the provider's own address, https or on this machine; `media_count` counts all of it.
    Refuses (FormInvalid) a form without MessageSid or From, with either twice, or of another account.
    """
    fields = _Fields(body)
    if fields.get_identifier("AccountSid") != account_sid:
        raise FormInvalid("The form names another account than TWILIO_ACCOUNT_SID.")
    message_id = fields.get_identifier("MessageSid")
    if not _MESSAGE_ID.fullmatch(message_id):
        raise FormInvalid("The MessageSid of the form is not 34 characters of Twilio's.")
    writer = fields.get_identifier("From")
    is_whatsapp = writer.startswith(WHATSAPP_PREFIX)
    address = writer.removeprefix(WHATSAPP_PREFIX)
    text, is_readable = _read_text(fields.get_text("Body") or fields.pressed("ButtonText", "ListTitle"))
    media = tuple(_list_media(fields, api_url))
    is_redacted = _read_number(fields.find("ErrorCode")) == REDACTED_CODE
    return InboundMessage(
        channel=Channel.WHATSAPP if is_whatsapp else Channel.SMS,
        provider_message_id=message_id,
        external_id=_find_scoped_id(fields, address) if is_whatsapp else address,
        text=text,
        received_at=received_at,
        raw=body,
        media_count=max(_read_number(fields.find("NumMedia")) or 0, len(media)),
        has_location=bool(fields.find("Latitude") and fields.find("Longitude"))
        or fields.find_line("MessageType") == "location",
        is_readable=is_readable and not is_redacted,
        media=media,
        choice=fields.find_line("ButtonPayload") or fields.find_line("ListId"),
        details=dict(_list_details(fields, address, is_redacted=is_redacted)),
    )


def parse_status(body: bytes, *, account_sid: str | None = None) -> ProviderStatus:
    """The news in a status callback whose signature was checked.

    Refuses (FormInvalid) one without id, and one that names another account than `account_sid`.
    """
    fields = _Fields(body)
    if account_sid and (fields.find_line("AccountSid") or account_sid) != account_sid:
        raise FormInvalid("The form names another account than TWILIO_ACCOUNT_SID.")
    return ProviderStatus(
        provider_message_id=fields.get_identifier("MessageSid"),
        status=fields.get_identifier("MessageStatus").lower()[:32],
        error_code=_read_number(fields.find("ErrorCode")),
    )


def _find_scoped_id(fields: "_Fields", address: str) -> str:
    """The id that stays when the person hides the number behind a username; the number while there is none.

    Twilio names both while the number is visible, and the id alone, in From too, once it is not. What only looks like
    an id is not believed: it could be the number of somebody else.
    """
    named = (fields.find_line("ExternalUserId") or "").removeprefix(WHATSAPP_PREFIX)
    return named if _SCOPED_ID.fullmatch(named) else address


def _list_media(fields: "_Fields", api_url: str) -> Iterator[InboundMedia]:
    for number in range(MOST_MEDIA):
        source = fields.find_line(f"MediaUrl{number}", longest=2000)
        if source is not None and is_providers_own(source, api_url):
            stated_type = fields.find_line(f"MediaContentType{number}") or ""
            yield InboundMedia(source=source, stated_type=stated_type.lower())


def _list_details(fields: "_Fields", address: str, *, is_redacted: bool) -> Iterator[tuple[str, Any]]:
    """What the channel says beside the text, in the keys of `InboundMessage.details`."""
    for name, key in (("Forwarded", "forwarded"), ("FrequentlyForwarded", "frequently_forwarded")):
        if (fields.find_line(name) or "").lower() == "true":
            yield key, True
    for name, key in (("Latitude", "latitude"), ("Longitude", "longitude"), ("ProfileName", "profile_name")):
        if (value := fields.find_line(name, longest=LONGEST_DETAIL)) is not None:
            yield key, value
    place = [
        part for name in ("Label", "Address") if (part := fields.find_line(name, longest=LONGEST_DETAIL))
    ]
    if place:
        yield "place", ", ".join(place)
    if answered := fields.find_line("OriginalRepliedMessageSid"):
        yield "answers", answered
    if (kind := (fields.find_line("OptOutType") or "").upper()) in _OPT_OUT_TYPES:
        yield "opt_out", kind
    if _PHONE_NUMBER.fullmatch(address) and _find_scoped_id(fields, address) != address:
        yield "phone", address
    if is_redacted:
        yield "redacted", True


class _Fields:
    """A form by name. The signature cannot say which of two values counts, so neither does."""

    def __init__(self, body: bytes) -> None:
        self._values: dict[str, list[bytes]] = {}
        for name, value in parse_form(body):
            self._values.setdefault(name.decode("utf-8", "replace"), []).append(value)

    def find(self, name: str) -> bytes | None:
        """None as well for a field given twice: what is not needed is not worth a lost message."""
        values = self._values.get(name, [])
        return values[0] if len(values) == 1 else None

    def find_line(self, name: str, *, longest: int = LONGEST_IDENTIFIER) -> str | None:
        """What people and programs may read; what cannot be is left out, and stays in the form."""
        value = (self.find(name) or b"").decode("utf-8", "replace").strip()
        return (
            value
            if value and value.isprintable() and "\ufffd" not in value and len(value) <= longest
            else None
        )

    def get_text(self, name: str) -> bytes:
        self._refuse_two(name)
        return self.find(name) or b""

    def pressed(self, *names: str) -> bytes:
        """The words on the button or row, where a press brings no text of its own."""
        return next((value for name in names if (value := self.find(name))), b"")

    def get_identifier(self, name: str) -> str:
        self._refuse_two(name)
        if not (self.find(name) or b"").strip():
            raise FormInvalid(f"The form has no {name}.")
        value = self.find_line(name)
        if value is None:
            raise FormInvalid(f"The {name} of the form cannot be read.")
        return value

    def _refuse_two(self, name: str) -> None:
        if len(self._values.get(name, [])) > 1:
            raise FormInvalid(f"The form has {name} more than once.")


def _read_text(value: bytes) -> tuple[str, bool]:
    text = value.decode("utf-8", "replace").replace("\0", "\ufffd")
    # A person may really have sent U+FFFD; only what had to change is called unreadable.
    return text, text.encode() == value


def _read_number(value: bytes | None) -> int | None:
    return int(value) if value and value.isdigit() and len(value) <= 6 else None
