"""The messages of a conversation as the desk shows them: what came along, what they answer, how far they got."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.delivery_states import ARRIVED, NOT_ARRIVED
from casework.model.desk import ItemEvidence
from casework.model.disclosure_screen import UNREADABLE_TIERS
from casework.model.disclosures import Evidence
from casework.model.gsm_text import count_texts
from casework.model.messages import Author, Channel, NotSentReason, Origin, OutboxStatus
from casework.services.ports import MediaStatus, StoredMedia, TranscriptEntry
from console.desk.highlights import TextPart, split_by_evidence
from console.desk.media_types import SHOWN_AS, name_kind

# What arrives that much later than it was written did not come the straight way.
LATE_AFTER = timedelta(minutes=2)
DELIVERED = "delivered"
ONE_LINE = 80
"""Letters of an assistant's turn that are shown without a fold."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A picture or file. `kind` names the words for its type; `is_picture`: a browser may show it."""

    stored: StoredMedia
    kind: str
    is_picture: bool

    @property
    def is_kept(self) -> bool:
        return self.stored.status is MediaStatus.KEPT


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where they say they are, as it was written; None where nothing was written."""

    coordinates: str | None
    name: str | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """One transcript entry with its marks. `says`: rule -> the sentence kept with the item."""

    entry: TranscriptEntry
    parts: tuple[TextPart, ...]
    says: Mapping[str, str]
    whole_message_rules: tuple[str, ...]
    whole_message_says: tuple[str, ...]
    segments: int
    is_new: bool  # written after the reader last looked
    delivery: str | None = None  # a name in [delivery] of the words
    attachments: tuple[Attachment, ...] = ()
    not_listed: int = 0  # pictures or files of which nothing is recorded but that they came
    place: Place | None = None
    answers: TranscriptEntry | None = None
    answers_something: bool = False
    said_before: TranscriptEntry | None = None  # what an edited message said until then
    is_edit: bool = False
    is_edited: bool = False  # a later entry has the new words
    late: str | None = None  # a name in [late] of the words
    offers: tuple[str, ...] = ()  # choices beneath it; () where its words name them already
    other_channel: Channel | None = None  # ours, and it left another way than the conversation's own
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_folded(self) -> bool:
        """Ours and not a person's, of more than a line: shown as one line that opens."""
        is_ours = self.entry.author in (Author.ASSISTANT, Author.SERVICE)
        return is_ours and (len(self.entry.text) > ONE_LINE or "\n" in self.entry.text)

    @property
    def is_late_reply(self) -> bool:
        """The assistant's, kept back because a person had taken over meanwhile."""
        return (
            self.entry.author is Author.ASSISTANT
            and self.entry.status is OutboxStatus.SUPPRESSED
            and self.entry.reason == NotSentReason.PERSON_TOOK_OVER.value
        )


def show_messages(
    tx: SqlTransaction,
    entries: Sequence[TranscriptEntry],
    channel: Channel,
    *,
    conversation_id: str,
    seen_inbox_id: int | None,
    reasons: Sequence[ItemEvidence],
) -> tuple[Message, ...]:
    """The entries in their order, each with what else the conversation holds of it."""
    media: dict[int, list[StoredMedia]] = {}
    for stored in tx.media.list_of_conversation(conversation_id):
        media.setdefault(stored.inbox_id, []).append(stored)
    named = _find_named(tx, conversation_id, entries)
    return tuple(
        _message(entry, channel, seen_inbox_id, reasons, media.get(inbox_id_of(entry), []), named)
        for entry in entries
    )


def inbox_id_of(entry: TranscriptEntry) -> int:
    """0 for a message of ours."""
    kind, _, number = entry.key.partition("-")
    return int(number) if kind == "in" else 0


def name_delivery(entry: TranscriptEntry) -> str | None:
    """How far one of ours is known to have come, as a name in [delivery]; None for theirs.

    A phone that reports "read" proves a network, not a reader: it is told as delivered.
    """
    if entry.status is None:
        return None
    if entry.delivery_state in ARRIVED:
        return DELIVERED
    if entry.status is OutboxStatus.SENT and entry.delivery_state in NOT_ARRIVED:
        return OutboxStatus.FAILED.value
    return entry.status.value


