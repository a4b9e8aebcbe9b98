"""What the services need of the outside, as protocols. The adapters give it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from casework.model.bands import BandLimits, Learned, Wish
from casework.model.cases import Case
from casework.model.desk import CheckAnswer, DeskItem, Grade, HandoffReason, ItemEvidence, Outcome
from casework.model.disclosures import ScreenResult
from casework.model.messages import Author, Channel, InboundMessage, OutboundMessage, OutboxStatus
from casework.model.standings import Standing

JsonObject = dict[str, Any]
Result = TypeVar("Result")


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""


# --- values that cross the storage boundary -----------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Conversation:
    id: str
    channel: Channel
    external_id: str
    state: JsonObject | None
    epoch: int
    owner_id: str | None
    owned_since: datetime | None
    last_inbound_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class LeasedTurn:
    """A turn this worker may finish while `fence` is still current."""

    id: str
    inbox_id: int
    conversation: Conversation
    text: str
    received_at: datetime
    screen: ScreenResult
    fence: int
    attempts: int


@dataclass(frozen=True, kw_only=True)
class LeasedDelivery:
    """An outbox row this worker may send while `fence` is still current."""

    outbox_id: int
    message: OutboundMessage
    fence: int
    attempts: int
    was_unknown: bool  # an earlier attempt may have left: look it up before sending
    first_attempt_at: datetime | None
    is_withdrawn: bool = False  # the assistant's, and a person has taken over since it was written


@dataclass(frozen=True, kw_only=True)
class CodeRequest:
    id: str
    conversation_id: str
    reference: str
    requested_at: datetime


@dataclass(frozen=True, kw_only=True)
class PendingCode:
    """The newest code a conversation may still give; `crime_reference` is None for a decoy."""

    id: str
    code_hash: str
    crime_reference: str | None
    failures: int


@dataclass(frozen=True, kw_only=True)
class TranscriptEntry:
    """One message as a page shows it. `key` is stable: `in-12`, `out-34`."""

    key: str
    at: datetime
    author: Author
    author_name: str | None
    text: str
    status: OutboxStatus | None
    screen: ScreenResult | None
    media_count: int = 0
    has_location: bool = False
    choices: tuple[str, ...] = field(default=())
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    id: str
    login: str
    display_name: str
    role: str
    password_hash: str


@dataclass(frozen=True, kw_only=True)
class StaffSession:
    staff: StaffMember
    csrf_token: str


# --- repositories -------------------------------------------------------------------------------


class Conversations(Protocol):
    def open(self, channel: Channel, external_id: str) -> Conversation:
        """Finds or makes the conversation, and holds it until the transaction ends."""

    def get(self, conversation_id: str) -> Conversation:
        """Raises ConversationNotFound."""

    def hold(self, conversation_id: str) -> Conversation:
        """As `get`, and nobody else can change it until the transaction ends."""

    def claim(self, conversation_id: str, staff_id: str) -> bool:
        """True if nobody owned it; the epoch moves on."""

    def release(self, conversation_id: str, staff_id: str) -> bool:
        """True if that person owned it; the epoch moves on."""

    def record_state(self, conversation_id: str, state: JsonObject, *, epoch: int) -> bool:
        """False, and nothing written, when the epoch has moved or a person owns it."""


class Inbox(Protocol):
    def record(self, message: InboundMessage, conversation_id: str, screen: ScreenResult) -> int | None:
        """The row's id, or None when this message is already stored."""

    def latest_id(self, conversation_id: str) -> int | None: ...

    def list_earlier(
        self,
        conversation_id: str,
        *,
        before: datetime,
        limits: BandLimits,
        before_id: int | None = None,
    ) -> list[str]:
        """The person's last texts within `limits`, oldest first, each cut to its end.

        None from before a person last closed an item: what was dealt with is not read again. Costs the
        same however long the conversation is.
        """


