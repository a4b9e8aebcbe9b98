"""WhatsApp's 24 hours: what it does not take is held, one nudge without content leaves, and nothing is lost.

Red when: `is_window_open` is always True, `release_held` does nothing, the nudge's key holds no silence or the
message's own, the SMS is sent without asking the plan, or `hold_for_window` does not look again at when they wrote.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import audit, desk_item, inbox, outbox, turn
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.contact_hours import ContactWindow
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus, SendKind
from casework.model.safe_contact import SafeContactPlan, Wording
from casework.model.standings import ProofMethod, Standing
from casework.services import outgoing, windows
from casework.services.ports import Delivery
from casework.services.receipts import record_receipt
from tests.support.builders import VICTIM, a_case, a_hit, an_answer
from tests.support.fakes import FakeSender
from tests.support.line import Line, Row

EVERY_CHANNEL = frozenset(Channel)
CLOSED = Delivery(status=OutboxStatus.FAILED, error_code="63016", failure="window_closed")
REFUSED = Delivery(status=OutboxStatus.FAILED, error_code="63027", failure="template_wrong")
WORDS = "Robin Test-Officer will see you on Friday about the burglary."


def whatsapp(line: Line, *, hours_ago: float, **case: Any) -> str:
    """A person of record who wrote on WhatsApp that long ago and has been answered; the conversation."""
    line.add_cases(a_case(**case))
    conversation_id = line.open(VICTIM, Channel.WHATSAPP)
    line.clock.advance(hours=hours_ago)
    return conversation_id


def write(line: Line, conversation_id: str, text: str = WORDS, **values: Any) -> None:
    def send(tx: SqlTransaction) -> None:
        conversation = tx.conversations.get(conversation_id)
        defaults: dict[str, Any] = {
            "lane": Lane.STAFF,
            "author": Author.STAFF,
            "kind": SendKind.STAFF_REPLY,
            "template": "staff",
            "dedupe_key": f"staff:{text}",
        }
        outgoing.send(tx, outgoing.address(conversation, text, **(defaults | values)))

    line.database.write_now(send)


def left(line: Line) -> list[tuple[Channel, str, str]]:
    return [(message.channel, message.to, message.text) for message in line.sender.sent]


def held(line: Line) -> list[str]:
    return [row.text for row in line.rows(outbox, status="held")]


def by_template(line: Line) -> tuple[Channel, str, str]:
    return (Channel.WHATSAPP, VICTIM, line.texts.render("waiting", Channel.WHATSAPP))


def by_sms(line: Line, to: str = VICTIM) -> tuple[Channel, str, str]:
    return (Channel.SMS, to, line.texts.render("waiting_by_sms", Channel.SMS))


def items(line: Line, conversation_id: str) -> list[str]:
    return [row.reason for row in line.rows(desk_item, conversation_id=conversation_id)]


def agree(line: Line, **plan: Any) -> None:
    agreed = SafeContactPlan(
        **(
            {
                "answered_channels": EVERY_CHANNEL,
                "is_unsolicited_agreed": True,
                "is_safe_first": False,
                "wording": Wording.PLAIN,
            }
            | plan
        )
    )

    def set_plan(tx: SqlTransaction) -> None:
        reach = tx.people.find_of_case(a_case().crime_reference)
        assert reach is not None
        tx.people.set_plan(reach.person_id, agreed, by="test")

    line.database.write_now(set_plan)


# --- the window --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "wrote", "is_open"),
    [
        (Channel.WHATSAPP, timedelta(hours=23, minutes=58), True),
        (Channel.WHATSAPP, timedelta(hours=23, minutes=59), False),
        (Channel.WHATSAPP, timedelta(days=3), False),
        (Channel.SMS, timedelta(days=3), True),
        (Channel.TELEGRAM, timedelta(days=3), True),
    ],
)
def test_only_whatsapp_has_a_window_and_it_is_a_minute_short_of_24_hours(
    line: Line, channel: Channel, wrote: timedelta, is_open: bool
) -> None:
    conversation_id = line.open(VICTIM, channel)
    line.clock.advance(seconds=wrote.total_seconds())

    def ask(tx: SqlTransaction) -> bool:
        conversation = tx.conversations.get(conversation_id)
        return windows.is_window_open(tx, a_text(conversation))

    assert line.database.read_now(ask) is is_open


def a_text(conversation: Any, template: str = "staff") -> OutboundMessage:
    return outgoing.address(
        conversation,
        WORDS,
        lane=Lane.STAFF,
        author=Author.STAFF,
        kind=SendKind.STAFF_REPLY,
        template=template,
        dedupe_key="x",
    )


def test_nobody_who_never_wrote_there_has_an_open_window_but_the_nudge_always_leaves(line: Line) -> None:
    def ask(tx: SqlTransaction) -> tuple[bool, bool]:
        conversation = tx.conversations.open(Channel.WHATSAPP, VICTIM)
        return (
            windows.is_window_open(tx, a_text(conversation)),
            windows.is_window_open(tx, a_text(conversation, windows.NUDGE)),
        )

    assert line.database.write_now(ask) == (False, True)


# --- held, and told ------------------------------------------------------------------------------------


async def test_outside_the_window_nothing_is_tried_and_the_nudge_leaves(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)

    await line.deliver_all()

    assert left(line) == [by_template(line)]
    assert held(line) == [WORDS]
    assert items(line, conversation_id) == []


async def test_63016_falls_back_to_template(line: Line) -> None:
    """WhatsApp's own clock counts: it refuses what ours would still send."""
    conversation_id = whatsapp(line, hours_ago=23)
    write(line, conversation_id)
    line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    assert left(line) == [by_template(line)]
    assert held(line) == [WORDS]
    assert items(line, conversation_id) == []
    assert line.row(outbox, status="held").reason == "window_closed"


