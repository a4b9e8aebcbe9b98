"""Passing on, taking over, releasing: one owner at every moment, and nobody's place in the queue is lost.

Red when: `_let_go` sets waiting_since, `accept_transfer` leaves out the look at the owner, at the time or at the room,
`return_late_transfer` settles without letting go, `check_room` counts every grade, or `take_over` keeps the epoch.
"""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.desk_tables import shift, transfer
from casework.adapters.storage.tables import audit, desk_item, outbox
from casework.model.desk import Outcome
from casework.model.errors import (
    AlreadyClaimed,
    NotTheOwner,
    NotToThem,
    NotUnattended,
    ReasonNeeded,
    TooManyUrgent,
    TransferOver,
)
from casework.model.messages import Channel
from casework.services import desk, transfers
from casework.services.ports import StaffMember
from tests.support.builders import a_hit
from tests.support.line import Line

DANGER, HIGH = "he is at the door with a knife", "he follows me"


@pytest.fixture
def line(line: Line) -> Line:
    line.screen.results = {DANGER: a_hit(1), HIGH: a_hit(2)}
    return line


def victims(line: Line, count: int, text: str = HIGH) -> list[str]:
    return [
        line.receive(text, external_id=f"+447700900{number:03d}").conversation_id for number in range(count)
    ]


def on_shift(line: Line, login: str) -> StaffMember:
    staff = line.add_staff(login)
    line.database.write_now(lambda tx: tx.shifts.start(staff.id, sound_heard=True, covers_words=False))
    return staff


def offer(line: Line, conversation_id: str, *, to: StaffMember, by: StaffMember, **values: Any) -> str:
    given = {"reason": "end of my shift", "promised": "a call by Friday"} | values
    return line.database.write_now(
        lambda tx: transfers.offer_transfer(tx, conversation_id, to_id=to.id, by=by, **given)
    )


def accept(line: Line, transfer_id: str, by: StaffMember) -> Any:
    return line.database.write_now(
        lambda tx: transfers.accept_transfer(tx, transfer_id, by=by, texts=line.texts)
    )


async def return_late(line: Line) -> None:
    while await transfers.return_next_late_transfer(line.database):
        pass


def owner_of(line: Line, conversation_id: str) -> str | None:
    found: str | None = line.conversation(conversation_id).owner_id
    return found


# --- to a colleague -------------------------------------------------------------------------------


def test_a_transfer_is_the_givers_until_it_is_accepted_and_then_the_takers(line: Line) -> None:
    rowan, sasha = on_shift(line, "rowan"), on_shift(line, "sasha")
    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)
    waited_since = line.row(desk_item).waiting_since
    transfer_id = offer(line, conversation_id, to=sasha, by=rowan)

    line.reply(conversation_id, "I am still here", by=rowan)
    with pytest.raises(NotTheOwner):
        line.reply(conversation_id, "too early", by=sasha)
    line.clock.advance(minutes=1)
    taken = accept(line, transfer_id, sasha)

    assert (taken.owner_id, taken.epoch) == (sasha.id, 2)
    item = line.row(desk_item)
    assert (item.owner_id, item.status, item.waiting_since) == (sasha.id, "claimed", waited_since)
    stored = line.row(transfer)
    assert (stored.status, stored.reason, stored.promised) == ("done", "end of my shift", "a call by Friday")
    with pytest.raises(NotTheOwner):
        line.reply(conversation_id, "not mine any more", by=rowan)
    assert "I am still here" in [text for text, _ in line.outgoing(conversation_id)]


