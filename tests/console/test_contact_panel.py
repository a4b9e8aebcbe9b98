"""How they can be reached, beside the conversation and before anybody types.

Red when: `_list_opt_outs` asks for the other channel only, `find_window` counts from now, `lacks_messages` is
"not equal", `held_of_listed` is all that is held, the composer's note stands behind the send button's form.
"""

import re
from datetime import timedelta
from typing import Any

import pytest

from casework.adapters.settings import Settings
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel, OutboxStatus
from casework.model.safe_contact import SafeContactPlan, Wording
from casework.services.service_texts import SMS_COSTS
from console.words import load_words
from tests.console.desk_site import DeskSite, desk_environ
from tests.console.test_messages import words_of
from tests.support.builders import REFERENCE

NUMBER = "+447700900102"
WHATSAPP: dict[str, Any] = {"channel": Channel.WHATSAPP, "external_id": NUMBER}


def agree_to_anything(site: DeskSite, conversation_id: str, number: str = NUMBER) -> None:
    """Whose conversation it is agreed to be written to first, on every channel."""
    site.link_case(conversation_id, contact_mobile=number)
    plan = SafeContactPlan(
        is_unsolicited_agreed=True,
        unasked_channels=frozenset(Channel),
        answered_channels=frozenset(Channel),
        wording=Wording.PLAIN,
        is_safe_first=False,
    )

    def agree(tx: SqlTransaction) -> None:
        reach = tx.people.find_of_case(REFERENCE)
        assert reach is not None
        tx.people.set_plan(reach.person_id, plan, by="test")

    site.write(agree)


async def read_claimed(site: DeskSite, conversation_id: str) -> str:
    detective = await site.detective()
    await detective.claim(conversation_id)
    return words_of(await detective.open(conversation_id))


def opt_out(site: DeskSite, how: str, channel: Channel = Channel.SMS, word: str = "STOP") -> None:
    site.write(lambda tx: tx.opt_outs.record(channel, NUMBER, how=how, word=word))


async def test_a_stop_is_told_beside_the_words_and_before_anybody_types(site: DeskSite) -> None:
    conversation_id = site.victim_writes(external_id=NUMBER)
    opt_out(site, "asked")

    page = await read_claimed(site, conversation_id)

    assert "Asked us to stop on 21 Nov 2026, 12:00: nothing is sent until they write again." in page
    note, label = page.index("They asked us to stop. Find out"), page.index("Your reply, as")
    assert note < label


async def test_a_refusal_by_the_network_is_told_and_what_ends_it(site: DeskSite) -> None:
    conversation_id = site.victim_writes(external_id=NUMBER)
    opt_out(site, "provider", word="21610")

    page = await read_claimed(site, conversation_id)

    assert "Our text provider refuses texts to them since 21 Nov 2026, 12:00." in page
    assert "until they text START" in page
    assert page.index("What you write here will not arrive") < page.index("Your reply, as")


async def test_a_block_on_a_chat_channel_names_no_word_to_text(site: DeskSite) -> None:
    conversation_id = site.victim_writes(channel=Channel.TELEGRAM, external_id=NUMBER)
    opt_out(site, "provider", Channel.TELEGRAM, word="blocked")

    page = await read_claimed(site, conversation_id)

    assert "Nothing of ours arrives there since 21 Nov 2026, 12:00" in page
    assert "START" not in page


async def test_a_stop_by_text_is_told_on_whatsapp_of_the_same_number(site: DeskSite) -> None:
    conversation_id = site.victim_writes(**WHATSAPP)
    opt_out(site, "asked")

    page = await read_claimed(site, conversation_id)

    assert "Text message: asked us to stop on 21 Nov 2026, 12:00." in page
    assert "They asked us to stop. Find out" not in page


async def test_an_opt_out_that_ended_or_is_somebody_elses_is_not_told(site: DeskSite) -> None:
    conversation_id = site.victim_writes(external_id=NUMBER)
    opt_out(site, "asked")
    site.write(lambda tx: tx.opt_outs.end(Channel.SMS, NUMBER, how="asked"))
    site.write(lambda tx: tx.opt_outs.record(Channel.SMS, "+447700900103", how="asked", word="STOP"))

    page = await read_claimed(site, conversation_id)

    assert "sked us to stop" not in page


