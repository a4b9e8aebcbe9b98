"""Between the password and the desk: the code of the second factor, and setting it up the first time."""

from aiohttp import web

from casework.adapters.storage.people import ENROL, FACTOR
from casework.adapters.web_app import SERVICE
from casework.model.errors import SignInRefused
from casework.services.ports import StaffMember
from console.forms import read_form
from console.second_factor import begin_factor, draw_secret, group_letters
from console.sessions import FormNotOurs, check_open_form, clear_cookie, cookie_name, set_cookie
from console.sign_in import SignInMustWait
from console.sign_in_pages import HALFWAY, SIGN_IN, clean_next, find_minutes, render_login, render_open_form


def add_second_factor_routes(app: web.Application) -> None:
    app.router.add_get("/login/code", show_code)
    app.router.add_post("/login/code", take_code)
    app.router.add_get("/login/set-up", show_set_up)
    app.router.add_post("/login/set-up", set_up)


async def show_code(request: web.Request) -> web.StreamResponse:
    if await _find_halfway(request, FACTOR) is None:
        return _say_late(request)
    return _render_code(request, clean_next(request.query.get("next", "")))


async def take_code(request: web.Request) -> web.StreamResponse:
    staff = await _find_halfway(request, FACTOR)
    form = await read_form(request)
    next_page = clean_next(form.get("next", ""))
    if staff is None:
        return _say_late(request)
    try:
        check_open_form(request, form.get("form_token", ""))
        await request.app[SIGN_IN].check_code(staff, form.get("code", ""))
    except FormNotOurs:
        return render_login(request, "stale", status=403, next_page=next_page)
    except SignInRefused:
        return _render_code(request, next_page, status=401, fault="wrong")
    except SignInMustWait as refusal:
        return _render_code(request, next_page, status=429, wait_minutes=find_minutes(refusal))
    response = web.HTTPSeeOther(next_page)
    await _open(request, response, staff)
    raise response


async def show_set_up(request: web.Request) -> web.StreamResponse:
    staff = await _find_halfway(request, ENROL)
    if staff is None:
        return _say_late(request)
    return await _render_set_up(request, staff, clean_next(request.query.get("next", "")))


async def set_up(request: web.Request) -> web.StreamResponse:
    """The first right code: the recovery codes, shown this once, on a page that is logged in."""
    staff = await _find_halfway(request, ENROL)
    form = await read_form(request)
    next_page = clean_next(form.get("next", ""))
    if staff is None:
        return _say_late(request)
    try:
        check_open_form(request, form.get("form_token", ""))
        codes = await request.app[SIGN_IN].set_up_factor(staff, form.get("code", ""))
    except FormNotOurs:
        return render_login(request, "stale", status=403, next_page=next_page)
    except SignInRefused:
        return await _render_set_up(request, staff, next_page, status=401, fault="wrong")
    except SignInMustWait as refusal:
        minutes = find_minutes(refusal)
        return await _render_set_up(request, staff, next_page, status=429, wait_minutes=minutes)
    response = render_open_form(
        request,
        "login_recovery.html",
        codes=[group_letters(code) for code in codes],
        next_page=next_page,
        told="kept",
    )
    await _open(request, response, staff)
    return response


async def _open(request: web.Request, response: web.StreamResponse, staff: StaffMember) -> None:
    signed_in = await request.app[SIGN_IN].finish(_halfway_token(request), staff)
    set_cookie(request, response, "session", signed_in.token)
    clear_cookie(request, response, HALFWAY)
    clear_cookie(request, response, "form")


async def _find_halfway(request: web.Request, stage: str) -> StaffMember | None:
    return await request.app[SIGN_IN].find_halfway(_halfway_token(request), stage)


def _halfway_token(request: web.Request) -> str:
    return request.cookies.get(cookie_name(request, HALFWAY), "")


def _say_late(request: web.Request) -> web.Response:
    return render_login(request, "code_late", status=401)


def _render_code(
    request: web.Request,
    next_page: str,
    *,
    status: int = 200,
    fault: str | None = None,
    wait_minutes: int = 0,
) -> web.Response:
    return render_open_form(
        request,
        "login_code.html",
        status=status,
        next_page=next_page,
        fault=fault,
        wait_minutes=wait_minutes,
    )


async def _render_set_up(
    request: web.Request,
    staff: StaffMember,
    next_page: str,
    *,
    status: int = 200,
    fault: str | None = None,
    wait_minutes: int = 0,
) -> web.Response:
    secret = await request.app[SERVICE].database.write(lambda tx: begin_factor(tx, staff.id))
    return render_open_form(
        request,
        "login_set_up.html",
        status=status,
        next_page=next_page,
        fault=fault,
        wait_minutes=wait_minutes,
        drawing=draw_secret(secret, staff.login),
        secret=group_letters(secret),
    )
