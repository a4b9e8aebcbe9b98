"""A promise is a row, is made for staffed hours only, and a broken one is told once to the desk and to the person."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, desk_item, outbox, promise
from casework.model.messages import Author, Lane, SendKind
from casework.model.promises import PromiseKind
from casework.model.staffed_hours import load_staffed_hours
from casework.model.standings import Standing
from casework.services import promises
from casework.services.promises import PromiseNotKeepable, Promising, keep_promises, load_promising
from tests.support.builders import REFERENCE, VICTIM, a_case, an_outbound
from tests.support.line import Line
from tests.support.wording import read_texts

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WORDS = "You should hear by Monday 23 November."


@pytest.fixture
def promising(line: Line) -> Promising:
    return load_promising(line.texts, load_staffed_hours())


@pytest.fixture
def conversation_id(line: Line) -> str:
    return link(line, line.receive(received_at=line.clock.now()).conversation_id)


def link(line: Line, conversation_id: str, safe_contact: str = "any", **values: Any) -> str:
    line.add_cases(a_case(safe_contact=safe_contact, **values))
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, REFERENCE, Standing.LINKED, method="code")
    )
    return conversation_id


def make(line: Line, promising: Promising, conversation_id: str | None, **values: Any) -> str | None:
    defaults: dict[str, Any] = {
        "kind": PromiseKind.TEAM_ANSWER,
        "owner": "team",
        "words": WORDS,
        "due_at": MONDAY_NOON,
        "hours": promising.hours,
        "dedupe_key": "test",
        "conversation_id": conversation_id,
        "crime_reference": None,
    }
    return line.database.write_now(lambda tx: promises.make_promise(tx, **(defaults | values)))


async def note(line: Line, promising: Promising) -> None:
    for _ in range(20):
        if not await promises.note_next_overdue_promise(line.database, promising):
            return
    raise AssertionError("it never comes to an end")


def told(line: Line) -> list[Any]:
    return line.rows(outbox, template="promise_overdue")


def staff_writes(line: Line, conversation_id: str) -> None:
    text = an_outbound(
        conversation_id, author=Author.STAFF, lane=Lane.STAFF, kind=SendKind.STAFF_REPLY, text="I am Rowan."
    )
    line.database.write_now(lambda tx: tx.outbox.record(text, decision="answers_a_message"))


def test_a_promise_keeps_the_words_the_owner_and_the_moment(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    make(line, promising, conversation_id, crime_reference=REFERENCE)

    row = line.row(promise)
    assert (row.words, row.owner, row.due_at, row.status) == (WORDS, "team", MONDAY_NOON, "made")
    assert (row.conversation_id, row.crime_reference) == (conversation_id, REFERENCE)


def test_the_same_promise_twice_is_one(line: Line, promising: Promising, conversation_id: str) -> None:
    assert make(line, promising, conversation_id) is not None
    assert make(line, promising, conversation_id) is None

    assert len(line.rows(promise)) == 1


@pytest.mark.parametrize(
    "due_at",
    [
        datetime(2026, 11, 23, 3, 0, tzinfo=UTC),  # night
        datetime(2026, 11, 23, 8, 0, tzinfo=UTC),  # the door opens
        datetime(2026, 12, 25, 12, 0, tzinfo=UTC),  # Christmas Day
        datetime(2026, 11, 20, 12, 0, tzinfo=UTC),  # yesterday
    ],
)
def test_nothing_is_promised_outside_the_rota(
    line: Line, promising: Promising, conversation_id: str, due_at: datetime
) -> None:
    with pytest.raises(PromiseNotKeepable):
        make(line, promising, conversation_id, due_at=due_at)

    assert line.rows(promise) == []


async def test_a_promise_in_its_time_is_not_noted(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    make(line, promising, conversation_id)
    line.clock.advance(hours=47.9)

    await note(line, promising)

    assert line.row(promise).status == "made"
    assert line.rows(desk_item) == []


async def test_an_overdue_promise_is_one_desk_item_and_one_true_text_however_often_it_is_looked_at(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    make(line, promising, conversation_id)
    line.clock.advance(hours=49)

    await note(line, promising)
    line.clock.advance(days=3)
    await note(line, promising)

    assert line.row(promise).status == "overdue"
    assert [(row.reason, row.grade) for row in line.rows(desk_item)] == [("promise_overdue", 3)]
    [text] = told(line)
    assert "Monday 23 November" in text.text and text.status == "waiting"
    assert (text.kind, text.author, text.to) == ("case_update", "service", VICTIM)


def test_workers_that_look_at_the_same_time_note_it_once(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    make(line, promising, conversation_id)
    line.clock.advance(hours=49)

    def look() -> None:
        line.database.write_now(lambda tx: promises.note_overdue_promise(tx, promising))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(line.rows(desk_item)) == len(told(line)) == len(line.rows(audit, act="promise_overdue")) == 1


@pytest.mark.parametrize("safe_contact", ["reply_only", "none"])
async def test_the_truth_is_not_texted_to_someone_who_did_not_agree_to_texts(
    line: Line, promising: Promising, safe_contact: str
) -> None:
    conversation_id = link(line, line.receive(received_at=line.clock.now()).conversation_id, safe_contact)
    make(line, promising, conversation_id)
    line.clock.advance(hours=49)

    await note(line, promising)
    await line.deliver_all()

    assert [row.status for row in told(line)] == ["suppressed"]
    assert line.sender.sent == []
    assert {row.reason for row in line.rows(desk_item)} == {"promise_overdue", "may_not_be_written"}


async def test_a_persons_words_that_left_in_time_have_kept_it(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    make(line, promising, conversation_id)
    staff_writes(line, conversation_id)
    await line.deliver_all()
    line.clock.advance(hours=49)

    await note(line, promising)

    row = line.row(promise)
    assert row.status == "kept" and row.kept_at < MONDAY_NOON
    assert line.rows(desk_item) == told(line) == []


async def test_words_that_have_not_left_keep_nothing(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    make(line, promising, conversation_id)
    staff_writes(line, conversation_id)
    line.clock.advance(hours=49)

    await note(line, promising)

    assert line.row(promise).status == "overdue"


@pytest.mark.parametrize(("hours", "status"), [(1, "kept"), (49, "kept_late")])
async def test_kept_in_time_and_kept_late_are_told_apart(
    line: Line, promising: Promising, conversation_id: str, hours: int, status: str
) -> None:
    make(line, promising, conversation_id)
    line.clock.advance(hours=hours)

    await note(line, promising)
    assert line.database.write_now(lambda tx: keep_promises(tx, conversation_id, by="test")) == 1
    assert line.database.write_now(lambda tx: keep_promises(tx, conversation_id, by="test")) == 0

    assert line.row(promise).status == status


async def test_a_promise_to_nobody_in_particular_only_becomes_overdue(
    line: Line, promising: Promising
) -> None:
    make(line, promising, None)
    line.clock.advance(hours=49)

    await note(line, promising)

    assert line.row(promise).status == "overdue"
    assert line.rows(outbox) == []


def test_every_text_that_names_a_day_to_hear_by_is_one_the_ledger_writes() -> None:
    """A new text with {day} must be made into a promise, or say what was promised: add it here once it is.

    `utter_hear_by` says what the Victims' Code gives: its row, with its own alarm, is a running clock.
    """
    saying = {text.name for text in read_texts() if "{day}" in text.words}
    # The day of a talk that was, not of one to come.
    of_the_past = {"handed_back"}

    assert saying - {"utter_hear_by"} - of_the_past == {
        "handed_back_officer_by",
        "handed_back_team_by",
        "officer_promise",
        "officer_promise_neutral",
        "officer_silent",
        "promise_overdue",
    }
