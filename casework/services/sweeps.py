"""Comparing the provider's own list with what we hold, both ways: the last of the three nets under a message.

What we do not hold is taken in with the same receive function as a webhook, and is screened like any other. A webhook
that is still on its way makes no second row: the inbox is unique by the provider's id.

A whole comparing reads all of yesterday and today, and one worker does it for all. What was too young for it is looked
for soon, among the newest alone: it would else be the whole list every few seconds for as long as somebody writes.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from casework.model.errors import WaymarkError
from casework.model.messages import RANK_OF_STATE, Channel, DeliveryState, InboundMessage
from casework.services.ports import Store, SweepCount, Transaction
from casework.services.receive import Received

# A webhook brings more than the list does (buttons, places), so a young message is left to it first.
SETTLE = timedelta(seconds=30)
# A send is recorded after the provider has it; so long the two may differ.
SEND_SETTLES = timedelta(minutes=2)
# Until then what left may not have a date at the provider, and without one it is not in a day's list.
LIST_SETTLES = timedelta(minutes=15)
# How long a message waits for the addresses of its pictures before it is taken in without them.
MEDIA_PATIENCE = timedelta(minutes=5)
MISSING_HOLDS = timedelta(hours=1)
LONGEST_LOOK_BACK = timedelta(days=14)
# How far the newest are read: longer by far than anything is too young, or waits for its pictures' addresses.
NEWEST = timedelta(minutes=15)
SOON_SECONDS = 15.0
MOST_ASKED_ONE_BY_ONE = 50
MOST_FAILURES = 5
CONVERSATIONS_AT_ONCE = 200
SENDS_AT_ONCE = 200

UNREACHABLE = "provider_unreachable"
TOO_MANY = "too_many_pages"
MISSING = "sweep_found_missing"


class ProviderUnreachable(WaymarkError):
    """The provider could not be asked; `code` says how it failed."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The provider could not be asked: {code}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class ListedSend:
    """A message from us, as the provider lists it."""

    provider_message_id: str
    channel: Channel
    to: str
    status: str
    error_code: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What the provider lists to and from our addresses: oldest first, each once."""

    inbound: Sequence[InboundMessage]  # origin SWEEP, `sent_at` as the provider says
    outbound: Sequence[ListedSend]
    unreadable: int = 0  # entries that name no message or nobody
    is_cut: bool = False  # there was more than could be read


class ProviderList(Protocol):
    """The provider's record of what it passed on, whoever the provider is. Raises ProviderUnreachable."""

    async def list_since(self, day: date, *, received_at: datetime) -> Listed:
        """Everything from that day (UTC) until now, both directions."""

    async def list_newest(self, since: datetime, *, received_at: datetime) -> Listed:
        """The newest entries until now, both directions, as far back as `since` or a page beyond it."""

    async def add_media(self, message: InboundMessage) -> InboundMessage:
        """The message with where its pictures and files are."""

    async def find_send(self, provider_message_id: str) -> ListedSend | None:
        """One of ours by its id, however old; None if the provider holds none."""


@dataclass(frozen=True, kw_only=True)
class Sweeping:
    """What a sweep needs, wired once."""

    store: Store
    provider: ProviderList
    name: str  # the provider's, in sweep_run
    channels: tuple[Channel, ...]
    receive: Callable[[Transaction, InboundMessage], Received]
    record_news: Callable[[Transaction, ListedSend], None]  # as a status callback would be recorded
    every_seconds: float
    # Takes in what another net caught before this one was written, and this one itself if it holds it.
    take_earlier: Callable[[InboundMessage], Awaitable[None]] | None = None
    monotonic: Callable[[], float] = time.monotonic


