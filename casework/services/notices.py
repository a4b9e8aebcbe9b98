"""Keeping a victim informed: news of a case becomes a text that says nothing, or first a task for a person.

The hook only writes down what is news, in the transaction of the import. The worker does the rest, one notice at a
time, so that an import never waits for a conversation nor a conversation for an import.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from casework.model.case_changes import STAGE_CHANGED, CaseChange, StoredCase
from casework.model.cases import Case
from casework.model.code_clock import what_happened
from casework.model.desk import GRADE_OF_REASON, Grade, HandoffReason
from casework.model.errors import WaymarkError
from casework.model.messages import Author, Lane, OutboundMessage, SendKind
from casework.model.notices import CaseNotice, NoticeRules, NoticeStatus, find_victim_told
from casework.model.safe_contact import SendDecision
from casework.model.stages import VICTIM_TOLD, needs_human_first
from casework.model.working_days import local_day
from casework.services import outgoing
from casework.services.ports import Conversation, Store, Transaction
from casework.services.reach import list_addresses, open_item_of_case
from casework.services.service_texts import ServiceTexts

UPDATE_WAITING = "update_waiting"
NO_ADDRESS = "no_address"  # stands where a SendReason does
BY_WORKER = "worker"
BY_CASE_FILE = "case file"
REASONS = (HandoffReason.TELL_VICTIM_FIRST, HandoffReason.UPDATE_BLOCKED)
SAID_WITHOUT_EVENT = "stage:"  # how case_changes names a stage that changed and no event said so


class NewsUnknown(WaymarkError):
    """Nothing of this name waits in this case for a person to tell it."""


@dataclass(frozen=True, kw_only=True)
class Informing:
    """What the worker's step needs, wired once."""

    store: Store
    texts: ServiceTexts
    rules: NoticeRules


# --- writing down what is news ------------------------------------------------------------------


def note_change(tx: Transaction, change: CaseChange, *, rules: NoticeRules) -> None:
    """One notice for an event that is news, and none for history; a `victim_told` ends those it tells of."""
    event, case = change.event.told, change.after
    if change.is_history:
        return
    if event.kind == VICTIM_TOLD:
        _end_told(tx, case, rules)
        _release(tx, case)
        return
    if rules.find_news(event) is None or rules.is_too_old(event, tx.now) or _is_said_again(change):
        return
    needs_person = rules.needs_person(event, case.crime_type)
    if _is_overtaken(change) and not needs_person:
        return
    notice_id = tx.notices.record(
        crime_reference=case.crime_reference,
        event_id=change.event.event_id,
        kind=what_happened(event),
        happened_at=event.at,
        needs_person=needs_person,
        not_before=tx.now if needs_person else tx.now + rules.gather,
        import_id=change.import_id,
    )
    if notice_id is not None:
        _end_told(tx, case, rules)


def _end_told(tx: Transaction, case: Case, rules: NoticeRules) -> None:
    """What the events of the case say a person has told them of."""
    for notice in tx.notices.list_of_cases([case.crime_reference]):
        told_at = _find_told_at(notice, case, rules, tx.now) if is_untold(notice) else None
        if told_at is not None:
            tx.notices.record_told([notice.id], at=told_at, by=BY_CASE_FILE)
            close_items_of(tx, [notice.id])


def _release(tx: Transaction, case: Case) -> None:
    """What waited for a person to tell something first may go on; an item for its sake has nothing left to ask."""
    if is_withheld(tx, case):
        return
    left = [each for each in tx.notices.list_of_cases([case.crime_reference]) if not each.needs_person]
    close_items_of(tx, [each.id for each in left], reasons=[HandoffReason.TELL_VICTIM_FIRST])
    waiting = [each.id for each in left if each.status is NoticeStatus.WAITING and each.not_before > tx.now]
    tx.notices.postpone(waiting, tx.now)


def is_untold(notice: CaseNotice) -> bool:
    return notice.told_by_person_at is None and notice.status is not NoticeStatus.VOID


def _find_told_at(notice: CaseNotice, case: Case, rules: NoticeRules, now: datetime) -> datetime | None:
    return find_victim_told(notice.kind, notice.happened_at, case.events, names=rules.names, now=now)


def _is_said_again(change: CaseChange) -> bool:
    """A stage the case stands in already: a file and the feed both tell of it."""
    event, before = change.event, change.before
    return event.kind == STAGE_CHANGED and before is not None and before.stage == event.detail


