"""What a log line and a trace may hold, by key: ids, numbers and words of the program; anything else is dropped.

A shape alone would let a word of a victim's through where the program's own words stand, so those are closed lists,
and what cannot be listed carries its origin in its type (`RouteName`). Free text goes in as its length:
`length=len(text)`.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any


class RouteName(str):
    """A route as it was registered, never as it was asked for: a path may hold the key to an invite."""


LEVELS = frozenset(
    {"debug", "info", "warning", "error", "critical", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
PROCESSES = frozenset({"worker", "gateway", "desk", "actions", "spool", "console", "jobs", "sandbox", "test"})
ROUTES = frozenset(
    {
        *("twilio_message", "twilio_status", "telegram", "case_feed", "unknown"),
        *("/webhooks/twilio/message", "/webhooks/twilio/status", "/webhooks/telegram"),
    }
)
# Why something was refused, ended or left out; tests hold this against the lists it is taken from.
CODES = frozenset(
    {
        *("no_signature", "wrong", "header_twice", "unknown_algorithm", "unknown_key"),
        *(
            "message",
            "edited_message",
            "callback_query",
            "my_chat_member",
            "service_note",
            "group",
            "unknown",
        ),
        *("channel_post", "edited_channel_post", "business_connection", "business_message"),
        *("edited_business_message", "deleted_business_messages", "message_reaction"),
        *("message_reaction_count", "inline_query", "chosen_inline_result", "shipping_query"),
        *("pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "chat_member"),
        *("chat_join_request", "chat_boost", "removed_chat_boost"),
        *("stopped", "over", "no_candidate", "live_changed", "not_running", "live_refused", "torn"),
        *(
            "unsigned",
            "other_key",
            "altered",
            "another_model",
            "gates_failed",
            "one_person",
            "withdrawn_paper",
        ),
        *("not_json", "not_an_object", "pages_in_a_circle", "no_list", "next_page_elsewhere", "timeout"),
        *("state", "provider", "factor", "proof", "role", "ended", "deadline", "unreachable", "garbled"),
    }
)
LONGEST_NUMBER = 2**53
EVENT = re.compile(r"[a-z]+(?:_[a-z0-9]+)+|spooled")
ID = re.compile(r"[0-9a-f]{32}")
PROVIDERS_ID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|\+00:00)")
PLACE = re.compile(r"(?:[a-z0-9_]{1,60}\.py|<[a-z]{1,20}>):[0-9]{1,6}")
STATUS_CODE = re.compile(r"(?:http|status)_[1-5][0-9]{2}")

Fits = Callable[[Any], bool]


def drop_unfit(event: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """What may stay, and how many values of a known key had an unknown shape."""
    known = {key: value for key, value in event.items() if key in FITS and value is not None}
    kept = {key: value for key, value in known.items() if FITS[key](value)}
    return kept, len(known) - len(kept)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < LONGEST_NUMBER


def _matches(pattern: re.Pattern[str]) -> Fits:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(words: frozenset[str]) -> Fits:
    return lambda value: isinstance(value, str) and value in words


def _is_route(value: Any) -> bool:
    return isinstance(value, RouteName) or (isinstance(value, str) and value in ROUTES)


def _is_code(value: Any) -> bool:
    if isinstance(value, str):
        return value in CODES or STATUS_CODE.fullmatch(value) is not None or _is_error(value)
    return _is_number(value)


def _is_error(value: Any) -> bool:
    """The name of a kind of exception that this program has."""
    return isinstance(value, str) and (value in _list_errors() or value in set(_find_errors(BaseException)))


@cache
def _list_errors() -> frozenset[str]:
    """Those there were at the first error; later ones are looked for anew."""
    return frozenset(_find_errors(BaseException))


def _find_errors(kind: type[BaseException]) -> Iterator[str]:
    yield kind.__name__
    for each in type.__subclasses__(kind):
        yield from _find_errors(each)


def _is_library(value: Any) -> bool:
    return isinstance(value, str) and (value == "root" or value in logging.root.manager.loggerDict)


FITS: Mapping[str, Fits] = {
    "event": _matches(EVENT),
    "level": _one_of(LEVELS),
    "timestamp": _matches(TIMESTAMP),
    "process": _one_of(PROCESSES),
    "conversation_id": _matches(ID),
    "turn_id": _matches(ID),
    "inbox_id": _is_number,
    "outbox_id": _is_number,
    "item_id": _matches(ID),
    "staff_id": _matches(ID),
    "provider_message_id": _matches(PROVIDERS_ID),
    "code": _is_code,
    "count": _is_number,
    "length": _is_number,
    "seconds": _is_number,
    "status": _is_number,
    "method": _one_of(METHODS),
    "route": _is_route,
    "port": _is_number,
    "error": _is_error,
    "where": _matches(PLACE),
    "library": _is_library,
    "severity": _one_of(LEVELS),
}
