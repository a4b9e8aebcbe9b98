"""The queue page, its live stream, and the way to the next conversation."""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.desk import DeskItem, ItemStatus
from console.desk.queues import MOST_ITEMS, Filter, arrange_queue, fingerprint_queue
from console.live_pages import stream_page
from console.pages import PAGES
from console.sessions import SESSION


def add_queue_routes(app: web.Application) -> None:
    app.router.add_get("/", go_to_queue)
    app.router.add_get("/console", show_queue)
    app.router.add_get("/console/events", stream_queue, allow_head=False)
    app.router.add_get("/console/next", go_to_next)


async def go_to_queue(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther("/console")


async def show_queue(request: web.Request) -> web.StreamResponse:
    """The whole page, or its pane alone for a refresh. None of the victims' words are on it."""
    session = request[SESSION]
    shown = _find_filter(request.query.get("show", ""))
    queue = arrange_queue(
        await _list_items(request),
        now=request.app[SERVICE].clock.now(),
        staff_id=session.staff.id,
        shown=shown,
    )
    template = "queue_pane.html" if request.headers.get("X-Pane") == "queue" else "queue.html"
    return request.app[PAGES].render(
        template, session=session, queue=queue, shown=shown, filters=list(Filter)
    )


async def stream_queue(request: web.Request) -> web.StreamResponse:
    """Tells an open queue page that it is out of date."""

    async def fingerprint() -> str:
        return fingerprint_queue(await _list_items(request))

    return await stream_page(request, "queue", fingerprint)


async def go_to_next(request: web.Request) -> web.StreamResponse:
    """The conversation at the head of the queue that nobody has; the queue itself when there is none."""
    for item in await _list_items(request):
        if item.status is ItemStatus.OPEN:
            raise web.HTTPSeeOther(f"/console/c/{item.conversation_id}#latest")
    raise web.HTTPSeeOther("/console")


async def _list_items(request: web.Request) -> list[DeskItem]:
    return await request.app[SERVICE].database.read(lambda tx: tx.desk.list_queue(limit=MOST_ITEMS))


def _find_filter(name: str) -> Filter:
    return next((each for each in Filter if each == name), Filter.ALL)
