"""What asking a candidate beside the live model needs of storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from casework.services.comparison_ports import ComparisonChange, ReplayAnswer
from casework.services.workbench_ports import StoredTurn, TurnRecord


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A candidate that is asked what people write, and answers nobody. Times aware UTC.

    `id`: of the comparison that grows with it. `last_inbox_id`: all messages up to it are done with. `unanswered`:
    turns that one of the two models gave no whole answer to. `why_ended`: of `shadows.WHYS_ENDED`, or why the loader
    refused the candidate; None while it goes on.
    """

    id: str
    model_id: str
    against_id: str
    started_by: str
    since: datetime
    until: datetime
    last_inbox_id: int
    unanswered: int
    ended_at: datetime | None
    why_ended: str | None


@dataclass(frozen=True, kw_only=True)
class WaitingTurns:
    """Turns to ask, oldest first, each with what is recorded of it. `upto`: the newest message that was looked at."""

    turns: Sequence[tuple[StoredTurn, TurnRecord]]
    upto: int


@dataclass(frozen=True, kw_only=True)
class ShadowedTurn:
    """What both models give for one turn, by names and numbers. `change`: None where whoever wrote gets the same."""

    turn_id: str
    inbox_id: int
    conversation_id: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    change: ComparisonChange | None


@dataclass(frozen=True, kw_only=True)
class ShadowBatch:
    """One step: the messages behind `after` up to `upto`. `answers`: by model, those that were asked anew."""

    after: int
    upto: int
    turns: Sequence[ShadowedTurn]
    answers: Mapping[str, Sequence[ReplayAnswer]]
    unanswered: int


class Shadows(Protocol):
    """`tx.shadows`."""

    def start(self, shadow_id: str, model_id: str, *, by: str, until: datetime) -> bool:
        """From the newest message there is. False while another one goes on."""

    def find_open(self) -> Shadow | None: ...

    def hold_open(self) -> Shadow | None:
        """As `find_open`, and nobody else changes it before this transaction ends."""

    def find_newest(self, model_id: str | None = None) -> Shadow | None:
        """Of that model, or of all."""

    def advance(self, shadow_id: str, *, last_inbox_id: int, unanswered: int) -> None:
        """`unanswered`: how many more."""

    def end(self, shadow_id: str, *, why: str, by: str) -> None: ...
