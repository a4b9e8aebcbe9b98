"""Finding a support service by what one person needs, from the same list and in the same order as the chat.

Nothing is kept of what was asked. What no source says is never a reason to hide a service, except where someone asked
for what is certain: open now, and ways that leave nothing on a phone bill.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from casework.services.support_directory import (
    LONDON,
    By,
    Opening,
    Published,
    SupportService,
    Way,
    find_next_opening,
    find_opening,
    get_happened,
    get_places,
    is_for_everyone,
    list_current_services,
)

COUNTRIES = ("England", "Wales")
EVERYTHING = "everything"
OLDEST_PERSON = 150
ALL = "all"
MAY_BE_DROPPED = ("open_now", "privately", "age")
# With a child, whoever listens to children comes first, whatever happened.
CHILDRENS_TOPIC = "children"


class AgeBand(StrEnum):
    UNDER_18 = "under_18"
    FROM_18_TO_59 = "18_to_59"
    FROM_60 = "60_or_over"


class Language(StrEnum):
    """What someone needs besides English. The values are those of the list."""

    WELSH = "cy"
    BSL = "bsl"
    INTERPRETER = "interpreter"


class Privately(StrEnum):
    """NOT_SPOKEN: no phone call. WRITTEN: text message or web chat. NOT_ON_BILL: nothing that a phone bill may show."""

    NOT_SPOKEN = "not_spoken"
    WRITTEN = "written"
    NOT_ON_BILL = "not_on_bill"


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What someone chose. "" and None: they would rather not say. `happened` is a name of `get_happened`, or all.

    Raises ValueError for a thing or a place that is not on the list.
    """

    happened: str = ""
    area: str = ""
    age: AgeBand | None = None
    language: Language | None = None
    open_now: bool = False
    privately: frozenset[Privately] = frozenset()

    def __post_init__(self) -> None:
        if self.happened not in {"", EVERYTHING, *get_happened()} or self.area not in {"", *get_places()}:
            raise ValueError("nothing on the list is called that")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A service with the ways that fit what was chosen, and the others. `opens_at`: British time, when closed.

    `has_language` is None unless a language was asked for and the list says which ones there are.
    """

    service: SupportService
    opening: Opening
    opens_at: datetime | None
    ways: tuple[Way, ...]
    other_ways: tuple[Way, ...]
    has_language: bool | None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`more`: how many more there would be without one of the things chosen, by its name in `Criteria`, or ALL."""

    found: tuple[Found, ...]
    more: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_general_only(self) -> bool:
        """Whether nothing found is for what happened in particular."""
        return all(is_for_everyone(each.service) for each in self.found)


_ANYTHING = Criteria()
_AGES = {
    AgeBand.UNDER_18: (0, 17),
    AgeBand.FROM_18_TO_59: (18, 59),
    AgeBand.FROM_60: (60, OLDEST_PERSON),
}
_SPOKEN = {By.PHONE}
_WRITTEN = {By.TEXT, By.WEBCHAT}
_ON_A_BILL = {By.PHONE, By.TEXT, By.TEXTPHONE}


def find(criteria: Criteria, now: datetime, *, published: Published | None = None) -> Finding:
    """Services within their review date, best first: for what happened, then those for everyone. `now` is aware.

    `published`: what was published over the entries. Empty only when all that fits is past its review date, or
    nothing is sure to be open.
    """
    found = _list_found(criteria, now, published)
    shown = {each.service.id for each in found}

    def count_more(name: str) -> int:
        return len({each.service.id for each in _list_found(drop(criteria, name), now, published)} - shown)

    chosen = [name for name in MAY_BE_DROPPED if getattr(criteria, name) != getattr(_ANYTHING, name)]
    more = {name: count for name in chosen if (count := count_more(name))}
    # Two things together may hide what neither hides alone.
    every = count_more(ALL) if len(chosen) > 1 else 0
    return Finding(
        found=tuple(found), more=more | ({ALL: every} if every > max(more.values(), default=0) else {})
    )


