"""Twilio's Messages resource as the sandbox speaks it: create, list, fetch.

Shapes and codes follow Twilio's 2010-04-01 API; failures asked for with `POST /sandbox/faults` come first.
"""

import asyncio
import hmac
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from aiohttp import web

from casework.model.sms_segments import count_segments
from channels.sandbox.faults import Fault, FaultKind, Faults
from channels.sandbox.record import Direction, Record, RecordedMessage
from channels.sandbox.settings import SandboxSettings
from channels.sandbox.webhooks import Webhooks

RECIPIENT = re.compile(r"\+[1-9]\d{6,14}|whatsapp:(\+[1-9]\d{6,14}|[A-Z]{2}\.\d{5,40})")
LONGEST_BODY = 1600
LONGEST_VALIDITY_SECONDS = 36000
LARGEST_PAGE = 1000
RETRY_AFTER_SECONDS = 1
ERROR_TEXTS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    21211: "Invalid 'To' Phone Number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21617: "The concatenated message body exceeds the 1600 character limit",
}


class MessagesApi:
    def __init__(
        self, *, settings: SandboxSettings, record: Record, faults: Faults, webhooks: Webhooks
    ) -> None:
        self._settings = settings
        self._record = record
        self._faults = faults
        self._webhooks = webhooks
        pair = f"{settings.account_sid}:{settings.auth_token}".encode()
        self._authorization = b"Basic " + b64encode(pair)
        self._root = f"/2010-04-01/Accounts/{settings.account_sid}"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        account = "/2010-04-01/Accounts/{account_sid}"
        router.add_post(account + "/Messages.json", self._signed_in(self.create_message))
        router.add_get(account + "/Messages.json", self._signed_in(self.list_messages))
        router.add_get(account + "/Messages/{sid}.json", self._signed_in(self.get_message))

    async def create_message(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        refusal = self._check(form)
        if refusal:
            return refused(400, refusal)
        fault = self._faults.take(form["To"])
        if fault and fault.kind is FaultKind.ERROR:
            return refused(400, fault.code)
        if fault and fault.kind is not FaultKind.UNDELIVERED:
            return await self._fail(request, form, fault)
        return web.json_response(self._describe(self._store(form, fault)), status=201)

    async def list_messages(self, request: web.Request) -> web.Response:
        query = request.query
        newest_first = sorted(self._record.find_all(), key=lambda message: -message.seq)
        chosen = [message for message in newest_first if _is_wanted(message, query)]
        size = min(_number(query.get("PageSize"), 50), LARGEST_PAGE) or 50
        page = _number(query.get("Page"), 0)
        shown = chosen[page * size : (page + 1) * size]
        has_more = len(chosen) > (page + 1) * size
        return web.json_response(
            {
                "messages": [self._describe(message) for message in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": self._page_uri(query, page, size),
                "first_page_uri": self._page_uri(query, 0, size),
                "next_page_uri": self._page_uri(query, page + 1, size) if has_more else None,
                "previous_page_uri": self._page_uri(query, page - 1, size) if page else None,
            }
        )

    async def get_message(self, request: web.Request) -> web.Response:
        message = self._record.find(request.match_info["sid"])
        return web.json_response(self._describe(message)) if message else refused(404, 20404)

    def _signed_in(
        self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def check_then_answer(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, self._authorization):
                return refused(401, 20003)
            if request.match_info["account_sid"] != self._settings.account_sid:
                return refused(404, 20404)
            return await answer(request)

        return check_then_answer

    def _check(self, form: Mapping[str, str]) -> int | None:
        """Twilio's code for what is wrong with a send, or None."""
        if not form.get("To"):
            return 21604
        if not (form.get("From") or form.get("MessagingServiceSid")):
            return 21603
        if not form.get("Body"):
            return 21602
        if len(form["Body"]) > LONGEST_BODY:
            return 21617
        if not RECIPIENT.fullmatch(form["To"]):
            return 21211
        return 21610 if self._record.is_opted_out(form["To"]) else None

    def _store(self, form: Mapping[str, str], fault: Fault | None) -> RecordedMessage:
        validity = min(
            _number(form.get("ValidityPeriod"), LONGEST_VALIDITY_SECONDS), LONGEST_VALIDITY_SECONDS
        )
        message = self._record.add(
            direction=Direction.OUTBOUND,
            handset=form["To"],
            from_=form.get("From") or self._settings.service_number,
            to=form["To"],
            body=form["Body"],
            status="queued",
            messaging_service_sid=form.get("MessagingServiceSid"),
            status_callback=form.get("StatusCallback"),
            validity_period=validity,
        )
        self._webhooks.start_statuses(message, fault=fault)
        return message

    async def _fail(self, request: web.Request, form: Mapping[str, str], fault: Fault) -> web.StreamResponse:
        if fault.kind.stores:
            self._store(form, None)
        if fault.kind is FaultKind.TOO_MANY:
            return refused(429, 20429, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        if fault.kind in (FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR_AFTER_STORE):
            return refused(500, 20500)
        if fault.kind in (FaultKind.TIMEOUT, FaultKind.TIMEOUT_AFTER_STORE):
            # Until the caller hangs up, which aiohttp tells no handler by itself.
            while request.transport and not request.transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        if request.transport:
            request.transport.abort()
        return web.Response(status=500)

    def _page_uri(self, query: Mapping[str, str], page: int, size: int) -> str:
        return f"{self._root}/Messages.json?{urlencode({**query, 'PageSize': size, 'Page': page})}"

    def _describe(self, message: RecordedMessage) -> dict[str, object]:
        uri = f"{self._root}/Messages/{message.sid}"
        left = message.direction is Direction.INBOUND or message.status != "queued"
        return {
            "account_sid": self._settings.account_sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "date_created": _rfc_2822(message.created_at),
            "date_sent": _rfc_2822(message.created_at) if left else None,
            "date_updated": _rfc_2822(message.updated_at),
            "direction": message.direction.value,
            "error_code": message.error_code,
            "error_message": None,
            "from": message.from_,
            "messaging_service_sid": message.messaging_service_sid,
            "num_media": str(message.num_media),
            "num_segments": str(count_segments(message.body)),
            "price": None,
            "price_unit": None,
            "sid": message.sid,
            "status": message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
        }


def refused(status: int, code: int, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error as Twilio writes one."""
    text = ERROR_TEXTS.get(code, "The request was refused")
    more = f"https://www.twilio.com/docs/errors/{code}"
    answer = {"code": code, "message": text, "more_info": more, "status": status}
    return web.json_response(answer, status=status, headers=headers)


def _is_wanted(message: RecordedMessage, query: Mapping[str, str]) -> bool:
    # The day is all Twilio filters by; `DateSent>=2026-11-21` arrives as a field named `DateSent>`.
    day = message.created.date().isoformat()
    return (
        query.get("To", message.to) == message.to
        and query.get("From", message.from_) == message.from_
        and query.get("DateSent", day)[:10] == day
        and query.get("DateSent<", day)[:10] >= day
        and query.get("DateSent>", day)[:10] <= day
    )


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 6 else default


def _rfc_2822(moment: str) -> str:
    return format_datetime(datetime.fromisoformat(moment))
