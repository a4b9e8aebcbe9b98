"""Every page of what is kept."""

from aiohttp import web

from console.keeping.erase_pages import add_erase_routes
from console.keeping.hold_pages import add_hold_routes
from console.keeping.keeping_pages import add_keeping_routes


def add_kept_routes(app: web.Application) -> None:
    add_keeping_routes(app)
    add_erase_routes(app)
    add_hold_routes(app)