async def test_63016_in_the_news_falls_back_to_template_once(line: Line) -> None:
    """Mostly it is taken first and refused in a callback. That one stays as it was; a copy of it is held."""
    conversation_id = whatsapp(line, hours_ago=23)
    write(line, conversation_id, choices=("Yes", "No"))
    await line.deliver_all()
    [first] = line.rows(outbox)

    for _ in range(2):
        tell(line, first, "failed", "63016")
        await line.deliver_all()

    original, copy, nudge = line.rows(outbox)
    assert (original.status, original.delivery_state, original.reason) == ("sent", "failed", "window_closed")
    assert (copy.status, copy.text, copy.choices) == ("held", WORDS, ["Yes", "No"])
    assert copy.menu_token != original.menu_token
    assert (nudge.template, nudge.status) == ("waiting", "sent")
    assert items(line, conversation_id) == []


def tell(line: Line, row: Row, status: str, code: str, *, failure: str = "window_closed") -> None:
    def record(tx: SqlTransaction) -> None:
        record_receipt(tx, row.provider_message_id, status, error_code=code, name_failure=lambda _: failure)

    line.database.write_now(record)


async def test_several_held_messages_have_one_nudge(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=30)
    for number in range(4):
        write(line, conversation_id, f"Message {number}")
        await line.deliver_all()
        line.clock.advance(hours=2)

    assert left(line) == [by_template(line)]
    assert held(line) == [f"Message {number}" for number in range(4)]


async def test_who_falls_silent_again_is_told_again(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=30)
    write(line, conversation_id, "Message 1")
    await line.deliver_all()
    line.receive("read now", channel=Channel.WHATSAPP)
    line.clock.advance(hours=25)
    write(line, conversation_id, "Message 2")

    await line.deliver_all()

    assert left(line).count(by_template(line)) == 2


@pytest.mark.parametrize("template", [windows.NUDGE, windows.NUDGE_BY_SMS])
async def test_the_nudge_says_nothing_of_who_writes_or_what(line: Line, template: str) -> None:
    """No gap that could be filled, and not one word of the message or the case beside the plainest."""
    conversation_id = whatsapp(line, hours_ago=23)
    agree(line, unasked_channels=frozenset({Channel.WHATSAPP if template == windows.NUDGE else Channel.SMS}))
    write(line, conversation_id)
    line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    row = line.row(outbox, template=template)
    assert row.text == line.texts.texts[template]["sms"]
    assert {"{", "}"}.isdisjoint(row.text)
    case = a_case()
    known = f"{WORDS} {case.victim_name} {case.oic_name} {case.crime_type} whatsapp police crime case officer victim"
    assert words_of(row.text) & words_of(known) <= {"you"}
    assert (row.author, row.kind, row.choices, row.turn_id) == ("service", "case_update", [], None)


def words_of(text: str) -> set[str]:
    return {word.strip(".,").casefold() for word in text.split()}


# --- where the plan says no ---------------------------------------------------------------------------


async def test_who_agreed_to_texts_alone_gets_one(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=23)
    agree(line, unasked_channels=frozenset({Channel.SMS}))
    write(line, conversation_id)
    line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    assert left(line) == [by_sms(line)]
    assert (held(line), items(line, conversation_id)) == ([WORDS], [])


