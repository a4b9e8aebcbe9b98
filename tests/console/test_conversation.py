"""The conversation page: who said what, why it is here, and who it may be."""

import html
import re

import pytest

from casework.adapters.storage.tables import audit, desk_item
from casework.model.desk import CheckAnswer, HandoffReason
from casework.model.disclosures import Category, Evidence
from casework.model.messages import Channel, OutboxStatus
from tests.console.desk_site import DeskSite

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1) https://evil.example",
    "<!-- --><style>*{display:none}</style>",
    "\u202e gnikcart \u2066 \u0000\ufffd",
    "&lt;b&gt; &amp; <b>bold</b>",
    "'; DROP TABLE inbox; --",
]


async def test_reading_a_conversation_is_recorded_each_time(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()

    await detective.open(conversation_id)
    await detective.get(f"/console/c/{conversation_id}", X_Pane="conversation")

    read = site.rows(audit, audit.c.act == "conversation_read")
    assert [row.conversation_id for row in read] == [conversation_id] * 2
    assert len({row.actor for row in read}) == 1


async def test_the_transcript_names_who_wrote_and_what_became_of_each_message(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("is there news")
    site.assistant_answers(conversation_id, "sent one", OutboxStatus.SENT)
    site.assistant_answers(conversation_id, "failed one", OutboxStatus.FAILED, reason="30003")
    site.assistant_answers(conversation_id, "waiting one")
    await detective.claim(conversation_id)
    await detective.reply(conversation_id, "This is Sam from the police")

    shown = re.sub(r"<[^>]+>", " ", await detective.open(conversation_id))
    page = html.unescape(re.sub(r"\s+", " ", shown))

    assert re.search(r"Writes: .{5,40} is there news", page)
    assert re.search(r"Assistant .{5,40} Sent sent one", page)
    assert "Not delivered: code 30003 failed one" in page
    assert re.search(r"Assistant's reply, not sent: a person had taken over .{5,40} waiting one", page)
    assert re.search(r"Sam Price .{5,40} Waiting This is Sam", page)


@pytest.mark.parametrize("status", list(OutboxStatus))
async def test_every_delivery_state_has_words(site: DeskSite, status: OutboxStatus) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    site.assistant_answers(conversation_id, "a reply", status)

    page = await detective.open(conversation_id)

    assert 'class="delivery' in page


async def test_words_that_fired_a_rule_are_marked_and_the_rule_is_named(site: DeskSite) -> None:
    detective = await site.detective()
    text = "\U0001f631\U0001f631 he is outside <now> help"
    start = text.index("he is")
    evidence = (
        Evidence(rule="immediate_danger.person_nearby", start=start, end=start + len("he is outside")),
        Evidence(rule="immediate_danger.now", start=text.index("outside"), end=text.index("now") + 3),
    )
    conversation_id = site.victim_writes(text, category=Category.IMMEDIATE_DANGER, evidence=evidence)

    page = await detective.open(conversation_id)

    assert re.search(r"<mark [^>]*>he is outside &lt;now</mark>", page)
    assert 'data-why="immediate danger, person nearby; immediate danger, now"' in page
    assert (
        "Noticed: immediate danger, person nearby; immediate danger, now <q>he is outside &lt;now</q>" in page
    )


async def test_words_the_detector_marked_are_marked_with_the_sentence_kept_with_the_item(
    site: DeskSite,
) -> None:
    detective = await site.detective()
    text = "when is court, he was about again"
    said = "reads like somebody being followed or watched"
    conversation_id = site.victim_writes(
        text,
        category=Category.STALKING_ESCALATION,
        reason=HandoffReason.CHECK,
        evidence=(Evidence(rule="stalking_escalation.about", start=15, end=24),),
        reasons=(
            ("stalking_escalation.about", 15, 24, "says somebody was about"),
            ("learned.stalking_escalation", 22, 33, said),
        ),
    )

    page = await detective.open(conversation_id)

    assert re.search(r"<mark [^>]*>he was about again</mark>", page)
    assert f"Noticed: says somebody was about; {said} <q>he was about again</q>" in page
    assert "May be urgent: Stalking that is getting worse" in page


async def test_a_sentence_about_a_whole_message_stands_under_it_and_marks_nothing(site: DeskSite) -> None:
    detective = await site.detective()
    said = "reads like something urgent, of no clear kind"
    conversation_id = site.victim_writes(
        "it is all a bit much",
        reason=HandoffReason.CHECK,
        reasons=(("learned.no_category", 0, 0, said),),
    )
    site.writes_again(conversation_id, "another message")

    page = await detective.open(conversation_id)

    assert "<mark" not in page
    assert page.count(f'<p class="note">Noticed: {said}</p>') == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Was asked if they are OK. No answer yet."),
        (CheckAnswer.YES, "Was asked if they are OK. Wrote yes."),
        (CheckAnswer.NO, "Was asked if they are OK. Did not write yes."),
    ],
)
async def test_what_they_answered_when_asked_is_told(
    site: DeskSite, answer: CheckAnswer | None, words: str
) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(reason=HandoffReason.CHECK)
    item_id = site.rows(desk_item)[0].id
    site.write(lambda tx: tx.desk.record_asked(item_id))
    if answer is not None:
        site.write(lambda tx: tx.desk.record_answer(item_id, answer))

    assert words in await detective.open(conversation_id)


