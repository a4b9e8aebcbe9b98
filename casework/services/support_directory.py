"""Support services a person may be told of, chosen by what happened to them. The entries are a template file.

An entry past its review date is never given out: in one sitting five published numbers were found closed,
renamed or misprinted, and a dead number costs a frightened person their one try.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

_ENTRIES = Path(__file__).parent.parent / "templates" / "support_services.toml"
_EVERYONES_TOPIC = "any_crime"


class Opening(StrEnum):
    """Whether someone answers now. HOLIDAY: the hours given may not hold today. UNKNOWN: no source agrees."""

    ALWAYS = "always"
    OPEN = "open"
    CLOSED = "closed"
    HOLIDAY = "holiday"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class OpenHours:
    """Hours on some days of the week, in British time. Monday is 1; open from `opens` until just before `closes`."""

    days: frozenset[int]
    opens: time
    closes: time


@dataclass(frozen=True, kw_only=True)
class SupportService:
    """One service. Empty `hours` or `cost`: no source agrees, say nothing. "candidate": not phoned yet.

    `reach` ends the sentence "You can ..." with every way there is. `open_hours` is `hours` as values; empty with
    `always_open` false: not known.
    """

    id: str
    name: str
    for_whom: str
    topics: frozenset[str]
    areas: frozenset[str]
    contact_by: str  # "phone" or "text"
    phone_digits: str
    phone_display: str
    hours: str
    always_open: bool
    open_hours: tuple[OpenHours, ...]
    cost: str
    reach: str
    source: tuple[tuple[str, str], ...]  # id and title of each page that carried the number
    evidence: str
    review_by: date
    status: str


def find_support_services(
    crime_type: str | None, *, today: date, topic: str | None = None, limit: int = 3, area: str = "England"
) -> list[SupportService]:
    """Up to `limit` services: for the topic asked about, then nearest to the crime, then the one for every crime.

    That last one is always in. The same question always gets the same answer. Empty only when all that fits is
    past its review date.
    """
    topics = _topics_of(crime_type or "")
    asked = frozenset({topic}) if topic else frozenset()
    current = [service for service in get_support_services() if _is_shown(service, today, area)]
    for_everyone = [service for service in current if _EVERYONES_TOPIC in service.topics]
    special = [
        service for service in current if (topics | asked) & service.topics and service not in for_everyone
    ]
    special.sort(key=lambda service: (not asked & service.topics, -len(topics & service.topics)))
    return [*special[: max(limit - len(for_everyone), 0)], *for_everyone][:limit]


def find_opening(service: SupportService, now: datetime) -> Opening:
    """Whether the service answers at that moment (aware)."""
    if service.always_open:
        return Opening.ALWAYS
    if not service.open_hours:
        return Opening.UNKNOWN
    here = now.astimezone(LONDON)
    holidays = _read_entries()["bank_holidays"]
    # Past the end of the list nobody knows which days are holidays.
    if here.date() in holidays["days"] or here.date() > holidays["review_by"]:
        return Opening.HOLIDAY
    is_open = any(
        here.isoweekday() in hours.days and hours.opens <= here.time() < hours.closes
        for hours in service.open_hours
    )
    return Opening.OPEN if is_open else Opening.CLOSED


@cache
def get_support_services() -> tuple[SupportService, ...]:
    """Every entry in the order of the file, also those past their review date."""
    return tuple(_parse_service(entry) for entry in _read_entries()["service"])


def _is_shown(service: SupportService, today: date, area: str) -> bool:
    return today <= service.review_by and not service.areas.isdisjoint({area, "UK"})


def _topics_of(crime_type: str) -> frozenset[str]:
    written = " ".join(re.findall(r"[a-z]+", crime_type.casefold()))
    patterns: Mapping[str, list[str]] = _read_entries()["topic_words"]
    return frozenset(
        topic for topic, words in patterns.items() if any(_is_in(word, written) for word in words)
    )


def _is_in(word: str, written: str) -> bool:
    ending = r"[a-z]*" if word.endswith("*") else ""
    return re.search(rf"\b{re.escape(word.rstrip('*'))}{ending}\b", written) is not None


@cache
def _read_entries() -> dict[str, Any]:
    return tomllib.loads(_ENTRIES.read_text(encoding="utf-8"))


def _parse_service(entry: Mapping[str, Any]) -> SupportService:
    sets = {"topics": frozenset(entry["topics"]), "areas": frozenset(entry["areas"])}
    source = tuple((page["id"], page["title"]) for page in entry["source"])
    opens = entry.get("open", [])
    hours = {
        "always_open": opens == "always",
        "open_hours": tuple(_parse_hours(row) for row in opens) if opens != "always" else (),
    }
    given = {name: value for name, value in entry.items() if name != "open"}
    return SupportService(**{**given, **sets, **hours, "source": source})


def _parse_hours(row: Mapping[str, Any]) -> OpenHours:
    return OpenHours(days=frozenset(row["days"]), opens=row["from"], closes=row["to"])