@pytest.mark.parametrize("safe_contact", ["reply_only", ""])
async def test_where_the_plan_forbids_what_is_unasked_a_person_is_told(line: Line, safe_contact: str) -> None:
    conversation_id = whatsapp(line, hours_ago=23, safe_contact=safe_contact)
    write(line, conversation_id)
    write(line, conversation_id, "And one more.")
    line.sender.outcomes = [CLOSED, CLOSED]

    await line.deliver_all()

    assert left(line) == []
    assert held(line) == [WORDS, "And one more."]
    assert items(line, conversation_id) == ["not_delivered"]


async def test_a_plan_that_allows_nothing_unasked_is_asked_before_the_window(line: Line) -> None:
    """A day later it is no answer any more: it is withheld, as on every channel, and not held."""
    conversation_id = whatsapp(line, hours_ago=25, safe_contact="reply_only")
    write(line, conversation_id)

    await line.deliver_all()

    assert (left(line), held(line)) == ([], [])
    assert items(line, conversation_id) == ["may_not_be_written"]


async def test_in_their_hours_the_nudge_leaves_and_not_before(line: Line) -> None:
    """12:00 is outside; from 15:00 on it is within."""
    conversation_id = whatsapp(line, hours_ago=24)
    hours = tuple(ContactWindow(weekday=day, start_minute=15 * 60, end_minute=16 * 60) for day in range(7))
    write(line, conversation_id)
    await hold_all(line)
    agree(line, unasked_channels=EVERY_CHANNEL, hours=hours)

    await line.deliver_all()
    before = left(line)
    line.clock.advance(hours=3, minutes=5)
    await line.deliver_all()

    assert (before, left(line)) == ([], [by_template(line)])


async def hold_all(line: Line) -> None:
    """One step: the message is held and the nudge is written."""
    assert await line.deliver()


# --- where the nudge fails too -------------------------------------------------------------------------


async def test_a_template_that_is_refused_is_followed_by_an_sms(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    line.sender.outcomes = [REFUSED]

    await line.deliver_all()

    assert left(line) == [by_sms(line)]
    assert (held(line), items(line, conversation_id)) == ([WORDS], [])


async def test_an_sms_that_fails_too_is_a_persons_task_where_the_words_wait(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    line.sender.outcomes = [REFUSED, Delivery(status=OutboxStatus.FAILED, failure="filtered_as_spam")]

    await line.deliver_all()

    assert (left(line), held(line)) == ([], [WORDS])
    assert items(line, conversation_id) == ["not_delivered"]
    assert len(line.rows(desk_item)) == 1


@pytest.mark.parametrize(
    ("failure", "follows"),
    [
        ("template_wrong", "sms"),
        ("window_closed", "sms"),
        ("unknown_fault", "sms"),
        ("not_on_whatsapp", "person"),
    ],
)
async def test_a_nudge_that_did_not_arrive_is_followed_by_an_sms_or_a_person(
    line: Line, failure: str, follows: str
) -> None:
    """A person, where the number has no account any more: whose phone it is now, nobody knows."""
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    await line.deliver_all()

    for _ in range(2):
        tell(line, line.row(outbox, template="waiting"), "undelivered", "1", failure=failure)
        await line.deliver_all()

    assert left(line) == [by_template(line), *([by_sms(line)] if follows == "sms" else [])]
    assert items(line, conversation_id) == ([] if follows == "sms" else ["not_delivered"])
    assert held(line) == [WORDS]


@pytest.mark.parametrize("how", ["asked", "provider"])
async def test_who_said_stop_or_shut_us_out_is_not_written_to_another_way(line: Line, how: str) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    await hold_all(line)
    line.database.write_now(lambda tx: tx.opt_outs.record(Channel.WHATSAPP, VICTIM, how=how, word="STOP"))
    line.sender.outcomes = [REFUSED]

    await line.deliver_all()

    assert not any(channel is Channel.SMS for channel, _, _ in left(line))


async def test_two_numbers_of_record_are_no_number(line: Line) -> None:
    """Nobody knows which of them the person holds: a person decides."""
    conversation_id = whatsapp(line, hours_ago=25, contact_mobile="+447700900002")
    other = a_case(crime_reference="43260099999", contact_mobile="+447700900003", victim_name="Sam Example")
    line.add_cases(other)
    for case in (a_case(), other):
        link(line, conversation_id, case.crime_reference)
    write(line, conversation_id)
    line.sender.outcomes = [REFUSED]

    await line.deliver_all()

    assert left(line) == []
    assert "not_delivered" in items(line, conversation_id)


async def test_the_sms_goes_to_the_contact_of_record_of_the_case_they_proved(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25, contact_mobile="+447700900002")
    link(line, conversation_id, a_case().crime_reference)
    write(line, conversation_id)
    line.sender.outcomes = [REFUSED]

    await line.deliver_all()

    assert left(line) == [by_sms(line, to="+447700900002")]


def link(line: Line, conversation_id: str, crime_reference: str) -> None:
    line.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, crime_reference, Standing.LINKED, method=ProofMethod.CODE
        )
    )


