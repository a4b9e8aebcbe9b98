"""How each model read each message of the frozen sets, and what its evaluation found as a whole."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from casework.adapters.storage.model_tables import evaluation_answer, model_evaluation
from casework.adapters.storage.statements import insert
from casework.model.disclosures import Band
from casework.model.model_evaluations import ModelEvaluation
from casework.services.comparison_ports import EvaluationAnswer

CHUNK = 500


class SqlEvaluations:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def record(self, model_id: str, set_name: str, answers: Sequence[EvaluationAnswer]) -> None:
        self._connection.execute(sa.delete(evaluation_answer).where(_is_of(model_id, set_name)))
        rows = [
            {**vars(answer), "band": answer.band.value, "model_id": model_id, "set_name": set_name}
            for answer in answers
        ]
        for start in range(0, len(rows), CHUNK):
            self._connection.execute(sa.insert(evaluation_answer), rows[start : start + CHUNK])

    def find(self, model_id: str, set_name: str) -> dict[str, EvaluationAnswer]:
        rows = self._connection.execute(sa.select(evaluation_answer).where(_is_of(model_id, set_name)))
        return {row.item_key: _answer(row) for row in rows}

    def record_details(self, evaluation: ModelEvaluation) -> None:
        statement = insert(self._connection, model_evaluation)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["model_id"], set_={"found": statement.excluded.found}
            ),
            {"model_id": evaluation.model_id, "found": msgspec.to_builtins(evaluation)},
        )

    def find_details(self, model_id: str) -> ModelEvaluation | None:
        query = sa.select(model_evaluation.c.found).where(model_evaluation.c.model_id == model_id)
        found = self._connection.execute(query).scalar()
        return None if found is None else msgspec.convert(found, ModelEvaluation)


def _is_of(model_id: str, set_name: str) -> sa.ColumnElement[bool]:
    columns = evaluation_answer.c
    return sa.and_(columns.model_id == model_id, columns.set_name == set_name)


def _answer(row: sa.Row[tuple[object, ...]]) -> EvaluationAnswer:
    return EvaluationAnswer(
        item_key=row.item_key,
        outcome=row.outcome,
        confidence=row.confidence,
        band=Band(row.band),
        tier=row.tier,
        urgency=row.urgency,
        is_caught=row.is_caught,
        is_caught_alone=row.is_caught_alone,
        is_right=row.is_right,
    )
