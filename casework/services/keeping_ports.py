"""What holds, retention, erasing and the provider's copies need of storage."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from casework.model.holds import ErasureReason, ErasureStage, Hold, HoldReason, LeftWhy, Refusal, Subject
from casework.model.messages import Channel
from casework.model.retention import RetentionRules, TableRule

Counts = Mapping[str, int]  # a table, or a place outside the database -> how many rows or files


@dataclass(frozen=True, kw_only=True)
class ExportNoted:
    """Somebody said that the force's record has the conversation up to `covers_until`. Times aware UTC."""

    up_to_inbox_id: int
    covers_until: datetime
    acknowledged_by: str
    acknowledged_at: datetime


@dataclass(frozen=True, kw_only=True)
class Covers:
    """All that one erasing is about. `proved`: cases that were proved in its conversations, which stay;
    `last_inbox_id`: the newest message there was, 0 for none."""

    conversations: tuple[str, ...]
    cases: tuple[str, ...]
    people: tuple[str, ...]
    proved: tuple[str, ...]
    last_inbox_id: int

    def list_subjects(self) -> Mapping[str, tuple[str, ...]]:
        """By kind of subject, as a hold names them."""
        return {"conversation": self.conversations, "case": self.cases, "person": self.people}

    def list_key_owners(self) -> list[str]:
        """Whose data keys go first, as keys are named."""
        return [*self.conversations, *(f"case:{each}" for each in self.cases), *self.people]


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """`covers`: None once it is over."""

    id: str
    subject: Subject
    reason: ErasureReason
    asked_by: str
    asked_at: datetime
    covers: Covers | None
    stage: ErasureStage
    stopped_why: Refusal | None
    counts: Counts
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """What things outside the database know somebody by: their addresses by channel, and ids of their messages."""

    by_channel: Sequence[tuple[Channel, str]]
    message_ids: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class LeasedRedaction:
    """`deletes`: all of it and not the words alone. `attempts`: with this one."""

    id: int
    provider: str
    provider_message_id: str
    deletes: bool
    attempts: int


class Holds(Protocol):
    def record(self, subject: Subject, reason: HoldReason, *, why: str, review_on: date, by: str) -> str: ...

    def lift(self, hold_id: str, *, why: str, by: str) -> Hold | None:
        """The hold that was; None for one that is not there or was lifted before."""

    def list_open(self, *, limit: int) -> list[Hold]:
        """Those to be reviewed first, first."""

    def list_on(self, subjects: Collection[Subject]) -> list[Hold]:
        """Open ones placed on exactly one of these, oldest first."""

    def list_subjects(self, subject: Subject) -> list[Subject]:
        """It, and all that a hold on would keep some of it: a conversation's cases and people, a person's cases and
        conversations. Empty for one that is not there."""


class RetentionRows(Protocol):
    def note_exported(self, conversation_id: str, up_to: int, *, covers_until: datetime, by: str) -> None: ...

    def list_exports(self, conversation_id: str) -> list[ExportNoted]:
        """Newest first."""

    def find_received_at(self, conversation_id: str, inbox_id: int) -> datetime | None:
        """None for a message of another conversation, or of none."""

    def remove_due(self, rules: RetentionRules, rule: TableRule, *, limit: int) -> Counts:
        """Deletes at most so many rows whose time is over, with what hangs on them. No held one, and none in work."""

    def count_due(self, rules: RetentionRules, rule: TableRule, *, late: timedelta = ...) -> int:
        """Rows whose time was over that long ago."""

    def count_unexported(self, older_than: timedelta) -> int:
        """Conversations with words that old of which nobody said that the force's record has them."""

    def find_mark(self, name: str) -> datetime | None:
        """When it was last set."""

    def set_mark(self, name: str) -> None: ...


class Erasures(Protocol):
    def record(
        self, subject: Subject, reason: ErasureReason, covers: Covers, *, stage: ErasureStage, by: str
    ) -> str | None:
        """None where one is under way."""

    def find(self, erasure_id: str) -> Erasure | None: ...

    def list_newest(self, *, limit: int) -> list[Erasure]: ...

    def next_unfinished(self, stages: Collection[ErasureStage]) -> Erasure | None:
        """The oldest in one of these stages, and nobody else works on it until the transaction ends."""

    def advance(self, erasure_id: str, stage: ErasureStage, done: Counts) -> None:
        """`done` is added to what was done before. With the last stage it is over, and forgets what it was about."""

    def stop(self, erasure_id: str, why: Refusal) -> None: ...

    def find_covers(self, subject: Subject) -> Covers | None:
        """All that goes with it: of a person, their cases and every conversation proved theirs and nobody else's."""

    def list_left(self, subject: Subject) -> list[tuple[str, LeftWhy]]:
        """Conversations that may be theirs and stay, for a person to decide; in sorted order."""

    def list_unexported(self, covers: Covers) -> list[str]:
        """Conversations of a case with words of which nobody said that the force's record has them; sorted."""

    def list_refusals(self, covers: Covers) -> list[Refusal]:
        """In the order of their severity; also what has come since."""

    def find_addresses(self, covers: Covers) -> Addresses: ...

    def remove_addressed(self, covers: Covers) -> Counts:
        """Rows that name somebody by an address or inside a text: opt-outs and counters."""

    def remove_some(self, covers: Covers, rules: RetentionRules, *, limit: int) -> Counts:
        """The next rows, at most so many and what hangs on them; empty once there are none."""

    def list_tables(self, rules: RetentionRules) -> list[str]:
        """Every table rows are taken from."""


class ProviderRedactions(Protocol):
    def queue_finished(self, *, before: datetime, limit: int) -> int:
        """Messages done with, and written or sent before then, lose their words at the provider; how many more."""

    def queue_all_of(self, conversation_ids: Collection[str]) -> int:
        """Every message of theirs leaves the provider altogether."""

    def lease_next(self, *, lease_seconds: float) -> LeasedRedaction | None:
        """The next that is due; while something is held, the words of it stay."""

    def settle(self, redaction_id: int, status: str, *, fault: str | None = None) -> None: ...

    def postpone(self, redaction_id: int, *, until: datetime, fault: str) -> None: ...

    def count_late(self, *, asked_before: datetime) -> int:
        """Of those that wait, and that no hold keeps."""

    def find_deleted(self, provider_message_ids: Collection[str]) -> frozenset[str]:
        """Those of messages that were erased here: the provider's list may still have them."""