async def test_a_transfer_nobody_accepts_in_two_minutes_is_on_the_queue_at_its_old_place(line: Line) -> None:
    rowan, sasha = on_shift(line, "rowan"), on_shift(line, "sasha")
    first, later = victims(line, 2)
    line.claim(first, rowan)
    line.clock.advance(minutes=30)
    transfer_id = offer(line, first, to=sasha, by=rowan)

    line.clock.advance(seconds=119)
    await return_late(line)
    assert owner_of(line, first) == rowan.id
    line.clock.advance(seconds=1)
    with pytest.raises(TransferOver):
        accept(line, transfer_id, sasha)
    await return_late(line)

    assert owner_of(line, first) is None
    queue = line.database.read_now(lambda tx: tx.desk.list_queue())
    assert [(item.conversation_id, item.status.value) for item in queue] == [(first, "open"), (later, "open")]
    assert line.row(transfer).status == "late"
    with pytest.raises(TransferOver):
        accept(line, transfer_id, sasha)
    assert len(line.rows(audit, act="conversation_returned")) == 1


async def test_an_offer_that_cannot_be_put_back_holds_up_no_other(line: Line) -> None:
    """Red when: the first one that fails stands before all the others for ever."""
    rowan, sasha = on_shift(line, "rowan"), on_shift(line, "sasha")
    broken, later = victims(line, 2)
    for conversation_id in (broken, later):
        line.claim(conversation_id, rowan)
        offer(line, conversation_id, to=sasha, by=rowan)
    line.clock.advance(minutes=3)

    def refuse(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO audit") and broken in str(values):
            raise OSError("the disk is full")

    sa.event.listen(line.database.engine, "before_cursor_execute", refuse)
    with pytest.raises(OSError, match="full"):
        await transfers.return_next_late_transfer(line.database)
    await return_late(line)

    assert (owner_of(line, broken), owner_of(line, later)) == (rowan.id, None)


async def test_what_somebody_else_has_by_then_is_not_taken_from_them(line: Line) -> None:
    rowan, sasha, kim = (on_shift(line, login) for login in ("rowan", "sasha", "kim"))
    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)
    transfer_id = offer(line, conversation_id, to=sasha, by=rowan)
    line.return_to_queue(conversation_id, rowan)
    line.claim(conversation_id, kim)

    with pytest.raises(TransferOver):
        accept(line, transfer_id, sasha)
    line.clock.advance(minutes=3)
    await return_late(line)

    assert owner_of(line, conversation_id) == kim.id
    assert line.row(transfer).status == "withdrawn"


def test_refusing_puts_it_on_the_queue_and_only_the_one_who_was_asked_may(line: Line) -> None:
    rowan, sasha, kim = (on_shift(line, login) for login in ("rowan", "sasha", "kim"))
    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)
    transfer_id = offer(line, conversation_id, to=sasha, by=rowan)

    for stranger in (kim, rowan):
        with pytest.raises(TransferOver):
            accept(line, transfer_id, stranger)
    line.database.write_now(lambda tx: transfers.refuse_transfer(tx, transfer_id, by=sasha))

    assert owner_of(line, conversation_id) is None
    assert line.row(desk_item).status == "open"


def test_it_is_offered_only_by_its_owner_with_a_reason_to_somebody_at_the_desk(line: Line) -> None:
    rowan, sasha = on_shift(line, "rowan"), on_shift(line, "sasha")
    absent = line.add_staff("absent")
    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)

    for to, by, reason, refusal in (
        (rowan, sasha, "why", NotTheOwner),
        (absent, rowan, "why", NotToThem),
        (rowan, rowan, "why", NotToThem),
        (sasha, rowan, "  ", ReasonNeeded),
        (sasha, rowan, "x" * 501, ReasonNeeded),
    ):
        with pytest.raises(refusal):
            offer(line, conversation_id, to=to, by=by, reason=reason)
    line.database.write_now(lambda tx: tx.shifts.set_break(sasha.id, tx.now))
    with pytest.raises(NotToThem):
        offer(line, conversation_id, to=sasha, by=rowan)
    assert line.rows(transfer) == []


