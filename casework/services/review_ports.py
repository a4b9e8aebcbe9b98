"""What reviewing, annotating and teaching ask of storage, beside `workbench_ports`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from casework.model.annotations import ItemStatus, Label
from casework.model.disclosures import Band, ScreenResult
from casework.model.messages import Channel
from casework.model.review_queues import Queue
from casework.services.workbench_ports import Decided, JsonObject, ReviewRow, Reviews, TurnRecord, TurnRecords


class Cursor(NamedTuple):
    """Behind which row a page begins: a queue is read by harm, then newest first."""

    harm: int
    said_at: datetime
    inbox_id: int


@dataclass(frozen=True, kw_only=True)
class ReviewItem:
    """A message to review, as the service saw it, and what people settled on."""

    inbox_id: int
    conversation_id: str
    said_at: datetime
    channel: Channel
    language: str
    model_id: str | None
    category_seen: str | None
    tier_seen: int | None
    band_seen: Band
    side: str
    status: ItemStatus
    settled: Label | None
    is_restricted: bool
    settled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why an item stands in a queue; `is_open` until it is settled."""

    queue: Queue
    harm: int
    why: str
    detail: JsonObject
    cluster: str | None
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A word nobody taught, and how many open items hold it."""

    name: str
    items: int


@dataclass(frozen=True, kw_only=True)
class GuestRow:
    """What a tester wrote; raw, to be masked. `group`: who was given the link; `visit`: the talk it is of."""

    id: int
    visit: str
    group: str
    text: str
    responses: tuple[str, ...]
    band: Band
    tier: int | None
    at: datetime


class ReviewItems(Reviews, Protocol):
    """`Reviews` and what the pages ask. Nothing of a live conversation, a drill or what may not teach is given."""

    def find_item(self, inbox_id: int) -> ReviewItem | None: ...

    def hold_item(self, inbox_id: int) -> ReviewItem | None:
        """As `find_item`, and nobody else changes it before this transaction ends."""

    def list_reasons(self, inbox_id: int) -> list[Reason]: ...

    def is_at_rest(self, conversation_id: str) -> bool:
        """Nobody has it, nothing of it is open at the desk, and they did not write lately."""

    def find_next(self, queue: Queue, *, by: str) -> int | None:
        """The first of that queue this person has neither labelled, skipped nor flagged."""

    def list_third(
        self, *, by: str, after: tuple[int, datetime, int] | None, limit: int
    ) -> list[ReviewRow]: ...

    def count_third(self, *, by: str, most: int = 1000) -> int: ...

    def list_clusters(self, *, limit: int, fewest: int = 3) -> list[Cluster]:
        """Those that stand in at least so many conversations, the most frequent first."""

    def list_of_cluster(self, cluster: str, *, limit: int) -> list[ReviewRow]: ...

    def list_guests(self, *, after: int, limit: int) -> list[GuestRow]:
        """Nobody has handled yet, oldest first."""

    def handle_guest(self, guest_message_id: int) -> bool: ...

    def set_status(self, inbox_id: int, status: ItemStatus) -> None:
        """Anything but settled: its reasons stand open again, unless it was removed or nobody is asked any more."""

    def settle_suggestions(self, inbox_id: int, label: Label | None) -> None:
        """What desks suggested of it is accepted or refused by what was settled; None: neither."""


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """One press as it was kept."""

    id: str
    staff_id: str
    decided: Decided
    made_at: datetime
    undone_at: datetime | None

    @property
    def label(self) -> Label:
        return Label(risks=self.decided.risks, intent=self.decided.intent, sub=self.decided.sub)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two people's labels of one message, the first made first, without who they are."""

    inbox_id: int
    first: Label
    second: Label


class Annotations(Protocol):
    def record(self, decided: Decided, *, by: str) -> str | None:
        """Its id; None where that form was sent before, or this person has decided this already."""

    def find_form(self, form_id: str) -> Annotation | None: ...

    def get(self, annotation_id: str) -> Annotation:
        """Raises AnnotationNotFound."""

    def list_of(self, inbox_id: int) -> list[Annotation]:
        """Everybody's that stand, oldest first. Only for who has decided, or adjudicates."""

    def list_own(self, inbox_id: int, staff_id: str) -> list[Annotation]: ...

    def list_newest(self, staff_id: str, *, limit: int) -> list[Annotation]:
        """That stand, newest first."""

    def undo(self, annotation_id: str) -> bool: ...

    def list_pairs(self, *, since: datetime) -> list[Pair]:
        """Of every message two people labelled since then. Without those where one took a label back when the other's
        stood, and may have read it."""

    def list_pairs_of(self, staff_id: str, *, since: datetime) -> list[Pair]:
        """The pairs this person is one of."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A text that is taught or tested with. Ids begin with when it was accepted, so that they sort by it."""

    id: str
    inbox_id: int | None
    conversation_id: str | None
    derived_from: str | None
    text: str
    intent: str | None
    category: str | None
    sub: str | None
    spans: tuple[tuple[int, int, str], ...]
    side: str  # train, test
    scenario: str
    status: str  # accepted, removed, withdrawn
    is_reworded: bool
    row_version: int
    accepted_by: str
    accepted_at: datetime
    in_data_since: int | None = None
    in_data_until: int | None = None
    guest_message_id: int | None = None  # of a tester's message


