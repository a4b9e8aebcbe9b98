"""The victim's own PIN, on the web only: choosing it at /my/pin, entering it at /my/unlock.

Plain forms that need no script, in the web chat's neutral words. Where the device can, both offer a passkey too. What
a PIN opens is decided by casework; nobody without a link to a case is told more than that there is nothing to open.
"""

import asyncio

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.web_visits import WebVisit, find_visit
from casework.adapters.web_app import SERVICE
from casework.model.pins import PinFault, find_pin_fault, load_pin_rules
from casework.services import step_up
from casework.services.step_up import PinRefused, PinState
from channels.webchat.passkeys import OPENED, has_passkeys
from channels.webchat.responses import refuse_foreign_form, see_other, show
from channels.webchat.sessions import find_token_hash, is_own_form


def add_pin_routes(app: web.Application) -> None:
    app.router.add_get("/my/pin", show_choice, allow_head=False)
    app.router.add_post("/my/pin", choose_pin)
    app.router.add_get("/my/unlock", show_entry, allow_head=False)
    app.router.add_post("/my/unlock", enter_pin)


async def show_choice(request: web.Request) -> web.Response:
    visit, state = await _find_state(request)
    if visit is None:
        return see_other("/")
    if state in (PinState.NOT_LINKED, PinState.LOCKED, PinState.ENDED):
        return _show_closed(request, visit, state)
    return _show_choice(request, visit)


async def choose_pin(request: web.Request) -> web.Response:
    if not is_own_form(request):
        return refuse_foreign_form(request)
    visit, state = await _find_state(request)
    if visit is None or visit.conversation_id is None:
        return see_other("/")
    pin, again = await _read_fields(request, "pin", "again")
    fault = find_pin_fault(pin) or (None if pin == again else PinFault.NOT_TWICE_THE_SAME)
    if fault is not None:
        return _show_choice(request, visit, fault=fault)
    service, conversation_id = request.app[SERVICE], visit.conversation_id
    pin_hash = await asyncio.to_thread(service.passwords.hash, pin)
    try:
        await service.database.write(lambda tx: step_up.set_pin(tx, conversation_id, pin_hash))
    except PinRefused:
        return _show_closed(request, visit, state, status=403)
    return see_other(OPENED)


async def show_entry(request: web.Request) -> web.Response:
    visit, state = await _find_state(request)
    if visit is None:
        return see_other("/")
    if state is PinState.OPEN:
        return see_other(OPENED)
    if state in (PinState.LOCKED, PinState.MAY_CHANGE):
        return _show_entry(request, visit)
    return _show_closed(request, visit, state)


async def enter_pin(request: web.Request) -> web.Response:
    if not is_own_form(request):
        return refuse_foreign_form(request)
    visit, _ = await _find_state(request)
    if visit is None or visit.conversation_id is None:
        return see_other("/")
    [pin] = await _read_fields(request, "pin")
    service, conversation_id = request.app[SERVICE], visit.conversation_id
    tried = await service.database.write(lambda tx: step_up.begin_try(tx, conversation_id))
    # Dear, and outside any transaction: meanwhile others' messages can be stored.
    is_right = await asyncio.to_thread(service.passwords.matches, pin, tried.pin_hash)
    is_open = await service.database.write(
        lambda tx: step_up.finish_try(tx, conversation_id, tried, is_right=is_right)
    )
    if is_open:
        return see_other(OPENED)
    wait_minutes = step_up.count_minutes(tried.wait_until, service.clock.now())
    return _show_entry(request, visit, was_wrong=True, wait_minutes=wait_minutes)


async def _find_state(request: web.Request) -> tuple[WebVisit | None, PinState]:
    """The visit, kept awake by this page, and what may be done with a PIN in it."""
    token_hash = find_token_hash(request)

    def look(tx: SqlTransaction) -> tuple[WebVisit | None, PinState]:
        visit = find_visit(tx, token_hash)
        if visit is None or visit.conversation_id is None:
            return visit, PinState.NOT_LINKED
        tx.web_sessions.touch(token_hash)
        return visit, step_up.find_pin_state(tx, visit.conversation_id)

    return await request.app[SERVICE].database.write(look)


async def _read_fields(request: web.Request, *names: str) -> list[str]:
    form = await request.post()
    return [str(form.get(name, "")).strip() for name in names]


def _show_closed(
    request: web.Request, visit: WebVisit, state: PinState, *, status: int = 200
) -> web.Response:
    return show(
        request,
        "pins/closed.html",
        visit=visit,
        status=status,
        state=state.value,
        has_passkeys=has_passkeys(request),
    )


def _show_choice(request: web.Request, visit: WebVisit, *, fault: PinFault | None = None) -> web.Response:
    rules = load_pin_rules()
    return show(
        request,
        "pins/choose_pin.html",
        visit=visit,
        status=422 if fault else 200,
        fault=fault.value if fault else "",
        has_passkeys=has_passkeys(request),
        shortest=rules["shortest"],
        longest=rules["longest"],
    )


def _show_entry(
    request: web.Request, visit: WebVisit, *, was_wrong: bool = False, wait_minutes: int = 0
) -> web.Response:
    return show(
        request,
        "pins/enter_pin.html",
        visit=visit,
        status=422 if was_wrong else 200,
        was_wrong=was_wrong,
        wait_minutes=wait_minutes,
        has_passkeys=has_passkeys(request),
        longest=load_pin_rules()["longest"],
    )
