"""Uncovering one masked value of a message: why, who one is once more, and a page that shows it this once."""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.errors import MessageNotFound, ReasonNeeded, WaymarkError
from casework.services.review_inbox import ItemNotFound
from casework.services.unmasking import (
    LONGEST_KEPT,
    ReadingChanged,
    SpanNotFound,
    TooManyUnmaskings,
    unmask_span,
)
from console.forms import read_form
from console.sessions import SESSION
from console.workbench.drafts import is_number
from console.workbench.item_pages import ITEM, clean_queue
from console.workbench.items import load_item
from console.workbench.session_bar import read_bar, render

FAULT_OF: dict[type[WaymarkError], tuple[int, str]] = {
    ReasonNeeded: (422, "reason_needed"),
    SpanNotFound: (422, "choose_one"),
    ReadingChanged: (409, "reading_changed"),
    TooManyUnmaskings: (429, "too_many"),
}


def add_unmask_routes(app: web.Application) -> None:
    app.router.add_get(ITEM + "/unmask", show_choice)
    app.router.add_post(ITEM + "/unmask", uncover)


async def show_choice(request: web.Request) -> web.StreamResponse:
    return await _show(request, queue=request.query.get("queue", ""))


async def uncover(request: web.Request) -> web.StreamResponse:
    """One value on one answer page: it stands nowhere else, and going back to the page asks anew."""
    service, staff, form = request.app[SERVICE], request[SESSION].staff, await read_form(request)
    item_no = int(request.match_info["item_no"])
    number, queue = form.get("span", ""), form.get("queue", "")
    try:
        said = await service.database.write(
            lambda tx: unmask_span(
                tx,
                item_no,
                int(number) if is_number(number) else -1,
                text_sha=form.get("text_sha", ""),
                masker=service.masker,
                reason=form.get("text", ""),
                by=staff,
            )
        )
    except MessageNotFound as missing:
        raise web.HTTPNotFound from missing
    except (ReasonNeeded, SpanNotFound, ReadingChanged, TooManyUnmaskings) as refusal:
        status, fault = FAULT_OF[type(refusal)]
        return await _show(
            request, queue=queue, status=status, fault=fault, reason=form.get("text", ""), chosen=number
        )
    return await _show(request, queue=queue, said=said)


async def _show(
    request: web.Request,
    *,
    queue: str,
    status: int = 200,
    fault: str = "",
    reason: str = "",
    chosen: str = "",
    said: str | None = None,
) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    item_no = int(request.match_info["item_no"])
    try:
        view, bar = await service.database.read(
            lambda tx: (
                load_item(tx, item_no, by=staff, masker=service.masker),
                read_bar(tx, by=staff),
            )
        )
    except (ItemNotFound, MessageNotFound) as missing:
        raise web.HTTPNotFound from missing
    return render(
        request,
        "unmask.html",
        bar,
        status=status,
        view=view,
        queue=clean_queue(request, queue),
        fault=fault,
        reason=reason,
        chosen=chosen,
        said=said,
        longest=LONGEST_KEPT,
    )
