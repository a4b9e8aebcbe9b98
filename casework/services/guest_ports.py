"""Links for testers of a candidate, and what they wrote with them: no conversation, no inbox, nothing that is sent."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from casework.model.annotations import AnnotationKind, Label
from casework.model.disclosures import Band
from casework.services.review_ports import GuestRow
from casework.services.workbench_ports import JsonObject


class SaidKind(StrEnum):
    """What a tester is shown after their message. Each but REPLY is told apart from what a person would read."""

    REPLY = "reply"
    SAFETY_LINE = "safety_line"
    TOLD_AT_ONCE = "told_at_once"  # a detective would be told at once
    CHECKED = "checked"  # somebody at the desk would look at it
    TO_PERSON = "to_person"  # a person would take it from here
    NO_ANSWER = "no_answer"  # the model did not answer


@dataclass(frozen=True, kw_only=True)
class Said:
    kind: SaidKind
    text: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GuestLink:
    """`number` names it on the desk; its token is kept nowhere. `messages`: what was written with it."""

    number: int
    model_id: str
    group: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    is_open: bool
    messages: int


@dataclass(frozen=True, kw_only=True)
class NewGuestMessage:
    text: str
    state: JsonObject | None
    responses: tuple[str, ...]
    said: tuple[Said, ...]
    band: Band
    tier: int | None


@dataclass(frozen=True, kw_only=True)
class GuestMessage(NewGuestMessage):
    id: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class GuestPress:
    """What one person said of a tester's message."""

    id: str
    guest_message_id: int
    staff_id: str
    kind: AnnotationKind
    label: Label


class GuestLabels(Protocol):
    def find(self, guest_message_id: int, *, hold: bool = False) -> GuestRow | None:
        """`hold`: nobody else labels it before this transaction ends."""

    def list_before(self, row: GuestRow, *, limit: int) -> list[GuestRow]:
        """Of the same visit, oldest first."""

    def record(
        self, guest_message_id: int, label: Label, *, kind: AnnotationKind, form_id: str, by: str
    ) -> str | None:
        """Its id; None where that form was sent before, or this person has said it already."""

    def find_form(self, form_id: str) -> GuestPress | None: ...

    def list_of(self, guest_message_id: int) -> list[GuestPress]:
        """Everybody's that stand, oldest first. Only for who has labelled it, or decides between two."""

    def undo(self, press_id: str) -> None: ...

    def reopen(self, guest_message_id: int) -> None:
        """It stands in the list again."""


class Guests(Protocol):
    def open_link(self, token_hash: str, model_id: str, *, group: str, by: str, expires_at: datetime) -> int:
        """The new link's number."""

    def find_open(self, token_hash: str) -> GuestLink | None:
        """None once it has run out or was ended, or its model is no candidate any more."""

    def list_links(self) -> list[GuestLink]:
        """Newest first."""

    def end_link(self, number: int) -> bool:
        """False where it had ended, or there is none."""

    def list_visit(self, token_hash: str, visit: str) -> list[GuestMessage]:
        """Oldest first."""

    def count(self, token_hash: str) -> int: ...

    def record(self, token_hash: str, visit: str, message: NewGuestMessage) -> int:
        """Its id."""
