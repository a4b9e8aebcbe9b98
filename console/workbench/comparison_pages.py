"""What would change with another model, message by message: danger first, each one that is opened noted."""

from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import ComparisonNotFound
from casework.model.significance import PROBABLY_NOT_CHANCE, mcnemar
from casework.model.turn_outcomes import Change
from casework.services import comparisons
from casework.services.comparison_ports import Comparison
from console.desk.conversation_pages import parse_inbox_id
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.comparison_views import ChangeView, list_views, read_said, tell_gets
from console.workbench.home_pages import HOME
from console.workbench.model_views import shorten, show

COMPARISONS = HOME + "/comparisons"
ONE = COMPARISONS + "/{comparison_id:[0-9a-f]{1,32}}"
PAGE = 25


def add_comparison_routes(app: web.Application) -> None:
    app.router.add_get(ONE, show_comparison)
    # Not for a browser that asks for the head alone: it would have opened what nobody saw.
    app.router.add_get(ONE + r"/{place:[0-9]{1,6}}", show_change, allow_head=False)


async def show_comparison(request: web.Request) -> web.StreamResponse:
    masker, staff = request.app[SERVICE].masker, request[SESSION].staff
    comparison_id, after = request.match_info["comparison_id"], parse_inbox_id(request.query.get("after", ""))

    def read(tx: SqlTransaction) -> dict[str, Any]:
        comparison = tx.comparisons.get(comparison_id)
        changes = tx.comparisons.list_changes(comparison_id, after=after, limit=PAGE + 1)
        return _about(tx, comparison, by=staff.id) | {
            "rows": list_views(tx, changes[:PAGE], masker=masker),
            "opened": tx.comparisons.list_opened(comparison_id, by=staff.id),
            "next_unopened": tx.comparisons.find_unopened(comparison_id, by=staff.id),
            "next_after": changes[PAGE - 1][0] if len(changes) > PAGE else None,
            "is_chance": _is_chance(comparison),
        }

    try:
        return await show(request, "comparison.html", read)
    except ComparisonNotFound as missing:
        raise web.HTTPNotFound from missing


async def show_change(request: web.Request) -> web.StreamResponse:
    """One message and what each model gives. That this person has opened it is kept with the same transaction."""
    service, staff, words = request.app[SERVICE], request[SESSION].staff, request.app[PAGES].words
    comparison_id, place = request.match_info["comparison_id"], int(request.match_info["place"])

    def open_it(tx: SqlTransaction) -> ChangeView:
        [view] = list_views(
            tx, [(place, tx.comparisons.get_change(comparison_id, place))], masker=service.masker
        )
        if view.counts_as_opened:
            comparisons.open_change(tx, comparison_id, place, by=staff.id)
        return view

    def read(tx: SqlTransaction) -> dict[str, Any]:
        said = read_said(tx)
        return _about(tx, tx.comparisons.get(comparison_id), by=staff.id) | {
            "before": tell_gets(view.change.before, words, said=said, service=service),
            "after": tell_gets(view.change.after, words, said=said, service=service),
            "next_unopened": tx.comparisons.find_unopened(comparison_id, by=staff.id, after=place),
        }

    try:
        view = await service.database.write(open_it)
        return await show(request, "comparison_change.html", read, view=view)
    except ComparisonNotFound as missing:
        raise web.HTTPNotFound from missing


def _about(tx: SqlTransaction, comparison: Comparison, *, by: str) -> dict[str, Any]:
    counts = {kind.value: comparison.counts.get(kind.value, 0) for kind in Change}
    versions = {
        name: tx.model_releases.find_version(model_id)
        for name, model_id in (("model", comparison.model_id), ("against", comparison.against_id))
    }
    return {
        "comparison": comparison,
        "counts": counts,
        "risks": {kind.value: comparison.counts.get(f"{kind.value}_risk", 0) for kind in Change},
        "total": sum(counts.values()),
        "unopened": comparisons.list_unopened(tx, comparison.id, by=by),
        "is_against_live": comparison.against_id == tx.model_releases.find_live(),
        "model_no": shorten(comparison.model_id),
        "versions": versions,
    }


def _is_chance(comparison: Comparison) -> bool | None:
    """Whether so uneven a split could be chance; None where nothing is newly right or wrong."""
    right = comparison.counts.get(Change.NEWLY_RIGHT.value, 0)
    wrong = comparison.counts.get(Change.NEWLY_WRONG.value, 0)
    return None if not right + wrong else mcnemar(right, wrong) >= PROBABLY_NOT_CHANCE