def _is_overtaken(change: CaseChange) -> bool:
    return change.event.kind == STAGE_CHANGED and change.after.stage != change.event.detail


def close_items_of(
    tx: Transaction, notice_ids: Sequence[str], *, reasons: Sequence[HandoffReason] = REASONS
) -> None:
    tx.notices.close_items([f"{reason.value}:{notice_id}" for reason in reasons for notice_id in notice_ids])


# --- the worker ---------------------------------------------------------------------------------


async def send_next_notice(informing: Informing) -> bool:
    """Brings one waiting notice on its way: a text, a task for a person, or a later look. False when none is due."""
    due = await informing.store.read(lambda tx: tx.notices.next_due())
    if due is None:
        return False
    try:
        await informing.store.write(
            lambda tx: settle_notice(tx, due.id, texts=informing.texts, rules=informing.rules)
        )
    except Exception:
        # One that cannot be settled must not stand before all the others.
        await informing.store.write(lambda tx: tx.notices.postpone([due.id], tx.now + informing.rules.again))
        raise
    return True


def settle_notice(tx: Transaction, notice_id: str, *, texts: ServiceTexts, rules: NoticeRules) -> None:
    """The same in one transaction; nothing when another worker was first."""
    reference = tx.notices.get(notice_id).crime_reference
    stored = tx.cases.find_stored([reference], hold=True)[reference]
    notice = tx.notices.get(notice_id)
    if notice.status is not NoticeStatus.WAITING or notice.not_before > tx.now:
        return
    if not still_stands(notice.event_id, stored):
        tx.notices.void([notice.id])
        tx.audit.record("notice_void", by=BY_WORKER, thing=f"notice:{notice.id}")
    elif notice.needs_person:
        _open_item(tx, [notice], stored.case, HandoffReason.TELL_VICTIM_FIRST, rules=rules)
        tx.notices.give_to_person([notice.id])
    elif is_withheld(tx, stored.case):
        if not _is_person_asked(tx, stored.case):
            # A stage from before all notices, of which nobody was told, hides what is new.
            _open_item(tx, [notice], stored.case, HandoffReason.TELL_VICTIM_FIRST, rules=rules)
        tx.notices.postpone([notice.id], tx.now + rules.again)
    else:
        _write(tx, notice, stored.case, texts=texts, rules=rules)


def still_stands(event_id: str, stored: StoredCase) -> bool:
    """False once a file takes back what it told: the event is gone, or the stage began earlier than that."""
    if not event_id.startswith(SAID_WITHOUT_EVENT):
        return event_id in stored.events
    return stored.case.stage_since >= date.fromisoformat(event_id.rpartition(":")[2])


def is_withheld(tx: Transaction, case: Case) -> bool:
    """Whether news of this case waits for a person: until they told it the assistant says nothing new of it."""
    return needs_human_first(case) or _is_person_asked(tx, case)


def _is_person_asked(tx: Transaction, case: Case) -> bool:
    return any(notice.is_withheld for notice in tx.notices.list_of_cases([case.crime_reference]))


def _open_item(
    tx: Transaction,
    notices: Sequence[CaseNotice],
    case: Case,
    reason: HandoffReason,
    *,
    rules: NoticeRules,
) -> None:
    """One item for all of them, under the name of the first."""
    is_urgent = reason is HandoffReason.TELL_VICTIM_FIRST and any(
        rules.is_urgent(each.kind) for each in notices
    )
    grade = Grade.HIGH if is_urgent else GRADE_OF_REASON[reason]
    open_item_of_case(tx, case, reason, grade=grade, about=notices[0].id)


def _write(
    tx: Transaction, notice: CaseNotice, case: Case, *, texts: ServiceTexts, rules: NoticeRules
) -> None:
    """One text for everything that waits for this person, where and when their plan allows it."""
    offers = [
        (conversation, message, outgoing.decide(tx, message))
        for conversation, message in _list_offers(tx, notice, case, texts)
    ]
    for conversation, message, decision in offers:
        if decision.allowed:
            _send_once(tx, notice, case, conversation, message, rules=rules)
            return
    later = [each.allowed_from for _, _, each in offers if each.allowed_from is not None]
    if later:
        tx.notices.postpone([notice.id], min(later))
        return
    together = [each for each in _list_writable(tx, [case.crime_reference]) if each.not_before <= tx.now]
    why = _why_blocked([decision for _, _, decision in offers])
    _open_item(tx, together, case, HandoffReason.UPDATE_BLOCKED, rules=rules)
    tx.notices.give_to_person([each.id for each in together], blocked_why=why)


