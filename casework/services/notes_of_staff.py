"""Notes of staff to staff. They have no way out: nothing here knows the outbox."""

from casework.model.errors import WaymarkError
from casework.services.ports import StaffMember, Transaction

LONGEST_NOTE = 4000


class NoteUnfit(WaymarkError):
    """Empty, or longer than LONGEST_NOTE; nothing was kept."""


def write_note(tx: Transaction, conversation_id: str, text: str, *, by: StaffMember) -> str:
    """Keeps the note for everybody who may read the conversation. Raises ConversationNotFound and NoteUnfit."""
    tx.conversations.get(conversation_id)
    kept = text.strip()
    if not kept or len(kept) > LONGEST_NOTE:
        raise NoteUnfit(conversation_id)
    note_id = tx.staff_notes.record(conversation_id, by.id, kept)
    tx.audit.record("note_written", by=by.id, conversation_id=conversation_id, thing=note_id)
    return note_id
