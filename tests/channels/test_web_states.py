"""No page of the victim's web is left out of the checks, and no check is left without a page that breaks it."""

import re

import pytest
from aiohttp import web

from casework.adapters.web_app import SERVICE
from channels.webchat.routes import add_webchat_routes
from tests.channels.page_checks import CHECKS, list_twins
from tests.channels.web_states import gather_states
from tests.channels.webchat_site import read_rules_once

STATES = gather_states()

# What no state can show, and why.
NOT_PAGES = {
    "GET /m/events": "a stream of ids",
    "GET /s/{digest}/{name}": "a file",
    "GET /leave": "answers with the way to another site",
    "POST /leave": "the same",
    "POST /my/key/options": "answers a script, not a person",
    "POST /my/key/register": "the same",
    "POST /my/key/sign": "the same",
}


def list_routes() -> list[str]:
    """Every page of the web, once: its address in another language is the same page."""
    app = web.Application()
    app[SERVICE] = read_rules_once()
    add_webchat_routes(app)
    named = {
        f"{route.method} {route.resource.canonical.replace('/{language}', '') or '/'}"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    return sorted(named - NOT_PAGES.keys())


@pytest.mark.parametrize("route", list_routes())
def test_every_route_is_shown_by_a_state(route: str) -> None:
    """Red when: a route is added without one, or loses its last."""
    assert route in list_shown_routes()


def test_every_state_is_of_a_route() -> None:
    assert list_shown_routes() <= {*list_routes(), *NOT_PAGES}


def list_shown_routes() -> set[str]:
    """ "GET /i/{token}" of "GET /i/{token:.*}: any link"."""
    return {re.sub(r"\{(\w+):[^}]*\}", r"{\1}", name.partition(": ")[0]) for name in STATES}


def test_every_check_has_a_page_that_breaks_it() -> None:
    assert {twin.partition(".")[0] for twin in list_twins()} == set(CHECKS)
