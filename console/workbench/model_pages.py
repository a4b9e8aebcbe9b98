"""Models for whoever decides about them: which one is live, how each was made, what it reaches, what happened to it."""

from datetime import datetime
from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.services.model_releases import LONGEST_REASON, ModelNotFound
from casework.services.ports import StaffMember
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.evaluation_views import read_evaluation
from console.workbench.home_pages import HOME, HOME_PARTS, HomePart
from console.workbench.model_views import find_live, list_models, load_model, show
from console.workbench.shadow_views import read_shadow

MODELS = HOME + "/models"
ONE = MODELS + "/{model_no:[A-Za-z0-9_-]{1,12}}"
DONE = ("proposed", "released", "refused", "back")


def add_model_routes(app: web.Application) -> None:
    """After those of `release_pages`, one of which has the address a model could have."""
    words = app[PAGES].words

    def read_part(tx: SqlTransaction, _staff: StaffMember) -> dict[str, Any]:
        return {"live": find_live(tx, words), "proposal": tx.model_releases.find_proposal()}

    app[HOME_PARTS].append(HomePart(template="model_home.html", read=read_part))
    app.router.add_get(MODELS, show_models)
    app.router.add_get(ONE, show_model)


async def show_models(request: web.Request) -> web.StreamResponse:
    words, done = request.app[PAGES].words, request.query.get("done", "")

    def read(tx: SqlTransaction) -> dict[str, Any]:
        views = list_models(tx, words)
        return {
            "views": views,
            "live": next((each for each in views if each.state == "live"), None),
            "before": next((each for each in views if each.state == "before"), None),
            "proposed": next((each for each in views if each.proposal is not None), None),
        }

    return await show(request, "models.html", read, done=done if done in DONE else "", longest=LONGEST_REASON)


async def show_model(request: web.Request) -> web.StreamResponse:
    words, staff = request.app[PAGES].words, request[SESSION].staff
    done = request.query.get("done", "")

    def read(tx: SqlTransaction) -> dict[str, Any]:
        view = load_model(tx, request.match_info["model_no"], words, by=staff.id)
        return {
            "view": view,
            **read_evaluation(tx, view.version.model_id, words),
            "shadow": read_shadow(tx, view, words, by=staff.id),
            "measured_at": datetime.fromisoformat(view.report.made_at) if view.report else None,
        }

    try:
        return await show(
            request,
            "model.html",
            read,
            told=request.query.get("told", ""),
            done=done if done in DONE else "",
        )
    except ModelNotFound as missing:
        raise web.HTTPNotFound from missing
