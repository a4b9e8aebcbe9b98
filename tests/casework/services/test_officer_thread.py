"""The victim writes to the officer, the officer answers by a link, and silence goes to the team and is told once."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import update

from casework.adapters.storage.tables import (
    audit,
    desk_item,
    metadata,
    officer_link,
    officer_message,
    outbox,
    promise,
    standing,
)
from casework.model.errors import UnreadMessages
from casework.model.messages import Author, Channel, Lane, SendKind
from casework.model.officer_messages import MessageStatus, OfficerThreadView, Reached
from casework.model.staffed_hours import load_staffed_hours
from casework.model.standings import Standing
from casework.services import officer_thread, promises
from casework.services.officer_thread import OfficerLinkEnded, OpenedThread
from casework.services.promises import Promising, load_promising
from tests.support.builders import REFERENCE, VICTIM, a_case, an_outbound
from tests.support.line import Line

OTHER_CASE = "43260012399"
OTHER_VICTIM = "+447700900010"
MONDAY_FOUR = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


@pytest.fixture
def promising(line: Line) -> Promising:
    return load_promising(line.texts, load_staffed_hours())


def link_to(line: Line, conversation_id: str, reference: str = REFERENCE) -> None:
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, reference, Standing.LINKED, method="code")
    )


def arrive(line: Line, text: str = "tell her I moved", **values: Any) -> Any:
    return line.receive(text, received_at=line.clock.now(), **values)


def leave(line: Line, promising: Promising, text: str = "tell her I moved", **values: Any) -> str | None:
    """A message comes in and the assistant declares that it is for the officer."""
    received = arrive(line, text, **values)

    def work(tx: Any) -> str | None:
        return officer_thread.leave_message(
            tx,
            tx.conversations.get(received.conversation_id),
            inbox_id=tx.inbox.latest_id(received.conversation_id),
            text=text,
            promising=promising,
        )

    return line.database.write_now(work)


@pytest.fixture
def conversation_id(line: Line) -> str:
    line.add_cases(
        a_case(), a_case(crime_reference=OTHER_CASE, contact_mobile=OTHER_VICTIM, victim_name="Bo Example")
    )
    found: str = arrive(line, "hello").conversation_id
    link_to(line, found)
    return found


def set_plan(line: Line, safe_contact: str, **values: Any) -> None:
    line.add_cases(a_case(safe_contact=safe_contact, **values))


def issue(line: Line, reference: str = REFERENCE) -> str:
    return line.database.write_now(lambda tx: officer_thread.issue_officer_link(tx, reference, by="staff"))


def open_link(line: Line, token: str) -> OpenedThread:
    return line.database.write_now(lambda tx: officer_thread.read_officer_thread(tx, token))


def answer(line: Line, token: str, text: str = "Thank you. I have it.", **values: Any) -> Any:
    seen = values.get("last_seen_id", open_link(line, token).latest_left_id)
    return line.database.write_now(
        lambda tx: officer_thread.answer_as_officer(
            tx, token, text, last_seen_id=seen, form_id=values.get("form_id", "form")
        )
    )


def view(line: Line, conversation_id: str) -> OfficerThreadView:
    """As told to somebody who has just proved the link again: a proof is worth nothing after a day unused."""
    link_to(line, conversation_id)
    found = line.database.read_now(lambda tx: officer_thread.find_officer_thread(tx, conversation_id))
    assert found is not None
    return found


async def pass_on(line: Line, promising: Promising) -> None:
    for _ in range(20):
        passed = await officer_thread.pass_on_next_silent(line.database, promising)
        noted = await promises.note_next_overdue_promise(line.database, promising)
        if not passed and not noted:
            return
    raise AssertionError("it never comes to an end")


def reasons(line: Line) -> list[str]:
    return sorted(row.reason for row in line.rows(desk_item))


def answers(line: Line) -> list[Any]:
    return line.rows(outbox, template="officer")


# --- the victim writes ------------------------------------------------------------------------------


def test_a_linked_persons_message_is_kept_for_its_case_and_promised_an_answer_in_staffed_hours(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    words = leave(line, promising)

    assert words == "Your officer will get this message. You should hear by Monday 23 November."
    row = line.row(officer_message)
    assert (row.crime_reference, row.conversation_id) == (REFERENCE, conversation_id)
    assert (row.author, row.text, row.status, row.read_at) == ("person", "tell her I moved", "waiting", None)
    made = line.row(promise)
    assert (made.words, made.kind, made.owner) == (words, "officer_answer", "T0001")
    assert abs((made.due_at - MONDAY_FOUR).total_seconds()) <= 60 and made.due_at == row.due_at


def test_an_unlinked_persons_message_is_kept_for_no_case(line: Line, promising: Promising) -> None:
    line.add_cases()

    assert leave(line, promising) is None
    assert line.rows(officer_message) == line.rows(promise) == []


def test_the_same_message_answered_twice_is_kept_once(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    for _ in range(2):
        leave(line, promising, provider_message_id="SM1")

    assert len(line.rows(officer_message)) == len(line.rows(promise)) == 1


def test_a_second_message_while_the_first_waits_makes_no_second_promise(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising, "one")
    line.clock.advance(hours=1)

    assert leave(line, promising, "two") is None
    assert len(line.rows(officer_message)) == 2
    assert len(line.rows(promise)) == 1


def test_words_agreed_to_be_neutral_name_no_officer_on_a_phone(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    set_plan(line, "any", crime_type="domestic abuse")

    words = leave(line, promising)

    assert words is not None and "officer" not in words.lower()
    assert line.row(promise).words == words


def test_nothing_is_promised_to_someone_who_may_not_be_written_to(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    set_plan(line, "none")

    assert leave(line, promising) is None
    assert len(line.rows(officer_message)) == 1
    assert line.rows(promise) == []


def test_nothing_is_promised_from_a_rota_past_its_review_but_the_message_is_kept_and_timed(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    stale = replace(promising, hours=replace(promising.hours, review_by=date(2026, 1, 1)))

    assert leave(line, stale) is None
    assert line.row(officer_message).due_at is not None
    assert line.rows(promise) == []


# --- the officer reads and answers ------------------------------------------------------------------


def test_only_a_hash_of_a_link_is_kept_and_it_ends_after_seven_days(line: Line, conversation_id: str) -> None:
    token = issue(line)

    row = line.row(officer_link)
    assert len(token) >= 32  # 192 bits
    assert row.token_hash == sha256(token.encode()).hexdigest()
    assert (row.expires_at - row.issued_at).days == 7
    everything = str({table.name: line.rows(table) for table in metadata.sorted_tables})
    assert token not in everything


def test_reading_marks_the_messages_opened_and_is_recorded(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    assert view(line, conversation_id).read_at is None

    thread = open_link(line, issue(line))

    assert [each.text for each in thread.messages] == ["tell her I moved"]
    assert thread.messages[0].read_at is not None
    assert view(line, conversation_id).read_at is not None
    [row] = line.rows(audit, act="officer_thread_read")
    assert (row.actor, row.conversation_id) == ("officer", conversation_id)


def test_a_link_opens_its_own_case_and_no_other(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising, "mine")
    other_conversation = arrive(line, "hi", external_id=OTHER_VICTIM).conversation_id
    link_to(line, other_conversation, OTHER_CASE)
    leave(line, promising, "theirs", external_id=OTHER_VICTIM)

    thread = open_link(line, issue(line, OTHER_CASE))
    answer(line, issue(line, OTHER_CASE))

    assert [each.text for each in thread.messages] == ["theirs"]
    assert [row.conversation_id for row in answers(line)] == [other_conversation]
    assert view(line, conversation_id).status is MessageStatus.WAITING
    assert view(line, conversation_id).read_at is None


@pytest.mark.parametrize("how", ["ended", "run out", "unknown"])
def test_a_link_that_has_ended_opens_and_answers_nothing(
    line: Line, promising: Promising, conversation_id: str, how: str
) -> None:
    leave(line, promising)
    token = issue(line) if how != "unknown" else "x" * 32
    if how == "ended":
        line.database.write_now(lambda tx: officer_thread.end_officer_links(tx, REFERENCE, by="staff"))
    if how == "run out":
        line.clock.advance(days=7, seconds=1)

    with pytest.raises(OfficerLinkEnded):
        open_link(line, token)
    with pytest.raises(OfficerLinkEnded):
        answer(line, token, last_seen_id=line.row(officer_message).id)

    assert answers(line) == []
    assert line.row(officer_message).read_at is None


async def test_an_answer_leaves_as_staffs_words_and_keeps_the_promise(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)

    answer(line, issue(line), "I have it. DC Test-Officer")
    await line.deliver_all()

    [row] = answers(line)
    assert (row.author, row.lane, row.kind, row.to) == ("staff", Lane.STAFF, "staff_reply", VICTIM)
    assert [message.text for message in line.sender.sent] == ["I have it. DC Test-Officer"]
    assert line.row(promise).status == "kept"
    assert view(line, conversation_id).status is MessageStatus.ANSWERED
    assert view(line, conversation_id).hear_by is None
    [acted] = line.rows(audit, act="officer_answered")
    assert acted.conversation_id == conversation_id


def test_a_form_sent_twice_is_one_answer(line: Line, promising: Promising, conversation_id: str) -> None:
    leave(line, promising)
    token = issue(line)

    answer(line, token)
    answer(line, token)

    assert len(answers(line)) == 1


def test_an_answer_written_before_the_newest_message_was_seen_is_refused(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising, "come to the old house")
    token = issue(line)
    seen = open_link(line, token).latest_left_id
    leave(line, promising, "NOT the old house")

    with pytest.raises(UnreadMessages):
        answer(line, token, last_seen_id=seen)

    assert answers(line) == []


def test_a_person_who_wrote_in_two_places_is_answered_in_both(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising, "by text")
    web = arrive(line, "hi", channel=Channel.WEBCHAT, external_id="a" * 32).conversation_id
    link_to(line, web)
    leave(line, promising, "on the web", channel=Channel.WEBCHAT, external_id="a" * 32)

    answer(line, issue(line))

    assert {row.conversation_id for row in answers(line)} == {conversation_id, web}
    assert {row.status for row in line.rows(promise)} == {"kept"}


def test_an_answer_is_said_to_have_come_as_far_as_is_known_and_no_further(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    token = issue(line)
    answer(line, token)

    def reached() -> Reached | None:
        return open_link(line, token).messages[-1].reached

    assert reached() is Reached.WAITING
    mark_sent(line, provider_message_id="SMtest")
    assert reached() is Reached.SENT
    line.database.write_now(lambda tx: tx.outbox.record_event("SMtest", "sent", None))
    assert reached() is Reached.SENT
    line.database.write_now(lambda tx: tx.outbox.record_event("SMtest", "delivered", None))
    assert reached() is Reached.DELIVERED


def mark_sent(line: Line, **values: Any) -> None:
    statement = (
        update(outbox)
        .where(outbox.c.template == "officer")
        .values(status="sent", sent_at=line.clock.now(), **values)
    )
    line.database.write_now(lambda tx: tx.connection.execute(statement))


def test_a_web_chat_answer_is_shown_only_once_its_page_was_asked_for_afterwards(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    web = arrive(line, "hi", channel=Channel.WEBCHAT, external_id="a" * 32).conversation_id
    link_to(line, web)
    line.database.write_now(lambda tx: tx.web_sessions.open("hash", "a" * 32))
    leave(line, promising, "on the web", channel=Channel.WEBCHAT, external_id="a" * 32)
    token = issue(line)
    answer(line, token)
    mark_sent(line)

    assert open_link(line, token).messages[-1].reached is Reached.SENT
    line.database.write_now(lambda tx: tx.web_sessions.touch("hash"))
    assert open_link(line, token).messages[-1].reached is Reached.SHOWN


# --- an answer that may not leave -------------------------------------------------------------------


def test_an_answer_the_plan_forbids_is_held_made_a_task_and_keeps_no_promise(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    set_plan(line, "reply_only")
    leave(line, promising)
    line.clock.advance(days=2)

    answer(line, issue(line), "I called in.")

    assert answers(line) == []
    assert line.row(promise).status == "made"
    assert reasons(line) == ["may_not_be_written"]
    seen = view(line, conversation_id)
    assert seen.status is MessageStatus.WITH_TEAM
    assert [each.text for each in seen.held] == ["I called in."]


def test_a_held_answer_leaves_when_its_reader_writes_again(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    set_plan(line, "reply_only")
    leave(line, promising)
    line.clock.advance(days=3)
    answer(line, issue(line), "I called in.")
    arrive(line, "did she get my message")

    assert release(line, conversation_id) == 0  # whoever holds the phone now has not proved anything
    link_to(line, conversation_id)
    assert release(line, conversation_id) == 1
    assert release(line, conversation_id) == 0

    assert [row.text for row in answers(line)] == ["I called in."]
    assert view(line, conversation_id).status is MessageStatus.ANSWERED
    assert line.row(promise).status == "kept_late"


async def test_a_held_answer_that_nobody_told_in_time_is_the_teams_broken_promise(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    set_plan(line, "reply_only")
    leave(line, promising)
    line.clock.advance(days=2)
    answer(line, issue(line), "I called in.")
    line.clock.advance(days=1)

    await pass_on(line, promising)

    assert (line.row(promise).status, line.row(promise).owner) == ("overdue", "team")
    assert "promise_overdue" in reasons(line)


def release(line: Line, conversation_id: str) -> int:
    return line.database.write_now(
        lambda tx: officer_thread.release_held_answers(tx, tx.conversations.get(conversation_id))
    )


def test_an_answer_does_not_go_where_the_proof_was_ended(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    statement = update(standing).values(ended_at=line.clock.now(), ended_why="wrong_person")
    line.database.write_now(lambda tx: tx.connection.execute(statement))

    answer(line, issue(line))
    arrive(line, "hello again")

    assert answers(line) == []
    assert reasons(line) == ["may_not_be_written"]
    assert release(line, conversation_id) == 0


# --- the officer is silent --------------------------------------------------------------------------


async def test_until_the_promise_is_due_the_message_is_the_officers(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=51)

    await pass_on(line, promising)

    assert view(line, conversation_id).status is MessageStatus.WAITING
    assert reasons(line) == []


async def test_a_silent_officers_message_goes_to_the_team_and_the_person_is_told_once(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=53)

    await pass_on(line, promising)
    line.clock.advance(minutes=30)
    await pass_on(line, promising)

    assert view(line, conversation_id).status is MessageStatus.WITH_TEAM
    [item] = line.rows(desk_item)
    assert (item.reason, item.grade) == ("officer_silent", 3)
    [told] = [row for row in line.rows(outbox) if row.template.startswith("officer_silent")]
    assert (told.author, told.kind, told.status) == ("service", "case_update", "waiting")
    assert told.text.startswith("You left a message here and there is no answer yet.")
    assert "officer" not in told.text.lower()


async def test_whichever_step_of_the_worker_looks_first_the_silence_is_told_once(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=53)

    await promises.note_next_overdue_promise(line.database, promising)
    await pass_on(line, promising)

    assert reasons(line) == ["officer_silent"]
    assert [row.template for row in line.rows(outbox)] == ["officer_silent"]


async def test_the_team_is_promised_for_in_staffed_hours_with_the_words_used(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=53)  # Monday, 17:00

    await pass_on(line, promising)

    first, second = sorted(line.rows(promise), key=lambda row: row.made_at)
    assert (first.status, second.status, second.kind, second.owner) == (
        "overdue",
        "made",
        "team_answer",
        "team",
    )
    told = line.row(outbox, template="officer_silent")
    assert told.text == second.words and "Tuesday 24 November" in second.words
    assert promising.hours.is_staffed(second.due_at)
    assert view(line, conversation_id).hear_by == second.due_at


async def test_where_no_day_can_be_promised_none_is_said(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=53)
    stale = replace(promising, hours=replace(promising.hours, review_by=date(2026, 1, 1)))

    await pass_on(line, stale)

    told = line.row(outbox, template="officer_silent_no_day")
    assert "You should hear by" not in told.text
    assert [row.kind for row in line.rows(promise)] == ["officer_answer"]


async def test_the_teams_broken_promise_is_told_once_too(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=53)
    await pass_on(line, promising)
    line.clock.advance(days=2)

    await pass_on(line, promising)
    line.clock.advance(days=2)
    await pass_on(line, promising)

    assert reasons(line) == ["officer_silent", "promise_overdue"]
    assert len(line.rows(outbox, template="promise_overdue")) == 1


async def test_several_messages_of_one_conversation_are_passed_on_together_and_told_of_once(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    for text in ("one", "two", "three"):
        leave(line, promising, text)
        line.clock.advance(minutes=10)
    line.clock.advance(hours=60)

    await pass_on(line, promising)

    assert {row.status for row in line.rows(officer_message)} == {"with_team"}
    assert reasons(line) == ["officer_silent"]
    assert len([row for row in line.rows(outbox) if row.template.startswith("officer_silent")]) == 1


async def test_who_has_heard_from_a_person_since_is_not_told_that_nobody_answered(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    reply = an_outbound(conversation_id, author=Author.STAFF, lane=Lane.STAFF, kind=SendKind.STAFF_REPLY)
    line.database.write_now(lambda tx: tx.outbox.record(reply, decision="answers_a_message"))
    await line.deliver_all()
    line.clock.advance(hours=53)

    await pass_on(line, promising)

    assert reasons(line) == ["officer_silent"]
    assert [row for row in line.rows(outbox) if row.template.startswith("officer_silent")] == []


@pytest.mark.parametrize("safe_contact", ["reply_only", "none"])
async def test_the_truth_is_not_texted_against_the_plan_and_nothing_is_promised(
    line: Line, promising: Promising, conversation_id: str, safe_contact: str
) -> None:
    leave(line, promising)
    set_plan(line, safe_contact)
    line.clock.advance(hours=53)

    await pass_on(line, promising)
    await line.deliver_all()

    assert line.sender.sent == []
    assert "officer_silent" in reasons(line)
    assert [row.kind for row in line.rows(promise)] == ["officer_answer"]


async def test_an_officer_who_answers_late_still_answers(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=53)
    await pass_on(line, promising)

    answer(line, issue(line))
    line.clock.advance(days=3)
    await pass_on(line, promising)

    assert view(line, conversation_id).status is MessageStatus.ANSWERED
    assert [row.status for row in sorted(line.rows(promise), key=lambda row: row.made_at)] == [
        "kept_late",
        "kept",
    ]
    assert reasons(line) == ["officer_silent"]


def test_workers_that_look_at_the_same_time_pass_it_on_once(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    line.clock.advance(hours=53)

    def look() -> None:
        line.database.write_now(lambda tx: officer_thread.pass_on_silent(tx, promising))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert reasons(line) == ["officer_silent"]
    assert len(line.rows(outbox, template="officer_silent")) == 1
    assert len(line.rows(promise)) == 2
    assert len(line.rows(audit, act="officer_silent")) == 1


# --- what the person who asks may hear --------------------------------------------------------------


def test_nothing_is_said_of_a_thread_to_someone_who_is_not_linked(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    stranger = arrive(line, "did she get it", external_id="+447700900777").conversation_id

    assert line.database.read_now(lambda tx: officer_thread.find_officer_thread(tx, stranger)) is None


def test_another_conversation_of_the_same_case_hears_nothing_of_this_ones_messages(
    line: Line, promising: Promising, conversation_id: str
) -> None:
    leave(line, promising)
    web = arrive(line, "hi", channel=Channel.WEBCHAT, external_id="a" * 32).conversation_id
    link_to(line, web)

    assert line.database.read_now(lambda tx: officer_thread.find_officer_thread(tx, web)) is None


def test_a_notice_to_the_officer_carries_the_link_and_none_of_the_words(line: Line) -> None:
    notice = officer_thread.officer_notice(line.texts, "https://desk.example.org/o/x")

    assert "https://desk.example.org/o/x" in notice.body
    assert notice.subject
