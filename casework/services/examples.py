"""What is taught: messages people settled on, masked or in a trainer's words, on the side their talk was drawn to."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casework.model.annotations import Act, AnnotationKind, ItemStatus, Label, is_drawn
from casework.model.disclosures import Category
from casework.model.errors import ExampleNotFound, WaymarkError
from casework.model.labels import UNCLEAR, find_gravest, load_labels
from casework.model.masking import MaskedText, Masker
from casework.model.workbench_limits import load_workbench_limits
from casework.services import masked_reading
from casework.services.example_words import OwnWordingNeeded, check_words, mask_own, needs_own_words
from casework.services.ports import StaffMember, Transaction
from casework.services.review_inbox import ItemNotFound
from casework.services.review_ports import Example, ReviewItem

TRAIN, TEST = "train", "test"
PAGE = 50


class NotSettled(WaymarkError):
    """People have not settled on what it is; nothing is taught of it yet."""


class NothingToTeach(WaymarkError):
    """It was settled as nothing the assistant is taught: unclear."""


class NotUsable(WaymarkError):
    """Whoever wrote it, or somebody for them, said that it may not teach the assistant."""


class SecondPersonNeeded(WaymarkError):
    """What is kept to test with needs two people's labels."""


class ExampleStale(WaymarkError):
    """Somebody changed it since it was read, or it is no longer taught; nothing was changed."""


class ExampleFrozen(WaymarkError):
    """What is tested with is never changed once it was written; it can be removed."""


@dataclass(frozen=True, kw_only=True)
class ExamplePage:
    """`next`: the `after` of the next page; None on the last."""

    rows: tuple[Example, ...]
    next: str | None


def accept(tx: Transaction, inbox_id: int, *, text: str | None, by: StaffMember, masker: Masker) -> str:
    """Teaches a settled message; the example's id. Accepted before: the id it has, and nothing changes.

    `text`: the trainer's own words in place of the message's; masked too. Raises ItemNotFound, NotSettled,
    NothingToTeach, NotUsable, SecondPersonNeeded, OwnWordingNeeded, TextRefused.
    """
    item = _hold(tx, inbox_id)
    before = tx.examples.find_of(inbox_id)
    if before is not None:
        return before.id
    label = _check_settled(tx, item)
    masked = _mask(tx, item, masker)
    own = None if text is None or text.strip() == masked.text.strip() else text
    taught = _word(tx, item, label, own, masked, masker)
    category = find_gravest(label.risks)
    example = Example(
        id=new_id(tx.now),
        inbox_id=inbox_id,
        conversation_id=item.conversation_id,
        derived_from=None,
        text=taught,
        intent=None if category else label.intent,
        category=category.value if category else None,
        sub=label.sub,
        spans=_find_spans(tx, inbox_id, masked) if own is None else (),
        side=item.side,
        scenario=name_scenario(item.conversation_id),
        status="accepted",
        is_reworded=own is not None,
        row_version=1,
        accepted_by=by.id,
        accepted_at=tx.now,
    )
    return keep(tx, example, by=by)


def keep(tx: Transaction, example: Example, *, by: StaffMember) -> str:
    """It is taught, or tested with, from the next writing of the data on; its id."""
    tx.examples.add(example)
    tx.examples.note_change(
        example.id, by=by.id, what={"status": example.status, "reworded": example.is_reworded}
    )
    tx.audit.record("example_accepted", by=by.id, conversation_id=example.conversation_id, thing=example.id)
    return example.id


