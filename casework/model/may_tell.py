"""Which pieces of a case a person may be told, on this channel, with what they have proved (ADR 0012).

Text messages, WhatsApp and Telegram never carry more than LINKED allows, however proved: the lock screen is the
reader. E-mail carries nothing of a case. `standing` is what effective_standing gave for now.
"""

from dataclasses import dataclass
from enum import StrEnum

from casework.model.cases import Case
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan, Wording, may_write
from casework.model.stages import is_human_first_crime, needs_human_first
from casework.model.standings import Standing


class Piece(StrEnum):
    GENERAL_HELP = "general_help"
    URGENT_HELP = "urgent_help"
    NEUTRAL_STATUS = "neutral_status"  # the stage in neutral words, and when the next update is due
    OFFICER_NAME = "officer_name"  # with the collar number
    OFFICER_CONTACT = "officer_contact"
    NEXT_STEPS = "next_steps"
    OUTCOME = "outcome"
    CRIME_DETAIL = "crime_detail"  # offence, place, suspect
    EVENT_HISTORY = "event_history"
    MESSAGE_HISTORY = "message_history"
    UPLOAD = "upload"
    CODE_CLOCK_DATES = "code_clock_dates"
    READ_RECEIPTS = "read_receipts"
    CHANGE_CONTACT = "change_contact"
    CHANGE_PLAN = "change_plan"
    SEND_MESSAGE_TO_OFFICER = "send_message_to_officer"
    OWN_EXPORT = "own_export"


@dataclass(frozen=True, kw_only=True)
class CaseFlags:
    is_flagged: bool  # domestic abuse, stalking, sexual or honour-based: see is_human_first_crime
    is_news_waiting: bool  # a stage that a person must tell first has not been told


FOR_EVERYONE = frozenset({Piece.GENERAL_HELP, Piece.URGENT_HELP})
FROM_LINKED = frozenset(
    {
        Piece.NEUTRAL_STATUS,
        Piece.OFFICER_NAME,
        Piece.OFFICER_CONTACT,
        Piece.NEXT_STEPS,
        Piece.OUTCOME,
        Piece.CODE_CLOCK_DATES,
        Piece.READ_RECEIPTS,
        Piece.SEND_MESSAGE_TO_OFFICER,
    }
)
FROM_STEPPED_UP = frozenset(
    {Piece.CRIME_DETAIL, Piece.EVENT_HISTORY, Piece.MESSAGE_HISTORY, Piece.UPLOAD, Piece.OWN_EXPORT}
)
FROM_OFFICER_CONFIRMED = frozenset({Piece.CHANGE_CONTACT, Piece.CHANGE_PLAN})

# In a flagged case the officer's name waits for a step-up, and how the case ended for an officer.
FLAGGED_FROM_STEPPED_UP = frozenset({Piece.OFFICER_NAME, Piece.OFFICER_CONTACT})
FLAGGED_FROM_OFFICER_CONFIRMED = frozenset({Piece.OUTCOME})
# Cannot be said without naming the police or the crime.
NEVER_NEUTRAL = frozenset(
    {Piece.OFFICER_NAME, Piece.OFFICER_CONTACT, Piece.NEXT_STEPS, Piece.OUTCOME, Piece.CODE_CLOCK_DATES}
)
# Each would give away that there is news, or what it is.
SHOWS_THE_NEWS = frozenset(
    {
        Piece.NEUTRAL_STATUS,
        Piece.NEXT_STEPS,
        Piece.OUTCOME,
        Piece.CRIME_DETAIL,
        Piece.EVENT_HISTORY,
        Piece.CODE_CLOCK_DATES,
        Piece.OWN_EXPORT,
    }
)


def may_tell(
    standing: Standing, *, channel: Channel, plan: SafeContactPlan, flags: CaseFlags
) -> frozenset[Piece]:
    """The pieces that may be told or offered. Help is always among them, for everyone, everywhere."""
    # Nothing is read from a mailbox, so nobody there has proved anything (NIST SP 800-63B-4 section 5.1.3).
    if channel is Channel.EMAIL or not may_write(plan, channel):
        return FOR_EVERYONE
    told = _told_at(standing if channel is Channel.WEBCHAT else min(standing, Standing.LINKED), flags)
    if channel is not Channel.WEBCHAT and plan.wording is Wording.NEUTRAL:
        told -= NEVER_NEUTRAL
    if flags.is_news_waiting:
        told -= SHOWS_THE_NEWS
    return FOR_EVERYONE | told


def flags_of(case: Case) -> CaseFlags:
    return CaseFlags(
        is_flagged=is_human_first_crime(case.crime_type), is_news_waiting=needs_human_first(case)
    )


def _told_at(standing: Standing, flags: CaseFlags) -> frozenset[Piece]:
    told: frozenset[Piece] = frozenset()
    if standing >= Standing.LINKED:
        told |= FROM_LINKED
    if standing >= Standing.STEPPED_UP:
        told |= FROM_STEPPED_UP
    if standing >= Standing.OFFICER_CONFIRMED:
        told |= FROM_OFFICER_CONFIRMED
    if flags.is_flagged and standing < Standing.STEPPED_UP:
        told -= FLAGGED_FROM_STEPPED_UP
    if flags.is_flagged and standing < Standing.OFFICER_CONFIRMED:
        told -= FLAGGED_FROM_OFFICER_CONFIRMED
    return told
