"""What the desk says beside a message: what came along, how it reached us, how far ours got.

Red when: `name_delivery` gives the provider's own word (a "read" reaches the page), `_find_named` looks beyond the
conversation, `_message` takes the newest version for what was said before, `_late` forgets the origin.
"""

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.tables import conversation, outbox
from casework.model.messages import Channel, DeliveryState, Lane, Origin, OutboxStatus
from tests.console.changes import CHANGES
from tests.console.desk_site import DeskSite
from tests.support.builders import an_outbound

WHATSAPP: dict[str, Any] = {"channel": Channel.WHATSAPP, "external_id": "+447700900102"}
HOSTILE = '"><img src=x onerror=alert(1)>{{ 7 * 7 }}\u202e'


def words_of(page: str) -> str:
    """What a reader sees of the page, in one line."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


async def read(site: DeskSite, conversation_id: str) -> str:
    detective = site.detectives[0] if site.detectives else await site.detective()
    return words_of(await detective.open(conversation_id))


NEVER_SAID = ("read", "seen", "opened")
REACHED = [
    (OutboxStatus.WAITING, None, "Waiting"),
    (OutboxStatus.SENDING, None, "Sending"),
    (OutboxStatus.SENT, None, "Sent"),
    (OutboxStatus.SENT, DeliveryState.ACCEPTED, "Sent"),
    (OutboxStatus.SENT, DeliveryState.SENT, "Sent"),
    (OutboxStatus.SENT, DeliveryState.DELIVERED, "Delivered"),
    (OutboxStatus.SENT, DeliveryState.READ, "Delivered"),
    (OutboxStatus.SENT, DeliveryState.UNDELIVERED, "Not delivered"),
    (OutboxStatus.SENT, DeliveryState.FAILED, "Not delivered"),
    (OutboxStatus.FAILED, None, "Not delivered"),
    (OutboxStatus.FAILED, DeliveryState.DELIVERED, "Delivered"),
    (OutboxStatus.UNKNOWN, None, "Not yet known if it was sent"),
    (OutboxStatus.HELD, None, "Waits until they write again"),
    (OutboxStatus.SUPPRESSED, None, "Not sent"),
]


@pytest.mark.parametrize(("status", "state", "words"), REACHED)
async def test_how_far_a_message_got_is_told_and_never_that_it_was_read(
    site: DeskSite, status: OutboxStatus, state: DeliveryState | None, words: str
) -> None:
    conversation_id = site.victim_writes()
    site.assistant_answers(conversation_id, "our answer", status, delivery_state=state)

    page = await read(site, conversation_id)

    assert re.search(rf"\d\d:\d\d {words} our answer", page)
    messages = page.partition("our answer")[0]
    assert not any(re.search(rf"\b{word}\b", messages, re.I) for word in NEVER_SAID)


async def test_why_it_was_not_delivered_and_what_to_do_is_told_in_words(site: DeskSite) -> None:
    conversation_id = site.victim_writes()
    site.assistant_answers(
        conversation_id,
        "our answer",
        OutboxStatus.SENT,
        delivery_state=DeliveryState.UNDELIVERED,
        reason="unreachable_now",
    )

    page = await read(site, conversation_id)

    assert "Not delivered: the phone is off or out of reach our answer" in page
    assert "Wait, or reach them another way that is agreed." in page


async def test_an_old_reason_is_not_told_of_what_arrived(site: DeskSite) -> None:
    conversation_id = site.victim_writes()
    site.assistant_answers(
        conversation_id, "x", OutboxStatus.SENT, delivery_state=DeliveryState.DELIVERED, reason="busy"
    )

    assert "too busy" not in await read(site, conversation_id)


async def test_a_notice_that_left_another_way_says_which(site: DeskSite) -> None:
    conversation_id = site.victim_writes(**WHATSAPP)
    site.assistant_answers(conversation_id, "by text", OutboxStatus.SENT, channel=Channel.SMS)
    site.assistant_answers(conversation_id, "by whatsapp", OutboxStatus.SENT)

    page = await read(site, conversation_id)

    assert "Sent Text message by text" in page
    assert "Sent by whatsapp" in page


async def test_a_place_is_shown_as_it_was_written_and_nothing_is_loaded_for_it(site: DeskSite) -> None:
    place = {"latitude": "51.50336400", "longitude": "-0.127625", "place": "Home, 10 Example Street"}
    conversation_id = site.victim_writes("", has_location=True, details=place, **WHATSAPP)
    await read(site, conversation_id)

    page = await site.detectives[0].open(conversation_id)

    assert '<code class="copy">51.50336400, -0.127625</code>' in page
    assert "Home, 10 Example Street" in page
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page) == []
    assert "geo:" not in page


async def test_a_place_without_coordinates_says_so(site: DeskSite) -> None:
    conversation_id = site.victim_writes("", has_location=True, **WHATSAPP)

    assert "Its coordinates are not in this record." in await read(site, conversation_id)


async def test_forwarded_words_say_that_they_may_be_somebody_elses(site: DeskSite) -> None:
    once = site.victim_writes("a", details={"forwarded": True}, **WHATSAPP)
    site.writes_again(once, "b", details={"forwarded": True, "frequently_forwarded": True})

    page = await read(site, once)

    assert page.count("Forwarded: these words may not be their own.") == 1
    assert page.count("Forwarded many times") == 1


async def test_an_edited_message_shows_what_it_said_before_and_the_first_says_it_was_changed(
    site: DeskSite,
) -> None:
    conversation_id = site.victim_writes("he is my boss", provider_message_id="first", **WHATSAPP)
    for words in ("he is my ex", "he is nobody"):
        site.clock.advance(seconds=5)
        site.writes_again(conversation_id, words, details={"edits": "first"})

    page = await read(site, conversation_id)

    assert re.search(r"he is my boss They changed this later", page)
    assert re.search(r"he is my ex They changed an earlier message. Before it said \S+ : he is my boss", page)
    assert re.search(r"he is nobody They changed an earlier message. Before it said \S+ : he is my ex", page)
    assert page.count("They changed this later") == 2


async def test_an_edit_of_a_message_long_ago_still_shows_both_texts(site: DeskSite) -> None:
    conversation_id = site.victim_writes("what it said", provider_message_id="first", **WHATSAPP)
    for number in range(200):
        site.writes_again(conversation_id, f"message {number}")
    site.writes_again(conversation_id, "what it says", details={"edits": "first"})

    page = await read(site, conversation_id)

    assert "Only the latest 200 messages are shown." in page
    assert re.search(r"what it says They changed an earlier message. Before it said \S+ : what it said", page)


async def test_an_edit_of_a_message_nobody_has_says_so(site: DeskSite) -> None:
    conversation_id = site.victim_writes("new words", details={"edits": "never seen"}, **WHATSAPP)

    assert "What it said before is not in this record." in await read(site, conversation_id)


async def test_an_answer_names_the_message_of_ours_it_answers(site: DeskSite) -> None:
    conversation_id = site.victim_writes("hello", **WHATSAPP)
    site.assistant_answers(
        conversation_id, "Is it safe to write?", OutboxStatus.SENT, provider_message_id="SM1"
    )
    site.clock.advance(seconds=30)
    site.writes_again(conversation_id, "no", details={"answers": "SM1"})

    assert re.search(
        r"no Answers our message \d\d:\d\d : Is it safe to write\?", await read(site, conversation_id)
    )


async def test_a_message_of_another_conversation_is_never_quoted(site: DeskSite) -> None:
    other = site.victim_writes("a secret", provider_message_id="SMa", **WHATSAPP)
    site.assistant_answers(other, "our secret", OutboxStatus.SENT, provider_message_id="SMb")
    mine = site.victim_writes("x", channel=Channel.WHATSAPP, details={"answers": "SMb", "edits": "SMa"})

    page = await read(site, mine)

    assert "secret" not in page
    assert "Answers an earlier message that is not in this record." in page


async def test_a_code_is_not_shown_by_quoting_it(site: DeskSite) -> None:
    conversation_id = site.victim_writes("hello", **WHATSAPP)
    row = site.rows(conversation)[0]
    site.write(lambda tx: _send_code(tx, row))
    site.writes_again(conversation_id, "got it", details={"answers": "SMcode"})

    page = await read(site, conversation_id)

    assert page.count("Your code is •••") == 2
    assert "493817" not in page


def _send_code(tx: Any, row: Any) -> None:
    code = an_outbound(row.id, "Your code is 493817", lane=Lane.ONE_TIME_CODE, channel=Channel.WHATSAPP)
    outbox_id = tx.outbox.record(code, decision="test")
    tx.connection.execute(
        sa.update(outbox).where(outbox.c.id == outbox_id).values(provider_message_id="SMcode")
    )


async def test_a_choice_shows_their_own_words_and_what_they_stood_for(site: DeskSite) -> None:
    conversation_id = site.victim_writes("hello", **WHATSAPP)
    site.assistant_answers(
        conversation_id, "What would help?", OutboxStatus.SENT, choices=("My case", "My rights")
    )
    site.writes_again(conversation_id, "2", read_as="My rights")
    site.writes_again(conversation_id, "My case", read_as="My case")

    page = await read(site, conversation_id)

    assert "What would help? Offered: 1 My case 2 My rights" in page
    assert "2 Stands for My rights" in page
    assert "My case Chosen from the list we sent." in page


async def test_choices_that_stand_in_the_text_are_not_told_twice(site: DeskSite) -> None:
    conversation_id = site.victim_writes("hello")
    site.assistant_answers(
        conversation_id, "Reply 1 My case 2 My rights.", OutboxStatus.SENT, choices=("My case", "My rights")
    )

    assert "Offered" not in await read(site, conversation_id)


LATE = [
    (Origin.SWEEP, 8, "Found at the provider at 12:08; written 12:00"),
    (
        Origin.SPOOL,
        8,
        "Taken in reserve while this service was away, and brought in at 12:08; written 12:00",
    ),
    (Origin.SWEEP, None, "Found at the provider at 12:00; not known when it was written"),
    (Origin.WEBHOOK, 8, "Reached us late, at 12:08; written 12:00"),
    (Origin.WEBHOOK, 1, None),
    (Origin.WEBHOOK, None, None),
    (Origin.SWEEP, 24 * 60, "Found at the provider at {later}; written {earlier}"),
]


@pytest.mark.parametrize(("origin", "minutes", "words"), LATE)
async def test_a_message_that_came_late_says_how_and_when_it_was_written(
    site: DeskSite, origin: Origin, minutes: int | None, words: str | None
) -> None:
    written = site.clock.now()
    if minutes is not None:
        site.clock.advance(minutes=minutes)
    conversation_id = site.victim_writes("help", origin=origin, sent_at=None if minutes is None else written)

    page = await read(site, conversation_id)

    says = re.search(r"help ((?:Found|Taken|Reached).{10,90}?) (?:Nobody|Reaching|Claim)", page)
    if words is None:
        assert says is None
        return
    earlier, later = (f"{each.day} {each:%b %Y}, {each:%H:%M}" for each in (written, site.clock.now()))
    assert words.format(earlier=earlier, later=later) in page


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("left", "Left by text. Nothing was sent."),
        ("stopped", "Asked us to stop."),
        ("menu_gone", "Chose from a list that had gone"),
        ("answered", None),
        (None, None),
    ],
)
async def test_a_word_that_did_something_says_what(
    site: DeskSite, outcome: str | None, words: str | None
) -> None:
    conversation_id = site.victim_writes("a word", outcome=outcome)

    page = await read(site, conversation_id)

    if words is None:
        assert not re.search("Left by text|Asked us|Chose from", page)
    else:
        assert f"a word {words}" in page


async def test_words_that_the_provider_took_away_are_told_of(site: DeskSite) -> None:
    conversation_id = site.victim_writes("", details={"redacted": True})

    assert "The provider took the words of this message away" in await read(site, conversation_id)


async def test_hostile_details_are_shown_as_words(site: DeskSite) -> None:
    names = ("place", "profile_name", "phone", "answers", "edits", "latitude", "longitude")
    conversation_id = site.victim_writes("x", details=dict.fromkeys(names, HOSTILE), **WHATSAPP)
    site.writes_again(conversation_id, HOSTILE, provider_message_id="SMh", read_as=HOSTILE + "!")
    site.writes_again(conversation_id, "y", details={"answers": "SMh"})
    await read(site, conversation_id)

    page = await site.detectives[0].open(conversation_id)

    assert "<img" not in page.partition("<main")[2]
    assert page.count("onerror=alert(1)&gt;{{ 7 * 7 }}") >= 5


@pytest.mark.parametrize("odd", [None, "", 7, ["x"], {"a": 1}, False], ids=str)
async def test_details_of_another_kind_cost_nobody_the_page(site: DeskSite, odd: object) -> None:
    names = ("place", "profile_name", "phone", "answers", "edits", "latitude", "longitude", "forwarded")
    conversation_id = site.victim_writes("still here", details=dict.fromkeys(names, odd), **WHATSAPP)

    assert "still here" in await read(site, conversation_id)


async def test_the_live_page_is_out_of_date_when_any_of_it_changes(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("hello", **WHATSAPP)
    site.assistant_answers(conversation_id, "x", OutboxStatus.SENT, provider_message_id="SM1")
    seen = [seen_in(await detective.open(conversation_id))]
    for change in CHANGES.values():
        change(site, conversation_id)
        seen.append(seen_in(await detective.open(conversation_id)))
    again = seen_in(await detective.open(conversation_id))

    same = [name for name, before, after in zip(CHANGES, seen[:-1], seen[1:], strict=True) if before == after]
    assert same == []
    assert again == seen[-1]


def seen_in(page: str) -> str:
    found = re.search(r"events\?seen=([0-9a-f]+)", page)
    assert found
    return found[1]


async def test_the_window_closing_makes_the_page_out_of_date_by_itself(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes("hello", **WHATSAPP)
    before = seen_in(await detective.open(conversation_id))
    site.clock.advance(hours=23, minutes=58)
    await detective.log_in()
    still_open = seen_in(await detective.open(conversation_id))
    site.clock.advance(minutes=2)

    after = seen_in(await detective.open(conversation_id))

    assert before == still_open != after