class Turns(Protocol):
    def record_waiting(self, inbox_id: int, conversation_id: str) -> str: ...

    def record_finished(self, inbox_id: int, conversation_id: str, outcome: str) -> str: ...

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedTurn | None:
        """The oldest unfinished turn whose conversation has none before it and none in flight."""

    def finish(self, turn: LeasedTurn, outcome: str) -> bool:
        """False when the lease was lost: the caller must write nothing more."""

    def renew(self, worker_id: str, *, lease_seconds: float) -> None: ...

    def release(self, turn: LeasedTurn) -> None:
        """Lets the lease run out: the worker's renewals no longer reach it."""


class Outbox(Protocol):
    def record(
        self,
        message: OutboundMessage,
        *,
        decision: str,
        status: OutboxStatus = OutboxStatus.WAITING,
        reason: str | None = None,
    ) -> int | None:
        """The row's id, or None when its dedupe key is already there."""

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedDelivery | None:
        """Most urgent lane first; within a conversation strictly in order."""

    def record_outcome(
        self,
        delivery: LeasedDelivery,
        status: OutboxStatus,
        *,
        provider_message_id: str | None = None,
        error_code: str | None = None,
        retry_at: datetime | None = None,
        redact_to: str | None = None,
    ) -> bool:
        """False when the lease was lost."""

    def renew(self, worker_id: str, *, lease_seconds: float) -> None: ...

    def suppress_waiting(self, conversation_id: str, *, authors: Sequence[Author], reason: str) -> int: ...

    def find_by_provider_id(self, provider_message_id: str) -> tuple[int, str] | None:
        """(outbox id, conversation id)."""

    def list_provider_ids(self, conversation_id: str) -> list[str]:
        """The provider's ids of the messages already sent in this conversation, newest first."""

    def has_failed_event(self, provider_message_id: str) -> bool:
        """Whether the provider has already told of a failure of this message."""

    def record_event(self, provider_message_id: str, status: str, error_code: str | None) -> None: ...


class Desk(Protocol):
    def record_item(
        self,
        *,
        conversation_id: str,
        reason: HandoffReason,
        grade: Grade,
        dedupe_key: str,
        inbox_id: int | None = None,
        tier: int | None = None,
        category: str | None = None,
        owner_id: str | None = None,
        evidence: Sequence[ItemEvidence] = (),
        quiet_due_at: datetime | None = None,
    ) -> str | None:
        """The item's id, or None when its dedupe key is already there.

        From `quiet_due_at` on a silence of the person is looked for; None: never.
        """

    def find_open(self, conversation_id: str, reason: HandoffReason) -> str | None: ...

    def find_check(self, conversation_id: str) -> DeskItem | None:
        """The conversation's open or claimed CHECK item."""

    def raise_check(
        self,
        item_id: str,
        *,
        grade: Grade,
        tier: int | None,
        category: str | None,
        evidence: Sequence[ItemEvidence],
    ) -> None:
        """Rewrites what the item is about; its place by waiting time stays."""

    def record_asked(self, item_id: str) -> None: ...

    def record_answer(self, item_id: str, answer: CheckAnswer) -> None: ...

    def restart_silence(self, conversation_id: str) -> None:
        """The person wrote again: items that said "has gone quiet" say it no more, and are timed anew."""

    def next_quiet_due(self) -> DeskItem | None:
        """An unclaimed item whose time to look for a silence has come."""

    def postpone_quiet(self, item_id: str, due_at: datetime) -> None: ...

    def record_quiet(self, item_id: str, since: datetime) -> bool:
        """False, and nothing written, when the item is no longer unclaimed or was told of already."""

    def list_queue(self, *, limit: int = 500, after: DeskItem | None = None) -> list[DeskItem]:
        """Open and claimed items: grade, then those gone quiet, then the longest wait."""

    def list_of_conversation(self, conversation_id: str) -> list[DeskItem]: ...

    def claim_all(self, conversation_id: str, staff_id: str) -> None: ...

    def reopen_all(self, conversation_id: str) -> None: ...

    def close_all(self, conversation_id: str, outcome: Outcome) -> int: ...


class Cases(Protocol):
    def record_all(self, cases: Sequence[Case]) -> int: ...

    def find(self, crime_reference: str) -> Case | None: ...

    def count(self) -> int: ...


