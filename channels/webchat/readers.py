"""Who read what they wrote, at /my/readers: day by day, after the step-up that a copy of the words asks for."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services.proved import Proved
from casework.services.readings import Readers, open_readers
from channels.webchat.proved_pages import open_page, show_not_yet
from channels.webchat.responses import see_other, show

READERS, START = "/my/readers", "/"


def add_reader_routes(app: web.Application) -> None:
    app.router.add_get(READERS, show_readers, allow_head=False)


async def show_readers(request: web.Request) -> web.Response:
    is_named = request.app[SERVICE].settings.readers_named

    def look(tx: SqlTransaction, conversation_id: str, proved: Proved) -> Readers | None:
        return open_readers(tx, conversation_id, proved, is_named=is_named)

    opened = await open_page(request, look)
    if opened is None:
        return see_other(START)
    if opened.found is None:
        return show_not_yet(request, opened)
    return show(
        request,
        "my/readers.html",
        visit=opened.visit,
        readers=opened.found,
        is_named=is_named,
        safety_line=opened.safety_line,
    )
