"""A WhatsApp writer known by a business-scoped id: a conversation of its own, under the plan of the number it had.

Red when: the id is looked up as a number alone (a plan that forbids an answer is not found), or a conversation is
opened by the number the id was seen with.
"""

from typing import Any

import pytest

from casework.adapters.storage.tables import audit, conversation, desk_item, outbox, person
from casework.model.desk import HandoffReason, Outcome
from casework.model.messages import Author, Channel, Lane, OutboxStatus, SendKind
from casework.model.safe_contact import SendReason
from casework.model.standings import ProofMethod, Standing
from casework.services import outgoing, standings
from tests.support.builders import REFERENCE, VICTIM, a_case, an_outbound
from tests.support.line import Line

SCOPED_ID = "GB.1A2B3C4D5E"


def write(
    line: Line, text: str = "any news", *, external_id: str = SCOPED_ID, phone: str | None = VICTIM
) -> str:
    received = line.receive(
        text,
        channel=Channel.WHATSAPP,
        external_id=external_id,
        details={"phone": phone} if phone else {},
    )
    return received.conversation_id


@pytest.mark.parametrize("hides_number_later", [False, True])
async def test_the_plan_of_the_number_is_kept_though_another_id_names_the_writer(
    line: Line, hides_number_later: bool
) -> None:
    """Nothing may be written to this person; the phone they write from is theirs, whatever WhatsApp calls them."""
    line.add_cases(a_case(safe_contact="none"))
    conversation_id = write(line)
    if hides_number_later:
        write(line, "are you there", phone=None)

    await line.answer_all()
    await line.deliver_all()

    assert line.sender.sent == []
    assert {row.status for row in line.rows(outbox, conversation_id=conversation_id)} == {"suppressed"}
    assert HandoffReason.MAY_NOT_BE_WRITTEN in {row.reason for row in line.rows(desk_item)}


async def test_a_writer_whose_number_was_never_seen_is_answered_as_a_stranger(line: Line) -> None:
    line.add_cases(a_case(safe_contact="none"))
    write(line, phone=None)

    await line.answer_all()
    await line.deliver_all()

    assert [message.to for message in line.sender.sent] == [SCOPED_ID]


def test_an_id_does_not_take_over_what_was_proved_from_the_number(line: Line) -> None:
    """Numbers change hands; an id does not. What the number proved stays with the number's own conversation."""
    line.add_cases(a_case())
    by_number = write(line, external_id=VICTIM, phone=None)
    line.database.write_now(
        lambda tx: tx.standings.record(by_number, REFERENCE, Standing.LINKED, method=ProofMethod.CODE.value)
    )

    by_id = write(line)

    assert by_id != by_number
    assert len(line.rows(conversation)) == 2
    assert line.database.read_now(lambda tx: tx.standings.find(by_id)) == (Standing.UNKNOWN, None)
    assert line.database.read_now(lambda tx: tx.standings.find(by_number))[0] is Standing.LINKED


async def test_what_is_held_for_the_number_is_a_persons_task_once_they_write_under_an_id(line: Line) -> None:
    """It is not sent to the id by itself. Red when only their own conversation is released."""
    line.add_cases(a_case())
    by_number = line.open(VICTIM, Channel.WHATSAPP)
    line.clock.advance(hours=25)
    words = an_outbound(by_number, "News of the case.", channel=Channel.WHATSAPP, author=Author.STAFF)
    line.database.write_now(
        lambda tx: tx.outbox.record(words, decision="test", status=OutboxStatus.HELD, reason="window_closed")
    )

    by_id = write(line)
    write(line, "are you there")
    rowan = line.add_staff()
    line.claim(by_number, rowan)
    line.hand_back(by_number, Outcome.OFFICER_WILL_CALL, by=rowan)
    write(line, "hello")

    assert [row.reason for row in line.rows(desk_item, conversation_id=by_number)] == ["not_delivered"]
    assert [row.act for row in line.rows(audit, conversation_id=by_number)].count("desk_item_opened") == 1
    assert line.rows(desk_item, conversation_id=by_id) == []
    assert line.row(outbox, text="News of the case.").status == "held"


def test_another_writers_number_brings_no_plan_of_theirs(line: Line) -> None:
    line.add_cases(a_case(safe_contact="none"))
    theirs = write(line, phone="+447700900002")
    write(line, external_id="GB.9Z9Z9Z")

    reaches = line.database.read_now(lambda tx: tx.people.list_reaches(Channel.WHATSAPP, SCOPED_ID, theirs))

    assert reaches == []


def unasked(line: Line, to: str, channel: Channel = Channel.WHATSAPP) -> Any:
    """News towards them, written now; its row."""

    def write(tx: Any) -> int | None:
        message = an_outbound(
            tx.conversations.open(channel, to).id,
            channel=channel,
            to=to,
            kind=SendKind.CASE_UPDATE,
            lane=Lane.STAFF,
            author=Author.SERVICE,
        )
        return outgoing.send(tx, message)

    return line.row(outbox, id=line.database.write_now(write))


def test_a_stop_by_text_bars_the_id_that_was_seen_with_the_number_until_they_write_there(line: Line) -> None:
    """Red when the bar is looked for under the address alone."""
    line.add_cases()
    write(line)
    line.clock.advance(minutes=1)
    line.receive("STOP")
    barred = unasked(line, SCOPED_ID)
    line.clock.advance(minutes=1)
    write(line, "hello", phone=None)

    assert (barred.status, barred.reason) == ("suppressed", SendReason.ASKED_TO_STOP)
    assert unasked(line, SCOPED_ID).status == "waiting"


def test_a_stop_under_an_id_bars_texts_to_the_number_and_both_end_together(line: Line) -> None:
    """Red when the STOP is noted for the id alone, or ends for the id alone."""
    line.add_cases()
    write(line, "STOP")
    barred = [unasked(line, SCOPED_ID), unasked(line, VICTIM, Channel.SMS)]
    line.clock.advance(minutes=1)
    write(line, "hello")
    after = [unasked(line, SCOPED_ID), unasked(line, VICTIM, Channel.SMS)]

    assert [row.reason for row in barred] == [SendReason.ASKED_TO_STOP] * 2
    assert [row.status for row in after] == ["waiting"] * 2


def test_a_doubt_under_an_id_ends_what_the_number_seen_with_it_proved(line: Line) -> None:
    """Red when only the address of the conversation is looked at, which is no number."""
    line.add_cases()
    by_text = line.open(VICTIM)
    line.database.write_now(
        lambda tx: tx.standings.record(by_text, REFERENCE, Standing.LINKED, method=ProofMethod.CODE.value)
    )
    by_id = write(line)

    dropped = line.database.write_now(
        lambda tx: standings.drop_standing(tx, tx.conversations.get(by_id), standings.WRONG_PERSON)
    )

    assert dropped
    assert line.database.read_now(lambda tx: tx.standings.find(by_text))[0] is Standing.UNKNOWN
    assert line.row(person).contact_suspended_at is not None