def change(
    tx: Transaction,
    example_id: str,
    *,
    row_version: int,
    by: StaffMember,
    masker: Masker,
    text: str | None = None,
    intent: str | None = None,
    category: str | None = None,
    sub: str | None = None,
) -> int:
    """Changes words or label of what is taught; the new `row_version`. What is left None stays as it is.

    An `intent` makes it calm, a `category` makes it danger. Raises ExampleNotFound, ExampleStale, ExampleFrozen,
    NotUsable, NothingToTeach, OwnWordingNeeded, TextRefused.
    """
    example = tx.examples.get(example_id)
    if example.conversation_id is not None:
        tx.conversations.hold(example.conversation_id)
    item = None if example.inbox_id is None else tx.reviews.hold_item(example.inbox_id)
    if not is_usable(tx, example):
        raise NotUsable(example_id)
    if example.side == TEST and example.in_data_since is not None:
        raise ExampleFrozen(example_id)
    values = _relabel(intent, category, sub)
    danger = category or (None if intent else example.category)
    label = Label(risks=(danger,) if danger else ())
    if text is not None and text != example.text:
        values |= _reword(tx, example, item, label, text, masker)
    elif category is not None and item is None:
        word_alone(tx, example, label, example.text, masker)
    elif category is not None and item is not None:
        # What it is called now may forbid the words it has.
        _word(tx, item, label, example.text if example.is_reworded else None, _mask(tx, item, masker), masker)
    if not values:
        return example.row_version
    if not tx.examples.change(example_id, row_version=row_version, **values):
        raise ExampleStale(example_id)
    changed = {name: value for name, value in values.items() if name in ("intent", "category", "sub")}
    tx.examples.note_change(example_id, by=by.id, what=changed | {"reworded": "text" in values})
    tx.audit.record("example_changed", by=by.id, conversation_id=example.conversation_id, thing=example_id)
    return row_version + 1


def remove(tx: Transaction, example_id: str, *, by: StaffMember) -> bool:
    """It is taught no more from the next writing of the data on. False where it was not. Raises ExampleNotFound."""
    example = tx.examples.get(example_id)
    if not tx.examples.remove(example_id):
        return False
    tx.examples.note_change(example_id, by=by.id, what={"status": "removed"})
    tx.audit.record("example_removed", by=by.id, conversation_id=example.conversation_id, thing=example_id)
    return True


def is_usable(tx: Transaction, example: Example) -> bool:
    """Whether the message it is made of, or that a variant is made of, may teach. A tester's always may."""
    root = find_root(tx, example)
    return root.inbox_id is None or tx.training_flags.is_usable(root.inbox_id)


def find_root(tx: Transaction, example: Example) -> Example:
    """The example of a message that this one is a variant of; itself where it is none."""
    return example if example.derived_from is None else tx.examples.get(example.derived_from)


def get(tx: Transaction, example_id: str) -> Example:
    """Raises ExampleNotFound, also for one whose message may no longer teach."""
    example = tx.examples.get(example_id)
    if example.status == "withdrawn":
        raise ExampleNotFound(example_id)
    return example


def find_of(tx: Transaction, inbox_id: int) -> Example | None:
    """The accepted example of a message."""
    return tx.examples.find_of(inbox_id)


def list_page(
    tx: Transaction,
    *,
    side: str | None = None,
    status: str = "accepted",
    after: str | None = None,
    limit: int = PAGE,
) -> ExamplePage:
    """Newest first. `side`: train, test or None for both; `status`: accepted or removed."""
    rows = tx.examples.list_page(side=side, status=status, after=after, limit=limit + 1)
    return ExamplePage(rows=tuple(rows[:limit]), next=rows[limit - 1].id if len(rows) > limit else None)


def find_side(conversation_id: str) -> str:
    """The side all messages of a conversation are on, drawn once and for good."""
    is_test = is_drawn(f"side{conversation_id}", load_workbench_limits().test_one_in)
    return TEST if is_test else TRAIN


def name_scenario(conversation_id: str) -> str:
    """What texts of one conversation share in the data, and nobody can turn back into it."""
    return "wb_" + hashlib.sha256(conversation_id.encode()).hexdigest()[:12]


def _hold(tx: Transaction, inbox_id: int) -> ReviewItem:
    item = tx.reviews.hold_item(inbox_id)
    if item is None or item.status is ItemStatus.REMOVED:
        raise ItemNotFound(inbox_id)
    # A withdrawal holds it too: what it takes back is not accepted beside it.
    tx.conversations.hold(item.conversation_id)
    return item


