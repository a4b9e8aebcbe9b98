"""The live link: fingerprints only, soon after a commit, and over when the session is."""

import asyncio
import re

import aiohttp
import pytest

from casework.model.disclosures import Category
from tests.console.desk_site import DeskSite, Detective, read_event

SECRET = "he is outside with a knife"


async def test_a_new_item_is_announced_within_a_second_without_a_word_of_it(site: DeskSite) -> None:
    detective = await site.detective()
    _, page = await detective.get("/console")
    async with detective.http.get(events_of(page)) as stream:
        conversation_id = site.victim_writes(SECRET, category=Category.IMMEDIATE_DANGER)
        event = await asyncio.wait_for(read_event(stream), 1)

    assert event["event"] == "queue"
    assert re.fullmatch(r"[0-9a-f]{16}", event["data"])
    assert conversation_id not in str(event)


async def test_a_page_that_is_current_is_told_nothing(site: DeskSite) -> None:
    detective = await site.detective()
    site.victim_writes(category=Category.IMMEDIATE_DANGER)
    _, page = await detective.get("/console")

    async with detective.http.get(events_of(page)) as stream:
        first = (await asyncio.wait_for(stream.content.readline(), 2)).decode()

    assert first.startswith(": beat")


async def test_a_link_that_comes_back_hears_what_it_missed(site: DeskSite) -> None:
    detective = await site.detective()
    _, page = await detective.get("/console")
    site.victim_writes(category=Category.IMMEDIATE_DANGER)

    async with detective.http.get("/console/events", headers={"Last-Event-ID": seen_in(page)}) as stream:
        event = await asyncio.wait_for(read_event(stream), 2)

    assert event["id"] != seen_in(page)


async def test_an_open_conversation_hears_of_a_new_message_a_claim_and_a_delivery(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(SECRET)
    page = await detective.open(conversation_id)
    heard = []
    async with detective.http.get(events_of(page)) as stream:
        for change in (
            lambda: site.writes_again(conversation_id, SECRET),
            lambda: site.assistant_answers(conversation_id, "hello"),
        ):
            await asyncio.to_thread(change)
            heard.append(await asyncio.wait_for(read_event(stream), 2))
        await detective.claim(conversation_id)
        heard.append(await asyncio.wait_for(read_event(stream), 2))

    assert len({event["data"] for event in heard}) == 3
    assert "knife" not in str(heard)


async def test_another_conversations_news_is_not_told(site: DeskSite) -> None:
    detective = await site.detective()
    page = await detective.open(site.victim_writes())
    other = site.victim_writes()

    async with detective.http.get(events_of(page)) as stream:
        await stream.content.readline()
        await stream.content.readline()
        site.writes_again(other, "hello")
        line = (await asyncio.wait_for(stream.content.readline(), 2)).decode()

    assert line.startswith(": beat")


async def test_watching_is_not_reading(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()

    async with detective.http.get(f"/console/c/{conversation_id}/events") as stream:
        await asyncio.wait_for(read_event(stream), 2)

    assert "conversation_read" not in site.acts()


async def test_the_link_says_signed_out_once_the_session_is_over(site: DeskSite) -> None:
    detective = await site.detective()
    _, page = await detective.get("/console")
    async with detective.http.get(events_of(page)) as stream:
        await stream.content.readline()
        site.clock.advance(minutes=61)
        site.victim_writes(category=Category.IMMEDIATE_DANGER)
        event = await asyncio.wait_for(read_event(stream), 2)

    assert event["data"] == "signed-out"


async def test_a_stranger_gets_no_stream(site: DeskSite) -> None:
    answer, body = await Detective(site).get("/console/events")

    assert answer.status == 401
    assert body == ""


async def test_a_pane_is_the_part_of_the_page_it_replaces(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(SECRET, category=Category.IMMEDIATE_DANGER)
    await detective.claim(conversation_id)

    for path, name in (("/console", "queue"), (f"/console/c/{conversation_id}", "conversation")):
        _, pane = await detective.get(path, X_Pane=name)
        assert pane.strip().startswith(("<section", "<div"))
        assert f'data-pane="{name}"' in pane
        assert "<html" not in pane
        assert "<textarea" not in pane


def events_of(page: str) -> str:
    found = re.search(r'data-events="([^"]+)"', page)
    assert found
    return found[1]


def seen_in(page: str) -> str:
    return events_of(page).partition("seen=")[2]


async def test_open_streams_end_when_the_desk_stops(site: DeskSite) -> None:
    detective = await site.detective()
    async with detective.http.get("/console/events") as stream:
        await read_event(stream)
        started = asyncio.get_running_loop().time()
        await site.app.shutdown()
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(stream.content.read(), 2)

    assert asyncio.get_running_loop().time() - started < 2
