"""Proof of who is writing: a reference finds a case, a code sent to the contact of record opens it.

Every request, for a reference that exists, is unknown or is locked, writes the same rows, costs the
same hash and is answered before anything is looked up, so nothing can be learnt by asking.
"""

import secrets
from datetime import timedelta
from typing import Protocol

from casework.model.cases import Case
from casework.model.messages import Author, Channel, Lane, OutboundMessage
from casework.model.safe_contact import may_reply, may_send_unasked, parse_safe_contact
from casework.model.standings import Standing
from casework.services.ports import CodeRequest, Store, Transaction
from casework.services.service_texts import ServiceTexts

CODE_DIGITS = 6
CODE_SECONDS = 600  # NIST SP 800-63B-4 §5.1.3: at most 10 minutes
MAX_FAILURES = 5
MAX_REQUESTS_AN_HOUR = 5
MAX_SENDS_A_DAY = 3


class CodeBook(Protocol):
    """Hashes codes for storage (argon2id) and checks them at the same cost whether or not one exists."""

    def hash(self, code: str) -> str: ...

    def matches(self, code: str, code_hash: str | None) -> bool:
        """False for None, after the same work."""


def request_code(tx: Transaction, conversation_id: str, reference: str) -> None:
    """Stores the wish for a code. Looks nothing up."""
    tx.codes.request(conversation_id, reference)
    tx.audit.record("code_requested", by="person", conversation_id=conversation_id)


async def issue_next_code(store: Store, *, codes: CodeBook, texts: ServiceTexts) -> bool:
    """Issues one requested code, real or decoy. False when none is waiting."""
    request = await store.read(lambda tx: tx.codes.next_requested())
    if request is None:
        return False
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    code_hash = codes.hash(code)
    await store.write(lambda tx: _issue(tx, request, code, code_hash, texts))
    return True


def _issue(tx: Transaction, request: CodeRequest, code: str, code_hash: str, texts: ServiceTexts) -> None:
    found = tx.cases.find(request.reference)
    mobile = found.contact_mobile if found and _may_be_sent(tx, request, found) else None
    issued = tx.codes.issue(
        request.id,
        code_hash=code_hash,
        # Without somewhere to send it the code is a decoy: it can be tried, and never works.
        crime_reference=request.reference if mobile else None,
        expires_at=tx.now + timedelta(seconds=CODE_SECONDS),
    )
    if not issued or mobile is None:
        return
    recipient = tx.conversations.open(Channel.SMS, mobile)
    tx.outbox.record(
        OutboundMessage(
            # Filed under the contact of record, never under the asker: they may be different people.
            conversation_id=recipient.id,
            channel=Channel.SMS,
            to=mobile,
            text=texts.render("one_time_code", Channel.SMS, code=code),
            lane=Lane.ONE_TIME_CODE,
            author=Author.SERVICE,
            template="one_time_code",
            dedupe_key=f"code:{request.id}",
            epoch=recipient.epoch,
            valid_for_seconds=CODE_SECONDS,
        ),
        decision="code_to_contact_of_record",
    )
    tx.audit.record("code_sent", by="worker", conversation_id=recipient.id)


def _may_be_sent(tx: Transaction, request: CodeRequest, found: Case) -> bool:
    if tx.now - request.requested_at > timedelta(seconds=CODE_SECONDS):
        return False  # after an outage nobody is waiting for it any more
    plan = parse_safe_contact(found.safe_contact)
    asker = tx.conversations.get(request.conversation_id)
    # Whoever holds the contact of record and writes from it is answered; anyone else's typing must not
    # make that phone light up unless its owner agreed to texts they did not ask for.
    is_an_answer = asker.channel is Channel.SMS and asker.external_id == found.contact_mobile
    if not (may_reply(plan) if is_an_answer else may_send_unasked(plan, Channel.SMS)):
        return False
    asked = tx.codes.count_requests(request.conversation_id, since=tx.now - timedelta(hours=1))
    if is_an_answer:
        # What strangers used up must not lock the contact of record out (auth.md §4).
        return asked <= MAX_REQUESTS_AN_HOUR
    sent = tx.codes.count_sends(request.reference, since=tx.now - timedelta(days=1))
    return asked <= MAX_REQUESTS_AN_HOUR and sent < MAX_SENDS_A_DAY


def find_provable_case(tx: Transaction, conversation_id: str, code: str, *, codes: CodeBook) -> str | None:
    """Reads only: the case this code, from this conversation, now, would prove a link to."""
    pending = tx.codes.find_pending(conversation_id, max_failures=MAX_FAILURES)
    if not codes.matches(code, pending.code_hash if pending else None):
        return None
    return pending.crime_reference if pending else None


def refuse_code(tx: Transaction, conversation_id: str) -> None:
    """Counts one failure against the code that is out, if one is."""
    pending = tx.codes.find_pending(conversation_id, max_failures=MAX_FAILURES)
    if pending is not None:
        tx.codes.count_failure(pending.id)
        tx.audit.record("code_refused", by="person", conversation_id=conversation_id)


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
    tx.standings.record(conversation_id, proved, Standing.LINKED, method="code")
    tx.audit.record("standing_linked", by="person", conversation_id=conversation_id)
    return True
