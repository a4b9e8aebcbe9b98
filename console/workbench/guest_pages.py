"""Testers of a candidate: the links they get, and what they wrote with them, masked."""

from dataclasses import dataclass

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.review_queues import Queue
from casework.services import guest_labels, guests, review_inbox
from casework.services.guest_ports import GuestLink
from casework.services.model_ports import ModelVersion, VersionStatus
from casework.services.review_ports import GuestRow
from console.desk.conversation_pages import parse_inbox_id
from console.forms import read_form
from console.sessions import SESSION
from console.workbench.home_pages import HOME, TAB_PATHS
from console.workbench.masked_words import Word, split_words
from console.workbench.session_bar import read_with_bar, render

GUESTS = HOME + "/guests"


@dataclass(frozen=True, kw_only=True)
class Written:
    """`words`: masked."""

    row: GuestRow
    words: tuple[Word, ...]


def add_guest_routes(app: web.Application) -> None:
    """After the home page's: its tab leads here."""
    app[TAB_PATHS][Queue.GUESTS] = GUESTS
    app.router.add_get(GUESTS, show_guests)
    app.router.add_post(GUESTS, make_link)
    app.router.add_post(GUESTS + "/{link_no}/end", end_link)
    app.router.add_post(GUESTS + "/written/{guest_no}/handled", handle_message)


async def show_guests(request: web.Request) -> web.StreamResponse:
    return await _show(request)


async def make_link(request: web.Request) -> web.StreamResponse:
    """The address stands on the answer's page and nowhere else."""
    form, service, staff = await read_form(request), request.app[SERVICE], request[SESSION].staff
    try:
        token = await service.database.write(
            lambda tx: guests.open_link(
                tx,
                form.get("model", ""),
                group=form.get("group", ""),
                days=parse_inbox_id(form.get("days", "")),
                by=staff.id,
            )
        )
    except guests.LinkUnfit:
        return await _show(request, status=422, fault="link_unfit")
    return await _show(request, address=f"{service.settings.public_url}/try/{token}")


async def end_link(request: web.Request) -> web.StreamResponse:
    number, staff = parse_inbox_id(request.match_info["link_no"]), request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: guests.end_link(tx, number, by=staff.id))
    raise web.HTTPSeeOther(GUESTS)


async def handle_message(request: web.Request) -> web.StreamResponse:
    number, staff = parse_inbox_id(request.match_info["guest_no"]), request[SESSION].staff
    await request.app[SERVICE].database.write(lambda tx: review_inbox.handle_guest(tx, number, by=staff.id))
    raise web.HTTPSeeOther(GUESTS)


async def _show(
    request: web.Request, *, status: int = 200, fault: str | None = None, address: str | None = None
) -> web.StreamResponse:
    masker, after = request.app[SERVICE].masker, parse_inbox_id(request.query.get("after", ""))

    def read(tx: SqlTransaction) -> tuple[list[GuestLink], list[ModelVersion], review_inbox.GuestPage]:
        candidates = [
            each for each in tx.model_releases.list_versions() if each.status == VersionStatus.CANDIDATE
        ]
        return tx.guests.list_links(), candidates, review_inbox.list_guest_page(tx, after=after)

    (links, candidates, page), bar = await read_with_bar(request, read)
    written = [
        Written(
            row=row,
            words=split_words(guest_labels.mask(row, masker=masker)),
        )
        for row in page.rows
    ]
    return render(
        request,
        "guests.html",
        bar,
        status=status,
        links=links,
        candidates=candidates,
        written=written,
        next_after=page.next,
        longest_days=guests.LONGEST_DAYS,
        most=guests.MOST_A_LINK,
        fault=fault,
        address=address,
    )
