"""What may leave towards a person, and when, whoever wrote it (ADR 0007, ADR 0012).

A stray text may be read by the very person it must not reach, so anything unclear is read as "answer only"
and whatever cannot be understood at all does not leave.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from casework.model.contact_hours import ContactWindow, find_next_open, is_open
from casework.model.messages import Channel, SendKind
from casework.model.stages import is_human_first_crime

# How long after a person's last message an answer still finds the phone in their hand. Our own choice, the quarter
# of an hour in which the screen reads a message together with the ones before it (bands.toml).
LIVE_MINUTES = 15
HASH_PREFIX = "$argon2"

_EVERY_CHANNEL = frozenset(Channel)


class SafeContact(StrEnum):
    """The three values of the case file's `safe_contact` column."""

    ANY = "any"  # may be written to unasked
    REPLY_ONLY = "reply_only"  # only in answer to a message from the same contact point
    NONE = "none"  # nothing written at all: a person calls or visits


class Wording(StrEnum):
    NEUTRAL = "neutral"  # names neither police nor crime
    PLAIN = "plain"


ANSWERS_NOTHING = frozenset({SendKind.CASE_UPDATE, SendKind.INVITE, SendKind.BROADCAST})


class SendReason(StrEnum):
    """Why a message may or may not leave. The words for a person stand in a template, under these ids."""

    SAFETY_LINE = "safety_line"  # answers someone who wrote of danger a moment ago
    ANSWERS_A_MESSAGE = "answers_a_message"  # they wrote a moment ago, from there
    UNASKED_AGREED = "unasked_agreed"  # the plan allows it on this channel at this hour
    NOTHING_IN_WRITING = "nothing_in_writing"  # a person calls or visits
    ANSWERS_ONLY = "answers_only"  # and this answers nothing they wrote in the live window
    CHANNEL_NOT_AGREED = "channel_not_agreed"
    OUTSIDE_HOURS = "outside_hours"  # `allowed_from` says when
    ASKED_TO_STOP = "asked_to_stop"  # their own word, on this channel: nothing that they did not ask for
    PROVIDER_REFUSES = "provider_refuses"  # the provider lets nothing through to them until they take it back
    LEFT = "left"  # they closed the conversation after what this answers
    NOT_UNDERSTOOD = "not_understood"  # the question made no sense, so nothing leaves


@dataclass(frozen=True, kw_only=True)
class SafeContactPlan:
    """How a person may be reached. Every default is the strictest: a plan that says nothing lets nothing leave.

    `hours` limit what is unasked, never an answer; none at all means any time. `who_may_be_present` is for staff
    to read. The two hashes are argon2 and are checked elsewhere; ValueError for anything else in their place.
    """

    unasked_channels: frozenset[Channel] = frozenset()
    answered_channels: frozenset[Channel] = frozenset()
    hours: tuple[ContactWindow, ...] = ()
    wording: Wording = Wording.NEUTRAL
    is_unsolicited_agreed: bool = False
    may_leave_voicemail: bool = False
    is_safe_first: bool = True  # one safe yes/no question before anything else
    who_may_be_present: str = field(default="", repr=False)
    safe_word_hash: str | None = field(default=None, repr=False)
    duress_phrase_hash: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for kept in (self.safe_word_hash, self.duress_phrase_hash):
            if kept is not None and not kept.startswith(HASH_PREFIX):
                raise ValueError("a safe word or duress phrase is kept as an argon2 hash only")


@dataclass(frozen=True, kw_only=True)
class SendDecision:
    allowed: bool
    reason: SendReason
    allowed_from: datetime | None = None  # aware UTC; only with OUTSIDE_HOURS

    @property
    def may_leave_some_time(self) -> bool:
        """Now, or from an hour that is known."""
        return self.allowed or self.allowed_from is not None


_PLANS: dict[SafeContact, SafeContactPlan] = {
    SafeContact.ANY: SafeContactPlan(
        unasked_channels=_EVERY_CHANNEL,
        answered_channels=_EVERY_CHANNEL,
        wording=Wording.PLAIN,
        is_unsolicited_agreed=True,
        is_safe_first=False,
    ),
    SafeContact.REPLY_ONLY: SafeContactPlan(
        answered_channels=_EVERY_CHANNEL, wording=Wording.PLAIN, is_safe_first=False
    ),
    SafeContact.NONE: SafeContactPlan(),
}


def parse_safe_contact(text: str | None) -> SafeContactPlan:
    """The plan a case's `safe_contact` stands for; blank or unknown text gives `reply_only`. Never raises."""
    return _PLANS[find_safe_contact(text) or SafeContact.REPLY_ONLY]


def find_safe_contact(text: str | None) -> SafeContact | None:
    """The value as written, whatever its case or spacing; None for blank or anything else."""
    if text is None:
        return None
    written = "_".join(text.casefold().replace("-", " ").replace("_", " ").split())
    return next((value for value in SafeContact if value == written), None)


