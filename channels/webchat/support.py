"""Open pages for anyone, whether or not they reported: who can help, and the other ways to reach help.

What is chosen comes in a form's body and goes back with the page: nothing is stored, nothing is in an address.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qs

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.services.content_book import read_content_book
from casework.services.support_directory import get_happened, get_places
from casework.services.support_finder import (
    ALL,
    EVERYTHING,
    MAY_BE_DROPPED,
    AgeBand,
    Criteria,
    Language,
    Privately,
    drop,
    find,
)
from channels.webchat.responses import add_open_page, read_visit, show
from channels.webchat.sessions import is_own_form

Chosen = TypeVar("Chosen", bound=StrEnum)


def add_support_routes(app: web.Application) -> None:
    add_open_page(app, "/find", get=show_finder, post=find_services)
    add_open_page(app, "/ways", get=show_ways)


async def show_finder(request: web.Request) -> web.Response:
    return await _show_finder(request, Criteria())


async def find_services(request: web.Request) -> web.Response:
    """The same page with what was found under the form; whatever cannot be read counts as not said."""
    if not is_own_form(request):
        return show(request, "chat/refused.html", status=403)
    return await _show_finder(request, parse_criteria(await request.read()), is_asked=True)


async def show_ways(request: web.Request) -> web.Response:
    return show(request, "support/ways.html", visit=await read_visit(request))


def parse_criteria(body: bytes) -> Criteria:
    """What a form chose. `drop` names one of the things that its button leaves out again, `everything` asks for all."""
    fields = parse_qs(body.decode("ascii", "replace"))
    criteria = Criteria(
        happened=_first(fields, "happened", get_happened()),
        area=_first(fields, "area", get_places()),
        age=_one_of(AgeBand, fields, "age"),
        language=_one_of(Language, fields, "language"),
        open_now="open_now" in fields,
        privately=frozenset(way for way in Privately if way in fields.get("privately", [])),
    )
    if dropped := _first(fields, "drop", (*MAY_BE_DROPPED, ALL)):
        criteria = drop(criteria, dropped)
    return Criteria(happened=EVERYTHING, area=criteria.area) if "everything" in fields else criteria


async def _show_finder(request: web.Request, criteria: Criteria, *, is_asked: bool = False) -> web.Response:
    service = request.app[SERVICE]
    finding = None
    if is_asked:
        book = await service.database.read(read_content_book)
        finding = find(criteria, service.clock.now(), published=book.entries)
    return show(
        request,
        "support/find.html",
        visit=await read_visit(request),
        criteria=criteria,
        finding=finding,
        happened=tuple(get_happened()),
        places=get_places(),
    )


def _first(
    fields: Mapping[str, Sequence[str]], name: str, allowed: Mapping[str, object] | Sequence[str]
) -> str:
    return next((value for value in fields.get(name, []) if value in allowed), "")


def _one_of(choices: type[Chosen], fields: Mapping[str, Sequence[str]], name: str) -> Chosen | None:
    return next((choice for choice in choices if choice in fields.get(name, [])), None)
