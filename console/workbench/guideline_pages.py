"""What each label means, as whoever keeps the labels wrote it."""

from aiohttp import web

from console.workbench.guidelines import load_guidelines
from console.workbench.home_pages import HOME
from console.workbench.session_bar import read_with_bar, render

ALL = "all"


def add_guideline_routes(app: web.Application) -> None:
    app.router.add_get(HOME + "/guidelines/{label:[a-z_]{1,48}}", show_guideline)


async def show_guideline(request: web.Request) -> web.StreamResponse:
    """One label, with the list of all beside it; `all` shows the list alone."""
    name, guidelines = request.match_info["label"], load_guidelines()
    if name != ALL and name not in guidelines:
        raise web.HTTPNotFound
    _, bar = await read_with_bar(request, lambda _tx: None)
    return render(
        request, "guideline.html", bar, guideline=guidelines.get(name), guidelines=guidelines.values()
    )
