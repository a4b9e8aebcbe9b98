"""Somebody's own case at /my, the dates and rights at /my/dates, and a copy of what they wrote at /my/copy.

There they can ask as well for a copy of everything kept about them, which a person looks through and gives.

What may be shown is decided in casework/services/my_case.py. Who has proved nothing sees one and the same page, whether
or not there is a case.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from aiohttp import web

from casework.adapters.bot_texts import NEXT, RIGHT, STAGE, BotTexts, load_bot_texts
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_visit
from casework.adapters.web_app import SERVICE
from casework.model.access_requests import add_months, load_access_rules
from casework.model.stage_line import ALL_RIGHTS
from casework.model.working_days import local_day
from casework.services.access_ports import AccessRequest
from casework.services.access_requests import (
    PersonNotFound,
    RequestOpenAlready,
    ask_for_own_copy,
    find_own_request,
)
from casework.services.content_book import read_content_book
from casework.services.kept_informed import KeptInformed, load_kept_informed
from casework.services.my_case import Copy, MyCase, copy_conversation, open_my_case
from casework.services.proved import StandingTooLow
from channels.webchat.responses import PAGES, find_language, refuse_foreign_form, see_other, show
from channels.webchat.sessions import find_token_hash, is_own_form
from channels.webchat.timeline import draw_timeline

INFORMED = web.AppKey("webchat_kept_informed", KeptInformed)
TEXTS = web.AppKey("webchat_bot_texts", BotTexts)
COPY = "/my/copy"
SAVED_AS = "messages.txt"

Read = TypeVar("Read")


@dataclass(frozen=True, kw_only=True)
class RightShown:
    """`paragraphs` is empty for a text past its review date: a person can tell."""

    id: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CopyPage:
    """`asked`: their request for everything, while it is open."""

    my: MyCase
    copy: Copy | None
    asked: AccessRequest | None


def add_my_case_routes(app: web.Application) -> None:
    app[INFORMED] = load_kept_informed()
    app[TEXTS] = load_bot_texts()
    app.router.add_get("/my", show_case, allow_head=False)
    app.router.add_get("/my/dates", show_dates, allow_head=False)
    app.router.add_get(COPY, show_copy, allow_head=False)
    app.router.add_post(COPY, save_copy)
    app.router.add_post(COPY + "/ask", ask_for_everything)


async def show_case(request: web.Request) -> web.Response:
    visit, my = await _open(request, lambda tx, found: _read_case(request, tx, found, shows_stage=True))
    if visit is None or my is None:
        return see_other("/")
    pages, texts, today = request.app[PAGES], await _read_texts(request), _find_today(request)
    is_mirrored = pages.languages[find_language(request, visit)].direction == "rtl"
    return show(
        request,
        "my/case.html",
        visit=visit,
        my=my,
        line=draw_timeline(len(my.past), len(my.may_follow), is_mirrored=is_mirrored),
        means=texts.find(my.outcome or f"{STAGE}{my.stage}", today=today),
        next_steps=texts.find(f"{NEXT}{my.stage}", today=today) if not my.outcome else (),
    )


async def show_dates(request: web.Request) -> web.Response:
    visit, my = await _open(request, lambda tx, found: _read_case(request, tx, found, shows_stage=False))
    if visit is None or my is None:
        return see_other("/")
    texts, today = await _read_texts(request), _find_today(request)
    return show(
        request,
        "my/dates.html",
        visit=visit,
        my=my,
        rights_now=[_find_right(right, texts, today) for right in my.rights_now],
        rights=[_find_right(right, texts, today) for right in ALL_RIGHTS],
    )


async def show_copy(request: web.Request) -> web.Response:
    visit, copied = await _open(request, lambda tx, found: _read_copy(request, tx, found, "copy_opened"))
    if visit is None or copied is None:
        return see_other("/")
    return _show_copy(request, visit, copied)


async def ask_for_everything(request: web.Request) -> web.Response:
    """A request for a copy of everything, once while it is open; the page then says until when."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    token_hash = find_token_hash(request)

    def ask(tx: SqlTransaction) -> bool:
        visit = find_visit(tx, token_hash)
        if visit is None or visit.conversation_id is None:
            return False
        tx.web_sessions.touch(token_hash)
        ask_for_own_copy(tx, visit.conversation_id)
        return True

    try:
        is_visit = await request.app[SERVICE].database.write(ask)
    except (PersonNotFound, RequestOpenAlready, StandingTooLow):
        # The page says which, as it is now.
        is_visit = True
    return see_other(f"{COPY}#everything" if is_visit else "/")


