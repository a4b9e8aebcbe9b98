"""What supervision, measures and care for staff need of storage: values that cross the boundary, and the protocols."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from casework.model.desk import Grade, HandoffReason, Outcome
from casework.model.messages import Channel
from casework.model.periods import Period


@dataclass(frozen=True, kw_only=True)
class Broadcast:
    """A line to all staff, until a time."""

    id: str
    text: str
    since: datetime
    until: datetime
    by_name: str


@dataclass(frozen=True, kw_only=True)
class IntakePause:
    """`text_name` names the service text that people who write are given meanwhile."""

    id: str
    text_name: str
    since: datetime
    until: datetime
    by_name: str


@dataclass(frozen=True, kw_only=True)
class ClosedItem:
    """A piece of work that is done, as far as somebody needs it who is to look at it a second time."""

    id: str
    conversation_id: str
    channel: Channel
    grade: Grade
    reason: HandoffReason
    category: str | None
    outcome: Outcome | None
    closed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Review:
    item_id: str
    reviewer_name: str
    reviewed_at: datetime
    verdict: str
    answers: Mapping[str, str]
    words: str


@dataclass(frozen=True, kw_only=True)
class WaitingItem:
    """An open or claimed item with what its clocks need; `awaiting_since` is the conversation's."""

    id: str
    conversation_id: str
    channel: Channel
    grade: Grade
    reason: HandoffReason
    category: str | None
    waiting_since: datetime
    claimed_at: datetime | None
    answered_at: datetime | None
    awaiting_since: datetime | None
    owner_id: str | None
    owner_name: str | None


@dataclass(frozen=True, kw_only=True)
class PersonOnShift:
    staff_id: str
    name: str
    since: datetime
    open_conversations: int
    handled_today: int
    """Conversations of grade 1 or 2 they had since midnight."""
    break_began_at: datetime | None
    """While they are on a break."""
    last_break_ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class AssistantHealth:
    """Of the newest turns that were put to the assistant: how many, and how many it gave no whole answer to."""

    asked: int
    not_answered: int


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What somebody opened in a stretch of time: conversations, and of those the hard ones."""

    opened: int
    grade_1_or_2: int
    sexual: int


# --- measures: counts and times of one period, drills left out -----------------------------------


@dataclass(frozen=True, kw_only=True)
class WaitTimes:
    """Seconds from an item's coming to the first claim, or word, of those that had one."""

    grade: Grade
    count: int
    median: float
    p90: float
    worst: float


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One item's wait for what its clock measures; `ended_at` is None while it goes on or where it never came."""

    grade: Grade
    since: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Came:
    """Items that came, by one property, with how many were left before a person wrote."""

    by_grade: Mapping[Grade, int]
    by_channel: Mapping[str, int]
    by_language: Mapping[str, int]
    by_hour_utc: Mapping[datetime, int]
    left: int


class Broadcasts(Protocol):
    def start(self, *, text: str, until: datetime, by: str) -> str: ...
    def end(self, broadcast_id: str) -> bool:
        """False where it was over."""

    def list_current(self) -> list[Broadcast]:
        """Those whose time is not over, the newest first."""


class IntakePauses(Protocol):
    def start(self, *, text_name: str, until: datetime, by: str) -> str: ...
    def end_all(self) -> int: ...
    def find_current(self) -> IntakePause | None:
        """The newest that is not over."""

    def was_told(self, conversation_id: str, pause: IntakePause) -> bool:
        """Whether a message written there since the pause began says so."""


class Quality(Protocol):
    def list_closed(self, *, since: datetime, limit: int) -> list[ClosedItem]:
        """Closed by a person since then and not yet looked at a second time, the oldest first. No drills."""

    def get_closed(self, item_id: str) -> ClosedItem:
        """Raises ItemNotFound for an id of no closed item."""

    def list_handlers(self, conversation_ids: Collection[str]) -> dict[str, frozenset[str]]:
        """Conversation -> the ids of everybody who claimed, owned or answered it."""

    def record(
        self, item_id: str, *, reviewer: str, verdict: str, answers: Mapping[str, str], words: str
    ) -> bool:
        """False where somebody has looked at it already."""

    def find(self, item_id: str) -> Review | None: ...
    def list_newest(self, *, limit: int) -> list[Review]: ...


class Boards(Protocol):
    def list_waiting(self, *, limit: int) -> list[WaitingItem]:
        """Open and claimed items in the order of the queue, drills too: they are worked like any other."""

    def count_waiting(self) -> dict[Grade, int]:
        """Items nobody has claimed."""

    def list_on_shift(self, *, today: datetime) -> list[PersonOnShift]:
        """By name. `today`: when the day began."""

    def record_model(self, name: str) -> None:
        """The assistant's model of that name has just answered."""

    def find_model(self) -> str | None:
        """The one that answered last."""

    def weigh_assistant(self, *, newest: int) -> AssistantHealth: ...


class Breaks(Protocol):
    def start(self, staff_id: str) -> None:
        """Nothing where one goes on."""

    def end(self, staff_id: str) -> bool: ...
    def find_open(self, staff_id: str) -> datetime | None:
        """When the break that goes on began."""

    def last_ended(self, staff_id: str) -> datetime | None: ...
    def is_anyone_else_there(self, staff_id: str) -> bool:
        """Somebody else is on shift and not on a break."""

    def list_owned(self, staff_id: str) -> list[str]:
        """The conversations they own, the most urgent first, then the longest owned."""


class Exposures(Protocol):
    def count(self, staff_id: str, *, since: datetime) -> Exposure: ...
    def count_team(self, *, since: datetime) -> Exposure:
        """The same of everybody together: openings by each, added up."""

    def find_debrief(self, staff_id: str) -> datetime | None:
        """When they last closed an item of grade 1 they were not asked about."""

    def find_nudged(self, staff_id: str) -> datetime | None: ...
    def record_debrief(self, staff_id: str, *, until: datetime, answer: str) -> None:
        """Keeps the answer where nothing says whose it is, and apart from it that they were asked."""

    def record_nudged(self, staff_id: str) -> None: ...


class MeasureReads(Protocol):
    """Counts over one period, by SQL, bounded by it. Drills are left out."""

    def weigh_claims(self, period: Period) -> list[WaitTimes]: ...
    def weigh_first_words(self, period: Period) -> list[WaitTimes]: ...
    def count_claims_within(self, period: Period, grade: Grade, seconds: float) -> int:
        """Claimed in at most that many seconds of the wall clock."""

    def count_first_words_within(self, period: Period, grade: Grade, seconds: float) -> int: ...
    def list_longer_claims(self, period: Period, grade: Grade, seconds: float) -> Sequence[Wait]:
        """The others that were on the queue: claimed later, or by nobody."""

    def list_longer_first_words(self, period: Period, grade: Grade, seconds: float) -> Sequence[Wait]: ...
    def count_came(self, period: Period) -> Came: ...
    def count_left_since(self, moment: datetime) -> tuple[int, int]:
        """(left before a person wrote, all that came) since then."""

    def count_regrades(self, period: Period) -> dict[str, int]:
        """`up` and `down`, by people."""

    def count_outcomes(self, period: Period) -> dict[str, int]: ...
    def count_kept_informed(self, period: Period) -> tuple[int, int]:
        """(satisfied or very satisfied, all who answered that question), by the weeks that began in the period."""

    def count_status_days(self, period: Period) -> tuple[int, int]:
        """(of those no person was asked for, conversations and days on which a case's stage was told)."""

    def count_code_clocks(self, first: date, last: date) -> dict[str, int]:
        """`met`, `late` and `open` of the limits that fell due on those days."""
