"""Every route is signed, behind a session, or listed here as open. A new route has to choose."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from actions.server import build_actions_app
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from channels.gateway import build_gateway_app
from console.app import build_console_app

GUARDED_BY: dict[str, dict[str, str]] = {
    "gateway": {
        "POST /webhooks/twilio/message": "signature",
        "POST /webhooks/twilio/status": "signature",
        "GET /": "open: before you start",
        "POST /start": "open: anyone may ask for help",
        "GET /m": "web session",
        "POST /m": "web session",
        "GET /m/events": "web session",
        "GET /leave": "open: leaving must always work",
        "POST /leave": "open: leaving must always work",
        "GET /s/webchat/{name}": "open: the page's own style and script",
        "GET /health/live": "open: says nothing of anyone",
        "GET /health/ready": "open: says nothing of anyone",
    },
    "actions": {"POST /actions": "turn secret"},
}


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path) -> Service:
    return build_service(
        Settings.from_env(
            {
                "WAYMARK_DATA_DIR": str(tmp_path),
                "WAYMARK_TURN_SECRET": "x" * 32,
                "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
                "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
                "TWILIO_AUTH_TOKEN": "0" * 32,
                "WAYMARK_SMS_FROM": "+447700900900",
            }
        )
    )


def routes_of(app: web.Application) -> set[str]:
    return {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


@pytest.mark.parametrize("name", GUARDED_BY)
def test_every_route_says_what_guards_it(service: Service, name: str) -> None:
    builders: dict[str, Callable[[], web.Application]] = {
        "gateway": lambda: build_gateway_app(service),
        "actions": lambda: build_actions_app(None, "x" * 32),  # type: ignore[arg-type]
    }

    assert routes_of(builders[name]()) == set(GUARDED_BY[name])


def test_the_desk_shares_no_route_with_the_public_port(service: Service) -> None:
    shared = routes_of(build_console_app(service)) & routes_of(build_gateway_app(service))

    assert shared <= {"GET /", "GET /health/live"}