@dataclass
class Timetable:
    """When the next sweep is due: at once after a start, then as often as set, and whenever somebody asks.

    Of several workers one sweeps each time. Each looks at the newest itself while some are too young.
    """

    sweeping: Sweeping
    due_at: float = field(default=float("-inf"))
    whole_at: float = field(default=float("-inf"))

    async def sweep_if_due(self) -> bool:
        """A worker step. False when there was nothing to do yet."""
        sweeping, now = self.sweeping, self.sweeping.monotonic()
        is_asked = await sweeping.store.read(lambda tx: tx.sweeps.is_asked(sweeping.name))
        if not is_asked and now < self.due_at:
            return False
        is_whole = is_asked or (now >= self.whole_at and not await self._has_been_swept())
        # Before the sweep, so that one that breaks is not tried again without a pause.
        self.due_at = now + SOON_SECONDS
        outcome = await (sweep if is_whole else look_at_newest)(sweeping)
        if outcome.has_failed:
            self.whole_at = float("-inf")
        elif is_whole:
            self.whole_at = sweeping.monotonic() + sweeping.every_seconds
        if outcome.is_settled:
            self.due_at = self.whole_at
        return True

    async def _has_been_swept(self) -> bool:
        """By another worker, since our own last time. Not after a start or a failure: nobody knows what was missed."""
        if self.whole_at == float("-inf"):
            return False
        left = await self.sweeping.store.read(self._count_seconds_left)
        if left <= 0:
            return False
        self.whole_at = self.sweeping.monotonic() + left
        return True

    def _count_seconds_left(self, tx: Transaction) -> float:
        newest = tx.sweeps.find_newest(self.sweeping.name)
        if newest is None:
            return 0.0
        return self.sweeping.every_seconds - (tx.now - newest.started_at).total_seconds()


@dataclass(frozen=True, kw_only=True)
class SweepOutcome:
    counted: SweepCount
    is_settled: bool  # False: something was too young, or could not be had; look again soon
    has_failed: bool = False  # something could not be had, or not be stored


@dataclass
class _Tally:
    """What one sweep finds, while it finds it."""

    at: datetime
    since: datetime
    listed: Listed
    missing: list[InboundMessage] = field(default_factory=list)
    young: int = 0
    failed: int = 0
    unstored: int = 0  # of the failed, those that are no fault of the provider
    lost_sends: int = 0


async def sweep(sweeping: Sweeping) -> SweepOutcome:
    """One comparing, recorded as a `sweep_run`. A provider that cannot be asked is an alarm, not an error."""
    run_id, at, day = await sweeping.store.write(lambda tx: _start(tx, sweeping.name))
    try:
        listed = await sweeping.provider.list_since(day, received_at=at)
        listed = await sweeping.store.read(lambda tx: _leave_out_unkept(tx, listed))
        tally = _Tally(at=at, since=datetime.combine(day, datetime.min.time(), tzinfo=UTC), listed=listed)
        await _take_missing(sweeping, tally)
        await _compare_sends(sweeping, tally)
    except ProviderUnreachable as failure:
        code = failure.code
        await sweeping.store.write(lambda tx: _record_failure(tx, run_id, code))
        return SweepOutcome(counted=SweepCount(), is_settled=False, has_failed=True)
    await _record_held(sweeping, tally)
    counted = SweepCount(
        listed_in=len(listed.inbound),
        missing_in=len(tally.missing),
        listed_out=len(listed.outbound),
        missing_out=tally.lost_sends,
    )
    await sweeping.store.write(lambda tx: _finish(tx, sweeping.name, run_id, counted, tally))
    return _tell(tally, counted)


async def look_at_newest(sweeping: Sweeping) -> SweepOutcome:
    """The same for what is only minutes old. No `sweep_run` is recorded, and nothing is said of what is not listed."""
    at = await sweeping.store.read(lambda tx: tx.now)
    try:
        listed = await sweeping.provider.list_newest(at - NEWEST, received_at=at)
        listed = await sweeping.store.read(lambda tx: _leave_out_unkept(tx, listed))
        tally = _Tally(at=at, since=at - NEWEST, listed=listed)
        await _take_missing(sweeping, tally)
        await _account_for_all(sweeping, _list_settled_sends(tally))
    except ProviderUnreachable as failure:
        code = failure.code
        await sweeping.store.write(lambda tx: tx.alarms.sound(UNREACHABLE, code))
        return SweepOutcome(counted=SweepCount(), is_settled=False, has_failed=True)
    counted = SweepCount(missing_in=len(tally.missing))
    if tally.missing or tally.failed:
        await sweeping.store.write(lambda tx: tx.alarms.sound(MISSING, _say(counted, tally.failed)))
    return _tell(tally, counted)


def _tell(tally: _Tally, counted: SweepCount) -> SweepOutcome:
    return SweepOutcome(
        counted=counted, is_settled=not (tally.young or tally.failed), has_failed=tally.failed > 0
    )


def _start(tx: Transaction, name: str) -> tuple[int, datetime, date]:
    """Yesterday and today; further back when no sweep has succeeded since."""
    newest = tx.sweeps.find_newest(name)
    last = tx.now if newest is None else min(newest.started_at, tx.now)
    from_ = max(last, tx.now - LONGEST_LOOK_BACK).astimezone(UTC).date() - timedelta(days=1)
    return tx.sweeps.start(name), tx.now, from_


