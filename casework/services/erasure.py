"""Erasing a conversation, or a person with their cases and all that was proved theirs, for good.

A job of small steps, each of which bears being done twice: killed half-way it goes on. What is left is a row that says
what was done, by table and count. Nothing is erased that a hold keeps, that is somebody's work, or of an open case: for
those there is `restrict`. What is reached, and what is not: docs/retention.md.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from casework.model.errors import WaymarkError
from casework.model.holds import ErasureReason, ErasureStage, HoldReason, Refusal, Subject, SubjectKind
from casework.model.retention import RetentionRules
from casework.model.training_flags import TrainingFlag
from casework.services import consents, holds
from casework.services.keeping_ports import Addresses, Counts, Covers, Erasure
from casework.services.ports import Store, Transaction

BY = "erasure"
AT_THE_PROVIDER, EXAMPLES, KEYS = "asked of the provider", "examples", "keys"
LEFT = "conversations left for a person to decide"
# What a worker does; `taught` is done by whoever has the training data.
WORKERS_STAGES = (ErasureStage.OUTSIDE, ErasureStage.KEYS, ErasureStage.ROWS, ErasureStage.PAGES)


class ErasureRefused(WaymarkError):
    """Nothing was erased. `refusals`: why, the gravest first."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(", ".join(each.value for each in refusals))
        self.refusals = tuple(refusals)


class ErasureUnderWay(WaymarkError):
    """It was asked for before, and is being done."""


class WarningNotSeen(WaymarkError):
    """The force's record does not have all of it, and whoever asks has not said that they know."""


class AnotherPersonNeeded(WaymarkError):
    """Whoever asked for it cannot be the second person as well."""


class ErasureNotWaiting(WaymarkError):
    """No erasing of this id waits for a second person."""


class Places(Protocol):
    """What holds words outside the database: the spool, and exports that lie about."""

    async def clean(self, covers: Covers, addresses: Addresses) -> Counts:
        """What was taken out, by place. Bears being called again."""


class Pages(Protocol):
    """The database's own leavings: pages and logs that hold what was deleted."""

    async def clear_deleted(self, tables: Sequence[str]) -> bool:
        """False where somebody was reading them: later."""


@dataclass(frozen=True, kw_only=True)
class Erasing:
    """What erasing needs, wired once. `shred`: destroys an owner's data key, so that no copy of what it sealed can be
    read, in a backup either; whether there was one. None where nothing is sealed."""

    store: Store
    rules: RetentionRules
    places: Places
    pages: Pages
    shred: Callable[[Transaction, str], bool] | None = None
    at_once: int = 200  # rows in one transaction, besides what hangs on the last of them


def ask(
    tx: Transaction, subject: Subject, reason: ErasureReason, *, by: str, has_seen_warning: bool = False
) -> str:
    """The id of the erasing, which a worker then does; once a second person agrees, where the force's record does not
    have all of it. Raises ErasureRefused, ErasureUnderWay, and WarningNotSeen there.
    """
    covers = tx.erasures.find_covers(subject)
    if covers is None:
        raise ErasureRefused([Refusal.NOT_THERE])
    if refusals := tx.erasures.list_refusals(covers):
        raise ErasureRefused(refusals)
    is_unexported = bool(tx.erasures.list_unexported(covers))
    if is_unexported and not has_seen_warning:
        raise WarningNotSeen(subject.id)
    stage = ErasureStage.WARNED if is_unexported else ErasureStage.OUTSIDE
    erasure_id = tx.erasures.record(subject, reason, covers, stage=stage, by=by)
    if erasure_id is None:
        raise ErasureUnderWay(subject.id)
    tx.audit.record("erasure_asked", by=by, thing=f"{erasure_id}:{reason.value}")
    return erasure_id


def answer_warning(tx: Transaction, erasure_id: str, *, agrees: bool, by: str) -> None:
    """A second person has seen what the force's record does not have: it goes all the same, or it stays.

    Raises ErasureNotWaiting, AnotherPersonNeeded, and ErasureRefused where something speaks against it by now.
    """
    found = tx.erasures.find(erasure_id)
    if found is None or found.stage is not ErasureStage.WARNED or found.covers is None:
        raise ErasureNotWaiting(erasure_id)
    if found.asked_by == by:
        raise AnotherPersonNeeded(erasure_id)
    if not agrees:
        _stop(tx, found, Refusal.NOT_AGREED, by=by)
        return
    if refusals := tx.erasures.list_refusals(found.covers):
        raise ErasureRefused(refusals)
    tx.erasures.advance(erasure_id, ErasureStage.OUTSIDE, {})
    tx.audit.record("erasure_agreed", by=by, thing=erasure_id)


def list_unexported(tx: Transaction, subject: Subject) -> list[str]:
    """Conversations of a case with words the force's record is not known to have, among what would go."""
    covers = tx.erasures.find_covers(subject)
    return [] if covers is None else tx.erasures.list_unexported(covers)


def _stop(tx: Transaction, found: Erasure, why: Refusal, *, by: str) -> None:
    tx.erasures.stop(found.id, why)
    tx.audit.record("erasure_stopped", by=by, thing=f"{found.id}:{why.value}")


