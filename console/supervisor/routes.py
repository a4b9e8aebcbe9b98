"""Every page for supervisors, and everybody's own page about their work."""

from aiohttp import web

from console.supervisor.board_pages import add_board_routes
from console.supervisor.line_pages import add_line_routes
from console.supervisor.measures_pages import add_measures_routes
from console.supervisor.quality_pages import add_quality_routes
from console.supervisor.wellbeing_pages import add_wellbeing_routes


def add_supervisor_routes(app: web.Application) -> None:
    add_board_routes(app)
    add_line_routes(app)
    add_quality_routes(app)
    add_measures_routes(app)
    add_wellbeing_routes(app)
