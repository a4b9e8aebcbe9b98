"""Who is at the desk: one server-side session a browser, asked for on every route but the open ones."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE, Handler, same_origin
from casework.model.errors import WaymarkError
from casework.model.policy import Action, can
from casework.model.tokens import hash_token
from casework.services.ports import Alarm, StaffMember
from console.forms import read_form

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=12)
NOT_TOUCHED_AGAIN_FOR = timedelta(minutes=1)

# An officer's link is its own proof: console/officer/thread_pages.py asks for it on each of its routes.
OPEN_ROUTES = frozenset(
    {
        *("/login", "/static", "/health/live", "/health/ready"),
        *("/o/{token}", "/o/{token}/answer", "/a/{token}"),
        # Halfway through a log-in: each asks for what was proved so far (console/second_factor_pages.py, oidc.py).
        *("/login/code", "/login/set-up", "/login/force", "/login/back"),
    }
)


# How long a proof of who somebody is counts as fresh (OpenID Connect Core, max_age).
FRESH = timedelta(minutes=5)


class SessionNeeded(WaymarkError):
    """Nobody is logged in here, or the session ran out."""


class FormNotOurs(WaymarkError):
    """A form without this log-in's token, or posted from another site."""


@dataclass(frozen=True, kw_only=True)
class DeskSession:
    staff: StaffMember
    csrf_token: str
    token_hash: str
    alarms: tuple[Alarm, ...] = ()  # what stands over every page now
    proved_at: datetime | None = None  # when they last proved who they are
    glass_count: int = 0  # openings beyond one's own work that wait for a supervisor's look; 0 for others

    def is_fresh(self, now: datetime) -> bool:
        """Whether they proved who they are within the last minutes."""
        return self.proved_at is not None and now - self.proved_at <= FRESH

    def may(self, action: str) -> bool:
        """Whether the role may do it where no conversation is concerned: what the navigation shows."""
        return action in set(Action) and can(self.staff.role, Action(action))


SESSION = web.RequestKey("session", DeskSession)


@web.middleware
async def require_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets nothing but the open routes through without a session, and no form without its token."""
    if is_open(request):
        return await handler(request)
    session = await find_session(request)
    if session is None:
        raise SessionNeeded
    request[SESSION] = session
    if request.method not in ("GET", "HEAD"):
        await _check_form(request, session)
    if not _is_background(request):
        await _touch(request, session)
    return await handler(request)


def is_open(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in OPEN_ROUTES


async def find_session(request: web.Request) -> DeskSession | None:
    """The session of the request's cookie; None when there is none, it is idle, ended or too old."""
    token = request.cookies.get(cookie_name(request, "session"), "")
    now = request.app[SERVICE].clock.now()
    if not token or _is_too_old(token, now):
        return None
    token_hash = hash_token(token)
    return await request.app[SERVICE].database.read(
        lambda tx: _load_session(tx, token_hash, idle_since=now - IDLE)
    )


def _load_session(tx: SqlTransaction, token_hash: str, *, idle_since: datetime) -> DeskSession | None:
    found = tx.staff.find_session(token_hash, idle_since=idle_since)
    if found is None:
        return None
    is_told = can(found.staff.role, Action.REVIEW_GLASS)
    return DeskSession(
        staff=found.staff,
        csrf_token=found.csrf_token,
        token_hash=token_hash,
        alarms=tuple(tx.alarms.list_open()),
        proved_at=found.proved_at,
        glass_count=tx.glass.count_unreviewed() if is_told else 0,
    )


def _is_too_old(token: str, now: datetime) -> bool:
    started = token.partition(".")[0]
    if not (started.isascii() and started.isdigit() and len(started) < 12):
        return True
    return now.timestamp() - int(started) > LONGEST.total_seconds()


async def _check_form(request: web.Request, session: DeskSession) -> None:
    form = await read_form(request)
    if not _is_same(form.get("csrf_token", ""), session.csrf_token):
        raise FormNotOurs
    check_origin(request)


def check_origin(request: web.Request) -> None:
    """Raises FormNotOurs for a post that another site sent."""
    if not same_origin(request, f"{_scheme(request)}://{request.host}"):
        raise FormNotOurs


def check_open_form(request: web.Request, token: str) -> None:
    """The log-in form has no session yet: it repeats a cookie that only our own page could set."""
    check_origin(request)
    if not _is_same(token, request.cookies.get(cookie_name(request, "form"), "")):
        raise FormNotOurs


def _is_same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _is_background(request: web.Request) -> bool:
    # A page left open refreshes itself; only a person's own act keeps a session alive.
    return "X-Pane" in request.headers or request.path.endswith("/events")


async def _touch(request: web.Request, session: DeskSession) -> None:
    database, now = request.app[SERVICE].database, request.app[SERVICE].clock.now()
    is_fresh = await database.read(
        lambda tx: tx.staff.find_session(session.token_hash, idle_since=now - NOT_TOUCHED_AGAIN_FOR)
    )
    if not is_fresh:
        await database.write(lambda tx: tx.staff.touch_session(session.token_hash))


def _scheme(request: web.Request) -> str:
    # The proxy in front ends TLS. A browser cannot be made to send this header to another site, and
    # whoever sends it by hand only changes their own cookie.
    return request.headers.get("X-Forwarded-Proto", request.scheme)


def cookie_name(request: web.Request, name: str) -> str:
    return f"__Host-waymark-{name}" if _scheme(request) == "https" else f"waymark-{name}"


def set_cookie(
    request: web.Request, response: web.StreamResponse, name: str, value: str, *, samesite: str = "Strict"
) -> None:
    """A cookie no script reads and no other site sends; with TLS also bound to this host."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        path="/",
        httponly=True,
        samesite=samesite,
        secure=_scheme(request) == "https",
    )


def clear_cookie(request: web.Request, response: web.StreamResponse, name: str) -> None:
    response.del_cookie(
        cookie_name(request, name),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=_scheme(request) == "https",
    )
