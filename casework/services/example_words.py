"""The words of what is taught: masked with all that is known of who wrote, and looked over once more."""

from collections.abc import Sequence

from casework.model.annotations import Label
from casework.model.disclosures import Category
from casework.model.errors import WaymarkError
from casework.model.masking import CaseValues, MaskedText, Masker
from casework.model.teaching_texts import Refusal, check, five_words
from casework.model.workbench_limits import load_workbench_limits
from casework.services import masked_reading
from casework.services.ports import Transaction
from casework.services.review_ports import ReviewItem


class OwnWordingNeeded(WaymarkError):
    """Of such a crime, or by somebody's wish, nothing is taught but in the trainer's own words."""


class TextRefused(WaymarkError):
    """The words cannot be taught; `codes` of casework/model/teaching_texts.py say why."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(", ".join(codes))
        self.codes = tuple(codes)


def mask_own(
    tx: Transaction, text: str, *, conversation_id: str | None, of: str, masker: Masker
) -> MaskedText:
    """A trainer's own words, with what is known of whoever wrote the message hidden.

    `conversation_id` None: nobody's case is known. `of`: what the made-up values are drawn for.
    """
    if conversation_id is None:
        return masker.mask(text, CaseValues(), of=of)
    return masker.mask(text, masked_reading.read_values(tx, conversation_id), of=conversation_id)


def check_words(taught: MaskedText, *, never_as: MaskedText | None = None) -> str:
    """The words as they are taught. `never_as`: a message that is taught in own words alone. Raises TextRefused."""
    codes = check(taught.text, masked=spans_of(taught))
    if never_as is not None and _shares_words(taught, never_as):
        codes.append(Refusal.COPIED.value)
    if codes:
        raise TextRefused(codes)
    return taught.text


def needs_own_words(tx: Transaction, item: ReviewItem, label: Label) -> bool:
    """Whether a message is taught in a trainer's own words alone: by its crime, by what they said, or by the force."""
    if item.is_restricted or danger_needs_own_words(label):
        return True
    return tx.training_flags.is_restricted(item.inbox_id)


def danger_needs_own_words(label: Label) -> bool:
    """By its crime, or by what the force set for all."""
    limits = load_workbench_limits()
    return limits.copying == "reworded" or bool(
        limits.restricted_dangers.intersection(map(Category, label.risks))
    )


def spans_of(masked: MaskedText) -> list[tuple[int, int]]:
    return [(mask.at, mask.until) for mask in masked.masks]


def _shares_words(one: MaskedText, other: MaskedText) -> bool:
    """Five words running that are no invented value."""
    ours, theirs = (five_words(each.text, masked=spans_of(each)) for each in (one, other))
    return not ours.isdisjoint(theirs)
