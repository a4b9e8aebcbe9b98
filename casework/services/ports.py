"""What the services need of the outside, as protocols. The adapters give it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from casework.model.bands import BandLimits, Learned, Wish
from casework.model.bulk_brake import ImportStatus, StoredImport
from casework.model.case_changes import FeedEvent, Settled, StoredCase
from casework.model.cases import Case
from casework.model.delivery_states import Reached
from casework.model.desk import CheckAnswer, DeskItem, Grade, HandoffReason, ItemEvidence, Outcome
from casework.model.disclosures import ScreenResult
from casework.model.messages import (
    Author,
    Channel,
    DeliveryState,
    InboundMedia,
    InboundMessage,
    Lane,
    Origin,
    OutboundMessage,
    OutboxStatus,
)
from casework.model.notices import CaseNotice
from casework.model.officer_messages import MessageStatus, OfficerMessage
from casework.model.promises import Promise, PromiseKind, PromiseStatus
from casework.model.safe_contact import SafeContactPlan
from casework.model.standings import Standing
from casework.model.throttles import Throttle
from casework.services.access_ports import AccessRequests
from casework.services.comparison_ports import Comparisons, Evaluations
from casework.services.content_ports import ContentRef, Contents
from casework.services.conversation_ports import (
    CannedReplies,
    Drafts,
    Endings,
    FollowUps,
    HandBacks,
    PersonThreads,
    StaffNotes,
)
from casework.services.desk_ports import QueueFacts, Regrades, Shifts, Transfers
from casework.services.disclosure_export_ports import ExportReads
from casework.services.drill_ports import Drills
from casework.services.guest_ports import GuestLabels, Guests
from casework.services.job_ports import Jobs
from casework.services.keeping_ports import Erasures, Holds, ProviderRedactions, RetentionRows
from casework.services.ladder_ports import LadderSteps, Rota, StaffNotices
from casework.services.masking_ports import MaskingReads, TrainingFlags, Unmaskings
from casework.services.model_ports import ModelReleases
from casework.services.review_ports import (
    Annotations,
    Examples,
    RecordedTurns,
    ReviewItems,
    ReviewReads,
)
from casework.services.shadow_ports import Shadows
from casework.services.supervision_ports import (
    Boards,
    Breaks,
    Broadcasts,
    Exposures,
    IntakePauses,
    MeasureReads,
    Quality,
)
from casework.services.switch_ports import AssistantSwitch, RestoreGaps, Trials
from casework.services.work_ports import WaitingWork

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
    awaiting_since: datetime | None = None  # their oldest message no person has answered; None: none waits
    is_drill: bool = False  # a synthetic victim's: nothing may leave for it
    model_id: str | None = None  # which model of the assistant they talk with
    model_at: datetime | None = None  # when it last answered


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
    is_reworded: bool = False  # `text` is not what they wrote, but the choice or wish it stands for
    left_for: str | None = (
        None  # left on a page of its own, which says what becomes of it: read here, not answered
    )


@dataclass(frozen=True, kw_only=True)
class NewestTurn:
    """What became, or has yet to become, of the last thing somebody wrote."""

    id: str
    outcome: str | None


@dataclass(frozen=True, kw_only=True)
class SentChoices:
    """The choices of a message that left, perhaps none, and when it did."""

    choices: tuple[str, ...]
    at: datetime


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
    is_drill: bool = False  # nobody real is at the other end: kept, and never sent
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StoredDelivery:
    """An outbox row as it stands, whatever became of it."""

    outbox_id: int
    message: OutboundMessage
    created_at: datetime
    delivery_state: DeliveryState | None
    sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SilentMessage:
    """A message that left and of which nothing final was heard."""

    outbox_id: int
    channel: Channel
    provider_message_id: str


@dataclass(frozen=True, kw_only=True)
class ProviderNews:
    """A provider's word for how far a message got, and its code where it failed."""

    word: str
    error_code: str | None = None


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
    reference: str  # as it was typed
    code_hash: str
    crime_reference: str | None
    failures: int


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One proof of a standing that has not been ended, as stored. Times aware UTC."""

    id: int
    crime_reference: str
    level: Standing
    method: str
    channel: Channel
    proved_at: datetime
    last_used_at: datetime | None
    contact_confirmed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Passkey:
    """A passkey of a person, on some device of theirs. Times aware UTC."""

    id: str
    person_id: str
    credential_id: str  # as the browser names it: base64url without padding
    public_key: bytes = field(repr=False)  # COSE, as the device gave it
    sign_count: int  # how often it had signed when last seen; 0 for one that does not count
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class FeedbackRow:
    """What one person answered: question -> 1 (very dissatisfied) to 5 (very satisfied), without what they left out."""

    answers: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class OpenedInvite:
    """An invite that has just been used, once and for ever."""

    id: str
    crime_reference: str
    by_way_of: str


@dataclass(frozen=True, kw_only=True)
class InviteWord:
    """An invite whose word was sent to a number and may still be answered from it."""

    invite_id: str
    word_hash: str


@dataclass(frozen=True, kw_only=True)
class ToldCase:
    """A notice of a case that left. The address is None when the outbox row of the notice is not known."""

    notice_id: str
    crime_reference: str
    conversation_id: str | None
    channel: str | None
    to: str | None


@dataclass(frozen=True, kw_only=True)
class Reach:
    """One case of a person, with all that decides how they may be reached."""

    person_id: str
    crime_reference: str
    crime_type: str
    safe_contact: str
    stored_plan: SafeContactPlan | None  # agreed with the person; None: as the case file says
    contact_mobile: str | None
    contact_confirmed_at: datetime | None
    is_suspended: bool  # signs that the contact of record is somebody else's now


@dataclass(frozen=True, kw_only=True)
class DuressCheck:
    """A message of somebody who has agreed words that mean "I am not free to speak"."""

    inbox_id: int
    conversation_id: str
    channel: Channel
    external_id: str


class ClockStatus(StrEnum):
    RUNNING = "running"
    UNDATED = "undated"  # the bank holidays of its due day are not known; `due_on` is when to look again
    OVERDUE = "overdue"  # and the desk was told
    MET = "met"
    VOID = "void"  # what started it was taken back, or began earlier than was thought


@dataclass(frozen=True, kw_only=True)
class StoredClock:
    """A clock of the Victims' Code that runs, or ran, for one event of one case. Times aware UTC."""

    id: str
    crime_reference: str
    clock_id: str
    right: str
    event_id: str
    started_by: str  # the stage or kind of event, as `what_happened` names it
    started_at: datetime
    due_on: date
    is_enhanced: bool
    status: ClockStatus
    met_at: datetime | None = None
    read_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status not in (ClockStatus.MET, ClockStatus.VOID)


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
    origin: Origin = Origin.WEBHOOK
    sent_at: datetime | None = None
    read_as: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    delivery_state: DeliveryState | None = None
    provider_message_id: str | None = None
    outcome: str | None = None  # what became of the turn, of a message that came
    channel: Channel | None = None  # which way it left, of ours


