"""What stands beside the messages: why it was flagged, what they want, other conversations, notes, files, drafts."""

from collections.abc import Sequence
from dataclasses import dataclass

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.bands import LEARNED, NO_CATEGORY, UNCLEAR_WISH
from casework.model.desk import DeskItem, HandoffReason, ItemEvidence
from casework.model.messages import Author
from casework.model.policy import Action, can_through_any
from casework.services.canned_replies import list_offered
from casework.services.conversation_ports import (
    CannedReply,
    Draft,
    Ending,
    HandBackSummary,
    OtherConversation,
    StaffNote,
)
from casework.services.desk_ports import Regrade
from casework.services.drafts import find_draft, list_left
from casework.services.ports import StaffMember, TranscriptEntry
from console.desk.messages import Attachment, Message

WISHES = (
    HandoffReason.ASKED_FOR_PERSON,
    HandoffReason.MESSAGE_FOR_OFFICER,
    HandoffReason.PLAN_CHANGE_ASKED,
    HandoffReason.COPY_ASKED,
    HandoffReason.FILES_SENT,
    HandoffReason.ASKED_FOR_HELP,
    HandoffReason.ASKED_TO_STOP,
)
MOST_CHOICES = 3


@dataclass(frozen=True, kw_only=True)
class Sign:
    """One reason for a flag. `strength`: strong, some or weak; `is_rule`: a rule found it, else the model."""

    says: str
    is_rule: bool
    strength: str


@dataclass(frozen=True, kw_only=True)
class AboutPanel:
    """`hidden_others`: other conversations of theirs that this reader may not open."""

    notes: tuple[StaffNote, ...]
    endings: tuple[Ending, ...]
    others: tuple[OtherConversation, ...]
    hidden_others: int
    wishes: tuple[HandoffReason, ...]
    first_words: str | None
    choices: tuple[str, ...]
    left_drafts: tuple[Draft, ...]
    own_draft: str
    canned: tuple[CannedReply, ...]
    language: str | None
    summary: HandBackSummary | None
    regrades: tuple[Regrade, ...]

    @property
    def parts(self) -> list[object]:
        """What the pane shows of it, for its fingerprint."""
        return [self.notes, self.endings, self.others, self.hidden_others, self.summary, self.regrades]


def load_about(
    tx: SqlTransaction,
    conversation_id: str,
    entries: Sequence[TranscriptEntry],
    items: Sequence[DeskItem],
    *,
    by: StaffMember,
    case_language: str | None,
) -> AboutPanel:
    """`entries`: the newest of the conversation, oldest first."""
    others = tx.person_threads.list_others(conversation_id)
    opened = [each for each in others if _may_open(tx, each.conversation_id, by)]
    theirs = [entry for entry in entries if entry.author is Author.PERSON]
    return AboutPanel(
        notes=tuple(tx.staff_notes.list_of(conversation_id)),
        endings=tuple(tx.endings.list_of(conversation_id)),
        others=tuple(opened),
        hidden_others=len(others) - len(opened),
        wishes=tuple(dict.fromkeys(item.reason for item in items if item.reason in WISHES)),
        first_words=next((entry.text for entry in theirs if entry.text), None),
        choices=tuple(entry.read_as for entry in theirs if entry.read_as)[-MOST_CHOICES:],
        left_drafts=tuple(list_left(tx, conversation_id, by.id)),
        own_draft=find_draft(tx, conversation_id, by.id),
        canned=tuple(list_offered(tx)),
        language=tx.person_threads.find_language(conversation_id) or case_language,
        summary=tx.hand_backs.find_newest(conversation_id),
        regrades=tuple(tx.regrades.list_of_conversation(conversation_id)),
    )


def list_parts(tx: SqlTransaction, conversation_id: str) -> list[object]:
    """What moves an open page, cheaply: nothing of it depends on who looks."""
    return [
        len(tx.staff_notes.list_of(conversation_id)),
        len(tx.endings.list_of(conversation_id)),
        len(tx.regrades.list_of_conversation(conversation_id)),
        [
            (each.conversation_id, each.is_open, each.outcome)
            for each in tx.person_threads.list_others(conversation_id)
        ],
    ]


def list_signs(item: DeskItem) -> tuple[Sign, ...]:
    """Each sentence once, the strongest first."""
    found: dict[str, Sign] = {}
    for each in item.evidence:
        if each.says:
            found.setdefault(each.says, _sign(item, each))
    return tuple(sorted(found.values(), key=lambda sign: ("strong", "some", "weak").index(sign.strength)))


def list_files(messages: Sequence[Message]) -> tuple[Attachment, ...]:
    return tuple(each for message in messages for each in message.attachments)


def _sign(item: DeskItem, evidence: ItemEvidence) -> Sign:
    is_rule = not evidence.rule.startswith(LEARNED)
    if evidence.rule in (NO_CATEGORY, UNCLEAR_WISH):
        strength = "weak"
    elif item.reason is HandoffReason.CHECK:
        strength = "some"
    else:
        strength = "strong"
    return Sign(says=evidence.says, is_rule=is_rule, strength=strength)


def _may_open(tx: SqlTransaction, conversation_id: str, by: StaffMember) -> bool:
    related = tx.relations.find(conversation_id, by)
    return related is not None and can_through_any(by.role, Action.READ_CONVERSATION, related.relations)
