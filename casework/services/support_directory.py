"""Support services a person may be told of, chosen by what happened to them. The entries are a template file.

An entry past its review date is never given out: in one sitting five published numbers were found closed,
renamed or misprinted, and a dead number costs a frightened person their one try.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from casework.model.content_lint import find_number

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


class By(StrEnum):
    PHONE = "phone"
    TEXT = "text"
    WEBCHAT = "webchat"
    EMAIL = "email"
    FORM = "form"
    BSL_VIDEO = "bsl_video"
    APP = "app"
    TEXTPHONE = "textphone"
    WEBSITE = "website"


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to make contact. `to`: digits, an e-mail address or an https address; "" where no source gives one.

    `shown` is `to` as people read it. `on_bill` is None unless a source says whether a call or text is on the phone
    bill. `always`: a source says that it is answered, or may be sent, day and night.
    """

    by: By
    to: str = ""
    shown: str = ""
    on_bill: bool | None = None
    always: bool = False


@dataclass(frozen=True, kw_only=True)
class SupportService:
    """One service. Empty `hours` or `cost`: no source agrees, say nothing. "candidate": not phoned yet.

    `reach` ends the sentence "You can ..." with every way there is. `open_hours` is `hours` as values; empty with
    `always_open` false: not known. `youngest` and `oldest` are ages in years, both taken in, None where no source
    gives a limit. `languages`: "en", "cy", "bsl", "interpreter"; empty: not known. `read_on`: when the sources were
    last read, which is not a call to the number.
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
    ways: tuple[Way, ...]
    youngest: int | None
    oldest: int | None
    languages: frozenset[str]
    not_for: str
    source: tuple[tuple[str, str], ...]  # id and title of each page that carried the number
    evidence: str
    read_on: date
    review_by: date
    status: str

    @property
    def publishers(self) -> tuple[str, ...]:
        """Whose pages the entry was taken from, each once: a title ends with its publisher."""
        return tuple(dict.fromkeys(title.rpartition(" - ")[2] for _, title in self.source))


@dataclass(frozen=True, kw_only=True)
class PublishedEntry:
    """What somebody published over an entry: its fields, as `read_fields` has them."""

    fields: Mapping[str, str]
    review_by: date


Published = Mapping[str, PublishedEntry]
"""By the id of the service."""


def find_support_services(
    crime_type: str | None,
    *,
    today: date,
    topic: str | None = None,
    limit: int = 3,
    area: str = "England",
    published: Published | None = None,
) -> list[SupportService]:
    """Up to `limit` services: for the topic asked about, then nearest to the crime, then the one for every crime.

    That last one is always in. The same question always gets the same answer. Empty only when all that fits is
    past its review date. `area` is one of `get_places`, and takes in the wider places it lies in. `published`: what
    was published over the entries.
    """
    topics = _topics_of(crime_type or "")
    asked = frozenset({topic}) if topic else frozenset()
    current = list_current_services(today, areas=(area,), published=published)
    for_everyone = [service for service in current if is_for_everyone(service)]
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
    if is_holiday(here.date()):
        return Opening.HOLIDAY
    is_open = any(
        here.isoweekday() in hours.days and hours.opens <= here.time() < hours.closes
        for hours in service.open_hours
    )
    return Opening.OPEN if is_open else Opening.CLOSED


def find_next_opening(service: SupportService, now: datetime) -> datetime | None:
    """When a service that is closed at that moment opens again, in British time; None where nobody can say.

    A bank holiday is passed over: the hours given may not hold on it.
    """
    here = now.astimezone(LONDON)
    coming = (
        datetime.combine(here.date() + timedelta(days=days), hours.opens, tzinfo=LONDON)
        for days in range(8)
        for hours in sorted(service.open_hours, key=lambda hours: hours.opens)
        if (here + timedelta(days=days)).isoweekday() in hours.days
        and not is_holiday(here.date() + timedelta(days=days))
    )
    return next((opens for opens in coming if opens > here), None)


def is_holiday(day: date) -> bool:
    """Whether the hours given may not hold; past the end of the list nobody knows which days are holidays."""
    holidays = _read_entries()["bank_holidays"]
    return day in holidays["days"] or day > holidays["review_by"]


def list_current_services(
    today: date, *, areas: Iterable[str], published: Published | None = None
) -> list[SupportService]:
    """Those of the UK and of these areas, wider places too, that are not past their review date; in file order."""
    within = _read_entries()["places"]
    places = {"UK", *areas, *(wider for area in areas for wider in within.get(area, []))}
    return [
        service
        for service in _publish_over(published or {})
        if today <= service.review_by and not service.areas.isdisjoint(places)
    ]


def is_for_everyone(service: SupportService) -> bool:
    return _EVERYONES_TOPIC in service.topics


def get_places() -> tuple[str, ...]:
    """Where someone may say that they live, countries first."""
    return tuple(_read_entries()["places"])


def get_happened() -> Mapping[str, frozenset[str]]:
    """What someone may say that happened, and the topics behind each answer."""
    return {name: frozenset(topics) for name, topics in _read_entries()["happened"].items()}


@cache
def get_support_services() -> tuple[SupportService, ...]:
    """Every entry in the order of the file, also those past their review date."""
    return tuple(_parse_service(entry) for entry in _read_entries()["service"])


def read_fields(service: SupportService) -> dict[str, str]:
    """What of an entry may be published over, as people read it."""
    return {
        "phone": service.phone_display,
        "hours": service.hours,
        "for_whom": service.for_whom,
        "reach": service.reach,
        "cost": service.cost,
    }


def _publish_over(published: Published) -> Iterable[SupportService]:
    for service in get_support_services():
        entry = published.get(service.id)
        yield service if entry is None else _change(service, entry)


def _change(service: SupportService, entry: PublishedEntry) -> SupportService:
    """Other hours are words alone: nobody is told "open now" by them. Another number takes the place of the old one."""
    fields = entry.fields
    number = find_number(fields["phone"])
    is_other_number = number != find_number(service.phone_display)
    keeps_hours = fields["hours"] == service.hours
    return replace(
        service,
        phone_display=fields["phone"],
        phone_digits=number if is_other_number else service.phone_digits,
        hours=fields["hours"],
        for_whom=fields["for_whom"],
        reach=fields["reach"],
        cost=fields["cost"],
        always_open=service.always_open and keeps_hours,
        open_hours=service.open_hours if keeps_hours else (),
        ways=tuple(
            replace(
                way,
                to=number if is_other_number else way.to,
                shown=fields["phone"],
                always=way.always and keeps_hours,
            )
            if way.to == service.phone_digits
            else way
            for way in service.ways
        ),
        review_by=entry.review_by,
    )


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
    opens, ages = entry.get("open", []), entry.get("ages", {})
    parsed = {
        "topics": frozenset(entry["topics"]),
        "areas": frozenset(entry["areas"]),
        "languages": frozenset(entry.get("languages", [])),
        "source": tuple((page["id"], page["title"]) for page in entry["source"]),
        "always_open": opens == "always",
        "open_hours": tuple(_parse_hours(row) for row in opens) if opens != "always" else (),
        "ways": tuple(_parse_way(row, entry) for row in entry["ways"]),
        "youngest": ages.get("youngest"),
        "oldest": ages.get("oldest"),
        "not_for": entry.get("not_for", ""),
    }
    given = {name: value for name, value in entry.items() if name not in ("open", "ages")}
    return SupportService(**{**given, **parsed})


def _parse_way(row: Mapping[str, Any], entry: Mapping[str, Any]) -> Way:
    to = row.get("to", "")
    is_the_number = to == entry["phone_digits"]
    return Way(
        by=By(row["by"]),
        to=to,
        shown=row.get("shown") or (entry["phone_display"] if is_the_number else to.removeprefix("https://")),
        on_bill={"yes": True, "no": False}[row["on_bill"]] if "on_bill" in row else None,
        always=row.get("always", is_the_number and entry.get("open") == "always"),
    )


def _parse_hours(row: Mapping[str, Any]) -> OpenHours:
    return OpenHours(days=frozenset(row["days"]), opens=row["from"], closes=row["to"])