def strictest() -> SafeContactPlan:
    """Answers alone, in neutral words, after a safe question: where a plan begins until a person agrees another.

    Not "nothing in writing": silence towards someone who wrote is a danger of its own, so only a person decides that.
    """
    return SafeContactPlan(answered_channels=_EVERY_CHANNEL)


def plan_for(
    case_file_value: str | None, crime_type: str, stored_plan: SafeContactPlan | None
) -> SafeContactPlan:
    """The plan in force. What was agreed with the person counts as far as the case file's word allows it."""
    said = find_safe_contact(case_file_value)
    by_file = _plan_of_case_file(said, case_file_value, crime_type)
    if stored_plan is None:
        return by_file
    if not (case_file_value or "").strip():
        return stored_plan
    return replace(
        stored_plan,
        unasked_channels=stored_plan.unasked_channels & by_file.unasked_channels,
        answered_channels=stored_plan.answered_channels & by_file.answered_channels,
        is_unsolicited_agreed=stored_plan.is_unsolicited_agreed and by_file.is_unsolicited_agreed,
    )


def may_send_unasked(plan: SafeContactPlan, channel: Channel) -> bool:
    """Whether a message that answers nothing may go out on this channel at some hour: see decide_send for now."""
    return plan.is_unsolicited_agreed and channel in plan.unasked_channels


def may_reply(plan: SafeContactPlan, channel: Channel | None = None) -> bool:
    """Whether a message from this person may be answered in writing, on the contact point it came from.

    Without a channel: whether on every one of them.
    """
    return plan.answered_channels >= _EVERY_CHANNEL if channel is None else channel in plan.answered_channels


def may_write(plan: SafeContactPlan, channel: Channel) -> bool:
    """Whether anything at all may be written on this channel, asked or not."""
    return may_reply(plan, channel) or may_send_unasked(plan, channel)


def find_live_until(last_inbound_at: datetime | None, *, minutes: int = LIVE_MINUTES) -> datetime | None:
    """The end of the live window that a person's last message opened; None when they never wrote."""
    return None if last_inbound_at is None else last_inbound_at + timedelta(minutes=minutes)


def decide_send(
    plan: SafeContactPlan,
    *,
    channel: Channel,
    at: datetime,
    kind: SendKind,
    live_until: datetime | None,
    is_same_contact_point: bool,
) -> SendDecision:
    """Whether this message may leave at this aware moment. Never raises: what makes no sense does not leave.

    `live_until` is the end of the window that the person's last message opened, and `is_same_contact_point`
    says whether it came from where this is going.
    """
    try:
        return _decide(plan, Channel(channel), at, SendKind(kind), live_until, is_same_contact_point)
    except Exception:  # whatever was wrong with the question, nothing leaves
        return SendDecision(allowed=False, reason=SendReason.NOT_UNDERSTOOD)


def _decide(
    plan: SafeContactPlan,
    channel: Channel,
    at: datetime,
    kind: SendKind,
    live_until: datetime | None,
    is_same_contact_point: bool,
) -> SendDecision:
    if at.utcoffset() is None:
        raise ValueError("a moment needs a time zone")
    is_an_answer = (
        kind not in ANSWERS_NOTHING
        and is_same_contact_point is True
        and live_until is not None
        and at < live_until
    )
    # Before the plan is looked at: someone who has just written of danger is answered whatever it says.
    if is_an_answer and kind is SendKind.SAFETY_LINE:
        return SendDecision(allowed=True, reason=SendReason.SAFETY_LINE)
    if is_an_answer and may_reply(plan, channel):
        return SendDecision(allowed=True, reason=SendReason.ANSWERS_A_MESSAGE)
    return _decide_unasked(plan, channel, at)


def _decide_unasked(plan: SafeContactPlan, channel: Channel, at: datetime) -> SendDecision:
    if not any(may_write(plan, each) for each in Channel):
        return SendDecision(allowed=False, reason=SendReason.NOTHING_IN_WRITING)
    if not plan.is_unsolicited_agreed:
        return SendDecision(allowed=False, reason=SendReason.ANSWERS_ONLY)
    if channel not in plan.unasked_channels:
        return SendDecision(allowed=False, reason=SendReason.CHANNEL_NOT_AGREED)
    if not is_open(plan.hours, at):
        opens_at = find_next_open(plan.hours, at)
        return SendDecision(allowed=False, reason=SendReason.OUTSIDE_HOURS, allowed_from=opens_at)
    return SendDecision(allowed=True, reason=SendReason.UNASKED_AGREED)


def _plan_of_case_file(said: SafeContact | None, written: str | None, crime_type: str) -> SafeContactPlan:
    is_flagged = is_human_first_crime(crime_type)
    if said is SafeContact.ANY and is_flagged:
        return replace(_PLANS[said], wording=Wording.NEUTRAL)
    if said is SafeContact.ANY or said is SafeContact.NONE:
        return _PLANS[said]
    is_unclear = said is None and bool((written or "").strip())
    return strictest() if is_flagged or is_unclear else _PLANS[SafeContact.REPLY_ONLY]
