"""What the queue asks of storage: transfers, regrades, shifts, and what a row shows beside its item."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from casework.model.desk import Grade
from casework.model.transfers import TransferKind, TransferStatus


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One conversation on its way from one person to another, or the record that it went."""

    id: str
    conversation_id: str
    kind: TransferKind
    status: TransferStatus
    from_id: str | None  # None: nobody had it
    from_name: str | None
    to_id: str | None  # None: the team
    to_name: str | None
    by_id: str
    by_name: str
    reason: str
    promised: str  # what the victim was told will happen; empty for nothing
    offered_at: datetime
    due_at: datetime
    settled_at: datetime | None


class Transfers(Protocol):
    def record(
        self,
        *,
        conversation_id: str,
        kind: TransferKind,
        status: TransferStatus,
        from_id: str | None,
        to_id: str | None,
        by_id: str,
        reason: str,
        promised: str,
        due_at: datetime,
    ) -> str:
        """The id. An offer still open for the conversation must have been settled."""

    def get(self, transfer_id: str) -> Transfer:
        """Raises TransferNotFound."""

    def settle(self, transfer_id: str, status: TransferStatus) -> bool:
        """False when it was settled already."""

    def find_offered(self, conversation_id: str) -> Transfer | None: ...

    def find_newest(self, conversation_id: str) -> Transfer | None:
        """The last of any kind and state: why whoever has it now has it."""

    def list_offered(self) -> list[Transfer]:
        """Offers somebody may still accept, oldest first."""

    def next_late(self) -> Transfer | None:
        """An offer whose time is over."""


@dataclass(frozen=True, kw_only=True)
class Regrade:
    """A change of an item's place in the queue. `by_name` is None where a rule raised it."""

    item_id: str
    from_grade: Grade
    to_grade: Grade
    by_name: str | None
    reason: str
    at: datetime


class Regrades(Protocol):
    def record(
        self,
        *,
        item_id: str,
        conversation_id: str,
        from_grade: Grade,
        to_grade: Grade,
        by_id: str | None,
        reason: str,
    ) -> None: ...

    def list_of_conversation(self, conversation_id: str) -> list[Regrade]:
        """Oldest first."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Somebody at the desk. `sound_heard` is None where nobody asked, as when a claim began the shift."""

    staff_id: str
    staff_name: str
    role: str
    started_at: datetime
    sound_heard: bool | None
    covers_words: bool
    break_since: datetime | None


@dataclass(frozen=True, kw_only=True)
class DeskPreferences:
    """How a person has their desk, from one shift to the next."""

    keys_on: bool = True
    covers_words: bool = False


class Shifts(Protocol):
    def hold_staff(self, staff_id: str) -> None:
        """Nobody else counts what this person has until the transaction ends."""

    def find_running(self, staff_id: str) -> Shift | None: ...

    def list_running(self) -> list[Shift]:
        """Everybody at the desk, on a break or not, by name."""

    def start(self, staff_id: str, *, sound_heard: bool | None, covers_words: bool) -> None:
        """Begins a shift, or says anew how the running one is; one that was never ended is ended."""

    def start_quietly(self, staff_id: str, *, covers_words: bool) -> bool:
        """Begins a shift where none runs, with nothing asked. False when one ran."""

    def end(self, staff_id: str) -> bool: ...

    def set_break(self, staff_id: str, since: datetime | None) -> None:
        """On a break since then, and no alert sounds; None: they are back."""

    def get_preferences(self, staff_id: str) -> DeskPreferences: ...

    def set_preferences(self, staff_id: str, preferences: DeskPreferences) -> None: ...


@dataclass(frozen=True, kw_only=True)
class QueueFacts:
    """What a row of the queue shows of its conversation beside its items. No word of a message."""

    owned_since: datetime | None = None
    awaiting_since: datetime | None = None  # their oldest message no person has answered
    is_here: bool = False  # at the page or the phone now
    language: str | None = None  # a code such as `en`; None where nothing says it
    offered_to: str | None = None  # the name of who is asked to take it


FactsByConversation = Mapping[str, QueueFacts]
