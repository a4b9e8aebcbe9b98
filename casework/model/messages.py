"""What comes in, what goes out, and how a message is told apart from a copy of itself."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class Channel(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    WEBCHAT = "webchat"
    TELEGRAM = "telegram"


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """One message as its channel gave it.

    `(channel, provider_message_id)` names it for ever: a second copy is not a second message.
    `external_id` is the writer's address on that channel (E.164 number, web session id).
    `raw` is the whole request body, kept verbatim; `text` is what a person can read of it.
    """

    channel: Channel
    provider_message_id: str
    external_id: str
    text: str
    received_at: datetime
    raw: bytes = b""
    media_count: int = 0
    has_location: bool = False
    is_readable: bool = True


class Lane(IntEnum):
    """Outbox lanes, most urgent first."""

    SAFETY = 0
    ONE_TIME_CODE = 1
    STAFF = 2
    ASSISTANT = 3


class Author(StrEnum):
    """Who wrote a message. A victim is always told which."""

    PERSON = "person"  # the victim or whoever holds the phone
    ASSISTANT = "assistant"
    SERVICE = "service"  # fixed texts: safety lines, codes, holding text
    STAFF = "staff"


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"  # an attempt is recorded; its outcome is not known yet
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"  # looked up before any resend
    SUPPRESSED = "suppressed"  # never left: a person took over, or the plan forbids it


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """One message on its way out. `dedupe_key` is unique: asking twice writes it once."""

    conversation_id: str
    channel: Channel
    to: str
    text: str
    lane: Lane
    author: Author
    template: str
    dedupe_key: str
    epoch: int
    turn_id: str | None = None
    staff_id: str | None = None
    choices: tuple[str, ...] = field(default=())
    valid_for_seconds: int | None = None
