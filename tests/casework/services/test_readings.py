"""Who read what somebody wrote, as they are told it: by day and kind of person, never of today, on both databases.

Red when: today's reading is listed; what came after words of duress is; a name is there though the force shows none;
another conversation's readers are in the list.
"""

from datetime import date, timedelta

import pytest

from casework.adapters.storage.tables import audit
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.audit_acts import ActKind, load_acts
from casework.model.cases import Case
from casework.model.desk import Grade, HandoffReason
from casework.model.may_tell import FOR_EVERYONE, Piece
from casework.model.policy import Relation
from casework.model.readings import DEED_OF, Deed, find_deed
from casework.model.standings import Standing
from casework.model.working_days import local_day
from casework.services.desk import read_conversation
from casework.services.ports import StaffMember
from casework.services.proved import Proved
from casework.services.readings import Readers, open_readers
from tests.support.builders import a_case
from tests.support.line import Line

A_CASE: Case = a_case()
STEPPED_UP = Proved(standing=Standing.STEPPED_UP, case=A_CASE, told=FOR_EVERYONE | {Piece.MESSAGE_HISTORY})


def read(line: Line, by: StaffMember, conversation_id: str) -> None:
    line.database.write_now(
        lambda tx: read_conversation(tx, conversation_id, by=by, relations=(Relation.ON_QUEUE,))
    )


def list_readers(
    line: Line, conversation_id: str, *, is_named: bool = False, most: int = 100
) -> Readers | None:
    return line.database.write_now(
        lambda tx: open_readers(tx, conversation_id, STEPPED_UP, is_named=is_named, most=most)
    )


def told(readers: Readers | None) -> list[tuple[date, str, str, Deed, int]]:
    assert readers is not None
    return [
        (each.day, done.role, done.name, done.deed, done.times) for each in readers.days for done in each.done
    ]


def test_what_staff_did_is_listed_by_day_with_how_often(line: Line) -> None:
    rowan = line.add_staff()
    talk, other = line.open("+447700900001"), line.open("+447700900002")
    first = local_day(line.clock.now())
    read(line, rowan, talk)
    read(line, rowan, other)
    line.clock.advance(minutes=5)
    read(line, rowan, talk)
    line.clock.advance(days=1)
    line.claim(talk, rowan)
    line.clock.advance(minutes=5)
    line.reply(talk, "We are looking at it", rowan)
    line.clock.advance(days=1)

    assert told(list_readers(line, talk)) == [
        (first + timedelta(days=1), "investigator", "", Deed.TOOK, 1),
        (first + timedelta(days=1), "investigator", "", Deed.ANSWERED, 1),
        (first, "investigator", "", Deed.READ, 2),
    ]


def test_names_are_there_only_where_the_force_shows_them(line: Line) -> None:
    rowan = line.add_staff()
    talk = line.open("+447700900001")
    read(line, rowan, talk)
    line.clock.advance(days=1)

    [(_, _, hidden, _, _)] = told(list_readers(line, talk))
    [(_, _, shown, _, _)] = told(list_readers(line, talk, is_named=True))

    assert (hidden, shown) == ("", rowan.display_name)


def test_today_is_not_listed(line: Line) -> None:
    talk = line.open("+447700900001")
    read(line, line.add_staff(), talk)

    assert told(list_readers(line, talk)) == []


def test_after_words_of_duress_nobody_beside_them_sees_that_somebody_came_to_look(line: Line) -> None:
    rowan = line.add_staff()
    talk = line.open("+447700900001")
    read(line, rowan, talk)
    before = local_day(line.clock.now())
    line.clock.advance(days=1)
    line.database.write_now(lambda tx: _hear_duress(tx, talk))
    read(line, rowan, talk)
    line.clock.advance(days=5)
    soon = told(list_readers(line, talk))
    line.clock.advance(days=24)

    assert [each[0] for each in soon] == [before]
    assert [each[0] for each in told(list_readers(line, talk))] == [before + timedelta(days=1), before]


def test_automatic_systems_and_the_person_are_not_listed_and_the_officer_is(line: Line) -> None:
    talk = line.open("+447700900001")

    def record(tx: SqlTransaction) -> None:
        for by in ("worker", "person", "assistant"):
            tx.audit.record("copy_opened", by=by, conversation_id=talk)
        tx.audit.record(
            "officer_thread_read", by="officer", conversation_id=talk, thing="officer-link:" + "a" * 16
        )

    line.database.write_now(record)
    line.clock.advance(days=1)

    [(_, role, _, deed, _)] = told(list_readers(line, talk))
    assert (role, deed) == ("officer", Deed.READ)


def test_a_long_list_is_cut_at_its_newest_and_says_so(line: Line) -> None:
    rowan = line.add_staff()
    talk = line.open("+447700900001")
    for _ in range(3):
        read(line, rowan, talk)
        line.clock.advance(days=1)

    cut, whole = list_readers(line, talk, most=2), list_readers(line, talk, most=3)

    assert cut is not None and whole is not None
    assert (len(cut.days), cut.is_cut, len(whole.days), whole.is_cut) == (2, True, 3, False)


def test_with_too_little_proved_there_is_no_list_and_no_row(line: Line) -> None:
    talk = line.open("+447700900001")
    linked = Proved(standing=Standing.LINKED, case=A_CASE, told=FOR_EVERYONE)

    found = line.database.write_now(lambda tx: open_readers(tx, talk, linked, is_named=False))

    assert found is None
    assert line.rows(audit, act="readers_opened") == []


def test_looking_at_the_list_is_on_record(line: Line) -> None:
    talk = line.open("+447700900001")

    list_readers(line, talk)

    [row] = line.rows(audit, act="readers_opened")
    assert (row.actor, row.conversation_id) == ("person", talk)


@pytest.mark.parametrize("kind", sorted(ActKind))
def test_an_act_without_words_of_its_own_is_told_by_its_kind(kind: str) -> None:
    assert find_deed("something_new", kind) is not None
    assert find_deed("something_new", None) is None


def test_every_act_with_words_of_its_own_is_one_the_record_may_hold() -> None:
    assert sorted(set(DEED_OF) - set(load_acts())) == []


def _hear_duress(tx: SqlTransaction, conversation_id: str) -> None:
    tx.desk.record_item(
        conversation_id=conversation_id,
        reason=HandoffReason.DURESS,
        grade=Grade.DANGER_NOW,
        dedupe_key=f"duress:{conversation_id}",
    )
