"""Testers' messages labelled and taught as any other: blind, by two where it matters, masked.

They are of nobody's conversation: no case is known of who wrote them, so shapes and words alone are hidden. A visit is
what a conversation is elsewhere: all its messages teach, or all are tested with.
"""

from dataclasses import dataclass

from casework.model.annotations import AnnotationKind, ItemStatus, Label, find_verdict, needs_two
from casework.model.errors import AnnotationNotFound
from casework.model.labels import UNCLEAR, find_gravest
from casework.model.masking import CaseValues, MaskedText, Masker
from casework.model.review_queues import Queue
from casework.model.workbench_limits import load_workbench_limits
from casework.services import examples
from casework.services.annotations import (
    LONGEST_FORM_ID,
    AlreadyLabelled,
    LabelUnfit,
    NotTheThird,
    TooLateToUndo,
    check_label,
)
from casework.services.example_words import OwnWordingNeeded, check_words, danger_needs_own_words, mask_own
from casework.services.guest_ports import GuestPress
from casework.services.ports import StaffMember, Transaction
from casework.services.review_inbox import ItemNotFound
from casework.services.review_ports import Example, GuestRow

BEFORE = 2
"""How many messages of the visit before the one are shown."""


@dataclass(frozen=True, kw_only=True)
class GuestItem:
    """A tester's message as one person may see it. `others` and `settled` are empty before their own label, but for
    who decides between two. `example`: the accepted one."""

    row: GuestRow
    status: ItemStatus
    own: Label | None
    others: tuple[Label, ...]
    may_adjudicate: bool
    settled: Label | None
    is_restricted: bool
    example: Example | None


def name_talk(row: GuestRow) -> str:
    """What a conversation's id is elsewhere: made-up values, the side and the scenario are drawn for it."""
    return f"guest-{row.visit}"


def mask(row: GuestRow, *, masker: Masker) -> MaskedText:
    return masker.mask(row.text, CaseValues(), of=name_talk(row))


def list_before(tx: Transaction, row: GuestRow) -> list[GuestRow]:
    """What they wrote right before it, oldest first; raw, to be masked."""
    return tx.guest_labels.list_before(row, limit=BEFORE)


def find_item(tx: Transaction, guest_no: int, *, by: StaffMember) -> GuestItem:
    """Raises ItemNotFound."""
    row = _find(tx, guest_no)
    presses = tx.guest_labels.list_of(guest_no)
    status, settled = _settle(row, presses)
    own = next((press.label for press in reversed(presses) if press.staff_id == by.id), None)
    is_third = status is ItemStatus.NEEDS_THIRD and own is None
    may_see = own is not None or is_third
    return GuestItem(
        row=row,
        status=status,
        own=own,
        others=tuple(press.label for press in presses if press.staff_id != by.id) if may_see else (),
        may_adjudicate=is_third,
        settled=settled if may_see else None,
        is_restricted=may_see and settled is not None and danger_needs_own_words(settled),
        example=tx.examples.find_of_guest(guest_no) if may_see else None,
    )


def label(
    tx: Transaction, guest_no: int, chosen: Label, *, kind: AnnotationKind, form_id: str, by: StaffMember
) -> ItemStatus:
    """Keeps a label, or what a third decides; what is settled leaves the list. The same form again changes nothing.

    Raises ItemNotFound, LabelUnfit, AlreadyLabelled, NotTheThird.
    """
    check_label(chosen)
    if kind is AnnotationKind.JUDGEMENT or not 0 < len(form_id) <= LONGEST_FORM_ID:
        raise LabelUnfit(kind.value)
    row = _find(tx, guest_no, hold=True)
    before = tx.guest_labels.find_form(form_id)
    if before is not None:
        if before.staff_id != by.id or before.guest_message_id != guest_no:
            raise LabelUnfit(form_id)
        return _settle(row, tx.guest_labels.list_of(guest_no))[0]
    if kind is AnnotationKind.ADJUDICATION and not find_item(tx, guest_no, by=by).may_adjudicate:
        raise NotTheThird(guest_no)
    if tx.guest_labels.record(guest_no, chosen, kind=kind, form_id=form_id, by=by.id) is None:
        raise AlreadyLabelled(guest_no)
    tx.audit.record("guest_message_labelled", by=by.id, thing=f"guest-{guest_no}:{kind.value}")
    status, _ = _settle(row, tx.guest_labels.list_of(guest_no))
    if status is ItemStatus.SETTLED:
        tx.reviews.handle_guest(guest_no)
    return status


