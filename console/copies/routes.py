"""The pages of requests for a copy, in one place for the desk's application."""

from aiohttp import web

from console.copies.give_pages import add_give_routes
from console.copies.look_pages import add_look_routes
from console.copies.request_pages import add_request_routes


def add_copy_routes(app: web.Application) -> None:
    add_request_routes(app)
    add_look_routes(app)
    add_give_routes(app)
