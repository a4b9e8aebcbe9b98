"""Log-in by the force's identity provider: code, PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636).

An account is the issuer and the subject together. The role comes from one claim, through a table in the settings;
what the table does not name gets nothing.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode

import aiohttp
import structlog
from aiohttp import web

from casework.adapters.oidc_settings import OidcSettings
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import WaymarkError
from casework.model.policy import Role
from casework.model.tokens import hash_token
from casework.services import staffing
from casework.services.ports import StaffMember, StaffSession
from casework.services.staff_ports import SignInAttempt
from console.pages import PAGES
from console.sessions import FRESH, IDLE, clear_cookie, cookie_name, find_session, set_cookie
from console.sign_in import new_session_token, open_session
from console.sign_in_pages import clean_next, render_login
from console.staff.id_tokens import Expected, Identity, TokenRefused, check_token, read_header
from console.staff.identity_provider import IdentityProvider, ProviderUnreachable

log = structlog.get_logger()

PROVIDER = web.AppKey("identity_provider", IdentityProvider)
COOKIE = "force"
ATTEMPT_LASTS = timedelta(minutes=10)
LONGEST_CODE = 4096
BY = "identity_provider"
# What the page says of a refused token; anything else is said in one sentence.
TOLD = {
    "factor": "force_no_factor",
    "proof": "force_too_old",
    "role": "force_no_role",
    "ended": "force_ended",
}


class SignInByForceRefused(WaymarkError):
    """The token is good and opens nothing: no single role, an ended account, another person. `why` names it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def add_oidc_routes(app: web.Application) -> None:
    """Nothing where no provider is set; the addresses then lead nowhere."""
    settings = app[SERVICE].settings.oidc
    if settings is None:
        return

    async def connect(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            app[PROVIDER] = IdentityProvider(settings, http, app[SERVICE].clock)
            yield

    app.cleanup_ctx.append(connect)
    app.router.add_get("/login/force", go_to_provider, allow_head=False)
    app.router.add_get("/login/back", come_back, allow_head=False)


async def go_to_provider(request: web.Request) -> web.StreamResponse:
    """Begins a log-in, or the renewed proof of one that stands; the browser that begins it has to finish it."""
    next_page = clean_next(request.query.get("next", ""))
    session = await find_session(request) if request.query.get("again") == "yes" else None
    try:
        endpoints = await request.app[PROVIDER].find_endpoints()
    except ProviderUnreachable as fault:
        return _refuse(request, "unreachable", f"{fault}", next_page)
    state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
    attempt = SignInAttempt(
        browser_hash=hash_token(browser),
        nonce=nonce,
        verifier=verifier,
        next_page=next_page,
        session_hash=session.token_hash if session else None,
        started_at=request.app[SERVICE].clock.now(),
    )
    await request.app[SERVICE].database.write(lambda tx: _keep(tx, state, attempt))
    asked = _ask_for(_settings(request), state, attempt)
    joint = "&" if "?" in endpoints.authorization else "?"
    response = web.HTTPSeeOther(f"{endpoints.authorization}{joint}{urlencode(asked)}")
    # Lax: the provider's page leads back here, and a stricter cookie would stay behind.
    set_cookie(request, response, COOKIE, browser, samesite="Lax")
    raise response


def _ask_for(settings: OidcSettings, state: str, attempt: SignInAttempt) -> dict[str, str]:
    challenge = urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
        "scope": "openid profile",
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        # Asked for in any case, so that the token says when they logged in.
        "max_age": str(int((FRESH if attempt.session_hash else timedelta(hours=12)).total_seconds())),
    }
    return asked | ({"acr_values": settings.acr} if settings.acr else {})


def _keep(tx: SqlTransaction, state: str, attempt: SignInAttempt) -> None:
    tx.sign_in_attempts.forget(before=tx.now - ATTEMPT_LASTS)
    tx.sign_in_attempts.record(hash_token(state), attempt)


async def come_back(request: web.Request) -> web.StreamResponse:
    """Where the provider sends the browser: one try a state, and only for the browser that began it."""
    attempt = await _take_attempt(request)
    if attempt is None:
        return _refuse(request, "refused", "state", clean_next(""))
    code = request.query.get("code", "")
    if "error" in request.query or not 0 < len(code) <= LONGEST_CODE:
        return _refuse(request, "refused", "provider", attempt.next_page)
    try:
        identity = await _identify(request, code, attempt)
        token = await request.app[SERVICE].database.write(
            lambda tx: _open(tx, _settings(request), identity, attempt)
        )
    except ProviderUnreachable as fault:
        return _refuse(request, "unreachable", f"{fault}", attempt.next_page)
    except (TokenRefused, SignInByForceRefused) as refusal:
        await _record_refusal(request, refusal.why)
        return _refuse(request, "refused", refusal.why, attempt.next_page)
    # A page, not a redirect: the browser sends our strict cookie only from a page of our own.
    response = request.app[PAGES].render("login_done.html", session=None, next_page=attempt.next_page)
    if token is not None:
        set_cookie(request, response, "session", token)
    clear_cookie(request, response, COOKIE)
    return response


