"""How a person may be written to, shown to them on the web; their wish to change it, and the change itself.

Who sits at the keyboard may be the very person they fear. So a wish changes nothing: a person rings first. Only who
was rung by an officer within the hour changes the plan here. The agreed secret words, and whether there are any, and
who may be present are shown to nobody.
"""

from dataclasses import dataclass, replace

from casework.model.contact_hours import ContactWindow
from casework.model.desk import HandoffReason
from casework.model.may_tell import Piece
from casework.model.messages import Channel, InboundMessage
from casework.model.safe_contact import SafeContactPlan, Wording, may_reply
from casework.model.standings import Standing
from casework.services import outgoing
from casework.services.hand_off import request_person
from casework.services.left_messages import FOR_PLAN, Receiving, receive_left
from casework.services.ports import Reach, Transaction
from casework.services.proved import StandingTooLow, find_proved

WRITTEN_FIRST = (Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM, Channel.EMAIL)
"""Where the service may write unasked. A web page is looked at, not sent."""
ANSWERED = (Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM)
"""Where the person may choose whether they are answered. On the web they always are, or this page would close."""


@dataclass(frozen=True, kw_only=True)
class ShownPlan:
    """The plan in force as its person may see it. `hours`: none means any time.

    `is_answered_here`: on the web, which nobody changes there.
    """

    unasked_channels: frozenset[Channel] = frozenset()
    answered_channels: frozenset[Channel] = frozenset()
    hours: tuple[ContactWindow, ...] = ()
    is_neutral: bool = True
    is_safe_first: bool = True
    may_leave_voicemail: bool = False
    is_answered_here: bool = True


@dataclass(frozen=True, kw_only=True)
class OwnPlan:
    """`may_change`: here and now, without a person."""

    plan: ShownPlan
    may_change: bool


def find_own_plan(tx: Transaction, conversation_id: str | None) -> OwnPlan | None:
    """Reads only. None below STEPPED_UP."""
    proved = find_proved(tx, conversation_id)
    if proved.case is None or proved.standing < Standing.STEPPED_UP:
        return None
    reach = tx.people.find_of_case(proved.case.crime_reference)
    if reach is None:
        return None
    return OwnPlan(
        plan=_show(outgoing.get_plan(reach)),
        may_change=Piece.CHANGE_PLAN in proved.told,
    )


def change_own_plan(tx: Transaction, conversation_id: str, changed: ShownPlan) -> None:
    """The person's own change, at OFFICER_CONFIRMED alone. Raises StandingTooLow.

    Secrets, and who may be present, stay as they were. Doubts about whose number it is stay too: nobody rang it now.
    """
    proved = find_proved(tx, conversation_id)
    reach = tx.people.find_of_case(proved.case.crime_reference) if proved.case else None
    if Piece.CHANGE_PLAN not in proved.told or reach is None:
        raise StandingTooLow
    tx.people.set_plan(reach.person_id, _apply(changed, reach), by="person")
    tx.audit.record(
        "plan_changed", by="person", conversation_id=conversation_id, thing=f"person:{reach.person_id}"
    )


def ask_for_change(tx: Transaction, message: InboundMessage, *, receiving: Receiving) -> bool:
    """Their wish, received like every message, and a person's task; the plan stays as it is.

    False: nothing is proved any more, so it is a message in the chat.
    """
    conversation = tx.conversations.open(message.channel, message.external_id)
    if find_proved(tx, conversation.id).standing < Standing.STEPPED_UP:
        receive_left(tx, message, receiving)
        return False
    inbox_id = receive_left(tx, message, receiving, left_for=FOR_PLAN).inbox_id
    if inbox_id is not None:
        request_person(tx, conversation.id, HandoffReason.PLAN_CHANGE_ASKED, inbox_id=inbox_id)
    return True


def has_asked(tx: Transaction, conversation_id: str) -> bool:
    """Whether a wish of theirs waits for a person."""
    return tx.desk.find_open(conversation_id, HandoffReason.PLAN_CHANGE_ASKED) is not None


def _show(plan: SafeContactPlan) -> ShownPlan:
    unasked = plan.unasked_channels if plan.is_unsolicited_agreed else frozenset()
    return ShownPlan(
        unasked_channels=unasked & frozenset(WRITTEN_FIRST),
        answered_channels=plan.answered_channels & frozenset(ANSWERED),
        hours=plan.hours,
        is_neutral=plan.wording is Wording.NEUTRAL,
        is_safe_first=plan.is_safe_first,
        may_leave_voicemail=plan.may_leave_voicemail,
        is_answered_here=may_reply(plan, Channel.WEBCHAT),
    )


def _apply(changed: ShownPlan, reach: Reach) -> SafeContactPlan:
    kept = reach.stored_plan or outgoing.get_plan(reach)
    return replace(
        kept,
        unasked_channels=changed.unasked_channels & frozenset(WRITTEN_FIRST),
        answered_channels=(changed.answered_channels & frozenset(ANSWERED))
        | (kept.answered_channels - frozenset(ANSWERED)),
        hours=changed.hours,
        wording=Wording.NEUTRAL if changed.is_neutral else Wording.PLAIN,
        is_unsolicited_agreed=bool(changed.unasked_channels),
        is_safe_first=changed.is_safe_first,
        may_leave_voicemail=changed.may_leave_voicemail,
    )
