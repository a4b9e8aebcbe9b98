"""Claim, reply, close, hand back, return: each with its refusals."""

import asyncio
import re

import pytest

from casework.adapters.storage.tables import conversation, desk_item, outbox
from casework.model.desk import HandoffReason
from casework.model.disclosures import Category
from casework.model.messages import Channel, Lane
from tests.console.desk_site import DeskSite, field_in


async def test_fifty_claims_at_once_make_one_owner_and_the_others_are_told_who(site: DeskSite) -> None:
    detectives = await asyncio.gather(
        *(site.detective(f"d{number}", f"Test Officer{number:02d}") for number in range(50))
    )
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)

    answers = await asyncio.gather(*(detective.claim(conversation_id) for detective in detectives))

    statuses = [answer.status for answer, _ in answers]
    assert (statuses.count(303), statuses.count(409)) == (1, 49)
    winner = f"Test Officer{statuses.index(303):02d}"
    assert all(f"{winner} claimed this" in page for answer, page in answers if answer.status == 409)
    assert site.acts().count("conversation_claimed") == 1


async def test_the_loser_of_a_claim_is_told_when_and_what_to_do_next(site: DeskSite) -> None:
    sam = await site.detective("sam", "Sam Price")
    kim = await site.detective("kim", "Kim Test-Officer")
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await sam.claim(conversation_id)
    site.clock.advance(seconds=4)

    answer, page = await kim.claim(conversation_id)

    assert answer.status == 409
    assert "Sam Price claimed this 4 seconds ago." in page
    assert "Open read-only" in page
    assert "Next in queue" in page


async def test_claiming_twice_is_claiming_once(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)

    first, _ = await detective.claim(conversation_id)
    second, _ = await detective.claim(conversation_id)

    assert first.status == second.status == 303
    assert [row.status for row in site.rows(desk_item)] == ["claimed"]