async def _take_attempt(request: web.Request) -> SignInAttempt | None:
    state_hash = hash_token(request.query.get("state", ""))
    browser_hash = hash_token(request.cookies.get(cookie_name(request, COOKIE), ""))
    attempt = await request.app[SERVICE].database.write(lambda tx: tx.sign_in_attempts.take(state_hash))
    if attempt is None or not hmac.compare_digest(attempt.browser_hash, browser_hash):
        return None
    is_late = request.app[SERVICE].clock.now() - attempt.started_at > ATTEMPT_LASTS
    return None if is_late else attempt


async def _identify(request: web.Request, code: str, attempt: SignInAttempt) -> Identity:
    settings, provider = _settings(request), request.app[PROVIDER]
    token = await provider.redeem(code, attempt.verifier)
    header = read_header(token)
    expected = Expected(
        issuer=settings.issuer,
        client_id=settings.client_id,
        nonce=attempt.nonce,
        acr=settings.acr,
        is_fresh=attempt.session_hash is not None,
    )
    key = await provider.get_key(header)
    return check_token(token, key, expected, now=request.app[SERVICE].clock.now())


def _open(
    tx: SqlTransaction, settings: OidcSettings, identity: Identity, attempt: SignInAttempt
) -> str | None:
    """The token of a new session; None where the one that stands was proved again.

    Where their role is another by now, the one that stood is over, and what they have now is a new one: to refuse them
    would undo the change with everything else of this transaction.
    """
    standing = _find_standing(tx, attempt)
    staff = _take_in(tx, settings, identity)
    if attempt.session_hash is not None and (standing is None or standing.staff.id != staff.id):
        raise SignInByForceRefused("another_person")
    if attempt.session_hash is None or _find_standing(tx, attempt) is None:
        token = new_session_token(tx.now)
        open_session(tx, token, staff, proved_at=identity.proved_at)
        return token
    tx.staff.prove_session(attempt.session_hash, at=identity.proved_at)
    tx.audit.record("proved_again", by=staff.id)
    return None


def _find_standing(tx: SqlTransaction, attempt: SignInAttempt) -> StaffSession | None:
    if attempt.session_hash is None:
        return None
    return tx.staff.find_session(attempt.session_hash, idle_since=tx.now - IDLE)


def _take_in(tx: SqlTransaction, settings: OidcSettings, identity: Identity) -> StaffMember:
    """The member of that issuer and subject, made on the first log-in, with the role the provider gives now."""
    role, found = find_role(settings, identity), tx.staff.find_by_subject(identity.issuer, identity.subject)
    if found is not None and not found[1]:
        raise SignInByForceRefused("ended")
    try:
        if found is None:
            return tx.staff.get(_add(tx, settings, identity, role))
        staffing.change_role(tx, found[0].id, role, by=BY)
    except (staffing.RolesClash, staffing.MemberInvalid) as refusal:
        raise SignInByForceRefused("role") from refusal
    return tx.staff.get(found[0].id)


def _add(tx: SqlTransaction, settings: OidcSettings, identity: Identity, role: Role) -> str:
    named = hashlib.sha256(f"{identity.issuer}\0{identity.subject}".encode()).hexdigest()[:16]
    collar = identity.claims.get(settings.collar_claim) if settings.collar_claim else None
    return staffing.add_member(
        tx,
        login=f"force-{named}",
        display_name=find_name(identity),
        role=role,
        password_hash=staffing.NO_PASSWORD,
        collar_number=collar if isinstance(collar, str) else None,
        by=BY,
        issuer=identity.issuer,
        subject=identity.subject,
    )


def find_role(settings: OidcSettings, identity: Identity) -> Role:
    """The one role that the claim stands for. Raises SignInByForceRefused for none, and for more than one."""
    said = identity.claims.get(settings.role_claim)
    named = said if isinstance(said, list) else [said]
    roles = {settings.roles[each] for each in named if isinstance(each, str) and each in settings.roles}
    if len(roles) != 1:
        raise SignInByForceRefused("role")
    return roles.pop()


def find_name(identity: Identity) -> str:
    """What colleagues and victims see: their name as the provider has it, without signs nobody can see."""
    said = identity.claims.get("name")
    plain = "".join(sign for sign in said if sign.isprintable()).strip() if isinstance(said, str) else ""
    return plain[: staffing.LONGEST_NAME].strip() or "Member of staff"


async def _record_refusal(request: web.Request, why: str) -> None:
    await request.app[SERVICE].database.write(
        lambda tx: tx.audit.record("sign_in_refused", by="nobody", thing=f"force:{why}"[:96])
    )


def _refuse(request: web.Request, kind: str, why: str, next_page: str) -> web.Response:
    log.warning("sign_in_by_force_refused", code=why)
    told = "force_unreachable" if kind == "unreachable" else TOLD.get(why, "force_refused")
    status = 502 if kind == "unreachable" else 403
    response = render_login(request, told, status=status, next_page=next_page)
    clear_cookie(request, response, COOKIE)
    return response


def _settings(request: web.Request) -> OidcSettings:
    settings = request.app[SERVICE].settings.oidc
    assert settings is not None  # the routes exist only with it
    return settings