@dataclass(frozen=True, kw_only=True)
class OptOut:
    """Why somebody is not to be texted unasked, or cannot be texted at all."""

    how: str  # asked: their own word; provider: the provider refuses what we send
    word: str  # the word, or the provider's code
    since: datetime


class MediaStatus(StrEnum):
    WAITING = "waiting"
    KEPT = "kept"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class LeasedMedia:
    media_id: int
    channel: Channel
    conversation_id: str
    source: str
    stated_type: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class StoredMedia:
    """One picture or file as the desk lists it; the bytes are read apart."""

    media_id: int
    inbox_id: int
    conversation_id: str
    position: int
    status: MediaStatus
    reason: str | None
    stated_type: str
    found_type: str | None
    size: int | None


@dataclass(frozen=True, kw_only=True)
class SweepCount:
    listed_in: int = 0
    missing_in: int = 0
    listed_out: int = 0
    missing_out: int = 0


@dataclass(frozen=True, kw_only=True)
class SweepRun:
    started_at: datetime
    finished_at: datetime
    counted: SweepCount


@dataclass(frozen=True, kw_only=True)
class HeldCount:
    """Of the messages the provider lists for a conversation since then, how many we hold."""

    since: datetime
    listed: int
    held: int
    counted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Something the service cannot put right by itself. `kind` names the words in console/templates/words.toml."""

    kind: str
    detail: str
    since: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    id: str
    login: str
    display_name: str
    role: str
    password_hash: str
    collar_number: str | None = None
    issuer: str | None = None  # of the force's identity provider; None: an account of the desk's own


@dataclass(frozen=True, kw_only=True)
class StaffSession:
    staff: StaffMember
    csrf_token: str
    proved_at: datetime | None = None  # when they last proved who they are


# --- repositories -------------------------------------------------------------------------------


class Conversations(Protocol):
    def open(self, channel: Channel, external_id: str) -> Conversation:
        """Finds or makes the conversation, and holds it until the transaction ends."""

    def get(self, conversation_id: str) -> Conversation:
        """Raises ConversationNotFound."""

    def hold(self, conversation_id: str) -> Conversation:
        """As `get`, and nobody else can change it until the transaction ends."""

    def release(self, conversation_id: str, staff_id: str) -> bool:
        """True if that person owned it; the epoch moves on."""

    def pass_on(self, conversation_id: str, *, from_id: str | None, to_id: str) -> bool:
        """True if it was `from_id`'s, or nobody's where that is None; the epoch moves on."""

    def record_state(self, conversation_id: str, state: JsonObject, *, epoch: int) -> bool:
        """False, and nothing written, when the epoch has moved or a person owns it."""


class Inbox(Protocol):
    def record(self, message: InboundMessage, conversation_id: str, screen: ScreenResult) -> int | None:
        """The row's id, or None when this message is already stored."""

    def record_reading(self, inbox_id: int, read_as: str) -> None:
        """What the assistant is asked in place of the text; the text stays as it was written."""

    def is_overtaken(self, inbox_id: int, conversation_id: str, *, sent_at: datetime) -> bool:
        """Whether something they wrote after that moment was stored before this message."""

    def latest_id(self, conversation_id: str) -> int | None: ...

    def get_text(self, inbox_id: int) -> str: ...

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

    def list_earlier_with_ids(
        self,
        conversation_id: str,
        *,
        before: datetime,
        limits: BandLimits,
        before_id: int | None = None,
    ) -> list[tuple[int, str]]:
        """The same texts, each with its id."""


class Turns(Protocol):
    def record_waiting(self, inbox_id: int, conversation_id: str) -> str: ...

    def record_finished(self, inbox_id: int, conversation_id: str, outcome: str) -> str: ...

    def find_newest(self, conversation_id: str) -> NewestTurn | None:
        """That of the message written last; what was found late counts from when it was written."""

    def find_written_at(self, turn_id: str) -> datetime | None:
        """When its message was written, as far as anybody knows; None where there is no such turn."""

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedTurn | None:
        """The oldest unfinished turn whose conversation has none before it and none in flight."""

    def finish(self, turn: LeasedTurn, outcome: str) -> bool:
        """False when the lease was lost: the caller must write nothing more."""

    def renew(self, worker_id: str, turn_ids: Collection[str], *, lease_seconds: float) -> None:
        """Of those that the worker has in hand, the leases that are still its own."""


