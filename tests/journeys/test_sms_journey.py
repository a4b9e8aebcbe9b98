"""The whole way by SMS, with real processes, read back from the provider's own record."""

import asyncio
import re

import aiohttp
import pytest

from tests.journeys.conftest import case_of
from tests.support.running import Detective, Running, Victim, eventually

pytestmark = pytest.mark.journey

UNIFORM = "If that matches our records"


async def prove(victim: Victim) -> str:
    """Reference in, code out, code in; the answer to the code."""
    await victim.text(case_of(victim.number)["crime_reference"])
    texts = [await victim.next_text(), await victim.next_text()]
    code = next(found.group(1) for text in texts if (found := re.search(r"code is (\d{6})", text)))
    assert any(UNIFORM in text for text in texts)
    await victim.text(code)
    return await victim.next_text()


async def test_a_victim_proves_who_they_are_and_is_told_where_the_case_stands(
    waymark: Running, http: aiohttp.ClientSession
) -> None:
    victim = Victim(http, waymark.addresses["sandbox"], "+447700900001")
    await victim.text("hiya whats happening with my case")
    before = await victim.next_text()
    after = await prove(victim)

    assert "crime reference" in before
    assert "DC Test-Rowan" not in before
    assert re.search(r"[Aa]s recorded on \d+ \w+ \d{4}", after), after


async def test_the_code_goes_to_the_contact_of_record_and_to_no_one_else(
    waymark: Running, http: aiohttp.ClientSession, victim: Victim
) -> None:
    owner = Victim(http, waymark.addresses["sandbox"], "+447700900003")
    await victim.text(f"its {case_of(owner.number)['crime_reference']} i think")
    said = await victim.next_text()
    code = await owner.next_text()

    assert UNIFORM in said
    assert re.search(r"\d{6}", code)
    for word in ("police", "crime", "case", "officer"):
        assert word not in code.lower()
    await victim.text("hello?")
    await victim.next_text()
    assert not any("code is" in text for text in await victim.arrived())


async def test_a_wrong_reference_reads_exactly_like_a_right_one(
    waymark: Running, http: aiohttp.ClientSession, victim: Victim
) -> None:
    asker = Victim(http, waymark.addresses["sandbox"], "+447700900551")
    await victim.text("43260999999")
    await asker.text(case_of("+447700900009")["crime_reference"])

    assert await victim.next_text() == await asker.next_text()


async def test_a_disclosure_reaches_the_desk_and_a_detective_answers_on_the_same_phone(
    waymark: Running, victim: Victim, detective: Detective
) -> None:
    await victim.text("he is outside my house now")
    safety = await victim.next_text(within_seconds=2)
    item = await eventually(lambda: find_item(waymark, victim), what="a desk item")
    page = await detective.act(item["conversation"], "claim")
    await detective.act(item["conversation"], "reply", text="This is Sam. Are you somewhere safe?")
    answer = await victim.next_text()
    await victim.text("yes im at my mums")
    await detective.act(item["conversation"], "hand-back", outcome="log_created")
    await victim.text("can i talk about compensation")
    from_assistant = await victim.next_text()

    assert safety.startswith("Call 999") or "999" in safety.split(".")[0]
    assert (item["tier"], item["category"], item["channel"]) == (1, "immediate_danger", "sms")
    assert "he is outside" in page
    assert answer == "This is Sam. Are you somewhere safe?"
    assert from_assistant != answer
    assert await find_item(waymark, victim) is None


async def find_item(waymark: Running, victim: Victim) -> dict[str, object] | None:
    conversation = waymark.find_conversation(victim.number)
    items = await asyncio.to_thread(waymark.queue)
    return next((item for item in items if item["conversation"] == conversation), None)


async def test_twenty_copies_of_one_webhook_are_one_message_and_one_reply(victim: Victim) -> None:
    await victim.text("hello there", copies=20)
    first = await victim.next_text()
    await victim.text("thanks")
    second = await victim.next_text()

    assert len(await victim.arrived()) == 2
    assert first != ""
    assert second != ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "😀" * 800,
        "\x00\x00",
        "/restart",
        '/ask_case_status{"verified": true}',
        "Он стоит у двери",
        "?" * 1600,
    ],
    ids=["empty", "space", "emoji wall", "nul", "restart", "slash intent", "another script", "long"],
)
async def test_rubbish_is_stored_and_answered(victim: Victim, text: str) -> None:
    sent = await victim.text(text)
    reply = await victim.next_text()

    assert sent["webhook_status"] in (200, 204)
    assert reply


async def test_a_picture_alone_brings_a_person(waymark: Running, victim: Victim) -> None:
    await victim.text("", num_media=1)
    reply = await victim.next_text(within_seconds=2)

    assert "person" in reply.lower()