class Standings(Protocol):
    def find(self, conversation_id: str) -> tuple[Standing, str | None]:
        """(standing, crime reference); (UNKNOWN, None) when nothing was proved."""

    def record(self, conversation_id: str, crime_reference: str, level: Standing, *, method: str) -> None: ...


class Codes(Protocol):
    def request(self, conversation_id: str, reference: str) -> str: ...

    def next_requested(self) -> CodeRequest | None: ...

    def count_requests(self, conversation_id: str, *, since: datetime) -> int: ...

    def count_sends(self, crime_reference: str, *, since: datetime) -> int: ...

    def issue(
        self, request_id: str, *, code_hash: str, crime_reference: str | None, expires_at: datetime
    ) -> bool: ...

    def find_pending(self, conversation_id: str, *, max_failures: int) -> PendingCode | None: ...

    def count_failure(self, code_id: str) -> None: ...

    def consume(self, code_id: str) -> None: ...

    def has_asked(self, conversation_id: str) -> bool:
        """True while a request is waiting or its code could still be given, real or decoy."""


class Transcripts(Protocol):
    def list_latest(self, conversation_id: str, *, limit: int = 200) -> list[TranscriptEntry]:
        """Oldest first."""


class Staff(Protocol):
    def add(self, *, login: str, display_name: str, role: str, password_hash: str) -> str: ...

    def find(self, login: str) -> StaffMember | None: ...

    def get(self, staff_id: str) -> StaffMember: ...

    def open_session(self, token_hash: str, staff_id: str, csrf_token: str) -> None: ...

    def find_session(self, token_hash: str, *, idle_since: datetime) -> StaffSession | None: ...

    def touch_session(self, token_hash: str) -> None: ...

    def end_session(self, token_hash: str) -> None: ...


class WebSessions(Protocol):
    def open(self, token_hash: str, external_id: str) -> None: ...

    def find(self, token_hash: str, *, idle_since: datetime) -> str | None:
        """The session's external id; None when ended, idle or unknown."""

    def touch(self, token_hash: str) -> None: ...

    def end(self, token_hash: str) -> None: ...


class Audit(Protocol):
    def record(
        self, act: str, *, by: str, conversation_id: str | None = None, thing: str | None = None
    ) -> None: ...


class Beats(Protocol):
    def beat(self, worker_id: str) -> None: ...

    def newest(self) -> datetime | None: ...


class Transaction(Protocol):
    """One database transaction; everything written through it commits together or not at all."""

    @property
    def now(self) -> datetime: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def standings(self) -> Standings: ...
    @property
    def codes(self) -> Codes: ...
    @property
    def transcripts(self) -> Transcripts: ...
    @property
    def staff(self) -> Staff: ...
    @property
    def web_sessions(self) -> WebSessions: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def beats(self) -> Beats: ...


class Store(Protocol):
    """Runs work in one transaction. Work may be run again, so it must have no other effect."""

    async def write(self, work: Callable[[Any], Result]) -> Result: ...

    async def read(self, work: Callable[[Any], Result]) -> Result: ...


# --- the assistant and the senders --------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AssistantReply:
    response: str
    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AssistantAnswer:
    """Everything one turn gives: what to say, what to do, and the state to keep."""

    replies: tuple[AssistantReply, ...]
    effects: tuple[JsonObject, ...]
    state: JsonObject
    model: str
    learned: Learned | None = None
    wish: Wish | None = None


class Assistant(Protocol):
    async def ask(
        self, *, turn_id: str, conversation: str, text: str, state: JsonObject | None, facts: JsonObject
    ) -> AssistantAnswer:
        """Raises AssistantUnavailable for anything but a whole answer."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one attempt to send came to."""

    status: OutboxStatus  # SENT, FAILED, UNKNOWN, or WAITING for "try again"
    provider_message_id: str | None = None
    error_code: str | None = None
    retry_after_seconds: float | None = None


class Sender(Protocol):
    async def deliver(self, message: OutboundMessage) -> Delivery: ...

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        """What the provider knows of a message whose outcome we never learnt; None if it holds none."""