class OptOuts(Protocol):
    def record(self, channel: Channel, external_id: str, *, how: str, word: str) -> bool:
        """Opens one unless one of that kind is open; whether it is new. `how`: asked or provider."""

    def find(self, channel: Channel, external_id: str) -> tuple[OptOut, ...]:
        """Those still open, oldest first."""

    def end(self, channel: Channel, external_id: str, *, how: str, before: datetime | None = None) -> int:
        """How many ended. `before`: only those begun before that moment."""

    def record_told(self, channel: Channel, external_id: str) -> bool:
        """Whether this is the first time ever that they are told it is done."""


class MediaStore(Protocol):
    def record(self, inbox_id: int, media: Sequence[InboundMedia]) -> None: ...

    def lease_next(self, *, lease_seconds: float) -> LeasedMedia | None:
        """The next to fetch; others see it again when the lease is over."""

    def postpone(self, media_id: int, *, until: datetime) -> None:
        """Not fetched, and not tried again before then."""

    def keep(self, media_id: int, content: bytes, *, found_type: str, sha256: str) -> None: ...

    def give_up(self, media_id: int, *, status: MediaStatus, reason: str) -> None: ...

    def list_of_conversation(self, conversation_id: str, *, limit: int = 200) -> list[StoredMedia]: ...

    def find(self, media_id: int) -> tuple[StoredMedia, bytes | None] | None: ...


class Menus(Protocol):
    def find(self, conversation_id: str, menu_token: str) -> tuple[str, ...]:
        """The choices of the message that token names; () for one of another conversation or of none."""

    def find_newest_sent(self, conversation_id: str, *, until: datetime) -> SentChoices | None:
        """Of the newest message that had left by then, as far as is known."""

    def has_sent(self, conversation_id: str, *, since: datetime) -> bool:
        """Whether any choices left since then."""


class Sweeps(Protocol):
    def start(self, provider: str) -> int: ...

    def finish(self, run_id: int, counted: SweepCount, *, fault: str | None = None) -> None: ...

    def find_newest(self, provider: str) -> SweepRun | None:
        """The newest that finished without a fault."""

    def ask(self, provider: str) -> None:
        """Somebody has reason to think that messages were missed: the next look is now."""

    def is_asked(self, provider: str) -> bool: ...

    def find_conversations_in(self, channel: Channel, provider_ids: Sequence[str]) -> dict[str, str]:
        """The conversation of each message that we hold; those we do not are left out."""

    def find_conversations_out(self, provider_ids: Sequence[str]) -> dict[str, str]: ...

    def find_conversations_with(self, channel: Channel, external_ids: Sequence[str]) -> dict[str, str]: ...

    def list_sent(self, channels: Sequence[Channel], *, since: datetime, until: datetime) -> list[str]:
        """The provider's ids of the messages that left in that time."""

    def find_states(self, provider_ids: Sequence[str]) -> dict[str, DeliveryState | None]:
        """How far each of our messages is known to have got."""

    def look_up_now(self, channel: Channel, to: str, *, until: datetime) -> int:
        """How many sends to there of before `until` have an outcome we never learnt; each is now looked up first."""

    def record_held(self, conversation_id: str, *, since: datetime, listed: int, held: int) -> None: ...

    def find_held(self, conversation_id: str) -> HeldCount | None: ...


class Paces(Protocol):
    def hold(self, sender: str, *, full: float) -> tuple[float, datetime]:
        """Tokens left and when that was counted; nobody else counts there until the commit. New ones are full."""

    def save(self, sender: str, tokens: float, *, counted_at: datetime) -> None: ...

    def count_ahead(self, dedupe_key: str) -> int:
        """Of what waits on the same channel and could leave, how many come before that outbox row; a few hundred
        are as good as more."""

    def has_urgent_waiting(self, channel: Channel) -> bool:
        """Whether a safety line or a code was put back on that channel for want of room and has not left yet."""

    def add_spend(self, day: date, kind: str, segments: int) -> int:
        """What the day has come to with these."""

    def find_spend(self, day: date, kind: str) -> int: ...


class Alarms(Protocol):
    def sound(self, kind: str, detail: str) -> bool:
        """Opens the alarm or notes that it still holds; whether it is new."""

    def end(self, kind: str) -> bool: ...

    def list_open(self) -> list[Alarm]: ...


