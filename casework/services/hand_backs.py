"""Handing a conversation back with words the assistant's side may say of it: approved by a person, never the chat.

On the web they are said at once, for the page is open. Everywhere else they come before the next answer: a text that
nobody asked for may be read by the wrong person.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from casework.model.contact_doubts import is_contact_doubted
from casework.model.desk import Outcome
from casework.model.errors import WaymarkError
from casework.model.messages import PHONES, Author, Channel, Lane, OutboundMessage, SendKind
from casework.model.promises import PromiseKind
from casework.model.safe_contact import Wording
from casework.model.staffed_hours import StaffedHours
from casework.model.standings import LINKED_IDLE, Standing
from casework.model.working_days import local_day
from casework.services import desk, outgoing
from casework.services.conversation_ports import HandBackSummary, NextStep
from casework.services.labels import Judged, record_ending
from casework.services.ports import Conversation, StaffMember, Transaction
from casework.services.promises import PromiseNotKeepable, make_promise
from casework.services.service_texts import ServiceTexts

TEMPLATE = "hand_back_summary"
SAID_WITHIN = timedelta(days=14)
DATED = (NextStep.OFFICER, NextStep.TEAM)
"""Steps in which somebody is to be in touch, so that a day may be said."""


class SummaryNotApproved(WaymarkError):
    """The words differ from those that were shown; `text` is what would be said."""

    def __init__(self, text: str) -> None:
        super().__init__("the words were not shown before")
        self.text = text


class DueDayUnfit(WaymarkError):
    """That day has passed, or the step has no day."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`approved`: the very words that were on the screen when the button was pressed."""

    step: NextStep
    due_on: date | None
    approved: str


@dataclass(frozen=True, kw_only=True)
class Finish:
    """How a person leaves a conversation. `closing`: a last text to the victim and what the outbox calls it."""

    outcome: Outcome | None
    judged: Judged
    summary: Summary | None = None
    closing: tuple[str, str] | None = None
    form_id: str = ""


def word_summary(
    texts: ServiceTexts, channel: Channel, *, step: NextStep, due_on: date | None, now: datetime
) -> str:
    """What would be said: that a person spoke with them today, what comes next, and by which day."""
    spoke = texts.render("handed_back", channel, day=_say(local_day(now)))
    name = f"handed_back_{step.value}" + ("_by" if due_on is not None else "")
    comes = texts.render(name, channel, **({"day": _say(due_on)} if due_on is not None else {}))
    return f"{spoke} {comes}"


def close_with_outcome(
    tx: Transaction, conversation_id: str, finish: Finish, *, by: StaffMember, last_seen_inbox_id: int
) -> int:
    """Closes this person's items; they keep the conversation. How many were closed; with none nothing is recorded."""
    assert finish.outcome is not None  # the page asks for it
    closed = desk.close_items(
        tx, conversation_id, finish.outcome, by=by, last_seen_inbox_id=last_seen_inbox_id
    )
    if closed:
        _record(tx, conversation_id, finish, by=by, last_seen_inbox_id=last_seen_inbox_id)
    return closed


def hand_back(
    tx: Transaction,
    conversation_id: str,
    finish: Finish,
    *,
    by: StaffMember,
    last_seen_inbox_id: int,
    texts: ServiceTexts,
    hours: StaffedHours,
) -> None:
    """As desk.hand_back, with the outcome's judgement, the closing text and the approved words.

    Raises SummaryNotApproved, DueDayUnfit, and PromiseNotKeepable for a day nobody works: nothing is changed then.
    """
    conversation = tx.conversations.get(conversation_id)
    if finish.outcome is not None:
        _record(tx, conversation_id, finish, by=by, last_seen_inbox_id=last_seen_inbox_id)
    desk.hand_back(
        tx, conversation_id, finish.outcome, by=by, last_seen_inbox_id=last_seen_inbox_id, texts=texts
    )
    if finish.summary is None:
        return
    text = _check_summary(tx, conversation, finish.summary, texts)
    level, crime_reference = tx.standings.find(conversation_id)
    summary_id = tx.hand_backs.record(
        conversation_id,
        by.id,
        done=finish.outcome or Outcome.INFORMATION_GIVEN,
        step=finish.summary.step,
        due_on=finish.summary.due_on,
        text=text,
        crime_reference=crime_reference if level >= Standing.LINKED else None,
        epoch=tx.conversations.get(conversation_id).epoch,
    )
    _promise(tx, conversation_id, finish.summary, text, summary_id, hours)
    if conversation.channel is Channel.WEBCHAT:
        say_handed_back(tx, tx.conversations.get(conversation_id))


