"""Telegram's updates: JSON in, one message or one piece of news out. Telegram's words end here.

Field names and their meaning: core.telegram.org/bots/api, "Getting updates" and "Available types".
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from casework.model.errors import WaymarkError
from casework.model.messages import Channel, InboundMedia, InboundMessage

# What we ask Telegram for; whatever else arrives is acknowledged and nothing is done with it.
WANTED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
KNOWN_UPDATES = frozenset(
    {
        *WANTED_UPDATES,
        *("channel_post", "edited_channel_post", "business_connection", "business_message"),
        *("edited_business_message", "deleted_business_messages", "message_reaction"),
        *("message_reaction_count", "inline_query", "chosen_inline_result", "shipping_query"),
        *("pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "chat_member"),
        *("chat_join_request", "chat_boost", "removed_chat_boost"),
    }
)
# What Telegram itself puts into a chat: nobody wrote it and there is nothing to answer.
SERVICE_NOTES = frozenset(
    {"pinned_message", "message_auto_delete_timer_changed", "write_access_allowed", "chat_background_set"}
)
# Where the file of a message is, and what Telegram sends where it names no type. An animation comes as a
# document as well, so it stands first.
FILES = {
    "animation": "video/mp4",
    "document": "application/octet-stream",
    "voice": "audio/ogg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "audio": "audio/mpeg",
    "sticker": "image/webp",
}
LARGEST_ID = 2**63 - 1
LONGEST_NAME = 128
CANNOT_BE_STORED = re.compile("[\0\ud800-\udfff]")


class UpdateUnreadable(WaymarkError):
    """A request with the right secret that is no update as Telegram writes one."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """The person blocked the bot, or let it in again."""

    external_id: str
    is_blocked: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ParsedUpdate:
    """What one update came to. Without message and membership there is nothing to keep."""

    kind: str  # one of KNOWN_UPDATES, or a word of ours: never one of theirs
    message: InboundMessage | None = None
    membership: Membership | None = None
    is_edit: bool = False
    callback_query_id: str | None = None
    leave_chat_id: int | None = None  # somebody put the bot into a group


def parse_update(body: bytes, *, bot_id: str, received_at: datetime) -> ParsedUpdate:
    """What an update says. Raises UpdateUnreadable: no JSON, no number, or a message without a writer.

    `details` also holds `message_id` (Telegram's number of the message in its chat) and `content`, which changes
    with all that we read of a message: an edit is told by them from one that changes nothing (ADR 0013).
    """
    update = _read_json(body)
    update_id = _get_id(update, "update_id")
    kind = next((name for name in update if name in KNOWN_UPDATES), "unknown")
    reader = _Reader(
        raw=body,
        provider_message_id=f"update:{bot_id}:{update_id}",
        received_at=received_at,
    )
    if kind not in WANTED_UPDATES:
        return ParsedUpdate(kind=kind)
    content = _get_object(update, kind)
    if kind == "callback_query":
        return reader.read_choice(content)
    if _get_object(content, "chat").get("type") != "private":
        return _refuse_group(kind, content)
    if kind == "my_chat_member":
        return _read_membership(content)
    if SERVICE_NOTES & content.keys():
        return ParsedUpdate(kind="service_note")
    return ParsedUpdate(kind=kind, message=reader.read_message(content), is_edit=kind == "edited_message")


def name_message(chat_id: object, message_id: object) -> str:
    """A message of ours as the outbox knows it: Telegram numbers them in each chat apart."""
    return f"{chat_id}:{message_id}"


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Puts what every message of an update has in common into it."""

    raw: bytes
    provider_message_id: str
    received_at: datetime

    def read_message(self, message: Mapping[str, Any]) -> InboundMessage:
        text, is_readable = _clean(_find_text(message))
        media, file_ids = _find_media(message)
        place = _find_place(message)
        details: dict[str, Any] = {
            **_read_writer(message.get("from")),
            **place,
            "message_id": str(_get_id(message, "message_id")),
            # Without the place: only one that follows the phone ever changes, with nobody's hand on it.
            "content": _digest(text, file_ids),
        }
        if "forward_origin" in message or "forward_date" in message:
            details["forwarded"] = True
        answered = message.get("reply_to_message")
        chat_id = _get_id(_get_object(message, "chat"), "id")
        if isinstance(answered, Mapping) and _is_id(answered.get("message_id")):
            details["answers"] = name_message(chat_id, answered["message_id"])
        return InboundMessage(
            channel=Channel.TELEGRAM,
            provider_message_id=self.provider_message_id,
            external_id=str(chat_id),
            text=text,
            received_at=self.received_at,
            raw=self.raw,
            media_count=len(media),
            has_location=bool(place),
            is_readable=is_readable,
            sent_at=_find_time(message.get("edit_date")) or _find_time(message.get("date")),
            media=media,
            details=details,
        )

    def read_choice(self, query: Mapping[str, Any]) -> ParsedUpdate:
        """A press of one of our buttons. What came back names a choice of ours once it was looked up, not before."""
        message = query.get("message")
        message = message if isinstance(message, Mapping) else {}
        chat = message.get("chat")
        if isinstance(chat, Mapping) and chat.get("type") != "private":
            return ParsedUpdate(kind="group")
        query_id, data = query.get("id"), query.get("data")
        query_id = query_id if isinstance(query_id, str) and query_id.isalnum() else None
        if not isinstance(data, str):
            return ParsedUpdate(kind="callback_query", callback_query_id=query_id)
        writer = _get_object(query, "from")
        data, is_readable = _clean(data)
        title, title_is_readable = _clean(_find_title(message, data))
        details = _read_writer(writer)
        if _is_id(message.get("message_id")):
            details["answers"] = name_message(_get_id(writer, "id"), message["message_id"])
        return ParsedUpdate(
            kind="callback_query",
            callback_query_id=query_id,
            message=InboundMessage(
                channel=Channel.TELEGRAM,
                provider_message_id=self.provider_message_id,
                external_id=str(_get_id(writer, "id")),
                text=title,
                received_at=self.received_at,
                raw=self.raw,
                is_readable=is_readable and title_is_readable,
                choice=data,
                details=details,
            ),
        )


def _read_json(body: bytes) -> Mapping[str, Any]:
    try:
        # Places stay as they were written: a float would change their last figure.
        update = json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise UpdateUnreadable("The body is no JSON.") from error
    if not isinstance(update, dict):
        raise UpdateUnreadable("The body is no object.")
    return update


def _get_object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    if not isinstance(value, Mapping):
        raise UpdateUnreadable(f"The update has no {name}.")
    return value


def _get_id(parent: Mapping[str, Any], name: str) -> int:
    value = parent.get(name)
    if not _is_id(value):
        raise UpdateUnreadable(f"The update has no {name}.")
    assert isinstance(value, int)
    return value


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_ID


def _refuse_group(kind: str, content: Mapping[str, Any]) -> ParsedUpdate:
    chat_id = _get_object(content, "chat").get("id")
    is_member = _find_status(content) in ("member", "administrator", "restricted")
    leaves = kind == "my_chat_member" and is_member and isinstance(chat_id, int) and _is_id(chat_id)
    return ParsedUpdate(kind="group", leave_chat_id=chat_id if leaves else None)


def _read_membership(content: Mapping[str, Any]) -> ParsedUpdate:
    status = _find_status(content)
    at = _find_time(content.get("date"))
    if at is None or status not in ("kicked", "member"):
        return ParsedUpdate(kind="my_chat_member")
    person = str(_get_id(_get_object(content, "chat"), "id"))
    membership = Membership(external_id=person, is_blocked=status == "kicked", at=at)
    return ParsedUpdate(kind="my_chat_member", membership=membership)


def _find_status(content: Mapping[str, Any]) -> object:
    member = content.get("new_chat_member")
    return member.get("status") if isinstance(member, Mapping) else None


def _find_text(message: Mapping[str, Any]) -> str:
    """The words of a message, whatever kind it is; a shared contact is what stands on the card."""
    for part in (message.get("text"), message.get("caption")):
        if isinstance(part, str) and part:
            return part
    sticker = message.get("sticker")
    if isinstance(sticker, Mapping) and isinstance(sticker.get("emoji"), str):
        return str(sticker["emoji"])
    contact = message.get("contact")
    if isinstance(contact, Mapping):
        parts = [contact.get(name) for name in ("first_name", "last_name", "phone_number")]
        return " ".join(part for part in parts if isinstance(part, str) and part)
    return ""


def _find_media(message: Mapping[str, Any]) -> tuple[tuple[InboundMedia, ...], list[str]]:
    """The file of a message (an album is several messages), and what names its content for ever."""
    photo = message.get("photo")
    sizes = photo if isinstance(photo, list) else []
    # The same picture in several sizes; the last is the largest.
    found = [("image/jpeg", size) for size in sizes if isinstance(size, Mapping)][-1:]
    found += [(stated, message[name]) for name, stated in FILES.items() if name in message]
    for stated, file in found:
        file_id = file.get("file_id") if isinstance(file, Mapping) else None
        if isinstance(file_id, str) and file_id and not CANNOT_BE_STORED.search(file_id):
            named = file.get("mime_type")
            stated_type = _clean(named)[0] if isinstance(named, str) else stated
            media = InboundMedia(source=file_id, stated_type=stated_type)
            return (media,), [str(file.get("file_unique_id", file_id))]
    return (), []


def _find_place(message: Mapping[str, Any]) -> dict[str, str]:
    venue = message.get("venue")
    venue = venue if isinstance(venue, Mapping) else {}
    location = message.get("location") or venue.get("location")
    if not isinstance(location, Mapping):
        return {}
    place = {name: str(location[name])[:32] for name in ("latitude", "longitude") if name in location}
    named = [venue.get(name) for name in ("title", "address")]
    words = ", ".join(word for word in named if isinstance(word, str) and word)
    return {**place, "place": _clean(words)[0]} if words else place


def _find_title(message: Mapping[str, Any], data: str) -> str:
    """What the pressed button says; "" where Telegram no longer shows the message it stood under."""
    markup = message.get("reply_markup")
    rows = markup.get("inline_keyboard") if isinstance(markup, Mapping) else None
    for row in rows if isinstance(rows, list) else []:
        for button in row if isinstance(row, list) else []:
            if isinstance(button, Mapping) and button.get("callback_data") == data:
                return str(button.get("text", ""))
    return ""


def _read_writer(writer: object) -> dict[str, Any]:
    if not isinstance(writer, Mapping):
        return {}
    names = [writer.get(part) for part in ("first_name", "last_name")]
    name = " ".join(part for part in names if isinstance(part, str) and part)
    return {"profile_name": _clean(name)[0][:LONGEST_NAME]} if name else {}


def _find_time(value: object) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**33:
        return None
    return datetime.fromtimestamp(value, UTC)


def _clean(text: str) -> tuple[str, bool]:
    """The text with U+FFFD for what no database takes, and whether it could stay as it was."""
    cleaned = CANNOT_BE_STORED.sub("\ufffd", text)
    return cleaned, cleaned == text


def _digest(text: str, file_ids: list[str]) -> str:
    return hashlib.sha256(json.dumps([text, file_ids]).encode()).hexdigest()[:16]
