"""Whether a conversation may teach the assistant, as the plan page shows it."""

from dataclasses import dataclass
from datetime import datetime

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Author
from casework.model.training_flags import TrainingFlag
from casework.services import consents
from casework.services.consents import UseSeen

MOST_MESSAGES = 100
LONGEST_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class MessageUse:
    """A message of the person's, its first words, and what was said of it alone."""

    inbox_id: int
    at: datetime
    words: str
    said: TrainingFlag | None


@dataclass(frozen=True, kw_only=True)
class UseView:
    """`messages`: the newest, the last one first."""

    seen: UseSeen
    messages: tuple[MessageUse, ...]

    @property
    def is_over(self) -> bool:
        """All of it was withdrawn: nothing is left to choose."""
        return self.seen.said is TrainingFlag.WITHDRAWN


def load_use(tx: SqlTransaction, conversation_id: str) -> UseView:
    seen = consents.find_use(tx, conversation_id)
    entries = tx.transcripts.list_latest(conversation_id, limit=MOST_MESSAGES)
    theirs = [entry for entry in reversed(entries) if entry.author is Author.PERSON]
    messages = []
    for entry in theirs:
        inbox_id = int(entry.key.removeprefix("in-"))
        words = " ".join(entry.text.split())
        messages.append(
            MessageUse(
                inbox_id=inbox_id,
                at=entry.at,
                words=words if len(words) <= LONGEST_SHOWN else words[:LONGEST_SHOWN] + "...",
                said=seen.apart.get(inbox_id),
            )
        )
    return UseView(seen=seen, messages=tuple(messages))
