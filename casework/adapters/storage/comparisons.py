"""Turns asked again, and how two models differ on them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.model_tables import (
    comparison,
    comparison_change,
    comparison_opening,
    replay_answer,
)
from casework.adapters.storage.statements import insert, insert_once, new_id
from casework.model.errors import ComparisonNotFound
from casework.model.turn_outcomes import Change
from casework.services.comparison_ports import Comparison, ComparisonChange, ReplayAnswer

# Below the number of values a statement may have, and short enough to let others write in between.
CHUNK = 200


class SqlComparisons:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find_answers(self, model_id: str, turn_ids: Collection[str]) -> dict[str, ReplayAnswer]:
        found: dict[str, ReplayAnswer] = {}
        for some in _chunks(sorted(turn_ids)):
            query = sa.select(replay_answer).where(
                replay_answer.c.model_id == model_id, replay_answer.c.turn_id.in_(some)
            )
            for row in self._connection.execute(query):
                found[row.turn_id] = ReplayAnswer(
                    turn_id=row.turn_id, input_sha=row.input_sha, answer=row.answer
                )
        return found

    def keep_answers(self, model_id: str, answers: Sequence[ReplayAnswer]) -> None:
        statement = insert(self._connection, replay_answer)
        statement = statement.on_conflict_do_update(
            index_elements=["model_id", "turn_id"],
            set_={"input_sha": statement.excluded.input_sha, "answer": statement.excluded.answer},
        )
        for some in _chunks(answers):
            self._connection.execute(statement, [{"model_id": model_id, **vars(each)} for each in some])

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
        comparison_id = new_id()
        self._connection.execute(
            sa.insert(comparison).values(
                id=comparison_id,
                model_id=model_id,
                against_id=against_id,
                source=source,
                turns=turns,
                digest=digest,
                counts=dict(counts),
                made_by=by,
                made_at=self._now,
            )
        )
        rows = [
            {**vars(each), "kind": each.kind.value, "comparison_id": comparison_id, "place": place}
            for place, each in enumerate(changes, 1)
        ]
        for some in _chunks(rows):
            self._connection.execute(sa.insert(comparison_change), list(some))
        return comparison_id

    def get(self, comparison_id: str) -> Comparison:
        return self._get(sa.select(comparison).where(comparison.c.id == comparison_id))

    def _get(self, query: sa.Select[Any]) -> Comparison:
        row = self._connection.execute(query).first()
        if row is None:
            raise ComparisonNotFound("There is no such comparison.")
        return _comparison(row)

    def find_newest(self, model_id: str) -> Comparison | None:
        query = sa.select(comparison).where(comparison.c.model_id == model_id)
        row = self._connection.execute(
            query.order_by(comparison.c.made_at.desc(), comparison.c.id).limit(1)
        ).first()
        return None if row is None else _comparison(row)

    def list_changes(
        self, comparison_id: str, *, after: int = 0, limit: int
    ) -> list[tuple[int, ComparisonChange]]:
        query = (
            sa.select(comparison_change)
            .where(comparison_change.c.comparison_id == comparison_id, comparison_change.c.place > after)
            .order_by(comparison_change.c.place)
            .limit(limit)
        )
        return [(row.place, _change(row)) for row in self._connection.execute(query)]

    def get_change(self, comparison_id: str, place: int) -> ComparisonChange:
        query = sa.select(comparison_change).where(
            comparison_change.c.comparison_id == comparison_id, comparison_change.c.place == place
        )
        row = self._connection.execute(query).first()
        if row is None:
            raise ComparisonNotFound("There is no such difference.")
        return _change(row)

    def open(self, comparison_id: str, place: int, *, by: str) -> bool:
        values = {"comparison_id": comparison_id, "place": place, "staff_id": by, "at": self._now}
        key = ["comparison_id", "place", "staff_id"]
        return insert_once(self._connection, comparison_opening, key, values) is not None

    def count_unopened(self, comparison_id: str, *, by: str) -> int:
        opened = sa.exists().where(
            comparison_opening.c.comparison_id == comparison_change.c.comparison_id,
            comparison_opening.c.place == comparison_change.c.place,
            comparison_opening.c.staff_id == by,
        )
        query = sa.select(sa.func.count()).where(
            comparison_change.c.comparison_id == comparison_id,
            comparison_change.c.is_risk == sa.true(),
            comparison_change.c.kind == Change.NEWLY_WRONG.value,
            ~opened,
        )
        return self._connection.execute(query).scalar_one()


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _comparison(row: sa.Row[Any]) -> Comparison:
    return Comparison(**row._asdict())


def _change(row: sa.Row[Any]) -> ComparisonChange:
    return ComparisonChange(
        kind=Change(row.kind),
        is_risk=row.is_risk,
        harm=row.harm,
        before=row.before,
        after=row.after,
        inbox_id=row.inbox_id,
        set_name=row.set_name,
        item_key=row.item_key,
    )