class Outbox(Protocol):
    def was_written(self, conversation_id: str, template: str, *, since: datetime) -> bool:
        """Whether a message of that template was written there since then, and may leave or has left."""

    def record(
        self,
        message: OutboundMessage,
        *,
        decision: str,
        status: OutboxStatus = OutboxStatus.WAITING,
        reason: str | None = None,
        not_before: datetime | None = None,
    ) -> int | None:
        """The row's id, or None when its dedupe key is already there. Called by `outgoing` alone."""

    def lease_next(self, worker_id: str, *, lease_seconds: float) -> LeasedDelivery | None:
        """Most urgent lane first; within a conversation strictly in order, but for what must wait for its hour."""

    def is_leased(self, delivery: LeasedDelivery) -> bool:
        """Whether nobody has leased it since."""

    def postpone(self, delivery: LeasedDelivery, *, until: datetime) -> bool:
        """Not sent, and not before then: the plan allows it from that hour. False when the lease was lost."""

    def record_outcome(
        self,
        delivery: LeasedDelivery,
        status: OutboxStatus,
        *,
        provider_message_id: str | None = None,
        error_code: str | None = None,
        failure: str | None = None,
        retry_at: datetime | None = None,
        redact_to: str | None = None,
    ) -> bool:
        """False when the lease was lost. What the desk shows as the reason is the failure, else the code."""

    def put_back(self, delivery: LeasedDelivery, *, until: datetime) -> bool:
        """Not sent for pace's sake; the attempt is not counted and nothing overtakes it. False: lease lost."""

    def put_off(self, outbox_id: int, *, until: datetime) -> None:
        """A waiting row waits until then, or longer if it had to anyway."""

    def get(self, outbox_id: int) -> StoredDelivery:
        """A row that is known to be there."""

    def set_reason(self, outbox_id: int, reason: str | None) -> None: ...

    def has_written_since(self, outbox_id: int, *, copies: str) -> bool:
        """Whether anything was written to them after that row, but for rows whose dedupe key ends with `copies`."""

    def project_news(self, outbox_id: int) -> tuple[DeliveryState | None, Reached] | None:
        """Writes down how far the message got, if all its news together say more than is written: what was
        written before, and what is now. None when nothing changed."""

    def take_silent(
        self,
        channels: Sequence[Channel],
        *,
        left_after: datetime,
        not_since: datetime,
        young_after: datetime,
        young_not_since: datetime,
    ) -> SilentMessage | None:
        """A message that left after then, is not known to have arrived or failed, and of which nothing was heard
        or asked since `not_since`; since `young_not_since`, if it left after `young_after`. It counts as asked."""

    def renew(self, worker_id: str, outbox_ids: Collection[int], *, lease_seconds: float) -> None:
        """As of a turn."""

    def suppress_waiting(self, conversation_id: str, *, authors: Sequence[Author], reason: str) -> int: ...

    def find_by_provider_id(self, provider_message_id: str) -> tuple[int, str] | None:
        """(outbox id, conversation id)."""

    def list_provider_ids(self, conversation_id: str) -> list[str]:
        """The provider's ids of the messages already sent in this conversation, newest first."""

    def record_event(self, provider_message_id: str, status: str, error_code: str | None) -> None:
        """Whatever the word, and whether or not the message is known yet."""


class HeldMessages(Protocol):
    def release(self, conversation_id: str) -> int:
        """What is held there leaves now, in its order; how many."""

    def list_in_lane(self, conversation_id: str, lane: Lane) -> list[int]:
        """Outbox ids of what is held there, the oldest first."""

    def give_up(self, outbox_id: int, *, reason: str) -> None:
        """It does not leave any more: kept as failed. Nothing for one that is not held."""

    def find_newest(self, conversation_id: str) -> int | None:
        """The message held there that was written last."""

    def withdraw_nudges(
        self, conversation_ids: Sequence[str], key_starts: tuple[str, ...], *, reason: str
    ) -> int:
        """Those waiting in these conversations whose dedupe key starts with one of these."""


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

    def raise_open(self, conversation_id: str, *, highest: Grade) -> int:
        """Every open or claimed item of it one grade up, none above `highest`; how many moved."""

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

    def record_answered(self, conversation_id: str) -> None:
        """A person's words leave: the clocks of what is open there stop. Called by `desk.reply_as_staff` alone."""

    def record_asked(self, item_id: str) -> None: ...

    def record_answer(self, item_id: str, answer: CheckAnswer) -> None: ...

    def restart_silence(self, conversation_id: str) -> None:
        """The person wrote again: items that said "has gone quiet" say it no more, and are timed anew."""

    def next_quiet_due(self) -> DeskItem | None:
        """An unclaimed item whose time to look for a silence has come."""

    def postpone_quiet(self, item_id: str, due_at: datetime) -> None: ...

    def record_quiet(self, item_id: str, since: datetime) -> bool:
        """False, and nothing written, when the item is no longer unclaimed or was told of already."""

    def get(self, item_id: str) -> DeskItem:
        """Raises DeskItemNotFound."""

    def set_grade(self, item_id: str, grade: Grade) -> None: ...

    def count_owned(self, staff_id: str) -> int:
        """Conversations they have, whatever is open in them."""

    def count_urgent_of(self, staff_id: str) -> int:
        """Conversations of theirs with an open item of grade 1 or 2."""

    def pass_all_on(self, conversation_id: str, staff_id: str) -> None:
        """Every item that is not closed is theirs now."""

    def list_facts(self) -> dict[str, QueueFacts]:
        """Of every conversation on the queue, by its id."""

    def find_newest(self) -> datetime | None:
        """When the newest item on the queue came; far cheaper than the queue."""

    def list_queue(
        self, *, limit: int = 500, after: DeskItem | None = None, with_evidence: bool = True
    ) -> list[DeskItem]:
        """Open and claimed items: grade, then those gone quiet, then the longest wait.

        Without their evidence reading hundreds costs half; a list shows none.
        """

    def list_of_conversation(self, conversation_id: str) -> list[DeskItem]: ...

    def reopen_all(self, conversation_id: str) -> None: ...

    def close_all(self, conversation_id: str, outcome: Outcome) -> int: ...


class Cases(Protocol):
    def record_all(self, cases: Sequence[Case]) -> int:
        """Inserts or replaces each as it stands, and nobody is told; `case_feed.record_cases` asks what is new."""

    def put(self, settled: Sequence[Settled], *, as_of: datetime) -> None:
        """Inserts or replaces each as it was settled, its person and its events with it."""

    def record_events(self, events: Sequence[FeedEvent]) -> None: ...

    def set_stages(self, cases: Sequence[Case]) -> None:
        """Where each of these known cases stands, and when it was said; nothing else of them."""

    def confirm(
        self, crime_references: Sequence[str], *, as_of: datetime, unless_after: datetime | None = None
    ) -> None:
        """The force says these stand as they are. `unless_after`: not those recorded again since then."""

    def find(self, crime_reference: str) -> Case | None: ...

    def find_stored(self, crime_references: Sequence[str], *, hold: bool = False) -> dict[str, StoredCase]:
        """Those that exist. `hold`: nobody else changes them until the transaction ends."""

    def count(self) -> int: ...


