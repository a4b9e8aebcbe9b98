"""The thread between a victim and the officer in the case: who wrote, who has read, where it stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from casework.model.messages import Author, Channel

ANSWER_KEY = "officer-answer:"
"""Before an answer's id: the dedupe key of its outbox row."""


class MessageStatus(StrEnum):
    """Of the victim's messages the first three; of the officer's answers the last two."""

    WAITING = "waiting"  # for the officer
    WITH_TEAM = "with_team"  # the officer's time ran out
    ANSWERED = "answered"
    ON_ITS_WAY = "on_its_way"  # in the outbox, which knows what became of it
    HELD = "held"  # may not leave now; told when they write, or by a person


class Reached(StrEnum):
    """How far an answer is known to have come. Nobody can know that it was understood, or by whom it was read."""

    HELD = "held"
    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"  # the provider says the phone has it
    SHOWN = "shown"  # their web chat was open after it was there
    NOT_SENT = "not_sent"


@dataclass(frozen=True, kw_only=True)
class OfficerMessage:
    """One message of the thread; `author` is PERSON or STAFF, `author_name` empty for a person."""

    id: str
    crime_reference: str
    conversation_id: str
    channel: Channel
    author: Author
    author_name: str
    text: str
    created_at: datetime
    status: MessageStatus
    read_at: datetime | None = None  # when the officer opened it
    due_at: datetime | None = None
    reached: Reached | None = None  # of an answer only

    @property
    def is_open(self) -> bool:
        return self.status in (MessageStatus.WAITING, MessageStatus.WITH_TEAM)


@dataclass(frozen=True, kw_only=True)
class OfficerThreadView:
    """What may be said to the person who asks "did she get my message": of this conversation's messages alone.

    `status` is WAITING, WITH_TEAM or ANSWERED, and `read_at` of the newest they left; `hear_by` is the promise
    that still stands; `held` are answers that have not left, oldest first.
    """

    left_at: datetime
    status: MessageStatus
    read_at: datetime | None
    hear_by: datetime | None
    held: tuple[OfficerMessage, ...] = ()
