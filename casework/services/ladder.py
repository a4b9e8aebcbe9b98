"""The ladder: while nobody takes what waits, somebody else is told, and at its end the victim is told the truth.

Its timers are columns of the items, its steps are rows: it needs no browser, survives a restart, and whichever worker
looks first takes a step, once. docs/ladder.md says the steps; casework/model/ladder.toml the times.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from casework.model.desk import DeskItem, HandoffReason, ItemStatus
from casework.model.desk_limits import is_urgent
from casework.model.grade_clocks import GradeClocks, Target
from casework.model.ladder import Due, Ladder, Step, Taken
from casework.model.messages import Author, Lane, SendKind
from casework.model.rota import WAKING, RotaEntry, Way, find_control_room, list_on_call
from casework.model.tokens import hash_token
from casework.services import outgoing
from casework.services.desk import release_left
from casework.services.ladder_ports import NoticeStatus, OpenedLink, StoredStep
from casework.services.owners import is_gone, is_silent, list_open_items
from casework.services.ports import Store, Transaction
from casework.services.service_texts import ServiceTexts

ALARM_KINDS = ("urgent_unclaimed", "high_unclaimed", "owner_silent", "nobody_on_call")
TOLD, NOT_TOLD = "told", "not_told"
# One conversation climbs one ladder: what waits beside its most urgent item is looked at again this much later.
COVERED_FOR = timedelta(minutes=1)
OWNER_SILENT_POSITION = 1000
SHORTEST_LOOK = timedelta(seconds=30)
AGAIN_AFTER_FAULT = timedelta(seconds=10)
LINK_LASTS = timedelta(hours=24)
# Only who was told that a person reads it is told that nobody has: to others it would be news of another kind.
TOLD_OF = frozenset({HandoffReason.DISCLOSURE, HandoffReason.UNREADABLE, HandoffReason.ASKED_FOR_HELP})
NOT_OURS_TO_TELL, MAY_BE_OVERHEARD, ANSWERED = "no_word_was_given", "duress", "answered"


@dataclass(frozen=True, kw_only=True)
class Climbing:
    """What the ladder needs, wired once. `key` makes the links of acknowledgement."""

    store: Store
    ladder: Ladder
    clocks: GradeClocks
    texts: ServiceTexts
    key: str


async def take_next_step(climbing: Climbing) -> bool:
    """Looks at one item whose time has come. False when there is none."""
    due = await climbing.store.read(lambda tx: tx.ladder.find_due())
    if due is None:
        return False
    try:
        await climbing.store.write(lambda tx: take_step(tx, climbing))
    except Exception:
        # One that cannot be climbed must not stand before everybody else who waits.
        await climbing.store.write(lambda tx: tx.ladder.set_due(due.id, tx.now + AGAIN_AFTER_FAULT))
        raise
    return True


def take_step(tx: Transaction, climbing: Climbing) -> None:
    """The same in one transaction; nothing when another worker was first, or somebody claimed it meanwhile."""
    due = tx.ladder.find_due()
    if due is None:
        return
    # Held before its items are looked at again, as by everyone who claims, answers or closes.
    tx.conversations.hold(due.conversation_id)
    lead = tx.ladder.find_lead(due)
    if lead is None:
        return
    if lead.id != due.id:
        tx.ladder.set_due(due.id, tx.now + COVERED_FOR)
    elif lead.status is ItemStatus.CLAIMED:
        _look_at_owner(tx, climbing, lead)
    else:
        _climb(tx, climbing, lead)


def _climb(tx: Transaction, climbing: Climbing, item: DeskItem) -> None:
    due = _find_next(tx, climbing, item)
    if due is not None and due.at <= tx.now:
        _take(tx, climbing, item, due)
        due = _find_next(tx, climbing, item)
    if due is None:
        tx.ladder.end_wait(item)
    else:
        tx.ladder.set_due(item.id, due.at)


def _find_next(tx: Transaction, climbing: Climbing, item: DeskItem) -> Due | None:
    steps = tx.ladder.list_of_wait(item)
    return climbing.ladder.find_next(
        item.grade,
        waiting_since=item.waiting_since,
        wait_from=_wait_from(item),
        taken=_weigh(tx, steps),
        is_anyone_left=bool(_list_left(tx, steps)),
        hours=climbing.clocks.hours,
    )


def _wait_from(item: DeskItem) -> datetime:
    return item.ladder_from or item.waiting_since


def _weigh(tx: Transaction, steps: list[StoredStep]) -> list[Taken]:
    states = tx.staff_notices.list_states([each.id for each in steps])
    return [
        Taken(
            step=each.step,
            at=each.taken_at,
            acknowledged_at=each.acknowledged_at,
            is_unreached=_is_unreached(states.get(each.id, [])),
        )
        for each in steps
    ]


def _is_unreached(states: list[tuple[Way, NoticeStatus]]) -> bool:
    """Nothing that could wake them can arrive any more; of somebody with e-mail alone, that."""
    waking = [status for way, status in states if way in WAKING] or [status for _, status in states]
    return all(status is NoticeStatus.FAILED for status in waking)


def _list_rota(tx: Transaction) -> list[RotaEntry]:
    return tx.rota.list_between(tx.now, tx.now + timedelta.resolution)


def _list_left(tx: Transaction, steps: list[StoredStep]) -> list[RotaEntry]:
    """Those on call now whom this wait has not told."""
    told = {each.rota_entry_id for each in steps}
    return [each for each in list_on_call(_list_rota(tx), tx.now) if each.id not in told]


def _take(tx: Transaction, climbing: Climbing, item: DeskItem, due: Due) -> None:
    steps = tx.ladder.list_of_wait(item)
    step, entry, detail = due.step, None, None
    if step is Step.ON_CALL:
        entry = _list_left(tx, steps)[0]
    elif step is Step.CONTROL_ROOM:
        entry = find_control_room(_list_rota(tx), tx.now)
        step = step if entry is not None else Step.NO_CONTROL_ROOM
    elif step is Step.VICTIM_TOLD:
        step, detail = _tell_victim(tx, climbing, item)
    position = len(steps) + 1
    taken = tx.ladder.record(
        item,
        step,
        position=position,
        due_at=due.at,
        wait_from=_wait_from(item),
        rota_entry=entry,
        detail=detail,
    )
    if taken is None:
        return
    tx.ladder.set_due(item.id, tx.now, step=position)
    if entry is not None:
        tx.ladder.set_token(taken, hash_token(make_token(climbing.key, taken)))
        tx.staff_notices.record(taken, entry.ways)
    tx.audit.record(
        "ladder_step", by="worker", conversation_id=item.conversation_id, thing=f"{step}:{item.id}"
    )


def make_token(key: str, step_id: str) -> str:
    """The 256 bits of one step's link. Made anew whenever it is sent: only its hash is kept."""
    digest = hmac.new(key.encode(), f"acknowledge:{step_id}".encode(), sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


# --- the victim ---------------------------------------------------------------------------------


def _tell_victim(tx: Transaction, climbing: Climbing, item: DeskItem) -> tuple[Step, str | None]:
    """Tells them that nobody has read it, if that may be written now; the step that came of it, and why not."""
    why_not = _find_why_not(tx, item) or _write(tx, climbing, item)
    tx.ladder.set_told(item.id, TOLD if why_not is None else NOT_TOLD)
    return (Step.VICTIM_TOLD, None) if why_not is None else (Step.VICTIM_NOT_TOLD, why_not)


def _find_why_not(tx: Transaction, item: DeskItem) -> str | None:
    if tx.desk.find_open(item.conversation_id, HandoffReason.DURESS) is not None:
        return MAY_BE_OVERHEARD  # somebody else may hold the phone, and must not learn what they wrote
    waiting = [each for each in list_open_items(tx, item.conversation_id) if each.status is ItemStatus.OPEN]
    if not any(each.reason in TOLD_OF for each in waiting):
        return NOT_OURS_TO_TELL
    # A person has answered all they wrote, and let go of it: then "no one has answered" is not true.
    return ANSWERED if item.answered_at is not None and item.awaiting_since is None else None


def _write(tx: Transaction, climbing: Climbing, item: DeskItem) -> str | None:
    conversation = tx.conversations.get(item.conversation_id)
    was_read = tx.ladder.was_read(conversation.id, since=item.waiting_since)
    template = "nobody_has_answered" if was_read else "nobody_has_read"
    message = outgoing.address(
        conversation,
        climbing.texts.render(template, conversation.channel),
        # The last lane, which a claim withdraws from: once somebody has it, it is not true any more.
        lane=Lane.ASSISTANT,
        author=Author.SERVICE,
        kind=SendKind.ASSISTANT_REPLY,
        template=template,
        dedupe_key=f"nobody_has_read:{item.id}:{_wait_from(item).timestamp()}",
        valid_for_seconds=int(climbing.ladder.victim_text_valid.total_seconds()),
    )
    decision = outgoing.decide(tx, message)
    if not decision.allowed:
        return decision.reason.value  # nor from a later hour: by then it may be untrue
    outgoing.send(tx, message)
    return None


# --- an owner who does not write ----------------------------------------------------------------


def _look_at_owner(tx: Transaction, climbing: Climbing, item: DeskItem) -> None:
    """Claimed: the supervisor hears of it once for each wait that nobody's words ended in time.

    What is urgent does not wait for somebody who is not there, nor for long for somebody who is: it goes back to the
    queue, where the ladder begins. Whoever has it may have gone home before it came.
    """
    clock = climbing.clocks.clocks[item.grade]
    if clock.next_reply_within is None:
        tx.ladder.set_due(item.id, None)
        return
    target = climbing.clocks.find_targets(
        item.grade,
        waiting_since=item.waiting_since,
        claimed_at=item.claimed_at,
        answered_at=item.answered_at,
        awaiting_since=item.awaiting_since,
    ).reply
    # Whatever they write from now on is not due any sooner than this.
    look_again = tx.now + clock.next_reply_within
    if target is None:
        tx.ladder.set_due(item.id, look_again, step=0)
        return
    held = tx.conversations.get(item.conversation_id)
    if is_urgent(item.grade) and is_gone(tx, held):
        release_left(tx, held)
        return
    due_at = _due_of_owner(climbing, item, target)
    if due_at > tx.now:
        tx.ladder.set_due(item.id, min(due_at, look_again), step=0)
        return
    taken = tx.ladder.record(
        item, Step.OWNER_SILENT, position=OWNER_SILENT_POSITION, due_at=due_at, wait_from=target.since
    )
    enough_at = due_at + climbing.ladder.unacknowledged
    if taken is None and enough_at <= tx.now and is_silent(tx, held, tx.now):
        release_left(tx, held)
        return
    tx.ladder.set_due(item.id, max(tx.now + SHORTEST_LOOK, min(look_again, enough_at)), step=1)
    if taken is not None:
        tx.audit.record(
            "ladder_step",
            by="worker",
            conversation_id=item.conversation_id,
            thing=f"{Step.OWNER_SILENT}:{item.id}",
        )


def _due_of_owner(climbing: Climbing, item: DeskItem, target: Target) -> datetime:
    """The clock's own moment; whoever has just claimed what is late already has the time of a claim to write."""
    claim_within = climbing.clocks.clocks[item.grade].claim_within
    if item.answered_at is not None or item.claimed_at is None or claim_within is None:
        return target.due_at
    return max(target.due_at, climbing.clocks.count_due(item.grade, item.claimed_at, claim_within))


# --- what staff see and do ----------------------------------------------------------------------


async def settle_alarms(store: Store) -> bool:
    """Sounds what the ladder has reason to, and ends what it has not. False: that is how it stood."""
    if await store.read(_find_changed_alarms):
        await store.write(change_alarms)
    return False


def change_alarms(tx: Transaction) -> None:
    """The same in one transaction."""
    tx.ladder.hold_alarms()
    wanted = tx.ladder.list_alarms()
    for kind in sorted(_find_changed_alarms(tx)):
        if kind in wanted:
            tx.alarms.sound(kind, wanted[kind])
        else:
            tx.alarms.end(kind)


def _find_changed_alarms(tx: Transaction) -> set[str]:
    wanted = dict(tx.ladder.list_alarms())
    sounding = {each.kind: each.detail for each in tx.alarms.list_open() if each.kind in ALARM_KINDS}
    return {kind for kind in {*wanted, *sounding} if wanted.get(kind) != sounding.get(kind)}


def find_link(tx: Transaction, token: str) -> OpenedLink | None:
    """What an acknowledgement link is about; None for one that never was, or is too old. Changes nothing."""
    found = tx.ladder.find_link(hash_token(token))
    return None if found is None or tx.now - found.step.taken_at > LINK_LASTS else found


def acknowledge(tx: Transaction, token: str) -> OpenedLink | None:
    """Whoever was told has seen it: the next step waits a little for a claim. Done once; None as in `find_link`."""
    found = find_link(tx, token)
    if found is None:
        return None
    tx.conversations.hold(found.step.conversation_id)
    if tx.ladder.acknowledge(found.step.id):
        tx.audit.record(
            "ladder_acknowledged",
            by="on_call",
            conversation_id=found.step.conversation_id,
            thing=found.step.id,
        )
        if found.is_waiting:
            # Looked at anew, with the acknowledgement counted.
            tx.ladder.set_due(found.step.item_id, tx.now)
    return tx.ladder.find_link(hash_token(token))
