"""A true line for people who write while it takes longer than usual: with the first answer, and on the web.

Nothing is refused meanwhile: every message is stored, screened and answered as always. What is said is one of the
service's own texts, never words of whoever pauses, and it ends by itself.
"""

from datetime import timedelta

from casework.model.errors import WaymarkError
from casework.services.ports import AssistantReply, Conversation, StaffMember, Transaction
from casework.services.service_texts import ServiceTexts
from casework.services.supervision_ports import IntakePause

TEXTS = ("intake_slow", "intake_few_people")
HOURS = (1, 2, 4, 8)


class PauseRefused(WaymarkError):
    """A text or a time that is not offered."""


def start_pause(tx: Transaction, text_name: str, *, hours: int, by: StaffMember) -> str:
    """Takes the place of one that is going on."""
    if text_name not in TEXTS or hours not in HOURS:
        raise PauseRefused(text_name)
    tx.intake_pauses.end_all()
    pause = tx.intake_pauses.start(text_name=text_name, until=tx.now + timedelta(hours=hours), by=by.id)
    tx.audit.record("intake_paused", by=by.id, thing=f"{text_name}:{pause}")
    return pause


def end_pause(tx: Transaction, *, by: StaffMember) -> None:
    if tx.intake_pauses.end_all():
        tx.audit.record("intake_resumed", by=by.id)


def find_pause_reply(
    tx: Transaction, conversation: Conversation, texts: ServiceTexts
) -> AssistantReply | None:
    """What goes before the assistant's answer now; None when nothing is paused, or it was said there already."""
    pause = tx.intake_pauses.find_current()
    if pause is None or tx.intake_pauses.was_told(conversation.id, pause):
        return None
    return AssistantReply(response=pause.text_name, text=texts.render(pause.text_name, conversation.channel))


def find_pause(tx: Transaction) -> IntakePause | None:
    """What the web's pages say meanwhile."""
    return tx.intake_pauses.find_current()
