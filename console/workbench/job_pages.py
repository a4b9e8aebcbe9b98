"""The long work of the workbench: asked for here, done by a process beside, watched, and stopped."""

from typing import Any

from aiohttp import web

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.web_app import SERVICE
from casework.services import workbench_jobs
from casework.services.job_ports import UNFINISHED, Job, JobKind
from casework.services.model_releases import ModelNotFound
from casework.services.ports import JsonObject, StaffMember
from casework.services.workbench_jobs import JobNotFound, JobUnfinished
from console.forms import read_form
from console.live_pages import fingerprint_of, stream_page
from console.pages import PAGES
from console.sessions import SESSION
from console.workbench.home_pages import HOME, HOME_PARTS, HomePart
from console.workbench.model_views import find_model, find_name, shorten
from console.workbench.session_bar import read_with_bar, render

DATA = HOME + "/data"
JOB = HOME + "/jobs/{job_id:[0-9a-f]{32}}"
NEWEST = 20
MOST_SHOWN = 50
TOLD = ("already", "stop_late")


def add_job_routes(app: web.Application) -> None:
    app[HOME_PARTS].append(HomePart(template="job_home.html", read=read_running))
    app.router.add_get(DATA, show_data)
    app.router.add_post(HOME + "/train", ask_training)
    app.router.add_post(HOME + "/evaluate", ask_measuring)
    app.router.add_post(HOME + "/compare", ask_comparing)
    app.router.add_get(JOB, show_job)
    app.router.add_get(JOB + "/events", stream_job, allow_head=False)
    app.router.add_post(JOB + "/stop", stop)


def read_running(tx: SqlTransaction, _staff: StaffMember) -> dict[str, Any]:
    """What the home page says of work: all that waits or runs."""
    return {"running": _list_unfinished(tx)}


def _list_unfinished(tx: SqlTransaction) -> list[Job]:
    found = [workbench_jobs.find_unfinished(tx, kind) for kind in JobKind]
    return [job for job in found if job is not None]


async def show_data(request: web.Request) -> web.StreamResponse:
    """What waits to be taught, the way to teach it, and the newest work."""

    def read(tx: SqlTransaction) -> dict[str, Any]:
        taught, drop = tx.examples.list_in_data("train"), tx.examples.list_to_drop()
        waits = [example for example in taught if example.in_data_since is None]
        return {
            "taught": len(taught),
            "waits": len(waits),
            "drop": len(drop),
            "added": waits[::-1][:MOST_SHOWN],
            "dropped": drop[::-1][:MOST_SHOWN],
            "tested": len(tx.examples.list_in_data("test")),
            "version": tx.examples.find_newest_version(),
            "training": workbench_jobs.find_unfinished(tx, JobKind.TRAIN),
            "jobs": workbench_jobs.list_newest(tx, limit=NEWEST),
            "most_shown": MOST_SHOWN,
        }

    values, bar = await read_with_bar(request, read)
    return render(request, "job_data.html", bar, **values)


async def ask_training(request: web.Request) -> web.StreamResponse:
    return await _ask(request, JobKind.TRAIN)


async def ask_measuring(request: web.Request) -> web.StreamResponse:
    return await _ask(request, JobKind.EVALUATE, (await read_form(request)).get("model_no", ""))


async def ask_comparing(request: web.Request) -> web.StreamResponse:
    """With the model that is live when its turn comes."""
    return await _ask(request, JobKind.COMPARE, (await read_form(request)).get("model_no", ""))


async def _ask(request: web.Request, kind: JobKind, model_no: str | None = None) -> web.StreamResponse:
    """To the page of the work; where it was asked for before, to that one."""
    staff = request[SESSION].staff

    def ask(tx: SqlTransaction) -> str:
        params: JsonObject = {} if model_no is None else {"model_id": find_model(tx, model_no).model_id}
        return workbench_jobs.ask(tx, kind, params, by=staff.id)

    try:
        job_id = await request.app[SERVICE].database.write(ask)
    except ModelNotFound as missing:
        raise web.HTTPNotFound from missing
    except JobUnfinished as unfinished:
        raise web.HTTPSeeOther(f"{HOME}/jobs/{unfinished.job_id}?told=already") from unfinished
    raise web.HTTPSeeOther(f"{HOME}/jobs/{job_id}")


async def show_job(request: web.Request) -> web.StreamResponse:
    words, is_pane = request.app[PAGES].words, request.headers.get("X-Pane") == "job"

    def read(tx: SqlTransaction) -> dict[str, Any]:
        job = workbench_jobs.get(tx, request.match_info["job_id"])
        return {
            "job": job,
            "asked_by": find_name(tx, job.asked_by, words),
            "fingerprint": find_fingerprint(job),
            "percent": find_percent(job),
            "is_running": job.status in UNFINISHED,
        }

    try:
        values, bar = await read_with_bar(request, read)
    except JobNotFound as missing:
        raise web.HTTPNotFound from missing
    told = request.query.get("told", "")
    return render(
        request,
        "job_pane.html" if is_pane else "job.html",
        bar,
        short=shorten,
        told=told if told in TOLD else "",
        is_pane=is_pane,
        **values,
    )


async def stream_job(request: web.Request) -> web.StreamResponse:
    """Tells an open page that the work has gone on."""
    job_id = request.match_info["job_id"]

    async def fingerprint() -> str:
        job = await request.app[SERVICE].database.read(lambda tx: workbench_jobs.get(tx, job_id))
        return find_fingerprint(job)

    try:
        await fingerprint()
    except JobNotFound as missing:
        raise web.HTTPNotFound from missing
    return await stream_page(request, "job", fingerprint)


async def stop(request: web.Request) -> web.StreamResponse:
    job_id, staff = request.match_info["job_id"], request[SESSION].staff
    try:
        is_asked = await request.app[SERVICE].database.write(
            lambda tx: workbench_jobs.stop(tx, job_id, by=staff.id)
        )
    except JobNotFound as missing:
        raise web.HTTPNotFound from missing
    raise web.HTTPSeeOther(f"{HOME}/jobs/{job_id}" + ("" if is_asked else "?told=stop_late"))


def find_fingerprint(job: Job) -> str:
    return fingerprint_of(
        (job.status, job.says, job.done, job.total, job.stop_asked_at, job.started_at, job.fault)
    )


def find_percent(job: Job) -> int | None:
    """None while the work can not say how much there is."""
    return min(100, 100 * job.done // job.total) if job.total > 0 else None
