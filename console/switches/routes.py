"""What is decided about the assistant as a whole: switched off, or tried with a few people."""

from aiohttp import web

from console.switches.assistant_pages import add_assistant_routes
from console.switches.trial_pages import add_trial_routes


def add_switch_routes(app: web.Application) -> None:
    add_assistant_routes(app)
    add_trial_routes(app)