async def test_a_picture_is_noted_and_a_message_of_pictures_says_why_it_is_here(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(
        "",
        reason=HandoffReason.UNREADABLE,
        media_count=1,
        evidence=(Evidence(rule="media_only", start=0, end=0),),
    )

    page = await detective.open(conversation_id)

    assert "1 picture or file, not fetched yet" in page
    assert "Only a picture or file came, with no words" in page


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_are_shown_as_words_everywhere(site: DeskSite, words: str) -> None:
    detective = await site.detective()
    words = words.replace("\x00", "")
    evidence = (Evidence(rule="immediate_danger.<b>", start=0, end=len(words)),)
    conversation_id = site.victim_writes(words, category=Category.IMMEDIATE_DANGER, evidence=evidence)
    site.link_case(conversation_id, victim_name=words, oic_contact=words)
    await detective.claim(conversation_id)
    page = await detective.open(conversation_id)
    site.writes_again(conversation_id, words)

    _, refused = await detective.reply(conversation_id, words, page)

    for shown in (page, refused):
        text = html.unescape(re.sub(r"</?mark[^>]*>", "", shown))
        assert words in text
        body = shown.partition("<main")[2]
        assert not re.search(r"<(script|img|svg|style|b)\b", body)


async def test_a_stranger_to_the_case_is_shown_no_case(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("my reference is 43260012345")
    other = site.victim_writes()
    site.link_case(other)

    page = await detective.open(conversation_id)

    assert "Not proved who they are" in page
    assert "Alex Example" not in page


async def test_a_linked_case_shows_its_facts_and_its_safe_contact(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    site.link_case(
        conversation_id, safe_contact="reply_only", crime_type="stalking", stage="released_on_bail"
    )

    page = await detective.open(conversation_id)

    for words in ("43260012345", "Alex Example", "DC Robin Test-Officer", "T0001", "released on bail"):
        assert words in page
    assert "Reply only." in page
    assert "This stage must be told by a person first." in page


@pytest.mark.parametrize("written", ["", "call after six maybe", "NONE"])
async def test_an_unclear_safe_contact_plan_is_shown_as_a_limit(site: DeskSite, written: str) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    site.link_case(conversation_id, safe_contact=written)

    page = await detective.open(conversation_id)

    assert "box-danger" in page
    assert "No limit is recorded" not in page


async def test_an_unknown_conversation_is_a_page_not_found(site: DeskSite) -> None:
    detective = await site.detective()

    for unknown in ("a" * 32, "nonsense", "../../etc/passwd", "A" * 32):
        answer, page = await detective.get(f"/console/c/{unknown}")
        assert answer.status == 404
        assert "This page does not exist" in page


async def test_an_unknown_conversation_cannot_be_claimed_answered_or_watched(site: DeskSite) -> None:
    detective = await site.detective()
    unknown = "/console/c/" + "a" * 32

    for act in ("claim", "reply", "close", "hand-back", "return"):
        answer, _ = await detective.post(f"{unknown}/{act}", {"text": "x", "outcome": "test"})
        assert answer.status == 404, act
    answer, _ = await detective.get(f"{unknown}/events")
    assert answer.status == 404


async def test_a_conversation_somebody_else_has_is_read_only(site: DeskSite) -> None:
    sam = await site.detective("sam", "Sam Price")
    kim = await site.detective("kim", "Kim Test-Officer")
    conversation_id = site.victim_writes()
    await sam.claim(conversation_id)

    page = await kim.open(conversation_id)

    assert "Sam Price has this conversation." in page
    assert "<textarea" not in page
    assert "/claim" not in page


async def test_a_long_conversation_shows_its_latest_part_and_says_so(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("the very first words", external_id="+447700900001")
    for number in range(201):
        site.writes_again(conversation_id, f"message {number}")

    page = await detective.open(conversation_id)

    assert "Only the latest 200 messages are shown." in page
    assert "message 200" in page
    assert "the very first words" not in page


@pytest.mark.parametrize("channel", list(Channel))
async def test_every_channel_can_be_read_and_answered(site: DeskSite, channel: Channel) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(channel=channel)
    await detective.claim(conversation_id)

    answer, _ = await detective.reply(conversation_id, "Hello")

    assert answer.status == 303
    assert [row.channel for row in site.sent_by_staff() if row.text == "Hello"] == [channel.value]


async def test_half_a_character_in_a_stored_message_does_not_cost_the_page(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("a" * 20_000 + " \U0001f469\u200d\U0001f692 end")

    page = await detective.open(conversation_id)

    assert "\U0001f469\u200d\U0001f692 end" in page
