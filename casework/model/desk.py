"""Work for a person: why it is there, and its place in the queue."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from casework.model.messages import Channel


class Grade(IntEnum):
    """Place in the queue: lower is sooner, ties by the longest wait."""

    DANGER_NOW = 1
    HIGH = 2
    PROMPT = 3
    ROUTINE = 4


class HandoffReason(StrEnum):
    DISCLOSURE = "disclosure"
    UNREADABLE = "unreadable"
    CHECK = "check"
    ASKED_FOR_PERSON = "asked_for_person"
    NOT_UNDERSTOOD = "not_understood"
    MESSAGE_FOR_OFFICER = "message_for_officer"
    ASSISTANT_UNAVAILABLE = "assistant_unavailable"
    NOT_DELIVERED = "not_delivered"
    MAY_NOT_BE_WRITTEN = "may_not_be_written"
    DURESS = "duress"
    WROTE_WHILE_WITH_PERSON = "wrote_while_with_person"
    OFFICER_SILENT = "officer_silent"
    PROMISE_OVERDUE = "promise_overdue"
    TELL_VICTIM_FIRST = "tell_victim_first"
    UPDATE_BLOCKED = "update_blocked"
    CLOCK_OVERDUE = "clock_overdue"
    CLOCK_UNDATED = "clock_undated"
    CONTACT_DOUBTED = "contact_doubted"
    CODES_OFF = "codes_off"
    REFERENCES_GUESSED = "references_guessed"
    PIN_ENDED = "pin_ended"
    PASSKEY_ENDED = "passkey_ended"
    PLAN_CHANGE_ASKED = "plan_change_asked"
    COPY_ASKED = "copy_asked"
    FILES_SENT = "files_sent"
    ASKED_TO_STOP = "asked_to_stop"
    ASKED_FOR_HELP = "asked_for_help"
    CANNOT_BE_TEXTED = "cannot_be_texted"
    CODE_NOT_SENT = "code_not_sent"
    PASSED_ON = "passed_on"


GRADE_OF_REASON: dict[HandoffReason, Grade] = {
    HandoffReason.UNREADABLE: Grade.HIGH,
    HandoffReason.CHECK: Grade.PROMPT,
    HandoffReason.ASKED_FOR_PERSON: Grade.PROMPT,
    HandoffReason.NOT_UNDERSTOOD: Grade.PROMPT,
    HandoffReason.ASSISTANT_UNAVAILABLE: Grade.PROMPT,
    HandoffReason.NOT_DELIVERED: Grade.PROMPT,
    HandoffReason.MAY_NOT_BE_WRITTEN: Grade.PROMPT,
    HandoffReason.MESSAGE_FOR_OFFICER: Grade.ROUTINE,
    HandoffReason.WROTE_WHILE_WITH_PERSON: Grade.PROMPT,
    HandoffReason.OFFICER_SILENT: Grade.PROMPT,
    HandoffReason.PROMISE_OVERDUE: Grade.PROMPT,
    HandoffReason.TELL_VICTIM_FIRST: Grade.PROMPT,
    HandoffReason.UPDATE_BLOCKED: Grade.PROMPT,
    HandoffReason.CLOCK_OVERDUE: Grade.ROUTINE,
    HandoffReason.CLOCK_UNDATED: Grade.ROUTINE,
    HandoffReason.CONTACT_DOUBTED: Grade.PROMPT,
    HandoffReason.CODES_OFF: Grade.PROMPT,
    HandoffReason.REFERENCES_GUESSED: Grade.PROMPT,
    HandoffReason.PIN_ENDED: Grade.PROMPT,
    HandoffReason.PASSKEY_ENDED: Grade.PROMPT,
    HandoffReason.PLAN_CHANGE_ASKED: Grade.PROMPT,
    HandoffReason.COPY_ASKED: Grade.ROUTINE,
    HandoffReason.FILES_SENT: Grade.PROMPT,
    HandoffReason.ASKED_TO_STOP: Grade.HIGH,
    HandoffReason.ASKED_FOR_HELP: Grade.HIGH,
    HandoffReason.CANNOT_BE_TEXTED: Grade.HIGH,
    HandoffReason.CODE_NOT_SENT: Grade.PROMPT,
    HandoffReason.PASSED_ON: Grade.PROMPT,
}


def grade_of_check(tier: int | None) -> Grade:
    """One step below the disclosure it may turn out to be."""
    if tier is None:
        return GRADE_OF_REASON[HandoffReason.CHECK]
    return Grade(min(tier + 1, Grade.ROUTINE))


class ItemStatus(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What came of it, chosen when a person closes an item."""

    TOLD_TO_CALL_999 = "told_to_call_999"
    LOG_CREATED = "log_created"
    OFFICER_WILL_CALL = "officer_will_call"
    SAFEGUARDING_REFERRAL = "safeguarding_referral"
    SIGNPOSTED = "signposted"
    INFORMATION_GIVEN = "information_given"
    LEFT_BEFORE_ANSWER = "left_before_answer"
    NOT_A_VICTIM = "not_a_victim"
    TEST = "test"


class CheckAnswer(StrEnum):
    """What the person wrote when asked if they are OK."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, kw_only=True)
class ItemEvidence:
    """Why the item is there: code-point offsets into one stored message, and what a detective reads of it.

    `start` equal to `end` means the whole message; `says` is empty where the desk has its own words.
    """

    inbox_id: int
    rule: str
    start: int
    end: int
    says: str


@dataclass(frozen=True, kw_only=True)
class DeskItem:
    id: str
    conversation_id: str
    channel: Channel
    grade: Grade
    tier: int | None
    category: str | None
    reason: HandoffReason
    status: ItemStatus
    waiting_since: datetime
    owner_id: str | None = None
    owner_name: str | None = None
    inbox_id: int | None = None
    outcome: Outcome | None = None
    evidence: tuple[ItemEvidence, ...] = ()
    asked_at: datetime | None = None  # when they were asked if they are OK
    answer: CheckAnswer | None = None
    quiet_since: datetime | None = None  # their last message, once the silence after it is too long
    is_drill: bool = False  # no real person's: see casework/services/drills.py
    claimed_at: datetime | None = None
    answered_at: datetime | None = None  # a person's words first left after it opened
    awaiting_since: datetime | None = None  # the conversation's: their oldest message no person has answered
    ladder_from: datetime | None = None  # since when the ladder counts this wait
    ladder_step: int = 0  # steps of the ladder taken in this wait
    ladder_due_at: datetime | None = None
    told: str | None = None  # told, not_told: that nobody has read it yet
