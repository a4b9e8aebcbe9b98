"""How two models differ on the same turns: recorded whole, and opened one by one before anybody promotes."""

from collections import Counter
from collections.abc import Mapping, Sequence

from casework.model.turn_outcomes import Change
from casework.services.comparison_ports import ComparisonChange, EvaluationAnswer
from casework.services.ports import Transaction

SHADOW = "shadow"
"""The source of a comparison that grows as messages come in."""
NEWLY_WRONG_FIRST = (Change.NEWLY_WRONG, Change.CHANGED, Change.NEWLY_RIGHT)


def record_evaluation(
    tx: Transaction, model_id: str, set_name: str, answers: Sequence[EvaluationAnswer], *, by: str
) -> None:
    """How a model read one set, in place of what was recorded of both."""
    tx.evaluations.record(model_id, set_name, answers)
    tx.audit.record("model_evaluated", by=by, thing=f"model:{model_id}")


def record(
    tx: Transaction,
    *,
    model_id: str,
    against_id: str,
    source: str,
    turns: int,
    digest: str,
    changes: Sequence[ComparisonChange],
    by: str,
) -> str:
    """Keeps a comparison and gives its id. `source`: recent, disclosures or shadow."""
    comparison_id = tx.comparisons.add(
        model_id=model_id,
        against_id=against_id,
        source=source,
        turns=turns,
        digest=digest,
        counts=count_changes(changes),
        changes=in_order(changes),
        by=by,
    )
    tx.audit.record("models_compared", by=by, thing=f"comparison:{comparison_id}")
    return comparison_id


def in_order(changes: Sequence[ComparisonChange]) -> list[ComparisonChange]:
    """What touches danger first, of that what is newly wrong, of that the gravest; the rest as it came."""
    return sorted(changes, key=lambda one: (not one.is_risk, NEWLY_WRONG_FIRST.index(one.kind), one.harm))


def count_changes(changes: Sequence[ComparisonChange]) -> dict[str, int]:
    """Each kind, and of each how many touch danger (`newly_wrong_risk`). Every kind is there, if only as 0."""
    return count_kinds(Counter((one.kind, one.is_risk) for one in changes))


def count_kinds(found: Mapping[tuple[Change, bool], int]) -> dict[str, int]:
    """The same, of counts by kind and by whether they touch danger."""
    risks = {kind: found.get((kind, True), 0) for kind in Change}
    return {kind.value: risks[kind] + found.get((kind, False), 0) for kind in Change} | {
        f"{kind.value}_risk": risks[kind] for kind in Change
    }


def open_change(tx: Transaction, comparison_id: str, place: int, *, by: str) -> ComparisonChange:
    """One difference, noted as seen by this person. Raises ComparisonNotFound. `by`: the staff member's id."""
    change = tx.comparisons.get_change(comparison_id, place)
    if tx.comparisons.open(comparison_id, place, by=by):
        tx.audit.record("difference_opened", by=by, thing=f"comparison:{comparison_id}/{place}")
    return change


def list_unopened(tx: Transaction, comparison_id: str, *, by: str) -> int:
    """How many newly wrong ones that touch danger this person has not opened. Raises ComparisonNotFound."""
    tx.comparisons.get(comparison_id)
    return tx.comparisons.count_unopened(comparison_id, by=by)
