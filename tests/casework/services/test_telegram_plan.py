"""A Telegram conversation that was linked to a case obeys the plan of that case's person, as a phone number does.

The address says nothing of anybody there, so the plan is found by the link alone. Red when: `list_reaches` looks
at the address only.
"""

from typing import Any

import pytest

from casework.adapters.storage.tables import desk_item, outbox
from casework.model.messages import Author, Channel, Lane, SendKind
from casework.model.standings import Standing
from casework.services import outgoing, reach
from tests.casework.services.test_outgoing import a_plan, agree
from tests.support.builders import REFERENCE, a_case, an_outbound
from tests.support.line import Line

PERSON, STRANGER = "7700900001", "7700900002"
NOT_TELEGRAM = frozenset(Channel) - {Channel.TELEGRAM}
ANSWERS_ONLY = ("suppressed", "answers_only")


def link(line: Line, external_id: str = PERSON) -> str:
    """The conversation of somebody who has just opened an invite by Telegram."""
    conversation_id = line.open(external_id, Channel.TELEGRAM)
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, REFERENCE, Standing.LINKED, method="invite")
    )
    return conversation_id


def send(line: Line, conversation_id: str, kind: SendKind, to: str = PERSON) -> tuple[str, str]:
    """(status, what the plan said) of one message towards them."""

    def write(tx: Any) -> int | None:
        message = an_outbound(
            conversation_id,
            channel=Channel.TELEGRAM,
            to=to,
            kind=kind,
            lane=Lane.SAFETY if kind is SendKind.SAFETY_LINE else Lane.STAFF,
            author=Author.SERVICE,
        )
        return outgoing.send(tx, message)

    row = line.row(outbox, id=line.database.write_now(write))
    return row.status, row.safe_contact_decision


@pytest.mark.parametrize(
    ("safe_contact", "expected"),
    [
        ("any", ("waiting", "unasked_agreed")),
        ("reply_only", ANSWERS_ONLY),
        ("", ANSWERS_ONLY),
        ("none", ("suppressed", "nothing_in_writing")),
    ],
)
def test_news_leaves_as_the_case_files_word_allows(
    line: Line, safe_contact: str, expected: tuple[str, str]
) -> None:
    line.add_cases(a_case(safe_contact=safe_contact))

    assert send(line, link(line), SendKind.CASE_UPDATE) == expected


def test_a_channel_that_was_not_agreed_gets_no_news_and_a_person_is_asked(line: Line) -> None:
    line.add_cases(a_case())
    agree(line, a_plan(unasked_channels=NOT_TELEGRAM))

    assert send(line, link(line), SendKind.CASE_UPDATE) == ("suppressed", "channel_not_agreed")
    assert [row.reason for row in line.rows(desk_item)] == ["may_not_be_written"]


def test_where_no_answers_are_wanted_only_the_safety_line_leaves(line: Line) -> None:
    line.add_cases(a_case())
    agree(line, a_plan(answered_channels=NOT_TELEGRAM, unasked_channels=NOT_TELEGRAM))
    conversation_id = link(line)

    assert send(line, conversation_id, SendKind.STAFF_REPLY) == ("suppressed", "channel_not_agreed")
    assert send(line, conversation_id, SendKind.SAFETY_LINE) == ("waiting", "safety_line")


def test_an_answer_leaves_while_the_phone_is_in_their_hand_and_not_later(line: Line) -> None:
    line.add_cases(a_case())
    agree(line, a_plan(unasked_channels=NOT_TELEGRAM))
    conversation_id = link(line)
    assert send(line, conversation_id, SendKind.STAFF_REPLY) == ("waiting", "answers_a_message")

    line.clock.advance(minutes=16)

    assert send(line, conversation_id, SendKind.STAFF_REPLY) == ("suppressed", "channel_not_agreed")


async def test_the_plan_is_asked_again_when_the_message_leaves(line: Line) -> None:
    line.add_cases(a_case())
    conversation_id = link(line)
    assert send(line, conversation_id, SendKind.CASE_UPDATE)[0] == "waiting"

    agree(line, a_plan(unasked_channels=NOT_TELEGRAM))
    await line.deliver_all()

    assert line.sender.sent == []
    assert line.row(outbox).status == "suppressed"


def test_a_stranger_is_answered_and_never_written_to_unasked(line: Line) -> None:
    line.add_cases(a_case())
    link(line)
    conversation_id = line.open(STRANGER, Channel.TELEGRAM)

    assert send(line, conversation_id, SendKind.STAFF_REPLY, STRANGER)[0] == "waiting"
    assert send(line, conversation_id, SendKind.CASE_UPDATE, STRANGER) == ANSWERS_ONLY


def test_a_number_that_looks_like_the_contact_of_record_is_nobody(line: Line) -> None:
    """Telegram's ids are numbers too; one that reads like a mobile opens no plan and no case."""
    line.add_cases(a_case(contact_mobile=f"+44{PERSON}"))
    conversation_id = line.open(f"44{PERSON}", Channel.TELEGRAM)

    def look(tx: Any) -> Any:
        return tx.people.list_reaches(Channel.TELEGRAM, f"+44{PERSON}", conversation_id)

    assert line.database.read_now(look) == []


def test_news_may_go_to_where_they_linked_themselves(line: Line) -> None:
    line.add_cases(a_case())
    link(line)

    case = line.database.read_now(lambda tx: tx.cases.find(REFERENCE))
    assert case is not None
    found = line.database.read_now(lambda tx: reach.list_addresses(tx, case))
    assert (Channel.TELEGRAM, PERSON) in found
