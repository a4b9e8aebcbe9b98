"""The gateway's Telegram door over real sockets and real databases: what is stored, and what is refused.

Red when, each tried once: the secret is not compared (`test_a_wrong_secret...`); the update is acknowledged by a task
that stores it later (`test_a_database_that_is_gone...`); the provider's id is a random one
(`test_twenty_copies...`); `settle_edit` returns the edit always (`test_an_edit_that_changes_nothing...`); a group's
message is parsed as a person's (`test_groups_and_channels...`); `keep_unreadable` is left out
(`test_what_cannot_be_read...`).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import aiohttp
import pytest
import pytest_asyncio

from casework.adapters.settings import Settings
from casework.adapters.storage.tables import (
    audit,
    conversation,
    desk_item,
    inbound_media,
    inbox,
    opt_out,
    outbox,
    turn,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.bootstrap import build_service
from casework.model.bands import Bands
from casework.model.errors import SettingsInvalid
from casework.model.messages import Author, Channel, Lane
from channels.gateway import build_gateway_app
from channels.telegram import SECRET_HEADER
from tests.channels.provider_stand_ins import serving
from tests.channels.telegram_door import (
    BOT_TOKEN,
    PERSON,
    SECRET,
    Door,
    make_environ,
    make_update,
    open_door,
    read_update,
)
from tests.support.builders import an_outbound
from tests.support.clock import SetClock


@pytest_asyncio.fixture
async def door(database_url: str, tmp_path: Path, clock: SetClock) -> AsyncIterator[Door]:
    async with open_door(make_environ(tmp_path, database_url), clock) as opened:
        yield opened


async def test_an_update_is_stored_word_for_word_and_waits_for_the_worker(door: Door) -> None:
    body = make_update("text", something_new={"kept": True})

    assert await door.knock(body) == (200, "")
    [row] = door.rows(inbox)
    assert (row.channel, row.text, row.raw) == ("telegram", "who is my officer", body)
    assert row.provider_message_id == "update:1000001:900001"
    assert row.details["message_id"] == "41"
    assert door.rows(conversation)[0].external_id == PERSON
    assert door.count(turn, outbox) == [1, 0]


async def test_danger_is_on_the_desk_in_the_same_commit(door: Door) -> None:
    assert await door.post("text", text="he is outside with a knife") == 200

    assert [item.reason for item in door.rows(desk_item)] == ["disclosure"]
    assert [(row.lane, row.to) for row in door.rows(outbox)] == [(Lane.SAFETY, PERSON)]


async def test_twenty_copies_in_parallel_are_one_row(door: Door) -> None:
    statuses = await asyncio.gather(*(door.post("text", text="he is outside") for _ in range(20)))

    assert statuses == [200] * 20
    assert door.count(inbox, turn, desk_item, outbox) == [1, 1, 1, 1]


WRONG_SECRETS: dict[str, list[tuple[str, str]]] = {
    "none": [("X-Other", "x")],
    "empty": [(SECRET_HEADER, "")],
    "another": [(SECRET_HEADER, "z" * len(SECRET))],
    "its beginning": [(SECRET_HEADER, SECRET[:-1])],
    "longer": [(SECRET_HEADER, SECRET + "0")],
    "other case": [(SECRET_HEADER, SECRET.upper())],
    "not ASCII": [(SECRET_HEADER, "sécret")],
    "the bot's token": [(SECRET_HEADER, BOT_TOKEN)],
    "twice": [(SECRET_HEADER, SECRET), (SECRET_HEADER, SECRET)],
    "the right one after a wrong one": [(SECRET_HEADER, "x"), (SECRET_HEADER, SECRET)],
}


@pytest.mark.parametrize("case", sorted(WRONG_SECRETS))
@pytest.mark.parametrize("body", [read_update("text"), b"no JSON"], ids=["an update", "no update"])
async def test_a_wrong_secret_is_refused_without_a_word(door: Door, case: str, body: bytes) -> None:
    assert await door.knock(body, *WRONG_SECRETS[case]) == (403, "")
    assert door.count(inbox, turn, conversation, audit) == [0, 0, 0, 0]


async def test_a_refused_secret_is_not_logged(
    door: Door, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    await door.knock(read_update("text"), (SECRET_HEADER, "wrong-secret-of-somebody"))

    out, err = capfd.readouterr()
    for said in (out, err, caplog.text):
        assert "wrong-secret-of-somebody" not in said
        assert SECRET not in said
        assert "officer" not in said


async def test_without_a_bot_there_is_no_such_page(
    tmp_path: Path, database_url: str, clock: SetClock
) -> None:
    environ = make_environ(tmp_path, database_url)
    del environ["TELEGRAM_BOT_TOKEN"], environ["WAYMARK_TELEGRAM_SECRET"]
    async with open_door(environ, clock) as door:
        assert await door.knock(read_update("text")) == (404, "")
        assert door.count(inbox) == [0]


async def test_a_database_that_is_gone_is_never_answered_with_accepted(door: Door) -> None:
    def break_it(tx: SqlTransaction) -> None:
        tx.connection.exec_driver_sql("ALTER TABLE inbox RENAME TO lost")

    def mend_it(tx: SqlTransaction) -> None:
        tx.connection.exec_driver_sql("ALTER TABLE lost RENAME TO inbox")

    door.service.database.write_now(break_it)
    try:
        assert await door.post("text") >= 500
    finally:
        door.service.database.write_now(mend_it)
    assert await door.post("text") == 200
    assert door.count(inbox) == [1]


async def test_more_than_256_kb_is_refused(door: Door) -> None:
    status, _ = await door.knock(b" " * (256 * 1024 + 1))

    assert status == 413
    assert door.count(inbox) == [0]


UNREADABLE = {
    "empty": b"",
    "half an update": read_update("text")[:-30],
    "no person": b'{"update_id": 5, "message": {"chat": {"type": "private"}, "message_id": 1}}',
    "not UTF-8": b'{"update_id": 5, "message": "\xff\xfe he has a knife"}',
    "NUL": b'{"update_id"\0: 5}',
}


@pytest.mark.parametrize("case", sorted(UNREADABLE))
async def test_what_cannot_be_read_is_kept_for_a_person_once_and_not_asked_for_again(
    door: Door, case: str
) -> None:
    for _ in range(3):
        assert await door.knock(UNREADABLE[case]) == (200, "")

    [row] = door.rows(inbox)
    assert row.raw == UNREADABLE[case]
    assert [item.reason for item in door.rows(desk_item)] == ["unreadable"]
    assert [each.outcome for each in door.rows(turn)] == ["unreadable"]
    assert door.count(outbox) == [0]


async def test_a_fault_of_ours_over_one_update_is_a_persons_work_and_no_endless_loop(
    tmp_path: Path, database_url: str, clock: SetClock
) -> None:
    environ = make_environ(tmp_path, database_url)
    service = build_service(Settings.from_env(environ), clock=clock)
    broken = replace(service, bands=cast(Bands, None))
    async with serving(build_gateway_app(broken)) as url, aiohttp.ClientSession() as http:
        door = Door(broken, url, http)
        assert await door.post("text") == 200

        assert [row.raw for row in door.rows(inbox)] == [make_update("text")]
        assert [item.reason for item in door.rows(desk_item)] == ["unreadable"]
    service.database.close()


async def test_a_name_no_database_takes_is_kept_without_what_it_refuses(door: Door) -> None:
    body = make_update("text", text="help", **{"from": {"first_name": "A\ud800\0"}})

    assert await door.knock(body) == (200, "")
    [row] = door.rows(inbox)
    assert row.text == "help"
    assert row.details["profile_name"] == "A\ufffd\ufffd"


async def test_an_edit_is_a_message_of_its_own_that_names_the_first(door: Door) -> None:
    await door.post("text")
    await door.post("edited")
    await door.post("edited", update_id=900777, text="he has a knife")

    first, second, third = door.rows(inbox)
    assert (first.text, second.text, third.text) == (
        "who is my officer",
        "who is my officer now",
        "he has a knife",
    )
    assert second.details["edits"] == third.details["edits"] == first.provider_message_id
    assert door.count(turn) == [3]
    assert [item.reason for item in door.rows(desk_item)] == ["disclosure"]


async def test_an_edit_that_changes_nothing_is_no_message_and_opens_no_live_window(
    door: Door, clock: SetClock
) -> None:
    await door.post("live_location")
    await door.post("text")
    wrote_at = door.rows(conversation)[0].last_inbound_at
    clock.advance(minutes=20)

    for name in ("edited_without_change", "live_location_moved"):
        assert await door.post(name) == 200

    assert door.count(inbox, turn, desk_item, outbox) == [2, 2, 1, 1]
    assert door.rows(conversation)[0].last_inbound_at == wrote_at


async def test_a_change_back_is_a_change(door: Door) -> None:
    await door.post("text")
    await door.post("edited")
    await door.post("edited_without_change")  # the first words again

    assert [row.text for row in door.rows(inbox)][-1] == "who is my officer"
    assert door.count(turn) == [3]


async def test_an_edit_of_what_we_never_had_is_a_message(door: Door) -> None:
    await door.post("edited")
    await door.post("text")

    assert [row.text for row in door.rows(inbox)] == ["who is my officer now", "who is my officer"]
    assert door.rows(inbox)[0].details["edits"] == "41"


async def test_somebody_elses_message_of_the_same_number_is_not_the_one_edited(door: Door) -> None:
    other = {"chat": {"id": 7700900002, "type": "private"}, "from": {"id": 7700900002}}
    await door.post("text", update_id=900500, text="who is my officer", **other)

    await door.post("edited_without_change")

    assert door.count(inbox, conversation) == [2, 2]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("photo", "unreadable"),
        ("voice", "unreadable"),
        ("location", "unreadable"),
        ("poll", "unreadable"),
        ("photo_with_caption", None),
        ("contact", None),
        ("sticker", None),
        ("start", None),
    ],
)
async def test_nothing_a_person_can_send_is_lost(door: Door, name: str, reason: str | None) -> None:
    assert await door.post(name) == 200

    assert door.count(inbox, turn) == [1, 1]
    assert [item.reason for item in door.rows(desk_item)] == ([reason] if reason else [])


async def test_a_file_is_noted_for_the_worker_and_not_fetched(door: Door) -> None:
    await door.post("photo_with_caption")
    await door.post("photo_with_caption")

    [row] = door.rows(inbound_media)
    assert (row.source, row.stated_type, row.status) == ("photo-large", "image/jpeg", "waiting")


async def test_groups_and_channels_are_never_answered_and_never_stored(door: Door) -> None:
    answers = [
        await door.knock(read_update(name))
        for name in ("group_message", "channel_post", "service_note", "put_into_a_group")
    ]

    assert answers[:3] == [(200, "")] * 3
    assert json.loads(answers[3][1]) == {"method": "leaveChat", "chat_id": -1007700900100}
    assert door.count(inbox, conversation, outbox) == [0, 0, 0]


def offer_choices(door: Door) -> str:
    """A menu of ours in the person's conversation; the token of its buttons."""
    token = "Abc_def-ghiJKL0123456"

    def offer(tx: SqlTransaction) -> None:
        opened = tx.conversations.open(Channel.TELEGRAM, PERSON)
        menu = an_outbound(
            opened.id,
            "What would help?",
            channel=Channel.TELEGRAM,
            to=PERSON,
            author=Author.ASSISTANT,
            choices=("My case", "My rights"),
            menu_token=token,
        )
        tx.outbox.record(menu, decision="answers_a_message")

    door.service.database.write_now(offer)
    return token


