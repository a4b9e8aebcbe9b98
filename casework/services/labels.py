"""What came of a conversation, and what whoever handled it says it was: a suggestion to the trainers, never a label."""

from dataclasses import dataclass

from casework.model.desk import Outcome
from casework.model.disclosures import Category
from casework.model.errors import WaymarkError
from casework.services.conversation_ports import Block, WasUrgent
from casework.services.ports import StaffMember, Transaction

# Beside the categories of the disclosure screen: what is no disclosure.
ROUTINE = ("case_question", "rights_question", "support_question", "contact_details", "complaint", "other")
ABOUT = (*(category.value for category in Category), *ROUTINE)
LONGEST_CORRECTION = 2000
LONGEST_LOG_NUMBER = 40


class CorrectionUnfit(WaymarkError):
    """No words, or too many; nothing was filed."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The taps beside the outcome; each may be left out."""

    was_urgent: WasUrgent | None = None
    about: str | None = None
    log_number: str | None = None


def record_ending(
    tx: Transaction, conversation_id: str, outcome: Outcome, judged: Judged, *, by: StaffMember
) -> str:
    """The ending's id. With a judgement, one suggestion for each message since the ending before."""
    window = tx.endings.list_window(conversation_id)
    ending_id = tx.endings.record(
        conversation_id,
        by.id,
        outcome,
        log_number=judged.log_number,
        was_urgent=judged.was_urgent,
        about=judged.about,
        last_inbox_id=tx.inbox.latest_id(conversation_id) or 0,
    )
    if judged.was_urgent is not None or judged.about is not None:
        tx.endings.suggest_labels(ending_id, window, was_urgent=judged.was_urgent, about=judged.about)
    tx.audit.record("outcome_recorded", by=by.id, conversation_id=conversation_id, thing=ending_id)
    return ending_id


def file_correction(
    tx: Transaction, conversation_id: str, block: Block, text: str, *, by: StaffMember
) -> str:
    """ "This is wrong", for the workbench. Raises ConversationNotFound and CorrectionUnfit."""
    tx.conversations.get(conversation_id)
    said = text.strip()
    if not said or len(said) > LONGEST_CORRECTION:
        raise CorrectionUnfit(conversation_id)
    correction_id = tx.endings.record_correction(conversation_id, by.id, block, said)
    tx.audit.record("correction_filed", by=by.id, conversation_id=conversation_id, thing=block.value)
    return correction_id
