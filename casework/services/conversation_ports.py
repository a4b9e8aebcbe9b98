"""What the conversation page keeps beside the messages: the shapes, and where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from casework.model.desk import Outcome
from casework.model.messages import Channel


class Block(StrEnum):
    """The parts of the panel beside a conversation, in their order; each may be called wrong."""

    SAFE_CONTACT = "safe_contact"
    WHY_FLAGGED = "why_flagged"
    CASE = "case"
    WANTS = "wants"
    OTHERS = "others"
    NOTES = "notes"
    FILES = "files"
    HELD = "held"


class WasUrgent(StrEnum):
    """What whoever handled it says of the urgency of what was written."""

    YES = "yes"
    NO = "no"
    SOONER = "sooner"


class NextStep(StrEnum):
    """What comes next, as it may be told. Each has its sentence in service_texts.toml."""

    OFFICER = "officer"
    TEAM = "team"
    SUPPORT = "support"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class StaffNote:
    author_name: str
    text: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Draft:
    conversation_id: str
    staff_id: str
    author_name: str
    text: str
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class CannedReply:
    """`text` may hold {name}: whoever sends it. Closing ones are offered when a conversation ends."""

    name: str
    version: int
    title: str
    text: str
    is_offered: bool = True
    is_closing: bool = False
    created_by: str = "template"

    @property
    def template(self) -> str:
        """What the outbox calls it."""
        return f"canned:{self.name}:{self.version}"

    def say(self, name: str) -> str:
        return self.text.replace("{name}", name)


@dataclass(frozen=True, kw_only=True)
class Ending:
    author_name: str
    outcome: Outcome
    log_number: str | None
    was_urgent: WasUrgent | None
    about: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    id: str
    conversation_id: str
    author_name: str
    text: str
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class HandBackSummary:
    """`crime_reference`: the case they had proved a link to when it was approved; None for nobody's."""

    id: str
    text: str
    due_on: date | None
    crime_reference: str | None
    created_at: datetime
    said_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class OtherConversation:
    """Another conversation of the same person. `outcome`: what came of the last item closed in it."""

    conversation_id: str
    channel: Channel
    last_inbound_at: datetime | None
    outcome: Outcome | None
    is_open: bool
    owner_id: str | None


class StaffNotes(Protocol):
    def record(self, conversation_id: str, staff_id: str, text: str) -> str: ...

    def list_of(self, conversation_id: str) -> list[StaffNote]:
        """Oldest first."""


class Drafts(Protocol):
    def is_sent(self, conversation_id: str, staff_id: str, composer: str) -> bool:
        """Whether a reply of theirs came from that composer, whose name begins the reply's own."""

    def keep(self, conversation_id: str, staff_id: str, text: str) -> None:
        """In place of that author's earlier one there."""

    def drop(self, conversation_id: str, staff_id: str) -> None: ...

    def list_of(self, conversation_id: str) -> list[Draft]:
        """Every author's, newest first."""


class CannedReplies(Protocol):
    def record(self, reply: CannedReply) -> bool:
        """False when that version of that name is there: a version is never written over."""

    def list_newest(self) -> list[CannedReply]:
        """The newest version of each name, by title; those no longer offered too."""


class Endings(Protocol):
    def record(
        self,
        conversation_id: str,
        staff_id: str,
        outcome: Outcome,
        *,
        log_number: str | None,
        was_urgent: WasUrgent | None,
        about: str | None,
        last_inbox_id: int,
    ) -> str: ...

    def suggest_labels(
        self, ending_id: str, inbox_ids: Sequence[int], *, was_urgent: WasUrgent | None, about: str | None
    ) -> None: ...

    def list_window(self, conversation_id: str) -> list[int]:
        """Ids of what was stored since the last ending of the conversation, whenever it was written; oldest first."""

    def list_of(self, conversation_id: str) -> list[Ending]:
        """Newest first."""

    def record_correction(self, conversation_id: str, staff_id: str, block: Block, text: str) -> str: ...


class FollowUps(Protocol):
    def list_handlers(self, conversation_id: str) -> list[str]:
        """Ids of everybody who has had the conversation."""

    def record(self, conversation_id: str, *, to: str, by: str, text: str) -> None: ...

    def list_to(self, staff_id: str) -> list[FollowUp]:
        """Newest first."""

    def count_unseen(self, staff_id: str) -> int: ...

    def mark_seen(self, staff_id: str) -> None: ...


class HandBacks(Protocol):
    def record(
        self,
        conversation_id: str,
        staff_id: str,
        *,
        done: Outcome,
        step: NextStep,
        due_on: date | None,
        text: str,
        crime_reference: str | None,
        epoch: int,
    ) -> str: ...

    def find_unsaid(self, conversation_id: str) -> HandBackSummary | None:
        """The newest summary there, where it was not said yet and nobody has taken the conversation since."""

    def find_newest(self, conversation_id: str) -> HandBackSummary | None: ...

    def mark_said(self, summary_id: str) -> bool:
        """False when it was said before."""


class PersonThreads(Protocol):
    def list_others(self, conversation_id: str) -> list[OtherConversation]:
        """Those of the same person, by the cases proved in each: newest first."""

    def find_language(self, conversation_id: str) -> str | None:
        """The language they chose on the web; None on every other channel."""
