"""Broadcasts, the line to people who write, and second looks, on both databases.

Red when: a pause outlasts its time, is said twice in one conversation or hides the assistant's choices; a handler may
judge; the draw differs from one look to the next.
"""

import pytest

from casework.adapters.storage.database import Database
from casework.adapters.storage.supervision_tables import quality_review
from casework.adapters.storage.tables import audit, outbox
from casework.model.desk import Grade, HandoffReason, Outcome
from casework.model.messages import Channel
from casework.services import broadcasts, intake_pauses, quality
from casework.services.broadcasts import BroadcastRefused
from casework.services.intake_pauses import PauseRefused
from casework.services.ports import AssistantReply, StaffMember
from casework.services.quality import ItemNotFound, ReviewedAlready, ReviewerHandledIt, ReviewIncomplete
from casework.services.supervision_ports import ClosedItem
from tests.support.builders import VICTIM, a_hit, an_answer
from tests.support.clock import SetClock
from tests.support.line import Line

ALL_YES = dict.fromkeys(quality.QUESTIONS, "yes")


@pytest.fixture(name="line")
def open_line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


# --- lines ---------------------------------------------------------------------------------------


def test_a_broadcast_stands_until_its_time_and_is_recorded(line: Line, clock: SetClock) -> None:
    alex = line.add_staff("alex")
    sent = line.database.write_now(
        lambda tx: broadcasts.send_broadcast(tx, "  The \n lifts are out ", hours=1, by=alex)
    )

    [shown] = line.database.read_now(lambda tx: tx.broadcasts.list_current())
    assert (shown.text, shown.by_name) == ("The lifts are out", alex.display_name)
    assert [row.thing for row in line.rows(audit, act="broadcast_sent")] == [sent]
    clock.advance(hours=1)
    assert line.database.read_now(lambda tx: tx.broadcasts.list_current()) == []


def test_a_broadcast_can_be_ended_once(line: Line) -> None:
    alex = line.add_staff("alex")
    sent = line.database.write_now(lambda tx: broadcasts.send_broadcast(tx, "x", hours=1, by=alex))

    for _ in range(2):
        line.database.write_now(lambda tx: broadcasts.end_broadcast(tx, sent, by=alex))

    assert line.database.read_now(lambda tx: tx.broadcasts.list_current()) == []
    assert len(line.rows(audit, act="broadcast_ended")) == 1


@pytest.mark.parametrize(("text", "hours"), [("", 1), ("  ", 1), ("x" * 201, 1), ("x", 2), ("x", 0)])
def test_an_empty_long_or_endless_broadcast_is_refused(line: Line, text: str, hours: int) -> None:
    alex = line.add_staff("alex")

    with pytest.raises(BroadcastRefused):
        line.database.write_now(lambda tx: broadcasts.send_broadcast(tx, text, hours=hours, by=alex))


def pause(line: Line, by: StaffMember, text_name: str = "intake_slow", hours: int = 1) -> str:
    return line.database.write_now(lambda tx: intake_pauses.start_pause(tx, text_name, hours=hours, by=by))


async def test_people_who_write_are_told_once_with_the_first_answer(line: Line, clock: SetClock) -> None:
    pause(line, line.add_staff("alex"))
    line.assistant.answer = an_answer(
        replies=(AssistantReply(response="utter_a", text="Hello.", choices=("Yes", "No")),)
    )
    slow = line.texts.render("intake_slow", Channel.SMS)

    received = line.receive("hello")
    await line.answer_all()
    line.receive("hello again")
    await line.answer_all()

    first, second = line.rows(outbox, conversation_id=received.conversation_id)
    assert first.text.startswith(f"{slow}\nHello.")
    assert first.choices == ["Yes", "No"]
    assert slow not in second.text


async def test_it_ends_by_itself_and_by_hand(line: Line, clock: SetClock) -> None:
    alex = line.add_staff("alex")
    slow = line.texts.render("intake_slow", Channel.SMS)
    pause(line, alex)
    clock.advance(hours=1)
    line.receive("hello")
    await line.answer_all()
    pause(line, alex, hours=8)
    line.database.write_now(lambda tx: intake_pauses.end_pause(tx, by=alex))
    line.receive("hello", external_id="+447700900002")
    await line.answer_all()

    assert not any(slow in row.text for row in line.rows(outbox))
    assert [row.act for row in line.rows(audit) if row.act.startswith("intake_")] == [
        "intake_paused",
        "intake_paused",
        "intake_resumed",
    ]


async def test_an_urgent_message_gets_its_safety_line_and_nothing_before_it(line: Line) -> None:
    pause(line, line.add_staff("alex"))
    line.screen.results["he is outside"] = a_hit(1)

    received = line.receive("he is outside")
    await line.answer_all()

    [said] = line.rows(outbox, conversation_id=received.conversation_id)
    assert said.template.startswith("safety.")


@pytest.mark.parametrize(("name", "hours"), [("holding", 1), ("", 1), ("intake_slow", 3)])
def test_a_text_or_time_that_is_not_offered_is_refused(line: Line, name: str, hours: int) -> None:
    alex = line.add_staff("alex")

    with pytest.raises(PauseRefused):
        pause(line, alex, name, hours)


