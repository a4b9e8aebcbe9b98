"""The assistant switched off: everything people write goes to people, on every machine, until it is switched on.

It is a row, read where a turn is leased, where an answer is stored and before one leaves: no process has to be told,
and a restart changes nothing. Storing, screening, safety lines, words that act by themselves and invites go on: no
model takes part in them.
"""

from datetime import timedelta

from casework.model.desk import HandoffReason
from casework.model.errors import WaymarkError
from casework.model.messages import Channel
from casework.model.staffed_hours import StaffedHours
from casework.services import outgoing
from casework.services.hand_off import request_person
from casework.services.ports import Conversation, StaffMember, Transaction
from casework.services.service_texts import ServiceTexts

OUTCOME = "switched_off"
"""What becomes of a turn that was not put to the assistant, or whose answer was dropped."""
ALARM = "assistant_off"
TEXT, TEXT_CLOSED, TEXT_ON_PAGES = "assistant_off", "assistant_off_closed", "assistant_off_page"
# Who writes five texts in a row is told once; who comes back later is told again.
TOLD_AGAIN_AFTER = timedelta(hours=1)
LONGEST_REASON = 300


class SwitchRefused(WaymarkError):
    """Nothing was switched; the message says why."""


def switch_off(tx: Transaction, *, reason: str, by: StaffMember, channel: Channel | None = None) -> bool:
    """False where it is off for exactly that already. Raises SwitchRefused without a reason."""
    words = " ".join(reason.split())
    if not words or len(words) > LONGEST_REASON:
        raise SwitchRefused(f"Say why it is switched off, in at most {LONGEST_REASON} letters.")
    made = tx.assistant_switch.turn_off(channel, reason=words, by=by.id)
    if made is None:
        return False
    tx.audit.record("assistant_switched_off", by=by.id, thing=f"{_code(channel)}:{made}")
    _settle_alarm(tx)
    return True


def switch_on(tx: Transaction, *, by: StaffMember, channel: Channel | None = None) -> bool:
    """False where nothing was off. Without a channel everything is on again.

    Raises SwitchRefused for one channel while it is off for all of them.
    """
    if channel is not None and any(each.channel is None for each in tx.assistant_switch.list_off()):
        raise SwitchRefused("It is off on every channel. Switch it on for all of them.")
    if not tx.assistant_switch.turn_on(channel, by=by.id):
        return False
    tx.audit.record("assistant_switched_on", by=by.id, thing=_code(channel))
    _settle_alarm(tx)
    return True


def is_off(tx: Transaction, channel: Channel) -> bool:
    return tx.assistant_switch.find_off(channel) is not None


def give_to_person(
    tx: Transaction,
    conversation: Conversation,
    *,
    turn_id: str,
    inbox_id: int | None,
    texts: ServiceTexts,
    hours: StaffedHours,
) -> None:
    """A desk item, and one true line to whoever wrote. `conversation` must be held."""
    request_person(tx, conversation.id, HandoffReason.ASSISTANT_UNAVAILABLE, inbox_id=inbox_id)
    if conversation.owner_id is not None or _was_told(tx, conversation):
        return
    name = TEXT if hours.is_staffed(tx.now) else TEXT_CLOSED
    outgoing.reply_as_service(
        tx,
        conversation,
        texts.render(name, conversation.channel),
        template=name,
        dedupe_key=f"off:{turn_id}",
        turn_id=turn_id,
    )


def _was_told(tx: Transaction, conversation: Conversation) -> bool:
    since = tx.now - TOLD_AGAIN_AFTER
    return any(tx.outbox.was_written(conversation.id, name, since=since) for name in (TEXT, TEXT_CLOSED))


def _settle_alarm(tx: Transaction) -> None:
    """Stands while it is off anywhere. Where, and nothing of the reason: that is on the page."""
    found = tx.assistant_switch.list_off()
    if found:
        tx.alarms.sound(ALARM, ", ".join(sorted({_code(each.channel) for each in found})))
    else:
        tx.alarms.end(ALARM)


def _code(channel: Channel | None) -> str:
    return "all" if channel is None else channel.value
