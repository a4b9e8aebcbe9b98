"""A place in the queue changed: people both ways and with a reason, rules only up, and every change on record.

Red when: `raise_by_rule` compares the other way round, or `_change` leaves out the row or the audit.
"""

import pytest

from casework.adapters.storage.desk_tables import regrade as regrade_table
from casework.adapters.storage.tables import audit, desk_item
from casework.model.desk import Grade, Outcome
from casework.model.errors import DeskItemNotFound, ReasonNeeded, SameGrade
from casework.services.ports import StaffMember
from casework.services.regrades import raise_by_rule, regrade
from tests.support.builders import a_hit
from tests.support.line import Line

HIGH = "he follows me"


@pytest.fixture
def item_id(line: Line) -> str:
    line.screen.results = {HIGH: a_hit(2)}
    line.receive(HIGH)
    found: str = line.row(desk_item).id
    return found


def change(line: Line, item_id: str, to: Grade, by: StaffMember, reason: str = "I know the case") -> None:
    line.database.write_now(lambda tx: regrade(tx, item_id, to, by=by, reason=reason))


def grade_of(line: Line, item_id: str) -> int:
    found: int = line.row(desk_item, id=item_id).grade
    return found


def test_a_person_raises_and_lowers_with_a_reason(line: Line, item_id: str) -> None:
    rowan = line.add_staff()

    change(line, item_id, Grade.DANGER_NOW, rowan)
    change(line, item_id, Grade.ROUTINE, rowan, "  it was a\n test ")

    assert grade_of(line, item_id) == 4
    rows = line.rows(regrade_table)
    assert [(row.from_grade, row.to_grade, row.by_id, row.reason) for row in rows] == [
        (2, 1, rowan.id, "I know the case"),
        (1, 4, rowan.id, "it was a test"),
    ]
    told = [(row.actor, row.thing) for row in line.rows(audit, act="item_regraded")]
    assert told == [(rowan.id, f"{item_id}:2>1"), (rowan.id, f"{item_id}:1>4")]
    history = line.database.read_now(
        lambda tx: tx.regrades.list_of_conversation(line.row(desk_item).conversation_id)
    )
    assert [each.by_name for each in history] == ["Rowan Test-Detective"] * 2


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 501])
def test_without_a_reason_that_can_be_kept_nothing_changes(line: Line, item_id: str, reason: str) -> None:
    rowan = line.add_staff()
    with pytest.raises(ReasonNeeded):
        change(line, item_id, Grade.DANGER_NOW, rowan, reason)
    assert (grade_of(line, item_id), line.rows(regrade_table)) == (2, [])


def test_the_same_grade_and_a_closed_item_are_refused(line: Line, item_id: str) -> None:
    rowan = line.add_staff()
    with pytest.raises(SameGrade):
        change(line, item_id, Grade.HIGH, rowan)
    conversation_id = line.row(desk_item).conversation_id
    line.claim(conversation_id, rowan)
    line.close(conversation_id, Outcome.TEST, by=rowan)
    with pytest.raises(DeskItemNotFound):
        change(line, item_id, Grade.DANGER_NOW, rowan)
    with pytest.raises(DeskItemNotFound):
        change(line, "no such item", Grade.DANGER_NOW, rowan)
    assert line.rows(regrade_table) == []


@pytest.mark.parametrize("to", list(Grade))
def test_a_rule_only_raises(line: Line, item_id: str, to: Grade) -> None:
    raised = line.database.write_now(lambda tx: raise_by_rule(tx, item_id, to, rule="person_nearby"))

    assert raised is (to is Grade.DANGER_NOW)
    assert grade_of(line, item_id) == min(to, Grade.HIGH)
    rows = [(row.from_grade, row.to_grade, row.by_id, row.reason) for row in line.rows(regrade_table)]
    assert rows == ([(2, 1, None, "person_nearby")] if raised else [])


def test_a_failed_text_that_raises_an_item_is_on_record_too(line: Line, item_id: str) -> None:
    conversation_id = line.row(desk_item).conversation_id

    line.database.write_now(lambda tx: tx.desk.raise_open(conversation_id, highest=Grade.DANGER_NOW))

    [row] = line.rows(regrade_table)
    assert (row.from_grade, row.to_grade, row.by_id, row.reason) == (2, 1, None, "disclosure")
