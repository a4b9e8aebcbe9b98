"""Canned replies for supervisors: what is offered, and the next version of one."""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.services.canned_replies import (
    CannedReplyChanged,
    CannedReplyUnfit,
    change_canned_reply,
    count_texts_of,
    seed_canned_replies,
)
from console.desk.conversation_pages import parse_inbox_id
from console.desk.reply_texts import clean_reply
from console.desk.reply_tone import find_tone
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION


def add_canned_routes(app: web.Application) -> None:
    app.router.add_get("/console/canned", show_canned)
    app.router.add_post("/console/canned", keep_canned)
    app.on_startup.append(_seed)


async def show_canned(request: web.Request) -> web.StreamResponse:
    return await _render(request)


async def keep_canned(request: web.Request) -> web.StreamResponse:
    """Writes the next version. The one that was sent stays as it was in the record."""
    staff, form = request[SESSION].staff, await read_form(request)
    try:
        await request.app[SERVICE].database.write(
            lambda tx: change_canned_reply(
                tx,
                form.get("name", ""),
                title=clean_reply(form.get("title", "")),
                text=clean_reply(form.get("text", "")),
                is_closing=form.get("is_closing") == "1",
                is_offered=form.get("is_offered") == "1",
                after_version=parse_inbox_id(form.get("version", "")),
                by=staff,
            )
        )
    except CannedReplyUnfit:
        return await _render(request, status=422, fault="canned_unfit", form=form)
    except CannedReplyChanged:
        return await _render(request, status=409, fault="canned_changed", form=form)
    raise web.HTTPSeeOther("/console/canned")


async def _render(
    request: web.Request,
    *,
    status: int = 200,
    fault: str | None = None,
    form: dict[str, str] | None = None,
) -> web.Response:
    listed = await request.app[SERVICE].database.read(lambda tx: tx.canned_replies.list_newest())
    return request.app[PAGES].render(
        "canned.html",
        status=status,
        session=request[SESSION],
        listed=listed,
        texts={each.name: count_texts_of(each) for each in listed},
        tone={each.name: find_tone(each.text) for each in listed},
        fault=fault,
        form=form or {},
    )


async def _seed(app: web.Application) -> None:
    await app[SERVICE].database.write(seed_canned_replies)
