"""Opening a conversation that is not one's own work: with a reason, for an hour, supervisors told at once.

The page looks the same whether or not there is such a conversation; only a given reason finds out, on record.
"""

from datetime import datetime, timedelta

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services.staff_ports import GlassOpening
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

OPEN_FOR = timedelta(minutes=60)
REVIEWED_WITHIN = timedelta(days=7)
SHORTEST_REASON = 10
LONGEST_REASON = 500
GLASS = "/console/c/{conversation_id:[0-9a-f]{32}}/glass"
OPENING = "/console/glass/{opening_id:[0-9a-f]{32}}"


def add_glass_routes(app: web.Application) -> None:
    app.router.add_get(GLASS, ask_reason)
    app.router.add_post(GLASS, break_glass)
    app.router.add_get("/console/glass", list_openings)
    app.router.add_post(OPENING, review)


async def ask_reason(request: web.Request) -> web.StreamResponse:
    return _render_reason(request)


async def break_glass(request: web.Request) -> web.StreamResponse:
    """Opens it for this person and this hour, or gives the page back with the words kept."""
    staff, conversation_id = request[SESSION].staff, request.match_info["conversation_id"]
    # "text", so that a refused form gives the words back like any other of the desk.
    reason = clean_words((await read_form(request)).get("text", ""))
    if not is_enough(reason):
        return _render_reason(request, status=422, fault="why_short", reason=reason)

    def open_it(tx: SqlTransaction) -> None:
        found = tx.conversations.get(conversation_id)
        opening_id = tx.glass.record(found.id, staff_id=staff.id, reason=reason, until=tx.now + OPEN_FOR)
        tx.audit.record("glass_broken", by=staff.id, conversation_id=found.id, thing=opening_id)

    await request.app[SERVICE].database.write(open_it)
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}")


async def list_openings(request: web.Request) -> web.StreamResponse:
    return await _render_openings(request, told="reviewed" if request.query.get("done") == "yes" else None)


async def review(request: web.Request) -> web.StreamResponse:
    """A supervisor's view of one opening, for good; nobody looks at their own."""
    staff, opening_id = request[SESSION].staff, request.match_info["opening_id"]
    form = await read_form(request)
    words = clean_words(form.get("text", ""))
    verdict = {"yes": True, "no": False}.get(form.get("justified", ""))
    if verdict is None:
        return await _render_openings(request, status=422, fault="choose", kept=(opening_id, words))
    if not is_enough(words):
        return await _render_openings(request, status=422, fault="words_short", kept=(opening_id, words))
    fault = await request.app[SERVICE].database.write(
        lambda tx: _record_review(tx, opening_id, by=staff.id, is_justified=verdict, words=words)
    )
    if fault is not None:
        return await _render_openings(request, status=409, fault=fault)
    raise web.HTTPSeeOther("/console/glass?done=yes")


def _record_review(
    tx: SqlTransaction, opening_id: str, *, by: str, is_justified: bool, words: str
) -> str | None:
    """The fault; None once it is recorded."""
    found = tx.glass.find(opening_id)
    if found is None:
        raise web.HTTPNotFound
    if found.staff_id == by:
        tx.audit.record(
            "access_refused", by=by, conversation_id=found.conversation_id, thing="review_own_glass"
        )
        return "own"
    if not tx.glass.review(opening_id, by=by, is_justified=is_justified, words=words):
        return "already"
    tx.audit.record(
        "glass_reviewed",
        by=by,
        conversation_id=found.conversation_id,
        thing=f"{opening_id}:{'justified' if is_justified else 'not_justified'}",
    )
    return None


def clean_words(text: str) -> str:
    """One line's worth of words, without signs nobody can see, cut at what a record holds."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(plain.split())[:LONGEST_REASON]


def is_enough(words: str) -> bool:
    """At least ten letters: spaces and full stops are no reason."""
    return sum(sign.isalpha() for sign in words) >= SHORTEST_REASON


def _render_reason(
    request: web.Request, *, status: int = 200, fault: str | None = None, reason: str = ""
) -> web.Response:
    return request.app[PAGES].render(
        "glass_reason.html",
        status=status,
        session=request[SESSION],
        conversation_id=request.match_info["conversation_id"],
        fault=fault,
        reason=reason,
        longest=LONGEST_REASON,
    )


async def _render_openings(
    request: web.Request,
    *,
    status: int = 200,
    fault: str | None = None,
    told: str | None = None,
    kept: tuple[str, str] = ("", ""),
) -> web.Response:
    """Reading who opened what is on record too."""
    session, database = request[SESSION], request.app[SERVICE].database
    await database.write(lambda tx: tx.audit.record("glass_list_read", by=session.staff.id))
    waiting, done = await database.read(lambda tx: (tx.glass.list_unreviewed(), tx.glass.list_reviewed()))
    now = request.app[SERVICE].clock.now()
    return request.app[PAGES].render(
        "glass.html",
        status=status,
        session=session,
        unreviewed=waiting,
        late={each.id for each in waiting if _is_late(each, now=now)},
        done=done,
        fault=fault,
        told=told,
        kept_id=kept[0],
        kept_words=kept[1],
        longest=LONGEST_REASON,
    )


def _is_late(opening: GlassOpening, *, now: datetime) -> bool:
    return now - opening.opened_at > REVIEWED_WITHIN
