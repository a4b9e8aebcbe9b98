"""News of a case reaches the victim as one text that says nothing, within their plan, or a person gets the task."""

import re
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from casework.adapters.storage.tables import case_notice, desk_item, held_import, outbox, person
from casework.model.cases import CaseEvent
from casework.model.contact_hours import ContactWindow
from casework.model.desk import Grade, HandoffReason
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan
from casework.model.sms_segments import count_segments
from casework.model.standings import Standing
from casework.services.kept_informed import mark_read
from casework.services.notices import Informing, send_next_notice, settle_notice
from casework.services.service_texts import ServiceTexts
from tests.support.builders import REFERENCE, VICTIM
from tests.support.line import Line
from tests.support.news import INFORMED, agree_plan, happens, say_case, settle_notices, stage_becomes

OTHER = "43260012346"
FLAGGED = "Domestic abuse - assault"
EVERYWHERE = frozenset(Channel)


def texts(line: Line) -> list[Any]:
    return [row for row in line.rows(outbox) if row.status == "waiting"]


def items(line: Line) -> list[tuple[str, int, str]]:
    return [(row.reason, row.grade, row.status) for row in line.rows(desk_item)]


def notices(line: Line) -> list[Any]:
    return line.rows(case_notice)


def statuses(line: Line) -> list[str]:
    return sorted(row.status for row in notices(line))


async def gathered(line: Line) -> None:
    line.clock.advance(minutes=16)
    await settle_notices(line)


def reads(line: Line, reference: str = REFERENCE) -> None:
    conversation_id = line.open(VICTIM)
    line.database.write_now(lambda tx: mark_read(tx, reference, conversation_id, informed=INFORMED))


def link(line: Line, channel: Channel, external_id: str, reference: str = REFERENCE) -> str:
    conversation_id = line.open(external_id, channel)
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, reference, Standing.LINKED, method="invite")
    )
    return conversation_id


# --- the text -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["sms", "web"])
def test_the_text_says_nothing_that_a_stranger_could_not_read(line: Line, form: str) -> None:
    text = line.texts.texts["update_waiting"][form]

    says = (
        r"police|crime|case|report|officer|court|arrest|bail|victim|suspect|investigat|detective|999|101|\{"
    )
    assert re.search(says, text, re.I) is None
    assert "UPDATE" in text
    assert count_segments(text) == 1


async def test_the_text_that_leaves_is_that_text_and_nothing_else(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps")
    await gathered(line)

    [sent] = texts(line)
    assert (sent.channel, sent.to, sent.kind) == ("sms", VICTIM, "case_update")
    assert sent.text == line.texts.texts["update_waiting"]["sms"]
    assert sent.safe_contact_decision == "unasked_agreed"
    assert sent.dedupe_key == f"notice:{notices(line)[0].id}"


# --- what is news -------------------------------------------------------------------------------


async def test_a_case_that_comes_for_the_first_time_tells_nobody_of_its_history(line: Line) -> None:
    yesterday = line.clock.now() - timedelta(days=1)
    history = (CaseEvent(at=yesterday, kind="hearing_listed", detail=""),)
    say_case(line, stage="charged", events=history)
    await gathered(line)

    assert (notices(line), texts(line), items(line)) == ([], [], [])


@pytest.mark.parametrize(("days", "count"), [(13.9, 1), (14.1, 0)])
async def test_what_happened_more_than_14_days_ago_is_no_news(line: Line, days: float, count: int) -> None:
    say_case(line)
    happens(line, "hearing_listed", at=line.clock.now() - timedelta(days=days))
    await gathered(line)

    assert len(notices(line)) == len(texts(line)) == count


@pytest.mark.parametrize("kind", ["update_given", "referred_to_support", "made_up_by_a_force"])
async def test_a_kind_that_is_no_news_is_recorded_and_tells_nobody(line: Line, kind: str) -> None:
    say_case(line)
    happens(line, kind)

    assert notices(line) == []


async def test_an_event_told_twice_is_one_notice(line: Line) -> None:
    say_case(line)
    happens(line, "hearing_listed", at=line.clock.now(), event_id="e1")
    for _ in range(2):
        say_case(line, stage="with_cps", stage_since=date(2026, 11, 20))
    stage_becomes(line, "with_cps", at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC))

    assert sorted(row.kind for row in notices(line)) == ["hearing_listed", "with_cps"]