async def test_a_reply_leaves_on_the_victims_channel_in_the_staff_lane(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(channel=Channel.WHATSAPP, external_id="whatsapp:+447700900001")
    await detective.claim(conversation_id)

    answer, _ = await detective.reply(conversation_id, "  Hello.\r\nThis is Sam.\x00\x07 ")

    [row] = site.sent_by_staff()
    assert answer.status == 303
    assert (row.lane, row.channel, row.to) == (Lane.STAFF.value, "whatsapp", "whatsapp:+447700900001")
    assert row.text == "Hello.\nThis is Sam."
    assert "staff_replied" in site.acts()


async def test_only_the_owner_can_reply_and_the_words_are_kept(site: DeskSite) -> None:
    sam = await site.detective("sam", "Sam Price")
    kim = await site.detective("kim", "Kim Test-Officer")
    conversation_id = site.victim_writes()
    await sam.claim(conversation_id)
    page = await sam.open(conversation_id)

    answer, refused = await kim.reply(conversation_id, "I meant well", page)

    assert answer.status == 409
    assert "You do not have this conversation" in refused
    assert "I meant well" in refused
    assert site.sent_by_staff() == []


async def test_a_reply_written_before_the_newest_message_shows_that_message_first(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("are you there")
    await detective.claim(conversation_id)
    page = await detective.open(conversation_id)
    site.writes_again(conversation_id, "dont text me he has my phone")

    answer, refused = await detective.reply(conversation_id, "Hello, it is Sam", page)

    assert answer.status == 409
    assert "They wrote again before you pressed." in refused
    assert "dont text me he has my phone" in refused
    assert re.search(r"is-new.*?dont text me", refused, re.S)
    assert re.search(r"<textarea[^>]*>\s*Hello, it is Sam</textarea>", refused)
    assert site.sent_by_staff() == []


async def test_after_reading_the_new_message_the_same_words_can_be_sent(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("are you there")
    await detective.claim(conversation_id)
    page = await detective.open(conversation_id)
    site.writes_again(conversation_id, "hello?")
    _, refused = await detective.reply(conversation_id, "Yes, I am here", page)

    answer, _ = await detective.reply(conversation_id, "Yes, I am here", refused)

    assert answer.status == 303
    assert [row.text for row in site.sent_by_staff()] == ["Yes, I am here"]


async def test_a_form_sent_twice_is_one_message(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)
    page = await detective.open(conversation_id)

    answers = await asyncio.gather(*(detective.reply(conversation_id, "Hello", page) for _ in range(5)))

    assert {answer.status for answer, _ in answers} == {303}
    assert len(site.sent_by_staff()) == 1


async def test_a_form_gone_back_to_and_changed_is_a_second_message(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)
    page = await detective.open(conversation_id)

    await detective.reply(conversation_id, "Hello", page)
    await detective.reply(conversation_id, "One more thing", page)

    assert [row.text for row in site.sent_by_staff()] == ["Hello", "One more thing"]


async def test_the_same_words_from_two_composers_are_two_messages(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    await detective.reply(conversation_id, "Are you safe?")
    await detective.reply(conversation_id, "Are you safe?")

    assert len(site.sent_by_staff()) == 2


@pytest.mark.parametrize("words", ["", "   \r\n\t ", "\x00", "\u200b\u200d", "\x1b\x07"])
async def test_an_empty_reply_is_refused_in_words(site: DeskSite, words: str) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    answer, page = await detective.reply(conversation_id, words)

    assert answer.status == 422
    assert "Write a reply first." in page
    assert site.sent_by_staff() == []


async def test_a_reply_of_ten_thousand_letters_is_refused_and_kept(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)
    words = "Long words. " * 834

    answer, page = await detective.reply(conversation_id, words)

    assert answer.status == 422
    assert "too long for the channel" in page
    assert words.strip() in page
    assert "too many to send." in page
    assert site.sent_by_staff() == []


async def test_a_text_of_1600_letters_goes_and_one_more_does_not(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    fits, _ = await detective.reply(conversation_id, "x" * 1600, texts_meant="11")
    over, _ = await detective.reply(conversation_id, "x" * 1601, texts_meant="11")

    assert (fits.status, over.status) == (303, 422)
    assert "11 text messages" in await detective.open(conversation_id)


async def test_a_forged_or_missing_last_seen_counts_as_nothing_seen(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    for forged in ("", "x", "-1", "1e9", "٣", "9" * 5000):
        answer, _ = await detective.reply(conversation_id, "Hello", last_seen_inbox_id=forged)
        assert answer.status == 409
    assert site.sent_by_staff() == []


async def test_a_form_in_an_unknown_charset_is_refused_in_words(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)
    path = f"/console/c/{conversation_id}/reply"

    odd, page = await detective.post(path, Content_Type="application/x-www-form-urlencoded; charset=klingon")

    assert odd.status == 400
    assert "Nothing was sent" in page


async def test_handing_back_needs_an_outcome_while_something_is_open(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await detective.claim(conversation_id)

    answer, page = await detective.post(f"/console/c/{conversation_id}/hand-back", site.ending(""))

    assert answer.status == 422
    assert "Choose what came of it first." in page
    assert [row.status for row in site.rows(desk_item)] == ["claimed"]


async def test_handing_back_moves_the_epoch_and_frees_the_conversation(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await detective.claim(conversation_id)
    [before] = site.rows(conversation)

    answer, _ = await detective.post(
        f"/console/c/{conversation_id}/hand-back", site.ending("told_to_call_999")
    )

    [after] = site.rows(conversation)
    assert answer.headers["Location"] == "/console"
    assert after.epoch == before.epoch + 1
    assert after.owner_id is None
    assert [(row.status, row.outcome) for row in site.rows(desk_item)] == [("closed", "told_to_call_999")]


async def test_handing_back_with_nothing_open_needs_no_outcome(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    answer, _ = await detective.post(f"/console/c/{conversation_id}/hand-back", site.ending(""))

    assert answer.status == 303


@pytest.mark.parametrize("act", ["close", "hand-back"])
async def test_finishing_is_refused_while_a_message_is_unread(site: DeskSite, act: str) -> None:
    detective = await site.detective()
    phone = "+447700900777"
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER, external_id=phone)
    await detective.claim(conversation_id)
    ending = site.ending("log_created")
    site.victim_writes("he has come back", category=Category.IMMEDIATE_DANGER, external_id=phone)

    answer, page = await detective.post(f"/console/c/{conversation_id}/{act}", ending)

    assert answer.status == 409
    assert "he has come back" in page
    assert "closed" not in {row.status for row in site.rows(desk_item)}


async def test_a_made_up_outcome_closes_nothing(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await detective.claim(conversation_id)

    for act in ("close", "hand-back"):
        answer, _ = await detective.post(f"/console/c/{conversation_id}/{act}", site.ending("solved"))
        assert answer.status == 422

    assert [row.status for row in site.rows(desk_item)] == ["claimed"]


async def test_closing_with_an_outcome_keeps_the_conversation(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await detective.claim(conversation_id)

    answer, _ = await detective.post(f"/console/c/{conversation_id}/close", site.ending("log_created"))
    again, _ = await detective.post(f"/console/c/{conversation_id}/close", site.ending("log_created"))
    page = await detective.open(conversation_id)

    assert (answer.status, again.status) == (303, 422)
    assert "Log created" in page
    assert "hand it back when you are done" in page
    assert site.rows(conversation)[0].owner_id is not None


async def test_returning_to_the_queue_keeps_the_waiting_time(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    [before] = site.rows(desk_item)
    site.clock.advance(minutes=10)
    await detective.claim(conversation_id)

    await detective.post(f"/console/c/{conversation_id}/return")

    [after] = site.rows(desk_item)
    assert (after.status, after.owner_id) == ("open", None)
    assert after.waiting_since == before.waiting_since


@pytest.mark.parametrize("act", ["close", "hand-back", "return"])
async def test_only_the_owner_can_end_a_conversation(site: DeskSite, act: str) -> None:
    sam = await site.detective("sam", "Sam Price")
    kim = await site.detective("kim", "Kim Test-Officer")
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    await sam.claim(conversation_id)

    answer, _ = await kim.post(f"/console/c/{conversation_id}/{act}", site.ending("test"))

    assert answer.status == 409
    assert [row.status for row in site.rows(desk_item)] == ["claimed"]


async def test_taking_over_stops_what_the_assistant_had_waiting(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    site.assistant_answers(conversation_id, "a late answer")

    await detective.claim(conversation_id)

    [row] = site.rows(outbox, outbox.c.author == "assistant")
    assert (row.status, row.reason) == ("suppressed", "person_took_over")


async def test_each_page_gives_its_composer_a_new_form_id(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    ids = {field_in(await detective.open(conversation_id), "form_id") for _ in range(3)}

    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