def say_handed_back(
    tx: Transaction, conversation: Conversation, *, turn_id: str | None = None, answers: str = ""
) -> None:
    """Puts the approved words on their way, once, before whatever else is said.

    `answers`: what they wrote. Nothing is said while it may be somebody else who reads.
    """
    if conversation.channel in PHONES and (
        is_contact_doubted(answers) or _may_be_overlooked(tx, conversation)
    ):
        return
    summary = tx.hand_backs.find_unsaid(conversation.id)
    if summary is None or not _may_be_said(tx, conversation.id, summary):
        return
    if not tx.hand_backs.mark_said(summary.id):
        return
    outgoing.send(tx, _address(conversation, summary.text, summary.id, turn_id))


def _may_be_overlooked(tx: Transaction, conversation: Conversation) -> bool:
    """Whether their plan asks for words from which nobody learns that they talked to us."""
    plans = outgoing.list_plans(tx, conversation.channel, conversation.external_id, conversation.id)
    return any(plan.wording is Wording.NEUTRAL or plan.is_safe_first for plan in plans)


def _may_be_said(tx: Transaction, conversation_id: str, summary: HandBackSummary) -> bool:
    """To who proved the same case there, and holds the link now; to who had proved none, for as long as a link nobody
    used would have held. What waits is said when the link is proved again. No day is said once it has passed, and
    nothing so late that nobody would know what it is about.
    """
    if summary.due_on is not None and summary.due_on < local_day(tx.now):
        return False
    if tx.now - summary.created_at > SAID_WITHIN:
        return False
    if summary.crime_reference is None:
        return tx.now - summary.created_at < LINKED_IDLE
    level, crime_reference = tx.standings.find(conversation_id)
    return level >= Standing.LINKED and crime_reference == summary.crime_reference


def _address(conversation: Conversation, text: str, summary_id: str, turn_id: str | None) -> OutboundMessage:
    return outgoing.address(
        conversation,
        text,
        # Of the lane of the answer it goes before, so that neither overtakes the other.
        lane=Lane.STAFF if turn_id is None else Lane.ASSISTANT,
        kind=SendKind.STAFF_REPLY if turn_id is None else SendKind.ASSISTANT_REPLY,
        author=Author.SERVICE,
        template=TEMPLATE,
        dedupe_key=f"summary:{summary_id}",
        turn_id=turn_id,
    )


def _record(
    tx: Transaction, conversation_id: str, finish: Finish, *, by: StaffMember, last_seen_inbox_id: int
) -> None:
    if finish.closing is not None:
        text, template = finish.closing
        desk.reply_as_staff(
            tx,
            conversation_id,
            text,
            by=by,
            last_seen_inbox_id=last_seen_inbox_id,
            form_id=f"closing:{finish.form_id}",
            template=template,
        )
    if finish.outcome is not None:
        record_ending(tx, conversation_id, finish.outcome, finish.judged, by=by)


def _check_summary(tx: Transaction, conversation: Conversation, summary: Summary, texts: ServiceTexts) -> str:
    if summary.due_on is not None and (summary.step not in DATED or summary.due_on < local_day(tx.now)):
        raise DueDayUnfit
    text = word_summary(texts, conversation.channel, step=summary.step, due_on=summary.due_on, now=tx.now)
    if summary.approved != text:
        raise SummaryNotApproved(text)
    return text


def _promise(
    tx: Transaction,
    conversation_id: str,
    summary: Summary,
    text: str,
    summary_id: str,
    hours: StaffedHours,
) -> None:
    if summary.due_on is None:
        return
    # By a day is by the end of its hours: there is nobody to keep it after that.
    closes_at = hours.closes_on(summary.due_on)
    if closes_at is None:
        raise PromiseNotKeepable(f"nobody is there on {summary.due_on.isoformat()}")
    make_promise(
        tx,
        kind=PromiseKind.TEAM_ANSWER,
        owner="team",
        words=text,
        due_at=closes_at,
        hours=hours,
        dedupe_key=f"hand_back:{summary_id}",
        conversation_id=conversation_id,
    )


def _say(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
