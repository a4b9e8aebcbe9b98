"""A word nobody taught and the messages that have it: what is calm in one go, what is not one by one."""

import secrets
from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.annotations import Act, AnnotationKind
from casework.model.labels import load_labels
from casework.services import annotations, review_inbox
from casework.services.annotations import AlreadyLabelled
from casework.services.ports import StaffMember
from casework.services.review_inbox import ItemNotFound
from casework.services.workbench_ports import Decided, ReviewRow
from console.forms import read_form
from console.sessions import SESSION
from console.workbench.home_pages import HOME
from console.workbench.inbox_pages import mask_rows, number_cluster
from console.workbench.session_bar import read_with_bar, render

CLUSTER = HOME + "/clusters/{cluster_no:[0-9a-f]{16,32}}"
MOST_CLUSTERS = 500
"""How many are looked through for the one of an address."""


def add_cluster_routes(app: web.Application) -> None:
    app.router.add_get(CLUSTER, show_cluster)
    app.router.add_post(CLUSTER, label_calm)


async def show_cluster(request: web.Request) -> web.StreamResponse:
    return await _show(request)


async def label_calm(request: web.Request) -> web.StreamResponse:
    """What was ticked has no danger in it and wants the one thing chosen; each is a label of its own."""
    form, by = await read_form(request), request[SESSION].staff
    wish = form.get("wish", "")
    ticked = {
        name.removeprefix("calm_"): form_id for name, form_id in form.items() if name.startswith("calm_")
    }
    if not ticked or not load_labels().has_wish(wish):
        return await _show(request, status=422, fault="nothing_ticked")

    def keep(tx: SqlTransaction) -> None:
        rows = _list_rows(tx, request.match_info["cluster_no"])
        for row in rows:
            form_id = ticked.get(str(row.inbox_id))
            if form_id is not None:
                _label(tx, row.inbox_id, form_id, wish, by)

    await request.app[SERVICE].database.write(keep)
    raise web.HTTPSeeOther(f"{HOME}/inbox/new_words")


def _label(tx: SqlTransaction, inbox_id: int, form_id: str, wish: str, by: StaffMember) -> None:
    decided = Decided(
        inbox_id=inbox_id,
        form_id=form_id[:32],
        kind=AnnotationKind.LABEL.value,
        act=Act.DECIDED.value,
        intent=wish,
    )
    try:
        annotations.decide(tx, decided, by=by)
    except (AlreadyLabelled, ItemNotFound):
        # Labelled in another window meanwhile, or live again: the others of the page are kept all the same.
        return


def _list_rows(tx: SqlTransaction, cluster_no: str) -> list[ReviewRow]:
    """Empty where there is no such cluster any more."""
    for cluster in review_inbox.list_clusters(tx, limit=MOST_CLUSTERS):
        if number_cluster(cluster.name) == cluster_no:
            return review_inbox.list_of_cluster(tx, cluster.name)
    return []


async def _show(request: web.Request, *, status: int = 200, fault: str = "") -> web.StreamResponse:
    staff, masker = request[SESSION].staff, request.app[SERVICE].masker

    def read(tx: SqlTransaction) -> list[dict[str, Any]]:
        rows = mask_rows(tx, tuple(_list_rows(tx, request.match_info["cluster_no"])), masker=masker)
        return [
            row
            | {
                "form_id": secrets.token_hex(16),
                "is_own": annotations.find_for(tx, row["row"].inbox_id, by=staff).own is not None,
            }
            for row in rows
        ]

    rows, bar = await read_with_bar(request, read)
    if not rows:
        raise web.HTTPNotFound
    return render(
        request,
        "cluster.html",
        bar,
        status=status,
        rows=rows,
        fault=fault,
        groups=load_labels().list_by_group(),
        cluster_no=request.match_info["cluster_no"],
    )
