"""Messages to review and why: put in their queues, settled, and read one by one."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import label_suggestion
from casework.adapters.storage.model_tables import guest_message
from casework.adapters.storage.review_lists import REVIEW_ITEMS, SqlReviewLists
from casework.adapters.storage.sealed import seal
from casework.adapters.storage.statements import insert
from casework.adapters.storage.training_flags import is_usable
from casework.adapters.storage.workbench_tables import is_open, review_item, review_reason
from casework.model.annotations import ItemStatus, Label
from casework.model.disclosures import Band, Category
from casework.model.messages import Channel
from casework.model.review_queues import Queue
from casework.services.conversation_ports import WasUrgent
from casework.services.review_ports import Reason, ReviewItem
from casework.services.workbench_ports import JsonObject

# Nobody is asked about these any more.
CLOSED = (ItemStatus.SETTLED, ItemStatus.SKIPPED, ItemStatus.REMOVED)


class SqlReviews(SqlReviewLists):
    def add_item(self, inbox_id: int, **values: Any) -> None:
        row = {
            "status": ItemStatus.OPEN.value,
            "risks": [],
            "language": "en",
            "is_restricted": False,
        } | values
        self._connection.execute(
            insert(self._connection, review_item).on_conflict_do_nothing(index_elements=["inbox_id"]),
            {"inbox_id": inbox_id} | row,
        )

    def add_reason(
        self,
        inbox_id: int,
        queue: Queue,
        *,
        harm: int,
        why: str,
        detail: JsonObject,
        cluster: str | None = None,
    ) -> None:
        item = self._connection.execute(
            sa.select(review_item.c.said_at, review_item.c.status, review_item.c.conversation_id).where(
                review_item.c.inbox_id == inbox_id
            )
        ).one()
        statement = insert(self._connection, review_reason)
        self._connection.execute(
            # Found again, by another source too: it is as bad as the worst of them says.
            statement.on_conflict_do_update(
                index_elements=["inbox_id", "queue"],
                set_={"harm": statement.excluded.harm},
                where=review_reason.c.harm > statement.excluded.harm,
            ),
            seal(
                self._connection,
                review_reason,
                {
                    "inbox_id": inbox_id,
                    "queue": queue.value,
                    "harm": harm,
                    "said_at": item.said_at,
                    "why": why,
                    "detail": detail,
                    "cluster": cluster,
                    "settled_at": self._now if item.status in CLOSED else None,
                },
                owner=item.conversation_id,
            ),
        )

    def settle(self, inbox_id: int, *, intent: str | None, sub: str | None, risks: Sequence[str]) -> None:
        self._update(
            inbox_id,
            status=ItemStatus.SETTLED.value,
            intent=intent,
            sub=sub,
            risks=list(risks),
            settled_at=self._now,
        )
        self._close_reasons(inbox_id)

    def set_status(self, inbox_id: int, status: ItemStatus) -> None:
        self._update(inbox_id, status=status.value, intent=None, sub=None, risks=[], settled_at=None)
        if status in CLOSED:
            self._close_reasons(inbox_id)
        else:
            self._connection.execute(
                sa.update(review_reason).where(review_reason.c.inbox_id == inbox_id).values(settled_at=None)
            )

    def settle_suggestions(self, inbox_id: int, label: Label | None) -> None:
        of_item = label_suggestion.c.inbox_id == inbox_id
        for row in self._connection.execute(sa.select(label_suggestion).where(of_item)).all():
            status = "suggested"
            if label is not None:
                status = "accepted" if _says_the_same(row.was_urgent, row.about, label) else "refused"
            self._connection.execute(
                sa.update(label_suggestion).where(label_suggestion.c.id == row.id).values(status=status)
            )

    def handle_guest(self, guest_message_id: int) -> bool:
        result = self._connection.execute(
            sa.update(guest_message)
            .where(guest_message.c.id == guest_message_id, guest_message.c.handled_at.is_(None))
            .values(handled_at=self._now)
        )
        return result.rowcount == 1

    def _update(self, inbox_id: int, **values: Any) -> None:
        self._connection.execute(
            sa.update(review_item).where(review_item.c.inbox_id == inbox_id).values(**values)
        )

    def _close_reasons(self, inbox_id: int) -> None:
        self._connection.execute(
            sa.update(review_reason)
            .where(review_reason.c.inbox_id == inbox_id, is_open(review_reason))
            .values(settled_at=self._now)
        )

    # --- one item ---

    def find_item(self, inbox_id: int) -> ReviewItem | None:
        return self._find(sa.select(review_item).select_from(REVIEW_ITEMS).where(self.is_shown()), inbox_id)

    def hold_item(self, inbox_id: int) -> ReviewItem | None:
        usable = is_usable(
            review_item.c.conversation_id, review_item.c.inbox_id, unless_said=self._unless_said
        )
        return self._find(sa.select(review_item).where(usable).with_for_update(of=review_item), inbox_id)

    def _find(self, query: sa.Select[Any], inbox_id: int) -> ReviewItem | None:
        row = self._connection.execute(query.where(review_item.c.inbox_id == inbox_id)).first()
        return None if row is None else _item(row)

    def list_reasons(self, inbox_id: int) -> list[Reason]:
        query = sa.select(review_reason).where(review_reason.c.inbox_id == inbox_id)
        reasons = [
            Reason(
                queue=Queue(row.queue),
                harm=row.harm,
                why=row.why,
                detail=row.detail,
                cluster=row.cluster,
                is_open=row.settled_at is None,
            )
            for row in self._connection.execute(query)
        ]
        return sorted(reasons, key=lambda reason: list(Queue).index(reason.queue))


def _says_the_same(was_urgent: str | None, about: str | None, label: Label) -> bool:
    """Each tap by itself: whether it was urgent, and what it was about."""
    is_danger = bool(label.risks)
    if was_urgent is not None and (was_urgent != WasUrgent.NO.value) is not is_danger:
        return False
    if about is None:
        return True
    return about in label.risks if about in set(Category) else not is_danger


def _item(row: Any) -> ReviewItem:
    is_settled = row.status == ItemStatus.SETTLED.value
    return ReviewItem(
        inbox_id=row.inbox_id,
        conversation_id=row.conversation_id,
        said_at=row.said_at,
        channel=Channel(row.channel),
        language=row.language,
        model_id=row.model_id,
        category_seen=row.category_seen,
        tier_seen=row.tier_seen,
        band_seen=Band(row.band_seen),
        side=row.side,
        status=ItemStatus(row.status),
        settled=Label(risks=tuple(row.risks), intent=row.intent, sub=row.sub) if is_settled else None,
        is_restricted=row.is_restricted,
        settled_at=row.settled_at,
    )