class Imports(Protocol):
    def record(
        self,
        *,
        source: str,
        filename: str,
        summary: Mapping[str, Any],
        by: str,
        status: ImportStatus = ImportStatus.APPLIED,
        content: bytes = b"",
        import_id: str | None = None,
    ) -> str:
        """The import's id. With `import_id` it is made once, and found there the next time."""

    def get(self, import_id: str) -> StoredImport:
        """Held until the transaction ends. Raises ImportNotFound."""

    def get_content(self, import_id: str) -> bytes: ...

    def list_held(self) -> list[StoredImport]: ...

    def list_newest(self, *, limit: int = 50) -> list[StoredImport]: ...

    def add_to_held(self, import_id: str, content: bytes, summary: Mapping[str, Any]) -> None: ...

    def set_summary(self, import_id: str, summary: Mapping[str, Any]) -> None: ...

    def approve_first(self, import_id: str, *, by: str) -> None: ...

    def decide(self, import_id: str, status: ImportStatus, *, by: str) -> None:
        """Its content, which is victims' data, is kept no longer."""

    def list_told(self, import_id: str) -> list[ToldCase]:
        """The notices of this import that left towards somebody, oldest first."""


class People(Protocol):
    def list_reaches(self, channel: Channel, to: str, conversation_id: str) -> list[Reach]:
        """Every case whose person this address or this conversation may belong to; [] for a stranger."""

    def list_seen_numbers(self, channel: Channel, conversation_id: str) -> list[str]:
        """The numbers a WhatsApp writer was seen with who is known by another id: whose plan to keep, and no proof."""

    def find_of_case(self, crime_reference: str) -> Reach | None: ...

    def set_plan(self, person_id: str, plan: SafeContactPlan, *, by: str) -> None: ...

    def confirm_contact(self, person_id: str) -> None:
        """The person has just answered from the contact of record, or an officer rang it."""

    def suspend_contact(self, person_id: str, *, why: str) -> bool:
        """False when it was suspended already. Until it is confirmed nothing goes there unasked."""

    def list_at(self, mobile: str) -> list[str]:
        """The ids of the people whose contact of record this is."""

    def request_duress_check(self, inbox_id: int, conversation_id: str) -> None: ...

    def next_duress_check(self) -> DuressCheck | None:
        """The oldest one waiting."""

    def take_duress_check(self) -> DuressCheck | None:
        """The same, put off a little each time it is taken, so that a broken one holds up no other."""

    def end_duress_check(self, inbox_id: int) -> bool:
        """False when another worker has ended it."""


class Standings(Protocol):
    def find(self, conversation_id: str) -> tuple[Standing, str | None]:
        """What is still proved now, and the case it was proved for: look at the standing before the case.

        (UNKNOWN, reference) when a proof has run out; (UNKNOWN, None) when nothing was proved or it was ended.
        """

    def list_proofs(self, conversation_id: str) -> list[Proof]:
        """Those not ended, oldest first, whatever they are still worth."""

    def record(self, conversation_id: str, crime_reference: str, level: Standing, *, method: str) -> None:
        """A new link to a case ends every other one of that case on the same channel."""

    def record_use(self, proof_id: int, worth: Standing) -> None:
        """It was used now, and counts for that from here on."""

    def end_of_conversation(self, conversation_id: str, *, why: str) -> int:
        """How many there were."""

    def end_of_contact(self, mobile: str, *, why: str) -> int:
        """What was proved from this contact of record, or by a code sent to it, wherever."""

    def end_of_method(self, person_id: str, method: str, *, why: str) -> int:
        """What was proved that way for any case of this person."""


class Codes(Protocol):
    def request(self, conversation_id: str, reference: str) -> str: ...

    def next_requested(self) -> CodeRequest | None: ...

    def count_requests(self, conversation_id: str, *, since: datetime) -> int: ...

    def count_strangers(self, crime_reference: str, *, since: datetime) -> int:
        """How many conversations asked for a code with this reference: not its contact of record, and none that
        ever proved a link to it."""

    def issue(
        self, request_id: str, *, code_hash: str, crime_reference: str | None, expires_at: datetime
    ) -> bool: ...

    def bind(self, request_id: str, crime_reference: str) -> None:
        """What was issued as a decoy opens this case, and counts as sent."""

    def find_pending(self, conversation_id: str, *, max_failures: int) -> PendingCode | None: ...

    def count_failure(self, code_id: str) -> None: ...

    def consume(self, code_id: str) -> None: ...

    def has_asked(self, conversation_id: str) -> bool:
        """True while a request is waiting or its code could still be given, real or decoy."""


class Throttles(Protocol):
    def find(self, bucket: str) -> Throttle | None: ...

    def hold(self, bucket: str) -> Throttle:
        """The bucket, a new one where there is none; nobody else counts in it until the transaction ends."""

    def save(self, bucket: str, counted: Throttle) -> None: ...

    def clear(self, bucket: str) -> None: ...

    def forget(self, kind: str, *, before: datetime) -> None:
        """Buckets of that kind whose window began before then and which no longer cool."""


class Credentials(Protocol):
    def find_hash(self, person_id: str, kind: str) -> str | None: ...

    def set(self, person_id: str, kind: str, secret_hash: str) -> None:
        """Takes the place of an earlier one of that kind."""

    def end(self, person_id: str, kind: str) -> bool:
        """False when there was none."""


