"""What may be used to teach: one condition for every query that asks, and what a withdrawal undoes.

The whole conversation may be flagged, and each message of it. What forbids wins wherever it stands.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.model_tables import (
    comparison_change,
    comparison_opening,
    model_version,
    replay_answer,
)
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import case, conversation, inbox, standing, turn
from casework.adapters.storage.workbench_tables import (
    data_version,
    example,
    example_change,
    review_item,
    review_reason,
    training_flag,
)
from casework.model.training_flags import FORBIDDING, PERMITTING, TrainingFlag
from casework.services.masking_ports import MarkedModel

ACCEPTED, REMOVED, WITHDRAWN = "accepted", "removed", "withdrawn"  # states of an example
KEPT_OF_CHANGES = frozenset({"status", "reworded", "version"})


def is_usable(
    conversation_id: sa.ColumnElement[str], inbox_id: sa.ColumnElement[int], *, unless_said: bool
) -> sa.ColumnElement[bool]:
    """The condition on a message, given its columns in the query it becomes part of. No query asks in another way.

    `unless_said`: what holds where nobody decided, `tx.may_teach_unless_said`. A drill's message is never usable.
    """
    of = conversation.alias()
    # As a value and not as an EXISTS, which PostgreSQL would turn round into a walk over all conversations.
    is_real = sa.select(of.c.is_drill).where(of.c.id == conversation_id).scalar_subquery().is_(False)
    forbidden = _is_flagged(conversation_id, inbox_id, FORBIDDING)
    if unless_said:
        return sa.and_(is_real, ~forbidden)
    return sa.and_(is_real, ~forbidden, _is_flagged(conversation_id, inbox_id, PERMITTING))


def is_restricted(
    conversation_id: sa.ColumnElement[str], inbox_id: sa.ColumnElement[int]
) -> sa.ColumnElement[bool]:
    """The condition that a message may be taught in a trainer's own words alone."""
    return _is_flagged(conversation_id, inbox_id, frozenset({TrainingFlag.RESTRICTED}))


def _is_flagged(
    conversation_id: sa.ColumnElement[str], inbox_id: sa.ColumnElement[int], flags: frozenset[TrainingFlag]
) -> sa.Exists:
    # An alias of its own: the query around it may look at flags too.
    of = training_flag.alias()
    return sa.exists().where(
        of.c.conversation_id == conversation_id,
        sa.or_(of.c.inbox_id.is_(None), of.c.inbox_id == inbox_id),
        of.c.ended_at.is_(None),
        of.c.flag.in_(sorted(flags)),
    )