def test_a_second_pause_takes_the_place_of_the_first(line: Line) -> None:
    alex = line.add_staff("alex")
    pause(line, alex)
    pause(line, alex, "intake_few_people")

    current = line.database.read_now(lambda tx: tx.intake_pauses.find_current())
    assert current is not None
    assert current.text_name == "intake_few_people"
    line.database.write_now(lambda tx: intake_pauses.end_pause(tx, by=alex))
    assert line.database.read_now(lambda tx: tx.intake_pauses.find_current()) is None


# --- second looks --------------------------------------------------------------------------------


def close_one(line: Line, number: int, grade: Grade, by: StaffMember) -> str:
    """A conversation with one closed item; the item."""
    conversation_id = line.open(f"{VICTIM}{number:04d}")
    item = line.database.write_now(
        lambda tx: tx.desk.record_item(
            conversation_id=conversation_id,
            reason=HandoffReason.CHECK,
            grade=grade,
            dedupe_key=str(number),
        )
    )
    assert item is not None
    line.claim(conversation_id, by)
    line.close(conversation_id, Outcome.INFORMATION_GIVEN, by)
    return item


def list_due(line: Line, by: StaffMember) -> list[quality.DueItem]:
    return line.database.read_now(lambda tx: quality.list_due(tx, by=by))


def judge(line: Line, item: str, by: StaffMember, **values: object) -> None:
    given = {"verdict": "good", "answers": ALL_YES, "words": ""} | values
    line.database.write_now(lambda tx: quality.record_review(tx, item, by=by, **given))  # type: ignore[arg-type]


def test_all_of_grade_1_and_a_steady_draw_of_the_rest(line: Line, clock: SetClock) -> None:
    sam, alex = line.add_staff("sam"), line.add_staff("alex")
    first = [close_one(line, number, Grade.DANGER_NOW, sam) for number in range(3)]
    rest = [close_one(line, 10 + number, Grade.PROMPT, sam) for number in range(60)]

    due = list_due(line, alex)

    drawn = {each.item.id for each in due}
    assert set(first) <= drawn
    assert drawn - set(first) < set(rest)
    assert [each.item.id for each in list_due(line, alex)] == [each.item.id for each in due]
    assert {each.item.id for each in due if quality.is_drawn(each.item)} == drawn
    clock.advance(days=28)
    assert list_due(line, alex) == []


def test_one_in_twenty_is_drawn() -> None:
    def item(number: int) -> ClosedItem:
        return ClosedItem(
            id=str(number),
            conversation_id=f"{number:032x}",
            channel=Channel.SMS,
            grade=Grade.PROMPT,
            reason=HandoffReason.CHECK,
            category=None,
            outcome=None,
            closed_at=SetClock().now(),
        )

    drawn = sum(quality.is_drawn(item(number)) for number in range(10_000))

    assert 430 < drawn < 570  # 500, and more than three standard deviations either way


def test_whoever_had_a_hand_in_it_does_not_judge_it(line: Line) -> None:
    sam, robin, alex = (line.add_staff(name) for name in ("sam", "robin", "alex"))
    conversation_id = line.open(VICTIM)
    line.database.write_now(
        lambda tx: tx.desk.record_item(
            conversation_id=conversation_id,
            reason=HandoffReason.CHECK,
            grade=Grade.DANGER_NOW,
            dedupe_key="one",
        )
    )
    line.claim(conversation_id, robin)
    line.return_to_queue(conversation_id, robin)
    line.claim(conversation_id, sam)
    line.close(conversation_id, Outcome.INFORMATION_GIVEN, sam)
    [due] = list_due(line, alex)

    for handler in (sam, robin):
        with pytest.raises(ReviewerHandledIt):
            judge(line, due.item.id, handler)
        assert [each.is_own for each in list_due(line, handler)] == [True]
    judge(line, due.item.id, alex)

    assert list_due(line, alex) == []
    assert line.row(quality_review).answers == ALL_YES
    with pytest.raises(ReviewedAlready):
        judge(line, due.item.id, alex)


def test_a_verdict_is_whole_and_a_concern_has_words(line: Line) -> None:
    sam, alex = line.add_staff("sam"), line.add_staff("alex")
    item = close_one(line, 1, Grade.DANGER_NOW, sam)

    for values in (
        {"verdict": "splendid"},
        {"answers": ALL_YES | {"grade_right": ""}},
        {"verdict": "concern", "words": "  "},
    ):
        with pytest.raises(ReviewIncomplete):
            judge(line, item, alex, **values)
    judge(line, item, alex, verdict="concern", words="Graded too low at first.")

    [review] = line.database.read_now(lambda tx: tx.quality.list_newest(limit=5))
    assert (review.verdict, review.words) == ("concern", "Graded too low at first.")


def test_what_was_not_drawn_cannot_be_looked_at(line: Line) -> None:
    sam, alex = line.add_staff("sam"), line.add_staff("alex")
    items = [close_one(line, number, Grade.PROMPT, sam) for number in range(30)]
    drawn = {each.item.id for each in list_due(line, alex)}

    undrawn = next(item for item in items if item not in drawn)

    with pytest.raises(ItemNotFound):
        judge(line, undrawn, alex)
    with pytest.raises(ItemNotFound):
        judge(line, "0" * 32, alex)
