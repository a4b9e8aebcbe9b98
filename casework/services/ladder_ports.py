"""What the ladder asks of storage: its steps, the rota, and the notices to staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from casework.model.desk import DeskItem, Grade
from casework.model.ladder import Step
from casework.model.rota import RotaEntry, RotaKind, Way


@dataclass(frozen=True, kw_only=True)
class StoredStep:
    """One step that was taken. `wait_from` says for which wait of the item. Times aware UTC."""

    id: str
    item_id: str
    conversation_id: str
    wait_from: datetime
    position: int
    step: Step
    grade: Grade
    due_at: datetime
    taken_at: datetime
    rota_entry_id: str | None
    name: str | None  # who was told
    detail: str | None  # why the victim could not be told
    acknowledged_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class OpenedLink:
    """What an acknowledgement link is about, and how that stands. `is_waiting`: nobody has claimed it yet."""

    step: StoredStep
    is_waiting: bool
    claimed_by: str | None


class NoticeStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # given up
    WITHDRAWN = "withdrawn"  # not needed any more, or of a drill


@dataclass(frozen=True, kw_only=True)
class LeasedNotice:
    """One message to staff, this worker's to send until the lease is over."""

    id: str
    escalation_id: str
    item_id: str
    conversation_id: str
    way: Way
    to: str
    attempts: int  # this one counted
    is_needed: bool  # nobody has claimed it yet
    is_drill: bool


class LadderSteps(Protocol):
    def find_due(self) -> DeskItem | None:
        """The open or claimed item whose time to be looked at passed first."""

    def find_lead(self, item: DeskItem) -> DeskItem | None:
        """Of the items of its conversation in the same state whose ladder is not over, the one that counts: the most
        urgent, then the longest wait. None when `item` itself is no longer due."""

    def list_of_wait(self, item: DeskItem) -> list[StoredStep]:
        """Those of the item's present wait, in order, without those about a silent owner."""

    def list_of_conversation(self, conversation_id: str, *, limit: int = 50) -> list[StoredStep]:
        """Newest first."""

    def record(
        self,
        item: DeskItem,
        step: Step,
        *,
        position: int,
        due_at: datetime,
        wait_from: datetime,
        rota_entry: RotaEntry | None = None,
        detail: str | None = None,
    ) -> str | None:
        """The step's id, or None when it was taken before."""

    def set_token(self, step_id: str, token_hash: str) -> None: ...

    def set_due(self, item_id: str, due_at: datetime | None, *, step: int | None = None) -> None: ...

    def end_wait(self, lead: DeskItem) -> None:
        """No timer runs any more for the lead, nor for what waits beside it and is no more urgent."""

    def set_told(self, item_id: str, told: str) -> None: ...

    def was_read(self, conversation_id: str, *, since: datetime) -> bool:
        """Whether a member of staff opened it."""

    def find_link(self, token_hash: str) -> OpenedLink | None: ...

    def acknowledge(self, step_id: str) -> bool:
        """False when it was already."""

    def list_alarms(self) -> Mapping[str, str]:
        """What the ladder has reason to sound: kind -> the ids of the items, shortened."""

    def hold_alarms(self) -> None:
        """Nobody else sounds or ends the ladder's alarms until the commit."""


class Rota(Protocol):
    def add(
        self,
        *,
        kind: RotaKind,
        name: str,
        starts_at: datetime,
        ends_at: datetime | None,
        place: int,
        mobile: str | None,
        email: str | None,
        webhook: str | None,
        by: str,
    ) -> str: ...

    def remove(self, entry_id: str) -> bool:
        """False when it is not there, or was removed already."""

    def list_between(self, since: datetime, until: datetime) -> list[RotaEntry]:
        """Entries not removed that touch that time, the soonest first."""


class StaffNotices(Protocol):
    def record(self, escalation_id: str, ways: Sequence[tuple[Way, str]]) -> None: ...

    def has_next(self, way: Way) -> bool: ...

    def lease_next(self, way: Way, *, lease_seconds: float) -> LeasedNotice | None:
        """Others see it again when the lease is over: it may then leave twice, and is never lost."""

    def retry(self, notice: LeasedNotice, *, until: datetime, fault: str) -> bool:
        """False when the lease was lost."""

    def settle(
        self,
        notice: LeasedNotice,
        status: NoticeStatus,
        *,
        provider_message_id: str | None = None,
        fault: str | None = None,
    ) -> bool:
        """False when the lease was lost."""

    def list_states(self, escalation_ids: Sequence[str]) -> dict[str, list[tuple[Way, NoticeStatus]]]: ...

    def find_sent(self, provider_ids: Sequence[str]) -> set[str]:
        """Which of these are notices to staff."""

    def has_undelivered(self) -> bool: ...

    def take_undelivered(self) -> str | None:
        """The item of a text that the provider took and says it could not bring; it counts as failed from now on."""
