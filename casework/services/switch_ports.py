"""What switching the assistant off, a trial and a restored backup need of storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from casework.model.messages import Channel


@dataclass(frozen=True, kw_only=True)
class AssistantOff:
    """`channel` None: on every channel."""

    id: str
    channel: Channel | None
    reason: str
    since: datetime
    by_name: str


@dataclass(frozen=True, kw_only=True)
class Trial:
    id: str
    since: datetime
    by_name: str


@dataclass(frozen=True, kw_only=True)
class TrialEntry:
    """Who takes part: a number, or whoever is linked to a case whose reference begins so."""

    id: str
    number: str | None
    reference_prefix: str | None
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class RestoreGap:
    """What was done after `since` and before `until` is not in this database, and may have been done all the same."""

    since: datetime
    until: datetime


class AssistantSwitch(Protocol):
    def turn_off(self, channel: Channel | None, *, reason: str, by: str) -> str | None:
        """The id of the row; None where it is off for exactly that already."""

    def turn_on(self, channel: Channel | None, *, by: str) -> int:
        """How many rows ended: of that channel, or without one all of them."""

    def find_off(self, channel: Channel) -> AssistantOff | None:
        """What keeps it off on that channel; the row of every channel before its own."""

    def list_off(self) -> Sequence[AssistantOff]:
        """Everything that goes on, the oldest first."""


class Trials(Protocol):
    def start(self, *, by: str) -> str | None:
        """None where one goes on."""

    def end(self, *, by: str) -> bool: ...
    def find_current(self) -> Trial | None: ...
    def add_number(self, number: str, *, by: str) -> str | None:
        """The entry's id; None where it is on the list."""

    def add_prefix(self, reference_prefix: str, *, by: str) -> str | None: ...
    def remove(self, entry_id: str) -> bool: ...
    def find_number(self, number: str) -> str | None:
        """The entry's id."""

    def list_entries(self) -> Sequence[TrialEntry]: ...
    def list_prefixes(self) -> Sequence[str]: ...


class RestoreGaps(Protocol):
    def record(self, gap: RestoreGap) -> None: ...
    def find_newest(self, *, until_after: datetime) -> RestoreGap | None:
        """The newest that ended after that moment."""