async def test_a_stage_that_was_overtaken_when_it_came_is_not_told(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps", at=line.clock.now() - timedelta(hours=1))
    stage_becomes(line, "allocated", at=line.clock.now() - timedelta(days=5))

    assert [row.kind for row in notices(line)] == ["with_cps"]


async def test_news_that_a_file_takes_back_before_it_was_told_is_void(line: Line) -> None:
    listed = CaseEvent(at=line.clock.now(), kind="hearing_listed", detail="")
    say_case(line)
    say_case(line, events=(listed,))
    say_case(line)
    await gathered(line)

    assert statuses(line) == ["void"]
    assert texts(line) == []


async def test_a_notice_names_the_import_it_came_with(line: Line) -> None:
    def record(tx: Any) -> str:
        made: str = tx.imports.record(source="file", filename="f", summary={}, by="test")
        return made

    import_id = line.database.write_now(record)
    say_case(line)
    say_case(line, stage="with_cps", stage_since=date(2026, 11, 20), import_id=import_id)
    await gathered(line)

    told = line.database.read_now(lambda tx: tx.imports.list_told(import_id))
    assert line.row(held_import).id == import_id
    assert [(each.crime_reference, each.to) for each in told] == [(REFERENCE, VICTIM)]


# --- one text for several things ----------------------------------------------------------------


async def test_things_that_come_together_are_one_text(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps")
    line.clock.advance(minutes=5)
    happens(line, "officer_changed")
    await settle_notices(line)
    assert texts(line) == []

    line.clock.advance(minutes=11)
    await settle_notices(line)

    assert len(texts(line)) == 1
    assert statuses(line) == ["told", "told"]
    assert all(row.noticed_at is not None for row in notices(line))


async def test_two_cases_of_one_person_are_one_text(line: Line) -> None:
    say_case(line)
    say_case(line, crime_reference=OTHER)
    stage_becomes(line, "with_cps")
    stage_becomes(line, "with_cps", reference=OTHER)
    await gathered(line)

    assert len(texts(line)) == 1
    assert statuses(line) == ["told", "told"]


async def test_no_second_text_follows_within_a_day_while_the_first_may_be_unread(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps")
    await gathered(line)
    line.clock.advance(hours=2)
    happens(line, "hearing_listed")
    await gathered(line)
    assert len(texts(line)) == 1

    line.clock.advance(hours=22)
    await settle_notices(line)
    assert len(texts(line)) == 2


async def test_once_the_first_was_read_the_next_news_has_a_text_of_its_own(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps")
    await gathered(line)
    reads(line)
    line.clock.advance(hours=2)
    happens(line, "hearing_listed")
    await gathered(line)

    assert len(texts(line)) == 2


async def test_what_they_have_read_already_needs_no_text(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps")
    reads(line)
    await gathered(line)

    [notice] = notices(line)
    assert (notice.status, notice.noticed_at) == ("told", None)
    assert notice.read_at is not None
    assert texts(line) == []


@pytest.mark.parametrize("references", [[REFERENCE, REFERENCE], [REFERENCE, OTHER]])
def test_two_workers_at_once_write_one_text(line: Line, references: list[str]) -> None:
    say_case(line)
    say_case(line, crime_reference=OTHER)
    for number, reference in enumerate(references):
        happens(line, "hearing_listed", reference=reference, event_id=f"e{number}")
    line.clock.advance(minutes=16)
    threads = [
        threading.Thread(
            target=line.database.write_now,
            args=(lambda tx, each=row.id: settle_notice(tx, each, texts=line.texts, rules=INFORMED.notices),),
        )
        for row in notices(line)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(texts(line)) == 1
    assert statuses(line) == ["told", "told"]


async def test_a_notice_that_cannot_be_settled_holds_up_no_other(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps")
    line.clock.advance(minutes=16)
    without_words = Informing(store=line.database, texts=ServiceTexts({}), rules=INFORMED.notices)
    with pytest.raises(KeyError):
        await send_next_notice(without_words)

    assert not await send_next_notice(without_words)
    line.clock.advance(minutes=61)
    await settle_notices(line)
    assert len(texts(line)) == 1


# --- the plan -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stage", "officer_changed", "hearing_moved", "outcome"])
@pytest.mark.parametrize("crime_type", ["burglary", FLAGGED])
@pytest.mark.parametrize("plan", ["any", "reply_only", "none", ""])
async def test_a_text_leaves_only_where_the_plan_agrees_and_else_a_person_has_a_task(
    line: Line, kind: str, crime_type: str, plan: str
) -> None:
    say_case(line, crime_type=crime_type, safe_contact=plan)
    if kind == "stage":
        stage_becomes(line, "charged")
    else:
        happens(line, kind, "15" if kind == "outcome" else "")
    await gathered(line)

    is_a_persons = crime_type == FLAGGED and kind in ("stage", "outcome")
    if is_a_persons:
        assert items(line) == [("tell_victim_first", Grade.PROMPT, "open")]
    elif plan == "any":
        assert items(line) == []
    else:
        assert items(line) == [("update_blocked", Grade.PROMPT, "open")]
    assert len(texts(line)) == (plan == "any" and not is_a_persons)
    assert len([row for row in line.rows(outbox) if row.status != "waiting"]) == 0


@pytest.mark.parametrize(
    ("plan", "why"), [("none", "nothing_in_writing"), ("reply_only", "answers_only"), ("", "answers_only")]
)
async def test_a_blocked_update_says_why(line: Line, plan: str, why: str) -> None:
    say_case(line, safe_contact=plan)
    stage_becomes(line, "with_cps")
    await gathered(line)

    [notice] = notices(line)
    assert (notice.status, notice.blocked_why, notice.noticed_at) == ("with_person", why, None)


async def test_a_person_writing_with_us_now_makes_no_push_an_answer(line: Line) -> None:
    say_case(line, safe_contact="reply_only")
    stage_becomes(line, "with_cps")
    line.clock.advance(minutes=16)
    line.receive("hello", received_at=line.clock.now())
    await settle_notices(line)

    assert texts(line) == []
    assert ("update_blocked", Grade.PROMPT, "open") in items(line)


async def test_outside_the_agreed_hours_it_waits_for_them(line: Line) -> None:
    say_case(line)
    sunday_afternoon = ContactWindow(weekday=6, start_minute=14 * 60, end_minute=16 * 60)
    agree_plan(
        line,
        SafeContactPlan(
            unasked_channels=EVERYWHERE,
            answered_channels=EVERYWHERE,
            hours=(sunday_afternoon,),
            is_unsolicited_agreed=True,
        ),
    )
    stage_becomes(line, "with_cps")
    await gathered(line)
    assert (texts(line), items(line)) == ([], [])
    assert notices(line)[0].not_before == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)

    line.clock.advance(days=1, hours=1, minutes=43)
    await settle_notices(line)
    assert texts(line) == []
    line.clock.advance(minutes=2)
    await settle_notices(line)
    assert len(texts(line)) == 1


async def test_the_plan_of_one_case_of_a_person_binds_the_text_of_another(line: Line) -> None:
    say_case(line)
    say_case(line, crime_reference=OTHER, crime_type=FLAGGED, safe_contact="none")
    stage_becomes(line, "with_cps")
    await gathered(line)

    assert texts(line) == []
    assert items(line) == [("update_blocked", Grade.PROMPT, "open")]


async def test_nothing_goes_unasked_to_a_number_that_may_be_somebody_elses_now(line: Line) -> None:
    say_case(line)
    person_id = line.row(person).id
    line.database.write_now(lambda tx: tx.people.suspend_contact(person_id, why="wrong_person"))
    stage_becomes(line, "with_cps")
    await gathered(line)

    assert texts(line) == []
    assert items(line) == [("update_blocked", Grade.PROMPT, "open")]


async def test_without_a_mobile_it_goes_where_they_proved_who_they_are(line: Line) -> None:
    say_case(line, contact_mobile=None)
    conversation_id = link(line, Channel.WEBCHAT, "web-1")
    stage_becomes(line, "with_cps")
    await gathered(line)

    [sent] = texts(line)
    assert (sent.conversation_id, sent.channel) == (conversation_id, "webchat")
    assert sent.text == line.texts.texts["update_waiting"]["web"]


async def test_a_day_after_they_last_wrote_on_whatsapp_a_nudge_says_that_news_waits(line: Line) -> None:
    """Red when a closed window makes news a person's task at once, or the news itself is tried."""
    say_case(line, contact_mobile=None)
    link(line, Channel.WHATSAPP, VICTIM)
    line.clock.advance(hours=23, minutes=45)
    stage_becomes(line, "with_cps")
    await gathered(line)
    await line.deliver_all()

    told = [(row.template, row.status) for row in line.rows(outbox)]
    assert told == [("update_waiting", "held"), ("waiting", "sent")]
    assert [message.template for message in line.sender.sent] == ["waiting"]
    assert items(line) == []


async def test_where_they_can_be_written_to_now_comes_before_a_closed_window(line: Line) -> None:
    """Red when the addresses are in the order of their links."""
    say_case(line, contact_mobile=None)
    link(line, Channel.WEBCHAT, "web-1")
    line.clock.advance(hours=1)
    link(line, Channel.WHATSAPP, VICTIM)
    line.clock.advance(hours=25)
    stage_becomes(line, "with_cps")
    await gathered(line)

    assert [row.channel for row in texts(line)] == ["webchat"]


@pytest.mark.parametrize("email", ["alex@example.org", None])
async def test_somebody_with_no_address_at_all_has_a_task_too(line: Line, email: str | None) -> None:
    say_case(line, contact_mobile=None, contact_email=email)
    stage_becomes(line, "with_cps")
    await gathered(line)

    assert items(line) == [("update_blocked", Grade.PROMPT, "open")]
    assert texts(line) == []


async def test_while_a_person_writes_with_them_no_text_comes_between(line: Line) -> None:
    say_case(line)
    conversation_id = line.receive("hello", received_at=line.clock.now()).conversation_id
    staff = line.add_staff()
    line.claim(conversation_id, staff)
    stage_becomes(line, "with_cps")
    await gathered(line)
    assert texts(line) == []

    line.hand_back(conversation_id, None, staff)
    line.clock.advance(minutes=61)
    await settle_notices(line)
    assert len(texts(line)) == 1


# --- a person first -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "grade"),
    [
        ("released_on_bail", Grade.HIGH),
        ("released_under_investigation", Grade.HIGH),
        ("charged", Grade.PROMPT),
    ],
)
async def test_dangerous_news_is_a_persons_task_at_once_and_no_text(
    line: Line, stage: str, grade: Grade
) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested")
    stage_becomes(line, stage)
    await settle_notices(line)

    assert items(line) == [("tell_victim_first", grade, "open")]
    line.clock.advance(days=3)
    await settle_notices(line)
    assert texts(line) == []
    assert len(items(line)) == 1


async def test_news_that_a_person_must_tell_is_not_read_by_asking(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested")
    stage_becomes(line, "released_on_bail")
    await settle_notices(line)

    reads(line)

    [notice] = notices(line)
    assert (notice.status, notice.read_at) == ("with_person", None)


@pytest.mark.parametrize("detail", ["released_on_bail", "", "rang her at her sister's"])
async def test_once_the_case_says_they_were_told_the_task_is_over(line: Line, detail: str) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 20))
    stage_becomes(line, "released_on_bail")
    await settle_notices(line)
    line.clock.advance(minutes=30)
    happens(line, "victim_told", detail)
    await gathered(line)

    [notice] = notices(line)
    assert (notice.status, notice.told_by) == ("told", "case file")
    assert notice.told_by_person_at is not None
    assert items(line) == [("tell_victim_first", Grade.HIGH, "closed")]
    assert texts(line) == []
    reads(line)
    assert notices(line)[0].read_at is not None


async def test_being_told_of_another_thing_does_not_end_it(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 21))
    stage_becomes(line, "released_on_bail")
    await settle_notices(line)
    happens(line, "victim_told", "arrested")

    assert statuses(line) == ["with_person"]
    assert items(line) == [("tell_victim_first", Grade.HIGH, "open")]


async def test_a_file_that_says_both_leaves_nothing_to_do(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 20))
    told = CaseEvent(at=line.clock.now() - timedelta(hours=1), kind="victim_told", detail="charged")
    say_case(line, crime_type=FLAGGED, stage="charged", stage_since=date(2026, 11, 21), events=(told,))
    await gathered(line)

    assert statuses(line) == ["told"]
    assert (items(line), texts(line)) == ([], [])


async def test_harmless_news_waits_while_a_person_has_something_to_tell_first(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 21))
    happens(line, "victim_told", "arrested")
    stage_becomes(line, "released_on_bail")
    happens(line, "officer_changed")
    await gathered(line)
    assert texts(line) == []

    happens(line, "victim_told", "released_on_bail")
    await settle_notices(line)
    assert len(texts(line)) == 1


async def test_an_old_stage_nobody_was_told_of_brings_a_person_before_any_text(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="released_on_bail", stage_since=date(2026, 10, 1))
    happens(line, "officer_changed")
    await gathered(line)
    assert items(line) == [("tell_victim_first", Grade.PROMPT, "open")]
    assert texts(line) == []

    happens(line, "victim_told", "released_on_bail")
    await settle_notices(line)
    assert items(line) == [("tell_victim_first", Grade.PROMPT, "closed")]
    assert len(texts(line)) == 1


async def test_a_task_that_ends_by_itself_does_not_cut_off_what_the_screen_reads(line: Line) -> None:
    say_case(line, crime_type=FLAGGED, stage="arrested", stage_since=date(2026, 11, 20))
    stage_becomes(line, "released_on_bail")
    await settle_notices(line)
    line.receive("he is outside", received_at=line.clock.now())
    happens(line, "victim_told", "released_on_bail")

    earlier = line.database.read_now(
        lambda tx: tx.inbox.list_earlier(
            line.rows(desk_item)[0].conversation_id, before=line.clock.now(), limits=line.bands.limits
        )
    )
    assert earlier == ["he is outside"]


async def test_blocked_news_is_read_by_asking_and_the_task_is_over(line: Line) -> None:
    say_case(line, safe_contact="reply_only")
    stage_becomes(line, "with_cps")
    await gathered(line)

    reads(line)

    assert notices(line)[0].read_at is not None
    assert items(line) == [("update_blocked", Grade.PROMPT, "closed")]


async def test_told_by_telephone_before_the_text_went_there_is_no_text(line: Line) -> None:
    say_case(line)
    stage_becomes(line, "with_cps")
    happens(line, "victim_told", "with_cps")
    await gathered(line)

    assert statuses(line) == ["told"]
    assert texts(line) == []


def test_an_item_leads_back_to_its_case(line: Line) -> None:
    say_case(line)
    happens(line, "hearing_listed")
    conversation_id = line.open(VICTIM)
    [notice] = notices(line)

    def record(tx: Any) -> list[str]:
        tx.desk.record_item(
            conversation_id=conversation_id,
            reason=HandoffReason.UPDATE_BLOCKED,
            grade=Grade.PROMPT,
            dedupe_key=f"update_blocked:{notice.id}",
        )
        found: list[str] = tx.notices.list_cases_of_items(conversation_id)
        return found

    assert line.database.write_now(record) == [REFERENCE]
