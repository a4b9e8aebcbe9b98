"""Unusual reading: what the rules found, and what a supervisor says it was. An auditor sees both, and says nothing."""

from aiohttp import web

from casework.adapters.web_app import SERVICE
from casework.model.policy import Action, can
from casework.services.unusual_readings import FindingNotFound, review_finding
from console.forms import read_form
from console.glass import LONGEST_REASON, clean_words, is_enough
from console.pages import PAGES
from console.sessions import SESSION

UNUSUAL = "/console/audit/unusual"
ONE = UNUSUAL + "/{finding_id:[0-9a-f]{32}}"
VERDICTS = {"yes": True, "no": False}


def add_unusual_routes(app: web.Application) -> None:
    app.router.add_get(UNUSUAL, show_unusual)
    app.router.add_post(ONE, review)


async def show_unusual(request: web.Request) -> web.StreamResponse:
    return await _render(request, told="reviewed" if request.query.get("done") == "yes" else None)


async def review(request: web.Request) -> web.StreamResponse:
    """A supervisor's view of one finding, for good; nobody looks at their own reading."""
    staff, finding_id = request[SESSION].staff, request.match_info["finding_id"]
    form = await read_form(request)
    words, verdict = clean_words(form.get("text", "")), VERDICTS.get(form.get("explained", ""))
    if verdict is None:
        return await _render(request, status=422, fault="choose", kept=(finding_id, words))
    if not is_enough(words):
        return await _render(request, status=422, fault="words_short", kept=(finding_id, words))
    try:
        fault = await request.app[SERVICE].database.write(
            lambda tx: review_finding(tx, finding_id, by=staff.id, is_explained=verdict, words=words)
        )
    except FindingNotFound as missing:
        raise web.HTTPNotFound from missing
    if fault is not None:
        return await _render(request, status=409, fault=fault.value)
    raise web.HTTPSeeOther(f"{UNUSUAL}?done=yes")


async def _render(
    request: web.Request,
    *,
    status: int = 200,
    fault: str | None = None,
    told: str | None = None,
    kept: tuple[str, str] = ("", ""),
) -> web.Response:
    session, database = request[SESSION], request.app[SERVICE].database
    await database.write(lambda tx: tx.audit.record("unusual_list_read", by=session.staff.id))
    waiting, done, newest = await database.read(
        lambda tx: (
            tx.unusual_readings.list_unreviewed(),
            tx.unusual_readings.list_reviewed(),
            tx.unusual_readings.find_newest_day(),
        )
    )
    return request.app[PAGES].render(
        "unusual_reading.html",
        status=status,
        session=session,
        found=waiting,
        done=done,
        newest=newest,
        may_review=can(session.staff.role, Action.REVIEW_READING),
        fault=fault,
        told=told,
        kept_id=kept[0],
        kept_words=kept[1],
        longest=LONGEST_REASON,
    )
