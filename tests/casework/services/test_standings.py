"""What a proof is still worth where it is kept, and what ends it before its time."""

from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, case_notice, desk_item, outbox, person, standing
from casework.model.messages import Author, Channel, OutboxStatus
from casework.model.safe_contact import strictest
from casework.model.standings import Standing
from casework.services import standings
from casework.services.ports import AssistantAnswer, AssistantReply, Delivery
from casework.services.prove import confirm_code, request_code
from casework.services.receipts import record_receipt
from tests.support.builders import REFERENCE, VICTIM, a_case, an_answer, an_outbound
from tests.support.line import Line
from tests.support.news import agree_plan, say_case, stage_becomes

OTHER_CASE = "43260054321"
STRANGER = "+447700900777"


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases(a_case(), a_case(crime_reference=OTHER_CASE))
    return line


def link(
    line: Line,
    external_id: str = VICTIM,
    channel: Channel = Channel.SMS,
    *,
    reference: str = REFERENCE,
    level: Standing = Standing.LINKED,
    method: str = "code",
) -> str:
    conversation_id = line.open(external_id, channel)
    line.database.write_now(lambda tx: tx.standings.record(conversation_id, reference, level, method=method))
    return conversation_id


def find(line: Line, conversation_id: str) -> tuple[Standing, str | None]:
    return line.database.read_now(lambda tx: tx.standings.find(conversation_id))


def use(line: Line, conversation_id: str) -> None:
    line.database.write_now(lambda tx: standings.use_standing(tx, conversation_id))


def drop(line: Line, conversation_id: str, why: str = "wrong_person") -> bool:
    def ended(tx: Any) -> bool:
        return standings.drop_standing(tx, tx.conversations.get(conversation_id), why)

    return line.database.write_now(ended)


# --- how long it holds ----------------------------------------------------------------------------


async def test_a_link_nobody_used_for_a_day_is_worth_nothing_and_still_names_its_case(line: Line) -> None:
    conversation_id = link(line)

    line.clock.advance(hours=23, minutes=59)
    assert find(line, conversation_id) == (Standing.LINKED, REFERENCE)
    line.clock.advance(minutes=1)

    assert find(line, conversation_id) == (Standing.UNKNOWN, REFERENCE)


async def test_a_link_in_use_holds_for_thirty_days_and_no_longer(line: Line) -> None:
    conversation_id = link(line)

    for _ in range(30):
        assert find(line, conversation_id)[0] is Standing.LINKED
        line.clock.advance(hours=23, minutes=50)
        use(line, conversation_id)
    line.clock.advance(hours=6)

    assert find(line, conversation_id)[0] is Standing.UNKNOWN


async def test_a_link_that_has_run_out_is_not_brought_back_by_using_it(line: Line) -> None:
    conversation_id = link(line)
    line.clock.advance(hours=25)

    use(line, conversation_id)

    assert find(line, conversation_id)[0] is Standing.UNKNOWN


async def test_an_answered_message_counts_as_a_use(line: Line) -> None:
    conversation_id = link(line)
    for _ in range(3):
        line.clock.advance(hours=20)
        line.receive(external_id=VICTIM)
        await line.answer_all()

    assert find(line, conversation_id)[0] is Standing.LINKED


async def test_a_step_up_is_lost_after_half_an_hour_and_using_the_link_does_not_bring_it_back(
    line: Line,
) -> None:
    conversation_id = link(line, "visitor", Channel.WEBCHAT)
    link(line, "visitor", Channel.WEBCHAT, level=Standing.STEPPED_UP, method="pin")
    assert find(line, conversation_id)[0] is Standing.STEPPED_UP

    line.clock.advance(minutes=29)
    use(line, conversation_id)
    line.clock.advance(minutes=29)
    assert find(line, conversation_id)[0] is Standing.STEPPED_UP
    line.clock.advance(minutes=2)
    use(line, conversation_id)
    use(line, conversation_id)

    assert find(line, conversation_id)[0] is Standing.LINKED


async def test_a_pin_is_worth_nothing_without_a_link(line: Line) -> None:
    alone = link(line, "visitor", Channel.WEBCHAT, level=Standing.STEPPED_UP, method="pin")

    assert find(line, alone)[0] is Standing.UNKNOWN