def _check_settled(tx: Transaction, item: ReviewItem) -> Label:
    if item.status is not ItemStatus.SETTLED or item.settled is None:
        raise NotSettled(item.inbox_id)
    if not tx.training_flags.is_usable(item.inbox_id):
        raise NotUsable(item.inbox_id)
    if not item.settled.risks and item.settled.intent in (None, UNCLEAR):
        raise NothingToTeach(item.inbox_id)
    if item.side == TEST:
        presses = [each for each in tx.annotations.list_of(item.inbox_id) if each.decided.act == Act.DECIDED]
        people = {each.staff_id for each in presses if each.decided.kind != AnnotationKind.JUDGEMENT}
        if len(people) < 2:
            raise SecondPersonNeeded(item.inbox_id)
    return item.settled


def _word(
    tx: Transaction, item: ReviewItem, label: Label, own: str | None, masked: MaskedText, masker: Masker
) -> str:
    """The words to teach: the masked message, or what a trainer put in its place, masked too and checked."""
    is_restricted = needs_own_words(tx, item, label)
    if own is None and is_restricted:
        raise OwnWordingNeeded(item.inbox_id)
    of = item.conversation_id
    taught = masked if own is None else mask_own(tx, own, conversation_id=of, of=of, masker=masker)
    return check_words(taught, never_as=masked if is_restricted else None)


def _mask(tx: Transaction, item: ReviewItem, masker: Masker) -> MaskedText:
    return masked_reading.mask_message(tx, item.inbox_id, masker=masker)


def _reword(
    tx: Transaction, example: Example, item: ReviewItem | None, label: Label, text: str, masker: Masker
) -> dict[str, Any]:
    if item is None:
        return {"text": word_alone(tx, example, label, text, masker), "spans": [], "is_reworded": True}
    taught = _word(tx, item, label, text, _mask(tx, item, masker), masker)
    return {"text": taught, "spans": [], "is_reworded": True}


def word_alone(tx: Transaction, example: Example, label: Label, text: str, masker: Masker) -> str:
    """Words of an example without a message of its own: a tester's, or a variant. Raises TextRefused.

    What is taught in own words alone is no more copied by a variant than by its first wording.
    """
    taught = mask_own(tx, text, conversation_id=example.conversation_id, of=example.scenario, masker=masker)
    root = find_root(tx, example)
    item = None if root.inbox_id is None else tx.reviews.hold_item(root.inbox_id)
    if item is None:
        return check_words(taught)
    risks = (*label.risks, *([root.category] if root.category else []))
    is_restricted = needs_own_words(tx, item, Label(risks=risks))
    return check_words(taught, never_as=_mask(tx, item, masker) if is_restricted else None)


def _relabel(intent: str | None, category: str | None, sub: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if category is not None:
        if category not in set(Category):
            raise NothingToTeach(category)
        values |= {"category": category, "intent": None}
    elif intent is not None:
        if intent == UNCLEAR or not load_labels().has_wish(intent):
            raise NothingToTeach(intent)
        values |= {"intent": intent, "category": None}
    return values | ({} if sub is None else {"sub": sub or None})


def _find_spans(tx: Transaction, inbox_id: int, masked: MaskedText) -> tuple[tuple[int, int, str], ...]:
    """Those marked in the very text that is taught; marks of an older mask point elsewhere."""
    presses = [each.decided for each in tx.annotations.list_of(inbox_id) if each.decided.spans]
    return next((each.spans for each in reversed(presses) if each.text_sha == masked.sha), ())


def new_id(at: datetime) -> str:
    """An id that sorts by when it was accepted."""
    # Ten digits of seconds first: rows stand in the files in the order they were accepted, so new ones are appended.
    return f"{int(at.timestamp()):010d}{secrets.token_hex(4)}"