def _leave_out_unkept(tx: Transaction, listed: Listed) -> Listed:
    """Notices to staff are in nobody's conversation, and what was erased here is not to come back."""
    sent = [each.provider_message_id for each in listed.outbound]
    came = [each.provider_message_id for each in listed.inbound]
    left_out = {*tx.staff_notices.find_sent(sent), *tx.provider_redactions.find_deleted([*sent, *came])}
    return replace(
        listed,
        inbound=tuple(each for each in listed.inbound if each.provider_message_id not in left_out),
        outbound=tuple(each for each in listed.outbound if each.provider_message_id not in left_out),
    )


def _record_failure(tx: Transaction, run_id: int, code: str) -> None:
    tx.sweeps.finish(run_id, SweepCount(), fault=code)
    tx.alarms.sound(UNREACHABLE, code)


# --- what they wrote ----------------------------------------------------------------------------


async def _take_missing(sweeping: Sweeping, tally: _Tally) -> None:
    settled = [each for each in tally.listed.inbound if _said_at(each) <= tally.at - SETTLE]
    tally.young = len(tally.listed.inbound) - len(settled)
    known = await sweeping.store.read(lambda tx: _find_holders(tx, settled))
    for message in settled:
        if message.provider_message_id in known:
            continue
        if sweeping.take_earlier is not None:
            await sweeping.take_earlier(message)
            if await _is_held(sweeping, message):
                continue
        await _take(sweeping, tally, message)


async def _is_held(sweeping: Sweeping, message: InboundMessage) -> bool:
    return bool(await sweeping.store.read(lambda tx: _find_holders(tx, [message])))


async def _take(sweeping: Sweeping, tally: _Tally, message: InboundMessage) -> None:
    try:
        whole = await _with_media(sweeping, tally, message)
        received = await sweeping.store.write(lambda tx: sweeping.receive(tx, whole))
    except ProviderUnreachable:
        tally.failed += 1
    except Exception:
        # What cannot be stored must not keep the others out. A database that is away raises when it is asked.
        tally.failed += 1
        tally.unstored += 1
        if tally.unstored % MOST_FAILURES == 0:
            await sweeping.store.read(lambda tx: tx.sweeps.find_newest(sweeping.name))
    else:
        # A copy by now: its webhook came after the list was asked for.
        if received.inbox_id is not None:
            tally.missing.append(message)


async def _with_media(sweeping: Sweeping, tally: _Tally, message: InboundMessage) -> InboundMessage:
    if not message.media_count:
        return message
    try:
        return await sweeping.provider.add_media(message)
    except ProviderUnreachable:
        if tally.at - _said_at(message) < MEDIA_PATIENCE:
            raise
        return message


def _said_at(message: InboundMessage) -> datetime:
    return message.sent_at or message.received_at


def _find_holders(tx: Transaction, messages: Iterable[InboundMessage]) -> dict[str, str]:
    """The conversation of each of these that we hold, by the provider's id."""
    ids: dict[Channel, list[str]] = {}
    for message in messages:
        ids.setdefault(message.channel, []).append(message.provider_message_id)
    return {
        provider_id: conversation_id
        for channel, wanted in ids.items()
        for provider_id, conversation_id in tx.sweeps.find_conversations_in(channel, wanted).items()
    }


# --- what we sent -------------------------------------------------------------------------------


async def _compare_sends(sweeping: Sweeping, tally: _Tally) -> None:
    tally.lost_sends = await _account_for_all(sweeping, _list_settled_sends(tally))
    unlisted = await sweeping.store.read(lambda tx: _list_unlisted(tx, sweeping, tally))
    found: list[ListedSend] = []
    for provider_id in unlisted[:MOST_ASKED_ONE_BY_ONE]:
        send = await sweeping.provider.find_send(provider_id)
        if send is None:
            tally.lost_sends += 1
        else:
            found.append(send)
    if found:
        await _account_for_all(sweeping, found)


def _list_settled_sends(tally: _Tally) -> list[ListedSend]:
    return [each for each in tally.listed.outbound if each.created_at <= tally.at - SEND_SETTLES]


async def _account_for_all(sweeping: Sweeping, sends: Sequence[ListedSend]) -> int:
    """A part at a time, so that nobody waits for a whole day of news to be written."""
    parts = [sends[start : start + SENDS_AT_ONCE] for start in range(0, len(sends), SENDS_AT_ONCE)]
    return sum([await _account_for_part(sweeping, part) for part in parts])


