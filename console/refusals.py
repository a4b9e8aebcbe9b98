"""One place where a refusal becomes a page, with whatever the person had written still on it."""

from urllib.parse import quote

import structlog
from aiohttp import web

from casework.adapters.storage.people import StaffMemberNotFound
from casework.adapters.web_app import SERVICE, Handler, name_route
from casework.model.errors import (
    AlreadyClaimed,
    ConversationNotFound,
    NotTheOwner,
    NotUnattended,
    TooManyUrgent,
    TransferNotFound,
    TransferOver,
    WaymarkError,
)
from casework.services.drill_ports import DrillNotFound
from console.access import (
    ROUTES,
    ActRefused,
    ConversationClosed,
    FreshProofNeeded,
    RoleRefused,
    find_home,
)
from console.forms import read_form
from console.officer.desk_links import NoCaseLinked
from console.pages import PAGES
from console.sessions import SESSION, FormNotOurs, SessionNeeded
from console.sign_in_pages import clean_next, render_login
from console.staff.account_pages import render_again

log = structlog.get_logger()

REFUSAL_OF: dict[type[WaymarkError], tuple[int, str]] = {
    ConversationNotFound: (404, "not_found"),
    DrillNotFound: (404, "not_found"),
    NotTheOwner: (409, "not_the_owner"),
    FormNotOurs: (403, "form_not_ours"),
    RoleRefused: (403, "not_for_your_role"),
    ActRefused: (403, "not_in_this_one"),
    # As for an address that leads nowhere: whether there is such a conversation is not told.
    ConversationClosed: (404, "closed"),
    NoCaseLinked: (409, "no_case_linked"),
    # The owner let go between the failed claim and the look at who it was.
    StaffMemberNotFound: (409, "changed_meanwhile"),
    TooManyUrgent: (409, "too_many_urgent"),
    TransferOver: (409, "transfer_over"),
    TransferNotFound: (409, "transfer_over"),
    NotUnattended: (409, "not_unattended"),
}
REFUSAL_OF_STATUS = {404: "not_found", 413: "too_large"}


@web.middleware
async def show_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """WaymarkErrors and HTTP errors as pages in plain words; anything else as a 500 that is logged."""
    try:
        return await handler(request)
    except web.HTTPError as error:
        name = REFUSAL_OF_STATUS.get(error.status, "request_not_understood")
        return await _render(request, error.status, name)
    except (web.HTTPException, ConnectionResetError):
        raise
    except SessionNeeded:
        return await _ask_to_log_in(request)
    except FreshProofNeeded:
        return await _ask_for_proof(request)
    except AlreadyClaimed as refusal:
        return _render_already_claimed(request, refusal)
    except WaymarkError as refusal:
        status, name = REFUSAL_OF.get(type(refusal), (500, "server_error"))
        if status == 500:
            log.exception("refusal_without_a_page", route=name_route(request))
        return await _render(request, status, name)
    except Exception:
        log.exception("request_failed", route=name_route(request), method=request.method)
        return await _render(request, 500, "server_error")


async def _ask_to_log_in(request: web.Request) -> web.StreamResponse:
    if "X-Pane" in request.headers or request.path.endswith("/events"):
        return web.Response(status=401)
    if request.method in ("GET", "HEAD"):
        raise web.HTTPSeeOther(f"/login?next={quote(request.path)}")
    return render_login(request, "idle", status=401, draft=await _find_draft(request))


async def _ask_for_proof(request: web.Request) -> web.StreamResponse:
    """The page that asks again who they are; what a form held stands on it, to copy."""
    if request.method in ("GET", "HEAD"):
        raise web.HTTPSeeOther(f"/console/account/again?next={quote(request.path)}")
    # A form is never sent a second time by itself: they go back to its page.
    has_page = f"GET {name_route(request)}" in ROUTES
    next_page = clean_next(request.path if has_page else find_home(request[SESSION].staff.role))
    return await render_again(request, next_page, status=401, draft=await _find_draft(request))


async def _find_draft(request: web.Request) -> str:
    """What the person wrote in the form that was refused; empty when there is nothing readable."""
    if request.method != "POST":
        return ""
    try:
        return (await read_form(request)).get("text", "")
    except web.HTTPException:
        return ""


async def _render(request: web.Request, status: int, name: str) -> web.Response:
    return request.app[PAGES].render(
        "refusal.html",
        status=status,
        refusal=name,
        session=request.get(SESSION),
        conversation_id=request.match_info.get("conversation_id"),
        draft=await _find_draft(request),
    )


def _render_already_claimed(request: web.Request, refusal: AlreadyClaimed) -> web.Response:
    return request.app[PAGES].render(
        "already_claimed.html",
        status=409,
        session=request[SESSION],
        conversation_id=request.match_info["conversation_id"],
        owner_name=refusal.owner_name,
        owned_seconds=_seconds_since(request, refusal.owned_since),
    )


def _seconds_since(request: web.Request, moment: object) -> int | None:
    now = request.app[SERVICE].clock.now()
    return max(0, int((now - moment).total_seconds())) if isinstance(moment, type(now)) else None
