"""When a message may leave at the pace its sender keeps. Nothing is dropped: what must wait is told until when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.model.gsm_text import count_texts
from casework.model.messages import Channel, Lane, OutboundMessage
from casework.model.pacing import URGENT, Bucket, Pace, make_pace, take_tokens
from casework.services.ports import Transaction

# What waits looks again after that long at the latest, though more waits before it: those may have been withdrawn.
LONGEST_SECONDS_URGENT = 5.0
LONGEST_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class PacedSender:
    """One of our own addresses, and how fast it may send."""

    address: str
    pace: Pace


def list_paced_senders(
    *, sms_from: str, whatsapp_from: str | None, sms_per_second: float | None, has_telegram: bool
) -> Mapping[Channel, PacedSender]:
    """The addresses that have a pace to keep, by channel; web chat and e-mail have none."""
    addresses = {
        Channel.SMS: sms_from,
        Channel.WHATSAPP: whatsapp_from and f"whatsapp:{whatsapp_from}",
        Channel.TELEGRAM: "telegram" if has_telegram else None,
    }
    found: dict[Channel, PacedSender] = {}
    for channel, address in addresses.items():
        pace = make_pace(channel, per_second=sms_per_second if channel is Channel.SMS else None)
        if address and pace:
            found[channel] = PacedSender(address=address[:64], pace=pace)
    return found


def keep_pace(
    tx: Transaction, message: OutboundMessage, *, senders: Mapping[Channel, PacedSender]
) -> datetime | None:
    """None: it may leave now, and is counted. Else when to ask again; the later, the more wait before it.

    While a safety line or a code waits for room nothing else takes any.
    """
    sender = senders.get(message.channel)
    if sender is None:
        return None
    segments = count_texts(message.text) if message.channel is Channel.SMS else 1
    return take(
        tx,
        sender,
        segments,
        message.lane,
        ahead=lambda: tx.paces.count_ahead(message.dedupe_key),
        must_wait=message.lane not in URGENT and tx.paces.has_urgent_waiting(message.channel),
    )


def take(
    tx: Transaction,
    sender: PacedSender,
    segments: int,
    lane: Lane,
    *,
    ahead: Callable[[], int] = lambda: 0,
    must_wait: bool = False,
) -> datetime | None:
    """None: there was room for `segments` and they are taken. Else the moment there may be.

    `ahead`: how many messages wait before this one. Each gets its own moment, or a backlog of thousands would be
    taken up and put back again with every token that comes in. `must_wait`: nothing is taken, whatever there is.
    """
    if must_wait:
        return tx.now + timedelta(seconds=_wait_for_others(1 + ahead(), sender.pace, lane))
    pace = sender.pace
    tokens, counted_at = tx.paces.hold(sender.address, full=pace.burst)
    taken = take_tokens(
        Bucket(tokens=tokens, counted_at=counted_at), pace, tokens=segments, lane=lane, now=tx.now
    )
    tx.paces.save(sender.address, taken.bucket.tokens, counted_at=taken.bucket.counted_at)
    if taken.seconds is None:
        return None
    seconds = taken.seconds + _wait_for_others(ahead(), pace, lane)
    # A millisecond later than exactly, so that rounding never brings it back a moment too soon.
    return tx.now + timedelta(seconds=seconds, milliseconds=1)


def _wait_for_others(messages: int, pace: Pace, lane: Lane) -> float:
    return min(messages / pace.per_second, LONGEST_SECONDS_URGENT if lane in URGENT else LONGEST_SECONDS)