def undo(tx: Transaction, guest_no: int, *, by: StaffMember) -> None:
    """Takes one's own label back; it stands in the list again, and what was taught by it goes.

    Raises ItemNotFound, AnnotationNotFound, TooLateToUndo once a third has decided or it was written into the data.
    """
    row = _find(tx, guest_no, hold=True)
    presses = tx.guest_labels.list_of(guest_no)
    own = next((press for press in reversed(presses) if press.staff_id == by.id), None)
    if own is None:
        raise AnnotationNotFound(str(guest_no))
    if own.kind is AnnotationKind.LABEL and any(p.kind is AnnotationKind.ADJUDICATION for p in presses):
        raise TooLateToUndo(own.id)
    made = tx.examples.list_made_of(guest_message_id=guest_no)
    if any(each.in_data_since is not None for each in made):
        raise TooLateToUndo(own.id)
    tx.guest_labels.undo(own.id)
    tx.audit.record("label_undone", by=by.id, thing=f"guest-{guest_no}")
    if _settle(row, tx.guest_labels.list_of(guest_no))[0] is ItemStatus.SETTLED:
        return
    tx.guest_labels.reopen(guest_no)
    for each in made:
        examples.remove(tx, each.id, by=by)


def accept(tx: Transaction, guest_no: int, *, text: str | None, by: StaffMember, masker: Masker) -> str:
    """Teaches a settled message; the example's id, the one it has where it was accepted before.

    `text`: the trainer's own words, masked too. Raises ItemNotFound, NotSettled, NothingToTeach, SecondPersonNeeded,
    OwnWordingNeeded, TextRefused.
    """
    row = _find(tx, guest_no, hold=True)
    before = tx.examples.find_of_guest(guest_no)
    if before is not None:
        return before.id
    presses = tx.guest_labels.list_of(guest_no)
    _, settled = _settle(row, presses)
    side = examples.find_side(name_talk(row))
    if settled is None:
        raise examples.NotSettled(guest_no)
    if not settled.risks and settled.intent in (None, UNCLEAR):
        raise examples.NothingToTeach(guest_no)
    if side == examples.TEST and len({press.staff_id for press in presses}) < 2:
        raise examples.SecondPersonNeeded(guest_no)
    masked, own = mask(row, masker=masker), text
    if own is not None and own.strip() == masked.text.strip():
        own = None
    is_restricted = danger_needs_own_words(settled)
    if own is None and is_restricted:
        raise OwnWordingNeeded(guest_no)
    taught = (
        masked if own is None else mask_own(tx, own, conversation_id=None, of=name_talk(row), masker=masker)
    )
    category = find_gravest(settled.risks)
    example = Example(
        id=examples.new_id(tx.now),
        inbox_id=None,
        conversation_id=None,
        derived_from=None,
        text=check_words(taught, never_as=masked if is_restricted else None),
        intent=None if category else settled.intent,
        category=category.value if category else None,
        sub=None,
        spans=(),
        side=side,
        scenario=examples.name_scenario(name_talk(row)),
        status="accepted",
        is_reworded=own is not None,
        row_version=1,
        accepted_by=by.id,
        accepted_at=tx.now,
        guest_message_id=guest_no,
    )
    return examples.keep(tx, example, by=by)


def remove(tx: Transaction, guest_no: int, *, by: StaffMember) -> None:
    """It is not taught, whoever accepted it."""
    example = tx.examples.find_of_guest(guest_no)
    if example is not None:
        examples.remove(tx, example.id, by=by)


def _find(tx: Transaction, guest_no: int, *, hold: bool = False) -> GuestRow:
    row = tx.guest_labels.find(guest_no, hold=hold)
    if row is None:
        raise ItemNotFound(guest_no)
    return row


def _settle(row: GuestRow, presses: list[GuestPress]) -> tuple[ItemStatus, Label | None]:
    """Where its labels put it now."""
    adjudged = [press.label for press in presses if press.kind is AnnotationKind.ADJUDICATION]
    labels = [press.label for press in presses if press.kind is AnnotationKind.LABEL]
    limits = load_workbench_limits()
    verdict = find_verdict(
        labels[:2],
        adjudged[0] if adjudged else None,
        needs_two=bool(labels)
        and needs_two(
            row.id,
            labels[0],
            band_seen=row.band,
            queues=[Queue.GUESTS],
            is_test=examples.find_side(name_talk(row)) == examples.TEST,
            one_in=limits.second_one_in,
        ),
    )
    return verdict.status, verdict.label
