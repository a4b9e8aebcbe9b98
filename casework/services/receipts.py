"""The provider's news of a message: append-only, and a failure is a person's task."""

from casework.services.deliver import report_undelivered
from casework.services.ports import Transaction

FAILED_STATUSES = frozenset({"failed", "undelivered"})


def record_receipt(tx: Transaction, provider_message_id: str, status: str, *, error_code: str | None) -> None:
    """Stores every event, known message or not, in whatever order it comes."""
    tx.outbox.record_event(provider_message_id, status, error_code)
    if status not in FAILED_STATUSES:
        return
    found = tx.outbox.find_by_provider_id(provider_message_id)
    if found is None:
        return
    outbox_id, conversation_id = found
    tx.audit.record(
        "delivery_failed", by="provider", conversation_id=conversation_id, thing=f"out-{outbox_id}"
    )
    report_undelivered(tx, outbox_id, conversation_id)
