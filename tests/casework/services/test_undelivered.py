"""A message that reached nobody has a follow-up: it is sent anew or a person is told, and never nothing."""

import pytest

from casework.adapters.storage.tables import alarm, audit, delivery_attempt, desk_item, opt_out, outbox
from casework.model.desk import Outcome
from casework.model.messages import Author, Channel, Lane, OutboxStatus, SendKind
from casework.services import undelivered
from casework.services.ports import Delivery
from casework.services.receipts import record_receipt
from tests.support.builders import VICTIM, a_hit, an_outbound
from tests.support.line import Line

FAILURE_OF_CODE = {
    "21610": "opted_out",
    "30001": "queue_full",
    "30003": "unreachable_now",
    "30005": "number_not_in_use",
    "30007": "filtered_as_spam",
    "30038": "redacted_code",
    "63014": "blocked_by_person",
}


def refused(failure: str, code: str = "99999") -> Delivery:
    return Delivery(status=OutboxStatus.FAILED, error_code=code, failure=failure)


def waits(failure: str, code: str = "99999") -> Delivery:
    return Delivery(status=OutboxStatus.WAITING, error_code=code, failure=failure)


def write(line: Line, text: str = "A text.", *, to: str = VICTIM, **values: object) -> str:
    """A message on its way to somebody who has just written; the conversation's id."""
    conversation_id = line.open(to, values.get("channel", Channel.SMS))  # type: ignore[arg-type]
    message = an_outbound(conversation_id, text, to=to, **values)
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))
    return conversation_id


async def send(line: Line, text: str = "A text.", **values: object) -> tuple[str, str]:
    """(conversation id, the provider's id) of a message that left."""
    conversation_id = write(line, text, **values)
    await line.deliver_all()
    sent = line.rows(outbox, text=text)[-1]
    assert sent.status == "sent", sent
    return conversation_id, sent.provider_message_id


def tell(line: Line, provider_message_id: str, status: str, code: str | None = None) -> None:
    line.database.write_now(
        lambda tx: record_receipt(
            tx, provider_message_id, status, error_code=code, name_failure=FAILURE_OF_CODE.get
        )
    )


def reasons(line: Line) -> list[str]:
    return [row.reason for row in line.rows(desk_item) if row.status != "closed"]


def grades(line: Line) -> dict[str, int]:
    return {row.reason: row.grade for row in line.rows(desk_item)}


def open_alarms(line: Line) -> list[str]:
    return [row.kind for row in line.rows(alarm) if row.ended_at is None]


# --- who cannot be texted ---------------------------------------------------------------------------


async def test_a_number_that_opted_out_is_noted_and_a_person_is_told_once(line: Line) -> None:
    """Red when: follow_up of opted_out is `task`: an ordinary item, and the address is not noted."""
    conversation_id = write(line, "one", author=Author.STAFF, lane=Lane.STAFF)
    write(line, "two", author=Author.STAFF, lane=Lane.STAFF)
    line.sender.outcomes = [refused("opted_out", "21610"), refused("opted_out", "21610")]

    await line.deliver_all()

    noted = line.row(opt_out)
    assert (noted.channel, noted.external_id, noted.how, noted.word) == ("sms", VICTIM, "provider", "21610")
    assert reasons(line).count("cannot_be_texted") == 1
    assert "not_delivered" not in reasons(line)
    assert line.rows(desk_item, reason="cannot_be_texted")[0].conversation_id == conversation_id
    first = line.row(outbox, text="one")
    assert (first.status, first.reason) == ("failed", "opted_out")
    codes = [row.error_code for row in line.rows(delivery_attempt, outbox_id=first.id)]
    assert codes == [None, "21610"]


async def test_a_block_told_later_is_the_same_and_told_again_it_is_nothing_new(line: Line) -> None:
    _, provider_id = await send(line, channel=Channel.WHATSAPP)

    tell(line, provider_id, "undelivered", "63014")
    tell(line, provider_id, "undelivered", "63014")

    assert line.row(opt_out).channel == "whatsapp"
    assert reasons(line) == ["cannot_be_texted"]
    row = line.row(outbox)
    assert (row.status, row.delivery_state, row.reason) == ("sent", "undelivered", "blocked_by_person")


async def test_a_block_told_again_after_its_item_was_closed_opens_nothing(line: Line) -> None:
    rowan = line.add_staff()
    conversation_id, provider_id = await send(line)
    tell(line, provider_id, "failed", "21610")
    line.claim(conversation_id, rowan)
    line.hand_back(conversation_id, Outcome.OFFICER_WILL_CALL, by=rowan)

    tell(line, provider_id, "failed", "21610")

    assert reasons(line) == []