def test_a_second_offer_takes_the_place_of_the_first(line: Line) -> None:
    rowan, sasha, kim = (on_shift(line, login) for login in ("rowan", "sasha", "kim"))
    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)
    first = offer(line, conversation_id, to=sasha, by=rowan)
    second = offer(line, conversation_id, to=kim, by=rowan)

    with pytest.raises(TransferOver):
        accept(line, first, sasha)
    accept(line, second, kim)

    assert owner_of(line, conversation_id) == kim.id


def test_a_supervisor_may_offer_what_nobody_has_and_it_stays_anybodys_until_accepted(line: Line) -> None:
    robin, sasha, kim = (on_shift(line, login) for login in ("robin", "sasha", "kim"))
    free, taken = victims(line, 2)
    offers = [offer(line, each, to=sasha, by=robin, as_supervisor=True) for each in (free, taken)]

    line.claim(taken, kim)
    accept(line, offers[0], sasha)
    with pytest.raises(TransferOver):
        accept(line, offers[1], sasha)

    assert (owner_of(line, free), owner_of(line, taken)) == (sasha.id, kim.id)


# --- to the team ----------------------------------------------------------------------------------


def test_back_to_the_team_says_why_and_keeps_the_wait(line: Line) -> None:
    rowan = on_shift(line, "rowan")
    [conversation_id] = victims(line, 1)
    waited_since = line.row(desk_item).waiting_since
    line.claim(conversation_id, rowan)
    line.clock.advance(minutes=5)

    line.database.write_now(
        lambda tx: transfers.pass_to_team(tx, conversation_id, by=rowan, reason="not for me", promised="")
    )

    item = line.row(desk_item)
    assert (item.status, item.owner_id, item.waiting_since) == ("open", None, waited_since)
    move = line.database.read_now(lambda tx: tx.transfers.find_newest(conversation_id))
    assert move is not None
    assert (move.kind.value, move.by_name, move.reason) == (
        "to_team",
        "Rowan Test-Detective",
        "not for me",
    )


def test_with_nothing_open_it_is_still_in_somebodys_sight(line: Line) -> None:
    rowan = on_shift(line, "rowan")
    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)
    line.close(conversation_id, Outcome.SIGNPOSTED, by=rowan)

    line.database.write_now(
        lambda tx: transfers.pass_to_team(tx, conversation_id, by=rowan, reason="more to do")
    )

    assert [row.reason for row in line.rows(desk_item, status="open")] == ["passed_on"]


# --- taking over, releasing -----------------------------------------------------------------------


def test_a_take_over_needs_a_reason_and_ends_the_other_ones_word_at_once(line: Line) -> None:
    rowan, robin = on_shift(line, "rowan"), on_shift(line, "robin")
    received = line.receive(HIGH, channel=Channel.WEBCHAT, external_id="someone")
    line.claim(received.conversation_id, rowan)

    def take_over(reason: str) -> Any:
        return line.database.write_now(
            lambda tx: desk.take_over(tx, received.conversation_id, by=robin, reason=reason, texts=line.texts)
        )

    with pytest.raises(ReasonNeeded):
        take_over(" ")
    assert owner_of(line, received.conversation_id) == rowan.id
    taken = take_over("Rowan has gone home")

    assert (taken.owner_id, taken.epoch) == (robin.id, 2)
    with pytest.raises(NotTheOwner):
        line.reply(received.conversation_id, "I am still writing", by=rowan)
    line.reply(received.conversation_id, "Robin here", by=robin)
    assert len(line.rows(outbox, template="person_joined")) == 2
    [entry] = line.rows(audit, act="conversation_taken_over")
    assert (entry.actor, entry.thing) == (robin.id, f"from:{rowan.id}")
    assert line.row(transfer).reason == "Rowan has gone home"


