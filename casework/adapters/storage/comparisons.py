"""Turns asked again, and how two models differ on them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import label_suggestion
from casework.adapters.storage.model_tables import (
    comparison,
    comparison_change,
    comparison_opening,
    replay_answer,
)
from casework.adapters.storage.statements import insert, insert_once, new_id
from casework.adapters.storage.workbench_tables import review_item
from casework.model.annotations import ItemStatus
from casework.model.errors import ComparisonNotFound
from casework.model.turn_outcomes import Change
from casework.services.comparison_ports import Comparison, ComparisonChange, ReplayAnswer
from casework.services.comparisons import NEWLY_WRONG_FIRST, SHADOW, count_kinds

# Below the number of values a statement may have, and short enough to let others write in between.
CHUNK = 200
# As casework/services/comparisons.py: `in_order` has it; where a place was given later, it does not say the order.
_ORDER = (
    sa.case((comparison_change.c.is_risk.is_(True), 0), else_=1),
    sa.case({kind.value: n for n, kind in enumerate(NEWLY_WRONG_FIRST)}, value=comparison_change.c.kind),
    comparison_change.c.harm,
    comparison_change.c.place,
)


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
        self._add_changes(comparison_id, changes, after=0)
        return comparison_id

    def _add_changes(self, comparison_id: str, changes: Sequence[ComparisonChange], *, after: int) -> None:
        rows = [
            {**vars(each), "kind": each.kind.value, "comparison_id": comparison_id, "place": place}
            for place, each in enumerate(changes, after + 1)
        ]
        for some in _chunks(rows):
            self._connection.execute(sa.insert(comparison_change), list(some))

    def grow(
        self, comparison_id: str, *, turns: int, digest: str, changes: Sequence[ComparisonChange]
    ) -> None:
        last = sa.select(sa.func.coalesce(sa.func.max(comparison_change.c.place), 0))
        last = last.where(comparison_change.c.comparison_id == comparison_id)
        self._add_changes(comparison_id, changes, after=self._connection.execute(last).scalar_one())
        self._change(comparison_id, turns=comparison.c.turns + turns, digest=digest)

    def rejudge(self, comparison_id: str, changes: Mapping[int, ComparisonChange]) -> None:
        for place, change in changes.items():
            self._connection.execute(
                sa.update(comparison_change)
                .where(comparison_change.c.comparison_id == comparison_id, comparison_change.c.place == place)
                .values(kind=change.kind.value, is_risk=change.is_risk, harm=change.harm)
            )
        self._change(comparison_id)

    def _change(self, comparison_id: str, **values: Any) -> None:
        """Counts what there is now: what was withdrawn is gone."""
        query = sa.select(comparison_change.c.kind, comparison_change.c.is_risk, sa.func.count().label("n"))
        query = query.where(comparison_change.c.comparison_id == comparison_id)
        rows = self._connection.execute(query.group_by(comparison_change.c.kind, comparison_change.c.is_risk))
        counts = count_kinds({(Change(row.kind), row.is_risk): row.n for row in rows})
        self._connection.execute(
            sa.update(comparison).where(comparison.c.id == comparison_id).values(counts=counts, **values)
        )

    def get(self, comparison_id: str) -> Comparison:
        return self._get(sa.select(comparison).where(comparison.c.id == comparison_id))

    def _get(self, query: sa.Select[Any]) -> Comparison:
        row = self._connection.execute(query).first()
        if row is None:
            raise ComparisonNotFound("There is no such comparison.")
        return _comparison(row)

    def find_newest(self, model_id: str) -> Comparison | None:
        query = sa.select(comparison).where(comparison.c.model_id == model_id, comparison.c.source != SHADOW)
        row = self._connection.execute(
            query.order_by(comparison.c.made_at.desc(), comparison.c.id).limit(1)
        ).first()
        return None if row is None else _comparison(row)

    def list_changes(
        self, comparison_id: str, *, after: int = 0, limit: int
    ) -> list[tuple[int, ComparisonChange]]:
        of_it = sa.select(comparison_change, *(key.label(f"key_{n}") for n, key in enumerate(_ORDER)))
        of_it = of_it.where(comparison_change.c.comparison_id == comparison_id)
        last = self._connection.execute(of_it.where(comparison_change.c.place == after)).first()
        if last is not None:
            keys = [getattr(last, f"key_{n}") for n in range(len(_ORDER))]
            of_it = of_it.where(sa.tuple_(*_ORDER) > sa.tuple_(*(sa.literal(key) for key in keys)))
        rows = self._connection.execute(of_it.order_by(*_ORDER).limit(limit))
        return [(row.place, _change(row)) for row in rows]

    def list_said(self, comparison_id: str) -> list[tuple[int, ComparisonChange]]:
        said = sa.exists().where(label_suggestion.c.inbox_id == comparison_change.c.inbox_id)
        settled = sa.exists().where(
            review_item.c.inbox_id == comparison_change.c.inbox_id,
            review_item.c.status == ItemStatus.SETTLED.value,
        )
        query = sa.select(comparison_change).where(
            comparison_change.c.comparison_id == comparison_id,
            sa.or_(said, settled, comparison_change.c.kind != Change.CHANGED.value),
        )
        rows = self._connection.execute(query.order_by(comparison_change.c.place))
        return [(row.place, _change(row)) for row in rows]

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

    def list_opened(self, comparison_id: str, *, by: str) -> set[int]:
        query = sa.select(comparison_opening.c.place).where(
            comparison_opening.c.comparison_id == comparison_id, comparison_opening.c.staff_id == by
        )
        return set(self._connection.execute(query).scalars())

    def find_unopened(self, comparison_id: str, *, by: str, after: int = 0) -> int | None:
        column, is_unopened = comparison_change.c.place, _is_unopened_risk(comparison_id, by)
        behind = sa.select(sa.func.min(column)).where(is_unopened, column > after)
        first = sa.select(sa.func.min(column)).where(is_unopened, column < after)
        found = self._connection.execute(behind).scalar()
        return self._connection.execute(first).scalar() if found is None else found

    def count_unopened(self, comparison_id: str, *, by: str) -> int:
        query = sa.select(sa.func.count()).where(_is_unopened_risk(comparison_id, by))
        return self._connection.execute(query).scalar_one()


def _is_unopened_risk(comparison_id: str, by: str) -> sa.ColumnElement[bool]:
    opened = sa.exists().where(
        comparison_opening.c.comparison_id == comparison_change.c.comparison_id,
        comparison_opening.c.place == comparison_change.c.place,
        comparison_opening.c.staff_id == by,
    )
    return sa.and_(
        comparison_change.c.comparison_id == comparison_id,
        comparison_change.c.is_risk == sa.true(),
        comparison_change.c.kind == Change.NEWLY_WRONG.value,
        ~opened,
    )


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
