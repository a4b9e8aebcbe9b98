"""Switching the assistant off and on again, for supervisors and administrators."""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.messages import Channel
from casework.services import kill_switch
from casework.services.kill_switch import SwitchRefused
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

ASSISTANT = "/console/assistant"
# Where anybody is answered; e-mail is never read.
CHANNELS = tuple(channel.value for channel in Channel if channel is not Channel.EMAIL)


def add_assistant_routes(app: web.Application) -> None:
    app.router.add_get(ASSISTANT, show_switch)
    app.router.add_post(ASSISTANT + "/off", switch_off)
    app.router.add_post(ASSISTANT + "/on", switch_on)


async def show_switch(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def switch_off(request: web.Request) -> web.StreamResponse:
    form, staff = await read_form(request), request[SESSION].staff
    reason, channel = form.get("reason", ""), _find_channel(form)
    try:
        await request.app[SERVICE].database.write(
            lambda tx: kill_switch.switch_off(tx, reason=reason, by=staff, channel=channel)
        )
    except SwitchRefused:
        return await _render(request, status=422, fault="switch_refused", reason=reason)
    raise web.HTTPSeeOther(ASSISTANT)


async def switch_on(request: web.Request) -> web.StreamResponse:
    form, staff = await read_form(request), request[SESSION].staff
    channel = _find_channel(form)
    try:
        await request.app[SERVICE].database.write(
            lambda tx: kill_switch.switch_on(tx, by=staff, channel=channel)
        )
    except SwitchRefused:
        return await _render(request, status=409, fault="switch_all")
    raise web.HTTPSeeOther(ASSISTANT)


def _find_channel(form: dict[str, str]) -> Channel | None:
    """None: every channel, as for anything that names none."""
    named = form.get("channel", "")
    return Channel(named) if named in CHANNELS else None


async def _render(
    request: web.Request, *, status: int = 200, fault: str | None = None, reason: str = ""
) -> web.Response:
    off = await request.app[SERVICE].database.read(lambda tx: tx.assistant_switch.list_off())
    return request.app[PAGES].render(
        "assistant_switch.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        off=off,
        channels=CHANNELS,
        reason=reason,
        longest=kill_switch.LONGEST_REASON,
    )
