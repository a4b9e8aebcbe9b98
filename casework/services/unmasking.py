"""Uncovering one masked value of one message: with a reason, counted, and told in the record."""

from casework.model.errors import MessageNotFound, ReasonNeeded, WaymarkError
from casework.model.masking import Masker
from casework.model.throttles import Tried
from casework.services import throttles
from casework.services.masked_reading import mask_message
from casework.services.owners import check_reason
from casework.services.ports import StaffMember, Transaction

LONGEST_KEPT = 200


class TooManyUnmaskings(WaymarkError):
    """They have uncovered as many values within an hour as one person may."""


class SpanNotFound(WaymarkError):
    """The message has no mask of this number."""


class ReadingChanged(WaymarkError):
    """The message is masked in another way than on the page they read; they look again first."""


def unmask_span(
    tx: Transaction,
    inbox_id: int,
    span_number: int,
    *,
    text_sha: str,
    masker: Masker,
    reason: str,
    by: StaffMember,
) -> str:
    """What one mask of a message hides, for one answer page; stored nowhere.

    `span_number`: its place in `MaskedText.masks`, from 0. `text_sha`: of the masked text they read. Raises
    ReasonNeeded, MessageNotFound (also for one that may not be used to teach), ReadingChanged, SpanNotFound,
    TooManyUnmaskings; then nothing is counted or kept.
    """
    reason = check_short_reason(reason)
    if not tx.training_flags.is_usable(inbox_id):
        raise MessageNotFound(inbox_id)
    written = tx.masking_reads.get_written(inbox_id)
    reading = mask_message(tx, inbox_id, masker=masker)
    if reading.sha != text_sha:
        raise ReadingChanged(inbox_id)
    if not 0 <= span_number < len(reading.masks):
        raise SpanNotFound(inbox_id)
    if not throttles.take(tx, Tried.UNMASKINGS, by.id):
        raise TooManyUnmaskings(by.id)
    mask = reading.masks[span_number]
    tx.unmaskings.record(inbox_id, by.id, kind=mask.kind.value, reason=reason)
    tx.audit.record(
        "words_unmasked",
        by=by.id,
        conversation_id=written.conversation_id,
        thing=f"{inbox_id}:{span_number}:{mask.kind.value}",
    )
    return written.text[mask.start : mask.end]


def check_short_reason(reason: str) -> str:
    """The reason as it is kept. Raises ReasonNeeded for none, or for more than LONGEST_KEPT letters."""
    said = check_reason(reason)
    if len(said) > LONGEST_KEPT:
        raise ReasonNeeded
    return said