def _list_offers(
    tx: Transaction, notice: CaseNotice, case: Case, texts: ServiceTexts
) -> list[tuple[Conversation, OutboundMessage]]:
    opened = [tx.conversations.open(channel, to) for channel, to in list_addresses(tx, case)]
    return [(conversation, _message(notice, conversation, texts)) for conversation in opened]


def _message(notice: CaseNotice, conversation: Conversation, texts: ServiceTexts) -> OutboundMessage:
    return outgoing.address(
        conversation,
        texts.render(UPDATE_WAITING, conversation.channel),
        lane=Lane.STAFF,
        author=Author.SERVICE,
        template=UPDATE_WAITING,
        dedupe_key=f"notice:{notice.id}",
        kind=SendKind.CASE_UPDATE,
    )


def _why_blocked(decisions: Sequence[SendDecision]) -> str:
    return decisions[0].reason.value if decisions else NO_ADDRESS


def _send_once(
    tx: Transaction,
    notice: CaseNotice,
    case: Case,
    conversation: Conversation,
    message: OutboundMessage,
    *,
    rules: NoticeRules,
) -> None:
    """Held conversation: another worker with news of the same person has written before or waits."""
    is_of_record = message.to == case.contact_mobile
    cases = tx.notices.list_cases_of_person(case) if is_of_record else [case.crime_reference]
    together = [each.id for each in _list_writable(tx, cases)]
    if notice.id not in together:
        tx.notices.postpone([notice.id], tx.now + rules.again)
        return
    next_text_at = _find_next_text_at(tx, case, rules)
    if conversation.owner_id is not None:
        tx.notices.postpone([notice.id], tx.now + rules.again)
    elif next_text_at is not None and next_text_at > tx.now:
        tx.notices.postpone(together, next_text_at)
    elif outgoing.send(tx, message) is not None:
        tx.notices.record_text(together)
        tx.audit.record(
            "victim_notified", by=BY_WORKER, conversation_id=conversation.id, thing=f"notice:{notice.id}"
        )


def _list_writable(tx: Transaction, cases: Sequence[str]) -> list[CaseNotice]:
    """What waits to be written of, in cases from which nothing is withheld."""
    waiting = [each for each in tx.notices.list_of_cases(cases) if each.status is NoticeStatus.WAITING]
    withheld = {
        reference
        for reference in {each.crime_reference for each in waiting}
        if (found := tx.cases.find(reference)) is None or is_withheld(tx, found)
    }
    return [each for each in waiting if each.crime_reference not in withheld and not each.needs_person]


def _find_next_text_at(tx: Transaction, case: Case, rules: NoticeRules) -> datetime | None:
    """No second text while the first is unread; None where they have read what the last one was about."""
    noticed = [
        each.noticed_at
        for each in tx.notices.list_of_cases(tx.notices.list_cases_of_person(case))
        if each.noticed_at is not None and each.read_at is None and each.told_by_person_at is None
    ]
    return max(noticed) + rules.between_texts if noticed else None


# --- when they have read it, or a person has told them ------------------------------------------


def note_read(tx: Transaction, case: Case) -> list[str]:
    """Everything of a case of which nothing is withheld has now been read; the ids of the notices it was."""
    notices = tx.notices.list_of_cases([case.crime_reference])
    read = [each.id for each in notices if each.status is not NoticeStatus.VOID and each.read_at is None]
    tx.notices.record_read(read)
    close_items_of(tx, read)
    return read


def list_to_tell(tx: Transaction, case: Case) -> list[tuple[str, datetime | None]]:
    """What a person has to tell them, as `what_happened` names it, and since when: of an old stage only the day
    is known, so None."""
    notices = [
        each
        for each in tx.notices.list_of_cases([case.crime_reference])
        if each.status is NoticeStatus.WITH_PERSON or each.is_withheld
    ]
    listed: list[tuple[str, datetime | None]] = [(each.kind, each.happened_at) for each in notices]
    if needs_human_first(case) and case.stage not in {kind for kind, _ in listed}:
        listed.append((case.stage, None))
    return listed


def get_earliest_telling(tx: Transaction, case: Case, news: str) -> date:
    """The day before which nobody can have told them of it. Raises NewsUnknown."""
    days = [
        local_day(at) if at is not None else case.stage_since
        for kind, at in list_to_tell(tx, case)
        if kind == news
    ]
    if not days:
        raise NewsUnknown(news)
    return min(days)
