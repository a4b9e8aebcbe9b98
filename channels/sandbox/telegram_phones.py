"""A person's side of the Telegram double: what they do becomes an update, in the Bot API's shapes."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from channels.sandbox.addresses import get_chat_id
from channels.sandbox.record import Direction, Record, RecordedMedia, RecordedMessage
from channels.sandbox.samples import SAMPLES
from channels.sandbox.settings import SandboxSettings
from channels.sandbox.telegram_updates import TelegramUpdates
from channels.sandbox.writings import Writing, WritingInvalid

BOT_ADDRESS = "telegram:bot"
BOT_USERNAME = "pretend_waymark_bot"
HONEST_PHOTOS = ("photo", "png")
PHOTO_SIZES = ((90, 67), (320, 240))


class TelegramPhones:
    """Writes, edits, presses and blocks for people; each act is one update, kept before it is posted."""

    def __init__(self, *, settings: SandboxSettings, record: Record, updates: TelegramUpdates) -> None:
        self._settings = settings
        self._record = record
        self._updates = updates

    def write(self, handset: str, writing: Writing, *, is_posted: bool = True) -> RecordedMessage:
        """The message as recorded; the one already held if its sid is known. Raises WritingInvalid."""
        if writing.sid and (held := self._record.find(writing.sid)):
            return held
        if len(writing.media) > 1:
            raise WritingInvalid("A Telegram message has one file.")
        if writing.edited:
            return self._edit(handset, writing, is_posted=is_posted)
        message_id = self._record.next_seq
        message = self._record.add(
            sid=make_sid(handset, message_id),
            direction=Direction.INBOUND,
            handset=handset,
            from_=handset,
            to=BOT_ADDRESS,
            body="A raw update" if writing.update else writing.body,
            status="received",
            is_note=bool(writing.update),
            num_media=len(writing.media),
            media=writing.media,
            place=writing.place,
            is_forwarded=bool(writing.forwarded),
            is_pressed=bool(writing.pressed),
            is_settled=not is_posted,
        )
        if is_posted:
            self._updates.add(self._make_update(message, writing), sid=message.sid)
        return message

    async def post(self, message: RecordedMessage, *, copies: int = 1) -> list[int | None]:
        pending = self._updates.find_by_sid(message.sid)
        return await self._updates.post(pending, copies=copies) if pending else []

    async def post_membership(self, handset: str, *, is_blocked: bool) -> None:
        """Blocking and unblocking are updates too, and stay visible on the phone."""
        note = self._record.add(
            sid=make_sid(handset, self._record.next_seq),
            direction=Direction.INBOUND,
            handset=handset,
            from_=handset,
            to=BOT_ADDRESS,
            body="This phone blocked the bot." if is_blocked else "This phone unblocked the bot.",
            status="received",
            is_note=True,
        )
        bot = get_bot(self._settings)
        before, after = ("member", "kicked") if is_blocked else ("kicked", "member")
        change: dict[str, Any] = {
            "chat": get_chat(handset),
            "from": get_user(handset),
            "date": _seconds(note),
            "old_chat_member": _get_member(bot, before),
            "new_chat_member": _get_member(bot, after),
        }
        await self._updates.post(self._updates.add({"my_chat_member": change}, sid=note.sid))

    def _edit(self, handset: str, writing: Writing, *, is_posted: bool) -> RecordedMessage:
        original = self._record.find(writing.edited or "")
        if original is None or original.handset != handset or original.direction is not Direction.INBOUND:
            raise WritingInvalid("Only a message of this phone can be edited.")
        now = datetime.now(UTC).isoformat()
        edited = self._record.change(original.sid, body=writing.body, edited_at=now, is_settled=not is_posted)
        content = describe_message(edited, self._settings) | _drop_missing(writing.fields)
        if is_posted:
            self._updates.add({"edited_message": content}, sid=edited.sid)
        return edited

    def _make_update(self, message: RecordedMessage, writing: Writing) -> dict[str, Any]:
        if writing.update:
            return dict(writing.update)
        if writing.pressed:
            return {"callback_query": self._describe_press(message, writing)}
        content = describe_message(message, self._settings)
        if writing.answered:
            content["reply_to_message"] = describe_message(writing.answered, self._settings)
        removed = {name for name, value in writing.fields.items() if value is None}
        content = {name: value for name, value in content.items() if name not in removed}
        return {"message": content | _drop_missing(writing.fields)}

    def _describe_press(self, message: RecordedMessage, writing: Writing) -> dict[str, Any]:
        assert writing.pressed is not None
        # Of a message too old to show, Telegram gives only where it was, with date 0.
        menu = (
            describe_message(writing.answered, self._settings)
            if writing.answered
            else {"chat": get_chat(message.handset), "message_id": 1, "date": 0}
        )
        return {
            "id": str(secrets.randbelow(10**18)),
            "from": get_user(message.handset),
            "message": menu,
            "chat_instance": str(-get_chat_id(message.handset)),
            "data": writing.pressed.payload,
        } | _drop_missing(writing.fields)


def describe_message(message: RecordedMessage, settings: SandboxSettings) -> dict[str, Any]:
    """A `Message` as the Bot API shows it, of either side."""
    is_own = message.direction is Direction.INBOUND
    content: dict[str, Any] = {
        "message_id": get_message_id(message),
        "from": get_user(message.handset) if is_own else get_bot(settings),
        "chat": get_chat(message.handset),
        "date": _seconds(message),
    }
    if message.edited_at:
        content["edit_date"] = int(datetime.fromisoformat(message.edited_at).timestamp())
    if message.is_forwarded:
        origin = {"type": "hidden_user", "sender_user_name": "Somebody", "date": content["date"] - 3600}
        content["forward_origin"] = origin
    if message.place:
        content["location"] = {
            "latitude": message.place.latitude,
            "longitude": message.place.longitude,
        }
        return content
    if message.media:
        content |= _describe_file(message.media[0])
        return content | ({"caption": message.body} if message.body else {})
    content["text"] = message.body
    if is_own and message.body.startswith("/"):
        command = message.body.split()[0]
        content["entities"] = [{"offset": 0, "length": len(command), "type": "bot_command"}]
    if message.buttons:
        rows = [[{"text": each.title, "callback_data": each.payload}] for each in message.buttons]
        content["reply_markup"] = {"inline_keyboard": rows}
    return content


def make_sid(handset: str, message_id: int) -> str:
    """How the sandbox names a message of this chat: `telegram:1001.7`."""
    return f"{handset}.{message_id}"


def get_message_id(message: RecordedMessage) -> int:
    return int(message.sid.rpartition(".")[2])


def get_bot(settings: SandboxSettings) -> dict[str, Any]:
    number = int((settings.telegram_token or "0:").partition(":")[0])
    return {"id": number, "is_bot": True, "first_name": "Pretend bot", "username": BOT_USERNAME}


def get_user(handset: str) -> dict[str, Any]:
    return {
        "id": get_chat_id(handset),
        "is_bot": False,
        "first_name": "Pretend",
        "last_name": "Handset",
        "username": f"pretend_{get_chat_id(handset)}",
        "language_code": "en",
    }


def get_chat(handset: str) -> dict[str, Any]:
    user = get_user(handset)
    return {name: user[name] for name in ("id", "first_name", "last_name", "username")} | {"type": "private"}


def _get_member(bot: Mapping[str, Any], status: str) -> dict[str, Any]:
    return {"user": dict(bot), "status": status} | ({"until_date": 0} if status == "kicked" else {})


def _describe_file(media: RecordedMedia) -> dict[str, Any]:
    """A file under the name the Bot API gives its kind. What lies about itself can only be a document."""
    sample = SAMPLES[media.sample]
    file = {"file_id": media.sid, "file_unique_id": media.sid[-12:], "file_size": sample.size}
    if media.sample in HONEST_PHOTOS or media.sample == "missing":
        sizes = [file | {"width": width, "height": height} for width, height in PHOTO_SIZES]
        return {"photo": sizes}
    typed = file | {"mime_type": media.content_type}
    if media.sample == "voice":
        return {"voice": typed | {"duration": 1}}
    if media.sample == "video":
        return {"video": typed | {"duration": 1, "width": 320, "height": 240}}
    if media.sample == "contact":
        card = sample.make().decode()
        name = {"first_name": "Pretend", "last_name": "Person"}
        return {"contact": {"phone_number": "+447700900123", "vcard": card} | name}
    return {"document": typed | {"file_name": f"{media.sample}.{media.content_type.rpartition('/')[2]}"}}


def _drop_missing(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _seconds(message: RecordedMessage) -> int:
    return int(message.created.timestamp())
