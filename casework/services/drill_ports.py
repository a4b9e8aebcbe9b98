"""Drills as storage keeps them: who starts one, what its synthetic victims write, and how soon a person was there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from casework.model.desk import Grade
from casework.model.errors import WaymarkError
from casework.model.messages import Channel


class DrillNotFound(WaymarkError):
    """No drill has this id."""


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One drill. Times aware UTC; `starts_at` may be ahead of `created_at`."""

    id: str
    script: str
    started_by: str
    created_at: datetime
    starts_at: datetime
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, kw_only=True)
class DrillLine:
    """One message a synthetic victim is to write. `external_id` is an address no provider delivers to."""

    victim: str
    channel: Channel
    external_id: str
    text: str
    due_at: datetime
    id: int = 0  # given by storage
    drill_id: str = ""


@dataclass(frozen=True, kw_only=True)
class DrillVictim:
    """How one synthetic victim fared. None: not yet, or never. `due_at`: of their first line.

    `graded`: the most urgent grade their items ever had; `claimed_by`: who was first, by name. `steps`: the rungs of
    the ladder that were climbed because nobody had come.
    """

    victim: str
    channel: Channel
    due_at: datetime
    conversation_id: str | None = None
    wrote_at: datetime | None = None
    listed_at: datetime | None = None
    graded: Grade | None = None
    claimed_at: datetime | None = None
    claimed_by: str | None = None
    answered_at: datetime | None = None
    steps: tuple[str, ...] = ()


class Drills(Protocol):
    def record(self, script: str, *, by: str, starts_at: datetime, lines: Sequence[DrillLine]) -> str:
        """The new drill's id; `lines` are sent when they are due."""

    def get(self, drill_id: str) -> Drill:
        """Raises DrillNotFound."""

    def list_newest(self, *, limit: int = 50) -> list[Drill]: ...

    def list_open(self) -> list[Drill]: ...

    def find_due(self) -> DrillLine | None:
        """The line that should have been sent longest ago, of a drill that is open."""

    def mark_conversation(self, conversation_id: str) -> None:
        """Marks it for good as no real person's."""

    def record_sent(self, line_id: int, conversation_id: str) -> bool:
        """False when another worker was first."""

    def count_unsent(self, drill_id: str) -> int: ...

    def end(self, drill_id: str) -> bool:
        """No line of it is sent any more. False when it had ended."""

    def close_unclaimed(self, drill_id: str) -> int:
        """Closes, as a test, the items of it that nobody has; how many."""

    def list_victims(self, drill_id: str) -> list[DrillVictim]:
        """Those of the script in the order they write, with what became of each."""
