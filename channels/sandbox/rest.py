"""What Twilio's interfaces have in common: who may ask, how a refusal reads, how a list is cut into pages."""

import hmac
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web

from channels.sandbox.settings import SandboxSettings

LARGEST_PAGE = 1000
ERROR_TEXTS = {
    20001: "The request is not valid",
    20003: "Authenticate",
    20009: "Cannot change this resource before its processing has completed",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    21211: "Invalid 'To' Phone Number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21655: "The ContentSid is Invalid",
    21656: "The ContentVariables Parameter is invalid",
    30409: "The message has been sent and cannot be canceled",
    63016: "Failed to send freeform message because you are outside the allowed window",
    63021: "Channel invalid content error",
    63024: "Invalid message recipient",
}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Row = TypeVar("Row")


class Login:
    """The account's name and token by HTTP basic authentication, as every interface of Twilio asks for them."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._account_sid = settings.account_sid
        pair = f"{settings.account_sid}:{settings.auth_token}".encode()
        self._authorization = b"Basic " + b64encode(pair)

    def is_given(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self._authorization)

    def required(self, answer: Answer) -> Answer:
        async def check_then_answer(request: web.Request) -> web.StreamResponse:
            if not self.is_given(request):
                return refused(401, 20003)
            if request.match_info.get("account_sid", self._account_sid) != self._account_sid:
                return refused(404, 20404)
            return await answer(request)

        return check_then_answer


def refused(status: int, code: int, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error as Twilio writes one."""
    text = ERROR_TEXTS.get(code, "The request was refused")
    more = f"https://www.twilio.com/docs/errors/{code}"
    answer = {"code": code, "message": text, "more_info": more, "status": status}
    return web.json_response(answer, status=status, headers=headers)


def count_needed(query: Mapping[str, str]) -> int:
    """How many rows show the page asked for, and whether another follows."""
    size, page = _read_page(query)
    return (page + 1) * size + 1


def _read_page(query: Mapping[str, str]) -> tuple[int, int]:
    size = min(read_number(query.get("PageSize"), 50), LARGEST_PAGE) or 50
    return size, read_number(query.get("Page"), 0)


def cut_page(rows: Sequence[Row], query: Mapping[str, str]) -> tuple[Sequence[Row], int, int, bool]:
    """The rows of the page asked for, its number, its size, and whether another follows."""
    size, page = _read_page(query)
    return rows[page * size : (page + 1) * size], page, size, len(rows) > (page + 1) * size


def describe_page(path: str, rows: Sequence[Row], query: Mapping[str, str]) -> dict[str, object]:
    """The paging fields of the 2010-04-01 interface for the list at `path`."""
    shown, page, size, has_more = cut_page(rows, query)

    def uri(number: int) -> str:
        return f"{path}?{urlencode({**query, 'PageSize': size, 'Page': number})}"

    return {
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(shown) - 1, 0),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if has_more else None,
        "previous_page_uri": uri(page - 1) if page else None,
    }


def describe_meta(
    host: str, path: str, rows: Sequence[Row], *, key: str, query: Mapping[str, str]
) -> dict[str, object]:
    """The `meta` of a list in the newer interfaces, whose addresses are absolute."""
    _, page, size, has_more = cut_page(rows, query)

    def url(number: int) -> str:
        return f"{host}{path}?{urlencode({'PageSize': size, 'Page': number})}"

    return {
        "page": page,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(page - 1) if page else None,
        "url": url(page),
        "next_page_url": url(page + 1) if has_more else None,
        "key": key,
    }


def read_number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 6 else default


def rfc_2822(moment: str) -> str:
    return format_datetime(datetime.fromisoformat(moment))


def iso_8601(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