async def test_a_message_that_arrives_there_ends_what_the_provider_refused(line: Line) -> None:
    line.database.write_now(lambda tx: tx.opt_outs.record(Channel.SMS, VICTIM, how="provider", word="21610"))
    line.database.write_now(lambda tx: tx.opt_outs.record(Channel.SMS, VICTIM, how="asked", word="STOP"))
    line.clock.advance(minutes=1)
    conversation_id, provider_id = await send(line)

    tell(line, provider_id, "delivered")

    found = line.database.read_now(lambda tx: tx.opt_outs.find(Channel.SMS, VICTIM))
    assert [each.how for each in found] == ["asked"]
    assert conversation_id


async def test_late_news_of_an_earlier_text_ends_no_refusal_that_came_after_it(line: Line) -> None:
    """Red when `_note_arrival` ends every refusal: they are shut out from now on, whatever arrived before."""
    _, provider_id = await send(line)
    line.clock.advance(minutes=1)
    line.database.write_now(lambda tx: tx.opt_outs.record(Channel.SMS, VICTIM, how="provider", word="21610"))

    tell(line, provider_id, "delivered")

    found = line.database.read_now(lambda tx: tx.opt_outs.find(Channel.SMS, VICTIM))
    assert [each.how for each in found] == ["provider"]


# --- what concerns every message ---------------------------------------------------------------------


async def test_an_account_that_is_refused_sounds_an_alarm_until_a_message_leaves(line: Line) -> None:
    """Red when: an alarm is sounded only for what is given up, or never ended."""
    write(line)
    line.sender.outcomes = [waits("account_refused", "20003")]
    await line.deliver_all()
    assert open_alarms(line) == ["sms_account_refused"]
    assert (line.row(outbox).status, line.row(outbox).reason) == ("waiting", "account_refused")
    assert reasons(line) == []

    line.clock.advance(seconds=5)
    await line.deliver_all()

    assert open_alarms(line) == []
    assert (line.row(outbox).status, line.row(outbox).reason) == ("sent", None)


async def test_telegram_has_an_alarm_of_its_own(line: Line) -> None:
    write(line, channel=Channel.TELEGRAM, to="4001")
    line.sender.outcomes = [waits("account_refused", "401")]

    await line.deliver_all()
    assert open_alarms(line) == ["telegram_refused"]

    await send(line, "by sms")
    assert open_alarms(line) == ["telegram_refused"]
    line.clock.advance(seconds=5)
    await line.deliver_all()
    assert open_alarms(line) == []


async def test_what_is_filtered_sounds_an_alarm_and_is_not_sent_again(line: Line) -> None:
    _, provider_id = await send(line, author=Author.STAFF, lane=Lane.STAFF, kind=SendKind.STAFF_REPLY)

    tell(line, provider_id, "undelivered", "30007")

    assert open_alarms(line) == ["sms_filtered"]
    assert reasons(line) == ["not_delivered"]
    assert len(line.rows(outbox)) == 1


async def test_a_code_blotted_out_of_their_text_is_nothing_of_ours(line: Line) -> None:
    _, provider_id = await send(line)

    tell(line, provider_id, "failed", "30038")

    assert reasons(line) == []
    assert line.row(outbox).reason == "redacted_code"


async def test_a_reason_nobody_has_sorted_is_a_persons_task(line: Line) -> None:
    write(line)
    line.sender.outcomes = [refused("something_new")]

    await line.deliver_all()

    assert reasons(line) == ["not_delivered"]


# --- the number is somebody else's ---------------------------------------------------------------------


async def test_a_number_not_in_use_is_doubted_and_the_message_is_a_task(line: Line) -> None:
    line.add_cases()
    _, provider_id = await send(line)

    tell(line, provider_id, "undelivered", "30005")

    assert sorted(reasons(line)) == ["contact_doubted", "not_delivered"]


# --- sent anew ------------------------------------------------------------------------------------------


STAFF_WORDS = {"author": Author.STAFF, "lane": Lane.STAFF, "kind": SendKind.STAFF_REPLY}


async def pass_time(line: Line, *, minutes: int) -> None:
    line.clock.advance(minutes=minutes)
    await line.deliver_all()


