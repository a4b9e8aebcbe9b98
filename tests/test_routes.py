"""Every route is signed, behind a session, or listed here as open. A new route has to choose."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from actions.server import build_actions_app
from channels.gateway import build_gateway_app
from console.app import build_console_app
from tests.support.services import build_service_in

GUARDED_BY: dict[str, dict[str, str]] = {
    "gateway": {
        "POST /webhooks/twilio/message": "signature",
        "POST /webhooks/twilio/status": "signature",
        "POST /webhooks/telegram": "secret token",
        "GET /": "open: before you start",
        "GET /{language}": "open: before you start",
        "GET /before": "open: what to know before writing",
        "GET /{language}/before": "open: what to know before writing",
        "POST /before": "open: anyone may ask for help",
        "POST /{language}/before": "open: anyone may ask for help",
        "GET /about": "open: says nothing of anyone",
        "GET /{language}/about": "open: says nothing of anyone",
        "GET /find": "open: who can help, keeps nothing",
        "GET /{language}/find": "open: who can help, keeps nothing",
        "POST /find": "open: who can help, keeps nothing",
        "POST /{language}/find": "open: who can help, keeps nothing",
        "GET /ways": "open: the same page for everyone",
        "GET /{language}/ways": "open: the same page for everyone",
        "POST /start": "open: anyone may ask for help",
        "GET /m": "web session",
        "POST /m": "web session",
        "GET /m/events": "web session",
        "POST /m/keep": "web session",
        "POST /m/language": "web session",
        "GET /leave": "open: leaving must always work",
        "POST /leave": "open: leaving must always work",
        "GET /i/{token}": "open: the same page for every link",
        "POST /i/{token}": "invite token, used once",
        "GET /my": "web session, and a link to a case for what is in it",
        "GET /my/dates": "web session, and a link to a case for its dates",
        "GET /my/copy": "web session, and a step-up",
        "POST /my/copy": "web session, and a step-up",
        "POST /my/copy/ask": "web session, and a step-up",
        "GET /my/notes": "web session, and a link to a case for what is in it",
        "POST /my/notes": "web session; without a link to a case it is a message in the chat",
        "GET /my/how": "web session, and a step-up",
        "POST /my/how": "web session, and a step-up; to change it, an officer's call",
        "GET /my/readers": "web session, and a step-up",
        "GET /my/files": "web session, and a step-up",
        "POST /my/files": "web session, and a step-up",
        "GET /my/pin": "web session",
        "POST /my/pin": "web session, and a link to a case",
        "GET /my/unlock": "web session",
        "POST /my/unlock": "web session, and a link to a case",
        "GET /my/key": "web session",
        "POST /my/key": "web session, and a step-up",
        "POST /my/key/options": "web session, and a link to a case",
        "POST /my/key/register": "web session, and a link to a case",
        "POST /my/key/sign": "web session, and a link to a case",
        "GET /try/{token}": "open: guest token, ends by itself",
        "POST /try/{token}": "open: guest token, ends by itself",
        "GET /finish": "open: leads to the start",
        "POST /finish": "open: ending must always work",
        "GET /feedback": "open: leads to the start",
        "POST /feedback": "token of one set of questions, used once",
        "GET /s/{digest}/{name}": "open: the page's own style and script",
        "PUT /feed/v1/cases/{reference}": "signature",
        "POST /feed/v1/events": "signature",
        "GET /feed/v1/openapi.json": "open: says nothing of anyone",
        "GET /health/live": "open: says nothing of anyone",
        "GET /health/ready": "open: says nothing of anyone",
    },
    "actions": {
        "POST /actions": "turn secret",
        "GET /metrics": "open on the private listener: counts and times alone",
    },
}


async def show_nothing() -> bytes:
    return b""


def routes_of(app: web.Application) -> set[str]:
    return {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


@pytest.mark.parametrize("name", GUARDED_BY)
def test_every_route_says_what_guards_it(tmp_path: Path, name: str) -> None:
    service = build_service_in(tmp_path)
    builders: dict[str, Callable[[], web.Application]] = {
        "gateway": lambda: build_gateway_app(service),
        "actions": lambda: build_actions_app(None, "x" * 32, metrics=show_nothing),  # type: ignore[arg-type]
    }

    assert routes_of(builders[name]()) == set(GUARDED_BY[name])


def test_the_desk_shares_no_route_with_the_public_port(tmp_path: Path) -> None:
    service = build_service_in(tmp_path)
    shared = routes_of(build_console_app(service)) & routes_of(build_gateway_app(service))

    assert shared <= {"GET /", "GET /health/live", "GET /health/ready"}
