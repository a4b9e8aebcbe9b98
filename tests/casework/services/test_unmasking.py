"""One masked value is uncovered with a reason, ten an hour, and who did it stands in the record: not what it was.

Red when, each tried once: the throttle is not asked, the row or the audit is left out, a reading that is no more is
taken, or a message that may not teach is read.
"""

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.masking import build_masker
from casework.adapters.storage.tables import audit, conversation, inbox
from casework.adapters.storage.workbench_tables import unmasking
from casework.model.errors import MessageNotFound, ReasonNeeded
from casework.model.training_flags import TrainingFlag
from casework.services.consents import flag
from casework.services.masked_reading import mask_message
from casework.services.ports import StaffMember
from casework.services.unmasking import ReadingChanged, SpanNotFound, TooManyUnmaskings, unmask_span
from tests.support.line import Line

SETTINGS: Any = SimpleNamespace(turn_secret="s" * 40)
MASKER = build_masker(SETTINGS)
TEXT = "ring 07700 900123 or write to jo@example.org"
WHY = "is this a number of ours"


@pytest.fixture
def inbox_id(line: Line) -> int:
    line.receive(TEXT)
    decide(line, TrainingFlag.ALLOWED)
    found: int = line.row(inbox).id
    return found


def decide(line: Line, what: TrainingFlag) -> None:
    conversation_id = line.row(conversation).id
    line.database.write_now(lambda tx: flag(tx, conversation_id, None, what, why="asked for", by="victim"))


def uncover(line: Line, inbox_id: int, number: int, *, by: StaffMember, why: str = WHY, **values: Any) -> str:
    def work(tx: Any) -> str:
        sha = values.get("text_sha") or mask_message(tx, inbox_id, masker=MASKER).sha
        return unmask_span(tx, inbox_id, number, text_sha=sha, masker=MASKER, reason=why, by=by)

    return line.database.write_now(work)


def test_one_value_is_uncovered_and_who_did_it_and_why_is_kept(line: Line, inbox_id: int) -> None:
    toni = line.add_staff("toni")

    assert uncover(line, inbox_id, 0, by=toni, why="  is this\n a number of ours ") == "07700 900123"
    assert uncover(line, inbox_id, 1, by=toni) == "jo@example.org"

    rows = [(row.inbox_id, row.staff_id, row.kind, row.reason) for row in line.rows(unmasking)]
    assert sorted(rows) == [(inbox_id, toni.id, "email", WHY), (inbox_id, toni.id, "phone", WHY)]
    told = [(row.actor, row.conversation_id, row.thing) for row in line.rows(audit, act="words_unmasked")]
    conversation_id = line.row(conversation).id
    assert told == [
        (toni.id, conversation_id, f"{inbox_id}:0:phone"),
        (toni.id, conversation_id, f"{inbox_id}:1:email"),
    ]
    kept = {
        name: rows for name, rows in line.everything().items() if name in ("unmasking", "audit", "throttle")
    }
    assert "900123" not in repr(kept)


@pytest.mark.parametrize("why", ["", "  ", "no", "x" * 201])
def test_without_a_reason_that_can_be_kept_nothing_is_uncovered(line: Line, inbox_id: int, why: str) -> None:
    toni = line.add_staff("toni")

    with pytest.raises(ReasonNeeded):
        uncover(line, inbox_id, 0, by=toni, why=why)

    assert line.rows(unmasking) == []


def test_ten_an_hour_each_and_a_refused_try_is_not_counted(line: Line, inbox_id: int) -> None:
    toni, jo = line.add_staff("toni"), line.add_staff("jo")
    with pytest.raises(SpanNotFound):
        uncover(line, inbox_id, 2, by=toni)
    for _ in range(10):
        uncover(line, inbox_id, 0, by=toni)

    with pytest.raises(TooManyUnmaskings):
        uncover(line, inbox_id, 0, by=toni)
    assert len(line.rows(unmasking)) == 10
    assert uncover(line, inbox_id, 0, by=jo)
    line.clock.advance(minutes=59)
    with pytest.raises(TooManyUnmaskings):
        uncover(line, inbox_id, 0, by=toni)
    line.clock.advance(minutes=2)
    assert uncover(line, inbox_id, 0, by=toni)
    assert len(line.rows(unmasking)) == len(line.rows(audit, act="words_unmasked")) == 12


@pytest.mark.parametrize("number", [-1, 2])
def test_a_mask_that_is_not_there_is_refused(line: Line, inbox_id: int, number: int) -> None:
    with pytest.raises(SpanNotFound):
        uncover(line, inbox_id, number, by=line.add_staff("toni"))


def test_another_value_than_the_one_they_pointed_at_is_never_uncovered(line: Line, inbox_id: int) -> None:
    with pytest.raises(ReadingChanged):
        uncover(line, inbox_id, 0, by=line.add_staff("toni"), text_sha="0" * 16)


@pytest.mark.parametrize("what", [TrainingFlag.EXCLUDED, TrainingFlag.WITHDRAWN])
def test_a_message_that_may_not_teach_is_not_read_either(
    line: Line, inbox_id: int, what: TrainingFlag
) -> None:
    decide(line, what)

    with pytest.raises(MessageNotFound):
        uncover(line, inbox_id, 0, by=line.add_staff("toni"))
    assert line.rows(unmasking) == []


def test_a_message_never_stored_is_refused(line: Line) -> None:
    with pytest.raises(MessageNotFound):
        uncover(line, 987654, 0, by=line.add_staff("toni"), text_sha="0" * 16)


def test_a_row_that_cannot_be_kept_uncovers_nothing(line: Line, inbox_id: int) -> None:
    """Row, count and audit are one: without one of them there is none."""
    nobody = StaffMember(**{**line.add_staff("toni").__dict__, "id": "nobody"})

    with pytest.raises(sa.exc.IntegrityError):
        uncover(line, inbox_id, 0, by=nobody)

    assert line.rows(audit, act="words_unmasked") == []
    assert not any(row[0].startswith("unmaskings") for row in line.everything()["throttle"])
