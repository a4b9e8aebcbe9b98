"""Everything a run needs, started in the right order and ended whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import sqlalchemy as sa

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.migrate import upgrade
from casework.bootstrap import build_service
from launcher.processes import find_free_port
from launcher.soak import postgresql
from launcher.soak.disks import Disk, make_disk
from launcher.soak.nemesis import DATABASE_DISK, SPOOL_DISK
from launcher.soak.plan import (
    ACTIONS,
    GATEWAYS,
    RASAS,
    TO_DATABASE,
    TO_GATEWAYS,
    TO_PROVIDER,
    TO_RASA,
    TO_SPOOL,
    WORKERS,
    Plan,
    Ports,
    list_links,
    make_environ,
)
from launcher.soak.programs import list_programs, make_database_program
from launcher.soak.proxy import Link
from launcher.soak.schedule import DATABASE, Targets
from launcher.soak.site import Site

DATABASE_BYTES, SPOOL_BYTES = 6 * 1024**3, 64 * 1024**2
Say = Callable[[str], None]


@dataclass(kw_only=True)
class Stage:
    """Everything a run has at hand, up and ready."""

    plan: Plan
    folder: Path
    ports: Ports
    site: Site
    links: dict[str, Link]
    disks: dict[str, Disk | None]
    http: aiohttp.ClientSession
    service: Service
    say: Say

    @property
    def engine(self) -> sa.Engine:
        return self.service.database.engine


@asynccontextmanager
async def set_up(plan: Plan, folder: Path, *, may_mount: bool, say: Say) -> AsyncIterator[Stage]:
    site_folder, database_folder = folder / "site", folder / "database"
    spool_folder = site_folder / "spool"
    site_folder.mkdir(mode=0o700)
    for each in (database_folder, spool_folder):
        each.mkdir(mode=0o700)
    disks: dict[str, Disk | None] = {SPOOL_DISK: None}
    if may_mount:
        disks[SPOOL_DISK] = make_disk(spool_folder, largest_bytes=SPOOL_BYTES)
        made = make_disk(database_folder, largest_bytes=DATABASE_BYTES)
        if made is not None:
            disks[DATABASE_DISK] = made
    links: dict[str, Link] = {}
    site = Site(plan.root, folder / "logs")
    try:
        async with aiohttp.ClientSession(trust_env=False) as http:
            ports = await _open_links(links)
            say("Starting the database")
            await site.start(make_database_program(database_folder, ports))
            service = await asyncio.to_thread(_prepare, site_folder, ports)
            try:
                say("Starting everything else")
                for program in list_programs(plan, site_folder, ports, http):
                    await site.start(program)
                yield Stage(
                    plan=plan,
                    folder=site_folder,
                    ports=ports,
                    site=site,
                    links=links,
                    disks=disks,
                    http=http,
                    service=service,
                    say=say,
                )
            finally:
                service.database.engine.dispose()
    finally:
        for link in links.values():
            await link.stop()
        await site.stop()
        for disk in disks.values():
            if disk is not None:
                disk.remove()


async def _open_links(links: dict[str, Link]) -> Ports:
    free = {name: find_free_port() for name in (DATABASE, "provider", *GATEWAYS, "spool", *RASAS, ACTIONS)}
    upstreams = {TO_GATEWAYS: [free[each] for each in GATEWAYS], TO_SPOOL: [free["spool"]]}
    upstreams |= {TO_DATABASE.format(each): [free[DATABASE]] for each in (*GATEWAYS, *WORKERS, ACTIONS)}
    upstreams |= {TO_PROVIDER.format(each): [free["provider"]] for each in WORKERS}
    upstreams |= {TO_RASA.format(each): [free[each]] for each in RASAS}
    for name in list_links():
        links[name] = Link(name, upstreams[name])
        await links[name].start()
    return Ports(
        database=free[DATABASE],
        provider=free["provider"],
        gateways=(free[GATEWAYS[0]], free[GATEWAYS[1]]),
        spool=free["spool"],
        rasas=(free[RASAS[0]], free[RASAS[1]]),
        actions=free[ACTIONS],
        links={name: link.port for name, link in links.items()},
    )


def _prepare(folder: Path, ports: Ports) -> Service:
    """A migrated database with keys of its own, and the run's own way into it."""
    postgresql.make_database(ports.database)
    service = build_service(Settings.from_env(make_environ(folder, ports)))
    upgrade(service.database.engine, say=lambda _: None)
    return service


def list_targets(stage: Stage) -> Targets:
    """Links nobody uses are left alone."""
    processes = [name for name in stage.site.names if name != DATABASE]
    unused = {TO_DATABASE.format(ACTIONS)} if stage.plan.is_stand_in else set[str]()
    return Targets(
        processes=processes,
        links=[name for name in stage.links if name not in unused],
        disks=list(stage.disks),
    )
