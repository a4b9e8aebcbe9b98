"""Who may have a sealed record made, and that it stands in the audit before anything is read.

Red when: the relation is not asked (`test_who_does_not_have_it_is_refused`); a drill is let through
(`test_a_drill_is_no_record`); the asking is not recorded (`test_the_asking_and_the_record_itself_are_on_record`).
"""

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.keeping_tables import erasure, record_export_words
from casework.adapters.storage.tables import audit, conversation, staff_member
from casework.model.audit_acts import ActKind, load_acts
from casework.model.errors import ConversationNotFound, ReasonNeeded
from casework.model.messages import Channel
from casework.model.policy import Relation
from casework.model.standings import Standing
from casework.services.disclosure_export import (
    Asked,
    CaseUnknown,
    DrillNotExported,
    ExportReason,
    ExportRefused,
    RecordErased,
    ask_case,
    ask_conversation,
    note_made,
    read_asked,
)
from casework.services.disclosure_export_ports import ExportScope
from casework.services.ports import StaffMember
from tests.support.builders import REFERENCE
from tests.support.clock import SetClock
from tests.support.line import Line

ASKED = Asked(reason=ExportReason.COURT, number="OP-12/26")


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def a_member(line: Line, role: str) -> StaffMember:
    member = line.add_staff(role)

    def become(tx: object) -> StaffMember:
        tx.connection.execute(  # type: ignore[attr-defined]
            sa.update(staff_member).where(staff_member.c.id == member.id).values(role=role)
        )
        found: StaffMember = tx.staff.get(member.id)  # type: ignore[attr-defined]
        return found

    return line.database.write_now(become)


def ask(line: Line, conversation_id: str, by: StaffMember, relation: Relation = Relation.NONE) -> ExportScope:
    return line.database.write_now(
        lambda tx: ask_conversation(tx, conversation_id, by=by, relations=[relation], asked=ASKED)
    )


def test_whoever_has_it_may_and_a_supervisor_may_always(line: Line) -> None:
    conversation_id = line.open("+447700900002")

    for role, relation in (("investigator", Relation.OWNER), ("supervisor", Relation.NONE)):
        scope = ask(line, conversation_id, a_member(line, role), relation)
        assert scope == ExportScope(conversation_ids=(conversation_id,))


@pytest.mark.parametrize(
    ("role", "relation"),
    [
        *(("investigator", each) for each in Relation if each is not Relation.OWNER),
        ("triage", Relation.GLASS),
        *((role, Relation.OWNER) for role in ("admin", "auditor", "trainer")),
    ],
)
def test_who_does_not_have_it_is_refused(line: Line, role: str, relation: Relation) -> None:
    conversation_id = line.open("+447700900002")
    member = a_member(line, role)

    with pytest.raises(ExportRefused):
        ask(line, conversation_id, member, relation)
    assert [row.act for row in line.rows(audit)] == []


def test_a_whole_case_is_for_supervisors_alone(line: Line) -> None:
    line.add_cases()
    first = line.open("+447700900002")
    line.database.write_now(lambda tx: tx.standings.record(first, REFERENCE, Standing.LINKED, method="code"))

    investigator, supervisor = a_member(line, "investigator"), a_member(line, "supervisor")

    with pytest.raises(ExportRefused):
        line.database.write_now(lambda tx: ask_case(tx, REFERENCE, by=investigator, asked=ASKED))
    scope = line.database.write_now(lambda tx: ask_case(tx, REFERENCE, by=supervisor, asked=ASKED))

    assert scope == ExportScope(conversation_ids=(first,), crime_reference=REFERENCE)
    [row] = line.rows(audit, act="record_export_asked")
    assert (row.conversation_id, row.thing) == (first, f"court:OP-12/26:{REFERENCE}")


def test_a_case_without_a_conversation_is_on_record_too(line: Line) -> None:
    line.add_cases()
    supervisor = a_member(line, "supervisor")

    scope = line.database.write_now(lambda tx: ask_case(tx, REFERENCE, by=supervisor, asked=ASKED))

    assert scope.conversation_ids == ()
    assert line.row(audit, act="record_export_asked").conversation_id is None
    with pytest.raises(CaseUnknown):
        line.database.write_now(lambda tx: ask_case(tx, "43260000000", by=supervisor, asked=ASKED))