@pytest.mark.parametrize(("text", "minutes"), [(DANGER, 3), (HIGH, 10)])
def test_a_silent_owner_loses_it_after_the_time_of_its_grade(line: Line, text: str, minutes: int) -> None:
    rowan, robin = on_shift(line, "rowan"), on_shift(line, "robin")
    [conversation_id] = victims(line, 1, text)
    line.clock.advance(minutes=60)  # before anybody had it
    line.claim(conversation_id, rowan)

    def release() -> None:
        line.database.write_now(lambda tx: desk.release_unattended(tx, conversation_id, by=robin))

    line.clock.advance(minutes=minutes, seconds=-1)
    with pytest.raises(NotUnattended):
        release()
    line.reply(conversation_id, "I am here", by=rowan)
    line.clock.advance(minutes=minutes)
    with pytest.raises(NotUnattended):
        release()
    line.receive("are you there", external_id="+447700900000")
    line.clock.advance(minutes=minutes)
    release()

    assert owner_of(line, conversation_id) is None
    assert line.rows(desk_item, status="claimed") == []
    assert [row.thing for row in line.rows(audit, act="conversation_returned")] == [f"unattended:{rowan.id}"]


# --- how many, and shifts -------------------------------------------------------------------------


def test_nobody_holds_more_than_three_urgent_conversations(line: Line) -> None:
    rowan, sasha = on_shift(line, "rowan"), on_shift(line, "sasha")
    urgent = victims(line, 5)
    calm = line.receive("hello", external_id="+447700900901").conversation_id
    for conversation_id in urgent[:3]:
        line.claim(conversation_id, rowan)
    line.claim(urgent[3], sasha)

    with pytest.raises(TooManyUrgent):
        line.claim(urgent[4], rowan)
    transfer_id = offer(line, urgent[3], to=rowan, by=sasha)
    with pytest.raises(TooManyUrgent):
        accept(line, transfer_id, rowan)
    line.claim(calm, rowan)
    line.hand_back(urgent[0], Outcome.TEST, by=rowan)
    line.claim(urgent[4], rowan)

    assert owner_of(line, urgent[4]) == rowan.id
    with pytest.raises(AlreadyClaimed):
        line.claim(urgent[4], sasha)


def test_a_claim_without_a_shift_is_never_refused_and_begins_one(line: Line) -> None:
    rowan = line.add_staff("rowan")
    first, second = victims(line, 2)

    line.claim(first, rowan)
    line.claim(second, rowan)

    [row] = line.rows(shift)
    assert (row.staff_id, row.sound_heard, row.ended_at) == (rowan.id, None, None)
    [entry] = line.rows(audit, act="shift_started")
    assert entry.thing == "by_claim"


def test_a_shift_nobody_ended_is_over_by_itself(line: Line) -> None:
    rowan = on_shift(line, "rowan")
    line.clock.advance(hours=14)
    assert line.database.read_now(lambda tx: tx.shifts.list_running()) == []

    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)

    running = line.database.read_now(lambda tx: tx.shifts.list_running())
    assert [
        (each.staff_id, line.clock.now() - each.started_at < timedelta(minutes=1)) for each in running
    ] == [(rowan.id, True)]
    assert len(line.rows(shift)) == 2


def test_what_a_supervisor_offers_stays_with_its_owner_until_it_is_accepted(line: Line) -> None:
    rowan, sasha, robin = (on_shift(line, login) for login in ("rowan", "sasha", "robin"))
    [conversation_id] = victims(line, 1)
    line.claim(conversation_id, rowan)
    offer(line, conversation_id, to=sasha, by=robin, as_supervisor=True)
    line.clock.advance(minutes=3)

    line.database.write_now(transfers.return_late_transfer)

    assert line.conversation(conversation_id).owner_id == rowan.id


def test_a_drill_keeps_nobody_from_somebody_real(line: Line) -> None:
    rowan = on_shift(line, "rowan")
    *drills, real = victims(line, 4, DANGER)
    for each in drills:
        line.database.write_now(lambda tx, of=each: tx.drills.mark_conversation(of))
        line.claim(each, rowan)

    assert line.claim(real, rowan).owner_id == rowan.id
