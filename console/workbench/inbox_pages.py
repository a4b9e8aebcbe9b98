"""A queue of the workbench: the worst first, masked, each with why it is here, and the way to the next."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.masking import Masker
from casework.model.review_queues import Queue
from casework.services import review_inbox
from casework.services.masked_reading import mask_messages
from casework.services.review_ports import Cursor
from casework.services.workbench_ports import ReviewRow
from console.sessions import SESSION
from console.workbench.home_pages import HOME, TAB_PATHS
from console.workbench.masked_words import split_words
from console.workbench.session_bar import read_with_bar, render

INBOX = HOME + "/inbox"
QUEUE = INBOX + "/{queue:[a-z_]{1,24}}"
BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def add_inbox_routes(app: web.Application) -> None:
    app.router.add_get(QUEUE, show_queue)
    app.router.add_get(QUEUE + "/next", go_to_next)


async def show_queue(request: web.Request) -> web.StreamResponse:
    queue = find_queue(request)
    after = read_cursor(request.query.get("after", ""))
    masker = request.app[SERVICE].masker

    def read(tx: SqlTransaction) -> dict[str, Any]:
        page = review_inbox.list_page(tx, queue, after=after)
        clusters = review_inbox.list_clusters(tx) if queue is Queue.NEW_WORDS else []
        return {
            "rows": mask_rows(tx, page.rows, masker=masker),
            "next_cursor": write_cursor(page.next),
            "counts": review_inbox.count_tabs(tx),
            "clusters": [{"no": number_cluster(each.name), "found": each} for each in clusters],
        }

    values, bar = await read_with_bar(request, read)
    return render(
        request,
        "inbox.html",
        bar,
        queue=queue,
        tabs=request.app[TAB_PATHS],
        most=review_inbox.MOST_COUNTED,
        **values,
    )


async def go_to_next(request: web.Request) -> web.StreamResponse:
    """The first item of the queue this trainer has not looked at; the start where there is none."""
    queue, staff = find_queue(request), request[SESSION].staff
    item_no = await request.app[SERVICE].database.read(
        lambda tx: review_inbox.find_next(tx, queue, by=staff.id)
    )
    if item_no is None:
        raise web.HTTPSeeOther(f"{HOME}?seen=all")
    fault = request.query.get("fault", "")
    raise web.HTTPSeeOther(
        f"{HOME}/items/{item_no}?queue={queue.value}" + (f"&fault={fault}" if fault.isidentifier() else "")
    )


def number_cluster(word: str) -> str:
    """The address of a word: somebody's word stands in no address, and so in no log."""
    return hashlib.sha256(word.encode()).hexdigest()[:16]


def find_queue(request: web.Request) -> Queue:
    """The queue of the address. Raises HTTPNotFound for none of ours, and for what has a page of its own."""
    queue = next((each for each in Queue if each == request.match_info["queue"]), None)
    if queue is None or request.app[TAB_PATHS].get(queue) != f"{INBOX}/{queue.value}":
        raise web.HTTPNotFound
    return queue


def mask_rows(tx: SqlTransaction, rows: tuple[ReviewRow, ...], *, masker: Masker) -> list[dict[str, Any]]:
    """Each row with its words, masked. Whether somebody has labelled one is not among what a page is given."""
    masked = mask_messages(tx, [row.inbox_id for row in rows], masker=masker)
    return [
        {"row": row, "words": split_words(masked[row.inbox_id])} for row in rows if row.inbox_id in masked
    ]


def read_cursor(text: str) -> Cursor | None:
    """From `harm.microseconds since 1970.inbox id`; None for the first page, and for what no page of ours sends."""
    parts = text.split(".")
    if len(parts) != 3 or not all(each.isascii() and each.isdigit() and len(each) < 18 for each in parts):
        return None
    harm, moment, inbox_id = map(int, parts)
    return Cursor(harm, BEGAN + moment * MICROSECOND, inbox_id)


def write_cursor(cursor: Cursor | None) -> str:
    if cursor is None:
        return ""
    return f"{cursor.harm}.{(cursor.said_at - BEGAN) // MICROSECOND}.{cursor.inbox_id}"
