"""What is kept of how models read the frozen sets, of turns asked again, and of how two models differ."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from casework.model.disclosures import Band
from casework.model.turn_outcomes import Change


@dataclass(frozen=True, kw_only=True)
class EvaluationAnswer:
    """How a model read one message of a set. `confidence`, `urgency`: 0 to 1. `is_caught`: somebody looks at it."""

    item_key: str
    outcome: str | None
    confidence: float
    band: Band
    tier: int | None
    urgency: float | None
    is_caught: bool
    is_caught_alone: bool
    is_right: bool


class Evaluations(Protocol):
    def record(self, model_id: str, set_name: str, answers: Sequence[EvaluationAnswer]) -> None:
        """In place of what was recorded of this model on this set."""

    def find(self, model_id: str, set_name: str) -> dict[str, EvaluationAnswer]:
        """By item; empty for a set that model was never asked."""


@dataclass(frozen=True, kw_only=True)
class ReplayAnswer:
    """One turn asked again. `answer` holds names and numbers, no word of anybody's."""

    turn_id: str
    input_sha: str
    answer: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ComparisonChange:
    """One place where two models differ: of a stored message (`inbox_id`) or of an item of a set."""

    kind: Change
    is_risk: bool
    harm: int
    before: dict[str, Any]
    after: dict[str, Any]
    inbox_id: int | None = None
    set_name: str | None = None
    item_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models on the same turns. `made_at`: aware UTC. `digest`: the same for every replay that agrees."""

    id: str
    model_id: str
    against_id: str
    source: str  # recent, disclosures, shadow
    turns: int
    digest: str
    counts: Mapping[str, int] = field(default_factory=dict)
    made_by: str
    made_at: datetime


class Comparisons(Protocol):
    def find_answers(self, model_id: str, turn_ids: Collection[str]) -> dict[str, ReplayAnswer]:
        """By turn, of those that were asked before."""

    def keep_answers(self, model_id: str, answers: Sequence[ReplayAnswer]) -> None:
        """In place of what was kept of these turns."""

    def add(
        self,
        *,
        model_id: str,
        against_id: str,
        source: str,
        turns: int,
        digest: str,
        counts: Mapping[str, int],
        changes: Sequence[ComparisonChange],
        by: str,
    ) -> str:
        """The new comparison's id; the changes stand in their order, from place 1."""

    def get(self, comparison_id: str) -> Comparison:
        """Raises ComparisonNotFound."""

    def find_newest(self, model_id: str) -> Comparison | None: ...

    def list_changes(
        self, comparison_id: str, *, after: int = 0, limit: int
    ) -> list[tuple[int, ComparisonChange]]:
        """In their order, with their places, behind the place `after`."""

    def get_change(self, comparison_id: str, place: int) -> ComparisonChange:
        """Raises ComparisonNotFound."""

    def open(self, comparison_id: str, place: int, *, by: str) -> bool:
        """False where this person opened it before."""

    def count_unopened(self, comparison_id: str, *, by: str) -> int:
        """Newly wrong ones that touch danger and that this person never opened."""
