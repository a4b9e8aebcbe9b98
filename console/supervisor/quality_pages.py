"""Second looks: what was drawn and waits, one of it with its words, and the verdict."""

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services import quality
from casework.services.quality import ItemNotFound, ReviewedAlready, ReviewerHandledIt, ReviewIncomplete
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

QUALITY = "/console/quality"
ONE = QUALITY + "/{reviewed_item:[0-9a-f]{32}}"
MOST_ENTRIES = 300
MOST_REVIEWS = 20


def add_quality_routes(app: web.Application) -> None:
    app.router.add_get(QUALITY, show_due)
    app.router.add_get(ONE, show_item)
    app.router.add_post(ONE, record)


async def show_due(request: web.Request) -> web.StreamResponse:
    return await _render_due(request)


async def show_item(request: web.Request) -> web.StreamResponse:
    """The conversation's words, for whoever judges it. The reading is recorded as any other."""
    return await _show(request)


async def record(request: web.Request) -> web.StreamResponse:
    service, staff = request.app[SERVICE], request[SESSION].staff
    form = await read_form(request)
    answers = {name: form.get(f"answer_{name}", "") for name in quality.QUESTIONS}
    try:
        await service.database.write(
            lambda tx: quality.record_review(
                tx,
                request.match_info["reviewed_item"],
                verdict=form.get("verdict", ""),
                answers=answers,
                words=form.get("words", ""),
                by=staff,
            )
        )
    except ReviewIncomplete:
        return await _show(request, status=422, fault="review_incomplete", form=form)
    except (ReviewedAlready, ReviewerHandledIt) as refusal:
        return await _render_due(request, status=409, fault=_name(refusal))
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    raise web.HTTPSeeOther(QUALITY)


async def _show(
    request: web.Request, *, status: int = 200, fault: str | None = None, form: dict[str, str] | None = None
) -> web.StreamResponse:
    staff = request[SESSION].staff

    def read(tx: SqlTransaction) -> dict[str, object]:
        item = quality.get_due(tx, request.match_info["reviewed_item"], by=staff)
        tx.audit.record(
            "conversation_read", by=staff.id, conversation_id=item.conversation_id, thing="quality"
        )
        return {
            "item": item,
            "entries": tx.transcripts.list_latest(item.conversation_id, limit=MOST_ENTRIES),
        }

    try:
        values = await request.app[SERVICE].database.write(read)
    except (ReviewedAlready, ReviewerHandledIt) as refusal:
        return await _render_due(request, status=409, fault=_name(refusal))
    except ItemNotFound as missing:
        raise web.HTTPNotFound from missing
    return request.app[PAGES].render(
        "quality_item.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        form=form or {},
        questions=quality.QUESTIONS,
        answers=quality.ANSWERS,
        verdicts=quality.VERDICTS,
        **values,
    )


async def _render_due(
    request: web.Request, *, status: int = 200, fault: str | None = None
) -> web.StreamResponse:
    staff = request[SESSION].staff
    due, reviews = await request.app[SERVICE].database.read(
        lambda tx: (quality.list_due(tx, by=staff), tx.quality.list_newest(limit=MOST_REVIEWS))
    )
    return request.app[PAGES].render(
        "quality.html",
        status=status,
        session=request[SESSION],
        fault=fault,
        due=due,
        reviews=reviews,
        drawn=quality.DRAWN,
        days=quality.LOOKED_BACK.days,
    )


def _name(refusal: Exception) -> str:
    return "reviewed_already" if isinstance(refusal, ReviewedAlready) else "reviewer_handled_it"
