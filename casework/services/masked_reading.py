"""What a person wrote, as a trainer may read it: masked from the stored words each time, and kept nowhere."""

from typing import Any, Protocol

from casework.model.masking import CaseValues, MaskedText, Masker


class MaskingReads(Protocol):
    """What the masking asks of storage: `tx.masking_reads`."""

    def find_values(self, conversation_id: str) -> CaseValues:
        """Of every case this conversation ever proved, of every other case of the same people, of the case that a
        reference typed here names, and of the writer's own address. Empty for a stranger and for no conversation."""

    def get_written(self, inbox_id: int) -> tuple[str, str]:
        """The conversation and the words as they came. Raises MessageNotFound."""


def read_values(tx: Any, conversation_id: str) -> CaseValues:
    """All that must never be read of whoever writes there; proofs that have ended count too."""
    reads: MaskingReads = tx.masking_reads
    return reads.find_values(conversation_id)


def mask_message(tx: Any, inbox_id: int, *, masker: Masker) -> MaskedText:
    """One message of a person, masked. Raises MessageNotFound."""
    reads: MaskingReads = tx.masking_reads
    conversation_id, text = reads.get_written(inbox_id)
    return masker.mask(text, reads.find_values(conversation_id), of=conversation_id)