def drop(criteria: Criteria, name: str) -> Criteria:
    """The same without one of the things that may be dropped, or without ALL of them."""
    names = MAY_BE_DROPPED if name == ALL else (name,)
    return replace(criteria, **{each: getattr(_ANYTHING, each) for each in names})


def _list_found(criteria: Criteria, now: datetime, published: Published | None) -> list[Found]:
    today = now.astimezone(LONDON).date()
    current = list_current_services(today, areas=_areas_of(criteria), published=published)
    chosen = [service for service in current if _is_asked_for(service, criteria)]
    chosen.sort(key=lambda service: _rank(service, criteria))
    looked_at = (_look_at(service, criteria, now) for service in chosen)
    return [each for each in looked_at if each.ways and _is_reachable(each, criteria, now)]


def _areas_of(criteria: Criteria) -> tuple[str, ...]:
    if criteria.area:
        return (criteria.area,)
    return get_places() if criteria.happened == EVERYTHING else COUNTRIES


def _is_asked_for(service: SupportService, criteria: Criteria) -> bool:
    if not _fits_some(service, criteria.age):
        return False
    is_all = criteria.happened == EVERYTHING
    return is_all or is_for_everyone(service) or bool(service.topics & _topics_of(criteria))


def _topics_of(criteria: Criteria) -> frozenset[str]:
    topics = get_happened().get(criteria.happened, frozenset())
    return topics | {CHILDRENS_TOPIC} if criteria.age is AgeBand.UNDER_18 else topics


def _rank(service: SupportService, criteria: Criteria) -> tuple[bool | int, ...]:
    """Smallest first; a list sorts stably, so what is alike stays in the order of the file."""
    topics = _topics_of(criteria)
    is_childs = criteria.age is AgeBand.UNDER_18 and CHILDRENS_TOPIC in service.topics
    return (
        is_for_everyone(service),
        not is_childs,
        not _fits_all(service, criteria.age),
        criteria.language is not None and criteria.language not in service.languages,
        -len(topics & service.topics),
    )


def _fits_some(service: SupportService, age: AgeBand | None) -> bool:
    youngest, oldest = _AGES[age] if age else (0, OLDEST_PERSON)
    return (service.youngest or 0) <= oldest and youngest <= (service.oldest or OLDEST_PERSON)


def _fits_all(service: SupportService, age: AgeBand | None) -> bool:
    if age is None:
        return True
    youngest, oldest = _AGES[age]
    return (service.youngest or 0) <= youngest and oldest <= (service.oldest or OLDEST_PERSON)


def _look_at(service: SupportService, criteria: Criteria, now: datetime) -> Found:
    opening = find_opening(service, now)
    fitting = tuple(way for way in service.ways if _is_private(way, criteria.privately))
    return Found(
        service=service,
        opening=opening,
        opens_at=find_next_opening(service, now) if opening is Opening.CLOSED else None,
        ways=fitting,
        other_ways=tuple(way for way in service.ways if way not in fitting),
        has_language=criteria.language in service.languages
        if criteria.language and service.languages
        else None,
    )


def _is_private(way: Way, privately: frozenset[Privately]) -> bool:
    if Privately.NOT_SPOKEN in privately and way.by in _SPOKEN:
        return False
    if Privately.WRITTEN in privately and way.by not in _WRITTEN:
        return False
    return not (Privately.NOT_ON_BILL in privately and way.by in _ON_A_BILL and way.on_bill is not False)


def _is_reachable(each: Found, criteria: Criteria, now: datetime) -> bool:
    """Whether some way that fits is sure to be answered now, where that was asked for."""
    if not criteria.open_now:
        return True
    answers = each.opening in (Opening.ALWAYS, Opening.OPEN)
    number = each.service.phone_digits
    return any(way.always or (answers and way.to == number) for way in each.ways)
