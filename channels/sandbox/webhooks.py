"""What Twilio posts to the service, signed: a handset's message, and the news of ours."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote_plus, urldefrag

import aiohttp
from aiohttp import web

from channels.sandbox.addresses import is_telegram, is_whatsapp
from channels.sandbox.provider_settings import (
    DeliveryManner,
    ProviderConsole,
    RetryRule,
    parse_retry_rule,
)
from channels.sandbox.record import Direction, Record, RecordedMessage
from channels.sandbox.settings import SandboxSettings, is_loopback
from channels.sandbox.status_scripts import DELIVERED, StatusScript
from channels.twilio_signature import SIGNATURE_HEADER, compute_signature

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
STATUS_ATTEMPTS = 8
COULD_NOT_REACH = "11200"
CHANNEL_SID = "XE" + "0" * 32
Form = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answered:
    """The service's answer: its status, or which way it failed, in the words of Twilio's retry settings."""

    status: int | None
    failure: str | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and self.status < 400


class Webhooks:
    """Posts in the background and tries again while the service is down; resumes at start."""

    def __init__(self, *, settings: SandboxSettings, record: Record, console: ProviderConsole) -> None:
        self._settings = settings
        self._record = record
        self._console = console
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
            if message.is_settled or is_telegram(message.handset):
                continue
            if message.direction is Direction.INBOUND:
                self.start(self.post_message(message))
            else:
                self.start(self.post_statuses(message, DELIVERED))

    def start(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post_message(self, message: RecordedMessage, *, copies: int = 1) -> list[int | None]:
        """Posts an inbound message; copies go out together. Gives one HTTP status a copy, None for no answer.

        As the sandbox does it, until the service answers, whatever it answers, for `retry_for_seconds`; as Twilio
        does it, by the rule in the webhook's address, then to the fallback address, then never again.
        """
        is_as_twilio = (message.delivery or self._console.now.delivery) == DeliveryManner.AS_TWILIO
        post = self._post_as_twilio if is_as_twilio else self._post_until_answered
        statuses = await asyncio.gather(*(post(message) for _ in range(copies)))
        self._record.change(message.sid, webhook_status=statuses[0], is_settled=True)
        return list(statuses)

    async def post_statuses(self, message: RecordedMessage, script: StatusScript) -> None:
        """Posts the news of a message we sent as `script` says, one after the other."""
        if not script.is_in_order:
            status, code = script.steps[-1]
            self._record.change(message.sid, status=status, error_code=code)
        for status, code in script.posted:
            await asyncio.sleep(self._settings.status_delay_seconds)
            now = self._record.find(message.sid) or message
            if now.status == "canceled":
                break
            if script.is_in_order:
                now = self._record.change(message.sid, status=status, error_code=code)
            await self._post_status(replace(now, status=status, error_code=code))
        self._record.change(message.sid, is_settled=True)

    def start_cancelled(self, message: RecordedMessage) -> None:
        self.start(self._post_status(message))

    async def _post_until_answered(self, message: RecordedMessage) -> int | None:
        url = self._console.now.inbound_url
        if not url:
            return None
        pause = FIRST_PAUSE_SECONDS
        rule = RetryRule(
            connect_seconds=self._settings.read_timeout_seconds,
            read_seconds=self._settings.read_timeout_seconds,
            total_seconds=self._settings.read_timeout_seconds,
        )
        try:
            async with asyncio.timeout(self._settings.retry_for_seconds):
                while True:
                    answered = await self.post(url, message.form, token=message.sid, rule=rule)
                    if not answered.is_taken:
                        fallen = await self._post_to_fallback(message)
                        answered = fallen if fallen.is_taken else answered
                    if answered.status is not None:
                        return answered.status
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        except TimeoutError:
            return None

    async def _post_as_twilio(self, message: RecordedMessage) -> int | None:
        now = self._console.now
        if not now.inbound_url:
            return None
        answered = await self._post_by_rule(now.inbound_url, message.form, token=message.sid)
        if answered.is_taken or not now.inbound_fallback_url:
            return answered.status
        return (await self._post_to_fallback(message)).status

    async def _post_to_fallback(self, message: RecordedMessage) -> Answered:
        """The fallback address is told what went wrong where, in two more fields."""
        now = self._console.now
        if not now.inbound_fallback_url or not now.inbound_url:
            return Answered(None)
        error = (("ErrorCode", COULD_NOT_REACH), ("ErrorUrl", urldefrag(now.inbound_url).url))
        token = f"{message.sid}-fallback"
        return await self._post_by_rule(now.inbound_fallback_url, (*message.form, *error), token=token)

    async def _post_by_rule(self, url: str, form: Form, *, token: str) -> Answered:
        rule = parse_retry_rule(url)
        for left in range(rule.retries, -1, -1):
            answered = await self.post(url, form, token=token, rule=rule)
            if answered.is_taken or not answered.failure or not rule.is_retried(answered.failure) or not left:
                break
        return answered

    async def _post_status(self, message: RecordedMessage) -> None:
        url = message.status_callback or self._console.now.status_callback
        if not url or not is_loopback(self._settings.get_posted_url(url)):
            return
        pause = FIRST_PAUSE_SECONDS
        token = f"{message.sid}-{message.status}"
        for _ in range(STATUS_ATTEMPTS):
            answered = await self.post(url, self._get_status_form(message), token=token, rule=RetryRule())
            if answered.status is not None and answered.status < 500:
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
        if message.messaging_service_sid:
            form.append(("MessagingServiceSid", message.messaging_service_sid))
        if message.error_code:
            form.append(("ErrorCode", str(message.error_code)))
        if is_whatsapp(message.to):
            form += [("ChannelInstallSid", CHANNEL_SID), ("ChannelPrefix", "whatsapp")]
            form += [("EventType", message.status.upper())] if message.status in ("delivered", "read") else []
        elif message.status in ("delivered", "undelivered"):
            # Minutes, and no zone: what an operator's network wrote down.
            form.append(("RawDlrDoneDate", message.created.strftime("%y%m%d%H%M")))
        return form

    async def post(self, url: str, form: Form, *, token: str, rule: RetryRule) -> Answered:
        """Posts once, signed. Nothing is posted to another machine."""
        url = urldefrag(url).url
        posted = self._settings.get_posted_url(url)
        if not is_loopback(posted):
            return Answered(None, "ct")
        body = encode_form(form)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": token,
            SIGNATURE_HEADER: compute_signature(
                token=self._settings.auth_token, url=self._settings.get_signed_url(url), body=body
            ),
        }
        timeout = aiohttp.ClientTimeout(
            total=rule.total_seconds, sock_connect=rule.connect_seconds, sock_read=rule.read_seconds
        )
        try:
            async with self._session.post(
                posted, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return Answered(answer.status, _name_failure(answer.status))
        except aiohttp.ClientConnectorError:
            return Answered(None, "ct")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Answered(None, "ct" if isinstance(error, aiohttp.ConnectionTimeoutError) else "rt")


def encode_form(form: Form) -> bytes:
    """A urlencoded body. Lone surrogates go out as the bytes a careless sender would write."""
    return "&".join(
        f"{quote_plus(name)}={quote_plus(value.encode('utf-8', 'surrogatepass'))}" for name, value in form
    ).encode()


def _name_failure(status: int) -> str | None:
    return "4xx" if 400 <= status < 500 else "5xx" if status >= 500 else None
