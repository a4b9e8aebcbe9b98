"""Words published over the release's: two people, every channel from the next turn on, and back in one press.

Red when: `publish` asks nothing of who wrote the draft; `publish_over` is not called by `commit_answer`, or takes the
full form for SMS; `roll_back` takes the newest version that was replaced, whether or not it was gone back from;
`seed_contents` writes over version 1; a directory entry keeps "open now" with other hours.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.bot_texts import load_bot_texts
from casework.adapters.content_base import load_base_texts
from casework.adapters.storage.content_tables import content_version, told_content
from casework.adapters.storage.tables import audit
from casework.model.content_lint import Rule
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.services import contents
from casework.services.content_book import read_content_book
from casework.services.content_ports import BaseText, ContentKind, ContentStatus
from casework.services.content_previews import preview
from casework.services.ports import AssistantReply
from casework.services.support_directory import Opening, find_opening, find_support_services
from casework.services.support_finder import Criteria, find
from casework.services.told_contents import find_form
from tests.support.builders import REFERENCE, an_answer
from tests.support.line import Line

BASE = load_base_texts()
WRITER, APPROVER = "toni", "alex"
STAGE = "utter_stage_arrested"
RECORDED = {"recorded_on": "3 May 2026"}
NEW_FORMS = {
    "web": "As recorded on {recorded_on}: Someone was held. They were asked some things.\n\nYou can ask us more.",
    "sms": "As recorded on {recorded_on}: Someone was held and asked some things.",
}
SERVICE_ID = "victim_support"
ENTRY = f"directory.{SERVICE_ID}"
WRITERS = {
    Channel.SMS: "+447700900111",
    Channel.WHATSAPP: "+447700900112",
    Channel.WEBCHAT: "web-visitor",
    Channel.TELEGRAM: "700900113",
}


@pytest.fixture
def line(line: Line) -> Line:
    seed(line)
    line.add_cases()
    return line


def seed(line: Line, texts: Mapping[str, BaseText] = BASE) -> int:
    return line.database.write_now(lambda tx: contents.seed_contents(tx, texts))


def write_draft(line: Line, name: str, forms: Mapping[str, str], **values: Any) -> int:
    given: dict[str, Any] = {
        "source": "Read to us by the test",
        "review_by": line.clock.now().date() + timedelta(days=90),
        "note": "",
        "after_version": line.database.read_now(lambda tx: tx.contents.list_of(name)[0].version),
        "by": WRITER,
    }
    base = values.pop("base", BASE[name])
    return line.database.write_now(
        lambda tx: contents.draft(tx, base, forms, texts=line.texts, **(given | values))
    )


def publish(line: Line, name: str, version: int, *, by: str = APPROVER) -> None:
    line.database.write_now(lambda tx: contents.publish(tx, BASE[name], version, texts=line.texts, by=by))


def publish_new(line: Line, name: str, forms: Mapping[str, str], **values: Any) -> int:
    version = write_draft(line, name, forms, **values)
    publish(line, name, version)
    return version


def roll_back(line: Line, name: str, version: int) -> int:
    return line.database.write_now(lambda tx: contents.roll_back(tx, name, version, by=APPROVER))


def state_of(line: Line, name: str) -> contents.ContentState:
    found = line.database.read_now(lambda tx: contents.find_state(tx, name))
    assert found is not None
    return found


def a_reply(name: str, channel: Channel, args: Mapping[str, str] | None = None) -> AssistantReply:
    """As the model says it: its own words, filled."""
    words = find_form(BASE[name].forms, channel)
    filled = args or {}
    return AssistantReply(response=name, text=words.format(**filled), args=filled)


async def ask(line: Line, channel: Channel, *replies: AssistantReply) -> str:
    """What the person, who has proved that the case is theirs, is told next on that channel."""
    line.assistant.answer = an_answer(replies=replies)
    received = line.receive("what now", channel=channel, external_id=WRITERS[channel])
    line.database.write_now(
        lambda tx: tx.standings.record(received.conversation_id, REFERENCE, Standing.LINKED, method="code")
    )
    await line.answer()
    return line.outgoing(received.conversation_id)[-1][0]


def test_what_the_release_says_is_version_1_of_each_text_with_its_source_and_review_date(line: Line) -> None:
    rows = line.rows(content_version)

    assert {row.name for row in rows} == set(BASE)
    assert {(row.version, row.status, row.drafted_by) for row in rows} == {(1, "base", "release")}
    assert all(row.source and row.review_by for row in rows if row.kind in ("right", "directory"))
    assert seed(line) == 0


def test_a_release_that_says_something_else_is_the_next_version(line: Line) -> None:
    changed = {**BASE, STAGE: replace(BASE[STAGE], forms=NEW_FORMS)}

    assert seed(line, changed) == 1
    assert [(row.version, row.status) for row in line.rows(content_version, name=STAGE)] in (
        [(1, "base"), (2, "base")],
        [(2, "base"), (1, "base")],
    )
    assert state_of(line, STAGE).said.forms == NEW_FORMS


def test_what_proves_who_somebody_is_and_what_is_said_before_they_may_talk_is_nobodys_to_change() -> None:
    for name in ("utter_code_refused", "utter_code_requested", "utter_need_reference", "utter_safe_question"):
        assert name not in BASE
    assert {text.kind for text in BASE.values()} == set(ContentKind)


@pytest.mark.parametrize("channel", sorted(WRITERS))
async def test_published_words_are_said_from_the_next_turn_on_on_every_channel(
    line: Line, channel: Channel
) -> None:
    reply = a_reply(STAGE, channel, RECORDED)
    before = await ask(line, channel, reply)
    version = write_draft(line, STAGE, NEW_FORMS)
    while_drafted = await ask(line, channel, reply)
    publish(line, STAGE, version)
    after = await ask(line, channel, reply)

    form = "sms" if channel is Channel.SMS else "web"
    assert before == while_drafted == reply.text
    assert after == NEW_FORMS[form].format(**RECORDED)


async def test_one_press_goes_back_to_what_was_said_before_and_never_to_what_was_taken_back(
    line: Line,
) -> None:
    reply = a_reply(STAGE, Channel.SMS, RECORDED)
    second = publish_new(line, STAGE, NEW_FORMS)
    third = publish_new(line, STAGE, {**NEW_FORMS, "sms": "As recorded on {recorded_on}: Someone was held."})

    assert roll_back(line, STAGE, third) == second
    assert await ask(line, Channel.SMS, reply) == NEW_FORMS["sms"].format(**RECORDED)
    assert roll_back(line, STAGE, second) == 1
    assert await ask(line, Channel.SMS, reply) == reply.text
    fourth = publish_new(line, STAGE, NEW_FORMS)
    assert roll_back(line, STAGE, fourth) == 1
    assert await ask(line, Channel.SMS, reply) == reply.text
    with pytest.raises(contents.NothingPublished):
        roll_back(line, STAGE, fourth)


def test_whoever_wrote_a_draft_does_not_publish_it(line: Line) -> None:
    version = write_draft(line, STAGE, NEW_FORMS)

    with pytest.raises(contents.OwnDraft):
        publish(line, STAGE, version, by=WRITER)

    assert state_of(line, STAGE).published is None
    publish(line, STAGE, version)
    acts = [(row.act, row.actor, row.thing) for row in line.rows(audit) if row.act.startswith("content_")]
    assert acts == [
        ("content_drafted", WRITER, f"content:{STAGE}.2"),
        ("content_published", APPROVER, f"content:{STAGE}.2"),
    ]


def test_a_draft_with_a_fault_is_not_kept_and_the_fault_is_named(line: Line) -> None:
    forms = {**NEW_FORMS, "sms": NEW_FORMS["sms"] + " Ask {officer_name}."}

    with pytest.raises(contents.ContentRefused) as refused:
        write_draft(line, STAGE, forms)

    assert [(each.rule, each.form, each.said) for each in refused.value.findings if each.is_refused] == [
        (Rule.UNKNOWN_GAP, "sms", "{officer_name}")
    ]
    assert state_of(line, STAGE).draft is None


def test_a_draft_that_waited_past_its_review_date_is_not_published(line: Line) -> None:
    version = write_draft(line, STAGE, NEW_FORMS)
    line.clock.advance(days=91)

    with pytest.raises(contents.ContentRefused):
        publish(line, STAGE, version)


def test_two_who_write_at_once_do_not_write_over_each_other(line: Line) -> None:
    write_draft(line, STAGE, NEW_FORMS, after_version=1)

    with pytest.raises(contents.ContentChanged):
        write_draft(line, STAGE, {**NEW_FORMS, "sms": "As recorded on {recorded_on}: Held."}, after_version=1)
    with pytest.raises(contents.NothingNew):
        base = BASE[STAGE]
        write_draft(line, STAGE, base.forms, source=base.source, review_by=base.review_by)


def test_a_new_draft_takes_the_place_of_the_one_that_waits(line: Line) -> None:
    first = write_draft(line, STAGE, NEW_FORMS)
    second = write_draft(line, STAGE, {**NEW_FORMS, "sms": "As recorded on {recorded_on}: Someone was held."})

    statuses = {row.version: row.status for row in line.rows(content_version, name=STAGE)}
    assert statuses == {1: "base", first: ContentStatus.REFUSED, second: ContentStatus.DRAFT}
    with pytest.raises(contents.ContentChanged):
        publish(line, STAGE, first)


def test_it_is_told_when_the_release_changed_under_a_published_text(line: Line) -> None:
    publish_new(line, STAGE, NEW_FORMS)
    assert not state_of(line, STAGE).has_base_changed

    other = {**BASE[STAGE].forms, "sms": "As recorded on {recorded_on}: Someone was arrested."}
    seed(line, {**BASE, STAGE: replace(BASE[STAGE], forms=other)})

    assert state_of(line, STAGE).has_base_changed
    assert state_of(line, STAGE).said.forms == NEW_FORMS


async def test_words_with_a_gap_that_this_answer_does_not_fill_give_way_to_the_models(line: Line) -> None:
    publish_new(line, STAGE, NEW_FORMS)
    unfilled = AssistantReply(response=STAGE, text="Someone was arrested.")

    assert await ask(line, Channel.SMS, unfilled) == "Someone was arrested."


async def test_buttons_stay_where_they_are(line: Line) -> None:
    name = "utter_rights_overview"
    web = "The Victims' Code gives you 12 rights. Which one would help you now?"
    sms = "The Victims' Code gives you 12 rights. You can ask about one."
    publish_new(line, name, {"web": web, "sms": sms})
    asked = replace(a_reply(name, Channel.SMS), choices=BASE[name].choices)

    told = await ask(line, Channel.SMS, asked)

    assert told == f"{sms}\nReply 1 Being kept up to date 2 Support near me 3 How to complain."


def test_pages_say_the_published_words(line: Line) -> None:
    texts, today = load_bot_texts(), line.clock.now().date()
    publish_new(line, STAGE, NEW_FORMS)

    book = line.database.read_now(read_content_book)

    assert texts.over(book.replies).find(STAGE, today=today) == (
        "Someone was held. They were asked some things.",
        "You can ask us more.",
    )
    late = today + timedelta(days=91)
    assert texts.over(book.replies).find(STAGE, today=late) == ()
    assert texts.over({}) is texts


def test_a_corrected_number_of_a_service_is_told_everywhere_it_is_listed(line: Line) -> None:
    fields = dict(BASE[ENTRY].forms)
    fields |= {"phone": "0808 157 0999", "reach": "call 0808 157 0999 free, or write to them online"}
    publish_new(line, ENTRY, fields)
    now = line.clock.now()

    entries = line.database.read_now(read_content_book).entries

    [told] = [
        service
        for service in find_support_services(None, today=now.date(), published=entries)
        if service.id == SERVICE_ID
    ]
    assert (told.phone_display, told.phone_digits) == ("0808 157 0999", "08081570999")
    assert find_opening(told, now) is Opening.ALWAYS
    shown = {way.shown for each in find(Criteria(), now, published=entries).found for way in each.ways}
    assert "0808 157 0999" in shown
    assert "08 08 16 89 111" not in shown


def test_other_hours_are_told_and_nobody_is_said_to_be_there_by_them(line: Line) -> None:
    publish_new(line, ENTRY, {**BASE[ENTRY].forms, "hours": "Mon to Fri, 9am to 5pm"})
    now = line.clock.now()

    entries = line.database.read_now(read_content_book).entries

    [told] = [
        service
        for service in find_support_services(None, today=now.date(), published=entries)
        if service.id == SERVICE_ID
    ]
    assert find_opening(told, now) is Opening.UNKNOWN
    assert told.hours == "Mon to Fri, 9am to 5pm"


def test_an_entry_whose_old_number_still_stands_in_its_sentence_is_refused(line: Line) -> None:
    with pytest.raises(contents.ContentRefused) as refused:
        write_draft(line, ENTRY, {**BASE[ENTRY].forms, "phone": "0808 157 0999"})

    assert refused.value.findings[0].rule is Rule.OLD_NUMBER


def test_a_text_shown_before_it_is_said_shows_what_each_channel_shows(line: Line) -> None:
    name = "utter_rights_overview"
    shown = {
        each.channel: each for each in preview(BASE[name], BASE[name].forms, texts=line.texts, all_texts=BASE)
    }

    assert shown[Channel.SMS].segments == (2,)
    assert shown[Channel.SMS].messages[0].endswith("3 How to complain.")
    assert shown[Channel.SMS].lock_screen == "The Victims' Code gives you 12 rights. Y"
    assert shown[Channel.WHATSAPP].choices == BASE[name].choices
    assert shown[Channel.WEBCHAT].lock_screen == ""


def test_nothing_is_told_of_a_text_before_it_is_said(line: Line) -> None:
    publish_new(line, STAGE, NEW_FORMS)

    assert line.rows(told_content) == []
