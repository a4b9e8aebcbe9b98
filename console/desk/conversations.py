"""Everything a staff page shows of one conversation, read only after the reading was recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.cases import Case
from casework.model.desk import DeskItem, ItemEvidence, ItemStatus
from casework.model.disclosure_screen import UNREADABLE_TIERS
from casework.model.disclosures import Evidence
from casework.model.messages import Author, Channel
from casework.model.safe_contact import SafeContact, find_safe_contact
from casework.model.sms_segments import count_segments
from casework.model.stages import needs_human_first
from casework.model.standings import Standing
from casework.services.desk import read_conversation
from casework.services.ports import Conversation, StaffMember, TranscriptEntry
from console.desk.highlights import TextPart, split_by_evidence
from console.live_pages import fingerprint_of

MOST_MESSAGES = 200
MESSAGES_WATCHED = 20


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


@dataclass(frozen=True, kw_only=True)
class CasePanel:
    facts: Case
    safe_contact: SafeContact
    is_human_first: bool


@dataclass(frozen=True, kw_only=True)
class ConversationView:
    conversation: Conversation
    owner_name: str | None
    messages: tuple[Message, ...]
    is_cut: bool
    latest_inbox_id: int
    items: tuple[DeskItem, ...]
    standing: Standing
    case: CasePanel | None
    fingerprint: str

    @property
    def open_items(self) -> tuple[DeskItem, ...]:
        return tuple(item for item in self.items if item.status is not ItemStatus.CLOSED)


async def load_conversation(
    database: Database, conversation_id: str, *, by: StaffMember, seen_inbox_id: int | None = None
) -> ConversationView:
    """Records the reading first: no page shows what no record tells of. Raises ConversationNotFound."""
    await database.write(lambda tx: read_conversation(tx, conversation_id, by=by))
    return await database.read(lambda tx: _load(tx, conversation_id, seen_inbox_id))


def _load(tx: SqlTransaction, conversation_id: str, seen_inbox_id: int | None) -> ConversationView:
    # Both before the messages: what is shown is then never older than what counts as seen.
    fingerprint = fingerprint_conversation(tx, conversation_id)
    latest = tx.inbox.latest_id(conversation_id) or 0
    conversation = tx.conversations.get(conversation_id)
    entries = tx.transcripts.list_latest(conversation_id, limit=MOST_MESSAGES)
    standing, crime_reference = tx.standings.find(conversation_id)
    case = tx.cases.find(crime_reference) if crime_reference else None
    items = tuple(sorted(tx.desk.list_of_conversation(conversation_id), key=_place))
    reasons = [reason for item in items for reason in item.evidence]
    return ConversationView(
        conversation=conversation,
        owner_name=tx.staff.get(conversation.owner_id).display_name if conversation.owner_id else None,
        messages=tuple(_message(entry, conversation.channel, seen_inbox_id, reasons) for entry in entries),
        is_cut=len(entries) >= MOST_MESSAGES,
        latest_inbox_id=latest,
        items=items,
        standing=standing,
        case=_panel(case) if case else None,
        fingerprint=fingerprint,
    )


def fingerprint_conversation(tx: SqlTransaction, conversation_id: str) -> str:
    """Equal while the page would look the same; reads no more than the newest messages."""
    conversation = tx.conversations.get(conversation_id)
    entries = tx.transcripts.list_latest(conversation_id, limit=MESSAGES_WATCHED)
    items = tx.desk.list_of_conversation(conversation_id)
    return fingerprint_of(
        [
            conversation.owner_id,
            conversation.epoch,
            *((entry.key, entry.status, entry.reason) for entry in entries),
            *((item.id, item.status, item.grade, item.evidence, item.asked_at) for item in items),
            *((item.answer, item.quiet_since) for item in items),
            tx.standings.find(conversation_id),
        ]
    )


def _message(
    entry: TranscriptEntry, channel: Channel, seen_inbox_id: int | None, reasons: Sequence[ItemEvidence]
) -> Message:
    evidence = entry.screen.evidence if entry.screen else ()
    # The desk item also knows what the learned layer marked, long after the screen had its say.
    own = [reason for reason in reasons if reason.inbox_id == _inbox_id(entry)]
    marked = (*evidence, *(Evidence(rule=each.rule, start=each.start, end=each.end) for each in own))
    in_words = [each for each in marked if each.rule not in UNREADABLE_TIERS]
    is_text_message = channel is Channel.SMS and entry.author is not Author.PERSON
    return Message(
        entry=entry,
        parts=split_by_evidence(entry.text, in_words),
        says={each.rule: each.says for each in own if each.says},
        whole_message_rules=_whole_message_rules(evidence),
        whole_message_says=_whole_message_says(own),
        segments=count_segments(entry.text) if is_text_message else 1,
        is_new=seen_inbox_id is not None and _inbox_id(entry) > seen_inbox_id,
    )


def _whole_message_rules(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.rule for each in evidence if each.rule in UNREADABLE_TIERS))


def _whole_message_says(reasons: Iterable[ItemEvidence]) -> tuple[str, ...]:
    # For what could not be read the desk has words of its own.
    of_no_words = [each for each in reasons if each.start == each.end and each.rule not in UNREADABLE_TIERS]
    return tuple(dict.fromkeys(each.says for each in of_no_words if each.says))


def _inbox_id(entry: TranscriptEntry) -> int:
    kind, _, number = entry.key.partition("-")
    return int(number) if kind == "in" else 0


def _place(item: DeskItem) -> tuple[bool, int, str]:
    return (item.status is ItemStatus.CLOSED, item.grade, item.waiting_since.isoformat())


def _panel(case: Case) -> CasePanel:
    return CasePanel(
        facts=case,
        # A blank or unknown value is read as the careful one (casework.model.safe_contact).
        safe_contact=find_safe_contact(case.safe_contact) or SafeContact.REPLY_ONLY,
        is_human_first=needs_human_first(case),
    )
