"""A safe-contact plan as it is kept: a plain JSON object with a version.

Reading never raises. One key, value or version that is not understood may be a limit somebody asked for, so
the whole plan then allows nothing unasked, and what cannot be read of it allows nothing at all.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import HASH_PREFIX, SafeContactPlan, Wording

PLAN_VERSION = 1
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_CLOCK = re.compile(r"(\d\d):([0-5]\d)", re.ASCII)


def write_plan(plan: SafeContactPlan) -> dict[str, Any]:
    """The plan as JSON can hold it; `parse_plan` gives the same plan back."""
    return {
        "version": PLAN_VERSION,
        "unasked_channels": sorted(plan.unasked_channels),
        "answered_channels": sorted(plan.answered_channels),
        "hours": [_write_window(window) for window in plan.hours],
        "wording": plan.wording.value,
        "is_unsolicited_agreed": plan.is_unsolicited_agreed,
        "may_leave_voicemail": plan.may_leave_voicemail,
        "is_safe_first": plan.is_safe_first,
        "who_may_be_present": plan.who_may_be_present,
        "safe_word_hash": plan.safe_word_hash,
        "duress_phrase_hash": plan.duress_phrase_hash,
    }


def parse_plan(stored: object) -> SafeContactPlan:
    """The plan a stored value stands for. Never raises."""
    if not isinstance(stored, dict):
        return SafeContactPlan()
    version = stored.get("version")
    is_understood = type(version) is int and version == PLAN_VERSION
    fields: dict[str, Any] = {}
    for name, parse in _PARSERS.items():
        try:
            fields[name] = parse(stored[name])
        except (KeyError, TypeError, ValueError):
            is_understood = False
    plan = SafeContactPlan(**fields)
    return plan if is_understood and stored.keys() == {"version", *_PARSERS} else _tighten(plan)


def _tighten(plan: SafeContactPlan) -> SafeContactPlan:
    """Answers where they could be read, and the two hashes, which only ever protect; the rest at its strictest."""
    return replace(
        SafeContactPlan(),
        answered_channels=plan.answered_channels,
        who_may_be_present=plan.who_may_be_present,
        safe_word_hash=plan.safe_word_hash,
        duress_phrase_hash=plan.duress_phrase_hash,
    )


def _write_window(window: ContactWindow) -> dict[str, str]:
    return {
        "weekday": WEEKDAYS[window.weekday],
        "from": _write_clock(window.start_minute),
        "until": _write_clock(window.end_minute),
    }


def _write_clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _parse_channels(value: object) -> frozenset[Channel]:
    return frozenset(Channel(name) for name in _list(value))


def _parse_hours(value: object) -> tuple[ContactWindow, ...]:
    return tuple(_parse_window(window) for window in _list(value))


def _parse_window(value: object) -> ContactWindow:
    if not isinstance(value, dict) or value.keys() != {"weekday", "from", "until"}:
        raise ValueError("a window has a weekday, a start and an end")
    return ContactWindow(
        weekday=WEEKDAYS.index(value["weekday"]),
        start_minute=_parse_clock(value["from"]),
        end_minute=_parse_clock(value["until"]),
    )


def _parse_clock(value: object) -> int:
    found = _CLOCK.fullmatch(_text(value))
    if found is None:
        raise ValueError("a time of day is written 09:00")
    return int(found[1]) * 60 + int(found[2])


def _parse_hash(value: object) -> str | None:
    if value is None:
        return None
    if not _text(value).startswith(HASH_PREFIX):
        raise ValueError("not an argon2 hash")
    return _text(value)


def _parse_wording(value: object) -> Wording:
    return Wording(_text(value))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false was expected")
    return value


_PARSERS: Mapping[str, Callable[[object], object]] = {
    "unasked_channels": _parse_channels,
    "answered_channels": _parse_channels,
    "hours": _parse_hours,
    "wording": _parse_wording,
    "is_unsolicited_agreed": _flag,
    "may_leave_voicemail": _flag,
    "is_safe_first": _flag,
    "who_may_be_present": _text,
    "safe_word_hash": _parse_hash,
    "duress_phrase_hash": _parse_hash,
}
