"""One run: everything started, broken while people write, left in peace until it is quiet, and compared."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from casework.adapters.storage.tables import inbox
from channels.sweep import PROVIDER as SWEPT_PROVIDER
from launcher.soak import history, postgresql
from launcher.soak.checker import check
from launcher.soak.desk_work import DeskWork
from launcher.soak.load import Load
from launcher.soak.nemesis import Nemesis
from launcher.soak.plan import WORKERS, Plan
from launcher.soak.report import Outcome
from launcher.soak.schedule import Fault, make_schedule
from launcher.soak.stage import Say, Stage, list_targets, set_up
from launcher.soak.watch import Watch, count_unfinished, wait_until
from launcher.soak.words import is_danger

ASK_AGAIN_SECONDS = 20.0
TELL_SECONDS = 60.0
STILL_TRIES = 60
STILL_SECONDS = 0.5


async def run(plan: Plan, folder: Path, *, may_mount: bool, say: Say, enough: asyncio.Event) -> Outcome:
    """The whole run in `folder`, which is empty; on return nothing of it runs any more. Raises SoakFailed."""
    async with set_up(plan, folder, may_mount=may_mount, say=say) as stage:
        faults = make_schedule(
            seed=plan.seed,
            count=plan.faults,
            messages=plan.messages,
            targets=list_targets(stage),
            longest_seconds=plan.longest_fault_seconds,
        )
        say(f"{len(faults)} faults of seed {plan.seed}:")
        for fault in faults:
            say(fault.describe())
        say("Everything is up; people write.")
        try:
            return await _run(stage, faults, enough)
        except ExceptionGroup as failed:
            raise _find_first(failed) from failed


def _find_first(failed: ExceptionGroup) -> Exception:
    """What ended one of those at work ended all: the first says why."""
    first: Exception = failed
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return first


async def _run(stage: Stage, faults: list[Fault], enough: asyncio.Event) -> Outcome:
    plan, valve, over = stage.plan, asyncio.Event(), asyncio.Event()
    valve.set()
    load = Load(
        provider_url=stage.ports.provider_url,
        http=stage.http,
        seed=plan.seed,
        people=plan.people,
        rate=plan.rate,
        valve=valve,
    )
    nemesis = Nemesis(
        site=stage.site,
        links=stage.links,
        disks=stage.disks,
        provider_url=stage.ports.provider_url,
        http=stage.http,
        count_written=lambda: load.written,
        say=stage.say,
    )
    watch = Watch(engine=stage.engine, valve=valve, most_unfinished=plan.most_unfinished)
    work = DeskWork(service=stage.service, members=plan.members)
    await asyncio.to_thread(work.hire)
    version = await asyncio.to_thread(postgresql.read_version, stage.ports.database)
    began = time.monotonic()
    async with asyncio.TaskGroup() as beside:
        beside.create_task(watch.run(over))
        beside.create_task(_tell(stage, load, watch, over))
        at_desk = beside.create_task(work.run(enough))
        breaking = beside.create_task(nemesis.run(faults, enough))
        await load.run(messages=plan.messages, seconds=plan.seconds, enough=enough)
        seconds = time.monotonic() - began
        if load.written < plan.messages:
            enough.set()  # the faults that were to come never do
        await breaking
        enough.set()
        await at_desk
        stage.say(f"{load.written} texts in {seconds:.0f} s; everything is left in peace.")
        quiet = await _become_quiet(stage)
        over.set()
    found = await _take_still_picture(stage, watch)
    return Outcome(
        findings=check(found),
        planned=faults,
        done=nemesis.done,
        notes={
            "assistant": "stand-in" if plan.is_stand_in else "Rasa",
            "PostgreSQL": version,
            "seed": plan.seed,
            "texts written": len(found.written),
            "not written, the provider was away": load.refused,
            "seconds of writing": round(seconds),
            "of them held back, too much unfinished": round(load.held_back_seconds),
            "most unfinished at any look": watch.most_seen,
            "seconds until quiet": "not within the time" if quiet is None else round(quiet),
            "taken in by": _count_origins(found),
            "texts to people": len(found.sent),
            "at the desk": ", ".join(f"{count} {what}" for what, count in sorted(work.counts.items())),
            "died by itself": ", ".join(f"{name} {count}" for name, count in sorted(stage.site.died.items()))
            or "none",
            "disks that could be full": _name_disks(stage),
        },
    )


async def _tell(stage: Stage, load: Load, watch: Watch, over: asyncio.Event) -> None:
    """That it lives, once a minute."""
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), TELL_SECONDS)
        stage.say(f"{load.written} texts written, {watch.unfinished} turns and messages unfinished")


# --- the end ------------------------------------------------------------------------------------------


async def _become_quiet(stage: Stage) -> float | None:
    """Seconds until everything written is held and nothing is on its way; None where the time was over before."""
    began = time.monotonic()
    for link in stage.links.values():
        link.end()
    await stage.site.wait_all_ready()
    async with stage.http.delete(f"{stage.ports.provider_url}/sandbox/faults"):
        pass
    while time.monotonic() - began < stage.plan.quiet_seconds:
        if await asyncio.to_thread(_holds_all, stage) and await wait_until(
            lambda: _count_unfinished(stage) == 0, seconds=ASK_AGAIN_SECONDS
        ):
            return time.monotonic() - began
        with suppress(sa.exc.SQLAlchemyError):
            await stage.service.database.write(lambda tx: tx.sweeps.ask(SWEPT_PROVIDER))
        await asyncio.sleep(min(ASK_AGAIN_SECONDS, 1.0 + stage.plan.messages / 2000))
    return None


def _count_unfinished(stage: Stage) -> int:
    with stage.engine.connect() as connection:
        return count_unfinished(connection)


def _holds_all(stage: Stage) -> bool:
    written, _ = history.read_record(stage.folder / "provider")
    with stage.engine.connect() as connection:
        held = set(connection.execute(sa.select(inbox.c.provider_message_id)).scalars())
    return {each.sid for each in written} <= held


async def _take_still_picture(stage: Stage, watch: Watch) -> history.History:
    """Read with the workers frozen, at a moment when nothing is on its way, so that both sides are of one moment."""
    for _ in range(STILL_TRIES):
        for worker in WORKERS:
            stage.site.freeze(worker)
        await asyncio.sleep(STILL_SECONDS)
        if await asyncio.to_thread(_count_unfinished, stage) == 0:
            break
        for worker in WORKERS:
            stage.site.thaw(worker)
        await asyncio.sleep(STILL_SECONDS)
    await watch.look()
    return await asyncio.to_thread(_read, stage, watch)


def _read(stage: Stage, watch: Watch) -> history.History:
    written, sent = history.read_record(stage.folder / "provider")
    with stage.engine.connect() as connection:
        return history.History(
            written=tuple(written),
            sent=tuple(sent),
            held=tuple(history.read_held(connection)),
            queued=tuple(history.read_queued(connection)),
            items=tuple(history.read_items(connection)),
            owned=history.read_owned(connection),
            spooled=history.read_spool(stage.folder / "spool"),
            urgent=frozenset(each.sid for each in written if is_danger(each.text)),
            looks=watch.looks,
            seen_late=frozenset(watch.seen_late),
        )


def _count_origins(found: history.History) -> str:
    origins = [each.origin for each in found.held]
    return ", ".join(f"{each} {origins.count(each)}" for each in sorted(set(origins)))


def _name_disks(stage: Stage) -> str:
    names = [name if disk else f"{name} (by a limit of its process)" for name, disk in stage.disks.items()]
    return ", ".join(names)
