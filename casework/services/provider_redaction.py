"""The provider's copies: asked to let go of each message's words once it is done, and of all of it once it is erased.

It has a queue of its own: a provider that refuses holds up nobody's messages. What it does not let go of is an alarm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from casework.model.retention import RetentionRules
from casework.services.keeping_ports import LeasedRedaction
from casework.services.ports import Clock, Store, Transaction

ALARM = "provider_keeps_words"
LEASE_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
AT_ONCE = 200
# Nobody waits for these; between two looks for more of them.
LOOK_AGAIN = timedelta(minutes=1)


class LetGo(StrEnum):
    """What a provider said. The values but the last are kept."""

    DONE = "done"
    GONE = "gone"  # it has none, or none any more
    IMPOSSIBLE = "impossible"  # it never will
    LATER = "later"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """`fault`: its code, where it did not."""

    came_of_it: LetGo
    fault: str | None = None


class Forgetting(Protocol):
    """A provider that can be asked to let go of a message. Asking twice changes nothing."""

    async def forget(self, provider_message_id: str, *, deletes: bool) -> Answered: ...


@dataclass(kw_only=True)
class Redacting:
    """What asking needs, wired once. `providers`: by the name in the row."""

    store: Store
    clock: Clock
    rules: RetentionRules
    providers: Mapping[str, Forgetting]
    next_at: datetime | None = None


async def forget_next(redacting: Redacting) -> bool:
    """Asks about one message that is due. False when there is none."""
    leased = await redacting.store.write(
        lambda tx: tx.provider_redactions.lease_next(lease_seconds=LEASE_SECONDS)
    )
    if leased is None:
        return await _look_for_more(redacting)
    provider = redacting.providers.get(leased.provider)
    if provider is None:
        answered = Answered(came_of_it=LetGo.LATER, fault="no_account")
    else:
        answered = await provider.forget(leased.provider_message_id, deletes=leased.deletes)
    await redacting.store.write(lambda tx: _settle(tx, leased, answered))
    return True


def get_pause(attempts: int) -> timedelta:
    """How long after that many tries in vain the next one is made."""
    return min(FIRST_PAUSE * (1 << 2 * min(attempts - 1, 10)), LONGEST_PAUSE)


def _settle(tx: Transaction, leased: LeasedRedaction, answered: Answered) -> None:
    if answered.came_of_it is LetGo.LATER:
        until = tx.now + get_pause(leased.attempts)
        tx.provider_redactions.postpone(leased.id, until=until, fault=answered.fault or "later")
    else:
        tx.provider_redactions.settle(leased.id, answered.came_of_it.value, fault=answered.fault)


async def _look_for_more(redacting: Redacting) -> bool:
    now = redacting.clock.now()
    if redacting.next_at is not None and now < redacting.next_at:
        return False
    rules = redacting.rules

    def look(tx: Transaction) -> int:
        late = tx.provider_redactions.count_late(asked_before=tx.now - rules.provider_alarm)
        if late:
            tx.alarms.sound(ALARM, f"{late} messages")
        else:
            tx.alarms.end(ALARM)
        return tx.provider_redactions.queue_finished(before=tx.now - rules.provider_words, limit=AT_ONCE)

    found = await redacting.store.write(look)
    if not found:
        redacting.next_at = now + LOOK_AGAIN
    return bool(found)
