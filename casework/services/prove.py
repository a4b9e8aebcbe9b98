"""Proof of who is writing: a reference finds a case, a code sent to the contact of record opens it.

Every request, for a reference that exists, is unknown or is locked, writes the same rows, costs the
same hash and is answered before anything is looked up, so nothing can be learnt by asking.
"""

import secrets
from datetime import timedelta
from typing import Protocol

from casework.model.desk import HandoffReason
from casework.model.gsm_text import count_texts
from casework.model.messages import Author, Channel, Lane, OutboundMessage, SendKind
from casework.model.safe_contact import may_reply, may_send_unasked
from casework.model.standings import ProofMethod, Standing
from casework.model.throttles import Tried, load_limits
from casework.services import outgoing, standings, throttles
from casework.services.gb_mobiles import is_gb_mobile
from casework.services.hand_off import request_person
from casework.services.ports import CodeRequest, PendingCode, Reach, Store, Transaction
from casework.services.reach import open_conversation_of
from casework.services.service_texts import ServiceTexts

CODE_DIGITS = 6
CODE_SECONDS = 600  # NIST SP 800-63B-4 §5.1.3: at most 10 minutes
MAX_FAILURES = 5
SEGMENTS_A_DAY = 500
SPENT_ON_CODES = "codes"
CODES_CAPPED = "codes_capped"
STRANGERS_SHOWN_FOR = timedelta(days=30)
# An item of the desk belongs to a conversation; this one is nobody's, and supervisors look there.
SUPERVISORS = "nobody-supervisors"
DECOY = "decoy"


class CodeBook(Protocol):
    """Hashes codes for storage (argon2id) and checks them at the same cost whether or not one exists."""

    def hash(self, code: str) -> str: ...

    def matches(self, code: str, code_hash: str | None) -> bool:
        """False for None, after the same work."""


def request_code(tx: Transaction, conversation_id: str, reference: str) -> None:
    """Stores the wish for a code. Looks nothing up."""
    tx.codes.request(conversation_id, reference)
    tx.audit.record("code_requested", by="person", conversation_id=conversation_id)


async def issue_next_code(
    store: Store, *, codes: CodeBook, texts: ServiceTexts, segments_a_day: int = SEGMENTS_A_DAY
) -> bool:
    """Issues one requested code, real or decoy. False when none is waiting.

    `segments_a_day`: of all codes together; one that would be beyond it stays a decoy, and a person is told.
    """
    request = await store.read(lambda tx: tx.codes.next_requested())
    if request is None:
        return False
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    code_hash = codes.hash(code)
    await store.write(lambda tx: _issue(tx, request, code, code_hash, texts, segments_a_day))
    return True


def _issue(
    tx: Transaction, request: CodeRequest, code: str, code_hash: str, texts: ServiceTexts, segments_a_day: int
) -> None:
    issued = tx.codes.issue(
        request.id,
        code_hash=code_hash,
        # A decoy until there is somewhere to send it: it can be tried, and never works.
        crime_reference=None,
        expires_at=tx.now + timedelta(seconds=CODE_SECONDS),
    )
    if not issued:
        return
    mobile = _find_recipient(tx, request)
    if mobile is None:
        return
    message = _write(tx, request, mobile, texts.render("one_time_code", Channel.SMS, code=code))
    if not outgoing.decide(tx, message).allowed:
        return
    is_exempt = _is_exempt(tx, request.conversation_id, tx.people.find_of_case(request.reference))
    if not is_exempt and not throttles.take(tx, Tried.CODE_SENDS_OF_CASE, request.reference):
        return
    if not is_gb_mobile(mobile) or not _is_within_day(tx, message, segments_a_day, is_exempt=is_exempt):
        # Theirs, not the asker's: whoever asked is answered as always and learns nothing.
        request_person(tx, message.conversation_id, HandoffReason.CODE_NOT_SENT, inbox_id=None)
        return
    tx.codes.bind(request.id, request.reference)
    outgoing.send(tx, message)
    tx.audit.record("code_sent", by="worker", conversation_id=message.conversation_id)


