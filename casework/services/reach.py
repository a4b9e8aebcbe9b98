"""Where the person of a case can be written to, and the conversation that the desk's items about it belong to."""

from casework.model.cases import Case
from casework.model.desk import Grade, HandoffReason
from casework.model.messages import Channel
from casework.model.standings import LINKED_LASTS
from casework.services.ports import Conversation, Transaction
from casework.services.windows import is_open

NOBODY = "nobody-"


def list_addresses(tx: Transaction, case: Case) -> list[tuple[Channel, str]]:
    """The contact of record first: a text there reaches a pocket. Then where they proved a link themselves.

    A WhatsApp whose window is closed comes last: words for it are held, and a nudge says that they wait.
    """
    found: dict[tuple[Channel, str], None] = {}
    if case.contact_mobile:
        found[Channel.SMS, case.contact_mobile] = None
    linked = tx.notices.list_linked(case.crime_reference, lasts=LINKED_LASTS)
    for each in sorted(
        linked, key=lambda each: each.channel is Channel.WHATSAPP and not is_open(each, tx.now)
    ):
        found[each.channel, each.external_id] = None
    return list(found)


def open_conversation_of(tx: Transaction, case: Case) -> Conversation:
    """Where staff will look for the person of this case; held until the transaction ends.

    Without any address it is a web chat that nobody has: the item must stand somewhere.
    """
    addresses = list_addresses(tx, case)
    if addresses:
        return tx.conversations.open(*addresses[0])
    if case.contact_email and len(case.contact_email) <= 128:  # what a conversation can be filed under
        return tx.conversations.open(Channel.EMAIL, case.contact_email)
    return tx.conversations.open(Channel.WEBCHAT, f"{NOBODY}{case.person_id or case.crime_reference}")


def open_item_of_case(
    tx: Transaction, case: Case, reason: HandoffReason, *, grade: Grade, about: str
) -> None:
    """One item of the worker's, once ever for what it is `about`: the id of a notice or a clock."""
    conversation = open_conversation_of(tx, case)
    recorded = tx.desk.record_item(
        conversation_id=conversation.id,
        reason=reason,
        grade=grade,
        dedupe_key=f"{reason.value}:{about}",
        owner_id=conversation.owner_id,
    )
    if recorded is not None:
        tx.audit.record("desk_item_opened", by="worker", conversation_id=conversation.id, thing=reason.value)