class Passkeys(Protocol):
    def list_of_person(self, person_id: str) -> list[Passkey]:
        """Those not ended, oldest first."""

    def find(self, person_id: str, credential_id: str) -> Passkey | None:
        """None for one that is unknown, ended or another person's."""

    def record(
        self, person_id: str, *, credential_id: str, public_key: bytes, sign_count: int, most: int
    ) -> bool:
        """False when the person has `most` already, or that credential was ever known, whoever's it was."""

    def record_use(self, passkey_id: str, sign_count: int) -> bool:
        """False, and nothing written, when it was ended or does not count on from where it was."""

    def end(self, person_id: str, passkey_id: str) -> bool:
        """False when there was none of that person."""

    def end_all(self, person_id: str) -> int:
        """How many there were."""

    def take_challenge(self, token_hash: str) -> str | None:
        """What this visit's next passkey was to sign, once: None when taken, run out or never asked for."""


class Feedback(Protocol):
    """Answers of people who stay unknown: no row holds or shares a value with anything that names anyone."""

    def offer(self, token_hash: str, *, channel: Channel, language: str) -> None:
        """A set of questions that the token answers, once."""

    def answer(self, token_hash: str, answers: Mapping[str, int]) -> bool:
        """False, and nothing written, when that token was used, is too old or was never given out."""

    def list_cases(self, conversation_id: str) -> list[str]:
        """Every case of everyone who ever proved a link there, ended or not."""

    def was_offered(self, conversation_id: str) -> bool: ...

    def was_offered_to(self, person_ids: Collection[str], *, since: datetime) -> bool:
        """Whether the questions were shown where one of these people had proved a link, since then."""

    def count_offered(self) -> int: ...

    def list_answered(self) -> list[FeedbackRow]: ...


class Invites(Protocol):
    def record(
        self,
        *,
        token_hash: str,
        crime_reference: str,
        by_way_of: str,
        by: str,
        expires_at: datetime,
        sent_to: str | None = None,
        word_hash: str | None = None,
    ) -> str:
        """The new invite's id."""

    def withdraw_unused(self, crime_reference: str, by_way_of: str) -> int:
        """How many there were; they open nothing from now on."""

    def use(self, token_hash: str, conversation_id: str) -> OpenedInvite | None:
        """Uses it for this conversation, or None: unknown, used, expired, withdrawn, or sent to an address
        that is no contact of record any more. One statement, so that no two can use the same invite."""

    def use_word(self, invite_id: str, conversation_id: str) -> OpenedInvite | None:
        """As `use`, for an invite found by its word."""

    def list_words(self, sent_to: str) -> list[InviteWord]:
        """The newest unused invites that were sent to this number, at most three."""


class Promises(Protocol):
    def record(
        self,
        *,
        kind: PromiseKind,
        owner: str,
        words: str,
        due_at: datetime,
        dedupe_key: str,
        conversation_id: str | None,
        crime_reference: str | None,
    ) -> str | None:
        """The promise's id, or None when its dedupe key is already there."""

    def keep(self, conversation_id: str, kinds: Sequence[PromiseKind]) -> int:
        """How many of these kinds stood open there; those past their time are kept late."""

    def find_overdue(self, kinds: Sequence[PromiseKind]) -> Promise | None:
        """The promise longest past its time that nobody has noted."""

    def record_overdue(self, conversation_id: str, kind: PromiseKind) -> int: ...

    def hand_over(self, conversation_id: str, *, to: PromiseKind, owner: str) -> int:
        """The promises that stand there are somebody else's to keep now: the same words, the same moment."""

    def settle(self, promise_id: str, status: PromiseStatus, *, kept_at: datetime | None = None) -> bool:
        """False when another worker was first."""

    def list_of_conversation(self, conversation_id: str, *, limit: int = 20) -> list[Promise]:
        """Newest first."""

    def find_written_at(self, conversation_id: str, *, since: datetime) -> datetime | None:
        """When words of a member of staff first left after that moment."""


class OfficerMessages(Protocol):
    def record_left(
        self, crime_reference: str, conversation_id: str, *, inbox_id: int, text: str, due_at: datetime
    ) -> str | None:
        """The message's id, or None when that inbound message is there already."""

    def record_answer(
        self,
        answer_id: str,
        crime_reference: str,
        conversation_id: str,
        *,
        author_name: str,
        text: str,
        status: MessageStatus,
    ) -> bool:
        """False when it is there already."""

    def list_thread(self, crime_reference: str) -> list[OfficerMessage]:
        """The newest messages of a case, oldest first."""

    def list_of_conversation(
        self, conversation_id: str, *, crime_reference: str | None = None
    ) -> list[OfficerMessage]:
        """Of one case, or for staff of any, oldest first."""

    def find_silent(self) -> OfficerMessage | None:
        """The message that has waited for its officer longest past its time."""

    def pass_to_team(self, crime_reference: str, conversation_id: str) -> int:
        """Every message waiting there; 0 when another worker was first."""

    def record_answered(self, crime_reference: str, conversation_id: str) -> int: ...

    def record_released(self, answer_id: str) -> bool: ...

    def record_opened(self, crime_reference: str) -> int:
        """How many of the victim's messages the officer had not opened before."""

    def is_linked(self, crime_reference: str, conversation_id: str) -> bool:
        """Whether a proof of that link was ever given there and has not been ended, however old it is."""

    def record_link(self, token_hash: str, crime_reference: str, *, expires_at: datetime) -> None: ...

    def find_link(self, token_hash: str) -> str | None:
        """The case it opens; None when ended, run out or unknown."""

    def end_links(self, crime_reference: str) -> int: ...