async def test_an_officers_word_runs_down_to_a_link_and_stays_one(line: Line) -> None:
    conversation_id = link(
        line, "visitor", Channel.WEBCHAT, level=Standing.OFFICER_CONFIRMED, method="call_back"
    )
    assert find(line, conversation_id)[0] is Standing.OFFICER_CONFIRMED

    line.clock.advance(minutes=31)
    use(line, conversation_id)
    assert find(line, conversation_id)[0] is Standing.LINKED
    line.clock.advance(hours=23)

    assert find(line, conversation_id)[0] is Standing.LINKED


async def test_on_a_phone_nothing_is_worth_more_than_a_link(line: Line) -> None:
    conversation_id = link(line, level=Standing.OFFICER_CONFIRMED, method="call_back")

    assert find(line, conversation_id)[0] is Standing.LINKED


async def test_the_assistant_is_told_what_the_proof_is_worth_now(line: Line) -> None:
    link(line)
    line.receive(external_id=VICTIM)
    await line.answer_all()
    line.clock.advance(hours=25)
    line.receive(external_id=VICTIM)
    await line.answer_all()

    assert [facts["standing"] for facts in line.assistant.facts] == ["linked", "unknown"]


async def test_a_reply_that_tells_of_a_case_does_not_leave_without_a_link(line: Line) -> None:
    line.assistant.answer = telling("utter_officer")
    line.receive(external_id=STRANGER)
    await line.answer_all()

    [(text, status)] = line.outgoing(line.open(STRANGER))
    assert text == line.texts.render("holding", Channel.SMS)
    assert status == "waiting"


# --- one binding a channel and case ---------------------------------------------------------------


async def test_a_new_link_ends_the_old_one_of_that_channel_and_case(line: Line) -> None:
    old = link(line, "first visit", Channel.WEBCHAT)
    new = link(line, "second visit", Channel.WEBCHAT)

    assert find(line, old) == (Standing.UNKNOWN, None)
    assert find(line, new) == (Standing.LINKED, REFERENCE)
    assert line.row(standing, conversation_id=old).ended_why == "replaced"


async def test_a_link_on_another_channel_or_to_another_case_stays(line: Line) -> None:
    by_phone = link(line)
    other_case = link(line, "first visit", Channel.WEBCHAT, reference=OTHER_CASE)
    link(line, "second visit", Channel.WEBCHAT)

    assert find(line, by_phone)[0] is Standing.LINKED
    assert find(line, other_case)[0] is Standing.LINKED


async def test_choosing_a_pin_does_not_end_the_link_it_builds_on(line: Line) -> None:
    conversation_id = link(line, "visit", Channel.WEBCHAT)
    link(line, "visit", Channel.WEBCHAT, level=Standing.STEPPED_UP, method="pin")

    assert len(line.rows(standing, conversation_id=conversation_id, ended_at=None)) == 2


# --- signs that the number is somebody else's now --------------------------------------------------


@pytest.mark.parametrize("text", ["who is this", "Sorry, wrong number", "this isn't my number"])
async def test_whoever_says_it_is_the_wrong_person_is_linked_no_more(line: Line, text: str) -> None:
    conversation_id = link(line)

    received = line.receive(text, external_id=VICTIM)

    assert find(line, conversation_id) == (Standing.UNKNOWN, None)
    assert line.row(person).contact_suspended_why == "wrong_person"
    item = line.row(desk_item)
    assert (item.reason, item.inbox_id) == ("contact_doubted", received.inbox_id)
    assert line.rows(audit, act="standing_dropped")[0].thing == "wrong_person"


async def test_in_a_web_chat_who_is_this_asks_who_answers(line: Line) -> None:
    conversation_id = link(line, "visitor", Channel.WEBCHAT)

    line.receive("who is this", external_id="visitor", channel=Channel.WEBCHAT)

    assert find(line, conversation_id)[0] is Standing.LINKED
    assert line.rows(desk_item) == []


async def test_a_stranger_who_asks_who_this_is_makes_no_work(line: Line) -> None:
    line.receive("who is this", external_id=STRANGER)

    assert line.rows(desk_item) == []
    assert line.row(person).contact_suspended_at is None


async def test_a_number_that_is_doubted_makes_one_task_however_often_it_is_said(line: Line) -> None:
    link(line)
    for _ in range(3):
        line.receive("wrong number", external_id=VICTIM)

    assert len(line.rows(desk_item, reason="contact_doubted")) == 1


