"""Which model answers which conversation: a running one keeps its own, a new one gets the live one."""

from functools import cache

from casework.model.model_hours import ModelHours, load_model_hours
from casework.services.model_ports import WantedModel
from casework.services.ports import Conversation, Transaction


def prefer(tx: Transaction, conversation: Conversation) -> tuple[str, ...]:
    """Ids of the models that may answer, the preferred one first; empty where nothing was ever released.

    The one the conversation has, if it answered within a day and was not rolled back; then the live one; then
    those before it. A candidate is never among them.
    """
    allowed = tx.model_releases.list_allowed()
    pinned = conversation.model_id
    if pinned not in allowed or conversation.model_at is None:
        return tuple(allowed)
    if tx.now - conversation.model_at >= _hours().running:
        return tuple(allowed)
    return tuple(dict.fromkeys([pinned, *allowed]))


def note_answered(tx: Transaction, conversation: Conversation, model_id: str) -> None:
    """The conversation stays with the model that has just answered it, while it runs."""
    # Another Rasa's, where nothing was ever released: its name says nothing here.
    if model_id in tx.model_releases.list_allowed():
        tx.model_releases.pin(conversation.id, model_id)


def list_wanted(tx: Transaction) -> tuple[WantedModel, ...]:
    """What is to be loaded now, most wanted first."""
    return tuple(tx.model_releases.list_wanted(now=tx.now, keep=_hours().keep_previous))


@cache
def _hours() -> ModelHours:
    return load_model_hours()
