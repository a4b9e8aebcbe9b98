"""How far a message that left has got, read from the provider's news of it in whatever order they came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.model.messages import RANK_OF_STATE, DeliveryState

# The words that providers use, in small letters. Twilio: the `status` of its Messages resource, where "receiving" and
# "received" are of messages to us and so not here.
STATE_OF_WORD: dict[str, DeliveryState] = {
    "queued": DeliveryState.ACCEPTED,
    "accepted": DeliveryState.ACCEPTED,
    "scheduled": DeliveryState.ACCEPTED,
    "sending": DeliveryState.SENDING,
    "sent": DeliveryState.SENT,
    "undelivered": DeliveryState.UNDELIVERED,
    "partially_delivered": DeliveryState.UNDELIVERED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.FAILED,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
}
NOT_ARRIVED = frozenset({DeliveryState.UNDELIVERED, DeliveryState.FAILED})
ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.READ})
# Nothing more is to be heard of it. READ is not waited for: it says nothing that DELIVERED did not.
FINAL = NOT_ARRIVED | ARRIVED


@dataclass(frozen=True, kw_only=True)
class News:
    """One piece of a provider's news, as it was stored. `at` aware UTC: when it came to us."""

    word: str
    error_code: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Reached:
    """The furthest that all the news together tell of, when that was first told, and the code of a failure."""

    state: DeliveryState
    at: datetime
    error_code: str | None = None


def find_furthest(news: Sequence[News]) -> Reached | None:
    """The furthest state in news given in the order they came; None while no word of them is known.

    The order changes nothing: the state of the highest rank counts, and of two equal ones the first. A word that
    nobody has sorted counts for nothing.
    """
    known = [(STATE_OF_WORD[each.word.lower()], each) for each in news if each.word.lower() in STATE_OF_WORD]
    if not known:
        return None
    state, first = max(known, key=lambda pair: RANK_OF_STATE[pair[0]])  # max keeps the first of equals
    if state not in NOT_ARRIVED:
        return Reached(state=state, at=first.at)
    # Of the same failure told twice, one may bring the code and the other not.
    codes = [each.error_code for told, each in known if told in NOT_ARRIVED and each.error_code]
    return Reached(state=state, at=first.at, error_code=codes[0] if codes else None)