class Notices(Protocol):
    def record(
        self,
        *,
        crime_reference: str,
        event_id: str,
        kind: str,
        happened_at: datetime,
        needs_person: bool,
        not_before: datetime,
        import_id: str | None,
    ) -> str | None:
        """The new notice's id, or None when there is one of this event already."""

    def get(self, notice_id: str) -> CaseNotice:
        """Raises NoticeNotFound."""

    def next_due(self) -> CaseNotice | None:
        """A waiting one whose time has come."""

    def list_of_cases(self, crime_references: Sequence[str]) -> list[CaseNotice]:
        """Oldest news first."""

    def postpone(self, notice_ids: Sequence[str], until: datetime) -> None: ...

    def give_to_person(self, notice_ids: Sequence[str], *, blocked_why: str | None = None) -> None: ...

    def record_text(self, notice_ids: Sequence[str]) -> None:
        """One text left for all of them."""

    def record_told(self, notice_ids: Sequence[str], *, at: datetime, by: str) -> None:
        """A person told them, then."""

    def record_read(self, notice_ids: Sequence[str]) -> None: ...

    def void(self, notice_ids: Sequence[str]) -> None: ...

    def list_cases_of_person(self, of: Case) -> list[str]:
        """Every case of the same victim, this one first."""

    def list_linked(self, crime_reference: str, *, lasts: timedelta) -> list[Conversation]:
        """Where a link to the case was proved no longer ago than that, the newest proof first."""

    def list_cases_of_items(self, conversation_id: str) -> list[str]:
        """The cases that the conversation's items of this module and of the clocks are about."""

    def close_items(self, dedupe_keys: Sequence[str]) -> None:
        """What they asked for was done elsewhere."""


class Clocks(Protocol):
    def record(
        self,
        *,
        crime_reference: str,
        clock_id: str,
        right: str,
        event_id: str,
        started_by: str,
        started_at: datetime,
        due_on: date,
        is_enhanced: bool,
        status: ClockStatus = ClockStatus.RUNNING,
        met_at: datetime | None = None,
    ) -> str | None:
        """The new row's id, or None when this event started this clock already."""

    def get(self, stored_id: str) -> StoredClock:
        """Raises ClockNotFound."""

    def next_past(self, today: date) -> StoredClock | None:
        """A running or undated one whose day is over and of which nobody was told."""

    def list_of_case(self, crime_reference: str) -> list[StoredClock]:
        """In the order they were started, those that are over or void too."""

    def list_open(self, *, until: date, limit: int) -> list[StoredClock]:
        """Not met, and due no later than that: the longest overdue first."""

    def list_all(self) -> list[StoredClock]: ...

    def set_due(self, stored_id: str, due_on: date, status: ClockStatus) -> None: ...

    def set_overdue(self, stored_id: str) -> None: ...

    def void(self, stored_ids: Sequence[str]) -> None: ...

    def record_met(self, stored_id: str, at: datetime) -> None: ...

    def record_read(self, stored_ids: Sequence[str], *, meets: bool) -> None:
        """The victim read it now; `meets`: and that is what the clock asks for."""


class Transcripts(Protocol):
    def list_named(self, conversation_id: str, provider_ids: Sequence[str]) -> list[TranscriptEntry]:
        """Those of this conversation that the provider names so, oldest first; another's are left out."""

    def list_latest(self, conversation_id: str, *, limit: int = 200) -> list[TranscriptEntry]:
        """Oldest first."""


class Staff(Protocol):
    def add(
        self,
        *,
        login: str,
        display_name: str,
        role: str,
        password_hash: str,
        collar_number: str | None = None,
    ) -> str: ...

    def find(self, login: str) -> StaffMember | None: ...

    def get(self, staff_id: str) -> StaffMember: ...

    def open_session(self, token_hash: str, staff_id: str, csrf_token: str) -> None: ...

    def find_session(self, token_hash: str, *, idle_since: datetime) -> StaffSession | None: ...

    def touch_session(self, token_hash: str) -> None: ...

    def end_session(self, token_hash: str) -> None: ...


class WebSessions(Protocol):
    def open(
        self, token_hash: str, external_id: str, *, language: str = "en", screen_seen: str | None = None
    ) -> None:
        """`screen_seen`: "no", "unsure", "yes"; None where they were not asked, or did not say."""

    def find(self, token_hash: str, *, idle_since: datetime) -> str | None:
        """The session's external id; None when ended, idle or unknown."""

    def touch(self, token_hash: str) -> None: ...

    def end(self, token_hash: str) -> None: ...

    def end_all_of(self, external_id: str) -> None:
        """Every session of that writer that is still open."""

    def set_language(self, token_hash: str, language: str) -> None: ...

    def set_screen_seen(self, token_hash: str, screen_seen: str) -> None: ...

    def set_idle_minutes(self, token_hash: str, minutes: int) -> None: ...

    def set_challenge(self, token_hash: str, challenge: str | None, *, until: datetime | None) -> None:
        """What the next passkey of this visit signs; None takes it back. Its reader takes it back in any case."""


class Audit(Protocol):
    def record(
        self, act: str, *, by: str, conversation_id: str | None = None, thing: str | None = None
    ) -> None: ...


class Beats(Protocol):
    def beat(self, worker_id: str) -> None: ...

    def newest(self) -> datetime | None: ...


