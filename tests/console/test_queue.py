"""The queue page: order, words, filters, and nothing of what was said."""

import json
import re

import pytest

from casework.adapters.storage.tables import desk_item
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import HandoffReason
from casework.model.disclosures import Category
from casework.model.messages import Channel
from console.desk.queues import MOST_ITEMS
from tests.console.desk_site import DeskSite

SECRET_WORDS = "he is outside with a knife and my number is 07700 900123"


def rows_in(page: str) -> list[str]:
    return re.findall(r'<tr role="row" id="row-([0-9a-f]{32})"', page)


async def test_the_queue_is_ordered_by_grade_then_the_longest_wait(site: DeskSite) -> None:
    detective = await site.detective()
    asked_first = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    site.clock.advance(minutes=5)
    high = site.victim_writes(category=Category.STALKING_ESCALATION)
    danger_later = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    routine = site.victim_writes(reason=HandoffReason.MESSAGE_FOR_OFFICER)
    site.clock.advance(minutes=5)
    danger_latest = site.victim_writes(category=Category.STRANGULATION)
    asked_later = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    site.clock.advance(minutes=3)  # nobody is at the phone any more

    _, page = await detective.get("/console")

    assert rows_in(page) == [danger_later, danger_latest, high, asked_first, asked_later, routine]


async def test_the_queue_says_why_how_long_and_where_in_words(site: DeskSite) -> None:
    detective = await site.detective()
    site.victim_writes(category=Category.IMMEDIATE_DANGER)
    site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON, channel=Channel.WEBCHAT)
    site.clock.advance(minutes=4, seconds=30)

    _, page = await detective.get("/console")

    for words in ("1 Danger now", "Says someone is in danger now", "4 min", "Text message"):
        assert words in page
    for words in ("3 Prompt", "Asked for a person", "Web chat", "Waiting"):
        assert words in page
    assert "<title>(1 danger) Queue" in page


async def test_the_queue_never_shows_what_was_said_or_by_whom(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(
        SECRET_WORDS, category=Category.IMMEDIATE_DANGER, external_id="+447700900123"
    )
    site.link_case(conversation_id)

    _, page = await detective.get("/console")
    _, pane = await detective.get("/console", X_Pane="queue")

    for shown in (page, pane):
        assert conversation_id in shown
        for hidden in ("knife", "outside", "447700900123", "Alex Example", "43260012345"):
            assert hidden not in shown
    assert "conversation_read" not in site.acts()


@pytest.mark.parametrize("category", list(Category))
async def test_every_category_has_words(site: DeskSite, category: Category) -> None:
    detective = await site.detective()
    site.victim_writes(category=category)

    answer, page = await detective.get("/console")

    assert answer.status == 200
    assert category.value not in page


@pytest.mark.parametrize("reason", list(HandoffReason))
async def test_every_reason_has_words(site: DeskSite, reason: HandoffReason) -> None:
    detective = await site.detective()
    site.victim_writes(reason=reason)

    answer, page = await detective.get("/console")

    assert answer.status == 200
    assert not re.search(rf"\b{reason.value}\b", re.sub(r'"[^"]*"', "", page))


async def test_one_conversation_is_one_row_in_the_place_of_its_worst_item(site: DeskSite) -> None:
    detective = await site.detective()
    calm = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON, external_id="+447700900001")
    site.clock.advance(minutes=1)
    other = site.victim_writes(category=Category.STALKING_ESCALATION)
    site.victim_writes(category=Category.IMMEDIATE_DANGER, external_id="+447700900001")

    _, page = await detective.get("/console")

    assert rows_in(page) == [calm, other]
    assert "and 1 more: Asked for a person" in page


async def test_filters_show_the_unclaimed_and_my_own(site: DeskSite) -> None:
    sam = await site.detective("sam", "Sam Price")
    kim = await site.detective("kim", "Kim Test-Officer")
    mine, theirs, nobodys = (site.victim_writes(category=Category.IMMEDIATE_DANGER) for _ in range(3))
    await sam.claim(mine)
    await kim.claim(theirs)

    shown = {
        show: rows_in((await sam.get(f"/console?show={show}"))[1]) for show in ("all", "unclaimed", "mine")
    }

    assert shown == {"all": [mine, theirs, nobodys], "unclaimed": [nobodys], "mine": [mine]}


