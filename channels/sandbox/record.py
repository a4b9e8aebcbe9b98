"""The sandbox's own record of every message in both directions: one JSON line each time one changes."""

import asyncio
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

# Whole messages that Twilio acts on itself, for SMS only. The webhook is called all the same.
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "UNSTOP", "YES"})


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound-api"
    REPLY = "outbound-reply"  # the provider's own answer to a STOP


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button or list row on the phone: what it says, and what pressing it tells the service."""

    title: str
    payload: str
    is_row: bool = False


@dataclass(frozen=True, kw_only=True)
class RecordedMedia:
    """A file of a message. `sample` names its bytes (samples.py); `content_type` is what the sender claims."""

    sid: str
    sample: str
    content_type: str
    is_deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class Place:
    """A shared location, in degrees."""

    latitude: float
    longitude: float
    label: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordedMessage:
    """One message. `handset` is the pretend phone's address, with `whatsapp:` or `telegram:` where it applies.

    `webhook_status` is the service's HTTP answer to an inbound message, None until it has answered. `is_redacted`,
    `is_deleted` and `is_unlisted` say what the provider's interface no longer shows; the phone keeps it. `is_note`
    is something that happened on the phone and is no text.
    """

    seq: int
    sid: str
    direction: Direction
    handset: str
    from_: str
    to: str
    body: str
    status: str
    created_at: str
    updated_at: str
    is_settled: bool = False
    error_code: int | None = None
    num_media: int = 0
    messaging_service_sid: str | None = None
    status_callback: str | None = None
    validity_period: int | None = None
    webhook_status: int | None = None
    form: tuple[tuple[str, str], ...] = ()
    media: tuple[RecordedMedia, ...] = ()
    buttons: tuple[Button, ...] = ()
    list_opener: str | None = None
    content_sid: str | None = None
    place: Place | None = None
    is_forwarded: bool = False
    is_pressed: bool = False
    edited_at: str | None = None
    is_redacted: bool = False
    is_deleted: bool = False
    is_unlisted: bool = False
    delivery: str | None = None
    is_in_window: bool = True
    is_note: bool = False

    @property
    def created(self) -> datetime:
        return datetime.fromisoformat(self.created_at)


class Record:
    """Messages by sid, kept in a file that is written and synced before anyone is told."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._path = data_dir / "sandbox-messages.jsonl"
        self._messages: dict[str, RecordedMessage] = {}
        self._threads: dict[str, dict[str, None]] = {}
        self._seen: dict[str, int] = {}
        self._changed = asyncio.Event()
        self.revision = 0
        self._load()
        self._file = self._path.open("ab")
        self._last_seq = max((message.seq for message in self._messages.values()), default=0)

    def add(self, *, sid: str | None = None, **fields: Any) -> RecordedMessage:
        """A new message with the next number; the same sid again gives the message already held."""
        if sid and (held := self._messages.get(sid)):
            return held
        now = _now()
        self._last_seq += 1
        message = RecordedMessage(
            seq=self._last_seq,
            sid=sid or new_sid("MM" if fields.get("num_media") else "SM"),
            created_at=now,
            updated_at=now,
            **fields,
        )
        return self._save(message)

    def change(self, sid: str, **fields: Any) -> RecordedMessage:
        return self._save(replace(self._messages[sid], updated_at=_now(), **fields))

    @property
    def next_seq(self) -> int:
        return self._last_seq + 1

    def find(self, sid: str) -> RecordedMessage | None:
        return self._messages.get(sid)

    def find_all(self) -> list[RecordedMessage]:
        """Every message, oldest first."""
        return list(self._messages.values())

    def find_media(self, sid: str, media_sid: str) -> RecordedMedia | None:
        """The file, unless it or its message is deleted at the provider."""
        message = self._messages.get(sid)
        media = message.media if message and not message.is_deleted else ()
        return next((each for each in media if each.sid == media_sid and not each.is_deleted), None)

    def delete_media(self, sid: str, media_sid: str) -> None:
        media = self._messages[sid].media
        self.change(
            sid,
            media=tuple(replace(each, is_deleted=each.is_deleted or each.sid == media_sid) for each in media),
        )

    def find_thread(self, handset: str) -> list[RecordedMessage]:
        return [self._messages[sid] for sid in self._threads.get(handset, {})]

    def find_handsets(self) -> list[str]:
        return list(self._threads)

    def is_opted_out(self, handset: str) -> bool:
        """Whether the last word of this phone about texts was STOP or one of its kin."""
        words = [
            m.body.strip().upper() for m in self.find_thread(handset) if m.direction is Direction.INBOUND
        ]
        last = next((word for word in reversed(words) if word in STOP_WORDS | START_WORDS), None)
        return last in STOP_WORDS and ":" not in handset

    def mark_seen(self, handset: str) -> None:
        if self.count_unread(handset):
            self._seen[handset] = self._last_seq
            self.tell()

    def count_unread(self, handset: str) -> int:
        seen = self._seen.get(handset, 0)
        thread = self.find_thread(handset)
        return sum(m.direction is Direction.OUTBOUND and m.seq > seen for m in thread)

    async def wait_until(self, is_true: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Returns when the record makes `is_true` true, or when the time is over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not is_true():
                    await self._changed.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        self._file.close()

    def _save(self, message: RecordedMessage) -> RecordedMessage:
        self._file.write(json.dumps(asdict(message)).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._hold(message)
        self.tell()
        return message

    def _hold(self, message: RecordedMessage) -> None:
        self._messages[message.sid] = message
        self._threads.setdefault(message.handset, {})[message.sid] = None

    def tell(self) -> None:
        self.revision += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _load(self) -> None:
        if not self._path.exists():
            return
        whole, newline, _torn = self._path.read_bytes().rpartition(b"\n")
        # A line cut short by a crash was never told to anyone; the next one must not be glued to it.
        os.truncate(self._path, len(whole) + len(newline))
        for line in whole.splitlines():
            message = _parse(json.loads(line))
            self._hold(message)
            self._seen[message.handset] = message.seq


def new_sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def _parse(fields: dict[str, Any]) -> RecordedMessage:
    place = fields.get("place")
    return RecordedMessage(
        **{
            **fields,
            "direction": Direction(fields["direction"]),
            "form": tuple((name, value) for name, value in fields["form"]),
            "media": tuple(RecordedMedia(**each) for each in fields.get("media", ())),
            "buttons": tuple(Button(**each) for each in fields.get("buttons", ())),
            "place": Place(**place) if place else None,
        }
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
