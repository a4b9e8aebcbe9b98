"""One message to review as a trainer may see it now: masked, and before a choice with nothing that points a way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.annotations import ItemStatus, Judgement, Label
from casework.model.masking import Masker
from casework.model.messages import Author, Channel
from casework.model.review_queues import Queue
from casework.services import annotations, examples, review_inbox
from casework.services.annotations import Suggestion
from casework.services.masked_reading import MaskedEntry, list_masked_context
from casework.services.ports import JsonObject, StaffMember
from casework.services.review_ports import Annotation, Example
from console.workbench.masked_words import Word, split_words

BEFORE, AFTER = 2, 1
"""How many messages around the one are shown."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A message around the one, masked."""

    at: datetime
    author: str
    words: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A masked value: its place among those of the message, from 0, and what stands there instead."""

    number: int
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Why:
    """`code` and `detail` are empty before a choice: the queue alone is told, in words that point nowhere."""

    queue: Queue
    code: str
    detail: JsonObject


@dataclass(frozen=True, kw_only=True)
class Last:
    """One's own last press, which Undo takes back. `label`: None for a skip, a flag or a judgement."""

    annotation_id: str
    act: str
    label: Label | None
    judgement: str | None


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """`stage`: label, third, after (one's own is saved), elsewhere (others settled it).

    Empty or None before the reader's own choice: `after`, `suggestion`, `settled`, `example`; and `others` but for who
    decides between two.
    """

    item_no: int
    stage: str
    said_at: datetime
    channel: Channel
    words: tuple[Word, ...]
    text_sha: str
    hidden: tuple[Hidden, ...]
    before: tuple[Entry, ...]
    after: tuple[Entry, ...]
    has_answer: bool
    whys: tuple[Why, ...]
    own: Label | None
    judged: Judgement | None
    others: tuple[Label, ...]
    status: ItemStatus | None
    settled: Label | None
    is_restricted: bool
    example: Example | None
    suggestion: Suggestion | None
    last: Last | None


def load_item(
    tx: SqlTransaction, item_no: int, *, by: StaffMember, masker: Masker, with_suggestion: bool = False
) -> ItemView:
    """`with_suggestion`: they have said that there is no danger in it. Raises ItemNotFound."""
    item = review_inbox.get_item(tx, item_no)
    seen = annotations.find_for(tx, item_no, by=by)
    stage = find_stage(item.status, has_own=seen.own is not None, is_third=seen.may_adjudicate)
    has_chosen = stage == "after"
    entries = list_masked_context(tx, item_no, masker=masker, before=BEFORE, after=AFTER)
    place = next(number for number, entry in enumerate(entries) if entry.is_asked)
    masked = entries[place].masked
    after = entries[place + 1 :] if has_chosen else []
    return ItemView(
        item_no=item_no,
        stage=stage,
        said_at=item.said_at,
        channel=item.channel,
        words=split_words(masked),
        text_sha=masked.sha,
        hidden=tuple(
            Hidden(number=number, kind=mask.kind.value, text=masked.text[mask.at : mask.until])
            for number, mask in enumerate(masked.masks)
        ),
        before=_show(entries[:place]),
        after=_show(after),
        has_answer=has_chosen and is_answered(entries[place + 1 :]),
        whys=_tell_why(tx, item_no, is_told=has_chosen),
        own=seen.own,
        judged=seen.own_judgement,
        others=seen.others if stage == "third" else (),
        status=item.status if has_chosen else None,
        settled=item.settled if has_chosen else None,
        is_restricted=item.is_restricted and has_chosen,
        example=examples.find_of(tx, item_no) if has_chosen else None,
        suggestion=annotations.find_suggestion(tx, item_no, by=by) if with_suggestion else None,
        last=find_last(tx, by=by),
    )


def is_answered(after: Sequence[MaskedEntry]) -> bool:
    """Whether the assistant said something next, which can be judged."""
    return any(entry.author is Author.ASSISTANT for entry in after)


def find_last(tx: SqlTransaction, *, by: StaffMember) -> Last | None:
    """What Undo would take back."""
    presses = annotations.list_last(tx, by=by)
    if not presses:
        return None
    return _name(presses[0])


def _name(press: Annotation) -> Last:
    decided = press.decided
    is_label = decided.act == "decided" and decided.judgement is None
    return Last(
        annotation_id=press.id,
        act=decided.act if decided.judgement is None else "judged",
        label=press.label if is_label else None,
        judgement=decided.judgement,
    )


def find_stage(status: ItemStatus, *, has_own: bool, is_third: bool) -> str:
    if has_own:
        return "after"
    if is_third:
        return "third"
    return "elsewhere" if status is ItemStatus.SETTLED else "label"


def _show(entries: Sequence[MaskedEntry]) -> tuple[Entry, ...]:
    return tuple(
        Entry(at=entry.at, author=entry.author.value, words=split_words(entry.masked)) for entry in entries
    )


def _tell_why(tx: SqlTransaction, item_no: int, *, is_told: bool) -> tuple[Why, ...]:
    reasons = review_inbox.list_reasons(tx, item_no)
    if review_inbox.is_blind(reasons) and not is_told:
        # Drawn by chance: that it stands in another queue too would tell what was made of it.
        return (Why(queue=Queue.SAMPLE, code="", detail={}),)
    return tuple(
        Why(
            queue=reason.queue,
            code=reason.why if is_told else "",
            detail=reason.detail if is_told else {},
        )
        for reason in reasons
    )