async def test_a_pressed_button_is_kept_and_stops_turning(door: Door) -> None:
    token = offer_choices(door)

    status, answer = await door.knock(make_update("button", data=f"{token}.2"))

    assert status == 200
    assert json.loads(answer) == {
        "method": "answerCallbackQuery",
        "callback_query_id": "700000000000000021",
    }
    [row] = door.rows(inbox)
    assert row.read_as == "My rights"
    assert door.count(turn, desk_item) == [1, 0]


async def test_a_button_of_a_message_no_longer_shown_says_what_it_said(door: Door) -> None:
    token = offer_choices(door)

    await door.knock(make_update("button_of_an_old_message", data=f"{token}.1"))

    [row] = door.rows(inbox)
    assert (row.text, row.read_as) == ("My case", "My case")
    assert door.count(desk_item) == [0]


async def test_a_button_that_nobody_offered_chooses_nothing(door: Door) -> None:
    await door.knock(make_update("button", data="Abc_def-ghiJKL0123456.1"))

    [row] = door.rows(inbox)
    assert (row.text, row.read_as) == ("", None)
    assert [item.reason for item in door.rows(desk_item)] == ["unreadable"]


async def test_a_choice_is_looked_up_in_the_persons_own_conversation(door: Door) -> None:
    token = offer_choices(door)
    stranger = {"id": 7700900002, "is_bot": False, "first_name": "Somebody"}

    await door.knock(make_update("button_of_an_old_message", data=f"{token}.1", **{"from": stranger}))

    [row] = door.rows(inbox)
    assert (row.text, row.read_as) == ("", None)