async def save_copy(request: web.Request) -> web.Response:
    """The same as a text file of a neutral name."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    visit, copied = await _open(request, lambda tx, found: _read_copy(request, tx, found, "copy_saved"))
    if visit is None or copied is None:
        return see_other("/")
    copy = copied.copy
    if copy is None or not copy.may_be_saved:
        return _show_copy(request, visit, copied, status=403)
    response = show(request, "my/messages.txt", visit=visit, copy=copy, at=request.app[SERVICE].clock.now())
    response.content_type = "text/plain"
    response.headers["Content-Disposition"] = f'attachment; filename="{SAVED_AS}"'
    return response


async def _open(
    request: web.Request, read: Callable[[SqlTransaction, WebVisit], Read]
) -> tuple[WebVisit | None, Read | None]:
    """The visit, kept awake by this page, and what it reads, in one transaction.

    Looking is the one way in which news is read, and it has to work without a script: so a GET writes here that the
    standing was used, that the news was read, and the audit. It changes nothing that the person decides, no other
    site can cause it (SameSite=Strict), and a browser that only loads ahead is turned away.
    """
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        raise web.HTTPServiceUnavailable(text="")
    token_hash = find_token_hash(request)

    def look(tx: SqlTransaction) -> tuple[WebVisit | None, Read | None]:
        visit = find_visit(tx, token_hash)
        if visit is None:
            return None, None
        tx.web_sessions.touch(token_hash)
        return visit, read(tx, visit)

    return await request.app[SERVICE].database.write(look)


def _read_case(request: web.Request, tx: SqlTransaction, visit: WebVisit, *, shows_stage: bool) -> MyCase:
    informed = request.app[INFORMED]
    my = open_my_case(tx, visit.conversation_id, informed=informed, shows_stage=shows_stage)
    if my.is_linked:
        page = request.path.rpartition("/")[2]
        tx.audit.record("my_case_opened", by="person", conversation_id=visit.conversation_id, thing=page)
    return my


def _read_copy(request: web.Request, tx: SqlTransaction, visit: WebVisit, act: str) -> CopyPage:
    my = _read_case(request, tx, visit, shows_stage=False)
    talk = visit.conversation_id
    copy = copy_conversation(tx, talk, my) if talk else None
    if copy is not None and (act == "copy_opened" or copy.may_be_saved):
        tx.audit.record(act, by="person", conversation_id=talk)
    asked = find_own_request(tx, talk) if talk and copy is not None else None
    return CopyPage(my=my, copy=copy, asked=asked)


def _show_copy(request: web.Request, visit: WebVisit, page: CopyPage, *, status: int = 200) -> web.Response:
    rules, today = load_access_rules(), _find_today(request)
    return show(
        request,
        "my/copy.html",
        visit=visit,
        status=status,
        my=page.my,
        copy=page.copy,
        asked=page.asked,
        due_on=add_months(today, rules.months),
        latest_on=add_months(today, rules.months + rules.further_months),
    )


async def _read_texts(request: web.Request) -> BotTexts:
    book = await request.app[SERVICE].database.read(read_content_book)
    return request.app[TEXTS].over(book.replies)


def _find_right(right: str, texts: BotTexts, today: date) -> RightShown:
    return RightShown(id=right, paragraphs=texts.find(RIGHT + right, today=today))


def _find_today(request: web.Request) -> date:
    return local_day(request.app[SERVICE].clock.now())
