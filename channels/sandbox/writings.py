"""What a person does on a pretend phone, read from a test's JSON or from a page's form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.sandbox.record import Button, Direction, Place, Record, RecordedMedia, RecordedMessage, new_sid
from channels.sandbox.samples import SAMPLES

LARGEST_MEDIA_COUNT = 10
SHARED_PLACE = Place(latitude=51.5079, longitude=-0.0877, label="A pretend place", address="1 Pretend Street")


class WritingInvalid(Exception):
    """A phone cannot do that; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """One message as a person makes it. `pressed` is a button of the message `answered`.

    `fields` are changes to the provider's form; `edited` is the sid of the Telegram message it replaces.
    """

    body: str = ""
    media: tuple[RecordedMedia, ...] = ()
    place: Place | None = None
    forwarded: str = ""  # or "once", or "often"
    pressed: Button | None = None
    answered: RecordedMessage | None = None
    edited: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    update: Mapping[str, Any] | None = None  # a Telegram update of any kind, posted as it is
    sid: str | None = None
    delivery: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.body or self.media or self.place or self.pressed)


def parse_writing(asked: Mapping[str, Any], *, handset: str, record: Record) -> Writing:
    """The writing in a JSON object; its keys are in docs/sandbox.md. Raises WritingInvalid."""
    pressed, answered = _parse_press(asked.get("press"), handset=handset, record=record)
    if reply_to := asked.get("reply_to"):
        answered = record.find(str(reply_to))
    start = asked.get("start")
    body = f"/start {start}".strip() if start is not None else str(asked.get("body", ""))
    return Writing(
        body=pressed.title if pressed and not body else body,
        media=make_media(asked.get("media") or ["photo"] * int(asked.get("num_media", 0))),
        place=_parse_place(asked.get("location")),
        forwarded={True: "once", False: ""}.get(asked.get("forwarded", ""), str(asked.get("forwarded", ""))),
        pressed=pressed,
        answered=answered,
        edited=asked.get("edit"),
        fields=asked.get("fields") or {},
        update=asked.get("update"),
        sid=asked.get("sid"),
        delivery=asked.get("delivery"),
    )


def make_media(names: list[Any]) -> tuple[RecordedMedia, ...]:
    if len(names) > LARGEST_MEDIA_COUNT:
        raise WritingInvalid(f"A message has at most {LARGEST_MEDIA_COUNT} files.")
    unknown = [name for name in names if name not in SAMPLES]
    if unknown:
        raise WritingInvalid(f"No such file: {unknown[0]}. There are: {', '.join(SAMPLES)}.")
    return tuple(
        RecordedMedia(sid=new_sid("ME"), sample=name, content_type=SAMPLES[name].content_type)
        for name in names
    )


def find_newest_menu(record: Record, handset: str) -> RecordedMessage | None:
    """The last message to the phone that has buttons."""
    return next(
        (
            message
            for message in reversed(record.find_thread(handset))
            if message.direction is Direction.OUTBOUND and message.buttons
        ),
        None,
    )


def _parse_press(asked: Any, *, handset: str, record: Record) -> tuple[Button | None, RecordedMessage | None]:
    if asked is None:
        return None, None
    if isinstance(asked, int):
        asked = {"choice": asked}
    menu = record.find(asked["sid"]) if "sid" in asked else find_newest_menu(record, handset)
    if "payload" in asked:
        # What no button holds: a client can send any payload it likes.
        title, is_row = str(asked.get("title", "")), bool(asked.get("is_row", False))
        return Button(title=title, payload=str(asked["payload"]), is_row=is_row), menu
    if menu is None or not 0 < int(asked.get("choice", 0)) <= len(menu.buttons):
        raise WritingInvalid("There is no such button on this phone.")
    return menu.buttons[int(asked["choice"]) - 1], menu


def _parse_place(asked: Any) -> Place | None:
    if not asked:
        return None
    return SHARED_PLACE if asked is True else Place(**asked)
