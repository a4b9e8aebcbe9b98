"""Telling whoever has a page open that a person writes now, or another, or none."""

import secrets

from casework.model.messages import Author, Channel, Lane, SendKind
from casework.services import outgoing
from casework.services.ports import Conversation, StaffMember, Transaction
from casework.services.service_texts import ServiceTexts


def tell_who_writes(
    tx: Transaction, conversation: Conversation, text: str, *, by: StaffMember, texts: ServiceTexts
) -> None:
    """`text`: `person_joined`, `person_left` or `person_left_off` of the service's texts."""
    # A text nobody asked for can be seen by the wrong person, so only an open page is told at once;
    # by text message the person's own first words say who is writing.
    if conversation.channel is not Channel.WEBCHAT:
        return
    outgoing.send(
        tx,
        outgoing.address(
            conversation,
            texts.render(text, conversation.channel, name=by.display_name),
            lane=Lane.STAFF,
            kind=SendKind.STAFF_REPLY,
            author=Author.SERVICE,
            template=text,
            dedupe_key=f"{text}:{conversation.id}:{secrets.token_hex(8)}",
            staff_id=by.id,
        ),
    )
