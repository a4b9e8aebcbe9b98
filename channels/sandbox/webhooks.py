"""What Twilio posts to the service, signed: a handset's message, and the news of ours."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from urllib.parse import quote_plus

import aiohttp
from aiohttp import web

from channels.sandbox.faults import Fault, FaultKind
from channels.sandbox.record import Direction, Record, RecordedMessage
from channels.sandbox.settings import SandboxSettings, is_loopback
from channels.twilio_signature import SIGNATURE_HEADER, compute_signature

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
STATUS_ATTEMPTS = 8
FAILED = ("failed", "undelivered")


class Webhooks:
    """Posts in the background and tries again while the service is down; resumes at start."""

    def __init__(self, *, settings: SandboxSettings, record: Record) -> None:
        self._settings = settings
        self._record = record
        self._session: aiohttp.ClientSession
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """For `cleanup_ctx`: posting is possible, and what was unfinished goes on, while the app runs."""
        async with aiohttp.ClientSession() as self._session:
            self._resume()
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _resume(self) -> None:
        for message in self._record.find_all():
            if message.is_settled:
                continue
            if message.direction is Direction.INBOUND:
                self.start(self.post_message(message))
            else:
                self.start_statuses(message, fault=None)

    def start(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start_statuses(self, message: RecordedMessage, *, fault: Fault | None) -> None:
        self.start(self._post_statuses(message, fault))

    async def post_message(self, message: RecordedMessage, *, copies: int = 1) -> list[int | None]:
        """Posts an inbound message until the service answers, whatever it answers; copies go out together.

        Gives one HTTP status a copy, None where the service could not be reached in `retry_for_seconds`.
        """
        statuses = await asyncio.gather(*(self._post_until_answered(message) for _ in range(copies)))
        self._record.change(message.sid, webhook_status=statuses[0], is_settled=True)
        return list(statuses)

    async def _post_until_answered(self, message: RecordedMessage) -> int | None:
        pause = FIRST_PAUSE_SECONDS
        try:
            async with asyncio.timeout(self._settings.retry_for_seconds):
                while True:
                    status = await self._post(self._settings.webhook_url, message.form, token=message.sid)
                    if status is not None:
                        return status
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        except TimeoutError:
            return None

    async def _post_statuses(self, message: RecordedMessage, fault: Fault | None) -> None:
        last = "undelivered" if fault and fault.kind is FaultKind.UNDELIVERED else "delivered"
        for status in ("sent", last):
            await asyncio.sleep(self._settings.status_delay_seconds)
            code = fault.code if fault and status == last and last in FAILED else None
            changed = self._record.change(message.sid, status=status, error_code=code)
            await self._post_status(changed)
        self._record.change(message.sid, is_settled=True)

    async def _post_status(self, message: RecordedMessage) -> None:
        url = message.status_callback or self._settings.status_url
        if not url or not is_loopback(self._settings.get_posted_url(url)):
            return
        pause = FIRST_PAUSE_SECONDS
        for _ in range(STATUS_ATTEMPTS):
            status = await self._post(
                url, self._get_status_form(message), token=f"{message.sid}-{message.status}"
            )
            if status is not None and status < 500:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _get_status_form(self, message: RecordedMessage) -> list[tuple[str, str]]:
        form = [
            ("SmsSid", message.sid),
            ("SmsStatus", message.status),
            ("MessageStatus", message.status),
            ("To", message.to),
            ("MessageSid", message.sid),
            ("AccountSid", self._settings.account_sid),
            ("From", message.from_),
            ("ApiVersion", "2010-04-01"),
        ]
        if message.error_code:
            form.append(("ErrorCode", str(message.error_code)))
        return form

    async def _post(self, url: str, form: Sequence[tuple[str, str]], *, token: str) -> int | None:
        body = encode_form(form)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": token,
            SIGNATURE_HEADER: compute_signature(
                token=self._settings.auth_token, url=self._settings.get_signed_url(url), body=body
            ),
        }
        timeout = aiohttp.ClientTimeout(total=self._settings.read_timeout_seconds)
        try:
            async with self._session.post(
                self._settings.get_posted_url(url),
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None


def encode_form(form: Sequence[tuple[str, str]]) -> bytes:
    """A urlencoded body. Lone surrogates go out as the bytes a careless sender would write."""
    return "&".join(
        f"{quote_plus(name)}={quote_plus(value.encode('utf-8', 'surrogatepass'))}" for name, value in form
    ).encode()
