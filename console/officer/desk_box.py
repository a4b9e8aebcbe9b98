"""The officer's thread and the promises of one conversation, as its desk page shows them."""

from dataclasses import dataclass

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.officer_messages import OfficerMessage
from casework.model.promises import Promise


@dataclass(frozen=True, kw_only=True)
class OfficerBox:
    messages: tuple[OfficerMessage, ...]
    promises: tuple[Promise, ...]

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Equal while the box would look the same."""
        return (
            *((each.id, each.status, each.read_at, each.reached) for each in self.messages),
            *((each.id, each.status) for each in self.promises),
        )


def load_officer_box(tx: SqlTransaction, conversation_id: str) -> OfficerBox:
    """For staff: shown however long ago the link to the case was proved."""
    return OfficerBox(
        messages=tuple(tx.officer_messages.list_of_conversation(conversation_id)),
        promises=tuple(tx.promises.list_of_conversation(conversation_id)),
    )
