"""Looking is on record before anything is shown. What handlers and services do not record themselves is recorded here.

Whoever adds a page that shows something of somebody records it in its handler, or adds a row to `LOOKS`; the tables of
tests/console/route_audit.py say which does what, and its test walks the router.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
import structlog
from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE, Handler
from casework.model.audit_acts import load_acts
from console.access import COPY, GUEST, ITEM, MODEL, C
from console.sessions import SESSION, is_open

log = structlog.get_logger()

# A page that keeps itself current is one look: its panes are recorded again only after so long.
LOOK_LASTS = timedelta(hours=1)

Named = Mapping[str, str]


def _nothing(_named: Named) -> str | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Look:
    """`thing`: the detail, of the ids in the address. `message`: which of them names a message of somebody.

    `is_live`: a page that keeps itself current and holds no word of anybody.
    """

    act: str
    thing: Callable[[Named], str | None] = _nothing
    message: str | None = None
    is_live: bool = False


def _said(code: str) -> Callable[[Named], str | None]:
    return lambda _named: code


def _looked_up(where: str) -> Look:
    """Who has a conversation, why and since when, and none of its words."""
    return Look(act="conversation_looked_up", thing=_said(where))


_COPY = Look(act="access_items_read", thing=lambda named: named["request_id"])
_MASKED_ITEM = Look(act="masked_item_read", thing=lambda named: f"in-{named['item_no']}", message="item_no")

LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "GET /console": Look(act="queue_read", is_live=True),
        "GET /console/board": Look(act="board_read", is_live=True),
        "GET /console/board/c/{conversation_id}": _looked_up("board"),
        f"GET {C}/transfer": _looked_up("transfer"),
        f"GET {C}/take-over": _looked_up("take_over"),
        f"GET {C}/regrade": _looked_up("regrade"),
        f"GET {C}/wrong": _looked_up("wrong"),
        f"GET {C}/happened": _looked_up("happened"),
        f"GET {C}/export": _looked_up("export"),
        f"GET {C}/export/any": _looked_up("export"),
        "GET /console/copies": Look(act="access_requests_read"),
        f"GET {COPY}": _COPY,
        f"GET {COPY}/look": _COPY,
        f"GET {COPY}/file": _COPY,
        f"GET {COPY}/give": _COPY,
        # The conversations one has, by what they are about.
        "GET /console/me": Look(act="own_work_read"),
        "GET /console/staff": Look(act="staff_list_read"),
        "GET /console/rota": Look(act="rota_read"),
        "GET /console/trial": Look(act="trial_list_read"),
        "GET /console/quality": Look(act="quality_list_read"),
        "GET /console/measures": Look(act="measures_read"),
        "GET /console/drills": Look(act="drill_read"),
        "GET /console/drills/{drill_id}": Look(act="drill_read", thing=lambda named: named["drill_id"]),
        "GET /console/drills/{drill_id}/report.csv": Look(
            act="drill_report_downloaded", thing=lambda named: named["drill_id"]
        ),
        "GET /workbench/inbox/{queue}": Look(act="masked_list_read", thing=lambda named: named["queue"]),
        "GET /workbench/third": Look(act="masked_list_read", thing=_said("third")),
        "GET /workbench/clusters/{cluster_no}": Look(
            act="masked_list_read", thing=lambda named: f"cluster-{named['cluster_no']}"
        ),
        f"GET {ITEM}": _MASKED_ITEM,
        f"GET {ITEM}/unmask": _MASKED_ITEM,
        "GET /workbench/examples": Look(act="masked_list_read", thing=_said("examples")),
        "GET /workbench/examples/{example_id}": Look(
            act="example_read", thing=lambda named: named["example_id"]
        ),
        "GET /workbench/data": Look(act="masked_list_read", thing=_said("data")),
        "GET /workbench/guests": Look(act="guest_list_read"),
        f"GET {GUEST}": Look(act="guest_message_read", thing=lambda named: f"guest-{named['guest_no']}"),
        f"GET {MODEL}/evaluation/messages": Look(
            act="masked_list_read", thing=lambda named: f"model-{named['model_no']}"
        ),
        "GET /workbench/comparisons/{comparison_id}": Look(
            act="masked_list_read", thing=lambda named: f"comparison-{named['comparison_id']}"
        ),
        "GET /workbench/content/{content_name}/told": Look(
            act="told_list_read", thing=lambda named: f"content:{named['content_name']}"
        ),
    }
)

LIVE_LOOKS: web.AppKey[dict[tuple[str, str], datetime]] = web.AppKey("live_looks", dict)


@web.middleware
async def record_look(request: web.Request, handler: Handler) -> web.StreamResponse:
    """After `require_access`. The row is committed before the page is made."""
    resource = request.match_info.route.resource
    if resource is not None and not is_open(request):
        method = "GET" if request.method == "HEAD" else request.method
        look = LOOKS.get(f"{method} {resource.canonical}")
        if look is not None:
            await (_record_live(request, look) if look.is_live else _record(request, look))
    return await handler(request)


async def _record(request: web.Request, look: Look) -> None:
    staff_id, named = request[SESSION].staff.id, request.match_info

    # An address may hold what no page of ours links to: then there is no detail.
    thing = look.thing(named)
    thing = thing if load_acts()[look.act].takes(thing) else None

    def record(tx: SqlTransaction) -> None:
        conversation_id = named.get("conversation_id")
        if look.message is not None:
            conversation_id = tx.audit_reads.find_conversation_of_message(int(named[look.message]))
        tx.audit.record(look.act, by=staff_id, conversation_id=conversation_id, thing=thing)

    await request.app[SERVICE].database.write(record)


async def _record_live(request: web.Request, look: Look) -> None:
    """Once for the page and all its panes: a pane that no page came before is a look of its own."""
    session, now = request[SESSION], request.app[SERVICE].clock.now()
    looks, key = request.app[LIVE_LOOKS], (session.token_hash, look.act)
    is_pane = request.headers.get("X-Pane") is not None
    if is_pane and (seen_at := looks.get(key)) is not None and now - seen_at < LOOK_LASTS:
        return
    try:
        await _record(request, look)
    except sa.exc.DBAPIError:
        # Danger waits on these pages, and no word of anybody is: a full disk must not hide it.
        log.exception("look_not_recorded")
        return
    if len(looks) > 1000:
        looks.clear()
    looks[key] = now
