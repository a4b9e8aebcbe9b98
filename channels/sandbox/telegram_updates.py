"""Telegram's updates: each kept in a file, then posted to the bot's webhook again and again until a 2xx answer.

As the Bot API describes `setWebhook` and `Update`; the secret travels in X-Telegram-Bot-Api-Secret-Token.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from channels.sandbox.record import Record
from channels.sandbox.settings import SandboxSettings, is_loopback

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
FIRST_UPDATE_ID = 700_000_001
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


@dataclass
class TelegramWebhook:
    """Where updates go, as the bot last set it, and how the last attempt went wrong."""

    url: str = ""
    secret: str = ""
    allowed_updates: tuple[str, ...] = ()
    max_connections: int = 40
    last_error_at: int | None = None
    last_error: str | None = None


@dataclass(frozen=True)
class PendingUpdate:
    """An update, and the record of what the person did; `sid` is empty where nothing is recorded."""

    update_id: int
    update: Mapping[str, Any]
    sid: str = ""


class TelegramUpdates:
    """What waits for the bot. Updates outlive the sandbox; the webhook is what the settings or the bot last said."""

    def __init__(self, *, settings: SandboxSettings, record: Record) -> None:
        self._settings = settings
        self._record = record
        self._path = settings.data_dir / "sandbox-telegram-updates.jsonl"
        self._session: aiohttp.ClientSession
        self._tasks: set[asyncio.Task[object]] = set()
        self._known: dict[int, PendingUpdate] = {}
        self._done: set[int] = set()
        self._changed = asyncio.Event()
        self.webhook = TelegramWebhook(
            url=settings.telegram_webhook_url or "", secret=settings.telegram_secret or ""
        )
        self._load()
        self._file = self._path.open("ab")

    @property
    def pending(self) -> list[PendingUpdate]:
        return [each for each in self._known.values() if each.update_id not in self._done]

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """For `cleanup_ctx`: what was not taken yet is posted while the app runs."""
        async with aiohttp.ClientSession() as self._session:
            for pending in self.pending:
                self._start(pending)
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._file.close()

    def add(self, content: Mapping[str, Any], *, sid: str = "") -> PendingUpdate:
        """A new update, kept. Post it with `post`; what the bot does not want to hear of is kept and never posted."""
        number = max(self._known, default=FIRST_UPDATE_ID - 1) + 1
        pending = PendingUpdate(number, {"update_id": number, **content}, sid)
        self._known[number] = pending
        self._write({"update": pending.update, "sid": sid})
        if not self._is_wanted(pending):
            self._finish(pending)
        return pending

    def find_by_sid(self, sid: str) -> PendingUpdate | None:
        """The newest update about what is recorded as `sid`."""
        return next((each for each in reversed(self._known.values()) if each.sid == sid), None)

    def has_press(self, query_id: str) -> bool:
        """Whether somebody pressed a button and this is the press's id."""
        return any(
            each.update.get("callback_query", {}).get("id") == query_id for each in self._known.values()
        )

    def forget_pending(self) -> None:
        """`drop_pending_updates`."""
        for pending in self.pending:
            self._finish(pending)

    def forget_until(self, update_id: int) -> None:
        """What `getUpdates` with a higher offset says has arrived."""
        for pending in self.pending:
            if pending.update_id < update_id:
                self._finish(pending)

    def set_webhook(self, webhook: TelegramWebhook) -> None:
        self.webhook = webhook
        self._changed.set()
        self._changed = asyncio.Event()

    async def post(self, pending: PendingUpdate, *, copies: int = 1) -> list[int | None]:
        """The first answers, one a copy; without 2xx it is posted again in the background until there is one."""
        none: list[int | None] = [None] * copies
        if not self.webhook.url or not self._is_wanted(pending):
            self._start(pending)
            return none
        try:
            async with asyncio.timeout(self._settings.retry_for_seconds):
                statuses: list[int | None] = list(
                    await asyncio.gather(*(self._post_until_answered(pending) for _ in range(copies)))
                )
        except TimeoutError:
            statuses = none
        self._note(pending, statuses[0])
        if not any(_is_taken(status) for status in statuses):
            self._start(pending)
        return list(statuses)

    def _is_wanted(self, pending: PendingUpdate) -> bool:
        wanted = self.webhook.allowed_updates
        return not wanted or bool(set(pending.update) & set(wanted))

    def _start(self, pending: PendingUpdate) -> None:
        task: asyncio.Task[object] = asyncio.create_task(self._post_until_taken(pending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post_until_taken(self, pending: PendingUpdate) -> None:
        pause = FIRST_PAUSE_SECONDS
        while pending.update_id not in self._done:
            if not self.webhook.url:
                await self._changed.wait()
                continue
            status = await self._post(pending)
            self._note(pending, status)
            if not _is_taken(status):
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _post_until_answered(self, pending: PendingUpdate) -> int:
        pause = FIRST_PAUSE_SECONDS
        while (status := await self._post(pending)) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return status

    async def _post(self, pending: PendingUpdate) -> int | None:
        """The service's status, None without any."""
        url = self._settings.get_posted_url(self.webhook.url)
        if not is_loopback(url):
            self._fail("the address is not on this machine")
            return None
        headers = {SECRET_HEADER: self.webhook.secret} if self.webhook.secret else {}
        timeout = aiohttp.ClientTimeout(total=self._settings.read_timeout_seconds)
        try:
            async with self._session.post(
                url, json=pending.update, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                if not _is_taken(answer.status):
                    self._fail(f"Wrong response from the webhook: {answer.status} {answer.reason}")
                return answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            self._fail("Connection timed out" if isinstance(error, TimeoutError) else "Connection refused")
            return None

    def _fail(self, error: str) -> None:
        self.webhook.last_error_at = int(datetime.now(UTC).timestamp())
        self.webhook.last_error = error

    def _note(self, pending: PendingUpdate, status: int | None) -> None:
        if _is_taken(status):
            self._finish(pending)
        if pending.sid:
            self._record.change(pending.sid, webhook_status=status, is_settled=_is_taken(status))

    def _finish(self, pending: PendingUpdate) -> None:
        if pending.update_id not in self._done:
            self._done.add(pending.update_id)
            self._write({"done": pending.update_id})

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _load(self) -> None:
        if not self._path.exists():
            return
        whole, newline, _torn = self._path.read_bytes().rpartition(b"\n")
        # A line cut short by a crash was never told to anyone; the next one must not be glued to it.
        os.truncate(self._path, len(whole) + len(newline))
        for line in map(json.loads, whole.splitlines()):
            if "done" in line:
                self._done.add(line["done"])
            else:
                number = line["update"]["update_id"]
                self._known[number] = PendingUpdate(number, line["update"], line["sid"])


def _is_taken(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
