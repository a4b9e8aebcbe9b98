"""A message changed after it was sent. The new words are a message of their own; the old ones stay as they were."""

from dataclasses import replace

from casework.model.messages import Author, InboundMessage
from casework.services.ports import Transaction


def settle_edit(tx: Transaction, edit: InboundMessage) -> InboundMessage | None:
    """The message to receive for an edit, with `edits` naming the first version; None when nothing we read changed.

    Channels tell of edits that nobody made (a preview, a place that follows the phone). Taken for words, each would
    open the live window of the safe-contact plan anew and be answered. An edit whose message is not among the
    conversation's last ones is taken for changed.
    """
    conversation = tx.conversations.open(edit.channel, edit.external_id)
    versions = [
        entry
        for entry in tx.transcripts.list_latest(conversation.id)
        if entry.author is Author.PERSON and entry.details.get("message_id") == edit.details["message_id"]
    ]
    if versions and versions[-1].details.get("content") == edit.details["content"]:
        return None
    first = versions[0].provider_message_id if versions else None
    return replace(edit, details={**edit.details, "edits": first or edit.details["message_id"]})
