"""A person's copy of everything kept about them: asked for, looked through, agreed on, given.

Nothing is given that nobody has looked at, and nothing is held back on the word of one person alone. What each
function changes is in the record in the same transaction. The law's days and reasons: model/access_requests.py.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from casework.model.access_requests import (
    OPEN,
    RequestStatus,
    RestrictionReason,
    Verdict,
    add_months,
    load_access_rules,
)
from casework.model.desk import HandoffReason
from casework.model.errors import ReasonNeeded, WaymarkError
from casework.model.holds import HoldReason, Subject, SubjectKind
from casework.model.may_tell import Piece
from casework.model.working_days import local_day
from casework.services import holds
from casework.services.access_ports import AccessItem, AccessRequest, NewRequest, Spans
from casework.services.hand_off import request_person
from casework.services.owners import check_reason
from casework.services.ports import StaffMember, Transaction
from casework.services.proved import StandingTooLow, find_proved

LONGEST_NAME = 200
HOLD = HoldReason.ACCESS_REQUEST
HELD_WHY = "They have asked for a copy"
LET_GO_WHY = "The request for a copy is over"
ASKED_HERE = "Asked on their own page, behind their PIN or key. Ring them before anything is handed over"
PERSON = "person"


class RequestNotFound(WaymarkError):
    """No request has this id."""


class PersonNotFound(WaymarkError):
    """No case of that reference, or it is linked to nobody."""


class RequestOpenAlready(WaymarkError):
    """This person has asked, and has not had it yet."""


class RequestOver(WaymarkError):
    """It is not at a point where this can be done: given, closed, or ready and not opened again."""


class ItemChanged(WaymarkError):
    """It is not there any more, or says something else than on the page they read."""


class WordsNotFound(WaymarkError):
    """The words to hold back do not stand in it, letter for letter."""


class StillToLook(WaymarkError):
    """Something has not been looked at, or a second person has not agreed yet."""

    def __init__(self, unlooked: int, unagreed: int) -> None:
        super().__init__(f"{unlooked} to look at, {unagreed} to agree on")
        self.unlooked = unlooked
        self.unagreed = unagreed


class SecondPersonNeeded(WaymarkError):
    """Whoever decided to hold something back does not agree to it as well."""


class PutOffTooLate(WaymarkError):
    """It was put off already, or the first month is over."""


def open_request(
    tx: Transaction,
    crime_reference: str,
    *,
    asked_on: date,
    asked_by: str,
    identity: str,
    names_staff: bool,
    by: StaffMember,
) -> str:
    """The new request's id, for all cases of that case's person. While it is open nothing of theirs is deleted.

    Raises PersonNotFound, ReasonNeeded without who asked and how they proved it, RequestOpenAlready.
    """
    reach = tx.people.find_of_case(crime_reference)
    if reach is None:
        raise PersonNotFound
    asked = NewRequest(
        person_id=reach.person_id,
        asked_on=min(asked_on, local_day(tx.now)),
        asked_by=_check_name(asked_by),
        identity=check_reason(identity),
        due_on=add_months(min(asked_on, local_day(tx.now)), load_access_rules().months),
        names_staff=names_staff,
    )
    return _open(tx, asked, by=by.id)


def ask_for_own_copy(tx: Transaction, conversation_id: str) -> str:
    """The same by the person themselves, on the web: the request's id. It is a task of the desk as well.

    Raises StandingTooLow below what opens a copy of the words, PersonNotFound, RequestOpenAlready.
    """
    proved = find_proved(tx, conversation_id)
    if proved.case is None or Piece.MESSAGE_HISTORY not in proved.told:
        raise StandingTooLow
    reach = tx.people.find_of_case(proved.case.crime_reference)
    if reach is None:
        raise PersonNotFound
    today = local_day(tx.now)
    asked = NewRequest(
        person_id=reach.person_id,
        asked_on=today,
        asked_by=_check_name(proved.case.victim_name.strip()[:LONGEST_NAME] or PERSON),
        identity=ASKED_HERE,
        due_on=add_months(today, load_access_rules().months),
        names_staff=False,
    )
    request_id = _open(tx, asked, by=None, conversation_id=conversation_id)
    request_person(tx, conversation_id, HandoffReason.COPY_ASKED, inbox_id=None)
    return request_id


def find_own_request(tx: Transaction, conversation_id: str) -> AccessRequest | None:
    """What has become of it, for their own page; None below that standing, and where none is open."""
    proved = find_proved(tx, conversation_id)
    if proved.case is None or Piece.MESSAGE_HISTORY not in proved.told:
        return None
    reach = tx.people.find_of_case(proved.case.crime_reference)
    return None if reach is None else tx.access_requests.find_open(reach.person_id)


def _open(tx: Transaction, asked: NewRequest, *, by: str | None, conversation_id: str | None = None) -> str:
    request_id = tx.access_requests.open(asked, by=by)
    if request_id is None:
        raise RequestOpenAlready
    who = by or PERSON
    tx.audit.record("access_request_opened", by=who, conversation_id=conversation_id, thing=request_id)
    review_on = max(asked.due_on, local_day(tx.now) + timedelta(days=1))
    holds.place(tx, _person(asked.person_id), HOLD, why=HELD_WHY, review_on=review_on, by=who)
    return request_id


def get_request(tx: Transaction, request_id: str) -> AccessRequest:
    found = tx.access_requests.find(request_id)
    if found is None:
        raise RequestNotFound
    return found


def give_items(tx: Transaction, request_id: str, shown: Mapping[str, str], *, by: StaffMember) -> None:
    """Looked at, and nothing in them is held back; of a conversation: it is theirs. `shown`: each digest by its key.

    Raises ItemChanged, and then nothing is recorded.
    """
    for item in _get_items(tx, request_id, shown):
        tx.access_requests.decide(request_id, item, Verdict.GIVE, by=by.id)
        tx.audit.record("access_item_looked_at", by=by.id, thing=_name(request_id, item))


def hold_back(
    tx: Transaction,
    request_id: str,
    key: str,
    digest: str,
    *,
    reason: RestrictionReason,
    why: str,
    words: Sequence[str],
    is_told: bool,
    by: StaffMember,
) -> None:
    """Enters a restriction in the register, for somebody else to agree to. `words`: only these; none: all of it.

    `is_told` False, where even telling would defeat it (s.45(6)), is of all of it. Raises ItemChanged, ReasonNeeded,
    WordsNotFound.
    """
    [item] = _get_items(tx, request_id, {key: digest})
    spans = find_spans(item, words) if words else None
    if item.is_conversation or (spans is not None and not is_told):
        raise WordsNotFound
    tx.access_requests.decide(
        request_id,
        item,
        Verdict.HOLD_BACK,
        by=by.id,
        reason=reason,
        why=check_reason(why),
        spans=spans,
        is_told=is_told,
    )
    tx.audit.record("access_item_held_back", by=by.id, thing=_name(request_id, item))


def leave_out_conversation(
    tx: Transaction, request_id: str, key: str, digest: str, *, why: str, by: StaffMember
) -> None:
    """It is somebody else's, who wrote from the same number; a second person agrees to that as well."""
    [item] = _get_items(tx, request_id, {key: digest})
    if not item.is_conversation:
        raise ItemChanged
    tx.access_requests.decide(request_id, item, Verdict.NOT_THEIRS, by=by.id, why=check_reason(why))
    tx.audit.record("access_conversation_left_out", by=by.id, thing=_name(request_id, item))


