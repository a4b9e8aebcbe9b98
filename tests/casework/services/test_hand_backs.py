"""The words a colleague approved at hand-back come before the next answer: once, to whoever they were meant for.

Red when: `say_handed_back` leaves out `mark_said` (said twice) or `_may_be_said` (said to strangers, or after its day);
`commit_answer` says it behind the answer; `find_unsaid` leaves out the epoch (said while a colleague has it, or after
a later talk); `_may_be_said` looks at no case, or at no day; `_address` sends it in another lane than the answer.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from casework.adapters.storage.conversation_tables import hand_back_summary
from casework.adapters.storage.tables import outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import Outcome
from casework.model.messages import Channel
from casework.model.safe_contact import Wording, parse_safe_contact
from casework.model.staffed_hours import load_staffed_hours
from casework.model.standings import Standing
from casework.model.working_days import local_day
from casework.services import hand_backs, standings
from casework.services.answer import commit_answer
from casework.services.conversation_ports import NextStep
from casework.services.labels import Judged
from casework.services.ports import StaffMember
from tests.support.builders import REFERENCE, a_case, an_answer
from tests.support.line import Line

OTHER_CASE = "43260054321"
SPOKE = "A person from the team spoke with you on Saturday 21 November."
APPROVED = f"{SPOKE} They asked the officer to get in touch with you. You can write here at any time."
ANSWER = "I can tell you how your case is going."


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases(a_case(), a_case(crime_reference=OTHER_CASE))
    line.assistant.answer = an_answer(ANSWER)
    return line


def link(line: Line, conversation_id: str, reference: str = REFERENCE) -> None:
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, reference, Standing.LINKED, method="code")
    )


def hand_back(
    line: Line,
    conversation_id: str,
    by: StaffMember,
    *,
    step: NextStep | None = NextStep.OFFICER,
    due_on: date | None = None,
) -> str:
    """What was approved: the very words of the page before; empty where nothing may be said."""

    def work(tx: SqlTransaction) -> str:
        channel = tx.conversations.get(conversation_id).channel
        now = tx.now
        text = (
            ""
            if step is None
            else hand_backs.word_summary(line.texts, channel, step=step, due_on=due_on, now=now)
        )
        hand_backs.hand_back(
            tx,
            conversation_id,
            hand_backs.Finish(
                outcome=Outcome.OFFICER_WILL_CALL,
                judged=Judged(),
                summary=None if step is None else hand_backs.Summary(step=step, due_on=due_on, approved=text),
            ),
            by=by,
            last_seen_inbox_id=tx.inbox.latest_id(conversation_id) or 0,
            texts=line.texts,
            hours=load_staffed_hours(),
        )
        return text

    return line.database.write_now(work)


async def handled(line: Line, *, is_linked: bool = True, due_on: date | None = None) -> str:
    """A conversation that a person has had and handed back, its words not said yet."""
    conversation_id = line.receive("can someone call me").conversation_id
    await line.answer_all()
    await line.deliver_all()
    if is_linked:
        link(line, conversation_id)
    by = line.add_staff()
    line.claim(conversation_id, by)
    hand_back(line, conversation_id, by, due_on=due_on)
    line.sender.sent.clear()
    return conversation_id


async def said(line: Line, text: str = "what is happening") -> list[str]:
    """What leaves in answer to that, in the order it leaves."""
    line.sender.sent.clear()
    line.receive(text)
    await line.answer_all()
    await line.deliver_all()
    return [message.text for message in line.sender.sent]


async def test_the_approved_words_come_once_and_before_the_next_answer(line: Line) -> None:
    await handled(line)
    assert line.sender.sent == []

    first, second = await said(line), await said(line)

    assert first == [APPROVED, ANSWER]
    assert second == [ANSWER]
    assert line.row(hand_back_summary).said_at is not None


async def test_without_a_link_they_are_said_to_who_writes_within_a_day(line: Line) -> None:
    await handled(line, is_linked=False)
    line.clock.advance(hours=23)

    assert await said(line) == [APPROVED, ANSWER]


async def test_a_day_later_nobody_knows_who_holds_a_phone_that_proved_nothing(line: Line) -> None:
    await handled(line, is_linked=False)
    line.clock.advance(hours=24)

    assert await said(line) == [ANSWER]


async def test_a_link_that_has_run_out_is_told_nothing_until_it_is_proved_again(line: Line) -> None:
    conversation_id = await handled(line)
    line.clock.advance(hours=25)

    fallen = await said(line)
    link(line, conversation_id)
    proved = await said(line)

    assert fallen == [ANSWER]
    assert proved == [APPROVED, ANSWER]


async def test_a_number_whose_link_was_ended_is_told_nothing(line: Line) -> None:
    conversation_id = await handled(line)
    line.database.write_now(
        lambda tx: standings.drop_standing(tx, tx.conversations.get(conversation_id), "wrong_person")
    )

    assert await said(line) == [ANSWER]


async def test_who_proves_another_case_on_the_same_number_is_not_told(line: Line) -> None:
    """A number that has gone to somebody else, who has a case of their own."""
    conversation_id = await handled(line)
    line.clock.advance(hours=2)
    link(line, conversation_id, OTHER_CASE)

    assert await said(line) == [ANSWER]


@pytest.mark.parametrize("is_linked", [False, True])
async def test_who_asks_who_this_is_is_not_told_of_a_talk(line: Line, is_linked: bool) -> None:
    await handled(line, is_linked=is_linked)

    assert APPROVED not in await said(line, "who is this")


async def test_no_day_is_said_once_it_has_passed(line: Line) -> None:
    conversation_id = await handled(line, due_on=local_day(line.clock.now()) + timedelta(days=2))
    line.clock.advance(days=3)
    link(line, conversation_id)

    assert await said(line) == [ANSWER]


async def test_long_after_nobody_is_told_of_a_talk(line: Line) -> None:
    conversation_id = await handled(line)
    line.clock.advance(days=15)
    link(line, conversation_id)

    assert await said(line) == [ANSWER]


@pytest.mark.parametrize(
    "care", [{"is_safe_first": True}, {"wording": Wording.NEUTRAL}], ids=["safe first", "neutral"]
)
async def test_a_phone_that_may_be_overlooked_is_not_told_of_a_talk(line: Line, care: dict[str, Any]) -> None:
    await handled(line)

    def agree(tx: SqlTransaction) -> None:
        reach = tx.people.find_of_case(REFERENCE)
        assert reach is not None
        tx.people.set_plan(reach.person_id, replace(parse_safe_contact("any"), **care), by="test")

    line.database.write_now(agree)

    assert SPOKE not in " ".join(await said(line))


async def test_nothing_is_said_while_a_colleague_has_it_nor_after_their_talk(line: Line) -> None:
    conversation_id = await handled(line)
    other = line.add_staff("kim")
    line.claim(conversation_id, other)

    owned = await said(line)
    hand_back(line, conversation_id, other, step=None)
    after = await said(line)

    assert owned == []
    assert after == [ANSWER]


async def test_words_on_their_way_do_not_leave_once_a_colleague_has_taken_it(line: Line) -> None:
    conversation_id = await handled(line)
    line.sender.sent.clear()
    line.receive("what is happening")
    await line.answer_all()

    line.claim(conversation_id, line.add_staff("kim"))
    await line.deliver_all()

    assert [message.text for message in line.sender.sent] == []


async def test_a_claim_while_the_assistant_is_writing_says_nothing_and_keeps_the_words_unsaid(
    line: Line,
) -> None:
    conversation_id = await handled(line)
    line.receive("what is happening")
    leased = line.database.write_now(lambda tx: tx.turns.lease_next("w", lease_seconds=10))
    assert leased is not None
    line.claim(conversation_id, line.add_staff("kim"))

    line.database.write_now(lambda tx: commit_answer(tx, leased, line.assistant.answer, line.answering()))

    assert line.rows(outbox, template="hand_back_summary") == []
    assert line.row(hand_back_summary).said_at is None


async def test_on_web_chat_they_are_said_at_once_and_not_again(line: Line) -> None:
    conversation_id = line.receive(
        channel=Channel.WEBCHAT, external_id="0123456789abcdef" * 2
    ).conversation_id
    by = line.add_staff()
    line.claim(conversation_id, by)

    approved = hand_back(line, conversation_id, by)
    at_once = [row.text for row in line.rows(outbox, template="hand_back_summary")]
    line.receive(channel=Channel.WEBCHAT, external_id="0123456789abcdef" * 2)
    await line.answer_all()

    assert at_once == [approved] == [row.text for row in line.rows(outbox, template="hand_back_summary")]
