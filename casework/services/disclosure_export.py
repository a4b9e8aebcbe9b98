"""Who may have a sealed record made, for what, and that it is on record before a byte of it is anybody's.

What stands in it is `disclosure_export_records`; how it is written, `casework/adapters/disclosure_export_bundle.py`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from casework.model.errors import ConversationNotFound, ReasonNeeded, WaymarkError
from casework.model.policy import Action, Relation, can_through_any
from casework.services.disclosure_export_ports import ExportScope
from casework.services.ports import StaffMember, Transaction

LONGEST_WORDS = 500
WITH_WORDS = "with_words"
NUMBER = re.compile(r"(?=.*[0-9])[0-9A-Z][0-9A-Z/-]{2,31}")


class ExportReason(StrEnum):
    """What it is made for. A closed list: the audit holds no words of anybody's."""

    SCHEDULE = "schedule"  # to be described on a disclosure schedule
    CASE_FILE = "case_file"  # evidence for the case file
    COURT = "court"  # a court or a prosecutor asked
    COMPLAINT = "complaint"  # a complaint, or how staff acted
    REVIEW = "review"  # a decision in the case is looked at again
    FORCE_RECORD = "force_record"  # kept in the force's records system


class ExportRefused(WaymarkError):
    """Neither a supervisor nor whoever has the conversation."""


class DrillNotExported(WaymarkError):
    """A rehearsal is no record of anybody."""


class RecordErased(WaymarkError):
    """It was erased; the message says when."""


class CaseUnknown(WaymarkError):
    """No case has this reference."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Why it is made: for what, and the number under which that is found (a URN, a log, an entry of a schedule).

    `words`: what the list has no word for, or ""; kept sealed, and nowhere else.
    """

    reason: ExportReason
    number: str
    words: str = field(default="", repr=False)


def read_asked(reason: str, number: str, words: str = "") -> Asked:
    """What somebody chose and typed. Raises ReasonNeeded for another reason, no digit in the number, too many words."""
    cleaned = "-".join(number.upper().split())
    said = " ".join(words.split())
    if reason not in set(ExportReason) or not NUMBER.fullmatch(cleaned) or len(said) > LONGEST_WORDS:
        raise ReasonNeeded(
            f"Say what it is for ({', '.join(ExportReason)}) and the number it is found under: "
            f"3 to 32 letters, figures, / and -, with a figure among them. In words at most {LONGEST_WORDS} letters."
        )
    return Asked(reason=ExportReason(reason), number=cleaned, words=said)


def ask_conversation(
    tx: Transaction,
    conversation_id: str,
    *,
    by: StaffMember,
    relations: Collection[Relation],
    asked: Asked,
) -> ExportScope:
    """What its record is to be made of, with the asking on record. Commit this before anything is read.

    `relations`: how `by` stands to the conversation now.
    Raises ExportRefused, ConversationNotFound, RecordErased and DrillNotExported.
    """
    if not may_export_any(by) and not can_through_any(by.role, Action.EXPORT_RECORD, relations):
        raise ExportRefused(f"{by.login} does not have this conversation, and is no supervisor.")
    found = tx.export_reads.find_conversation(conversation_id)
    if found is None:
        _refuse_missing(tx, conversation_id)
    elif found["is_drill"]:
        raise DrillNotExported("This is a drill: there is no record of anybody in it.")
    scope = ExportScope(conversation_ids=(conversation_id,))
    _record_asked(tx, scope, by=by, asked=asked)
    return scope


def ask_case(tx: Transaction, crime_reference: str, *, by: StaffMember, asked: Asked) -> ExportScope:
    """The same for a case with all its conversations but drills. Raises ExportRefused and CaseUnknown."""
    if not may_export_any(by):
        raise ExportRefused("Only supervisors have the record of a whole case made.")
    if tx.cases.find(crime_reference) is None:
        raise CaseUnknown(f"No case has the reference {crime_reference}.")
    rows = tx.export_reads.list_conversations_of_case(crime_reference)
    scope = ExportScope(conversation_ids=tuple(row["id"] for row in rows), crime_reference=crime_reference)
    _record_asked(tx, scope, by=by, asked=asked)
    return scope


def may_export_any(by: StaffMember) -> bool:
    """By the role alone: a whole case, and a conversation that is nobody's any more."""
    return can_through_any(by.role, Action.EXPORT_ANY, Relation)


def note_made(tx: Transaction, scope: ExportScope, *, by: StaffMember, manifest_sha256: str) -> None:
    """The disclosure itself, by the hash that names the record. Commit this before anybody gets a byte."""
    _record(tx, "record_exported", scope, by=by, thing=manifest_sha256)


def _record_asked(tx: Transaction, scope: ExportScope, *, by: StaffMember, asked: Asked) -> None:
    of_case = f":{scope.crime_reference}" if scope.crime_reference else ""
    if asked.words:
        tx.export_reads.keep_words(scope, asked.words, at=tx.now, by=by.id)
    said = f":{WITH_WORDS}" if asked.words else ""
    thing = f"{asked.reason.value}:{asked.number}{of_case}{said}"
    _record(tx, "record_export_asked", scope, by=by, thing=thing)


def _record(tx: Transaction, act: str, scope: ExportScope, *, by: StaffMember, thing: str) -> None:
    """A row for each conversation, where whoever asks who had it looks; one without, for a case that has none."""
    for conversation_id in scope.conversation_ids or (None,):
        tx.audit.record(act, by=by.id, conversation_id=conversation_id, thing=thing)


def _refuse_missing(tx: Transaction, conversation_id: str) -> None:
    erased_at = tx.export_reads.find_erased_at(conversation_id)
    if erased_at is not None:
        raise RecordErased(f"This conversation was erased on {erased_at:%Y-%m-%d}. Nothing of it is left.")
    raise ConversationNotFound("No conversation has this id.")
