"""Where a trainer begins: what waits, how the session goes, and whatever else the workbench has to tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.review_queues import Queue
from casework.services import review_inbox
from casework.services.ports import StaffMember
from console.forms import read_form
from console.sessions import SESSION
from console.sign_in_pages import clean_next
from console.workbench.session_bar import read_with_bar, render

HOME = "/workbench"


@dataclass(frozen=True, kw_only=True)
class HomePart:
    """A part of the home page that other pages bring: its template of templates/workbench, and what it shows.

    `read`: the values of the template, or None to leave the part out today.
    """

    template: str
    read: Callable[[SqlTransaction, StaffMember], Mapping[str, Any] | None]


HOME_PARTS = web.AppKey("workbench_home_parts", list[HomePart])
# Where the tab of a queue leads. Testers' messages are no messages of a person: they have a page of their own.
TAB_PATHS = web.AppKey("workbench_tab_paths", dict[Queue, str])


def add_home_routes(app: web.Application) -> None:
    app[HOME_PARTS] = []
    paths: dict[Queue, str] = {
        queue: f"{HOME}/inbox/{queue.value}" for queue in Queue if queue is not Queue.GUESTS
    }
    app[TAB_PATHS] = paths
    app.router.add_get(HOME, show_home)
    app.router.add_post(HOME + "/keys", switch_keys)


async def show_home(request: web.Request) -> web.StreamResponse:
    staff, parts = request[SESSION].staff, request.app[HOME_PARTS]

    def read(tx: SqlTransaction) -> dict[str, Any]:
        return {
            "counts": review_inbox.count_tabs(tx),
            "third_count": review_inbox.count_third(tx, by=staff.id),
            "parts": [
                {"template": f"workbench/{part.template}", "values": values}
                for part in parts
                if (values := part.read(tx, staff)) is not None
            ],
        }

    values, bar = await read_with_bar(request, read)
    return render(
        request,
        "home.html",
        bar,
        tabs=request.app[TAB_PATHS],
        most=review_inbox.MOST_COUNTED,
        seen_all=request.query.get("seen") == "all",
        **values,
    )


async def switch_keys(request: web.Request) -> web.StreamResponse:
    """Single keys on, or off, for good: whoever speaks to their computer must be able to have none."""
    staff = request[SESSION].staff

    def switch(tx: SqlTransaction) -> None:
        now = tx.shifts.get_preferences(staff.id)
        tx.shifts.set_preferences(staff.id, replace(now, keys_on=not now.keys_on))

    await request.app[SERVICE].database.write(switch)
    raise web.HTTPSeeOther(clean_next((await read_form(request)).get("next", "")))