# --- when they write ------------------------------------------------------------------------------------


async def test_held_messages_leave_in_order_once_the_person_writes(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    for number in range(3):
        write(line, conversation_id, f"Message {number}")
    await line.deliver_all()
    line.sender.sent.clear()
    line.assistant.answer = an_answer("An answer.")

    line.receive("what is it", channel=Channel.WHATSAPP)
    await line.answer_all()
    await line.deliver_all()

    assert [text for _, _, text in left(line)] == ["Message 0", "Message 1", "Message 2", "An answer."]
    assert held(line) == []


async def test_the_templates_button_is_answered_with_what_was_held_and_nothing_else(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    await line.deliver_all()
    line.sender.sent.clear()

    line.receive("Read now", channel=Channel.WHATSAPP, choice="read_now")
    await line.answer_all()
    await line.deliver_all()

    assert [text for _, _, text in left(line)] == [WORDS]
    assert line.assistant.asked == []
    assert line.row(turn, inbox_id=line.rows(inbox)[-1].id).status == "done"


async def test_writing_elsewhere_opens_no_window(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    await line.deliver_all()

    line.receive("what is it", channel=Channel.SMS)
    line.receive("what is it", channel=Channel.WHATSAPP, external_id="+447700900002")

    assert held(line) == [WORDS]


async def test_a_nudge_not_yet_sent_is_not_sent_once_they_wrote(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    await hold_all(line)

    line.receive("hello", channel=Channel.WHATSAPP)
    await line.deliver_all()

    assert [text for _, _, text in left(line)] == [WORDS]
    assert line.row(outbox, template="waiting").reason == "they_wrote"


async def test_nor_is_one_by_sms_and_those_of_others_still_leave(line: Line) -> None:
    """Red when only the conversation they wrote in is looked at."""
    conversation_id = whatsapp(line, hours_ago=23)
    agree(line, unasked_channels=frozenset({Channel.SMS}))
    write(line, conversation_id)
    line.sender.outcomes = [CLOSED]
    await hold_all(line)
    nudge = line.row(outbox, template="waiting_by_sms")
    other = replace(
        a_text(
            line.database.read_now(lambda tx: tx.conversations.get(nudge.conversation_id)), nudge.template
        ),
        dedupe_key="waiting_by_sms:another:never",
    )
    line.database.write_now(lambda tx: tx.outbox.record(other, decision="test"))

    line.receive("hello", channel=Channel.WHATSAPP)

    found = [(row.status, row.reason) for row in line.rows(outbox, template="waiting_by_sms")]
    assert found == [("suppressed", "they_wrote"), ("waiting", None)]


async def test_who_writes_while_it_is_tried_is_not_left_with_a_held_message(line: Line) -> None:
    """Found closed, and open by the time that is written down: nothing would release it any more."""
    conversation_id = whatsapp(line, hours_ago=23)
    write(line, conversation_id)
    line.sender = SenderWhile(lambda: line.receive("hello", channel=Channel.WHATSAPP))

    await line.deliver_all()
    line.clock.advance(seconds=10)
    await line.deliver_all()

    assert [text for _, _, text in left(line)] == [WORDS]
    assert held(line) == []


class SenderWhile(FakeSender):
    """Refuses the first message because of the window, and something happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile: Callable[[], object] | None = meanwhile

    async def deliver(self, message: OutboundMessage) -> Delivery:
        if self._meanwhile is None:
            return await super().deliver(message)
        self._meanwhile()
        self._meanwhile = None
        return CLOSED


# --- a safety line whose moment is over -----------------------------------------------------------------


DANGER = "he is outside my door"


async def a_held_safety_line(line: Line, *, in_the_news: bool = False) -> str:
    """They wrote of danger, and WhatsApp took no words of ours then: at once, or told so later."""
    line.add_cases(a_case())
    line.screen.results[DANGER] = a_hit(1)
    conversation_id = line.receive(DANGER, channel=Channel.WHATSAPP).conversation_id
    # Their message came late by WhatsApp's clock, and not by ours.
    line.clock.advance(minutes=2)
    if in_the_news:
        await line.deliver_all()
        tell(line, line.row(outbox, kind="safety_line"), "failed", "63016")
    else:
        line.sender.outcomes = [CLOSED]
    await line.deliver_all()
    assert len(held(line)) == 1
    line.sender.sent.clear()
    return conversation_id


@pytest.mark.parametrize("in_the_news", [False, True], ids=["refused", "told later"])
@pytest.mark.parametrize("text", ["Read now", "hello"])
async def test_a_safety_line_held_past_its_moment_never_leaves_and_they_are_told(
    line: Line, text: str, in_the_news: bool
) -> None:
    """Red when: `release_held` lets go of whatever is held, or whoever wrote is left without a word."""
    conversation_id = await a_held_safety_line(line, in_the_news=in_the_news)
    line.clock.advance(hours=20)
    line.assistant.answer = an_answer("An answer.")

    line.receive(text, channel=Channel.WHATSAPP)
    await line.answer_all()
    await line.deliver_all()

    told = line.texts.render("held_too_long", Channel.WHATSAPP)
    answer = [] if text == "Read now" else ["An answer."]
    assert [sent for _, _, sent in left(line)] == [told, *answer]
    late = line.rows(outbox, kind="safety_line")[-1]
    assert (late.status, late.reason) == ("failed", "too_late")
    assert f"out-{late.id}" in {row.thing for row in line.rows(audit, act="delivery_failed")}
    assert sorted(items(line, conversation_id)) == ["disclosure", "not_delivered"]
    assert [row.status for row in line.rows(desk_item)] == ["open", "open"]


async def test_whoever_writes_of_danger_again_is_answered_with_the_line_of_now_alone(line: Line) -> None:
    await a_held_safety_line(line)
    line.clock.advance(hours=20)

    line.receive(DANGER, channel=Channel.WHATSAPP)
    await line.deliver_all()

    [old, new] = line.rows(outbox, kind="safety_line")
    assert (old.status, new.status) == ("failed", "sent")
    assert [sent for _, _, sent in left(line)] == [new.text]


@pytest.mark.parametrize("in_the_news", [False, True], ids=["refused", "told later"])
async def test_a_safety_line_leaves_while_its_moment_lasts(line: Line, in_the_news: bool) -> None:
    await a_held_safety_line(line, in_the_news=in_the_news)
    line.clock.advance(minutes=12)

    line.receive("are you there", channel=Channel.WHATSAPP)
    await line.deliver_all()

    assert [sent for _, _, sent in left(line)] == [line.rows(outbox, kind="safety_line")[-1].text]
    assert line.rows(outbox, template="held_too_long") == []


async def test_a_copy_of_a_safety_line_is_as_old_as_the_line(line: Line) -> None:
    """Held two minutes after it was written; fourteen later it is over. Red when: the copy's own age counts."""
    await a_held_safety_line(line, in_the_news=True)
    line.clock.advance(minutes=14)

    line.receive("hello", channel=Channel.WHATSAPP)

    assert line.rows(outbox, kind="safety_line")[-1].status == "failed"


@pytest.mark.parametrize("in_the_news", [False, True], ids=["refused", "told later"])
async def test_a_safety_line_that_is_over_is_not_held_and_nobody_is_told_to_come_for_it(
    line: Line, in_the_news: bool
) -> None:
    """Red when: the window holds it; a notice then says that words wait which never leave."""
    line.add_cases(a_case())
    line.screen.results[DANGER] = a_hit(1)
    conversation_id = line.receive(DANGER, channel=Channel.WHATSAPP).conversation_id
    if in_the_news:
        await line.deliver_all()
        line.clock.advance(minutes=16)
        tell(line, line.row(outbox), "failed", "63016")
    else:
        line.clock.advance(minutes=16)
        line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    assert line.rows(outbox, template="waiting") == line.rows(outbox, status="held") == []
    assert sorted(items(line, conversation_id)) == ["disclosure", "not_delivered"]


# --- what is not held --------------------------------------------------------------------------------------


async def test_what_has_a_time_of_its_own_is_not_held(line: Line) -> None:
    conversation_id = whatsapp(line, hours_ago=23)
    write(line, conversation_id, valid_for_seconds=600)
    line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    assert (left(line), held(line)) == ([], [])
    assert items(line, conversation_id) == ["not_delivered"]


async def test_a_refused_nudge_is_never_held_itself(line: Line) -> None:
    """The template not approved any more: WhatsApp says so with the same code."""
    conversation_id = whatsapp(line, hours_ago=25)
    write(line, conversation_id)
    line.sender.outcomes = [CLOSED]

    await line.deliver_all()

    assert left(line) == [by_sms(line)]
    assert held(line) == [WORDS]
