"""The provider's news of a message: append-only in any order, joined to the message, and a failure has a follow-up."""

from functools import cache

from casework.model.delivery_failures import get_failure
from casework.model.delivery_states import ARRIVED, NOT_ARRIVED
from casework.model.messages import DeliveryState
from casework.services import undelivered
from casework.services.opt_outs import PROVIDER
from casework.services.ports import NameFailure, Transaction
from casework.services.service_texts import ServiceTexts, load_service_texts

_load_texts = cache(load_service_texts)


def name_nothing(error_code: str | None) -> str | None:
    """For a provider whose codes nobody has sorted."""
    return None


def record_receipt(
    tx: Transaction,
    provider_message_id: str,
    status: str,
    *,
    error_code: str | None,
    name_failure: NameFailure = name_nothing,
    texts: ServiceTexts | None = None,
) -> None:
    """Stores every event, whatever its word, message known or not, in whatever order it comes."""
    tx.outbox.record_event(provider_message_id, status, error_code)
    found = tx.outbox.find_by_provider_id(provider_message_id)
    if found is not None:
        apply_news(tx, found[0], texts or _load_texts(), name_failure=name_failure)


def apply_news(tx: Transaction, outbox_id: int, texts: ServiceTexts, *, name_failure: NameFailure) -> None:
    """Brings a message up to all its news, those too that came before we knew its id. Once for each new state."""
    changed = tx.outbox.project_news(outbox_id)
    if changed is None:
        return
    before, reached = changed
    if reached.state in NOT_ARRIVED:
        failure = get_failure(name_failure(reached.error_code))
        undelivered.follow_up(tx, outbox_id, failure, texts, error_code=reached.error_code, is_at_once=False)
    elif reached.state in ARRIVED:
        _note_arrival(tx, outbox_id, before)


def _note_arrival(tx: Transaction, outbox_id: int, before: DeliveryState | None) -> None:
    if before in NOT_ARRIVED:
        tx.outbox.set_reason(outbox_id, None)
    if before not in ARRIVED:
        left = tx.outbox.get(outbox_id)
        # What the provider refused there when it left, it does so no more; of what came since this says nothing.
        tx.opt_outs.end(
            left.message.channel, left.message.to, how=PROVIDER, before=left.sent_at or left.created_at
        )