def find_spans(item: AccessItem, words: Sequence[str]) -> Spans:
    """Every place of each of them, by column; never the words. Raises WordsNotFound for one that is nowhere in it."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for each in words:
        pattern = match_words(each)
        places = [
            (name, match.span()) for name, text in item.texts.items() for match in pattern.finditer(text)
        ]
        if not each.strip() or not places:
            raise WordsNotFound
        for name, place in places:
            spans.setdefault(name, []).append(place)
    return spans


def match_words(words: str) -> re.Pattern[str]:
    """These words however they are spaced or capitalised."""
    return re.compile(r"\s+".join(re.escape(word) for word in words.split()), re.IGNORECASE)


def answer_second(
    tx: Transaction, request_id: str, key: str, digest: str, *, agrees: bool, by: StaffMember
) -> None:
    """A second person's word on what is not given; a no puts it back among what is to be looked at."""
    [item] = _get_items(tx, request_id, {key: digest})
    if item.decision is None or not item.waits_for_second:
        raise ItemChanged
    if item.decision.decided_by == by.id:
        raise SecondPersonNeeded
    if agrees:
        tx.access_requests.agree(request_id, item.key, by=by.id)
    else:
        tx.access_requests.forget(request_id, item.key)
    act = "access_restriction_agreed" if agrees else "access_restriction_refused"
    tx.audit.record(act, by=by.id, thing=_name(request_id, item))


def finish_looking(tx: Transaction, request_id: str, *, by: StaffMember) -> None:
    """Ready to be given. Raises StillToLook, and RequestOver for one that is not being looked through."""
    request = get_request(tx, request_id)
    if request.status is not RequestStatus.LOOKING:
        raise RequestOver
    check_all_looked_at(tx.access_requests.list_items(request_id))
    tx.access_requests.set_status(request_id, RequestStatus.READY, by=by.id)
    tx.audit.record("access_request_ready", by=by.id, thing=request_id)


