"""A picture or file that came with a message: handed out to who is logged in, recorded first, and never run."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services.ports import MediaStatus
from console.desk.media_types import SAVED_AS, find_shown_type, name_file
from console.sessions import SESSION

MEDIA = "/console/media/{media_id:[0-9]{1,18}}"
# Nothing in it loads, runs, is framed or posts, whatever it turns out to be.
SEALED = "default-src 'none'; sandbox; frame-ancestors 'none'"


def add_media_routes(app: web.Application) -> None:
    app.router.add_get(MEDIA, show_media, allow_head=False)


async def show_media(request: web.Request) -> web.StreamResponse:
    """The bytes: shown if a browser can show them as a picture, else to be saved. 404 for what is not here."""
    media_id = int(request.match_info["media_id"])
    staff_id = request[SESSION].staff.id
    found_type, content = await request.app[SERVICE].database.write(
        lambda tx: _open(tx, media_id, staff_id=staff_id)
    )
    return send_file(media_id, found_type, content)


def send_file(media_id: int, found_type: str | None, content: bytes) -> web.Response:
    """Shown if a browser can show it as a picture, else to be saved; sealed either way."""
    shown_as = find_shown_type(found_type, content)
    disposition = "inline" if shown_as else "attachment"
    return web.Response(
        body=content,
        content_type=shown_as or SAVED_AS,
        headers={
            "Content-Disposition": f'{disposition}; filename="{name_file(media_id, found_type)}"',
            "Content-Security-Policy": SEALED,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        },
    )


def _open(tx: SqlTransaction, media_id: int, *, staff_id: str) -> tuple[str | None, bytes]:
    """What is kept, with the opening in the record; whoever has the bytes has that row before them."""
    found = tx.media.find(media_id)
    stored, content = found if found is not None else (None, None)
    if stored is None or content is None or stored.status is not MediaStatus.KEPT:
        raise web.HTTPNotFound
    tx.audit.record(
        "media_opened", by=staff_id, conversation_id=stored.conversation_id, thing=f"media-{media_id}"
    )
    return stored.found_type, content