class DataKeys(Protocol):
    def shred(self, owner: str) -> bool:
        """Everything sealed for this owner is gone for good, in every copy too; False where it had no key."""
        ...

    def list_unused(self, *, limit: int) -> list[str]:
        """Names of keys of cases of which nothing is left."""
        ...

    def shred_unused(self, key_ids: Collection[str]) -> int:
        """The same for those of these that nothing is sealed with; how many."""
        ...


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
    def waiting_work(self) -> WaitingWork: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def desk(self) -> Desk: ...
    @property
    def transfers(self) -> Transfers: ...
    @property
    def regrades(self) -> Regrades: ...
    @property
    def shifts(self) -> Shifts: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def imports(self) -> Imports: ...
    @property
    def people(self) -> People: ...
    @property
    def standings(self) -> Standings: ...
    @property
    def codes(self) -> Codes: ...
    @property
    def throttles(self) -> Throttles: ...
    @property
    def credentials(self) -> Credentials: ...
    @property
    def passkeys(self) -> Passkeys: ...
    @property
    def feedback(self) -> Feedback: ...
    @property
    def invites(self) -> Invites: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def officer_messages(self) -> OfficerMessages: ...
    @property
    def notices(self) -> Notices: ...
    @property
    def clocks(self) -> Clocks: ...
    @property
    def transcripts(self) -> Transcripts: ...
    @property
    def staff(self) -> Staff: ...
    @property
    def web_sessions(self) -> WebSessions: ...
    @property
    def opt_outs(self) -> OptOuts: ...
    @property
    def held_messages(self) -> HeldMessages: ...
    @property
    def menus(self) -> Menus: ...
    @property
    def media(self) -> MediaStore: ...
    @property
    def sweeps(self) -> Sweeps: ...
    @property
    def paces(self) -> Paces: ...
    @property
    def canned_replies(self) -> CannedReplies: ...
    @property
    def drafts(self) -> Drafts: ...
    @property
    def endings(self) -> Endings: ...
    @property
    def follow_ups(self) -> FollowUps: ...
    @property
    def hand_backs(self) -> HandBacks: ...
    @property
    def person_threads(self) -> PersonThreads: ...
    @property
    def staff_notes(self) -> StaffNotes: ...
    @property
    def drills(self) -> Drills: ...
    @property
    def broadcasts(self) -> Broadcasts: ...
    @property
    def intake_pauses(self) -> IntakePauses: ...
    @property
    def assistant_switch(self) -> AssistantSwitch: ...
    @property
    def trials(self) -> Trials: ...
    @property
    def restore_gaps(self) -> RestoreGaps: ...
    @property
    def quality(self) -> Quality: ...
    @property
    def boards(self) -> Boards: ...
    @property
    def breaks(self) -> Breaks: ...
    @property
    def exposures(self) -> Exposures: ...
    @property
    def measures(self) -> MeasureReads: ...
    @property
    def ladder(self) -> LadderSteps: ...
    @property
    def rota(self) -> Rota: ...
    @property
    def staff_notices(self) -> StaffNotices: ...
    @property
    def alarms(self) -> Alarms: ...
    @property
    def contents(self) -> Contents: ...
    @property
    def guest_labels(self) -> GuestLabels: ...
    @property
    def guests(self) -> Guests: ...
    @property
    def model_releases(self) -> ModelReleases: ...
    @property
    def evaluations(self) -> Evaluations: ...
    @property
    def comparisons(self) -> Comparisons: ...
    @property
    def shadows(self) -> Shadows: ...
    @property
    def masking_reads(self) -> MaskingReads: ...
    @property
    def unmaskings(self) -> Unmaskings: ...
    @property
    def training_flags(self) -> TrainingFlags: ...
    @property
    def turn_records(self) -> RecordedTurns: ...
    @property
    def reviews(self) -> ReviewItems: ...
    @property
    def review_reads(self) -> ReviewReads: ...
    @property
    def annotations(self) -> Annotations: ...
    @property
    def examples(self) -> Examples: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def access_requests(self) -> AccessRequests: ...
    @property
    def export_reads(self) -> ExportReads: ...
    @property
    def holds(self) -> Holds: ...
    @property
    def retention(self) -> RetentionRows: ...
    @property
    def erasures(self) -> Erasures: ...
    @property
    def data_keys(self) -> DataKeys: ...
    @property
    def provider_redactions(self) -> ProviderRedactions: ...
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
    args: Mapping[str, str] = field(default_factory=dict)  # what stands in the gaps of the response
    contents: tuple[ContentRef, ...] = ()  # the published or released texts it is made of


@dataclass(frozen=True, kw_only=True)
class AssistantAnswer:
    """Everything one turn gives: what to say, what to do, and the state to keep."""

    replies: tuple[AssistantReply, ...]
    effects: tuple[JsonObject, ...]
    state: JsonObject
    model: str
    learned: Learned | None = None
    wish: Wish | None = None
    ranking: tuple[tuple[str, float], ...] = ()  # wishes by how sure the model is of each, the surest first


class Assistant(Protocol):
    async def ask(
        self,
        *,
        turn_id: str,
        conversation: str,
        text: str,
        state: JsonObject | None,
        facts: JsonObject,
        models: tuple[str, ...] = (),
    ) -> AssistantAnswer:
        """Raises AssistantUnavailable for anything but a whole answer.

        `models`: ids of those that may answer, the one preferred first; none: whichever is there.
        """


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one attempt to send came to."""

    status: OutboxStatus  # SENT, FAILED, UNKNOWN, or WAITING for "try again"
    provider_message_id: str | None = None
    error_code: str | None = None
    retry_after_seconds: float | None = None
    failure: str | None = None  # an id of casework/model/delivery_failures.toml, for whoever must act on it


# A provider's error code to an id of casework/model/delivery_failures.toml; None for one it does not know.
NameFailure = Callable[[str | None], str | None]


class Tracker(Protocol):
    """A provider that can be asked later what became of a message it took."""

    async def find_state(self, provider_message_id: str) -> ProviderNews | None:
        """None where it cannot be asked now, or holds no message of that id."""


class Sender(Protocol):
    async def deliver(self, message: OutboundMessage) -> Delivery: ...

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        """What the provider knows of a message whose outcome we never learnt; None if it holds none."""
