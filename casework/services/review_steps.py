"""Filling the queues of the workbench: one source a step, from its mark on, in one transaction that can be cut off."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from casework.model.annotations import ItemStatus
from casework.model.disclosures import Category
from casework.model.review_queues import Queue
from casework.model.workbench_limits import load_workbench_limits
from casework.services import annotations, review_findings
from casework.services.examples import find_side
from casework.services.ports import Store, Transaction
from casework.services.review_findings import Finding, find_sight
from casework.services.review_ports import Said, SeenMessage

# A row is read that long after it was written: a slower transaction may still write one before it.
SETTLES_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one source gave from its mark on."""

    findings: list[Finding]
    mark: int


# The transaction, the mark, and how many rows at most.
Source = Callable[[Transaction, int, int], Reading]


async def take_next_review_step(store: Store, *, limit: int = 200) -> bool:
    """Reads the next rows of the first source that has some; False when none has. Safe to be killed, and to run twice.

    Looked for without a write first: most looks find nothing, and a write would keep others waiting.
    """
    for name, source in SOURCES.items():
        if await store.read(partial(_has_more, name, source, limit)):
            await store.write(partial(_take, name, source, limit))
            return True
    return False


def _has_more(name: str, source: Source, limit: int, tx: Transaction) -> bool:
    mark = tx.review_reads.find_mark(name)
    return source(tx, mark, limit).mark != mark


def _take(name: str, source: Source, limit: int, tx: Transaction) -> None:
    reading = source(tx, tx.review_reads.find_mark(name), limit)
    note(tx, reading.findings)
    tx.review_reads.set_mark(name, reading.mark)


def note(tx: Transaction, findings: Sequence[Finding]) -> int:
    """Puts each message in its queues, once; how many findings were noted. A drill's, and what may not teach, never.

    For the sources here, and for whoever finds something elsewhere: new words, a model asked again.
    """
    seen = tx.review_reads.see({finding.inbox_id for finding in findings})
    may = {each for each in seen if tx.training_flags.is_usable(each)}
    _add_items(tx, [seen[inbox_id] for inbox_id in sorted(may)])
    noted = [finding for finding in findings if finding.inbox_id in may]
    for finding in noted:
        tx.reviews.add_reason(
            finding.inbox_id,
            finding.queue,
            harm=finding.harm,
            why=finding.why,
            detail=finding.detail,
            cluster=finding.cluster,
        )
    for inbox_id in sorted({finding.inbox_id for finding in noted}):
        item = tx.reviews.hold_item(inbox_id)
        # One person was enough for it until now: another queue may ask for a second.
        if item is not None and item.status is ItemStatus.SETTLED:
            annotations.resettle(tx, inbox_id)
    return len(noted)


def note_rule_alone(tx: Transaction, inbox_id: int, *, urgency: float) -> bool:
    """After a replay: the screen called it RED and the model GREEN. False where it may not teach."""
    seen = tx.review_reads.see([inbox_id])
    if inbox_id not in seen:
        return False
    return note(tx, [review_findings.of_rule_alone(seen[inbox_id], urgency=urgency)]) == 1


def note_new_words(tx: Transaction, inbox_ids: Sequence[int], cluster: str) -> int:
    """Messages whose word `cluster` stands in no example; how many were noted."""
    messages = len(inbox_ids)
    seen = tx.review_reads.see(inbox_ids)
    return note(
        tx,
        [
            Finding(
                inbox_id=inbox_id,
                queue=Queue.NEW_WORDS,
                why="new_word",
                harm=review_findings.find_harm(seen[inbox_id]),
                detail={"messages": messages},
                cluster=cluster,
            )
            for inbox_id in inbox_ids
            if inbox_id in seen
        ],
    )


