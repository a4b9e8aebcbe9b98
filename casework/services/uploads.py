"""Pictures and files that a person gives for their case on the web: a message with its files, whole or not at all.

A file is told by its bytes before it gets here. Nothing here looks for a virus; the desk hands files out sealed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from casework.model.desk import HandoffReason
from casework.model.may_tell import Piece
from casework.model.messages import InboundMedia, InboundMessage
from casework.services.hand_off import request_person
from casework.services.left_messages import FOR_CASE, Receiving, receive_left
from casework.services.ports import MediaStatus, StoredMedia, Transaction
from casework.services.proved import StandingTooLow, find_proved
from casework.services.receive import Received

MOST_AT_ONCE = 5
MOST_OF_A_CONVERSATION = 100
"""So that nobody fills the disk from one page; who has more asks a person how to give it."""
MOST_LOOKED_AT = 20 * MOST_OF_A_CONVERSATION
MOST_MESSAGES = 5000
"""How far back the times of given files are looked for; one left out would look as if it never came."""
SOURCE = "upload"


@dataclass(frozen=True, kw_only=True)
class UploadedFile:
    """One file that came. `refused`: why nothing of it is kept, a reason of services/media.py; else "".

    `read` gives the whole content, again each time it is called. `stated_type` is what the browser called it.
    """

    stated_type: str
    found_type: str | None
    sha256: str
    read: Callable[[], bytes]
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class GivenFile:
    """One file that is kept, as its giver sees it. `media_type` is what its bytes say."""

    at: datetime
    media_type: str
    size: int


def receive_upload(
    tx: Transaction, message: InboundMessage, files: Sequence[UploadedFile], *, receiving: Receiving
) -> Received:
    """One transaction: the note as a message, its screening and desk items, and every byte of what is kept.

    Raises StandingTooLow. A copy of a stored message changes nothing.
    """
    conversation = tx.conversations.open(message.channel, message.external_id)
    if Piece.UPLOAD not in find_proved(tx, conversation.id).told:
        raise StandingTooLow
    message = replace(
        message,
        media=tuple(InboundMedia(source=SOURCE, stated_type=each.stated_type) for each in files),
        media_count=len(files),
    )
    received = receive_left(tx, message, receiving, left_for=FOR_CASE)
    if received.inbox_id is None:
        return received
    for stored in _list_of_message(tx, conversation.id, received.inbox_id):
        _keep(tx, stored.media_id, files[stored.position])
    if not received.is_urgent:
        request_person(tx, conversation.id, HandoffReason.FILES_SENT, inbox_id=received.inbox_id)
    tx.audit.record(
        "files_received", by="person", conversation_id=conversation.id, thing=f"in-{received.inbox_id}"
    )
    return received


def list_given_files(tx: Transaction, conversation_id: str) -> list[GivenFile]:
    """What this conversation has given, oldest first."""
    entries = {each.key: each.at for each in tx.transcripts.list_latest(conversation_id, limit=MOST_MESSAGES)}
    return [
        GivenFile(at=entries[f"in-{each.inbox_id}"], media_type=each.found_type, size=each.size or 0)
        for each in tx.media.list_of_conversation(conversation_id)
        if each.status is MediaStatus.KEPT and each.found_type and f"in-{each.inbox_id}" in entries
    ]


def count_room(tx: Transaction, conversation_id: str) -> int:
    """How many more files this conversation may give. One that was refused takes no room."""
    given = tx.media.list_of_conversation(conversation_id, limit=MOST_LOOKED_AT)
    return max(0, MOST_OF_A_CONVERSATION - sum(each.status is not MediaStatus.REFUSED for each in given))


def _list_of_message(tx: Transaction, conversation_id: str, inbox_id: int) -> list[StoredMedia]:
    return [each for each in tx.media.list_of_conversation(conversation_id) if each.inbox_id == inbox_id]


def _keep(tx: Transaction, media_id: int, file: UploadedFile) -> None:
    if file.refused or file.found_type is None:
        tx.media.give_up(media_id, status=MediaStatus.REFUSED, reason=file.refused)
    else:
        tx.media.keep(media_id, file.read(), found_type=file.found_type, sha256=file.sha256)
