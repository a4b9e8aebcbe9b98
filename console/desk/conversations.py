"""Everything a staff page shows of one conversation, read only after the reading was recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import SeenVisit
from casework.model.cases import Case
from casework.model.desk import DeskItem, ItemStatus
from casework.model.messages import Author
from casework.model.policy import Action, Relation, can_through_any
from casework.model.safe_contact import SafeContact, SendDecision, find_safe_contact
from casework.model.stages import needs_human_first
from casework.model.standings import Standing
from casework.services.desk import read_conversation
from casework.services.outgoing import preview_reply
from casework.services.ports import Alarm, Conversation, StaffMember
from console.alarms import fingerprint_alarms
from console.desk.about_panel import AboutPanel, list_parts, load_about
from console.desk.case_panel import CaseNews, load_case_news
from console.desk.contact_panel import ContactPanel, load_contact_panel
from console.desk.messages import Message, name_delivery, show_messages
from console.live_pages import fingerprint_of
from console.officer.desk_box import OfficerBox, load_officer_box

MOST_MESSAGES = 200
MESSAGES_WATCHED = 20


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
    officer: OfficerBox
    news: tuple[CaseNews, ...]
    may_reply: SendDecision
    contact: ContactPanel
    alarms: tuple[Alarm, ...]
    about: AboutPanel
    covers_words: bool  # this reader sees their words once they press
    may: frozenset[Action]  # what this reader may do here: no page leads to what is closed to them

    @property
    def open_items(self) -> tuple[DeskItem, ...]:
        return tuple(item for item in self.items if item.status is not ItemStatus.CLOSED)

    @property
    def new_messages(self) -> tuple[Message, ...]:
        """What they wrote since the reader last looked."""
        return tuple(each for each in self.messages if each.is_new and each.entry.author is Author.PERSON)

    @property
    def left_at(self) -> datetime | None:
        """When they left by the exit of the web page and have not written since; None otherwise."""
        return find_left_at(self.contact.visit, self.conversation)


async def load_conversation(
    database: Database,
    conversation_id: str,
    *,
    by: StaffMember,
    relations: frozenset[Relation],
    seen_inbox_id: int | None = None,
) -> ConversationView:
    """Records the reading first: no page shows what no record tells of. Raises ConversationNotFound."""
    await database.write(lambda tx: read_conversation(tx, conversation_id, by=by, relations=relations))
    return await database.read(lambda tx: _load(tx, conversation_id, seen_inbox_id, by))


def _load(
    tx: SqlTransaction, conversation_id: str, seen_inbox_id: int | None, by: StaffMember
) -> ConversationView:
    # Both before the messages: what is shown is then never older than what counts as seen.
    officer, news = load_officer_box(tx, conversation_id), load_case_news(tx, conversation_id)
    fingerprint = _fingerprint(tx, conversation_id, officer, news)
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
        messages=show_messages(
            tx,
            entries,
            conversation.channel,
            conversation_id=conversation_id,
            seen_inbox_id=seen_inbox_id,
            reasons=reasons,
        ),
        is_cut=len(entries) >= MOST_MESSAGES,
        latest_inbox_id=latest,
        items=items,
        standing=standing,
        case=_panel(case) if case else None,
        fingerprint=fingerprint,
        officer=officer,
        news=news,
        may_reply=preview_reply(tx, conversation_id),
        contact=load_contact_panel(tx, conversation, entries),
        alarms=tuple(tx.alarms.list_open()),
        about=load_about(
            tx, conversation_id, entries, items, by=by, case_language=case.language if case else None
        ),
        covers_words=_covers_words(tx, by.id),
        may=_find_open_acts(tx, conversation_id, by),
    )


def _find_open_acts(tx: SqlTransaction, conversation_id: str, by: StaffMember) -> frozenset[Action]:
    related = tx.relations.find(conversation_id, by)
    relations = related.relations if related else frozenset[Relation]()
    return frozenset(each for each in Action if can_through_any(by.role, each, relations))


def _covers_words(tx: SqlTransaction, staff_id: str) -> bool:
    shift = tx.shifts.find_running(staff_id)
    return shift.covers_words if shift else tx.shifts.get_preferences(staff_id).covers_words


def find_left_at(visit: SeenVisit | None, conversation: Conversation) -> datetime | None:
    """When they left by the exit; None where they never did, or wrote again since."""
    if visit is None or visit.left_at is None:
        return None
    wrote_at = conversation.last_inbound_at
    return visit.left_at if wrote_at is None or wrote_at <= visit.left_at else None


def fingerprint_conversation(tx: SqlTransaction, conversation_id: str) -> str:
    """Equal while the page would look the same; reads no more than the newest messages."""
    officer, news = load_officer_box(tx, conversation_id), load_case_news(tx, conversation_id)
    return _fingerprint(tx, conversation_id, officer, news)


def _fingerprint(
    tx: SqlTransaction, conversation_id: str, officer: OfficerBox, news: Sequence[CaseNews]
) -> str:
    conversation = tx.conversations.get(conversation_id)
    entries = tx.transcripts.list_latest(conversation_id, limit=MESSAGES_WATCHED)
    items = tx.desk.list_of_conversation(conversation_id)
    media = tx.media.list_of_conversation(conversation_id, limit=MESSAGES_WATCHED)
    return fingerprint_of(
        [
            conversation.owner_id,
            conversation.epoch,
            *((entry.key, name_delivery(entry), entry.reason) for entry in entries),
            *((entry.outcome, entry.read_as) for entry in entries),
            *((each.media_id, each.status, each.reason) for each in media),
            *load_contact_panel(tx, conversation, entries).parts,
            fingerprint_alarms(tx.alarms.list_open()),
            *((item.id, item.status, item.grade, item.evidence, item.asked_at) for item in items),
            *((item.answer, item.quiet_since) for item in items),
            tx.standings.find(conversation_id),
            officer.fingerprint,
            *list_parts(tx, conversation_id),
            *(part for each in news for part in each.parts),
        ]
    )


def _place(item: DeskItem) -> tuple[bool, int, str]:
    return (item.status is ItemStatus.CLOSED, item.grade, item.waiting_since.isoformat())


def _panel(case: Case) -> CasePanel:
    return CasePanel(
        facts=case,
        # A blank or unknown value is read as the careful one (casework.model.safe_contact).
        safe_contact=find_safe_contact(case.safe_contact) or SafeContact.REPLY_ONLY,
        is_human_first=needs_human_first(case),
    )