def _add_items(tx: Transaction, messages: Sequence[SeenMessage]) -> None:
    conversations = {each.conversation_id for each in messages}
    crimes = tx.review_reads.list_crime_types(conversations)
    languages = tx.review_reads.list_languages(conversations)
    limits = load_workbench_limits()
    for each in messages:
        sight = find_sight(each)
        types = crimes.get(each.conversation_id, ())
        tx.reviews.add_item(
            each.inbox_id,
            conversation_id=each.conversation_id,
            said_at=each.said_at,
            channel=each.channel.value,
            language=languages.get(each.conversation_id, "en"),
            model_id=each.model_id,
            category_seen=sight.category,
            tier_seen=sight.tier,
            band_seen=sight.band.value,
            side=find_side(each.conversation_id),
            is_restricted=any(map(limits.is_restricted_crime, types)) or _is_restricted(sight.category),
        )


def _is_restricted(category: str | None) -> bool:
    return category is not None and Category(category) in load_workbench_limits().restricted_dangers


def _read_messages(tx: Transaction, mark: int, limit: int) -> Reading:
    messages, mark = tx.review_reads.list_messages(after=mark, before=tx.now - SETTLES_AFTER, limit=limit)
    real = [each for each in messages if not each.is_drill]
    lost = [each.inbox_id for each in real if each.intent == review_findings.FALLBACK]
    previous = tx.review_reads.list_previous(lost) if lost else {}
    return Reading(findings=list(review_findings.of_messages(real, previous)), mark=mark)


def _read_talks(tx: Transaction, mark: int, limit: int) -> Reading:
    # A talk is up to hundreds of messages: fewer of them a step.
    talks, mark = tx.review_reads.list_talks(
        after=mark, before=tx.now - SETTLES_AFTER, limit=max(1, limit // 20)
    )
    seen = tx.review_reads.see({inbox_id for talk in talks for inbox_id in talk.inbox_ids})
    found = [finding for talk in talks for finding in review_findings.of_talk(talk, seen)]
    return Reading(findings=found, mark=mark)


def _read_raised(tx: Transaction, mark: int, limit: int) -> Reading:
    said, mark = tx.review_reads.list_raised(after=mark, before=tx.now - SETTLES_AFTER, limit=limit)
    return Reading(findings=list(review_findings.of_raised(said)), mark=mark)


def _read_called_wrong(tx: Transaction, mark: int, limit: int) -> Reading:
    said, mark = tx.review_reads.list_called_wrong(after=mark, before=tx.now - SETTLES_AFTER, limit=limit)
    return Reading(findings=list(review_findings.of_called_wrong(said, _see(tx, said))), mark=mark)


def _read_closed(tx: Transaction, mark: int, limit: int) -> Reading:
    said, mark = tx.review_reads.list_closed(after=mark, before=tx.now - SETTLES_AFTER, limit=limit)
    return Reading(findings=list(review_findings.of_closed(said, _see(tx, said))), mark=mark)


def _read_asked(tx: Transaction, mark: int, limit: int) -> Reading:
    said, mark = tx.review_reads.list_asked(after=mark, before=tx.now - SETTLES_AFTER, limit=limit)
    return Reading(findings=list(review_findings.of_not_served(said, _see(tx, said))), mark=mark)


def _read_left(tx: Transaction, mark: int, limit: int) -> Reading:
    limits = load_workbench_limits()
    # They may come back until then.
    said, mark = tx.review_reads.list_left(
        after=mark, before=tx.now - limits.quiet, limit=limit, within=limits.left_within
    )
    return Reading(findings=list(review_findings.of_not_served(said, _see(tx, said))), mark=mark)


def _see(tx: Transaction, said: Iterable[Said]) -> dict[int, SeenMessage]:
    return tx.review_reads.see({each.inbox_id for each in said})


# By their names in `review_mark`; what people said first.
SOURCES: dict[str, Source] = {
    "talks": _read_talks,
    "raised": _read_raised,
    "called_wrong": _read_called_wrong,
    "closed": _read_closed,
    "asked": _read_asked,
    "left": _read_left,
    "messages": _read_messages,
}
