"""The gateway's Twilio door over real sockets and real databases: what is stored, and what is refused.

Red when: the row is looked for before it is inserted (test_duplicate_delivery_one_row), or a signed form of another
account is taken.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_asyncio
import sqlalchemy as sa

from casework.adapters.storage.tables import (
    conversation,
    delivery_event,
    desk_item,
    inbound_media,
    inbox,
    outbox,
    turn,
)
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN
from tests.channels.twilio_door import MESSAGE, STATUS, Door, form, open_door
from tests.support.clock import SetClock


@pytest_asyncio.fixture
async def door(database_url: str, tmp_path: Path, clock: SetClock) -> AsyncIterator[Door]:
    async with open_door(database_url, tmp_path, clock) as door:
        yield door


async def test_a_signed_message_is_stored_with_the_whole_form_and_waits_for_the_worker(door: Door) -> None:
    body = form(SomethingNew="kept")

    assert await door.post(body) == 200
    assert door.texts() == ["who is my officer"]
    raw = door.service.database.read_now(lambda tx: tx.connection.execute(sa.select(inbox.c.raw)).scalar())
    assert raw == body
    assert door.count(turn) == 1
    assert door.count(outbox) == 0


async def test_the_answer_to_a_stop_says_what_a_text_costs_as_it_is_set_here(
    database_url: str, tmp_path: Path, clock: SetClock
) -> None:
    """Red when the packaged texts answer at this door, whatever WAYMARK_SMS_COST says."""
    async with open_door(database_url, tmp_path, clock, sms_cost="free") as door:
        assert await door.post(form(Body="STOP")) == 200

        [answer] = door.rows(outbox)
    assert "Texts to us are free." in answer.text


async def test_duplicate_delivery_one_row(door: Door) -> None:
    """Twenty identical posts at once, and one a day later: the scheme has no time, so a replay is only a copy."""
    body = form(Body="he is outside", NumMedia="1", MediaUrl0="https://api.twilio.com/2010-04-01/Media/ME1")

    statuses = await asyncio.gather(*(door.post(body) for _ in range(20)))
    door.service.clock.advance(days=1)  # type: ignore[attr-defined]
    replayed = await door.post(body)

    assert [*statuses, replayed] == [200] * 21
    tables = (inbox, turn, desk_item, outbox, inbound_media, conversation)
    assert [door.count(table) for table in tables] == [1, 1, 1, 1, 1, 1]


async def test_a_signed_status_of_another_account_is_not_ours(door: Door) -> None:
    body = urlencode({"MessageSid": "SM" + "2" * 32, "MessageStatus": "sent", "AccountSid": "AC" + "9" * 32})

    assert await door.post(body.encode(), path=STATUS) == 400
    assert door.count(delivery_event) == 0


async def test_pictures_a_place_and_what_the_channel_says_are_stored(door: Door) -> None:
    body = form(
        From="whatsapp:+447700900001",
        ExternalUserId="whatsapp:GB.1A2B3C",
        Body="",
        NumMedia="2",
        MediaUrl0="https://api.twilio.com/2010-04-01/Media/ME1",
        MediaContentType0="image/jpeg",
        MediaUrl1="https://elsewhere.example.org/ME2",
        Latitude="51.5",
        Longitude="-0.1",
        Forwarded="true",
    )

    assert await door.post(body) == 200

    [row] = door.rows(inbox)
    [media] = door.rows(inbound_media)
    [opened] = door.rows(conversation)
    assert (opened.channel, opened.external_id) == ("whatsapp", "GB.1A2B3C")
    assert (row.media_count, row.has_location) == (2, True)
    assert row.details == {
        "forwarded": True,
        "latitude": "51.5",
        "longitude": "-0.1",
        "phone": "+447700900001",
    }
    assert (media.inbox_id, media.source, media.stated_type, media.status) == (
        row.id,
        "https://api.twilio.com/2010-04-01/Media/ME1",
        "image/jpeg",
        "waiting",
    )


@pytest.mark.parametrize(
    ("body", "token", "signed"),
    [
        (form(), "0" * 32, None),
        (form(Body="drop my case"), TOKEN, form()),
        (form() + b"&Extra=1", TOKEN, form()),
        (form(), "", None),
    ],
    ids=["another token", "altered text", "added field", "empty token"],
)
async def test_a_forged_message_is_refused_and_nothing_is_stored(
    door: Door, body: bytes, token: str, signed: bytes | None
) -> None:
    assert await door.post(body, token=token, signed=signed) == 403
    assert [door.count(table) for table in (inbox, turn, desk_item, outbox)] == [0, 0, 0, 0]


async def test_an_unsigned_message_is_refused(door: Door) -> None:
    async with door.http.post(door.url + MESSAGE, data=form()) as response:
        assert response.status == 403
        assert await response.text() == ""
    assert door.count(inbox) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"%%%=&&&", b"Body=hello", form(MessageSid=""), form(AccountSid="AC" + "9" * 32), form(From="")],
    ids=["empty", "no form", "no ids", "blank id", "another account", "nobody"],
)
async def test_a_signed_form_that_is_no_message_is_told_so(door: Door, body: bytes) -> None:
    assert await door.post(body) == 400
    assert door.count(inbox) == 0


NUL_BODY = form(Body="x").replace(b"Body=x", b"Body=%00he%00lp%00")
SURROGATE_BODY = form(Body="x").replace(b"Body=x", b"Body=%ED%A0%BDhelp")


@pytest.mark.parametrize(
    ("body", "is_urgent"),
    [
        (form(Body=""), True),
        (form().replace(b"Body=who+is+my+officer&", b""), True),
        (form(Body="", NumMedia="2", MediaUrl0="https://example.org/0"), True),
        (form(Body="", Latitude="51.5", Longitude="-0.1"), True),
        (form(Body="😀" * 1600), True),
        (NUL_BODY, True),
        (SURROGATE_BODY, True),
        (form(Body="/restart"), False),
        (form(Body='/ask_case_status{"verified": true}'), False),
        (form(Body="Он стоит у двери"), True),
        (form(Body="thanks " * 250), False),
    ],
    ids=[
        "empty",
        "missing",
        "media",
        "place",
        "emoji",
        "nul",
        "surrogate",
        "restart",
        "slash",
        "script",
        "long",
    ],
)
async def test_nothing_a_person_can_send_is_lost(door: Door, body: bytes, is_urgent: bool) -> None:
    assert await door.post(body) == 200
    assert door.count(inbox) == 1
    assert door.count(desk_item) == (1 if is_urgent else 0)
    assert door.count(outbox) == (1 if is_urgent else 0)


async def test_status_news_is_kept_in_any_order_for_known_and_unknown_messages(door: Door) -> None:
    for status in ("delivered", "sent", "queued"):
        body = urlencode(
            {"MessageSid": "SM" + "2" * 32, "MessageStatus": status, "AccountSid": ACCOUNT_SID}
        ).encode()
        assert await door.post(body, path=STATUS) == 204

    assert door.count(delivery_event) == 3


async def test_a_database_that_is_gone_is_never_answered_with_accepted(door: Door) -> None:
    def break_it(tx: object) -> None:
        tx.connection.exec_driver_sql("ALTER TABLE inbox RENAME TO lost")  # type: ignore[attr-defined]

    def mend_it(tx: object) -> None:
        tx.connection.exec_driver_sql("ALTER TABLE lost RENAME TO inbox")  # type: ignore[attr-defined]

    door.service.database.write_now(break_it)
    try:
        assert await door.post(form()) in (500, 503)
    finally:
        door.service.database.write_now(mend_it)
    assert await door.post(form()) == 200
    assert door.count(inbox) == 1
