"""One's own account: role, second factor, recovery codes, and proving again who one is."""

from urllib.parse import quote

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.errors import SignInRefused
from console.forms import read_form
from console.pages import PAGES
from console.second_factor import group_letters
from console.sessions import SESSION
from console.sign_in import SignInMustWait
from console.sign_in_pages import SIGN_IN, clean_next, find_minutes


def add_account_routes(app: web.Application) -> None:
    app.router.add_get("/console/account", show_account)
    app.router.add_post("/console/account/codes", renew_codes)
    app.router.add_get("/console/account/again", show_again)
    app.router.add_post("/console/account/again", prove_again)


async def show_account(request: web.Request) -> web.StreamResponse:
    return await _render_account(request)


async def renew_codes(request: web.Request) -> web.StreamResponse:
    """Ten new recovery codes, shown this once; only right after a proof of who asks."""
    session = request[SESSION]
    if not session.is_fresh(request.app[SERVICE].clock.now()):
        raise web.HTTPSeeOther("/console/account/again?next=/console/account")
    factor = await request.app[SERVICE].database.read(lambda tx: tx.factors.find(session.staff.id))
    if factor is None or not factor.is_confirmed:
        raise web.HTTPSeeOther("/console/account")
    codes = await request.app[SIGN_IN].factor.renew_codes(session.staff)
    return await _render_account(request, codes=[group_letters(code) for code in codes])


async def show_again(request: web.Request) -> web.StreamResponse:
    return await render_again(request, clean_next(request.query.get("next", "")))


async def prove_again(request: web.Request) -> web.StreamResponse:
    session = request[SESSION]
    form = await read_form(request)
    next_page = clean_next(form.get("next", ""))
    if session.staff.issuer is not None:
        raise web.HTTPSeeOther(f"/login/force?again=yes&next={quote(next_page)}")
    try:
        await request.app[SIGN_IN].prove_again(
            session.staff, session.token_hash, form.get("password", ""), form.get("code", "")
        )
    except SignInRefused:
        return await render_again(request, next_page, status=401, fault="refused")
    except SignInMustWait as refusal:
        return await render_again(request, next_page, status=429, wait_minutes=find_minutes(refusal))
    raise web.HTTPSeeOther(next_page)


async def render_again(
    request: web.Request,
    next_page: str,
    *,
    status: int = 200,
    fault: str | None = None,
    wait_minutes: int = 0,
    draft: str = "",
) -> web.Response:
    """The page that asks who one is once more; `draft` is what a refused form held, to copy."""
    session = request[SESSION]
    factor = await request.app[SERVICE].database.read(lambda tx: tx.factors.find(session.staff.id))
    return request.app[PAGES].render(
        "account_again.html",
        status=status,
        session=session,
        next_page=next_page,
        fault=fault,
        wait_minutes=wait_minutes,
        draft=draft,
        by_force=session.staff.issuer is not None,
        has_factor=factor is not None and factor.is_confirmed,
    )


async def _render_account(request: web.Request, *, codes: list[str] | None = None) -> web.Response:
    session = request[SESSION]
    factor, left = await request.app[SERVICE].database.read(
        lambda tx: (tx.factors.find(session.staff.id), len(tx.factors.list_codes(session.staff.id)))
    )
    return request.app[PAGES].render(
        "account.html",
        session=session,
        by_force=session.staff.issuer is not None,
        has_factor=factor is not None and factor.is_confirmed,
        is_sandbox=request.app[SERVICE].settings.is_sandbox,
        codes_left=left,
        codes=codes,
    )
