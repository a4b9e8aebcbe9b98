"""Messages of which nothing final was heard: a callback may be lost, so the provider is asked.

Why and after how long: docs/channels.md.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from casework.model.messages import Channel
from casework.services.ports import Clock, NameFailure, SilentMessage, Store, Tracker, Transaction
from casework.services.receipts import record_receipt
from casework.services.service_texts import ServiceTexts

FIRST_ASKED_AFTER = timedelta(minutes=15)
# Then every quarter of an hour for an hour, and every hour until the provider itself gives up: it keeps a message
# in its queue for ten hours at most.
OFTEN_FOR = timedelta(hours=1)
SELDOM_AFTER = timedelta(hours=1)
ASKED_FOR = timedelta(hours=11)
MOST_A_MINUTE = 30
MINUTE = timedelta(minutes=1)
# When nothing was due: the more was sent the more looking costs, and nobody waits for this to the second.
PAUSE = timedelta(seconds=15)
# An alarm that nothing else ends is over when it was not heard again for so long.
ALARM_LASTS = timedelta(hours=24)
ALARMS_THAT_FADE = ("sms_filtered", "template_wrong")


@dataclass(kw_only=True)
class Tracking:
    """What looking up needs, wired once. Each worker asks at most `MOST_A_MINUTE` times a minute."""

    store: Store
    clock: Clock
    trackers: Mapping[Channel, Tracker]
    texts: ServiceTexts
    name_failure: NameFailure
    next_at: datetime | None = None
    asked_at: deque[datetime] = field(default_factory=deque)


async def look_up_next_silent(tracking: Tracking) -> bool:
    """Asks what became of one message. False when none is due, or enough were asked in the last minute."""
    now = tracking.clock.now()
    if not _may_ask(tracking, now):
        return False
    silent = await tracking.store.write(lambda tx: _take(tx, tracking))
    if silent is None:
        tracking.next_at = now + PAUSE
        await tracking.store.write(_end_faded_alarms)
        return False
    tracking.asked_at.append(now)
    told = await tracking.trackers[silent.channel].find_state(silent.provider_message_id)
    if told is not None:
        await tracking.store.write(
            lambda tx: record_receipt(
                tx,
                silent.provider_message_id,
                told.word,
                error_code=told.error_code,
                name_failure=tracking.name_failure,
                texts=tracking.texts,
            )
        )
    return True


def _may_ask(tracking: Tracking, now: datetime) -> bool:
    while tracking.asked_at and tracking.asked_at[0] <= now - MINUTE:
        tracking.asked_at.popleft()
    is_time = tracking.next_at is None or now >= tracking.next_at
    return is_time and len(tracking.asked_at) < MOST_A_MINUTE


def _take(tx: Transaction, tracking: Tracking) -> SilentMessage | None:
    return tx.outbox.take_silent(
        list(tracking.trackers),
        left_after=tx.now - ASKED_FOR,
        not_since=tx.now - SELDOM_AFTER,
        young_after=tx.now - OFTEN_FOR,
        young_not_since=tx.now - FIRST_ASKED_AFTER,
    )


def _end_faded_alarms(tx: Transaction) -> None:
    for alarm in tx.alarms.list_open():
        if alarm.kind in ALARMS_THAT_FADE and alarm.last_at <= tx.now - ALARM_LASTS:
            tx.alarms.end(alarm.kind)
