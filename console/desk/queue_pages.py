"""The queue page, its live stream, the way to the next conversation, and what there is to sound an alert for."""

from functools import partial

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.desk import ItemStatus
from casework.model.grade_clocks import GradeClocks
from console.desk.queue_looks import QueueLooks
from console.desk.queue_rows import QueueRows
from console.desk.queues import Filter, arrange_queue, find_urgent, fingerprint_queue, list_rows
from console.live_pages import BREATH_SECONDS, stream_page
from console.pages import PAGES
from console.sessions import SESSION

CLOCKS = web.AppKey("grade_clocks", GradeClocks)
LOOKS = web.AppKey("queue_looks", QueueLooks)
ROWS = web.AppKey("queue_rows", QueueRows)


def add_queue_routes(app: web.Application) -> None:
    app[CLOCKS] = app[SERVICE].clocks
    app[LOOKS] = QueueLooks(app[SERVICE].database, app[CLOCKS])
    app[ROWS] = QueueRows(partial(app[PAGES].write, "queue_row.html"))
    app.router.add_get("/", go_to_queue)
    app.router.add_get("/console", show_queue)
    app.router.add_get("/console/events", stream_queue, allow_head=False)
    app.router.add_get("/console/next", go_to_next)
    app.router.add_get("/console/alerts", tell_alerts)
    app.router.add_get("/console/keys", show_keys)


async def go_to_queue(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther("/console")


async def show_queue(request: web.Request) -> web.StreamResponse:
    """The whole page, or its pane alone for a refresh. None of the victims' words are on it."""
    session = request[SESSION]
    shown = _find_filter(request.query.get("show", ""))
    is_pane = request.headers.get("X-Pane") == "queue"
    # A page with a stream is told of whatever came after the look that told it of this.
    found = await request.app[LOOKS].look(newest_within_seconds=BREATH_SECONDS if is_pane else 0.0)
    queue = arrange_queue(
        found,
        request.app[CLOCKS],
        now=request.app[SERVICE].clock.now(),
        staff_id=session.staff.id,
        shown=shown,
    )
    rows = request.app[ROWS].write(
        queue.rows,
        staff=session.staff,
        csrf_token=session.csrf_token,
        is_full=queue.is_full,
        had=request.headers.get("X-Have", "") if is_pane else "",
    )
    return request.app[PAGES].render(
        "queue_pane.html" if is_pane else "queue.html",
        session=session,
        queue=queue,
        rows=rows,
        alarms=found.alarms,
        is_pane=is_pane,
        shown=shown,
        filters=list(Filter),
    )


async def stream_queue(request: web.Request) -> web.StreamResponse:
    """Tells an open queue page that it is out of date."""
    staff_id, clock = request[SESSION].staff.id, request.app[SERVICE].clock

    async def fingerprint() -> str:
        found = await request.app[LOOKS].look()
        return fingerprint_queue(found, request.app[CLOCKS], now=clock.now(), staff_id=staff_id)

    return await stream_page(request, "queue", fingerprint, must_hurry=request.app[LOOKS].has_new_item)


async def go_to_next(request: web.Request) -> web.StreamResponse:
    """The conversation at the head of the queue that nobody has; the queue itself when there is none."""
    found = await request.app[LOOKS].look()
    for row in list_rows(found, request.app[CLOCKS], request.app[SERVICE].clock.now()):
        if row.first.status is ItemStatus.OPEN:
            raise web.HTTPSeeOther(f"/console/c/{row.first.conversation_id}#latest")
    raise web.HTTPSeeOther("/console")


async def tell_alerts(request: web.Request) -> web.StreamResponse:
    """What the alerts of any desk page need: ids, as JSON. Nothing sounds without a shift, or on a break."""
    staff = request[SESSION].staff
    found = await request.app[LOOKS].look()
    shift, preferences = await request.app[SERVICE].database.read(
        lambda tx: (tx.shifts.find_running(staff.id), tx.shifts.get_preferences(staff.id))
    )
    urgent = find_urgent(found.items, staff_id=staff.id)
    return web.json_response(
        {
            "danger": urgent.danger,
            "high": urgent.high,
            "offers": [offer.id for offer in found.offers if offer.to_id == staff.id],
            "on_shift": shift is not None,
            "on_break": shift is not None and shift.break_since is not None,
            "keys": preferences.keys_on,
        }
    )


async def show_keys(request: web.Request) -> web.StreamResponse:
    """The list of keys as a page, for whoever has no script or wants to read it in peace."""
    return request.app[PAGES].render("shift_keys.html", session=request[SESSION])


def _find_filter(name: str) -> Filter:
    return next((each for each in Filter if each == name), Filter.ALL)