async def test_a_phone_that_is_off_is_tried_three_times_in_six_hours_and_then_a_person_is_told(
    line: Line,
) -> None:
    """Red when: the copies share one dedupe key (one try), or their number is not counted (for ever)."""
    _, provider_id = await send(line, **STAFF_WORDS)
    left_at = []
    for minutes in (30, 90, 240):
        tell(line, provider_id, "undelivered", "30003")
        assert reasons(line) == []
        await pass_time(line, minutes=minutes - 1)
        assert line.rows(outbox)[-1].status == "waiting"
        await pass_time(line, minutes=1)
        last = line.rows(outbox)[-1]
        assert last.status == "sent"
        provider_id = last.provider_message_id
        left_at.append(last.id)

    tell(line, provider_id, "undelivered", "30003")
    await pass_time(line, minutes=600)

    assert len(line.rows(outbox)) == 4
    assert reasons(line) == ["not_delivered"]
    assert [message.text for message in line.sender.sent] == ["A text."] * 4
    assert len(set(left_at)) == 3


async def test_a_copy_that_arrives_leaves_nothing_to_do(line: Line) -> None:
    _, provider_id = await send(line, **STAFF_WORDS)
    tell(line, provider_id, "undelivered", "30003")
    await pass_time(line, minutes=31)

    tell(line, line.rows(outbox)[-1].provider_message_id, "delivered")
    await pass_time(line, minutes=600)

    assert [row.delivery_state for row in line.rows(outbox)] == ["undelivered", "delivered"]
    assert reasons(line) == []


async def test_a_copy_does_not_leave_when_the_first_one_arrived_after_all(line: Line) -> None:
    """Red when: find_moot does not look at the first one: the victim gets the words twice."""
    _, provider_id = await send(line, **STAFF_WORDS)
    tell(line, provider_id, "undelivered", "30003")
    tell(line, provider_id, "delivered")

    await pass_time(line, minutes=31)

    assert len(line.sender.sent) == 1
    assert [(row.status, row.reason) for row in line.rows(outbox)] == [
        ("sent", None),
        ("suppressed", undelivered.ARRIVED_AFTER_ALL),
    ]
    assert reasons(line) == []


async def test_staffs_words_do_not_follow_newer_ones_and_a_person_is_told(line: Line) -> None:
    """Red when: has_written_since is not asked when the copy is due."""
    _, provider_id = await send(line, "come at three", **STAFF_WORDS)
    tell(line, provider_id, "undelivered", "30003")
    await send(line, "no, come at four", **STAFF_WORDS)

    await pass_time(line, minutes=31)

    assert [message.text for message in line.sender.sent] == ["come at three", "no, come at four"]
    assert line.rows(outbox)[1].reason == undelivered.OVERTAKEN
    assert reasons(line) == ["not_delivered"]


async def test_an_answer_is_not_sent_anew_to_somebody_who_has_written_since(line: Line) -> None:
    line.receive("what is happening with my case")
    await line.answer()
    await line.deliver_all()
    tell(line, line.row(outbox).provider_message_id, "undelivered", "30003")
    line.clock.advance(minutes=10)
    line.receive("hello")

    await pass_time(line, minutes=25)

    assert len(line.sender.sent) == 1
    assert [row.reason for row in line.rows(outbox)] == ["unreachable_now", undelivered.OVERTAKEN]
    assert reasons(line) == []


async def test_an_answer_is_not_sent_anew_after_a_person_took_over(line: Line) -> None:
    line.receive("what is happening with my case")
    await line.answer()
    await line.deliver_all()
    [sent] = line.rows(outbox)
    tell(line, sent.provider_message_id, "undelivered", "30003")
    line.claim(sent.conversation_id, line.add_staff())

    await pass_time(line, minutes=31)

    assert len(line.sender.sent) == 1
    assert line.rows(outbox)[-1].reason == "person_took_over"


async def test_a_plan_that_no_longer_allows_it_stops_a_copy(line: Line) -> None:
    """Nobody of this number agreed to anything unasked: a day after they wrote, nothing may answer them."""
    conversation_id, provider_id = await send(line, **STAFF_WORDS)
    line.clock.advance(hours=25)

    tell(line, provider_id, "undelivered", "30003")

    assert len(line.rows(outbox)) == 1
    assert reasons(line) == ["not_delivered"]
    assert conversation_id


@pytest.mark.parametrize(
    "values",
    [
        {"lane": Lane.ONE_TIME_CODE, "kind": SendKind.ONE_TIME_CODE, "template": "one_time_code"},
        {"lane": Lane.SAFETY, "kind": SendKind.SAFETY_LINE},
        {"template": "invite_by_sms"},
        {"valid_for_seconds": 600},
    ],
    ids=["a code", "a safety line", "an invite", "what has a time"],
)
async def test_what_is_bound_to_its_moment_is_not_sent_anew(line: Line, values: dict[str, object]) -> None:
    """Red when: is_time_bound says no: a code's redacted text, or words of danger half an hour late."""
    conversation_id = write(line, **values)
    await line.deliver_all()
    tell(line, line.row(outbox).provider_message_id, "undelivered", "30003")

    await pass_time(line, minutes=31)

    assert len(line.sender.sent) == 1
    expected = "code_not_sent" if values.get("template") == "one_time_code" else "not_delivered"
    assert reasons(line) == [expected]
    assert conversation_id