class Examples(Protocol):
    def add(self, example: Example) -> bool:
        """False where the message has an accepted one already."""

    def get(self, example_id: str) -> Example:
        """Raises ExampleNotFound."""

    def find_of(self, inbox_id: int) -> Example | None:
        """The accepted one of a message."""

    def find_of_guest(self, guest_message_id: int) -> Example | None:
        """The accepted one of a tester's message."""

    def list_made_of(
        self, *, inbox_id: int | None = None, guest_message_id: int | None = None
    ) -> list[Example]:
        """Accepted ones of a message, and the variants of any it ever had: its label is theirs."""

    def list_variants(self, example_id: str) -> list[Example]:
        """Accepted ones made of that example, oldest first."""

    def list_page(self, *, side: str | None, status: str, after: str | None, limit: int) -> list[Example]:
        """By id, newest first; `after`: an id."""

    def list_in_data(self, side: str) -> list[Example]:
        """Accepted ones, by id: what the files of that side have to hold."""

    def list_to_drop(self) -> list[Example]:
        """Written once, accepted no longer, and not taken out of the files yet."""

    def change(self, example_id: str, *, row_version: int, **values: Any) -> bool:
        """False where it has been changed since, or stands no more."""

    def remove(self, example_id: str) -> bool: ...

    def note_change(self, example_id: str, *, by: str, what: JsonObject) -> None: ...

    def list_changes(self, example_id: str) -> list[tuple[datetime, str, JsonObject]]:
        """When, who and what, oldest first."""

    def mark_written(self, example_ids: Sequence[str], *, version: int) -> None:
        """In the data from that version on; those that were there stay as they are."""

    def mark_dropped(self, example_ids: Sequence[str], *, version: int) -> None: ...

    def find_newest_version(self) -> int:
        """0 before the first writing."""

    def record_version(
        self, number: int, *, by: str, added: int, changed: int, removed: int, sha256: str
    ) -> None: ...


class RecordedTurns(TurnRecords, Protocol):
    def find(self, inbox_id: int) -> TurnRecord | None: ...


@dataclass(frozen=True, kw_only=True)
class SeenMessage:
    """What the service saw in a message, from the screen, the record of its turn and its desk item."""

    inbox_id: int
    conversation_id: str
    said_at: datetime
    channel: Channel
    screen: ScreenResult
    turn_outcome: str | None
    is_drill: bool
    has_words: bool
    # None of these without a record of the turn.
    model_id: str | None = None
    band: Band | None = None
    tier: int | None = None
    intent: str | None = None
    confidence: float = 0.0
    runner_up: str | None = None
    runner_up_confidence: float = 0.0
    urgency: float | None = None
    categories: Mapping[str, float] = field(default_factory=dict)
    # Of the disclosure or check that was opened for this message; `item_reason` None: none was.
    item_reason: str | None = None
    item_category: str | None = None
    item_tier: int | None = None
    item_grade: int | None = None


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What a detective said when a talk ended. `inbox_ids`: the messages it speaks of, oldest first."""

    inbox_ids: tuple[int, ...]
    outcome: str
    was_urgent: str | None
    about: str | None


@dataclass(frozen=True, kw_only=True)
class Said:
    """Something people did that speaks of one message: `code` says what, in a word of ours."""

    inbox_id: int
    code: str
    numbers: Mapping[str, int] = field(default_factory=dict)


class ReviewReads(Protocol):
    """The sources of the queues, each read from its mark on: what there is, and the mark to keep.

    `after`: the mark, an id or microseconds since 1970. `before`: nothing younger is read, for a slower transaction
    may still write beside it. The mark comes back as it was where there is nothing to read.
    """

    def find_mark(self, name: str) -> int:
        """0 before the first reading."""

    def set_mark(self, name: str, last_id: int) -> None: ...

    def list_messages(self, *, after: int, before: datetime, limit: int) -> tuple[list[SeenMessage], int]:
        """In order of their ids, up to the first one that is younger or whose turn is not over."""

    def list_talks(self, *, after: int, before: datetime, limit: int) -> tuple[list[Talk], int]: ...

    def list_raised(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        """Items people moved up. `numbers`: from, to."""

    def list_called_wrong(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        """Corrections of why it was flagged or what they want, by the newest message before each."""

    def list_closed(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        """Disclosures and checks of the two upper grades, by the outcome they were closed with."""

    def list_asked(self, *, after: int, before: datetime, limit: int) -> tuple[list[Said], int]:
        """Messages that asked for a person, or were not understood."""

    def list_left(
        self, *, after: int, before: datetime, limit: int, within: timedelta
    ) -> tuple[list[Said], int]:
        """Answered messages after which they left, that soon, and wrote no more."""

    def see(self, inbox_ids: Iterable[int]) -> dict[int, SeenMessage]: ...

    def list_previous(self, inbox_ids: Iterable[int]) -> dict[int, tuple[int, str | None]]:
        """Of each the message before it in its conversation with a record, and the wish that was seen there."""

    def list_crime_types(self, conversation_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Of the cases each ever proved a link to."""

    def list_languages(self, conversation_ids: Iterable[str]) -> dict[str, str]:
        """Of those who chose another than English on the web."""
