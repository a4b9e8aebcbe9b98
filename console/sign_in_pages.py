"""The log-in and log-out pages."""

import math
import re
import secrets
from typing import Any

from aiohttp import web

from casework.adapters.storage.people import FACTOR, OPEN
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import SignInRefused
from console.forms import read_form
from console.pages import PAGES
from console.sessions import (
    SESSION,
    DeskSession,
    FormNotOurs,
    check_open_form,
    clear_cookie,
    cookie_name,
    find_session,
    set_cookie,
)
from console.sign_in import SignedIn, SignIn, SignInMustWait

SIGN_IN = web.AppKey("sign_in", SignIn)
HOME = "/console"
HALFWAY = "halfway"
# Only our own pages: an address from outside in `next` would send a detective to a look-alike.
OWN_PAGE = re.compile(r"/(console|workbench)(/[a-z0-9_-]+){0,6}")
LONGEST_NEXT = 200


def add_sign_in_routes(app: web.Application) -> None:
    app[SIGN_IN] = SignIn(app[SERVICE])
    app.router.add_get("/login", show_login)
    app.router.add_post("/login", sign_in)
    app.router.add_post("/logout", sign_out)


async def show_login(request: web.Request) -> web.StreamResponse:
    if await find_session(request) is not None:
        raise web.HTTPSeeOther(clean_next(request.query.get("next", "")))
    told = "left" if "left" in request.query else "needed" if "next" in request.query else None
    return render_login(request, told, next_page=clean_next(request.query.get("next", "")))


async def sign_in(request: web.Request) -> web.StreamResponse:
    form = await read_form(request)
    login, next_page = form.get("login", ""), clean_next(form.get("next", ""))
    if not request.app[SERVICE].settings.local_staff:
        return render_login(request, "only_by_force", status=403, next_page=next_page)
    try:
        check_open_form(request, form.get("form_token", ""))
        signed_in = await request.app[SIGN_IN].sign_in(login, form.get("password", ""))
    except FormNotOurs:
        return render_login(request, "stale", status=403, login=login, next_page=next_page)
    except SignInRefused:
        return render_login(request, "refused", status=401, login=login, next_page=next_page)
    except SignInMustWait as refusal:
        minutes = find_minutes(refusal)
        return render_login(request, None, status=429, login=login, next_page=next_page, wait_minutes=minutes)
    if signed_in.stage != OPEN:
        raise _go_on(request, signed_in, next_page)
    response = web.HTTPSeeOther(next_page)
    set_cookie(request, response, "session", signed_in.token)
    clear_cookie(request, response, "form")
    raise response


def _go_on(request: web.Request, signed_in: SignedIn, next_page: str) -> web.HTTPSeeOther:
    """To the code of the second factor, or to setting it up."""
    page = "code" if signed_in.stage == FACTOR else "set-up"
    response = web.HTTPSeeOther(f"/login/{page}?next={next_page}")
    set_cookie(request, response, HALFWAY, signed_in.token)
    return response


def find_minutes(refusal: SignInMustWait) -> int:
    """Whole minutes to wait, from 1."""
    return math.ceil(refusal.wait.total_seconds() / 60)


async def sign_out(request: web.Request) -> web.StreamResponse:
    session = request[SESSION]
    await request.app[SERVICE].database.write(lambda tx: _end_session(tx, session))
    response = web.HTTPSeeOther("/login?left=1")
    clear_cookie(request, response, "session")
    raise response


def render_login(
    request: web.Request,
    told: str | None,
    *,
    status: int = 200,
    login: str = "",
    next_page: str = HOME,
    wait_minutes: int = 0,
    draft: str = "",
) -> web.Response:
    """The log-in page; `told` names the sentence above the form, `draft` is shown so it can be copied."""
    settings = request.app[SERVICE].settings
    return render_open_form(
        request,
        "login.html",
        status=status,
        told=told,
        login=login,
        next_page=next_page,
        wait_minutes=wait_minutes,
        draft=draft,
        is_sandbox=settings.is_sandbox,
        by_force=settings.oidc is not None,
        by_password=settings.local_staff,
    )


def render_open_form(
    request: web.Request, template: str, *, status: int = 200, **values: Any
) -> web.Response:
    """A page before there is a session, whose form repeats a cookie that only it could set."""
    form_token = request.cookies.get(cookie_name(request, "form")) or secrets.token_urlsafe(32)
    response = request.app[PAGES].render(
        template, status=status, session=None, form_token=form_token, **values
    )
    set_cookie(request, response, "form", form_token)
    return response


def _end_session(tx: SqlTransaction, session: DeskSession) -> None:
    tx.staff.end_session(session.token_hash)
    tx.audit.record("signed_out", by=session.staff.id)


def clean_next(wished: str) -> str:
    """A page of the desk; its home for anything else."""
    return wished if len(wished) <= LONGEST_NEXT and OWN_PAGE.fullmatch(wished) else HOME
