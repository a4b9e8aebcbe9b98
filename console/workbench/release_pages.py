"""Letting a model answer people: one proposes it, another releases it, and anybody of them goes back in one press."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from casework.adapters import promotions
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.model.errors import ReasonNeeded, WaymarkError
from casework.services import model_releases
from casework.services.model_ports import VersionStatus
from casework.services.model_releases import (
    LONGEST_REASON,
    AlreadyProposed,
    MeasuredBesideAnother,
    ModelNotFound,
    NotACandidate,
    NotCompared,
    NothingBefore,
    ProposalOver,
    RisksUnopened,
    SamePerson,
)
from console.desk.conversation_pages import parse_inbox_id
from console.forms import read_form
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.model_lines import load_limits
from console.workbench.model_pages import MODELS, ONE
from console.workbench.model_views import (
    ModelView,
    find_live,
    find_model,
    find_name,
    list_models,
    load_model,
    show,
)

BACK = MODELS + "/back"


class LiveChanged(WaymarkError):
    """Another model is live than on the page that was pressed."""


FAULT_OF: dict[type[WaymarkError], tuple[int, str]] = {
    NotACandidate: (409, "not_ready"),
    MeasuredBesideAnother: (409, "against_other"),
    NotCompared: (409, "not_ready"),
    RisksUnopened: (409, "not_ready"),
    SamePerson: (409, "same_person"),
    AlreadyProposed: (409, "already_proposed"),
    ProposalOver: (409, "over"),
    ReasonNeeded: (422, "reason_needed"),
    NothingBefore: (409, "nothing_before"),
    LiveChanged: (409, "live_changed"),
}


def add_release_routes(app: web.Application) -> None:
    app.router.add_get(BACK, show_back)
    app.router.add_post(BACK, go_back)
    app.router.add_get(ONE + "/propose", show_proposing)
    app.router.add_post(ONE + "/propose", propose)
    app.router.add_get(ONE + "/promote", show_promoting)
    app.router.add_post(ONE + "/promote", promote)
    app.router.add_post(ONE + "/refuse", refuse)


async def show_proposing(request: web.Request) -> web.StreamResponse:
    return await _show_one(request, "release_propose.html")


async def propose(request: web.Request) -> web.StreamResponse:
    staff, model_no = request[SESSION].staff, request.match_info["model_no"]

    def work(tx: SqlTransaction) -> None:
        version = find_model(tx, model_no)
        model_releases.propose(tx, version.model_id, by=staff.id, limits=load_limits())

    fault = await _try(request, work)
    if fault is not None:
        return await _show_one(request, "release_propose.html", fault)
    raise _done(f"{MODELS}/{model_no}", "proposed")


async def show_promoting(request: web.Request) -> web.StreamResponse:
    """The page that stops whoever releases it, before anybody is answered by it."""
    return await _show_one(request, "release_promote.html")


async def promote(request: web.Request) -> web.StreamResponse:
    """Signs the paper with both names and makes it live in one transaction. Who they are was proved a moment ago."""
    staff, model_no = request[SESSION].staff, request.match_info["model_no"]
    release_id = parse_inbox_id((await read_form(request)).get("release_id", ""))
    data_dir = request.app[SERVICE].settings.data_dir

    def work(tx: SqlTransaction) -> None:
        _check_proposal(tx, model_no, release_id)
        promotions.release(tx, release_id, by=staff.id, limits=load_limits(), data_dir=data_dir)

    fault = await _try(request, work)
    if fault is not None:
        return await _show_one(request, "release_promote.html", fault)
    await request.app[SERVICE].database.read(
        lambda tx: promotions.keep_released_paper(tx, release_id, data_dir=data_dir)
    )
    raise _done(MODELS, "released")


async def refuse(request: web.Request) -> web.StreamResponse:
    """Takes a proposal away, with a reason. Whoever made it may, too: nothing changes for anybody."""
    staff, model_no = request[SESSION].staff, request.match_info["model_no"]
    form = await read_form(request)
    release_id = parse_inbox_id(form.get("release_id", ""))

    def work(tx: SqlTransaction) -> None:
        _check_proposal(tx, model_no, release_id)
        model_releases.refuse(tx, release_id, by=staff.id, reason=form.get("text", ""))

    fault = await _try(request, work)
    if fault is not None:
        return await _show_one(request, "release_refuse.html", fault, reason=form.get("text", ""))
    raise _done(f"{MODELS}/{model_no}", "refused")


async def show_back(request: web.Request) -> web.StreamResponse:
    return await _show_back(request)


async def go_back(request: web.Request) -> web.StreamResponse:
    """One press, for every talk. `live_seen`: of two who press at once the second changes nothing."""
    staff, form = request[SESSION].staff, await read_form(request)
    reason, seen = form.get("text", ""), form.get("live_seen", "")

    def work(tx: SqlTransaction) -> None:
        if tx.model_releases.find_live() != seen:
            raise LiveChanged(seen)
        model_releases.roll_back(tx, by=staff.id, reason=reason, live_seen=seen)

    fault = await _try(request, work)
    if fault is not None:
        return await _show_back(request, fault, reason=reason)
    raise _done(MODELS, "back")


def list_needs(view: ModelView, *, is_proposing: bool, other_waits: bool) -> list[tuple[str, int]]:
    """What is left to do first: names of wb_release_needs, and how many where something is counted."""
    if view.version.status in (VersionStatus.RELEASED, VersionStatus.ROLLED_BACK):
        return [("over", 0)]
    needs: list[tuple[str, int]] = [] if view.is_candidate else [("checks", 0)]
    if view.is_against_other and view.is_candidate:
        needs.append(("measured", 0))
    compared = view.compared
    if compared is None or compared.unopened is None or (compared.unopened and not compared.is_with_live):
        needs.append(("compared", 0))
    elif compared.unopened:
        needs.append(("opened", compared.unopened))
    if is_proposing and other_waits:
        needs.append(("open_proposal", 0))
    return needs


def _check_proposal(tx: SqlTransaction, model_no: str, release_id: int) -> None:
    """Raises ProposalOver for a page that is out of date, or one of another model."""
    proposal = tx.model_releases.find_proposal()
    if (
        proposal is None
        or proposal.id != release_id
        or proposal.model_id != find_model(tx, model_no).model_id
    ):
        raise ProposalOver("Somebody decided on it meanwhile.")


async def _try(request: web.Request, work: Callable[[SqlTransaction], None]) -> type[WaymarkError] | None:
    """None once it is done, else what refused it; nothing is written then."""
    try:
        await request.app[SERVICE].database.write(work)
    except ModelNotFound as missing:
        raise web.HTTPNotFound from missing
    except tuple(FAULT_OF) as refusal:
        return type(refusal)
    return None


def _done(path: str, what: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"{path}?done={what}")


async def _show_one(
    request: web.Request, template: str, fault: type[WaymarkError] | None = None, *, reason: str = ""
) -> web.StreamResponse:
    words, staff = request.app[PAGES].words, request[SESSION].staff
    status, name = FAULT_OF[fault] if fault is not None else (200, "")

    def read(tx: SqlTransaction) -> dict[str, Any]:
        view = load_model(tx, request.match_info["model_no"], words, by=staff.id)
        other = tx.model_releases.find_proposal()
        proposer = view.proposal.proposed_by if view.proposal else ""
        return {
            "view": view,
            "needs": list_needs(
                view,
                is_proposing=template == "release_propose.html",
                other_waits=other is not None and view.proposal is None,
            ),
            "proposer": find_name(tx, proposer, words) if proposer else "",
            "is_own": proposer == staff.id,
        }

    try:
        return await show(
            request, template, read, status=status, fault=name, reason=reason, longest=LONGEST_REASON
        )
    except ModelNotFound as missing:
        raise web.HTTPNotFound from missing


async def _show_back(
    request: web.Request, fault: type[WaymarkError] | None = None, *, reason: str = ""
) -> web.StreamResponse:
    words = request.app[PAGES].words
    status, name = FAULT_OF[fault] if fault is not None else (200, "")

    def read(tx: SqlTransaction) -> dict[str, Any]:
        before = tx.model_releases.find_before()
        views = {each.version.model_id: each for each in list_models(tx, words)} if before else {}
        return {"live": find_live(tx, words), "before": views.get(before) if before else None}

    return await show(
        request, "release_back.html", read, status=status, fault=name, reason=reason, longest=LONGEST_REASON
    )