def _is_within_day(tx: Transaction, message: OutboundMessage, most: int, *, is_exempt: bool) -> bool:
    """Counts what this code costs; an alarm when the day has come to its limit.

    Strangers have four fifths of it, so that they cannot use up what is left for those a code belongs to.
    """
    segments = count_texts(message.text)
    spent = tx.paces.add_spend(tx.now.date(), SPENT_ON_CODES, segments)
    if spent <= (most if is_exempt else most * 4 // 5):
        if spent <= most // 2:
            tx.alarms.end(CODES_CAPPED)
        return True
    # What does not leave is not spent.
    tx.paces.add_spend(tx.now.date(), SPENT_ON_CODES, -segments)
    tx.alarms.sound(CODES_CAPPED, f"{most} segments a day")
    return False


def _find_recipient(tx: Transaction, request: CodeRequest) -> str | None:
    """The contact of record, where a code may go there for this asker; None makes it a decoy."""
    reach = tx.people.find_of_case(request.reference)
    is_exempt = _is_exempt(tx, request.conversation_id, reach)
    is_within = is_exempt or throttles.take(tx, Tried.REFERENCES_OF_SENDER, request.conversation_id)
    if reach is None:
        _note_unknown(tx)
        return None
    if not is_within or tx.now - request.requested_at > timedelta(seconds=CODE_SECONDS):
        return None  # after an outage nobody is waiting for it any more
    if not is_exempt and not _is_open_to(tx, request):
        return None
    if tx.conversations.get(request.conversation_id).is_drill:
        return None  # the phone it would ring is a real person's
    return reach.contact_mobile if _may_be_sent(tx, request, reach) else None


def _is_open_to(tx: Transaction, request: CodeRequest) -> bool:
    pair = (request.reference, request.conversation_id)
    return throttles.is_open(tx, Tried.WRONG_CODES_OF_SENDER_AND_CASE, *pair) and throttles.is_open(
        tx, Tried.WRONG_CODES_OF_CASE, request.reference
    )


def _may_be_sent(tx: Transaction, request: CodeRequest, reach: Reach) -> bool:
    # A number that may be somebody else's now is confirmed by a person or an invite, never by itself.
    if reach.contact_mobile is None or reach.is_suspended:
        return False
    plan = outgoing.get_plan(reach)
    # Whoever holds the contact of record and writes from it is answered; anyone else's typing must not
    # make that phone light up unless its owner agreed to texts they did not ask for.
    if _is_of_record(tx, request.conversation_id, reach):
        return may_reply(plan, Channel.SMS)
    return may_send_unasked(plan, Channel.SMS)


def _is_exempt(tx: Transaction, conversation_id: str, reach: Reach | None) -> bool:
    """Whom no throttle touches, so that none is a weapon: the contact of record, and a device linked to the case."""
    standing, proved = tx.standings.find(conversation_id)
    if reach is None:
        return False
    is_bound = standing >= Standing.LINKED and proved == reach.crime_reference
    return is_bound or _is_of_record(tx, conversation_id, reach)


def _is_of_record(tx: Transaction, conversation_id: str, reach: Reach) -> bool:
    asker = tx.conversations.get(conversation_id)
    return asker.channel is Channel.SMS and asker.external_id == reach.contact_mobile


def _write(tx: Transaction, request: CodeRequest, mobile: str, text: str) -> OutboundMessage:
    recipient = tx.conversations.open(Channel.SMS, mobile)
    return outgoing.address(
        recipient,
        text,
        # Filed under the contact of record, never under the asker: they may be different people.
        lane=Lane.ONE_TIME_CODE,
        kind=SendKind.ONE_TIME_CODE,
        author=Author.SERVICE,
        template="one_time_code",
        dedupe_key=f"code:{request.id}",
        valid_for_seconds=CODE_SECONDS,
    )


def _note_unknown(tx: Transaction) -> None:
    """Counts a reference nobody has. Very many in an hour are told to supervisors, and nothing is shut."""
    counted = throttles.count(tx, Tried.UNKNOWN_REFERENCES)
    if counted.count == 1:
        throttles.forget_old(tx)
    if counted.count != load_limits()[Tried.UNKNOWN_REFERENCES].most + 1:
        return
    conversation = tx.conversations.open(Channel.WEBCHAT, SUPERVISORS)
    request_person(
        tx,
        conversation.id,
        HandoffReason.REFERENCES_GUESSED,
        inbox_id=None,
        dedupe_key=f"references_guessed:{counted.window_start.timestamp()}",
    )


# --- the code comes back ------------------------------------------------------------------------


def find_provable_case(tx: Transaction, conversation_id: str, code: str, *, codes: CodeBook) -> str | None:
    """Reads only: the case this code, from this conversation, now, would prove a link to."""
    pending = tx.codes.find_pending(conversation_id, max_failures=MAX_FAILURES)
    is_heard = pending is not None and _is_heard(tx, conversation_id, pending)
    if not codes.matches(code, pending.code_hash if pending and is_heard else None):
        return None
    return pending.crime_reference if pending else None


def _is_heard(tx: Transaction, conversation_id: str, pending: PendingCode) -> bool:
    """The same look-ups for a decoy as for a code. Since it was sent the number may have become doubtful."""
    reach = tx.people.find_of_case(pending.reference)
    is_exempt = _is_exempt(tx, conversation_id, reach)
    pair = (pending.reference, conversation_id)
    is_open = throttles.is_open(tx, Tried.WRONG_CODES_OF_SENDER_AND_CASE, *pair)
    is_suspended = reach is not None and reach.is_suspended
    return (is_exempt or is_open) and not is_suspended


def refuse_code(tx: Transaction, conversation_id: str) -> None:
    """Counts one failure against the code that is out, if one is."""
    pending = tx.codes.find_pending(conversation_id, max_failures=MAX_FAILURES)
    if pending is None:
        return
    tx.codes.count_failure(pending.id)
    tx.audit.record("code_refused", by="person", conversation_id=conversation_id)
    if _is_exempt(tx, conversation_id, tx.people.find_of_case(pending.reference)):
        return
    throttles.count(tx, Tried.WRONG_CODES_OF_SENDER_AND_CASE, pending.reference, conversation_id)
    if pending.crime_reference is None:
        # The same work as below; what guesses at a decoy counts for nothing.
        throttles.count(tx, Tried.WRONG_CODES_OF_SENDER_AND_CASE, pending.reference, DECOY)
        return
    counted = throttles.count(tx, Tried.WRONG_CODES_OF_CASE, pending.crime_reference)
    if counted.count == load_limits()[Tried.WRONG_CODES_OF_CASE].most:
        _tell_codes_are_off(tx, pending.crime_reference, key=f"{counted.window_start.timestamp()}")


def _tell_codes_are_off(tx: Transaction, crime_reference: str, *, key: str) -> None:
    case = tx.cases.find(crime_reference)
    if case is not None:
        request_person(
            tx,
            open_conversation_of(tx, case).id,
            HandoffReason.CODES_OFF,
            inbox_id=None,
            dedupe_key=f"codes_off:{crime_reference}:{key}",
        )


def confirm_code(tx: Transaction, conversation_id: str, code: str, *, codes: CodeBook) -> bool:
    """Uses the code up and records the standing, or counts the failure."""
    pending = tx.codes.find_pending(conversation_id, max_failures=MAX_FAILURES)
    if pending is None:
        return False
    proved = find_provable_case(tx, conversation_id, code, codes=codes)
    if proved is None:
        refuse_code(tx, conversation_id)
        return False
    tx.codes.consume(pending.id)
    tx.standings.record(conversation_id, proved, Standing.LINKED, method=ProofMethod.CODE.value)
    throttles.clear(tx, Tried.WRONG_CODES_OF_SENDER_AND_CASE, proved, conversation_id)
    standings.confirm_contact_of(tx, proved)
    tx.audit.record("standing_linked", by="person", conversation_id=conversation_id)
    return True


def count_strangers(tx: Transaction, crime_reference: str) -> int:
    """How many parties not known to be the victim asked for a code with this reference in the last 30 days.

    For the officer: somebody who tries it may be looking for them.
    """
    return tx.codes.count_strangers(crime_reference, since=tx.now - STRANGERS_SHOWN_FOR)