def check_all_looked_at(items: Sequence[AccessItem]) -> None:
    """Raises StillToLook."""
    unlooked = sum(not item.is_looked_at for item in items)
    unagreed = sum(item.waits_for_second for item in items)
    if unlooked or unagreed:
        raise StillToLook(unlooked, unagreed)


def look_again(tx: Transaction, request_id: str, *, by: StaffMember) -> None:
    """Back to looking: they have written since, or something was decided wrongly."""
    if get_request(tx, request_id).status is not RequestStatus.READY:
        raise RequestOver
    tx.access_requests.set_status(request_id, RequestStatus.LOOKING, by=by.id)
    tx.audit.record("access_request_looked_again", by=by.id, thing=request_id)


def put_off(tx: Transaction, request_id: str, *, why: str, by: StaffMember) -> None:
    """By the further months the law allows, once; the person is told why before the first month is over.

    Raises PutOffTooLate, ReasonNeeded, RequestOver.
    """
    request = _get_open(tx, request_id)
    if request.put_off_why is not None or local_day(tx.now) > request.due_on:
        raise PutOffTooLate
    rules = load_access_rules()
    due_on = add_months(request.asked_on, rules.months + rules.further_months)
    tx.access_requests.put_off(request_id, due_on=due_on, why=check_reason(why))
    tx.audit.record("access_request_put_off", by=by.id, thing=request_id)


def record_copy(
    tx: Transaction, request_id: str, sha256: str, conversations: Sequence[str], *, by: str
) -> None:
    """Before the first byte leaves: who took which copy, of which conversations. Raises RequestOver."""
    if get_request(tx, request_id).status is not RequestStatus.READY:
        raise RequestOver
    tx.access_requests.record_copy(request_id, sha256)
    tx.audit.record("access_copy_taken", by=by, thing=f"{request_id}:{sha256[:32]}")
    for conversation_id in conversations:
        tx.audit.record("access_copy_taken", by=by, conversation_id=conversation_id, thing=request_id)


def record_given(tx: Transaction, request_id: str, *, how: str, by: StaffMember) -> None:
    """The person has it. Raises RequestOver where no copy was made since it was ready, ReasonNeeded without how."""
    request = get_request(tx, request_id)
    if request.status is not RequestStatus.READY or request.copy_sha256 is None:
        raise RequestOver
    tx.access_requests.set_status(request_id, RequestStatus.GIVEN, by=by.id, how=check_reason(how))
    tx.audit.record("access_copy_given", by=by.id, thing=request_id)
    _let_go(tx, request, by)


def close_request(tx: Transaction, request_id: str, *, why: str, by: StaffMember) -> None:
    """Without a copy: taken back, or not theirs to ask. Raises RequestOver, ReasonNeeded."""
    request = _get_open(tx, request_id)
    tx.access_requests.set_status(request_id, RequestStatus.CLOSED, by=by.id, how=check_reason(why))
    tx.audit.record("access_request_closed", by=by.id, thing=request_id)
    _let_go(tx, request, by)


def _let_go(tx: Transaction, request: AccessRequest, by: StaffMember) -> None:
    """Whatever else holds them stays."""
    for hold in tx.holds.list_on([_person(request.person_id)]):
        if hold.reason is HOLD:
            holds.lift(tx, hold.id, why=LET_GO_WHY, by=by.id)


def _person(person_id: str) -> Subject:
    return Subject(kind=SubjectKind.PERSON, id=person_id)


def _get_open(tx: Transaction, request_id: str) -> AccessRequest:
    request = get_request(tx, request_id)
    if request.status not in OPEN:
        raise RequestOver
    return request


def _get_items(tx: Transaction, request_id: str, shown: Mapping[str, str]) -> list[AccessItem]:
    """The items as they read them, of a request that is being looked through."""
    if get_request(tx, request_id).status is not RequestStatus.LOOKING:
        raise RequestOver
    found = [each for each in tx.access_requests.list_items(request_id) if shown.get(each.key) == each.digest]
    if len(found) != len(shown):
        raise ItemChanged
    return found


def _name(request_id: str, item: AccessItem) -> str:
    """As the record names it: the end of a long key is in the register."""
    return f"{request_id}:{item.key}"[:96]


def _check_name(asked_by: str) -> str:
    said = " ".join(asked_by.split())
    if not 0 < len(said) <= LONGEST_NAME:
        raise ReasonNeeded
    return said
