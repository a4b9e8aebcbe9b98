"""Labels of trainers: each blind to the other's, two where it matters, a third where two differ."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from casework.model.annotations import (
    GRAPHIC,
    Act,
    AnnotationKind,
    ItemStatus,
    Judgement,
    Label,
    agree,
    find_verdict,
    is_drawn,
    needs_two,
)
from casework.model.disclosures import Category
from casework.model.errors import WaymarkError
from casework.model.labels import load_labels
from casework.model.workbench_limits import load_workbench_limits
from casework.services.ports import StaffMember, Transaction
from casework.services.review_inbox import ItemNotFound, is_blind
from casework.services.review_ports import Annotation, Pair, ReviewItem
from casework.services.workbench_ports import Decided

FEWEST_TOLD = 10
"""Agreement over fewer items than this is told to nobody."""
MOST_OF_A_SESSION = 500
LONGEST_PRESS_SECONDS = 600.0
# What the columns have room for, and more spans than anybody marks in one message.
LONGEST_FORM_ID, LONGEST_SHA, LONGEST_SUB, MOST_SPANS = 32, 16, 64, 100


class LabelUnfit(WaymarkError):
    """Not a label of ours, or not whole: danger, or calm with a wish; a judgement that is one of the four."""


class NotTheThird(WaymarkError):
    """Only somebody who labelled it neither time decides between two labels, and only where two differ."""


class TooLateToUndo(WaymarkError):
    """Not theirs, not among their last ten, undone before, decided by a third since, or written into the data."""


class AlreadyLabelled(WaymarkError):
    """They labelled this item before; to say something else they undo that first."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a press came to. `is_new` False: the same form was sent before, and nothing changed now."""

    annotation_id: str
    inbox_id: int
    status: ItemStatus
    label: Label | None  # settled on
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """The wish the assistant saw, to be taken with one key; 0 to 1 how sure it was."""

    intent: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class LabelsSeen:
    """What this person may see of an item's labels: `others` without names, and empty before their own."""

    own: Label | None
    own_judgement: Judgement | None
    others: tuple[Label, ...]
    may_adjudicate: bool


@dataclass(frozen=True, kw_only=True)
class Session:
    """A person's own figures since their last pause. `agreed` of `both`: None under ten."""

    labels: int
    minutes: int
    both: int
    agreed: int | None
    graphic: int
    is_rest_due: bool


def decide(tx: Transaction, decided: Decided, *, by: StaffMember) -> Settled:
    """Keeps a label, a skip, a flag or a judgement. The same `form_id` again changes nothing and says the same.

    `risks` in the order they were pressed, () for none, which needs an `intent`. Raises ItemNotFound, LabelUnfit,
    AlreadyLabelled, and NotTheThird for an adjudication, which has its own function.
    """
    if decided.kind == AnnotationKind.ADJUDICATION:
        raise NotTheThird(decided.inbox_id)
    _check(decided)
    return _keep(tx, decided, by=by, act="item_labelled")


def adjudicate(tx: Transaction, decided: Decided, *, by: StaffMember) -> Settled:
    """Decides between two labels that differ, for good. Raises ItemNotFound, LabelUnfit, NotTheThird."""
    _check(decided)
    if decided.kind != AnnotationKind.ADJUDICATION or decided.act != Act.DECIDED:
        raise LabelUnfit(decided.kind)
    before = tx.annotations.find_form(decided.form_id)
    if before is None and not _may_adjudicate(tx, _hold(tx, decided.inbox_id), by):
        raise NotTheThird(decided.inbox_id)
    return _keep(tx, decided, by=by, act="item_adjudicated")


def undo(tx: Transaction, annotation_id: str, *, by: StaffMember) -> Settled:
    """Takes one of one's own last ten presses back; an example accepted since goes with it, unless it was written.

    Raises AnnotationNotFound, TooLateToUndo.
    """
    press = tx.annotations.get(annotation_id)
    inbox_id = press.decided.inbox_id
    # Held first: nobody writes the data or settles the item in between.
    item = tx.reviews.hold_item(inbox_id)
    if item is None or not _may_be_undone(tx, press, by):
        raise TooLateToUndo(annotation_id)
    made = tx.examples.list_made_of(inbox_id=inbox_id)
    if any(each.in_data_since is not None for each in made):
        raise TooLateToUndo(annotation_id)
    tx.annotations.undo(annotation_id)
    tx.audit.record("label_undone", by=by.id, conversation_id=item.conversation_id, thing=f"in-{inbox_id}")
    settled = resettle(tx, inbox_id)
    for each in made if settled.label != item.settled else ():
        tx.examples.remove(each.id)
        tx.examples.note_change(each.id, by=by.id, what={"status": "removed", "why": "label_undone"})
        tx.audit.record("example_removed", by=by.id, conversation_id=item.conversation_id, thing=each.id)
    return Settled(
        annotation_id=annotation_id,
        inbox_id=inbox_id,
        status=settled.status,
        label=settled.label,
        is_new=True,
    )


