"""What the assistant was asked and gave, turn by turn, and the turns to be asked again."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import label_suggestion
from casework.adapters.storage.conversations import LONGEST_EARLIER_TEXT, SqlInbox, screen_from_json
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.tables import inbox, turn
from casework.adapters.storage.training_flags import is_usable
from casework.adapters.storage.workbench_tables import review_item, turn_record
from casework.model.annotations import ItemStatus
from casework.model.bands import load_band_limits
from casework.model.disclosures import Band, Category
from casework.model.labels import find_gravest
from casework.model.messages import Channel
from casework.model.turn_outcomes import Truth
from casework.services.conversation_ports import WasUrgent
from casework.services.workbench_ports import StoredTurn, TurnRecord

RECORD = sa.insert(turn_record)
SCREENED = "screened"
AT_ONCE = 500
URGENT = (WasUrgent.YES.value, WasUrgent.SOONER.value)


class SqlTurnRecords:
    def __init__(self, connection: sa.Connection, now: datetime, *, unless_said: bool = False) -> None:
        self._connection = connection
        self._now = now
        self._unless_said = unless_said

    def record(self, record: TurnRecord) -> None:
        self._connection.execute(
            RECORD,
            seal(
                self._connection,
                turn_record,
                {
                    "turn_id": record.turn_id,
                    "inbox_id": record.inbox_id,
                    "conversation_id": record.conversation_id,
                    "at": record.at,
                    "model_id": record.model_id,
                    "state": record.state,
                    "standing": record.standing,
                    "code_pending": record.code_pending,
                    "safe_question": record.safe_question,
                    "earlier_ids": list(record.earlier_ids),
                    "intent": record.intent,
                    "confidence": record.confidence,
                    "runner_up": record.runner_up,
                    "runner_up_confidence": record.runner_up_confidence,
                    "urgency": record.urgency,
                    "categories": dict(record.categories),
                    "responses": list(record.responses),
                    "effects": list(record.effects),
                    "band": record.band.value,
                    "tier": record.tier,
                },
            ),
        )

    def find(self, inbox_id: int) -> TurnRecord | None:
        query = sa.select(turn_record).where(turn_record.c.inbox_id == inbox_id)
        row = self._connection.execute(query).first()
        return None if row is None else _record(row)

    def list_for_replay(
        self, *, newest: int, only_urgent: bool = False, after: int = 0, upto: int | None = None
    ) -> list[StoredTurn]:
        query = self._replayable(newest, only_urgent, after)
        rows = self._connection.execute(query if upto is None else query.where(inbox.c.id <= upto)).all()
        truths = self.find_truths([row.inbox_id for row in rows])
        texts = self._list_texts({number for row in rows for number in row.earlier_ids or ()})
        return [self._stored(row, texts, truths.get(row.inbox_id)) for row in rows]

    def _replayable(self, newest: int, only_urgent: bool, after: int) -> sa.Select[Any]:
        query = (
            sa.select(
                turn.c.id.label("turn_id"),
                turn.c.inbox_id,
                turn.c.conversation_id,
                inbox.c.channel,
                inbox.c.text,
                inbox.c.read_as,
                inbox.c.received_at,
                inbox.c.screen,
                turn_record.c.turn_id.label("recorded"),
                turn_record.c.state,
                turn_record.c.standing,
                turn_record.c.code_pending,
                turn_record.c.safe_question,
                turn_record.c.earlier_ids,
            )
            .select_from(
                inbox.join(turn, turn.c.inbox_id == inbox.c.id).join(
                    turn_record, turn_record.c.inbox_id == inbox.c.id, isouter=True
                )
            )
            .where(
                inbox.c.id > after,
                sa.or_(turn_record.c.turn_id.is_not(None), turn.c.outcome == SCREENED),
                is_usable(inbox.c.conversation_id, inbox.c.id, unless_said=self._unless_said),
            )
            .order_by(inbox.c.id.desc())
            .limit(newest)
        )
        return query.where(_is_urgent()) if only_urgent else query

    def _stored(self, row: Any, texts: dict[int, str], truth: Truth | None) -> StoredTurn:
        is_recorded = row.recorded is not None
        earlier = (
            [texts[number] for number in row.earlier_ids if number in texts]
            if is_recorded
            else SqlInbox(self._connection).list_earlier(
                row.conversation_id,
                before=row.received_at,
                limits=load_band_limits(),
                before_id=row.inbox_id,
            )
        )
        return StoredTurn(
            turn_id=row.turn_id,
            inbox_id=row.inbox_id,
            conversation_id=row.conversation_id,
            channel=Channel(row.channel),
            text=row.text if row.read_as is None else row.read_as,
            earlier=tuple(earlier),
            state=row.state,
            # The screen alone read it: it was never asked, and nothing was proved for its sake.
            standing=row.standing if is_recorded else "unknown",
            code_pending=bool(row.code_pending),
            safe_question=bool(row.safe_question),
            screen=screen_from_json(row.screen),
            truth=truth,
        )

    def _list_texts(self, inbox_ids: Iterable[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for some in _in_parts(sorted(inbox_ids)):
            query = sa.select(inbox.c.id, inbox.c.text).where(inbox.c.id.in_(some))
            found |= {row.id: row.text[-LONGEST_EARLIER_TEXT:] for row in self._connection.execute(query)}
        return found

    def find_truths(self, inbox_ids: list[int]) -> dict[int, Truth]:
        found: dict[int, Truth] = {}
        for some in _in_parts(inbox_ids):
            said = sa.select(label_suggestion).where(label_suggestion.c.inbox_id.in_(some))
            newest_last = said.order_by(label_suggestion.c.created_at, label_suggestion.c.id)
            for row in self._connection.execute(newest_last):
                truth = _truth_of_desk(row.was_urgent, row.about)
                if truth is not None:
                    found[row.inbox_id] = truth
            settled = sa.select(review_item.c.inbox_id, review_item.c.risks, review_item.c.intent).where(
                review_item.c.inbox_id.in_(some), review_item.c.status == ItemStatus.SETTLED.value
            )
            for row in self._connection.execute(settled):
                # What two people settled on goes before what a desk said.
                found[row.inbox_id] = Truth(
                    is_urgent=bool(row.risks),
                    category=find_gravest(row.risks),
                    intent=row.intent,
                    by="settled",
                )
        return found


def _is_urgent() -> sa.ColumnElement[bool]:
    """By the screen, by the model that answered, by people who settled it, or by whoever closed it."""
    settled = sa.exists().where(
        review_item.c.inbox_id == inbox.c.id,
        review_item.c.status == ItemStatus.SETTLED.value,
        sa.cast(review_item.c.risks, sa.Text) != "[]",
    )
    of_desk = sa.exists().where(
        label_suggestion.c.inbox_id == inbox.c.id,
        sa.or_(
            label_suggestion.c.was_urgent.in_(URGENT),
            label_suggestion.c.about.in_([category.value for category in Category]),
        ),
    )
    return sa.or_(
        turn.c.outcome == SCREENED,
        turn_record.c.band != Band.GREEN.value,
        inbox.c.screen["urgent"].as_boolean(),
        settled,
        of_desk,
    )


def _truth_of_desk(was_urgent: str | None, about: str | None) -> Truth | None:
    category = Category(about) if about in set(Category) else None
    if was_urgent == WasUrgent.NO.value:
        return Truth(is_urgent=False, category=None, intent=None, by="ending")
    if was_urgent in URGENT or category is not None:
        return Truth(is_urgent=True, category=category, intent=None, by="ending")
    return Truth(is_urgent=False, category=None, intent=None, by="ending") if about else None


def _in_parts(numbers: list[int]) -> Iterable[list[int]]:
    return (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))


def _record(row: Any) -> TurnRecord:
    return TurnRecord(
        turn_id=row.turn_id,
        inbox_id=row.inbox_id,
        conversation_id=row.conversation_id,
        at=row.at,
        model_id=row.model_id,
        state=row.state,
        standing=row.standing,
        code_pending=row.code_pending,
        safe_question=row.safe_question,
        earlier_ids=tuple(row.earlier_ids),
        intent=row.intent,
        confidence=row.confidence,
        runner_up=row.runner_up,
        runner_up_confidence=row.runner_up_confidence,
        urgency=row.urgency,
        categories=row.categories,
        responses=tuple(row.responses),
        effects=tuple(row.effects),
        band=Band(row.band),
        tier=row.tier,
    )