async def test_what_was_proved_by_a_code_to_that_number_ends_everywhere_and_an_invite_does_not(
    line: Line,
) -> None:
    phone = link(line)
    by_code = link(line, "code visit", Channel.WEBCHAT, method="code")
    by_invite = link(line, "invite visit", Channel.TELEGRAM, method="invite")

    assert drop(line, phone)

    assert find(line, by_code)[0] is Standing.UNKNOWN
    assert find(line, by_invite)[0] is Standing.LINKED


async def test_dropping_nothing_says_so(line: Line) -> None:
    assert not drop(line, line.open("visitor", Channel.WEBCHAT))


@pytest.mark.parametrize(
    ("code", "dropped"), [("21610", True), ("30006", True), ("30003", False), (None, False)]
)
async def test_a_provider_that_refuses_the_number_ends_what_it_proved(
    line: Line, code: str | None, dropped: bool
) -> None:
    conversation_id = link(line)
    message = an_outbound(conversation_id)
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))
    await line.deliver_all()
    sent = line.row(outbox)

    line.database.write_now(
        lambda tx: record_receipt(tx, sent.provider_message_id, "undelivered", error_code=code)
    )

    assert (find(line, conversation_id)[0] is Standing.UNKNOWN) is dropped
    assert ("contact_doubted" in {row.reason for row in line.rows(desk_item)}) is dropped


async def test_a_refusal_at_the_moment_of_sending_counts_as_well(line: Line) -> None:
    conversation_id = link(line)
    line.sender.outcomes = [Delivery(status=OutboxStatus.FAILED, error_code="21610")]
    message = an_outbound(conversation_id, author=Author.SERVICE)
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))

    await line.deliver_all()

    assert find(line, conversation_id) == (Standing.UNKNOWN, None)
    assert line.row(person).contact_suspended_why == "provider_21610"


async def test_while_the_number_is_doubted_it_gets_no_code_not_even_one_it_asks_for(line: Line) -> None:
    phone = link(line)
    drop(line, phone)

    line.database.write_now(lambda tx: request_code(tx, phone, REFERENCE))
    await line.issue_codes()

    assert line.rows(outbox) == []
    assert not line.database.write_now(
        lambda tx: confirm_code(tx, phone, line.codes.issued[-1], codes=line.codes)
    )
    assert find(line, phone)[0] is Standing.UNKNOWN


async def test_a_code_sent_before_the_doubt_works_no_more(line: Line) -> None:
    phone = line.open(VICTIM)
    line.database.write_now(lambda tx: request_code(tx, phone, REFERENCE))
    await line.issue_codes()
    line.receive("wrong number", external_id=VICTIM)

    assert not line.database.write_now(
        lambda tx: confirm_code(tx, phone, line.codes.issued[-1], codes=line.codes)
    )
    assert line.row(person).contact_suspended_at is not None


async def test_a_code_given_back_confirms_the_contact(line: Line) -> None:
    asker = line.open("visitor", Channel.WEBCHAT)
    line.database.write_now(lambda tx: request_code(tx, asker, REFERENCE))
    await line.issue_codes()
    assert line.row(person).contact_confirmed_at is None

    assert line.database.write_now(
        lambda tx: confirm_code(tx, asker, line.codes.issued[-1], codes=line.codes)
    )

    confirmed = line.row(person).contact_confirmed_at
    assert line.clock.now() - confirmed < timedelta(seconds=1)


# --- what the answer does with it -------------------------------------------------------------------


def telling(response: str) -> AssistantAnswer:
    return an_answer(replies=(AssistantReply(response=response, text="Where it stands."),))


@pytest.mark.parametrize(
    ("response", "is_read"), [("utter_stage_arrested", True), ("utter_not_told_here", False)]
)
async def test_an_answer_that_tells_where_a_case_stands_marks_its_news_as_read(
    line: Line, response: str, is_read: bool
) -> None:
    say_case(line)
    link(line)
    stage_becomes(line, "arrested")
    line.assistant.answer = telling(response)

    line.receive(external_id=VICTIM)
    await line.answer_all()

    assert (line.row(case_notice).read_at is not None) is is_read


async def test_nobodys_news_is_read_by_a_stranger(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "arrested")
    line.assistant.answer = telling("utter_stage_arrested")

    line.receive(external_id=STRANGER)
    await line.answer_all()

    assert line.row(case_notice).read_at is None


async def test_where_the_plan_wants_a_safe_question_first_the_assistant_is_told(line: Line) -> None:
    agree_plan(line, strictest())
    for sender in (VICTIM, STRANGER):
        line.receive(external_id=sender)
    await line.answer_all()

    assert [facts["safe_question"] for facts in line.assistant.facts] == [True, False]
