"""What two people labelled differently, for somebody who is neither."""

from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services import review_inbox
from console.sessions import SESSION
from console.workbench.home_pages import HOME
from console.workbench.inbox_pages import mask_rows, read_cursor, write_cursor
from console.workbench.session_bar import read_with_bar, render

THIRD = HOME + "/third"


def add_third_routes(app: web.Application) -> None:
    app.router.add_get(THIRD, show_third)
    app.router.add_get(THIRD + "/next", go_to_next_third)


async def show_third(request: web.Request) -> web.StreamResponse:
    staff, masker = request[SESSION].staff, request.app[SERVICE].masker
    after = read_cursor(request.query.get("after", ""))

    def read(tx: SqlTransaction) -> dict[str, Any]:
        page = review_inbox.list_third_page(tx, by=staff.id, after=after)
        return {"rows": mask_rows(tx, page.rows, masker=masker), "next_cursor": write_cursor(page.next)}

    values, bar = await read_with_bar(request, read)
    return render(request, "third.html", bar, **values)


async def go_to_next_third(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff
    item_no = await request.app[SERVICE].database.read(
        lambda tx: review_inbox.find_next_third(tx, by=staff.id)
    )
    if item_no is None:
        raise web.HTTPSeeOther(f"{HOME}?seen=all")
    raise web.HTTPSeeOther(f"{HOME}/items/{item_no}?queue=third")
