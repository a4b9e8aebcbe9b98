"""What an evaluation said of a model, whole: sentences first, then tables, and the messages that may be shown."""

from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.model.model_evaluations import Cell, ModelEvaluation
from casework.services import evaluations
from casework.services.model_ports import ModelVersion
from casework.services.model_releases import ModelNotFound
from console.pages import PAGES
from console.workbench.evaluation_views import LEFT, SIDE, TOP, list_not_learned, name_label, tell_taught
from console.workbench.evaluation_views import view_evaluation as view
from console.workbench.model_pages import ONE
from console.workbench.model_views import find_model, show

WHOLE = ONE + "/evaluation"


def add_evaluation_routes(app: web.Application) -> None:
    app.router.add_get(WHOLE, show_evaluation)
    app.router.add_get(WHOLE + "/messages", show_messages)


async def show_evaluation(request: web.Request) -> web.StreamResponse:
    words = request.app[PAGES].words

    def read(tx: SqlTransaction) -> dict[str, Any]:
        version, found = _get(tx, request)
        against = tx.model_releases.find_version(found.against) if found.against else None
        return {
            "version": version,
            "against": against,
            "taught": tell_taught(found, words),
            "not_learned": list_not_learned(tx, found, words),
            "view": view(found, words),
            "withdrawn": evaluations.count_withdrawn(tx, found),
        }

    return await _show(request, "evaluation.html", read, left=LEFT, top=TOP, side=SIDE)


async def show_messages(request: web.Request) -> web.StreamResponse:
    """The messages behind one cell. Of a frozen set there are none to show."""
    words = request.app[PAGES].words

    def read(tx: SqlTransaction) -> dict[str, Any]:
        version, found = _get(tx, request)
        cell = _find_cell(found, request)
        if cell is None or not cell.items:
            raise web.HTTPNotFound
        return {
            "version": version,
            "of": request.query["of"],
            "meant": name_label(cell.meant, words),
            "read": name_label(cell.read, words),
            "items": evaluations.list_items(tx, cell.items),
        }

    return await _show(request, "evaluation_messages.html", read)


def _get(tx: SqlTransaction, request: web.Request) -> tuple[ModelVersion, ModelEvaluation]:
    """Raises ModelNotFound, also for a model of which no evaluation was kept."""
    version = find_model(tx, request.match_info["model_no"])
    found = tx.evaluations.find_details(version.model_id)
    if found is None:
        raise ModelNotFound(f"No evaluation of {version.model_id} is kept.")
    return version, found


def _find_cell(found: ModelEvaluation, request: web.Request) -> Cell | None:
    of, meant, read = (request.query.get(name, "") for name in ("of", "meant", "read"))
    return next((each.find_cell(meant, read) for each in found.confusions if each.of == of), None)


async def _show(request: web.Request, template: str, read: Any, **values: Any) -> web.Response:
    try:
        return await show(request, template, read, **values)
    except ModelNotFound as missing:
        raise web.HTTPNotFound from missing
