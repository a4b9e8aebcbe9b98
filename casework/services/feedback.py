"""One set of questions after a conversation: who may be asked, and what the answers come to.

Most are not asked. The answers are kept so that nobody can be found by them (casework/adapters/storage/feedback.py).
Who was asked before is told from the record of the conversation, which says that they were asked and no more.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from casework.model.desk import HandoffReason, ItemStatus, Outcome
from casework.model.disclosures import Band
from casework.model.messages import Author, Channel
from casework.model.officer_messages import MessageStatus
from casework.model.promises import PromiseStatus
from casework.model.safe_contact import SafeContactPlan, Wording, may_reply
from casework.model.stages import is_human_first_crime
from casework.model.tokens import hash_token
from casework.services import outgoing
from casework.services.ports import Transaction

# The five stages of the police's own victim surveys (warwickshire.police.uk, Victim of crime survey). Being kept
# informed comes first: it is what victims are least satisfied with.
QUESTIONS = ("kept_informed", "ease_of_contact", "actions_taken", "treatment", "whole_experience")
ANSWERS = (5, 4, 3, 2, 1)  # very satisfied to very dissatisfied, in the order they are shown
OFFERED = "feedback_offered"
NOT_AGAIN_FOR = timedelta(days=90)
# Fewer than this many people are a person.
FEWEST_SHOWN = 5
# A conversation longer than this is not looked through, and nobody is asked.
MOST_READ = 2000

MAY_BE_SEEN = ("yes", "unsure")
OF_DANGER = frozenset(
    {HandoffReason.DISCLOSURE, HandoffReason.UNREADABLE, HandoffReason.CHECK, HandoffReason.DURESS}
)
FOUND_DANGER = frozenset({Outcome.TOLD_TO_CALL_999, Outcome.SAFEGUARDING_REFERRAL})
WAITS_FOR_OFFICER = frozenset({MessageStatus.WAITING, MessageStatus.WITH_TEAM})


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Of one question. A count of answers is None where it is of fewer than five people, or would give one away."""

    answered: int | None
    per_answer: Mapping[int, int | None]


def may_ask(tx: Transaction, conversation_id: str, *, screen_seen: str | None) -> bool:
    """Reads only. Whatever is not sure is a no.

    Never somebody whose case is flagged, whose plan has any care in it, who told of danger or may have, who is with a
    person or waits for one, whose screen may be seen, who wrote nothing; once a conversation, once in 90 days.
    """
    return (
        screen_seen not in MAY_BE_SEEN
        and _is_alone_with_assistant(tx, conversation_id)
        and _is_calm(tx, conversation_id)
        and _are_cases_plain(tx, conversation_id)
        and not tx.feedback.was_offered(conversation_id)
    )


def offer(tx: Transaction, conversation_id: str, token: str, *, channel: Channel, language: str) -> None:
    """The token answers once, until the end of next week. The conversation's record says only that it was given."""
    tx.feedback.offer(hash_token(token), channel=channel, language=language)
    tx.audit.record(OFFERED, by="service", conversation_id=conversation_id)


def answer(tx: Transaction, token: str, answers: Mapping[str, int]) -> bool:
    """Keeps what they answered; False when there was nothing to keep, or the token is worth nothing any more."""
    known = {name: value for name, value in answers.items() if name in QUESTIONS and value in ANSWERS}
    return bool(known) and tx.feedback.answer(hash_token(token), known)


def count_answers(tx: Transaction) -> dict[str, Counted]:
    """Question -> how many gave which answer, small numbers hidden."""
    rows = tx.feedback.list_answered()
    return {name: _count([row.answers[name] for row in rows if name in row.answers]) for name in QUESTIONS}


def _count(values: Collection[int]) -> Counted:
    if len(values) < FEWEST_SHOWN:
        return Counted(answered=None, per_answer=dict.fromkeys(ANSWERS))
    counts = {each: sum(value == each for value in values) for each in ANSWERS}
    hidden = {each for each, count in counts.items() if 0 < count < FEWEST_SHOWN}
    if len(hidden) == 1:
        # One alone could be reckoned from the others: the smallest beside it is hidden too.
        shown = [each for each in ANSWERS if each not in hidden and counts[each]]
        hidden.add(min(shown, key=lambda each: (counts[each], each)))
    return Counted(
        answered=len(values),
        per_answer={each: None if each in hidden else count for each, count in counts.items()},
    )


def _is_alone_with_assistant(tx: Transaction, conversation_id: str) -> bool:
    if tx.conversations.get(conversation_id).owner_id is not None:
        return False
    items = tx.desk.list_of_conversation(conversation_id)
    promises = tx.promises.list_of_conversation(conversation_id)
    letters = tx.officer_messages.list_of_conversation(conversation_id)
    return (
        all(item.status is ItemStatus.CLOSED for item in items)
        and not any(item.reason in OF_DANGER or item.outcome in FOUND_DANGER for item in items)
        and not any(each.status in (PromiseStatus.MADE, PromiseStatus.OVERDUE) for each in promises)
        and not any(each.status in WAITS_FOR_OFFICER for each in letters)
    )


def _is_calm(tx: Transaction, conversation_id: str) -> bool:
    """They wrote, all of it was answered, and neither layer saw danger in any of it."""
    entries = tx.transcripts.list_latest(conversation_id, limit=MOST_READ)
    came = [entry for entry in entries if entry.author is Author.PERSON]
    return (
        len(entries) < MOST_READ
        and bool(came)
        and all(
            entry.outcome is not None and entry.screen is not None and entry.screen.band is Band.GREEN
            for entry in came
        )
    )


def _are_cases_plain(tx: Transaction, conversation_id: str) -> bool:
    """Of all cases of whoever ever proved a link here, also where that link has ended."""
    person_ids = set()
    for crime_reference in tx.feedback.list_cases(conversation_id):
        reach = tx.people.find_of_case(crime_reference)
        if reach is None or reach.is_suspended:
            return False
        if is_human_first_crime(reach.crime_type) or _has_care(outgoing.get_plan(reach)):
            return False
        person_ids.add(reach.person_id)
    return not tx.feedback.was_offered_to(person_ids, since=tx.now - NOT_AGAIN_FOR)


def _has_care(plan: SafeContactPlan) -> bool:
    return (
        plan.is_safe_first
        or plan.wording is Wording.NEUTRAL
        or not may_reply(plan)
        or bool(plan.hours or plan.who_may_be_present)
        or plan.safe_word_hash is not None
        or plan.duress_phrase_hash is not None
    )
