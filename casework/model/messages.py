"""What comes in, what goes out, and how a message is told apart from a copy of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any


class Channel(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    WEBCHAT = "webchat"
    TELEGRAM = "telegram"
    EMAIL = "email"  # outgoing only: invites and notices; nothing is read from a mailbox


PHONES = (Channel.SMS, Channel.WHATSAPP)  # a number is the address


class Origin(StrEnum):
    """How a message reached us."""

    WEBHOOK = "webhook"
    SPOOL = "spool"  # the fallback address took it while the service was down
    SWEEP = "sweep"  # found in the provider's own list


# A webhook that takes less is live: their clock and ours may differ by that much.
PROMPT = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class InboundMedia:
    """A picture or file that came with a message: where the provider keeps it, and what it calls it."""

    source: str
    stated_type: str


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """One message as its channel gave it.

    `(channel, provider_message_id)` names it for ever: a second copy is not a second message.
    `external_id` is the writer's address on that channel (E.164 number, web session id).
    `raw` is the whole request body, kept verbatim; `text` is what a person can read of it.
    `choice` is what a button or list row of ours sent back: the writer's own text until it is looked up.
    `details` is what the channel says beside the text, in these keys alone: forwarded, frequently_forwarded (bool),
    edits, answers (a provider id), latitude, longitude (as written), place (name or address), profile_name,
    opt_out (STOP, START or HELP: the provider has acted on the word itself and answered it), phone (the number a
    writer with another id was seen with: it tells whose plan to keep, and proves nothing), redacted (bool: the
    provider took the words away), message_id (the channel's number of the message, where it can be edited), content
    (changes with all that we read of it), left_for (whom words left beside the chat are for: officer, case or plan).
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
    origin: Origin = Origin.WEBHOOK
    sent_at: datetime | None = None
    media: tuple[InboundMedia, ...] = ()
    choice: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def find_written_at(origin: Origin, sent_at: datetime | None, received_at: datetime) -> datetime:
    """When they wrote it. The channel's clock is believed only for what reached us late, however it came."""
    if sent_at is None or (origin is Origin.WEBHOOK and received_at - sent_at < PROMPT):
        return received_at
    return min(sent_at, received_at)


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


class SendKind(StrEnum):
    """What is about to leave, whoever wrote it: what a safe-contact plan is asked about."""

    ASSISTANT_REPLY = "assistant_reply"
    SAFETY_LINE = "safety_line"
    ONE_TIME_CODE = "one_time_code"
    STAFF_REPLY = "staff_reply"
    CANNED_TEXT = "canned_text"
    CASE_UPDATE = "case_update"
    INVITE = "invite"
    BROADCAST = "broadcast"
    CORRECTION = "correction"


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"  # an attempt is recorded; its outcome is not known yet
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"  # looked up before any resend
    HELD = "held"  # the channel's window is closed: it leaves when the person writes again
    SUPPRESSED = "suppressed"  # never left: a person took over, or the plan forbids it


class NotSentReason(StrEnum):
    """Why one of ours has not left, where neither the plan nor the provider is the reason. Stored beside its status."""

    PERSON_TOOK_OVER = "person_took_over"
    LEFT = "left"  # they closed the conversation before it left
    STOPPED = "stopped"  # they asked us to stop before it left
    THEY_WROTE = "they_wrote"  # a notice that words wait, needed no more
    ARRIVED_AFTER_ALL = "arrived_after_all"  # a second try, of what the first one brought
    OVERTAKEN = "overtaken"  # a second try, of what they have written past
    NO_SENDER = "no_sender"
    PACED = "paced"  # its turn comes: it is still waiting
    DRILL = "drill"  # nobody real is at the other end
    ASSISTANT_OFF = "assistant_off"  # the assistant was switched off before it left


class DeliveryState(StrEnum):
    """How far a message that left has got, in the order of `RANK_OF_STATE`; never goes back."""

    ACCEPTED = "accepted"
    SENDING = "sending"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


RANK_OF_STATE: dict[DeliveryState, int] = {
    DeliveryState.ACCEPTED: 0,
    DeliveryState.SENDING: 1,
    DeliveryState.SENT: 2,
    DeliveryState.UNDELIVERED: 3,
    DeliveryState.FAILED: 3,
    DeliveryState.DELIVERED: 4,
    DeliveryState.READ: 5,
}


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
    kind: SendKind
    turn_id: str | None = None
    staff_id: str | None = None
    choices: tuple[str, ...] = field(default=())
    menu_token: str | None = None
    valid_for_seconds: int | None = None
