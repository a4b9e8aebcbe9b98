"""What does not work stands over every page of the desk, in words, until it works again.

Red when: the bar is in the queue's page only, `fingerprint_queue` leaves the alarms out, a pane comes without the
bar, a kind that somebody sounds has no words.
"""

import asyncio
import re
from pathlib import Path

import pytest

from casework.model.delivery_failures import load_failures
from console.words import load_words
from tests.console.desk_site import DeskSite, Detective, read_event
from tests.console.test_live_pages import events_of

ROOT = Path(__file__).parent.parent.parent
KINDS = (
    "sms_account_refused",
    "sms_filtered",
    "provider_unreachable",
    "webhook_not_set",
    "codes_capped",
    "spool_waiting",
    "sweep_found_missing",
    "template_wrong",
    "telegram_refused",
)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_alarm_says_what_happened_and_what_to_do(site: DeskSite, kind: str) -> None:
    detective = await site.detective()
    site.write(lambda tx: tx.alarms.sound(kind, "sms 20003"))

    _, page = await detective.get("/console")

    assert load_words()["alarms"][kind]["title"] in page
    assert load_words()["alarms"][kind]["text"].replace("'", "&#39;") in page
    assert "since 21 Nov 2026, 12:00" in page
    assert "sms 20003" in page


async def test_a_kind_without_words_is_still_told(site: DeskSite) -> None:
    detective = await site.detective()
    site.write(lambda tx: tx.alarms.sound("of_tomorrow", "<b>it broke</b>"))

    _, page = await detective.get("/console")

    assert "Something does not work as it should" in page
    assert "&lt;b&gt;it broke&lt;/b&gt;" in page


async def test_the_bar_stands_over_every_page_of_the_desk_and_no_other(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    site.write(lambda tx: tx.alarms.sound("sms_filtered", "sms 30007"))
    said = load_words()["alarms"]["sms_filtered"]["title"]

    addresses = (
        "",
        "/clocks",
        f"/c/{conversation_id}",
        f"/c/{conversation_id}/plan",
        "/c/" + "a" * 32,
        "?show=mine",
    )
    for address in addresses:
        _, page = await detective.get(f"/console{address}")
        assert page.count(said) == 1, address
    await Detective(site).claim(conversation_id)
    for address in ("/login", "/o/" + "x" * 43):
        _, page = await Detective(site).get(address)
        assert said not in page, address


async def test_a_refused_form_has_the_bar_too(site: DeskSite) -> None:
    detective = await site.detective()
    site.write(lambda tx: tx.alarms.sound("sms_filtered", ""))

    _, page = await detective.post("/console/c/" + "a" * 32 + "/claim")

    assert load_words()["alarms"]["sms_filtered"]["title"] in page


async def test_an_alarm_that_ended_is_gone(site: DeskSite) -> None:
    detective = await site.detective()
    site.write(lambda tx: tx.alarms.sound("sms_filtered", ""))
    site.write(lambda tx: tx.alarms.end("sms_filtered"))

    _, page = await detective.get("/console")

    assert 'class="alarm"' not in page
    assert 'id="alarms"' in page


@pytest.mark.parametrize("name", ["queue", "conversation"])
async def test_an_open_page_hears_of_an_alarm_and_its_pane_brings_the_bar(site: DeskSite, name: str) -> None:
    detective = await site.detective()
    address = "/console" if name == "queue" else f"/console/c/{site.victim_writes()}"
    _, page = await detective.get(address)
    heard = []
    async with detective.http.get(events_of(page)) as stream:
        for change in (
            lambda: site.write(lambda tx: tx.alarms.sound("sms_filtered", "")),
            lambda: site.write(lambda tx: tx.alarms.end("sms_filtered")),
        ):
            await asyncio.to_thread(change)
            heard.append((await asyncio.wait_for(read_event(stream), 20))["data"])
            _, pane = await detective.get(address, X_Pane=name)
            heard.append(str('class="alarm"' in pane))

    assert len(set(heard[::2])) == 2
    assert heard[1::2] == ["True", "False"]


async def test_that_it_still_holds_is_no_news(site: DeskSite) -> None:
    detective = await site.detective()
    site.write(lambda tx: tx.alarms.sound("sms_filtered", "x"))
    _, before = await detective.get("/console")
    site.clock.advance(seconds=30)
    site.write(lambda tx: tx.alarms.sound("sms_filtered", "x"))
    _, after = await detective.get("/console")

    assert events_of(before) == events_of(after)


def test_every_kind_that_is_sounded_has_words() -> None:
    named = {kind for failure in load_failures().values() for kind in (failure.alarm, failure.telegram_alarm)}
    source = [
        path.read_text(encoding="utf-8")
        for folder in ("casework", "channels", "launcher", "actions")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    written = {kind for text in source for kind in re.findall(r'alarms\.(?:sound|end)\(\s*"(\w+)"', text)}
    words = load_words()["alarms"]

    assert written, "nothing is sounded by name any more: look for it another way"
    assert (named - {None}) | written | set(KINDS) <= set(words)
    assert all(set(words[kind]) == {"title", "text"} for kind in words)