async def test_a_safety_line_dropped_by_a_full_queue_is_sent_anew_while_its_moment_lasts(line: Line) -> None:
    conversation_id = write(line, lane=Lane.SAFETY, kind=SendKind.SAFETY_LINE)
    await line.deliver_all()
    tell(line, line.row(outbox).provider_message_id, "failed", "30001")
    assert conversation_id

    await pass_time(line, minutes=11)

    assert len(line.sender.sent) == 2
    tell(line, line.rows(outbox)[-1].provider_message_id, "failed", "30001")
    await pass_time(line, minutes=120)
    assert len(line.sender.sent) == 2
    assert reasons(line) == ["not_delivered"]


async def test_a_phone_off_at_the_moment_of_sending_holds_up_nothing_else(line: Line) -> None:
    """Red when: the row itself waits: what comes after it in the conversation waits with it."""
    write(line, "one", **STAFF_WORDS)
    line.sender.outcomes = [waits("unreachable_now", "30003")]
    await line.deliver_all()

    write(line, "two", **STAFF_WORDS)
    await line.deliver_all()

    assert [message.text for message in line.sender.sent] == ["two"]
    assert [(row.text, row.status) for row in line.rows(outbox)] == [
        ("one", "failed"),
        ("one", "waiting"),
        ("two", "sent"),
    ]


async def test_a_copys_buttons_are_its_own(line: Line) -> None:
    """The names of buttons are unique: a copy with the same would be refused by the database."""
    _, provider_id = await send(
        line, **STAFF_WORDS, channel=Channel.WHATSAPP, choices=("My case", "A person"), menu_token="t" * 22
    )

    tell(line, provider_id, "undelivered", "30003")

    first, copy = line.rows(outbox)
    assert copy.choices == first.choices
    assert copy.menu_token and copy.menu_token != first.menu_token


# --- what stands on the desk moves up ---------------------------------------------------------------------


async def test_a_failed_safety_line_raises_the_disclosure_by_one_grade(line: Line) -> None:
    """Red when: raise_open is not called, or lowers a grade. Told again, it raises nothing more."""
    line.screen.results["he is coming back"] = a_hit(2)
    line.receive("he is coming back")
    await line.deliver_all()
    assert grades(line) == {"disclosure": 2}
    provider_id = line.row(outbox).provider_message_id

    tell(line, provider_id, "undelivered", "30003")
    tell(line, provider_id, "undelivered", "30003")

    assert grades(line) == {"disclosure": 1, "not_delivered": 3}
    assert len(line.rows(audit, act="items_raised")) == 1


async def test_the_first_grade_stays_the_first(line: Line) -> None:
    line.screen.results["he is here"] = a_hit(1)
    line.receive("he is here")
    line.sender.outcomes = [refused("unknown_fault")]

    await line.deliver_all()

    assert grades(line)["disclosure"] == 1


async def test_a_failed_safety_line_with_nothing_open_raises_its_own_item(line: Line) -> None:
    write(line, lane=Lane.SAFETY, kind=SendKind.SAFETY_LINE)
    line.sender.outcomes = [refused("unknown_fault")]

    await line.deliver_all()

    assert grades(line) == {"not_delivered": 2}


async def test_other_failed_words_raise_an_item_but_never_to_the_first_grade(line: Line) -> None:
    rowan = line.add_staff()
    line.screen.results["tell the officer"] = a_hit(3)
    received = line.receive("tell the officer")
    await line.deliver_all()
    before = grades(line)["disclosure"]
    line.claim(received.conversation_id, rowan)
    for text in ("one", "two", "three"):
        line.reply(received.conversation_id, text, by=rowan)
    line.sender.outcomes = [refused("unknown_fault")] * 9

    await line.deliver_all()

    assert before == 3
    assert grades(line)["disclosure"] == 2


@pytest.mark.parametrize("kind", [SendKind.BROADCAST, SendKind.CASE_UPDATE])
async def test_a_failed_notice_raises_nothing(line: Line, kind: SendKind) -> None:
    line.screen.results["tell the officer"] = a_hit(3)
    line.receive("tell the officer")
    await line.deliver_all()
    message = an_outbound(line.row(outbox).conversation_id, "There is an update.", kind=kind)
    line.add_cases()
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))
    line.sender.outcomes = [refused("unknown_fault")]

    await line.deliver_all()

    assert line.row(outbox, text="There is an update.").status == "failed"
    assert grades(line)["disclosure"] == 3
