"""What is kept of how models read the frozen sets, of turns asked again, and of how two models differ."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from casework.model.disclosures import Band
from casework.model.model_evaluations import ModelEvaluation
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

    def record_details(self, evaluation: ModelEvaluation) -> None:
        """In place of what was recorded of that model."""

    def find_details(self, model_id: str) -> ModelEvaluation | None:
        """None for a model that was never evaluated, or before details were kept."""


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

    def grow(
        self, comparison_id: str, *, turns: int, digest: str, changes: Sequence[ComparisonChange]
    ) -> None:
        """So many turns more, and their changes behind the last place; counted anew."""

    def rejudge(self, comparison_id: str, changes: Mapping[int, ComparisonChange]) -> None:
        """Kind, risk and harm of these places as they are now; counted anew. One that is gone stays gone."""

    def find_newest(self, model_id: str) -> Comparison | None:
        """Of those that somebody asked for: one that still grows (`shadow`) is none."""

    def list_changes(
        self, comparison_id: str, *, after: int = 0, limit: int
    ) -> list[tuple[int, ComparisonChange]]:
        """With their places, behind the place `after`: danger first, of that what is newly wrong, the gravest of it.

        The places of one that grew are in the order in which the messages came.
        """

    def list_said(self, comparison_id: str) -> list[tuple[int, ComparisonChange]]:
        """Those of whose message people have said something, or had when it was judged."""

    def get_change(self, comparison_id: str, place: int) -> ComparisonChange:
        """Raises ComparisonNotFound."""

    def open(self, comparison_id: str, place: int, *, by: str) -> bool:
        """False where this person opened it before."""

    def list_opened(self, comparison_id: str, *, by: str) -> set[int]:
        """The places this person has opened, of whatever kind."""

    def find_unopened(self, comparison_id: str, *, by: str, after: int = 0) -> int | None:
        """The next place behind `after` of what `count_unopened` counts, from the first again behind the last.

        None where none is left but perhaps `after` itself.
        """

    def count_unopened(self, comparison_id: str, *, by: str) -> int:
        """Newly wrong ones that touch danger and that this person never opened."""