async def test_an_unknown_filter_shows_everything(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)

    _, page = await detective.get("/console?show=%00<script>")

    assert rows_in(page) == [conversation_id]
    assert "<script>" not in page.replace('<script type="module"', "")


async def test_an_empty_queue_says_that_it_is_working(site: DeskSite) -> None:
    detective = await site.detective()

    _, page = await detective.get("/console")

    assert "Nobody is waiting." in page
    assert re.search(r"Last checked \d\d:\d\d:\d\d", page)
    assert "Live link on." in page
    assert "<title>Queue" in page


async def test_claimed_work_is_no_longer_urgent_in_the_title(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    await detective.claim(conversation_id)

    _, page = await detective.get("/console")

    assert "<title>Queue" in page
    assert "Sam Price (you)" in page
    assert "Claimed" in page


async def test_a_queue_longer_than_the_page_says_so_and_keeps_the_worst(site: DeskSite) -> None:
    detective = await site.detective()
    for _ in range(MOST_ITEMS):
        site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    danger = site.victim_writes(category=Category.IMMEDIATE_DANGER)

    _, page = await detective.get("/console")

    assert rows_in(page)[0] == danger
    assert "More is waiting than this page can show." in page
    assert len(site.rows(desk_item)) == MOST_ITEMS + 1


async def test_next_leads_to_the_most_urgent_that_nobody_has(site: DeskSite) -> None:
    detective = await site.detective()
    site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    first = site.victim_writes(category=Category.IMMEDIATE_DANGER)
    second = site.victim_writes(category=Category.STALKING_ESCALATION)
    await detective.claim(first)

    answer, _ = await detective.get("/console/next")

    assert answer.headers["Location"] == f"/console/c/{second}#latest"


async def test_next_leads_to_the_queue_when_nobody_waits(site: DeskSite) -> None:
    detective = await site.detective()

    answer, _ = await detective.get("/console/next")

    assert answer.headers["Location"] == "/console"


async def test_a_person_who_has_gone_quiet_is_seen_in_the_queue_and_in_the_conversation(
    site: DeskSite,
) -> None:
    detective = await site.detective()
    first = site.victim_writes(category=Category.STALKING_ESCALATION)
    quiet = site.victim_writes(category=Category.STALKING_ESCALATION)
    _, before = await detective.get("/console")
    item_id = site.rows(desk_item, desk_item.c.conversation_id == quiet)[0].id

    def go_quiet(tx: SqlTransaction) -> None:
        tx.desk.postpone_quiet(item_id, tx.now)
        assert tx.desk.record_quiet(item_id, tx.now)

    site.write(go_quiet)
    _, after = await detective.get("/console")

    assert rows_in(before) == [first, quiet]
    assert rows_in(after) == [quiet, first]
    assert (before.count("Has gone quiet"), after.count("Has gone quiet")) == (0, 1)
    assert seen_in(before) != seen_in(after)
    assert "Has gone quiet since" in await detective.open(quiet)


def seen_in(page: str) -> str:
    return re.findall(r"seen=([0-9a-f]+)", page)[0]


async def test_a_silence_alone_makes_an_open_queue_page_out_of_date(site: DeskSite) -> None:
    detective = await site.detective()
    site.victim_writes(category=Category.STALKING_ESCALATION)
    _, before = await detective.get("/console")
    item_id = site.rows(desk_item)[0].id

    site.write(lambda tx: tx.desk.postpone_quiet(item_id, tx.now))
    site.write(lambda tx: tx.desk.record_quiet(item_id, tx.now))
    _, after = await detective.get("/console")

    assert seen_in(before) != seen_in(after)


async def test_what_comes_to_its_owner_sounds_for_them_and_for_nobody_else(site: DeskSite) -> None:
    sam, kim = await site.detective("sam", "Sam Price"), await site.detective("kim", "Kim Test-Officer")
    conversation_id = site.victim_writes(reason=HandoffReason.ASKED_FOR_PERSON)
    await sam.claim(conversation_id)
    site.clock.advance(minutes=1)
    site.writes_again(conversation_id, "he is outside", category=Category.IMMEDIATE_DANGER)

    (_, of_sam), (_, of_kim) = await sam.get("/console/alerts"), await kim.get("/console/alerts")

    assert [len(json.loads(each)["high"]) for each in (of_sam, of_kim)] == [1, 0]