@pytest.mark.parametrize(
    ("hours", "minutes", "words"),
    [
        (0, 0, "You can write freely until 11:59 tomorrow."),
        (13, 0, "You can write freely until 11:59."),
        (23, 58, "You can write freely until 11:59."),
        (23, 59, "Closed since 11:59: your words wait until they write again."),
        (40, 0, "Closed since 11:59 yesterday: your words wait"),
        (24 * 9, 0, "Closed since 22 Nov 2026, 11:59: your words wait"),
    ],
)
async def test_the_whatsapp_window_is_told_with_its_hour(
    site: DeskSite, hours: int, minutes: int, words: str
) -> None:
    conversation_id = site.victim_writes(**WHATSAPP)
    agree_to_anything(site, conversation_id)
    site.clock.advance(hours=hours, minutes=minutes)

    page = await read_claimed(site, conversation_id)

    assert words in page
    is_closed = words.startswith("Closed")
    assert ("that time is over. Your words wait" in page) is is_closed
    assert ("WhatsApp takes free words until" in page) is not is_closed


async def test_where_nothing_may_be_written_no_words_are_said_to_wait(site: DeskSite) -> None:
    conversation_id = site.victim_writes(**WHATSAPP)
    site.clock.advance(hours=25)

    page = await read_claimed(site, conversation_id)

    assert "Closed since 11:59. WhatsApp takes nothing from us until they write again." in page
    assert "What you write now will not leave" in page
    assert "your words wait" not in page.lower()


async def test_no_other_channel_has_a_window(site: DeskSite) -> None:
    conversation_id = site.victim_writes(external_id=NUMBER)

    assert "write freely" not in await read_claimed(site, conversation_id)


async def test_what_waits_for_them_is_counted(site: DeskSite) -> None:
    conversation_id = site.victim_writes(**WHATSAPP)
    for _ in range(2):
        site.assistant_answers(conversation_id, "x", OutboxStatus.HELD)

    assert "2 messages of ours wait until they write again." in await read_claimed(site, conversation_id)


@pytest.mark.parametrize(
    ("listed", "held", "words", "warns"),
    [
        (5, 5, "We hold 5 of 5 messages the provider lists since 20 Nov 2026, 12:00.", False),
        (5, 4, "We hold only 4 of 5 messages the provider lists since 20 Nov 2026, 12:00.", True),
        (4, 5, "We hold 4 of 4 messages", False),
    ],
)
async def test_what_the_provider_lists_is_compared_with_what_is_here(
    site: DeskSite, listed: int, held: int, words: str, warns: bool
) -> None:
    conversation_id = site.victim_writes(external_id=NUMBER)
    since = site.clock.now() - timedelta(days=1)
    site.write(lambda tx: tx.sweeps.record_held(conversation_id, since=since, listed=listed, held=held))
    detective = await site.detective()

    page = await detective.open(conversation_id)

    assert words in words_of(page)
    assert bool(re.search(r'box-danger" aria-labelledby="contact-title"', page)) is warns


async def test_nothing_is_claimed_of_what_was_never_counted(site: DeskSite) -> None:
    assert "We hold" not in await read_claimed(site, site.victim_writes())


async def test_a_name_and_a_number_they_show_are_told_as_what_they_are(site: DeskSite) -> None:
    conversation_id = site.victim_writes(
        channel=Channel.WHATSAPP,
        external_id="GB.4566123",
        details={"profile_name": "DC Price, Met Police", "phone": "+447700900104"},
    )

    page = await read_claimed(site, conversation_id)

    assert "Writes from GB.4566123 WhatsApp's own name for them." in page
    assert "Calls themselves DC Price, Met Police Anyone can choose any name here. It proves nothing." in page
    assert "Seen with the number +447700900104" in page


async def test_the_newest_name_counts(site: DeskSite) -> None:
    conversation_id = site.victim_writes(**WHATSAPP, details={"profile_name": "Old"})
    site.writes_again(conversation_id, "x", details={"profile_name": "New"})
    site.writes_again(conversation_id, "y")

    page = await read_claimed(site, conversation_id)

    assert "Calls themselves New" in page
    assert "Old" not in page


async def test_what_a_text_costs_them_is_told_as_it_is_set(site: DeskSite) -> None:
    page = await read_claimed(site, site.victim_writes())

    assert "Each text they send costs them what their network charges for one." in page
    assert "Texting us costs them nothing." not in page


def test_every_cost_that_can_be_set_has_words(tmp_path: Any, sqlite_template: Any) -> None:
    words = load_words()["contact"]

    for cost in SMS_COSTS:
        environ = desk_environ(tmp_path, sqlite_template) | {"WAYMARK_SMS_COST": cost}
        assert f"cost_{Settings.from_env(environ).sms_cost}" in words