def find_for(tx: Transaction, inbox_id: int, *, by: StaffMember) -> LabelsSeen:
    """The only way from an item to its labels: nobody sees another's before they gave their own.

    Who is to decide between two sees both. Raises ItemNotFound.
    """
    item = tx.reviews.find_item(inbox_id)
    if item is None:
        raise ItemNotFound(inbox_id)
    own = [press for press in tx.annotations.list_own(inbox_id, by.id) if press.decided.act == Act.DECIDED]
    labels = [press.label for press in own if press.decided.kind != AnnotationKind.JUDGEMENT]
    judged = [press.decided.judgement for press in own if press.decided.judgement is not None]
    third = _may_adjudicate(tx, item, by)
    others = (
        tuple(
            press.label
            for press in tx.annotations.list_of(inbox_id)
            if press.staff_id != by.id and _is_label(press)
        )
        if labels or third
        else ()
    )
    return LabelsSeen(
        own=labels[-1] if labels else None,
        own_judgement=Judgement(judged[-1]) if judged else None,
        others=others,
        may_adjudicate=third,
    )


def find_suggestion(tx: Transaction, inbox_id: int, *, by: StaffMember) -> Suggestion | None:
    """The wish to offer at the second step, never a danger. None for one in ten, and where an item is shown blind."""
    record = tx.turn_records.find(inbox_id)
    if record is None or record.intent is None or not load_labels().has_wish(record.intent):
        return None
    if is_drawn(f"blind:{inbox_id}:{by.id}", load_workbench_limits().blind_one_in):
        return None
    if is_blind(tx.reviews.list_reasons(inbox_id)):
        return None
    return Suggestion(intent=record.intent, confidence=record.confidence)


def list_last(tx: Transaction, *, by: StaffMember) -> list[Annotation]:
    """One's own presses that stand, newest first: what `undo` may take back, but for what was written since."""
    return tx.annotations.list_newest(by.id, limit=load_workbench_limits().undo_last)


