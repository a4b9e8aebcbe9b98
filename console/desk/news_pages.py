"""Saying that a person has told the victim, and the page of the Code's limits for supervisors."""

from dataclasses import dataclass

from aiohttp import web

from casework.adapters.case_import import build_case_feed
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.cases import Case
from casework.model.working_days import local_day
from casework.services.kept_informed import TellingImpossible, record_victim_told
from casework.services.notices import NewsUnknown
from console.desk.case_panel import ClockRow, get_informed, list_cases, parse_local, show_clock
from console.desk.conversation_pages import CONVERSATION, render_conversation
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION

MOST_CLOCKS = 500


@dataclass(frozen=True, kw_only=True)
class ListedClock:
    """`conversation_id` where an item of the desk is about it."""

    row: ClockRow
    case: Case
    conversation_id: str | None


def add_news_routes(app: web.Application) -> None:
    app.router.add_post(CONVERSATION + "/told", record_told)
    app.router.add_get("/console/clocks", show_clocks)


async def record_told(request: web.Request) -> web.StreamResponse:
    """Records that the victim was told, or gives the page back with the reason it was not."""
    service, staff = request.app[SERVICE], request[SESSION].staff
    conversation_id = request.match_info["conversation_id"]
    form = await read_form(request)
    at = parse_local(form.get("told_on", ""), form.get("told_at", ""))
    reference, news, told_by = (form.get(name, "") for name in ("reference", "news", "told_by"))
    if at is None:
        return await render_conversation(request, status=422, fault="told_when")
    feed = build_case_feed()

    def record(tx: SqlTransaction) -> None:
        tx.conversations.get(conversation_id)
        if reference not in list_cases(tx, conversation_id):
            raise NewsUnknown(news)
        record_victim_told(
            tx,
            reference,
            news,
            at=at,
            told_by=told_by,
            by=staff,
            feed=feed,
            informed=get_informed(),
        )
        # The item is done and the page is still theirs to look at.
        tx.audit.record("told_from_conversation", by=staff.id, conversation_id=conversation_id)

    try:
        await service.database.write(record)
    except NewsUnknown:
        return await render_conversation(request, status=409, fault="told_already")
    except TellingImpossible:
        return await render_conversation(request, status=422, fault="told_when")
    raise web.HTTPSeeOther(f"/console/c/{conversation_id}")


async def show_clocks(request: web.Request) -> web.StreamResponse:
    """Every limit that has passed or ends today, the longest past first. The reading is recorded."""
    session, database = request[SESSION], request.app[SERVICE].database
    await database.write(lambda tx: tx.audit.record("clocks_read", by=session.staff.id))
    listed = await database.read(_list_clocks)
    return request.app[PAGES].render(
        "clocks.html", session=session, listed=listed, is_cut=len(listed) >= MOST_CLOCKS
    )


def _list_clocks(tx: SqlTransaction) -> list[ListedClock]:
    stored = tx.clocks.list_open(until=local_day(tx.now), limit=MOST_CLOCKS)
    cases = tx.cases.find_stored(sorted({each.crime_reference for each in stored}))
    opened = tx.notices.find_item_conversations([f"clock_overdue:{each.id}" for each in stored])
    rows = [(each, show_clock(each, rules=get_informed().code, now=tx.now)) for each in stored]
    return [
        ListedClock(
            row=row,
            case=cases[each.crime_reference].case,
            conversation_id=opened.get(f"clock_overdue:{each.id}"),
        )
        for each, row in rows
        if row is not None
    ]
