"""A trainer's own variants of what is taught: the same thing said in other ways, each an example of its own."""

from dataclasses import replace

from casework.model.annotations import Label
from casework.model.errors import WaymarkError
from casework.model.masking import Masker
from casework.model.teaching_texts import Refusal, find_near_copies
from casework.services import examples
from casework.services.example_words import TextRefused
from casework.services.ports import StaffMember, Transaction
from casework.services.review_ports import Example

ACCEPTED = "accepted"
MOST = 20
"""Of one message: more of one voice would outweigh others."""


class NoVariants(WaymarkError):
    """It is not taught any more, or it is tested with: what is tested with is what people wrote, and nothing else."""


class TooManyVariants(WaymarkError):
    """As many as one message may have stand already."""


def add(tx: Transaction, example_id: str, text: str, *, by: StaffMember, masker: Masker) -> str:
    """Another wording of an example, or of what that is a variant of, with its label; the new one's id.

    Masked with all that is known of whoever wrote. Nearly the same as anything trainers taught or test with is refused;
    what developers taught is looked at when the files are written. Raises ExampleNotFound, NoVariants, NotUsable,
    TooManyVariants, TextRefused.
    """
    given = examples.get(tx, example_id)
    if given.conversation_id is not None:
        # A withdrawal holds it too: nothing is made of what is taken back beside it.
        tx.conversations.hold(given.conversation_id)
        given = examples.get(tx, example_id)
    if given.status != ACCEPTED or given.side != examples.TRAIN:
        raise NoVariants(example_id)
    if not examples.is_usable(tx, given):
        raise examples.NotUsable(example_id)
    root = examples.find_root(tx, given)
    if len(list_of(tx, root)) >= MOST:
        raise TooManyVariants(example_id)
    made = replace(
        given,
        id=examples.new_id(tx.now),
        inbox_id=None,
        guest_message_id=None,
        derived_from=root.id,
        spans=(),
        is_reworded=True,
        row_version=1,
        accepted_by=by.id,
        accepted_at=tx.now,
        in_data_since=None,
        in_data_until=None,
    )
    label = Label(risks=(given.category,) if given.category else ())
    worded = examples.word_alone(tx, made, label, text, masker)
    known = [each.text for side in (examples.TRAIN, examples.TEST) for each in tx.examples.list_in_data(side)]
    if find_near_copies([worded], known):
        raise TextRefused([Refusal.NEAR_COPY.value])
    return examples.keep(tx, replace(made, text=worded), by=by)


def list_of(tx: Transaction, example: Example) -> list[Example]:
    """The variants that stand of the same message as this one, oldest first."""
    return tx.examples.list_variants(examples.find_root(tx, example).id)