class SqlTrainingFlags:
    def __init__(self, connection: sa.Connection, now: datetime, *, unless_said: bool) -> None:
        self._connection = connection
        self._now = now
        self._unless_said = unless_said

    def is_usable(self, inbox_id: int) -> bool:
        return self._holds(
            inbox_id, is_usable(inbox.c.conversation_id, inbox.c.id, unless_said=self._unless_said)
        )

    def is_restricted(self, inbox_id: int) -> bool:
        return self._holds(inbox_id, is_restricted(inbox.c.conversation_id, inbox.c.id))

    def _holds(self, inbox_id: int, condition: sa.ColumnElement[bool]) -> bool:
        query = sa.select(inbox.c.id).where(inbox.c.id == inbox_id, condition)
        return self._connection.execute(query).first() is not None

    def is_allowed_unless_said(self) -> bool:
        return self._unless_said

    def find_open(self, conversation_id: str, inbox_id: int | None) -> TrainingFlag | None:
        query = sa.select(training_flag.c.flag).where(_is_open_there(conversation_id, inbox_id))
        found = self._connection.execute(query).scalar()
        return None if found is None else TrainingFlag(found)

    def list_open(self, conversation_id: str) -> dict[int | None, TrainingFlag]:
        query = sa.select(training_flag.c.inbox_id, training_flag.c.flag).where(
            training_flag.c.conversation_id == conversation_id, training_flag.c.ended_at.is_(None)
        )
        rows = self._connection.execute(query.order_by(training_flag.c.at))
        return {row.inbox_id: TrainingFlag(row.flag) for row in rows}

    def list_of_same_people(self, conversation_id: str) -> list[str]:
        people = (
            sa.select(case.c.person_id)
            .join(standing, standing.c.crime_reference == case.c.crime_reference)
            .where(standing.c.conversation_id == conversation_id, case.c.person_id.is_not(None))
        )
        query = (
            sa.select(standing.c.conversation_id)
            .join(case, case.c.crime_reference == standing.c.crime_reference)
            .where(case.c.person_id.in_(people), standing.c.conversation_id != conversation_id)
        )
        return list(self._connection.execute(query.distinct().order_by(standing.c.conversation_id)).scalars())

    def is_withdrawn(self, conversation_id: str, inbox_id: int | None) -> bool:
        return TrainingFlag.WITHDRAWN in (
            self.find_open(conversation_id, None),
            self.find_open(conversation_id, inbox_id),
        )

    def record(
        self, conversation_id: str, inbox_id: int | None, flag: TrainingFlag, *, by: str, why: str
    ) -> None:
        self._connection.execute(
            sa.update(training_flag)
            .where(_is_open_there(conversation_id, inbox_id))
            .values(ended_at=self._now)
        )
        self._connection.execute(
            sa.insert(training_flag).values(
                seal(
                    self._connection,
                    training_flag,
                    {
                        "id": new_id(),
                        "conversation_id": conversation_id,
                        "inbox_id": inbox_id,
                        "flag": flag.value,
                        "by": by,
                        "why": why,
                        "at": self._now,
                    },
                )
            )
        )

    def remove_examples(
        self, conversation_id: str, inbox_id: int | None, *, by: str, as_written_only: bool
    ) -> int:
        ids = self._list_made_of(conversation_id, inbox_id, example.c.status == ACCEPTED)
        if as_written_only:
            written = sa.select(example.c.id).where(example.c.id.in_(ids), example.c.is_reworded.is_(False))
            ids = list(self._connection.execute(written).scalars())
        self._set_status(ids, REMOVED, by=by)
        return len(ids)

    def withdraw_examples(self, conversation_id: str, inbox_id: int | None, *, by: str) -> int:
        ids = self._list_made_of(conversation_id, inbox_id, example.c.status != WITHDRAWN)
        self._set_status(ids, WITHDRAWN, by=by, spans=[], sub=None)
        for example_id in ids:
            emptied = seal(self._connection, example, {"id": example_id, "text": ""})["text"]
            self._connection.execute(
                sa.update(example).where(example.c.id == example_id).values(text=emptied)
            )
        self._forget_changes(ids)
        return len(ids)

    def _forget_changes(self, ids: list[str]) -> None:
        """What was noted of each change, down to what somebody did: a topic is anybody's words where a file was edited
        by hand, and by the sum of a text it can be found out."""
        query = sa.select(example_change.c.id, example_change.c.what).where(
            example_change.c.example_id.in_(ids)
        )
        for row in self._connection.execute(query).all():
            kept = {name: value for name, value in row.what.items() if name in KEPT_OF_CHANGES}
            if kept != row.what:
                self._connection.execute(
                    sa.update(example_change).where(example_change.c.id == row.id).values(what=kept)
                )

    def count_made_of(self, conversation_id: str) -> dict[str, int]:
        ids = self._list_made_of(conversation_id, None, sa.true())
        query = sa.select(example.c.status, sa.func.count().label("n")).where(example.c.id.in_(ids))
        return {row.status: row.n for row in self._connection.execute(query.group_by(example.c.status))}

    def _list_made_of(
        self, conversation_id: str, inbox_id: int | None, condition: sa.ColumnElement[bool]
    ) -> list[str]:
        """Ids of the examples of those messages, and of all that was made of an example of them."""
        # An example tells its message; one that was made of another may tell neither message nor conversation.
        own: sa.ColumnElement[bool] = example.c.inbox_id.in_(_messages(conversation_id, inbox_id))
        if inbox_id is None:
            own = sa.or_(own, example.c.conversation_id == conversation_id)
        tree = sa.select(example.c.id).where(own).cte("tree", recursive=True)
        tree = tree.union(sa.select(example.c.id).where(example.c.derived_from == tree.c.id))
        query = sa.select(example.c.id).where(example.c.id.in_(sa.select(tree.c.id)), condition)
        return list(self._connection.execute(query.order_by(example.c.id)).scalars())

    def _set_status(self, ids: list[str], status: str, *, by: str, **values: Any) -> None:
        if not ids:
            return
        self._connection.execute(
            sa.update(example)
            .where(example.c.id.in_(ids))
            .values(status=status, row_version=example.c.row_version + 1, **values)
        )
        self._connection.execute(
            sa.insert(example_change),
            [
                {"example_id": example_id, "at": self._now, "by": by, "what": {"status": status}}
                for example_id in ids
            ],
        )

    def forget_answers(self, conversation_id: str, inbox_id: int | None) -> None:
        messages = _messages(conversation_id, inbox_id)
        turns = sa.select(turn.c.id).where(turn.c.inbox_id.in_(messages))
        opened = sa.exists().where(
            comparison_change.c.comparison_id == comparison_opening.c.comparison_id,
            comparison_change.c.place == comparison_opening.c.place,
            comparison_change.c.inbox_id.in_(messages),
        )
        unsettled = (review_reason.c.inbox_id.in_(messages), review_reason.c.settled_at.is_(None))
        for statement in (
            sa.delete(replay_answer).where(replay_answer.c.turn_id.in_(turns)),
            sa.delete(comparison_opening).where(opened),
            sa.delete(comparison_change).where(comparison_change.c.inbox_id.in_(messages)),
            sa.update(review_item).where(review_item.c.inbox_id.in_(messages)).values(status=REMOVED),
            sa.update(review_reason).where(*unsettled).values(settled_at=self._now),
            # The name of a new word is a word they wrote.
            sa.update(review_reason)
            .where(review_reason.c.inbox_id.in_(messages))
            .values(cluster=None, cluster_sealed=None),
        ):
            self._connection.execute(statement)

    def count_tested(self, at: datetime) -> int:
        since, until = data_version.alias(), data_version.alias()
        query = (
            sa.select(sa.func.count())
            .select_from(example)
            .join(since, since.c.number == example.c.in_data_since)
            .outerjoin(until, until.c.number == example.c.in_data_until)
            .where(
                example.c.status == WITHDRAWN,
                example.c.side == "test",
                since.c.written_at <= at,
                sa.or_(until.c.number.is_(None), until.c.written_at > at),
            )
        )
        return self._connection.execute(query).scalar_one()

    def list_marked_models(self, *, of: str | None = None) -> list[MarkedModel]:
        learned = sa.and_(
            example.c.status == WITHDRAWN,
            example.c.side == "train",
            example.c.in_data_since <= model_version.c.data_version,
            sa.or_(example.c.in_data_until.is_(None), example.c.in_data_until > model_version.c.data_version),
        )
        columns = (
            model_version.c.model_id,
            model_version.c.file,
            model_version.c.status,
            model_version.c.trained_at,
        )
        query = (
            sa.select(*columns, sa.func.count().label("examples"))
            .join_from(model_version, example, learned)
            .where(sa.true() if of is None else example.c.id.in_(self._list_made_of(of, None, sa.true())))
            .group_by(*columns)
            .order_by(model_version.c.trained_at.desc(), model_version.c.model_id)
        )
        return [
            MarkedModel(model_id=row.model_id, file=row.file, status=row.status, examples=row.examples)
            for row in self._connection.execute(query)
        ]


def _is_open_there(conversation_id: str, inbox_id: int | None) -> sa.ColumnElement[bool]:
    of_message = training_flag.c.inbox_id
    return sa.and_(
        training_flag.c.conversation_id == conversation_id,
        of_message.is_(None) if inbox_id is None else of_message == inbox_id,
        training_flag.c.ended_at.is_(None),
    )


def _messages(conversation_id: str, inbox_id: int | None) -> sa.Select[Any]:
    query = sa.select(inbox.c.id).where(inbox.c.conversation_id == conversation_id)
    return query if inbox_id is None else query.where(inbox.c.id == inbox_id)
