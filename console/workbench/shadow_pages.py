"""Asking a candidate beside the live model: begun and ended on its page, where what it finds is told too."""

from collections.abc import Callable

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services import shadows
from casework.services.model_releases import ModelNotFound
from casework.services.shadows import ShadowRunning, ShadowUnfit
from console.desk.conversation_pages import parse_inbox_id
from console.forms import read_form
from console.sessions import SESSION
from console.workbench.model_pages import MODELS, ONE
from console.workbench.model_views import find_model
from console.workbench.shadow_views import HOURS_A_DAY


def add_shadow_routes(app: web.Application) -> None:
    app.router.add_post(ONE + "/shadow", start)
    app.router.add_post(ONE + "/shadow/end", end)


async def start(request: web.Request) -> web.StreamResponse:
    staff, days = request[SESSION].staff, parse_inbox_id((await read_form(request)).get("days", ""))

    def work(tx: SqlTransaction, model_id: str) -> str:
        shadows.start(tx, model_id, hours=days * HOURS_A_DAY, by=staff.id)
        return "shadow_started"

    return await _do(request, work)


async def end(request: web.Request) -> web.StreamResponse:
    staff = request[SESSION].staff

    def work(tx: SqlTransaction, model_id: str) -> str:
        return "shadow_stopped" if shadows.stop(tx, model_id, by=staff.id) else "shadow_over"

    return await _do(request, work)


async def _do(request: web.Request, work: Callable[[SqlTransaction, str], str]) -> web.StreamResponse:
    """Back to the model's page, which says what came of it: a name of wb_shadow_told."""
    model_no = request.match_info["model_no"]
    try:
        told = await request.app[SERVICE].database.write(
            lambda tx: work(tx, find_model(tx, model_no).model_id)
        )
    except ModelNotFound as missing:
        raise web.HTTPNotFound from missing
    except ShadowRunning:
        told = "shadow_running"
    except ShadowUnfit:
        told = "shadow_unfit"
    raise web.HTTPSeeOther(f"{MODELS}/{model_no}?told={told}#shadow")
