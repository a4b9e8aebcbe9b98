"""Whether what somebody wrote may teach the assistant, and what is undone when it may no longer.

Where nobody decided, the force's setting holds (WAYMARK_TRAINING_USE): excluded, unless it says allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from casework.model.errors import MessageNotFound, WaymarkError
from casework.model.training_flags import FORBIDDING, TrainingFlag
from casework.services.masking_ports import MarkedModel
from casework.services.ports import Transaction
from casework.services.unmasking import check_short_reason


class UseWithdrawn(WaymarkError):
    """It was taken back, which is for good."""


class AllowedHereAlone(WaymarkError):
    """A wish that lets us use more holds where it was said; only one that forbids reaches further."""


@dataclass(frozen=True, kw_only=True)
class UseSeen:
    """What was decided of a conversation, and what has come of it.

    `said`: of all of it, None where nobody decided: then the force's setting holds, `unless_said`. `apart`: what was
    said of single messages. `taught`, `gone`: texts made of it that are taught or tested with, and that were.
    `models`: how many learned from what was withdrawn of it. `elsewhere`: other conversations of the same people.
    """

    said: TrainingFlag | None
    unless_said: bool
    apart: Mapping[int, TrainingFlag]
    taught: int
    gone: int
    models: int
    elsewhere: int


def flag(
    tx: Transaction, conversation_id: str, inbox_id: int | None, flag: TrainingFlag, *, why: str, by: str
) -> int:
    """Decides of one message, or with `inbox_id` None of all of a conversation; how many examples go with it.

    It replaces what was decided of just that before. What forbids wins: a message stays excluded while its
    conversation is. `by`: a staff id, or who it was in a word. Raises ConversationNotFound, MessageNotFound for one of
    another conversation, ReasonNeeded, and UseWithdrawn for anything else once it was withdrawn.
    """
    why = check_short_reason(why)
    # Held until the end: nothing is accepted from it meanwhile.
    tx.conversations.hold(conversation_id)
    if inbox_id is not None and tx.masking_reads.get_written(inbox_id).conversation_id != conversation_id:
        raise MessageNotFound(inbox_id)
    if flag is not TrainingFlag.WITHDRAWN and tx.training_flags.is_withdrawn(conversation_id, inbox_id):
        raise UseWithdrawn(conversation_id)
    if tx.training_flags.find_open(conversation_id, inbox_id) is not flag:
        tx.training_flags.record(conversation_id, inbox_id, flag, by=by, why=why)
        tx.audit.record(
            "use_withdrawn" if flag is TrainingFlag.WITHDRAWN else "use_changed",
            by=by,
            conversation_id=conversation_id,
            thing=f"{inbox_id or 'all'}:{flag.value}",
        )
    return _undo(tx, conversation_id, inbox_id, flag, by=by)


def flag_everywhere(tx: Transaction, conversation_id: str, flag_: TrainingFlag, *, why: str, by: str) -> int:
    """Forbids it here and in every conversation where the same people proved who they are; how many examples go.

    Raises AllowedHereAlone for what forbids nothing, and what `flag` raises. Where it was withdrawn before it stays so.
    """
    if flag_ not in FORBIDDING:
        raise AllowedHereAlone(conversation_id)
    elsewhere = tx.training_flags.list_of_same_people(conversation_id)
    gone = 0
    # In one order for everybody who holds several.
    for each in sorted({conversation_id, *elsewhere}):
        is_over = each != conversation_id and tx.training_flags.is_withdrawn(each, None)
        gone += 0 if is_over else flag(tx, each, None, flag_, why=why, by=by)
    return gone


def find_use(tx: Transaction, conversation_id: str) -> UseSeen:
    said = tx.training_flags.list_open(conversation_id)
    made = tx.training_flags.count_made_of(conversation_id)
    taught = made.pop("accepted", 0)
    return UseSeen(
        said=said.get(None),
        unless_said=tx.training_flags.is_allowed_unless_said(),
        apart={inbox_id: each for inbox_id, each in said.items() if inbox_id is not None},
        taught=taught,
        gone=sum(made.values()),
        models=len(tx.training_flags.list_marked_models(of=conversation_id)),
        elsewhere=len(tx.training_flags.list_of_same_people(conversation_id)),
    )


def is_usable(tx: Transaction, inbox_id: int) -> bool:
    """Whether the message may be looked at to teach. No for a drill's, and for one never stored."""
    return tx.training_flags.is_usable(inbox_id)


def is_restricted(tx: Transaction, inbox_id: int) -> bool:
    """Whether somebody decided that it is taught in a trainer's own words alone."""
    return tx.training_flags.is_restricted(inbox_id)


def models_marked(tx: Transaction) -> list[MarkedModel]:
    """Every model that was trained on what has since been withdrawn, newest first."""
    return tx.training_flags.list_marked_models()


def _undo(tx: Transaction, conversation_id: str, inbox_id: int | None, flag: TrainingFlag, *, by: str) -> int:
    """Takes what may no longer be taught out of the examples. Tried again each time it is said again."""
    if flag is TrainingFlag.ALLOWED:
        return 0
    if flag is TrainingFlag.WITHDRAWN:
        tx.training_flags.forget_answers(conversation_id, inbox_id)
        return tx.training_flags.withdraw_examples(conversation_id, inbox_id, by=by)
    only = flag is TrainingFlag.RESTRICTED
    return tx.training_flags.remove_examples(conversation_id, inbox_id, by=by, as_written_only=only)
