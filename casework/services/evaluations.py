"""What an evaluation found of a model, kept whole, and what of its messages may be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.model.errors import ExampleNotFound
from casework.model.model_evaluations import ModelEvaluation, ReadItem
from casework.services import examples
from casework.services.ports import Transaction


@dataclass(frozen=True, kw_only=True)
class ShownItem:
    """`text`: None for a row that was taken out or may not be used any more. `row`: None for an invented message."""

    text: str | None
    row: str | None


def record_details(tx: Transaction, evaluation: ModelEvaluation, *, by: str) -> None:
    """In place of what was recorded of that model."""
    tx.evaluations.record_details(evaluation)
    tx.audit.record("model_evaluated", by=by, thing=f"model:{evaluation.model_id}")


def list_items(tx: Transaction, items: Sequence[ReadItem]) -> list[ShownItem]:
    """In the order given, each with its words as they may be read now: a row's are masked, or a trainer's own."""
    return [
        ShownItem(text=item.text if item.row is None else _find_text(tx, item.row), row=item.row)
        for item in items
    ]


def count_withdrawn(tx: Transaction, evaluation: ModelEvaluation) -> int:
    """Of how many of its messages somebody took back what they wrote: what was measured on them stands no more."""
    return tx.training_flags.count_tested(datetime.fromisoformat(evaluation.made_at))


def _find_text(tx: Transaction, row: str) -> str | None:
    try:
        example = tx.examples.get(row)
    except ExampleNotFound:
        return None
    return example.text if example.status == "accepted" and examples.is_usable(tx, example) else None