def find_session(tx: Transaction, *, by: StaffMember) -> Session:
    """What the bar says to a person about themselves; nobody else is told."""
    limits = load_workbench_limits()
    presses = _since_pause(
        tx.annotations.list_newest(by.id, limit=MOST_OF_A_SESSION), tx.now, limits.session_gap
    )
    labels = [press for press in presses if _is_label(press)]
    began = min((press.made_at for press in presses), default=tx.now)
    minutes = int((tx.now - began).total_seconds() // 60)
    pairs = tx.annotations.list_pairs_of(by.id, since=tx.now - limits.agreement)
    graphic = sum(1 for press in labels if GRAPHIC.intersection(map(Category, press.decided.risks)))
    return Session(
        labels=len(labels),
        minutes=minutes,
        both=len(pairs),
        agreed=sum(agree(each.first, each.second) for each in pairs) if len(pairs) >= FEWEST_TOLD else None,
        graphic=graphic,
        is_rest_due=tx.now - began >= limits.rest_after or graphic >= limits.rest_after_graphic,
    )


def list_pairs(tx: Transaction) -> list[Pair]:
    """Every message two people labelled in the last 90 days, for `casework/model/agreement.py`; nobody is named."""
    return tx.annotations.list_pairs(since=tx.now - load_workbench_limits().agreement)


def resettle(tx: Transaction, inbox_id: int) -> Settled:
    """Brings an item to where its labels put it now. The item must be held, and be there."""
    item = tx.reviews.hold_item(inbox_id)
    if item is None:
        raise ItemNotFound(inbox_id)
    presses = tx.annotations.list_of(inbox_id)
    adjudged = [press.label for press in presses if press.decided.kind == AnnotationKind.ADJUDICATION]
    labels = [press.label for press in presses if _is_first_label(press)]
    limits = load_workbench_limits()
    verdict = find_verdict(
        labels[:2],
        adjudged[0] if adjudged else None,
        needs_two=bool(labels)
        and needs_two(
            inbox_id,
            labels[0],
            band_seen=item.band_seen,
            queues=[reason.queue for reason in tx.reviews.list_reasons(inbox_id)],
            is_test=item.side == "test",
            one_in=limits.second_one_in,
        ),
    )
    status = verdict.status
    if status is ItemStatus.OPEN and len({p.staff_id for p in presses if p.decided.act == Act.FLAGGED}) > 1:
        status = ItemStatus.SKIPPED
    if verdict.label is not None:
        if verdict.label != item.settled or item.status is not ItemStatus.SETTLED:
            label = verdict.label
            tx.reviews.settle(inbox_id, intent=label.intent, sub=label.sub, risks=label.risks)
            tx.reviews.settle_suggestions(inbox_id, label)
    elif status is not item.status:
        tx.reviews.set_status(inbox_id, status)
        tx.reviews.settle_suggestions(inbox_id, None)
    return Settled(annotation_id="", inbox_id=inbox_id, status=status, label=verdict.label, is_new=True)


def _keep(tx: Transaction, decided: Decided, *, by: StaffMember, act: str) -> Settled:
    item = _hold(tx, decided.inbox_id)
    before = tx.annotations.find_form(decided.form_id)
    if before is not None:
        if before.staff_id != by.id or before.decided.inbox_id != decided.inbox_id:
            raise LabelUnfit(decided.form_id)
        return Settled(
            annotation_id=before.id,
            inbox_id=item.inbox_id,
            status=item.status,
            label=item.settled,
            is_new=False,
        )
    seconds = min(max(decided.seconds, 0.0), LONGEST_PRESS_SECONDS)
    annotation_id = tx.annotations.record(replace(decided, seconds=seconds), by=by.id)
    if annotation_id is None:
        raise AlreadyLabelled(decided.inbox_id)
    tx.audit.record(
        act if decided.act == Act.DECIDED else f"item_{decided.act}",
        by=by.id,
        conversation_id=item.conversation_id,
        thing=f"in-{item.inbox_id}:{decided.kind}",
    )
    return replace(resettle(tx, item.inbox_id), annotation_id=annotation_id)


def _hold(tx: Transaction, inbox_id: int) -> ReviewItem:
    # Held, so that of two who label at once the second finds the first one's label.
    item = tx.reviews.hold_item(inbox_id)
    if item is None or item.status is ItemStatus.REMOVED:
        raise ItemNotFound(inbox_id)
    return item


def _check(decided: Decided) -> None:
    """Raises LabelUnfit."""
    if decided.kind not in set(AnnotationKind) or decided.act not in set(Act):
        raise LabelUnfit(decided.kind)
    if not 0 < len(decided.form_id) <= LONGEST_FORM_ID or len(decided.text_sha) > LONGEST_SHA:
        raise LabelUnfit("form")
    if len(decided.sub or "") > LONGEST_SUB or len(decided.spans) > MOST_SPANS:
        raise LabelUnfit("sub or spans")
    if any(not 0 <= start < end for start, end, _ in decided.spans) or (
        decided.spans and not decided.text_sha
    ):
        raise LabelUnfit("spans")
    if decided.act != Act.DECIDED:
        return
    if decided.kind == AnnotationKind.JUDGEMENT:
        if decided.judgement not in set(Judgement):
            raise LabelUnfit("judgement")
        return
    check_label(Label(risks=decided.risks, intent=decided.intent))


def check_label(label: Label) -> None:
    """Raises LabelUnfit."""
    is_known = set(label.risks) <= set(Category) and len(set(label.risks)) == len(label.risks)
    is_whole = label.intent is None if label.risks else load_labels().has_wish(label.intent or "")
    if not is_known or not is_whole:
        raise LabelUnfit("label")


def _is_label(press: Annotation) -> bool:
    return press.decided.act == Act.DECIDED and press.decided.kind != AnnotationKind.JUDGEMENT


def _is_first_label(press: Annotation) -> bool:
    return press.decided.act == Act.DECIDED and press.decided.kind == AnnotationKind.LABEL


def _may_adjudicate(tx: Transaction, item: ReviewItem, by: StaffMember) -> bool:
    if item.status is not ItemStatus.NEEDS_THIRD:
        return False
    return all(press.staff_id != by.id for press in tx.annotations.list_of(item.inbox_id) if _is_label(press))


def _may_be_undone(tx: Transaction, press: Annotation, by: StaffMember) -> bool:
    # Their own alone: nobody else's press is among them.
    last = tx.annotations.list_newest(by.id, limit=load_workbench_limits().undo_last)
    if all(each.id != press.id for each in last):
        return False
    # What a third has decided rests on both labels.
    presses = tx.annotations.list_of(press.decided.inbox_id)
    return not _is_first_label(press) or all(
        each.decided.kind != AnnotationKind.ADJUDICATION for each in presses
    )


def _since_pause(presses: list[Annotation], now: datetime, gap: timedelta) -> list[Annotation]:
    """Those since the last pause, newest first."""
    kept: list[Annotation] = []
    newer = now
    for press in presses:
        if newer - press.made_at > gap:
            break
        kept.append(press)
        newer = press.made_at
    return kept
