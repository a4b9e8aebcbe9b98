"""What the sealed record asks of storage: what there is, in which order, and the rows themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

Row = Mapping[str, Any]
"""Columns by name; times aware UTC, JSON as it was stored."""

Key = tuple[Any, ...]
"""The primary key of a row."""


class RecordKind(StrEnum):
    """What a record is of. What happened at the same moment stands in this order."""

    CASE = "case"
    CONVERSATION = "conversation"
    CASE_EVENT = "case_event"
    MESSAGE_IN = "message_in"
    PROOF = "proof"
    DESK_ITEM = "desk_item"
    DESK_ACT = "desk_act"
    REGRADE = "regrade"
    TRANSFER = "transfer"
    ESCALATION = "escalation"
    CASE_NOTICE = "case_notice"
    PROMISE = "promise"
    OFFICER_MESSAGE = "officer_message"
    MESSAGE_OUT = "message_out"
    ENDING = "ending"
    HAND_BACK = "hand_back"
    STAFF_NOTE = "staff_note"
    CORRECTION = "correction"
    FOLLOW_UP = "follow_up"
    DRAFT = "draft"


INTERNAL = (RecordKind.STAFF_NOTE, RecordKind.CORRECTION, RecordKind.FOLLOW_UP, RecordKind.DRAFT)
"""Words of staff to staff, and words that were never sent: in a file of their own."""

OPENING = (RecordKind.CASE, RecordKind.CONVERSATION)
"""What it is about: these stand first, whenever they began."""


@dataclass(frozen=True, kw_only=True)
class ExportScope:
    """What a record is made of: one conversation, or with a reference one case and all its conversations."""

    conversation_ids: tuple[str, ...]
    crime_reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    kind: RecordKind
    at: datetime
    key: Key


@dataclass(frozen=True, kw_only=True)
class InboundParts:
    """What else there is of a message that came: its turn, what the assistant was asked and gave, its files."""

    turn: Row | None
    reading: Row | None
    media: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class OutboundParts:
    """What else there is of a message of ours: each attempt, the provider's news, the texts it was made of.

    `words_shown`: its words without one-time codes and keys of invites, which no page ever shows.
    """

    attempts: Sequence[Row]
    news: Sequence[Row]
    told: Sequence[Row]
    words_shown: str


@dataclass(frozen=True, kw_only=True)
class ExportWords:
    """What a record was asked for in words. `by`: the member of staff's name."""

    words: str = field(repr=False)
    by: str
    at: datetime


class ExportReads(Protocol):
    def begin(self) -> None:
        """From here to the end of the transaction everything is read as it stands now. First of all calls."""

    def find_conversation(self, conversation_id: str) -> Row | None: ...

    def find_erased_at(self, conversation_id: str) -> datetime | None:
        """When a conversation that is gone was erased; None where nobody knows of one."""

    def keep_words(self, scope: ExportScope, words: str, *, at: datetime, by: str) -> None:
        """Why it is asked for, in words: of the case where the scope is one, else of its conversation."""

    def list_words(self, conversation_id: str) -> list[ExportWords]:
        """Those of this conversation's own records, the newest first."""

    def list_conversations_of_case(self, crime_reference: str) -> list[Row]:
        """That proved a link to it, ever, or in which its officer's thread runs; without drills. By when they began."""

    def list_entries(self, kind: RecordKind, scope: ExportScope) -> list[Entry]:
        """In any order."""

    def fetch(self, kind: RecordKind, keys: Sequence[Key]) -> dict[Key, Row]: ...

    def list_inbound_parts(self, inbox_ids: Sequence[int]) -> dict[int, InboundParts]: ...

    def list_outbound_parts(self, outbox_ids: Sequence[int]) -> dict[int, OutboundParts]: ...

    def find_media_content(self, media_id: int) -> bytes | None: ...

    def list_staff(self) -> dict[str, Row]:
        """Everybody who ever had an account, by id."""

    def find_model_sha(self, model_id: str) -> str | None:
        """Of the archive of that model, where the database knows it."""
