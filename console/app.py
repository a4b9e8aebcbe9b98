"""The staff desk on its own port: log-in, the queue, the conversations."""

from pathlib import Path

from aiohttp import web

from casework.adapters.service import Service
from casework.adapters.web_app import SERVICE, add_security_headers
from console.desk.actions import add_action_routes
from console.desk.conversation_pages import add_conversation_routes
from console.desk.queue_pages import add_queue_routes
from console.live_pages import add_live_pages
from console.pages import PAGES, Pages
from console.refusals import show_refusals
from console.sessions import require_session
from console.sign_in_pages import add_sign_in_routes

STATIC = Path(__file__).parent / "static"
# A reply of 10,000 characters, percent-encoded, is far below this.
LARGEST_BODY_BYTES = 256 * 1024


def build_console_app(service: Service) -> web.Application:
    """The desk as an application; starts nothing."""
    app = web.Application(
        client_max_size=LARGEST_BODY_BYTES,
        middlewares=[add_security_headers, show_refusals, require_session],
    )
    app[SERVICE] = service
    app[PAGES] = Pages(service.clock)
    add_live_pages(app)
    add_sign_in_routes(app)
    add_queue_routes(app)
    add_conversation_routes(app)
    add_action_routes(app)
    app.router.add_get("/health/live", tell_alive)
    app.router.add_static("/static", STATIC)
    return app


async def tell_alive(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")
