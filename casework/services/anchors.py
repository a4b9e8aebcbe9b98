"""Signing where the audit's chains end, and handing that to places outside, where it can be held against the database.

Every five minutes a head of each chain is signed and stored; each place then takes what it has not had, oldest first.
What cannot be handed over is tried again, and after ten minutes an alarm stands over the desk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from casework.model.audit_anchors import Anchor, write_anchor
from casework.model.audit_chain import Head
from casework.model.errors import WaymarkError
from casework.services.ports import Alarms, Store

SIGN_EVERY = timedelta(minutes=5)
LATE_AFTER = timedelta(minutes=10)
TRY_AGAIN_AFTER = timedelta(seconds=30)
ALARM = "audit_not_anchored"


class HandOverFailed(WaymarkError):
    """The place did not take it; `code` says how it failed."""

    def __init__(self, code: str) -> None:
        super().__init__(f"A signed head of the audit was not handed over: {code}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class StoredAnchor:
    number: int
    signed_at: datetime
    signed: str


@dataclass(frozen=True, kw_only=True)
class PlaceState:
    """How far a place has got. `next`: what it has yet to be handed; None when it has everything."""

    next: StoredAnchor | None
    tried_at: datetime | None = None
    fault: str | None = None


class Signer(Protocol):
    def sign(self, content: bytes) -> str: ...


class AnchorPlace(Protocol):
    """Somewhere outside. What it was handed twice is no fault: it says the same."""

    @property
    def name(self) -> str:
        """As it is stored and told to people; holds no secret."""

    async def hand_over(self, anchor: StoredAnchor) -> None:
        """Returns once the place has it, as far as it can be known. Raises HandOverFailed."""


class Anchors(Protocol):
    def list_heads(self) -> list[Head]:
        """Of the chains that have a record, in order, as they are at one moment."""

    def find_newest(self) -> StoredAnchor | None: ...

    def record(self, number: int, signed: str) -> bool:
        """False when another worker is just writing that number."""

    def find_state(self, place: str) -> PlaceState | None:
        """None for a place that was never seen before."""

    def begin(self, place: str) -> None:
        """From the newest anchor on; what was signed before is not handed over."""

    def note_handed(self, place: str, number: int) -> None: ...

    def note_failed(self, place: str, code: str) -> None: ...


class AnchorTransaction(Protocol):
    @property
    def now(self) -> datetime: ...
    @property
    def anchors(self) -> Anchors: ...
    @property
    def alarms(self) -> Alarms: ...


@dataclass(frozen=True, kw_only=True)
class Anchoring:
    """What signing and handing over need, wired once."""

    store: Store
    signer: Signer
    places: Sequence[AnchorPlace]


async def sign_if_due(anchoring: Anchoring) -> bool:
    """Signs where all chains end now, if the last signing is five minutes ago. False when it is not, or another did."""
    if not await anchoring.store.read(lambda tx: _is_due(tx, tx.anchors.find_newest())):
        return False
    return await anchoring.store.write(lambda tx: _sign(tx, anchoring.signer))


def _is_due(tx: AnchorTransaction, newest: StoredAnchor | None) -> bool:
    return newest is None or tx.now - newest.signed_at >= SIGN_EVERY


def _sign(tx: AnchorTransaction, signer: Signer) -> bool:
    # Read once: whoever signs meanwhile takes the number that follows this very one.
    newest = tx.anchors.find_newest()
    if not _is_due(tx, newest):
        return False
    number = newest.number + 1 if newest is not None else 1
    # Even when nothing was recorded since: outside, a gap in the times means that somebody stopped this.
    anchor = Anchor(number=number, at=tx.now, heads=tuple(tx.anchors.list_heads()))
    return tx.anchors.record(number, signer.sign(write_anchor(anchor)))


async def hand_over_next(anchoring: Anchoring, place: AnchorPlace) -> bool:
    """Hands one signed head to the place. False when it has everything, was tried a moment ago or did not take it."""
    state = await anchoring.store.read(lambda tx: _find_due(tx, place.name))
    if state is None:
        await anchoring.store.write(lambda tx: tx.anchors.begin(place.name))
        return True
    if state.next is None:
        return False
    number = state.next.number
    try:
        await place.hand_over(state.next)
    except HandOverFailed as fault:
        code = fault.code
        await anchoring.store.write(lambda tx: tx.anchors.note_failed(place.name, code))
        return False
    await anchoring.store.write(lambda tx: tx.anchors.note_handed(place.name, number))
    return True


def _find_due(tx: AnchorTransaction, place: str) -> PlaceState | None:
    """`next` is None as well while it is too soon to try again; None for a place to begin with."""
    state = tx.anchors.find_state(place)
    if state is None and tx.anchors.find_newest() is not None:
        return None
    if state is None or (state.tried_at is not None and tx.now - state.tried_at < TRY_AGAIN_AFTER):
        return PlaceState(next=None)
    return state


async def settle_alarm(anchoring: Anchoring) -> bool:
    """Sounds the alarm while what was recorded ten minutes ago is not outside, and ends it. False: for the poll."""
    if await anchoring.store.read(lambda tx: _find_late(tx, anchoring) != _find_sounding(tx)):
        await anchoring.store.write(lambda tx: _settle(tx, anchoring))
    return False


def _settle(tx: AnchorTransaction, anchoring: Anchoring) -> None:
    late = _find_late(tx, anchoring)
    if late is not None:
        tx.alarms.sound(ALARM, late)
    else:
        tx.alarms.end(ALARM)


def _find_sounding(tx: AnchorTransaction) -> str | None:
    return next((each.detail for each in tx.alarms.list_open() if each.kind == ALARM), None)


def _find_late(tx: AnchorTransaction, anchoring: Anchoring) -> str | None:
    """What the alarm says, at most 200 letters; None while everything is in time."""
    newest = tx.anchors.find_newest()
    if newest is None or tx.now - newest.signed_at >= LATE_AFTER:
        return "nothing is signed"
    states = ((place.name, tx.anchors.find_state(place.name)) for place in anchoring.places)
    late = [
        f"{name} {state.fault or 'not tried'}"
        for name, state in states
        if state is not None and state.next is not None and tx.now - state.next.signed_at >= LATE_AFTER
    ]
    return ", ".join(late)[:200] or None