def test_a_drill_is_no_record(line: Line) -> None:
    drill = line.database.write_now(lambda tx: tx.conversations.open(Channel.SMS, "drill:1").id)
    line.database.write_now(lambda tx: tx.connection.execute(sa.update(conversation).values(is_drill=True)))

    with pytest.raises(DrillNotExported):
        ask(line, drill, a_member(line, "supervisor"))


def test_one_that_was_erased_says_so_and_one_that_never_was_does_not(line: Line) -> None:
    gone, supervisor = "e" * 32, a_member(line, "supervisor")
    line.database.write_now(
        lambda tx: tx.connection.execute(
            sa.insert(erasure).values(
                id="a" * 32, subject_kind="conversation", subject_id=gone, reason="asked", asked_by="x",
                asked_at=tx.now, stage="done", counts={}, finished_at=tx.now,
            )
        )
    )  # fmt: skip

    with pytest.raises(RecordErased, match=f"erased on {line.clock.now():%Y-%m-%d}"):
        ask(line, gone, supervisor)
    with pytest.raises(ConversationNotFound):
        ask(line, "f" * 32, supervisor)


def test_the_asking_and_the_record_itself_are_on_record(line: Line) -> None:
    conversation_id, supervisor = line.open("+447700900002"), a_member(line, "supervisor")

    scope = ask(line, conversation_id, supervisor)
    line.database.write_now(lambda tx: note_made(tx, scope, by=supervisor, manifest_sha256="a" * 64))

    told = [(row.act, row.actor, row.conversation_id, row.thing) for row in line.rows(audit)]
    assert told == [
        ("record_export_asked", supervisor.id, conversation_id, "court:OP-12/26"),
        ("record_exported", supervisor.id, conversation_id, "a" * 64),
    ]
    assert load_acts()["record_exported"].kind is ActKind.DISCLOSURE


@pytest.mark.parametrize(
    ("typed", "kept"), [("op-12/26", "OP-12/26"), (" mg6c  item 4 ", "MG6C-ITEM-4"), ("12345", "12345")]
)
def test_a_number_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert read_asked("schedule", typed) == Asked(reason=ExportReason.SCHEDULE, number=kept)


@pytest.mark.parametrize(
    ("reason", "number"),
    [
        ("", "12345"),
        ("because", "12345"),
        ("court", ""),
        ("court", "12"),
        ("court", "no figure"),
        ("court", "1" * 33),
        ("court", "1234\u202e"),
        ("court", "-12345"),
    ],
)
def test_without_a_reason_or_a_number_nothing_is_asked(reason: str, number: str) -> None:
    with pytest.raises(ReasonNeeded):
        read_asked(reason, number)


def test_words_of_ones_own_are_kept_sealed_and_the_audit_says_only_that_there_are_some(line: Line) -> None:
    """Red when: the words go into the audit; `keep_words` is not called."""
    conversation_id = line.open("+447700900002")
    by = a_member(line, "supervisor")
    asked = read_asked("complaint", "op-12/26", "  Canary   words of staff ")

    line.database.write_now(
        lambda tx: ask_conversation(tx, conversation_id, by=by, relations=[], asked=asked)
    )

    [said] = line.database.read_now(lambda tx: tx.export_reads.list_words(conversation_id))
    assert (said.words, said.by) == ("Canary words of staff", by.display_name)
    stored = line.database.read_now(
        lambda tx: tx.connection.exec_driver_sql("SELECT words FROM record_export_words").scalar_one()
    )
    assert "Canary" not in stored
    [row] = line.rows(audit, act="record_export_asked")
    assert row.thing == "complaint:OP-12/26:with_words"
    assert line.row(record_export_words).conversation_id == conversation_id


def test_words_about_a_whole_case_are_the_cases(line: Line) -> None:
    line.add_cases()
    by = a_member(line, "supervisor")

    line.database.write_now(
        lambda tx: ask_case(tx, REFERENCE, by=by, asked=read_asked("court", "op-12/26", "The judge asked"))
    )

    row = line.row(record_export_words)
    assert (row.conversation_id, row.crime_reference, row.words) == (None, REFERENCE, "The judge asked")


def test_more_words_than_fit_are_refused() -> None:
    with pytest.raises(ReasonNeeded):
        read_asked("court", "op-12/26", "x" * 501)