async def test_a_block_is_noted_once_and_a_person_finds_another_way(door: Door) -> None:
    await door.post("text")
    for _ in range(2):
        assert await door.post("blocked") == 200

    [noted] = door.rows(opt_out)
    assert (noted.channel, noted.external_id, noted.how, noted.word) == (
        "telegram",
        PERSON,
        "provider",
        "blocked",
    )
    assert [item.reason for item in door.rows(desk_item)] == ["cannot_be_texted"]
    assert door.count(inbox) == [1]


async def test_whoever_never_wrote_and_blocks_is_noted_and_nobody_is_asked(door: Door) -> None:
    await door.post("blocked")

    assert door.count(opt_out, desk_item) == [1, 0]


@pytest.mark.parametrize("name", ["unblocked", "text"])
async def test_letting_us_in_again_or_writing_ends_the_block(door: Door, name: str) -> None:
    await door.post("text", update_id=900400)
    await door.post("blocked")

    assert await door.post(name) == 200
    assert [row.ended_at is not None for row in door.rows(opt_out)] == [True]


async def test_late_news_of_a_block_is_not_believed_over_a_message(door: Door, clock: SetClock) -> None:
    clock.advance(minutes=10)  # they wrote after the block that is told now
    await door.post("text", date=int(clock.now().timestamp()))

    await door.post("blocked")

    assert door.count(opt_out, desk_item) == [0, 0]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TELEGRAM_BOT_TOKEN", "not-a-token", "TELEGRAM_BOT_TOKEN"),
        ("WAYMARK_TELEGRAM_SECRET", "", "WAYMARK_TELEGRAM_SECRET"),
        ("WAYMARK_TELEGRAM_SECRET", "short", "WAYMARK_TELEGRAM_SECRET"),
        ("WAYMARK_TELEGRAM_SECRET", "x" * 257, "WAYMARK_TELEGRAM_SECRET"),
        ("WAYMARK_TELEGRAM_SECRET", "sixteen letters!", "WAYMARK_TELEGRAM_SECRET"),
        ("WAYMARK_TELEGRAM_API_URL", "http://telegram.example.org", "WAYMARK_TELEGRAM_API_URL"),
    ],
)
def test_a_wrong_setting_is_named_and_no_key_is_repeated(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        Settings.from_env(make_environ(tmp_path, "sqlite:///x.db", **{name: value}))

    assert says in str(refusal.value)
    assert SECRET not in str(refusal.value)
    assert "not-a-token" not in str(refusal.value)
