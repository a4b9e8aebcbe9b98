"""Reading Telegram's updates: one of each kind, written by hand, in telegram_updates/, and what no program can read.

The same files are read by python-telegram-bot, so that a fixture is what the Bot API's types allow.
Red when: a group's message is given a person (`_refuse_group` left out), `parse_float=str` is left out, or
`_clean` keeps a lone surrogate.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import telegram

from casework.model.messages import Channel, InboundMedia, InboundMessage
from channels.telegram_updates import KNOWN_UPDATES, Membership, ParsedUpdate, UpdateUnreadable, parse_update

UPDATES = Path(__file__).parent / "telegram_updates"
NAMES = sorted(path.stem for path in UPDATES.glob("*.json"))
PERSON = "7700900001"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def read(name: str) -> bytes:
    return (UPDATES / f"{name}.json").read_bytes()


def parse(body: bytes) -> ParsedUpdate:
    return parse_update(body, bot_id="1000001", received_at=NOON)


def parse_message(name: str) -> InboundMessage:
    message = parse(read(name)).message
    assert message is not None
    return message


def changed(name: str, **message: Any) -> bytes:
    """The update with other values in its message."""
    update = json.loads(read(name))
    next(value for key, value in update.items() if key in KNOWN_UPDATES).update(message)
    return json.dumps(update).encode()


# name: (text, files, has a place)
MESSAGES: dict[str, tuple[str, tuple[tuple[str, str], ...], bool]] = {
    "animation": ("", (("animation-1", "video/mp4"),), False),
    "contact": ("Sam Example +447700900123", (), False),
    "document": ("the letter", (("document-1", "application/pdf"),), False),
    "edited": ("who is my officer now", (), False),
    "edited_without_change": ("who is my officer", (), False),
    "forwarded": ("you will be sorry", (), False),
    "live_location": ("", (), True),
    "live_location_moved": ("", (), True),
    "location": ("", (), True),
    "photo": ("", (("photo-large", "image/jpeg"),), False),
    "photo_with_caption": ("this is the door", (("photo-large", "image/jpeg"),), False),
    "poll": ("", (), False),
    "reply": ("yes that one", (), False),
    "start": ("/start", (), False),
    "start_with_token": ("/start AbCdEfGhIjKlMnOpQrStUvWxYz012345", (), False),
    "sticker": ("👍", (("sticker-1", "image/webp"),), False),
    "text": ("who is my officer", (), False),
    "venue": ("", (), True),
    "video": ("", (("video-1", "video/mp4"),), False),
    "video_note": ("", (("note-1", "video/mp4"),), False),
    "voice": ("", (("voice-1", "audio/ogg"),), False),
}
PRESSED = ("button", "button_of_an_old_message")
NOTHING_TO_KEEP = {
    "channel_post": "channel_post",
    "group_message": "group",
    "put_into_a_group": "group",
    "service_note": "service_note",
}


def test_every_fixture_is_asked_about() -> None:
    assert sorted([*MESSAGES, *PRESSED, *NOTHING_TO_KEEP, "blocked", "unblocked"]) == NAMES


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_is_its_words_its_file_and_its_place(name: str) -> None:
    text, files, has_place = MESSAGES[name]
    message = parse_message(name)

    assert message.channel is Channel.TELEGRAM
    assert message.external_id == PERSON
    assert message.text == text
    assert message.media == tuple(InboundMedia(source=source, stated_type=kind) for source, kind in files)
    assert message.media_count == len(files)
    assert message.has_location is has_place
    assert message.raw == read(name)
    assert message.is_readable
    assert message.choice is None


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_python_telegram_bot_reads_the_same_from_it(name: str) -> None:
    update = json.loads(read(name))
    theirs = telegram.Update.de_json(update, None)
    ours = parse(read(name)).message

    assert theirs.update_id == update["update_id"]
    if ours is None:
        return
    assert theirs.effective_chat is not None
    assert theirs.effective_chat.type == "private"
    assert str(theirs.effective_user.id) == ours.external_id  # type: ignore[union-attr]
    if ours.choice is not None:
        assert theirs.callback_query.data == ours.choice  # type: ignore[union-attr]
        return
    sent = theirs.effective_message
    assert sent is not None
    assert ours.sent_at == (sent.edit_date or sent.date)
    if sent.text or sent.caption:
        assert ours.text == (sent.text or sent.caption)


def test_what_stands_beside_the_words_is_kept() -> None:
    assert parse_message("forwarded").details["forwarded"] is True
    assert parse_message("reply").details["answers"] == f"{PERSON}:33"
    venue = parse_message("venue").details
    assert (venue["latitude"], venue["longitude"]) == ("51.5", "-0.12")
    assert venue["place"] == "The Example Arms, 1 Example Street"
    assert parse_message("text").details["profile_name"] == "Alex Example"


def test_a_place_stays_as_it_was_written() -> None:
    body = read("location").replace(b"51.5001", b"51.50010000000000001")

    message = parse(body).message
    assert message is not None
    assert message.details["latitude"] == "51.50010000000000001"


def test_a_pressed_button_says_what_its_message_shows() -> None:
    update = parse(read("button"))

    assert update.message is not None
    assert (update.message.text, update.message.choice) == ("My rights", "Abc_def-ghi.2")
    assert update.message.external_id == PERSON
    assert update.message.details["answers"] == f"{PERSON}:34"
    assert update.callback_query_id == "700000000000000021"
    assert parse_message("button_of_an_old_message").text == ""


@pytest.mark.parametrize(("name", "is_blocked"), [("blocked", True), ("unblocked", False)])
def test_news_of_a_block_is_told_apart_from_words(name: str, is_blocked: bool) -> None:
    update = parse(read(name))

    assert update.message is None
    assert update.membership == Membership(
        external_id=PERSON, is_blocked=is_blocked, at=datetime(2026, 11, 21, 12, 1, 40, tzinfo=UTC)
    )


@pytest.mark.parametrize(("name", "kind"), sorted(NOTHING_TO_KEEP.items()))
def test_groups_channels_and_notes_of_telegram_are_no_messages(name: str, kind: str) -> None:
    update = parse(read(name))

    assert (update.kind, update.message, update.membership) == (kind, None, None)
    assert update.leave_chat_id == (-1007700900100 if name == "put_into_a_group" else None)


def test_a_button_in_a_group_is_no_message() -> None:
    update = json.loads(read("button"))
    update["callback_query"]["message"]["chat"] = {"id": -100, "title": "x", "type": "group"}

    assert parse(json.dumps(update).encode()).message is None


def test_a_copy_has_the_same_name_and_another_bots_update_another() -> None:
    again = parse_update(read("text"), bot_id="1000001", received_at=NOON).message
    of_another = parse_update(read("text"), bot_id="1000002", received_at=NOON).message

    assert again is not None and of_another is not None
    assert parse_message("text").provider_message_id == again.provider_message_id == "update:1000001:900001"
    assert of_another.provider_message_id != again.provider_message_id


def test_an_edit_of_words_or_file_changes_the_content_and_a_moved_place_does_not() -> None:
    def content(body: bytes) -> object:
        message = parse(body).message
        assert message is not None
        return message.details["content"]

    assert content(read("edited")) != content(read("text"))
    assert content(read("edited_without_change")) == content(read("text"))
    assert content(read("live_location_moved")) == content(read("live_location"))
    other = [{"file_id": "x", "file_unique_id": "another", "width": 1, "height": 1}]
    assert content(changed("photo", photo=other)) != content(read("photo"))


def test_a_text_no_database_takes_is_kept_and_called_unreadable() -> None:
    body = read("text").replace(b"who is my officer", rb"help \ud83d\u0000")

    message = parse(body).message
    assert message is not None
    assert message.text == "help \ufffd\ufffd"
    assert not message.is_readable
    assert message.raw == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"message": {}}',
        b'{"update_id": "1", "message": {}}',
        b'{"update_id": true, "message": {}}',
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b'{"update_id": 99999999999999999999}',
        b'{"update_id": 1, "message": 5}',
        b'{"update_id": 1, "message": {}}',
        b'{"update_id": 1, "message": {"chat": {"type": "private"}, "message_id": 1, "text": "x"}}',
        b'{"update_id": 1, "message": {"chat": {"type": "private", "id": 1}, "text": "x"}}',
        b'{"update_id": 1, "callback_query": {"id": "1", "data": "x"}}',
    ],
    ids=[
        "empty",
        "no JSON",
        "a list",
        "null",
        "no text at all",
        "deep",
        "no number",
        "number as text",
        "number as truth",
        "number of 5000 figures",
        "number too large",
        "message is a number",
        "message is empty",
        "nobody",
        "no message number",
        "a press by nobody",
    ],
)
def test_what_is_no_update_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(UpdateUnreadable):
        parse(body)


@pytest.mark.parametrize("name", sorted([*MESSAGES, *PRESSED]))
@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [[]], True], ids=repr)
def test_no_odd_value_in_any_field_breaks_the_reading(name: str, odd: object) -> None:
    """Red when: a reader takes the shape of a field for granted."""
    update = json.loads(read(name))
    kind = next(key for key in update if key in KNOWN_UPDATES)
    for field in update[kind]:
        body = json.dumps({**update, kind: {**update[kind], field: odd}}).encode()
        try:
            parse(body)
        except UpdateUnreadable:
            continue
