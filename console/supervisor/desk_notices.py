"""What every page of the desk says beside its own matter: lines for all staff, and a word to whoever reads it."""

from dataclasses import dataclass, fields, replace

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE, Handler
from casework.model.policy import Action, can
from casework.services.exposure import Care, look_after
from casework.services.supervision_ports import Broadcast
from console.sessions import SESSION, DeskSession


@dataclass(frozen=True, kw_only=True)
class NotedSession(DeskSession):
    """The session with what stands over the page. `care` is None where somebody keeps no shift, and on panes.

    `unseen_follow_ups`: what happened next that they have not read; 0 for who keeps no shift, and on panes.
    """

    broadcasts: tuple[Broadcast, ...]
    care: Care | None
    unseen_follow_ups: int


@web.middleware
async def add_desk_notices(request: web.Request, handler: Handler) -> web.StreamResponse:
    """After `require_session`: for pages that are shown, not for streams."""
    session = request.get(SESSION)
    if session is not None and not request.path.endswith("/events"):
        request[SESSION] = await note_session(request, session)
    return await handler(request)


async def note_session(request: web.Request, session: DeskSession) -> NotedSession:
    """Read again where an act of this request has changed it."""
    keeps_shift = can(session.staff.role, Action.KEEP_SHIFT) and "X-Pane" not in request.headers

    def read(tx: SqlTransaction) -> tuple[list[Broadcast], Care | None, int]:
        staff_id = session.staff.id
        if not keeps_shift:
            return tx.broadcasts.list_current(), None, 0
        return tx.broadcasts.list_current(), look_after(tx, staff_id), tx.follow_ups.count_unseen(staff_id)

    broadcasts, care, unseen = await request.app[SERVICE].database.read(read)
    if isinstance(session, NotedSession):
        return replace(session, broadcasts=tuple(broadcasts), care=care, unseen_follow_ups=unseen)
    known = {field.name: getattr(session, field.name) for field in fields(session)}
    return NotedSession(**known, broadcasts=tuple(broadcasts), care=care, unseen_follow_ups=unseen)
