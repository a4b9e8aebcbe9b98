"""What must hold in the end, when everything works again and nothing is due: each promise over all that happened."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from casework.adapters.storage.ladder_tables import escalation
from casework.adapters.storage.tables import audit, conversation, desk_item, inbox, outbox, standing, turn
from casework.services.ladder import TOLD_OF

if TYPE_CHECKING:
    from tests.model_based.world import World

AFTER_HEALING = timedelta(minutes=2)
UNFINISHED = ("waiting", "sending", "unknown")
CLOSED_BY_THEM = ("left", "stopped", "overtaken")
TOLD_OR_NOT = ("victim_told", "victim_not_told")
FOLLOWED_UP = ("not_delivered", "cannot_be_texted", "code_not_sent")
ACTS = {
    "claims": "conversation_claimed",
    "reads": "conversation_read",
    "closes": "items_closed",
    "replies": "staff_replied",
}


def let_it_settle(world: "World") -> list[str]:
    """Heals, lets time pass and everybody work; what of P3 does not hold two minutes after, in words."""
    world.heal()
    for _ in range(3):
        world.pass_time(seconds=40)
    broken = list(list_unowned(world))
    # The ladder to its end, what is tried again after minutes and hours, and a morning after each night.
    for minutes in (3, 6, 6, 6, 6, 30, 90, 240, 900, 900):
        world.pass_time(minutes=minutes)
    return broken


def list_unowned(world: "World") -> Iterator[str]:
    for row in world.rows(turn):
        if row.status != "done":
            yield f"P3: in-{row.inbox_id} has waited more than two minutes, {row.status}"


def list_broken(world: "World") -> Iterator[str]:
    """Every promise that does not hold, in words."""
    rows = Rows(world)
    yield from _p1_p2(world, rows)
    yield from _p3(world, rows)
    yield from _p5(world, rows)
    yield from _p6(world, rows)
    yield from _p8(world, rows)
    yield from _p9(rows)
    yield from _p10(world, rows)


class Rows:
    """Everything the end is judged by, read once."""

    def __init__(self, world: "World") -> None:
        self.inbox = world.rows(inbox)
        self.turns = {row.inbox_id: row for row in world.rows(turn)}
        self.outbox = world.rows(outbox)
        self.items = world.rows(desk_item)
        self.steps = world.rows(escalation)
        self.talks = world.rows(conversation)
        self.audit = world.rows(audit)
        self.standings = world.rows(standing)
        self.alarms = {each.kind for each in world.database.read_now(lambda tx: tx.alarms.list_open())}

    def replies(self, turn_id: str) -> list[Any]:
        return [row for row in self.outbox if row.turn_id == turn_id]

    def items_of(self, conversation_id: str, *reasons: str) -> list[Any]:
        return [
            item
            for item in self.items
            if item.conversation_id == conversation_id and (not reasons or item.reason in reasons)
        ]


def _p1_p2(world: "World", rows: Rows) -> Iterator[str]:
    held = Counter((row.channel, row.provider_message_id) for row in rows.inbox)
    for each in world.twilio.written:
        count = held.pop((each.channel.value, each.sid), 0)
        if count != 1 and each.was_accepted:
            yield f"P1: {each.sid[-4:]} was accepted, and is in {count} rows"
        elif count != 1:
            yield f"P2: the provider has {each.sid[-4:]}, and it is in {count} rows"
    for key in held:
        yield f"P1: {key} is a row of nothing that was written"


def _p3(world: "World", rows: Rows) -> Iterator[str]:
    for row in rows.inbox:
        done = rows.turns.get(row.id)
        if done is None or done.status != "done":
            yield f"P3: in-{row.id} has no end"
        elif not _is_answered(rows, done) and not _is_with_person(rows, row):
            told = [(each.template, each.status, each.reason) for each in rows.replies(done.id)]
            yield f"P3: in-{row.id} ended as {done.outcome}, {told}, and no person has it"


def _is_answered(rows: Rows, done: Any) -> bool:
    replies = rows.replies(done.id)
    if done.outcome in CLOSED_BY_THEM or done.outcome == "read_held":
        return True
    # What they closed the conversation before it could leave is answered by their closing it.
    closed = bool(replies) and all(each.reason in CLOSED_BY_THEM for each in replies)
    # What is held waits for WhatsApp's window, and P8 sees to it that somebody is told.
    return closed or any(each.status in ("sent", "held") for each in replies)


def _is_with_person(rows: Rows, row: Any) -> bool:
    """An item that was open when it came, or was opened since."""
    items = rows.items_of(row.conversation_id)
    return any(item.closed_at is None or item.closed_at >= row.received_at for item in items)


def _p5(world: "World", rows: Rows) -> Iterator[str]:
    """Of what waits at the head of the queue and nobody took, the victim was told the truth, or why that may not be."""
    for talk in rows.talks:
        waiting = [
            item for item in rows.items_of(talk.id, *TOLD_OF) if item.status == "open" and item.grade <= 2
        ]
        steps = [step.step for step in rows.steps if step.conversation_id == talk.id]
        if waiting and not set(steps) & set(TOLD_OR_NOT):
            yield f"P5: nobody took {waiting[0].reason}, grade {waiting[0].grade}, and the ladder ended at {steps}"
        if waiting:
            world.told["the victim was told, or could not be"] += 1
        if waiting and not rows.alarms & {"urgent_unclaimed", "high_unclaimed"}:
            yield "P8: something urgent waits, and no alarm sounds"


def _p6(world: "World", rows: Rows) -> Iterator[str]:
    taken = {each.message.dedupe_key: each for each in world.twilio.taken}
    for row in rows.outbox:
        if row.status in UNFINISHED:
            yield f"P3: out-{row.id}, {row.template}, is {row.status} ({row.reason}) and nothing is done about it"
        if row.status == "sent" and row.dedupe_key not in taken:
            yield f"P6: out-{row.id}, {row.template}, counts as sent and never left"
        if row.status == "suppressed" and row.dedupe_key in taken:
            # Looked up before anything else is decided: what left has left.
            yield f"P6: out-{row.id}, {row.template}, counts as never left ({row.reason}), and they have it"
    ids = {row.dedupe_key: row.provider_message_id for row in rows.outbox if row.status == "sent"}
    for key, known in ids.items():
        if key in taken and known != taken[key].sid:
            yield f"P6: {key} is known by the id of another message"


def _p8(world: "World", rows: Rows) -> Iterator[str]:
    lost = {each.sid for each in world.twilio.taken if each.status in ("failed", "undelivered")}
    for row in rows.outbox:
        is_lost = row.provider_message_id in lost or row.delivery_state in ("failed", "undelivered")
        if is_lost and row.delivery_state not in ("failed", "undelivered"):
            yield f"P8: out-{row.id} reached nobody, and we do not know it"
        if (is_lost or row.status == "failed") and not _is_followed_up(rows, row):
            yield f"P8: out-{row.id}, {row.template}, reached nobody ({row.reason}), and nothing followed"
        if row.status == "held" and not _is_told_of(rows, row):
            yield f"P8: out-{row.id}, {row.template}, is held, and nobody is told"


def _is_followed_up(rows: Rows, row: Any) -> bool:
    """A person's task, or the same words once more."""
    root = row.dedupe_key.rpartition(":out-")[2] if row.dedupe_key.startswith("again-") else str(row.id)
    copies = (f":out-{root}", f"held:out-{row.id}")
    is_copied = any(each.id != row.id and each.dedupe_key.endswith(copies) for each in rows.outbox)
    return is_copied or bool(rows.items_of(row.conversation_id, *FOLLOWED_UP)) or _is_nudge(row.template)


def _is_told_of(rows: Rows, row: Any) -> bool:
    has_nudge = any(
        _is_nudge(each.template) and row.conversation_id in each.dedupe_key for each in rows.outbox
    )
    return has_nudge or bool(rows.items_of(row.conversation_id, "not_delivered"))


def _is_nudge(template: str) -> bool:
    return template.startswith("waiting")


def _p9(rows: Rows) -> Iterator[str]:
    if rows.standings:
        yield f"P9: {len(rows.standings)} links were proved, and nobody gave a code back"


def _p10(world: "World", rows: Rows) -> Iterator[str]:
    acts = Counter(row.act for row in rows.audit)
    for deed, act in ACTS.items():
        if acts[act] < world.deeds[deed]:
            yield f"P10: staff {deed}: {world.deeds[deed]} times, {acts[act]} records"
    received = acts["message_received"]
    if received != len(rows.inbox):
        yield f"P10: {len(rows.inbox)} messages, {received} records that one was received"


def say_all(broken: Iterable[str]) -> str:
    return "\n".join(broken)
