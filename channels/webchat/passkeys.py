"""Passkeys, on the web only: adding and ending them at /my/key, and what static/passkey.js asks and answers.

The script posts JSON and gets JSON; the PIN beside it needs neither. A refusal is always the same words, and says no
more than that it did not work. What a passkey opens is decided by casework.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from casework.adapters.passkey_answers import (
    find_credential_id,
    find_passkey_home,
    make_challenge,
    parse_answer,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_visit
from casework.adapters.web_app import SERVICE
from casework.services import passkeys, step_up
from casework.services.passkeys import PasskeyRefused
from casework.services.ports import JsonObject, Passkey
from casework.services.step_up import PinRefused, PinState
from channels.webchat.responses import PAGES, find_language, refuse_foreign_form, see_other, show
from channels.webchat.sessions import find_token_hash, is_own_form

if TYPE_CHECKING:
    from casework.adapters.passkey_checks import PasskeyChecks

OPENED = "/my"
PASSKEY_ID = re.compile(r"[0-9a-f]{32}")
NAME = "pins/key_name.html"
MAY_ADD = (PinState.NONE, PinState.MAY_CHANGE, PinState.OPEN)


@dataclass(frozen=True, kw_only=True)
class KeyPage:
    """What /my/key shows. Only whoever is stepped up sees which passkeys there are."""

    visit: WebVisit
    state: PinState
    own: tuple[Passkey, ...]


def add_passkey_routes(app: web.Application) -> None:
    app.router.add_get("/my/key", show_keys, allow_head=False)
    app.router.add_post("/my/key", end_key)
    app.router.add_post("/my/key/options", give_options)
    app.router.add_post("/my/key/register", add_key)
    app.router.add_post("/my/key/sign", sign)


def has_passkeys(request: web.Request) -> bool:
    """Whether a browser may use them at this address; see find_passkey_home."""
    return find_passkey_home(request.app[SERVICE].settings) is not None


# --- pages ---------------------------------------------------------------------------------------


async def show_keys(request: web.Request) -> web.Response:
    page = await _read_page(request)
    return see_other("/") if page is None else _show_page(request, page)


async def end_key(request: web.Request) -> web.Response:
    """Ends one passkey of the person who is stepped up here."""
    if not is_own_form(request):
        return refuse_foreign_form(request)
    said = str((await request.post()).get("key", ""))
    passkey_id = said if PASSKEY_ID.fullmatch(said) else ""
    page = await _read_page(request)
    if page is None or page.visit.conversation_id is None:
        return see_other("/")
    conversation_id = page.visit.conversation_id
    await request.app[SERVICE].database.write(lambda tx: passkeys.end_own(tx, conversation_id, passkey_id))
    return see_other("/my/key")


async def _read_page(request: web.Request) -> KeyPage | None:
    token_hash = find_token_hash(request)

    def look(tx: SqlTransaction) -> KeyPage | None:
        visit = find_visit(tx, token_hash)
        if visit is None:
            return None
        tx.web_sessions.touch(token_hash)
        if visit.conversation_id is None:
            return KeyPage(visit=visit, state=PinState.NOT_LINKED, own=())
        state = step_up.find_pin_state(tx, visit.conversation_id)
        return KeyPage(visit=visit, state=state, own=tuple(passkeys.list_own(tx, visit.conversation_id)))

    return await request.app[SERVICE].database.write(look)


def _show_page(request: web.Request, page: KeyPage) -> web.Response:
    if page.state not in MAY_ADD:
        return show(
            request,
            "pins/closed.html",
            visit=page.visit,
            state=page.state.value,
            has_passkeys=has_passkeys(request),
        )
    return show(
        request,
        "pins/keys.html",
        visit=page.visit,
        own=page.own,
        is_open=page.state is PinState.OPEN,
        begins_anew=page.state is PinState.MAY_CHANGE,
        has_room=len(page.own) < passkeys.MOST,
        most=passkeys.MOST,
        has_passkeys=has_passkeys(request),
    )


# --- what the script asks ------------------------------------------------------------------------


async def give_options(request: web.Request) -> web.Response:
    """What the browser is to ask of the device: `{"for": "add"}` or `{"for": "sign"}`."""
    checks, visit, asked = await _begin(request)
    challenge, is_adding = make_challenge(), asked.get("for") == "add"
    conversation_id, token_hash = visit.conversation_id or "", find_token_hash(request)

    def begin(tx: SqlTransaction) -> JsonObject:
        if is_adding:
            person_id, kept = passkeys.begin_adding(tx, conversation_id, token_hash, challenge)
            return checks.describe_new(
                person_id,
                name=_render(request, visit, NAME),
                challenge=challenge,
                known=[each.credential_id for each in kept],
            )
        person_id, own = passkeys.begin_signing(tx, conversation_id, token_hash, challenge)
        return checks.describe_signing(
            person_id, challenge=challenge, known=[each.credential_id for each in own]
        )

    try:
        return web.json_response(await request.app[SERVICE].database.write(begin))
    except PinRefused:
        return _refuse(request, visit, status=403)


async def add_key(request: web.Request) -> web.Response:
    checks, visit, answer = await _begin(request)
    database, token_hash = request.app[SERVICE].database, find_token_hash(request)
    conversation_id = visit.conversation_id or ""
    challenge = await database.write(lambda tx: tx.passkeys.take_challenge(token_hash))
    new = await asyncio.to_thread(checks.check_new, answer, challenge=challenge)
    if new is None:
        return _refuse(request, visit)
    try:
        await database.write(lambda tx: passkeys.add(tx, conversation_id, new))
    except PinRefused:
        return _refuse(request, visit, status=403)
    except PasskeyRefused:
        return _refuse(request, visit)
    return web.json_response({"next": "/my/key"})


async def sign(request: web.Request) -> web.Response:
    checks, visit, answer = await _begin(request)
    database, token_hash = request.app[SERVICE].database, find_token_hash(request)
    conversation_id, credential_id = visit.conversation_id or "", find_credential_id(answer)
    tried = await database.write(
        lambda tx: passkeys.begin_try(tx, conversation_id, token_hash, credential_id)
    )
    # Outside any transaction, as a PIN's hash is.
    sign_count = await asyncio.to_thread(
        checks.check_signed,
        answer,
        challenge=tried.challenge,
        public_key=tried.passkey.public_key if tried.passkey else None,
    )
    is_open = await database.write(
        lambda tx: passkeys.finish_try(tx, conversation_id, tried, sign_count=sign_count)
    )
    if is_open:
        return web.json_response({"next": OPENED})
    return _refuse(
        request, visit, wait_minutes=step_up.count_minutes(tried.wait_until, request.app[SERVICE].clock.now())
    )


async def _begin(request: web.Request) -> tuple["PasskeyChecks", WebVisit, JsonObject]:
    """What every one of them needs. Raises 403 for another site, 404 without passkeys, 401 without a visit."""
    if not is_own_form(request):
        raise web.HTTPForbidden(text="")
    # Not before somebody uses one: see casework/adapters/passkey_checks.py.
    from casework.adapters.passkey_checks import build_passkey_checks

    checks = build_passkey_checks(request.app[SERVICE].settings)
    if checks is None:
        raise web.HTTPNotFound(text="")
    answer, page = parse_answer(await request.read()), await _read_page(request)
    if page is None:
        raise web.HTTPUnauthorized(text="")
    if page.visit.conversation_id is None:
        raise web.HTTPForbidden(text="")
    return checks, page.visit, answer


def _refuse(
    request: web.Request, visit: WebVisit, *, status: int = 422, wait_minutes: int = 0
) -> web.Response:
    said = _render(request, visit, "pins/key_problem.html", wait_minutes=wait_minutes)
    return web.json_response({"problem": said}, status=status)


def _render(request: web.Request, visit: WebVisit, template: str, **values: object) -> str:
    language = find_language(request, visit)
    return request.app[PAGES].render(template, language=language, **values).strip()