def find_refusals(tx: Transaction, subject: Subject) -> list[Refusal]:
    """What speaks against it now; nothing is changed."""
    covers = tx.erasures.find_covers(subject)
    return [Refusal.NOT_THERE] if covers is None else tx.erasures.list_refusals(covers)


def restrict(tx: Transaction, conversation_id: str, *, why: str, review_on: date, by: str) -> str:
    """Instead of erasing what may be evidence (DPA 2018 s.47(2)): it stays, and teaches nobody. The hold's id.

    Raises what `holds.place` and `consents.flag` do.
    """
    whose = Subject(kind=SubjectKind.CONVERSATION, id=conversation_id)
    hold_id = holds.place(tx, whose, HoldReason.RESTRICTION, why=why, review_on=review_on, by=by)
    consents.flag_everywhere(tx, conversation_id, TrainingFlag.EXCLUDED, why="restricted", by=by)
    return hold_id


async def erase_next(erasing: Erasing) -> bool:
    """The next step of the oldest erasing. False when there is none, or the rest of it has to wait."""
    step = await erasing.store.write(lambda tx: _take_step(tx, erasing))
    if step is None:
        return False
    if step.stage is ErasureStage.OUTSIDE:
        return await _clean_outside(erasing, step)
    if step.stage is ErasureStage.PAGES:
        return await _clear_pages(erasing, step)
    return True


def note_taught(tx: Transaction, erasure_id: str, written: Counts) -> None:
    """The files of examples were written anew without theirs."""
    tx.erasures.advance(erasure_id, ErasureStage.PAGES, written)


def _take_step(tx: Transaction, erasing: Erasing) -> Erasure | None:
    """Does what needs the database alone; the erasing as it was before."""
    found = tx.erasures.next_unfinished(WORKERS_STAGES)
    if found is None:
        return None
    if found.stage is ErasureStage.PAGES:
        return found
    assert found.covers is not None
    # Somebody may have placed a hold since, or written to us: from there on nothing more of it goes.
    if refusals := tx.erasures.list_refusals(found.covers):
        _stop(tx, found, refusals[0], by=BY)
    elif found.stage is ErasureStage.KEYS:
        tx.erasures.advance(found.id, ErasureStage.ROWS, _shred_keys(tx, erasing, found.covers))
    elif found.stage is ErasureStage.ROWS:
        _remove_rows(tx, erasing, found, found.covers)
    return found


async def _clean_outside(erasing: Erasing, step: Erasure) -> bool:
    """Before the rows: they alone say by which addresses and numbers somebody is known elsewhere."""
    assert step.covers is not None
    covers = step.covers
    addresses = await erasing.store.read(lambda tx: tx.erasures.find_addresses(covers))
    cleaned = await erasing.places.clean(covers, addresses)

    def note(tx: Transaction) -> None:
        found = tx.erasures.next_unfinished([ErasureStage.OUTSIDE])
        # Stopped meanwhile, or another worker was quicker.
        if found is None or found.id != step.id:
            return
        done = Counter(cleaned)
        done[LEFT] += len(tx.erasures.list_left(step.subject))
        done[AT_THE_PROVIDER] += tx.provider_redactions.queue_all_of(covers.conversations)
        done += Counter(tx.erasures.remove_addressed(covers))
        for conversation_id in sorted(covers.conversations):
            done[EXAMPLES] += consents.flag(
                tx, conversation_id, None, TrainingFlag.WITHDRAWN, why="erased", by=BY
            )
        tx.erasures.advance(step.id, ErasureStage.KEYS, done)

    await erasing.store.write(note)
    return True


def _shred_keys(tx: Transaction, erasing: Erasing, covers: Covers) -> Mapping[str, int]:
    if erasing.shred is None:
        return {}
    return {KEYS: sum(erasing.shred(tx, owner) for owner in covers.list_key_owners())}


def _remove_rows(tx: Transaction, erasing: Erasing, found: Erasure, covers: Covers) -> None:
    done = tx.erasures.remove_some(covers, erasing.rules, limit=erasing.at_once)
    if done:
        tx.erasures.advance(found.id, ErasureStage.ROWS, done)
        return
    has_taught = found.counts.get(EXAMPLES, 0) > 0
    tx.erasures.advance(found.id, ErasureStage.TAUGHT if has_taught else ErasureStage.PAGES, {})


async def _clear_pages(erasing: Erasing, step: Erasure) -> bool:
    tables = await erasing.store.read(lambda tx: tx.erasures.list_tables(erasing.rules))
    if not await erasing.pages.clear_deleted(tables):
        return False

    def finish(tx: Transaction) -> None:
        found = tx.erasures.next_unfinished([ErasureStage.PAGES])
        if found is not None and found.id == step.id:
            tx.erasures.advance(step.id, ErasureStage.DONE, {})
            tx.audit.record("erased", by=BY, thing=step.id)

    await erasing.store.write(finish)
    # What this last step itself left of the list of ids.
    return await erasing.pages.clear_deleted(tables)