def _find_named(
    tx: SqlTransaction, conversation_id: str, entries: Sequence[TranscriptEntry]
) -> dict[str, list[TranscriptEntry]]:
    """Every version of each message that is answered or edited, by the provider's name for it, oldest first."""
    versions: dict[str, list[TranscriptEntry]] = {}
    for entry in entries:
        for name in (_text_of(entry, "edits"), entry.provider_message_id):
            if name:
                versions.setdefault(name, []).append(entry)
    wanted = {
        name for entry in entries for name in (_text_of(entry, "answers"), _text_of(entry, "edits")) if name
    }
    known = {entry.provider_message_id for entry in entries}
    for older in tx.transcripts.list_named(conversation_id, sorted(wanted - known)):
        if older.provider_message_id:
            versions.setdefault(older.provider_message_id, []).insert(0, older)
    return {name: versions[name] for name in wanted if name in versions}


def _message(
    entry: TranscriptEntry,
    channel: Channel,
    seen_inbox_id: int | None,
    reasons: Sequence[ItemEvidence],
    media: Sequence[StoredMedia],
    named: Mapping[str, Sequence[TranscriptEntry]],
) -> Message:
    evidence = entry.screen.evidence if entry.screen else ()
    # The desk item also knows what the learned layer marked, long after the screen had its say.
    own = [reason for reason in reasons if reason.inbox_id == inbox_id_of(entry)]
    marked = (*evidence, *(Evidence(rule=each.rule, start=each.start, end=each.end) for each in own))
    in_words = [each for each in marked if each.rule not in UNREADABLE_TIERS]
    left_by = entry.channel or channel
    is_text_message = left_by is Channel.SMS and entry.author is not Author.PERSON
    answered, edited = _text_of(entry, "answers"), _text_of(entry, "edits")
    versions = named.get(edited or entry.provider_message_id or "", ())
    earlier = [each for each in versions if (each.at, each.key) < (entry.at, entry.key)]
    return Message(
        entry=entry,
        parts=split_by_evidence(entry.text, in_words),
        says={each.rule: each.says for each in own if each.says},
        whole_message_rules=_whole_message_rules(evidence),
        whole_message_says=_whole_message_says(own),
        segments=count_texts(entry.text) if is_text_message else 1,
        is_new=seen_inbox_id is not None and inbox_id_of(entry) > seen_inbox_id,
        delivery=name_delivery(entry),
        attachments=tuple(_attachment(stored) for stored in media),
        not_listed=max(0, entry.media_count - len(media)),
        place=_place(entry),
        answers=next(iter(named.get(answered, ())), None) if answered else None,
        answers_something=answered is not None,
        said_before=earlier[-1] if edited and earlier else None,
        is_edit=edited is not None,
        is_edited=len(earlier) < len(versions) - 1,
        late=_late(entry),
        offers=() if all(choice in entry.text for choice in entry.choices) else entry.choices,
        details=entry.details,
        other_channel=left_by if left_by is not channel and entry.author is not Author.PERSON else None,
    )


def _attachment(stored: StoredMedia) -> Attachment:
    media_type = stored.found_type or stored.stated_type
    is_kept = stored.status is MediaStatus.KEPT
    return Attachment(
        stored=stored, kind=name_kind(media_type), is_picture=is_kept and stored.found_type in SHOWN_AS
    )


def _place(entry: TranscriptEntry) -> Place | None:
    latitude, longitude = _text_of(entry, "latitude"), _text_of(entry, "longitude")
    name = _text_of(entry, "place")
    if not (entry.has_location or latitude or longitude or name):
        return None
    return Place(coordinates=f"{latitude}, {longitude}" if latitude and longitude else None, name=name)


def _late(entry: TranscriptEntry) -> str | None:
    if entry.author is not Author.PERSON:
        return None
    if entry.origin is not Origin.WEBHOOK:
        return entry.origin.value if entry.sent_at else f"{entry.origin.value}_unknown"
    return "late" if entry.sent_at and entry.at - entry.sent_at > LATE_AFTER else None


def _text_of(entry: TranscriptEntry, name: str) -> str | None:
    """A detail as text, whatever the channel made of it; None for nothing."""
    value = entry.details.get(name)
    return None if value in (None, "", False) else str(value)


def _whole_message_rules(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.rule for each in evidence if each.rule in UNREADABLE_TIERS))


def _whole_message_says(reasons: Iterable[ItemEvidence]) -> tuple[str, ...]:
    # For what could not be read the desk has words of its own.
    of_no_words = [each for each in reasons if each.start == each.end and each.rule not in UNREADABLE_TIERS]
    return tuple(dict.fromkeys(each.says for each in of_no_words if each.says))