async def _account_for_part(sweeping: Sweeping, part: Sequence[ListedSend]) -> int:
    return await sweeping.store.write(lambda tx: _account_for(tx, sweeping, part))


def _account_for(tx: Transaction, sweeping: Sweeping, sends: Sequence[ListedSend]) -> int:
    """How many of these we know nothing of. News of the others that never reached us is recorded."""
    ids = [each.provider_message_id for each in sends]
    states, ours = tx.sweeps.find_states(ids), tx.sweeps.find_conversations_out(ids)
    lost = 0
    for send in sends:
        if send.provider_message_id in ours:
            if _is_news(send, states.get(send.provider_message_id)):
                sweeping.record_news(tx, send)
        # An answer of the provider that we lost: whoever delivers looks it up, before anything is sent again.
        elif not tx.sweeps.look_up_now(send.channel, send.to, until=send.created_at + SEND_SETTLES):
            lost += 1
    return lost


def _is_news(send: ListedSend, known: DeliveryState | None) -> bool:
    try:
        told = DeliveryState(send.status)
    except ValueError:
        return False
    return RANK_OF_STATE[told] > (-1 if known is None else RANK_OF_STATE[known])


def _list_unlisted(tx: Transaction, sweeping: Sweeping, tally: _Tally) -> list[str]:
    """Ours that left and are not in the list, newest first: about the youngest something can still be done."""
    listed = {each.provider_message_id for each in tally.listed.outbound}
    sent = tx.sweeps.list_sent(sweeping.channels, since=tally.since, until=tally.at - LIST_SETTLES)
    return [each for each in reversed(sent) if each not in listed]


# --- what it came to ----------------------------------------------------------------------------


async def _record_held(sweeping: Sweeping, tally: _Tally) -> None:
    counts = await sweeping.store.read(lambda tx: _count_held(tx, tally))
    for start in range(0, len(counts), CONVERSATIONS_AT_ONCE):
        await _write_held(sweeping, counts[start : start + CONVERSATIONS_AT_ONCE], tally.since)


def _count_held(tx: Transaction, tally: _Tally) -> list[tuple[str, int, int]]:
    """(conversation, listed, held) over both directions, without what is too young to be judged."""
    came = [each for each in tally.listed.inbound if _said_at(each) <= tally.at - SETTLE]
    went = _list_settled_sends(tally)
    held = _find_holders(tx, came)
    held |= tx.sweeps.find_conversations_out([each.provider_message_id for each in went])
    listed, have = Counter[str](held.values()), Counter[str](held.values())
    unheld = [(each.channel, each.external_id) for each in came if each.provider_message_id not in held]
    unheld += [(each.channel, each.to) for each in went if each.provider_message_id not in held]
    for channel in sorted({channel for channel, _ in unheld}):
        whose = [address for on, address in unheld if on is channel]
        found = tx.sweeps.find_conversations_with(channel, sorted(set(whose)))
        listed.update(found[address] for address in whose if address in found)
    return [(conversation_id, listed[conversation_id], have[conversation_id]) for conversation_id in listed]


async def _write_held(sweeping: Sweeping, counts: Sequence[tuple[str, int, int]], since: datetime) -> None:
    def write(tx: Transaction) -> None:
        for conversation_id, listed, held in counts:
            tx.sweeps.record_held(conversation_id, since=since, listed=listed, held=held)

    await sweeping.store.write(write)


def _finish(tx: Transaction, name: str, run_id: int, counted: SweepCount, tally: _Tally) -> None:
    before = tx.sweeps.find_newest(name)
    lost_before = 0 if before is None else before.counted.missing_out
    tx.sweeps.finish(run_id, counted)
    if tally.listed.is_cut:
        tx.alarms.sound(UNREACHABLE, TOO_MANY)
    else:
        tx.alarms.end(UNREACHABLE)
    stuck = tally.failed + tally.listed.unreadable
    if counted.missing_in or stuck or counted.missing_out > lost_before:
        tx.alarms.sound(MISSING, _say(counted, stuck))
    elif any(
        each.kind == MISSING and tx.now - each.last_at > MISSING_HOLDS for each in tx.alarms.list_open()
    ):
        tx.alarms.end(MISSING)


def _say(counted: SweepCount, stuck: int) -> str:
    """Counts for whoever looks after the service; no names and no numbers of people."""
    parts = {"fetched": counted.missing_in, "not stored": stuck, "sends unaccounted for": counted.missing_out}
    return ", ".join(f"{count} {what}" for what, count in parts.items() if count)
