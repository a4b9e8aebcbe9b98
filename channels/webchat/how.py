"""How they may be written to, at /my/how: shown, asked to be changed, and changed by who was rung within the hour."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.contact_hours import ContactWindow
from casework.services.plan_requests import (
    ANSWERED,
    WRITTEN_FIRST,
    OwnPlan,
    ShownPlan,
    ask_for_change,
    change_own_plan,
    find_own_plan,
    has_asked,
)
from casework.services.proved import Proved, StandingTooLow
from channels.webchat.composer import new_msg_id, parse_composer
from channels.webchat.fields import parse_fields, read_text
from channels.webchat.proved_pages import get_receiving, open_page, show_closed, show_not_yet
from channels.webchat.responses import PAGES, refuse_foreign_form, see_other, show, touch_visit
from channels.webchat.sessions import is_own_form

HOW, CHAT, START = "/my/how", "/m", "/"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLOCK = re.compile(r"([01]?\d|2[0-4])[:.]([0-5]\d)", re.ASCII)
# What they may ask for by a tick; the words are in my/request.txt, for whoever reads them at the desk.
WISHES = ("nothing_first", "other_hours", "other_place", "other_words", "ring_me")


class HoursUnclear(ValueError):
    """A day with half a window, or a time that is none."""

    def __init__(self, day: str) -> None:
        super().__init__(day)
        self.day = day


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What a form that was not taken said, to be shown again.

    `problem` is "empty", "too_long", "hours" (of `day`) or "call_over": the time for changing it here has run out.
    """

    problem: str
    fields: Mapping[str, str]
    day: str = ""


def add_how_routes(app: web.Application) -> None:
    app.router.add_get(HOW, show_how, allow_head=False)
    app.router.add_post(HOW, receive_form)


async def show_how(request: web.Request) -> web.Response:
    return await _show_page(request)


async def receive_form(request: web.Request) -> web.Response:
    """The one form or the other of the page: `act` says which. What is not clear is a wish, and changes nothing."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    body = await request.read()
    fields = _read_texts(body)
    return await (_change(request, fields) if fields.get("act") == "change" else _ask(request, fields, body))


async def _change(request: web.Request, fields: Mapping[str, str]) -> web.Response:
    """Saves the plan, at the highest standing alone; else nothing is changed and the page says so."""
    visit = await touch_visit(request)
    if visit is None or visit.conversation_id is None:
        page_language = fields.get("page_language")
        return show(request, "my/not_changed.html", status=401, language=page_language)
    conversation_id = visit.conversation_id
    try:
        changed = parse_plan_form(fields)
    except HoursUnclear as fault:
        return await _show_page(request, typed=Typed(problem="hours", fields=fields, day=fault.day))
    try:
        await request.app[SERVICE].database.write(lambda tx: change_own_plan(tx, conversation_id, changed))
    except StandingTooLow:
        return await _show_page(request, typed=Typed(problem="call_over", fields=fields))
    return see_other(HOW)


async def _ask(request: web.Request, fields: Mapping[str, str], body: bytes) -> web.Response:
    """Their wish to have it changed, for a person."""
    form = parse_composer(_as_composer(request, fields, body))
    visit = await touch_visit(request)
    if visit is None:
        return show_closed(request, form)
    if not fields.get("text", "").strip() and not _list_wishes(fields):
        return await _show_page(request, typed=Typed(problem="empty", fields=fields))
    if form.is_too_long:
        return await _show_page(request, typed=Typed(problem="too_long", fields=fields))
    service = request.app[SERVICE]
    message = replace(form.to_message(visit.external_id, received_at=service.clock.now()), raw=body)
    is_asked = await service.database.write(
        lambda tx: ask_for_change(tx, message, receiving=get_receiving(service))
    )
    # Nothing is proved any more: the words are in the chat, and are answered there.
    return see_other(HOW if is_asked else CHAT)


def parse_plan_form(fields: Mapping[str, str]) -> ShownPlan:
    """What the form says; a box that is not ticked is a no. Raises HoursUnclear."""
    return ShownPlan(
        unasked_channels=frozenset(each for each in WRITTEN_FIRST if fields.get(f"first_{each}") == "yes"),
        answered_channels=frozenset(each for each in ANSWERED if fields.get(f"answer_{each}") == "yes"),
        hours=tuple(
            window
            for number, day in enumerate(WEEKDAYS)
            if (window := _parse_window(number, day, fields)) is not None
        ),
        is_neutral=fields.get("wording") != "plain",
        is_safe_first=fields.get("safe_first") == "yes",
        may_leave_voicemail=fields.get("voicemail") == "yes",
    )


def _parse_window(weekday: int, day: str, fields: Mapping[str, str]) -> ContactWindow | None:
    start, end = (fields.get(f"{day}_{edge}", "").strip() for edge in ("from", "to"))
    if not start and not end:
        return None
    try:
        return ContactWindow(
            weekday=weekday, start_minute=_parse_minute(start), end_minute=_parse_minute(end)
        )
    except ValueError as fault:
        raise HoursUnclear(day) from fault


def _parse_minute(text: str) -> int:
    found = CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("a time of day is written 09:00")
    return int(found[1]) * 60 + int(found[2])


def _read_texts(body: bytes) -> dict[str, str]:
    return {name: read_text(value) for name, value in parse_fields(body).items()}


def _list_wishes(fields: Mapping[str, str]) -> list[str]:
    return [wish for wish in WISHES if fields.get(wish) == "yes"]


def _as_composer(request: web.Request, fields: Mapping[str, str], body: bytes) -> bytes:
    """The wish as one message, in English for the desk; the person's own words stand last, byte for byte."""
    asked = request.app[PAGES].render("my/request.txt", wishes=_list_wishes(fields)).strip()
    raw = parse_fields(body)
    words = raw.get("text", b"").strip()
    if not words and not _list_wishes(fields):
        return b""
    text = asked.encode() + (b"\n\n" + words if words else b"")
    kept = {name: raw.get(name, b"") for name in ("msg_id", "page_language")}
    return urlencode({**kept, "text": text}).encode()


async def _show_page(request: web.Request, *, typed: Typed | None = None) -> web.Response:
    opened = await open_page(request, _look)
    if opened is None:
        return see_other(START)
    if opened.found is None:
        return show_not_yet(request, opened, kept=typed.fields.get("text", "") if typed else "")
    own, is_asked = opened.found
    fields = typed.fields if typed else {}
    return show(
        request,
        "my/how.html",
        visit=opened.visit,
        status=422 if typed else 200,
        plan=own.plan,
        may_change=own.may_change,
        is_asked=is_asked,
        safety_line=opened.safety_line,
        problem=typed.problem if typed else "",
        problem_day=typed.day if typed else "",
        typed=fields,
        times=_list_times(own.plan),
        weekdays=WEEKDAYS,
        written_first=WRITTEN_FIRST,
        answered=ANSWERED,
        wishes=WISHES,
        msg_id=fields.get("msg_id") or new_msg_id(),
    )


def _look(tx: SqlTransaction, conversation_id: str, proved: Proved) -> tuple[OwnPlan, bool] | None:
    own = find_own_plan(tx, conversation_id)
    return None if own is None else (own, has_asked(tx, conversation_id))


def _list_times(plan: ShownPlan) -> dict[str, list[tuple[str, str]]]:
    """Weekday -> (from, to) as a clock shows them."""
    shown: dict[str, list[tuple[str, str]]] = {}
    for window in plan.hours:
        times = (_write_clock(window.start_minute), _write_clock(window.end_minute))
        shown.setdefault(WEEKDAYS[window.weekday], []).append(times)
    return shown


def _write_clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
