"""A desk with messages to review: long quiet, allowed to teach, each in the queue a test wants it in."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.tables import conversation, inbox, outbox, turn
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.workbench_tables import annotation, review_item
from casework.model.disclosures import Band
from casework.model.messages import OutboxStatus
from casework.model.review_queues import NO_DANGER, Queue
from casework.services.workbench_ports import TurnRecord
from tests.console.desk_site import DeskSite

LONG_AGO = timedelta(hours=2)


def add_item(
    site: DeskSite,
    text: str,
    *,
    queue: Queue = Queue.UNSURE,
    intent: str = "ask_status",
    confidence: float = 0.4,
    answer: str = "Your case is with an officer now.",
    why: str = "between_two",
    detail: dict[str, Any] | None = None,
    harm: int = NO_DANGER,
    cluster: str | None = None,
    said_ago: timedelta = LONG_AGO,
    **values: Any,
) -> int:
    """Its inbox id. `answer` empty: the assistant said nothing. `values` are of the review item."""
    conversation_id = site.victim_writes(text, outcome="answered")
    inbox_id = site.latest_inbox_id()
    if answer:
        site.assistant_answers(conversation_id, answer, OutboxStatus.SENT)
    said_at = site.service.clock.now() - said_ago
    record = _record(site, inbox_id, conversation_id, intent, confidence, said_at)
    item = {
        "conversation_id": conversation_id,
        "said_at": said_at,
        "channel": "sms",
        "band_seen": "green",
        "side": "train",
    }

    def write(tx: SqlTransaction) -> None:
        make_quiet(tx, conversation_id, said_at)
        tx.turn_records.record(record)
        tx.reviews.add_item(inbox_id, **(item | values))
        told = {"intent": intent, "runner_up": "ask_rights"} if detail is None else detail
        tx.reviews.add_reason(inbox_id, queue, harm=harm, why=why, detail=told, cluster=cluster)

    site.write(write)
    return inbox_id


def make_quiet(tx: SqlTransaction, conversation_id: str, at: datetime) -> None:
    """All of the conversation was said then, ours a moment later."""
    of_it = (
        (conversation, conversation.c.id, {"last_inbound_at": at}),
        (inbox, inbox.c.conversation_id, {"received_at": at}),
        (outbox, outbox.c.conversation_id, {"created_at": at + timedelta(seconds=2)}),
    )
    for table, column, changed in of_it:
        tx.connection.execute(sa.update(table).where(column == conversation_id).values(**changed))


def _record(
    site: DeskSite, inbox_id: int, conversation_id: str, intent: str, confidence: float, at: datetime
) -> TurnRecord:
    [row] = site.rows(turn, turn.c.inbox_id == inbox_id)
    return TurnRecord(
        turn_id=row.id,
        inbox_id=inbox_id,
        conversation_id=conversation_id,
        at=at,
        model_id="m" * 32,
        state=None,
        standing="unknown",
        code_pending=False,
        safe_question=False,
        earlier_ids=(),
        intent=intent,
        confidence=confidence,
        runner_up="ask_rights",
        runner_up_confidence=confidence - 0.05,
        urgency=0.01,
        categories={},
        responses=("utter_case_status",),
        effects=(),
        band=Band.GREEN,
        tier=None,
    )


def presses(site: DeskSite, **values: Any) -> list[Any]:
    """Annotations that stand, oldest first, with just these values."""
    where = [annotation.c[name] == value for name, value in values.items()]
    rows = site.rows(annotation, annotation.c.undone_at.is_(None), *where)
    return sorted(rows, key=lambda row: row.made_at)


def item_of(site: DeskSite, inbox_id: int) -> Any:
    [row] = site.rows(review_item, review_item.c.inbox_id == inbox_id)
    return row
