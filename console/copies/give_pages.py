"""Taking the copy, by somebody who has just proved again who they are: on record before its first byte leaves."""

from aiohttp import web

from casework.adapters.access_copy import MadeCopy, make_copy
from casework.adapters.web_app import SERVICE
from casework.model.access_requests import RequestStatus
from casework.model.errors import WaymarkError
from casework.services import access_requests as access
from console.copies.request_pages import COPIES, ONE, name_fault, render_one
from console.pages import PAGES
from console.sessions import SESSION

PIECE_BYTES = 1 << 16


def add_give_routes(app: web.Application) -> None:
    app.router.add_get(ONE + "/give", show_give)
    app.router.add_post(ONE + "/give", take_copy)


async def show_give(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["request_id"]
    try:
        asked = await request.app[SERVICE].database.read(lambda tx: access.get_request(tx, request_id))
    except WaymarkError as refusal:
        name_fault(refusal)
        raise
    if asked.status is not RequestStatus.READY:
        raise web.HTTPSeeOther(f"{COPIES}/{request_id}")
    return request.app[PAGES].render("copies/give.html", session=request[SESSION], asked=asked)


async def take_copy(request: web.Request) -> web.StreamResponse:
    """The zip; or the request's page, where something has come since that nobody has looked at."""
    request_id, staff = request.match_info["request_id"], request[SESSION].staff
    database = request.app[SERVICE].database
    try:
        made = await database.read(lambda tx: make_copy(tx, request_id))
        with made.file:
            await database.write(
                lambda tx: access.record_copy(tx, request_id, made.sha256, made.conversations, by=staff.id)
            )
            return await _send(request, made)
    except WaymarkError as refusal:
        fault, status = name_fault(refusal)
        return await render_one(request, status=status, fault=fault)


async def _send(request: web.Request, made: MadeCopy) -> web.StreamResponse:
    answer = web.StreamResponse(
        headers={
            "Content-Disposition": 'attachment; filename="copy.zip"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    answer.content_type = "application/zip"
    answer.content_length = made.size
    await answer.prepare(request)
    while piece := made.file.read(PIECE_BYTES):
        await answer.write(piece)
    await answer.write_eof()
    return answer
