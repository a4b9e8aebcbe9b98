"""Retention: what had its time goes, a few rows at a time, once a day. The rules are retention.toml's.

Nothing of a conversation goes before somebody said that the force's record has it, and nothing that is held.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from casework.model.errors import MessageNotFound, WaymarkError
from casework.model.retention import RetentionRules, TableRule
from casework.services.keeping_ports import Counts
from casework.services.ports import Clock, Store, Transaction

# Rows of one table in one transaction, besides what hangs on them: nobody who writes to us waits for more.
AT_ONCE = 100
EVERY = timedelta(days=1)
BY = "retention"
DONE = "retention"
OVERDUE, UNEXPORTED = "rows_overdue", "record_not_exported"
# Between two looks whether it is time again.
LOOK_AGAIN = timedelta(minutes=10)


class ExportUnclear(WaymarkError):
    """What the force's record is said to have has yet to happen."""


@dataclass(frozen=True, kw_only=True)
class TableDue:
    """How many rows of a table have had their time, and how many of them should be gone by now."""

    rule: TableRule
    due: int
    overdue: int


@dataclass(kw_only=True)
class Keeping:
    """What retention needs, wired once. `left`: rules this round has yet to do; `next_at`: when to look again."""

    store: Store
    clock: Clock
    rules: RetentionRules
    left: list[TableRule] = field(default_factory=list)
    next_at: datetime | None = None


def note_exported(
    tx: Transaction, conversation_id: str, up_to: int, *, by: str, covers_until: datetime | None = None
) -> None:
    """The force's record has the conversation up to that message, and all that was done until `covers_until`.

    Without it: until the message came, so that an answer written since is not taken for exported. Raises
    MessageNotFound for a message of another conversation, ExportUnclear for a time to come.
    """
    received_at = tx.retention.find_received_at(conversation_id, up_to)
    if received_at is None:
        raise MessageNotFound(up_to)
    until = received_at if covers_until is None else covers_until
    if until > tx.now:
        raise ExportUnclear(conversation_id)
    tx.retention.note_exported(conversation_id, up_to, covers_until=until, by=by)
    tx.audit.record("export_acknowledged", by=by, conversation_id=conversation_id, thing=f"in-{up_to}")


async def keep_next(keeping: Keeping) -> bool:
    """Takes the next few rows that had their time. False when there is nothing to do before tomorrow."""
    now = keeping.clock.now()
    if not keeping.left:
        if keeping.next_at is not None and now < keeping.next_at:
            return False
        keeping.next_at = now + LOOK_AGAIN
        if not await keeping.store.read(_is_time):
            return False
        keeping.left = keeping.rules.list_timed()
    rule = keeping.left[-1]
    if not await keeping.store.write(_remove_next(keeping.rules, rule)):
        keeping.left.pop()
        if not keeping.left:
            unused = await keeping.store.read(lambda tx: tx.data_keys.list_unused(limit=AT_ONCE))
            await keeping.store.write(_finish_round(keeping.rules, unused))
    return True


async def keep_all(keeping: Keeping) -> None:
    """The whole round at once, whenever the last one was: for a command."""
    keeping.left = keeping.rules.list_timed()
    while keeping.left:
        await keep_next(keeping)


def list_due(tx: Transaction, rules: RetentionRules) -> list[TableDue]:
    """Tables with rows that had their time, in sorted order."""
    found = [
        TableDue(
            rule=rule,
            due=tx.retention.count_due(rules, rule),
            overdue=tx.retention.count_due(rules, rule, late=rules.overdue_alarm),
        )
        for rule in rules.list_timed()
    ]
    return [each for each in found if each.due]


def _is_time(tx: Transaction) -> bool:
    last = tx.retention.find_mark(DONE)
    return last is None or tx.now - last >= EVERY


def _remove_next(rules: RetentionRules, rule: TableRule) -> Callable[[Transaction], Counts]:
    def remove(tx: Transaction) -> Counts:
        done = tx.retention.remove_due(rules, rule, limit=AT_ONCE)
        if done:
            tx.audit.record("rows_removed", by=BY, thing=f"{rule.table}:{done[rule.table]}")
        return done

    return remove


def _finish_round(rules: RetentionRules, unused: Collection[str] = ()) -> Callable[[Transaction], None]:
    """`unused`: names of keys that open nothing that is kept; more than these wait until tomorrow."""

    def finish(tx: Transaction) -> None:
        shredded = tx.data_keys.shred_unused(unused) if unused else 0
        if shredded:
            tx.audit.record("rows_removed", by=BY, thing=f"data_key:{shredded}")
        tx.retention.set_mark(DONE)
        overdue = sum(each.overdue for each in list_due(tx, rules))
        _tell(tx, OVERDUE, overdue, "rows")
        unexported = tx.retention.count_unexported(rules.unexported_alarm)
        _tell(tx, UNEXPORTED, unexported, "conversations")

    return finish


def _tell(tx: Transaction, alarm: str, count: int, what: str) -> None:
    if count:
        tx.alarms.sound(alarm, f"{count} {what}")
    else:
        tx.alarms.end(alarm)
