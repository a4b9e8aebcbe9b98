"""What a reply costs, counted where it is sent, and what asks before it is sent as many texts.

Red when: `measure_reply` counts what was typed and not what leaves, `is_meant` takes any number for a yes, the reply
form is not asked.
"""

import re

import pytest

from casework.model.messages import Channel
from console.desk.reply_sizes import ReplySize, measure_reply
from tests.console.desk_site import DeskSite
from tests.console.test_messages import words_of

WELSH = "Mae'r swyddog yn gofyn i chi ffonio yn ôl cyn diwedd yr wythnos hon, os gwelwch yn dda"


@pytest.mark.parametrize(
    ("text", "texts", "used", "room", "signs"),
    [
        ("", 0, 0, 0, ()),
        ("x" * 142, 1, 142, 160, ()),
        ("x" * 160, 1, 160, 160, ()),
        ("x" * 161, 2, 161, 306, ()),
        ("x" * 307, 3, 307, 459, ()),
        # Curly quotes and dashes leave as plain ones: nothing to warn of.
        ("\u2019" * 160, 1, 160, 160, ()),
        ("\u2014 " * 60, 1, 120, 160, ()),
        (WELSH, 2, 86, 134, ("ô",)),
        # It costs nothing yet, and the room says so.
        ("ô" + "x" * 69, 1, 70, 70, ()),
        ("ŵ" + "ŷ" + "x" * 69, 2, 71, 134, ("ŵ", "ŷ")),
        ("€" * 80, 1, 160, 160, ()),
        ("€" * 81, 2, 162, 306, ("€",)),
        ("ok \U0001f600" + "x" * 66, 2, 71, 134, ("\U0001f600",)),
        ("\u2764\ufe0f" + "x" * 69, 2, 71, 134, ("\u2764", "variation selector-16")),
        ("a\u0308" * 160, 1, 160, 160, ()),
        ("".join(chr(0x400 + n) for n in range(71)), 2, 71, 134, ("Ѐ", "Ё", "Ђ", "Ѓ", "Є", "Ѕ")),
    ],
)
def test_a_reply_is_counted_as_it_leaves_and_its_dear_signs_are_named(
    text: str, texts: int, used: int, room: int, signs: tuple[str, ...]
) -> None:
    size = measure_reply(text, Channel.SMS)

    assert (size.texts, size.used, size.room, size.signs) == (texts, used, room, signs)


def test_no_other_channel_counts_texts() -> None:
    assert measure_reply("x" * 1000, Channel.WHATSAPP) == ReplySize(letters=1000, over=0)
    assert measure_reply("x" * 1700, Channel.WHATSAPP).over == 100


@pytest.mark.parametrize(
    ("texts", "agreed", "may"),
    [
        (2, "", True),
        (3, "", False),
        (3, "3", True),
        (3, "4", True),
        (4, "3", False),
        (3, "yes", False),
        (3, "-9", False),
        (3, "９", False),
        (3, "9999", False),
    ],
)
def test_more_than_two_texts_are_sent_only_when_as_many_were_agreed_to(
    texts: int, agreed: str, may: bool
) -> None:
    assert ReplySize(letters=1, over=0, texts=texts).is_meant(agreed) is may


async def test_a_reply_of_three_texts_is_given_back_until_it_is_meant(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)
    words = "A long answer. " * 22

    refused, page = await detective.reply(conversation_id, words)
    nothing_yet = site.sent_by_staff()
    sent, _ = await detective.reply(conversation_id, words, texts_meant=agreed_in(page))

    assert (refused.status, sent.status) == (422, 303)
    assert nothing_yet == []
    assert "This takes more than 2 text messages, so it was not sent." in page
    assert "329 of 459, 3 texts" in words_of(page)
    assert words.strip() in page
    assert [row.text for row in site.sent_by_staff()] == [words.strip()]


async def test_a_yes_to_three_texts_is_none_to_five(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)

    answer, page = await detective.reply(conversation_id, "x" * 700, texts_meant="3")

    assert answer.status == 422
    assert agreed_in(page) == "5"
    assert " checked" not in page
    assert site.sent_by_staff() == []


async def test_no_yes_is_asked_for_where_texts_are_not_counted(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(channel=Channel.WHATSAPP)
    await detective.claim(conversation_id)

    answer, _ = await detective.reply(conversation_id, "x" * 900)

    assert answer.status == 303


async def test_the_yes_stays_when_they_wrote_meanwhile(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes(external_id="+447700900101")
    await detective.claim(conversation_id)
    page = await detective.open(conversation_id)
    site.writes_again(conversation_id, "wait")

    answer, again = await detective.reply(conversation_id, "x" * 400, page, texts_meant="3")

    assert answer.status == 409
    assert re.search(r'name="texts_meant" value="3" checked', again)


async def test_the_server_counts_while_somebody_types_and_keeps_nothing(site: DeskSite) -> None:
    detective = await site.detective()
    conversation_id = site.victim_writes()
    await detective.claim(conversation_id)
    acts = site.acts()

    plain, counted = await detective.post(f"/console/c/{conversation_id}/size", {"text": "x" * 142})
    _, welsh = await detective.post(f"/console/c/{conversation_id}/size", {"text": WELSH})
    _, hostile = await detective.post(
        f"/console/c/{conversation_id}/size", {"text": "<b>\U0001f600" + "x" * 80}
    )

    assert plain.status == 200
    assert plain.headers["Cache-Control"] == "no-store"
    assert "142 of 160, 1 text" in words_of(counted)
    assert "This sign makes it 2 texts: ô" in words_of(welsh)
    assert "<b>\U0001f600" not in hostile
    assert (site.acts(), site.sent_by_staff()) == (acts, [])


async def test_counting_tells_a_stranger_nothing(site: DeskSite) -> None:
    detective = await site.detective()

    unknown, _ = await detective.post("/console/c/" + "a" * 32 + "/size", {"text": "x"})

    assert unknown.status == 404


def agreed_in(page: str) -> str:
    found = re.search(r'name="texts_meant" value="(\d+)"', page)
    assert found
    return found[1]
