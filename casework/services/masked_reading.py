"""What people wrote, as a trainer may read it: masked from the stored words each time, and kept nowhere.

Every page and every replay of the workbench reads through here, so a better mask holds at once, backwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.model.masking import CaseValues, MaskedText, Masker
from casework.model.messages import Author
from casework.services.masking_ports import MaskingReads, Written
from casework.services.ports import Transaction


@dataclass(frozen=True, kw_only=True)
class MaskedEntry:
    """A message of either side. `inbox_id`: of a person's; `is_asked`: the one the others stand around."""

    at: datetime
    author: Author
    masked: MaskedText
    inbox_id: int | None
    is_asked: bool


def read_values(tx: Transaction, conversation_id: str) -> CaseValues:
    """All that must never be read of whoever writes there; proofs that have ended count too."""
    return tx.masking_reads.find_values(conversation_id)


def mask_message(tx: Transaction, inbox_id: int, *, masker: Masker) -> MaskedText:
    """One message of a person, masked. Raises MessageNotFound."""
    written = tx.masking_reads.get_written(inbox_id)
    values = tx.masking_reads.find_values(written.conversation_id)
    return _mask_written(tx.masking_reads, written, values, masker=masker)


def mask_messages(tx: Transaction, inbox_ids: Sequence[int], *, masker: Masker) -> dict[int, MaskedText]:
    """Many at once, each case read once; an id that was never stored is left out."""
    values: dict[str, CaseValues] = {}
    masked = {}
    for written in tx.masking_reads.list_written(inbox_ids):
        of = written.conversation_id
        if of not in values:
            values[of] = tx.masking_reads.find_values(of)
        masked[written.inbox_id] = _mask_written(tx.masking_reads, written, values[of], masker=masker)
    return masked


def list_masked_context(
    tx: Transaction, inbox_id: int, *, masker: Masker, before: int = 2, after: int = 1
) -> list[MaskedEntry]:
    """The message with what was said right before and after it by the person, the assistant, the service or staff,
    oldest first. Raises MessageNotFound."""
    of = tx.masking_reads.get_written(inbox_id).conversation_id
    values = tx.masking_reads.find_values(of)
    entries = []
    for said in tx.masking_reads.list_around(inbox_id, before=before, after=after):
        if said.inbox_id is None:
            masked = masker.mask(said.text, values, of=of)
        else:
            written = Written(inbox_id=said.inbox_id, conversation_id=of, text=said.text)
            masked = _mask_written(tx.masking_reads, written, values, masker=masker)
        entries.append(
            MaskedEntry(
                at=said.at,
                author=said.author,
                masked=masked,
                inbox_id=said.inbox_id,
                is_asked=said.inbox_id == inbox_id,
            )
        )
    return entries


def _mask_written(reads: MaskingReads, written: Written, values: CaseValues, *, masker: Masker) -> MaskedText:
    """With what trainers marked as still personal.

    They marked it in a masked text. Where that text can no longer be made, because the mask or the case has changed,
    nobody knows what they meant: all of the message is hidden then.
    """
    text, of = written.text, written.conversation_id
    masked = masker.mask(text, values, of=of)
    readings = {masked.sha: masked}
    marked: list[tuple[int, int, str]] = []
    for mark in reads.list_marked(written.inbox_id):
        reading = readings.get(mark.text_sha)
        if reading is None:
            return masker.mask(text, values, of=of, marked=[(0, len(text), "person")])
        marked += [(*reading.to_raw(start, end), kind) for start, end, kind in mark.spans]
        masked = masker.mask(text, values, of=of, marked=marked)
        readings[masked.sha] = masked
    return masked
