"""`./waymark bench outage`: everything killed while people write, started again, and counted.

Real processes: sandbox provider, gateway with desk and actions, worker, spool; only Rasa is a stand-in. The provider
behaves as Twilio does without retries: one try, then the fallback address, then never again. For the first half of
the outage the spool takes what comes; then it is killed too, and the provider's list alone knows of the rest.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from casework.adapters.storage.database import create_engine, find_keys
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import held_count, inbox, outbox, turn
from channels.spool import MESSAGE_PATH
from launcher.bench_rasa import find_free_port
from launcher.soak.stand_in import build_stand_in_app

ROOT = Path(__file__).parents[1]
ACCOUNT_SID, TOKEN = "AC" + "0" * 32, "bench-token-that-signs-nothing-else"
SERVICE_NUMBER = "+447700900900"
WRITERS = 40
LEAD_SECONDS = 3.0  # traffic before the kill and after the start
READY_SECONDS = 60.0
STOP_SECONDS = 8.0
WORDS = "what is happening with my case, question {number:06d}"


@dataclass(frozen=True, kw_only=True)
class OutageFigures:
    """What an outage came to. `unanswered`: taken in, and neither answered nor anything on its way."""

    sent: int
    during: int
    taken_by: Mapping[str, int]  # webhook, spool, sweep
    lost: int
    duplicate_rows: int
    duplicate_replies: int
    unanswered: int
    out_of_order: int
    held: int
    listed: int
    seconds_to_take_in: float  # from the start of the processes to the last message sent before it
    seconds_to_answer: float

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.duplicate_rows or self.duplicate_replies or self.unanswered)


@dataclass
class Written:
    """Every text, in the order it was written: its provider id, writer and number."""

    ids: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def texts(self) -> set[str]:
        return {WORDS.format(number=number) for _, number in self.ids.values()}


def run_bench_outage(*, minutes: float, rate: float) -> int:
    """Prints the figures; 1 when a message was lost, or anything was there twice."""
    with tempfile.TemporaryDirectory(prefix="waymark-outage-") as folder:
        found = asyncio.run(measure_outage(Path(folder), outage_seconds=minutes * 60, rate=rate))
    ways = ", ".join(f"{count} by {way}" for way, count in sorted(found.taken_by.items()))
    rows = {
        "messages sent": f"{found.sent} ({found.during} during the outage of {minutes:g} min at {rate:g}/s)",
        "taken in": ways,
        "lost": found.lost,
        "duplicate rows": found.duplicate_rows,
        "duplicate replies": found.duplicate_replies,
        "unanswered": found.unanswered,
        "out of order": f"{found.out_of_order} (taken in after a later one of the same conversation)",
        "we hold": f"{found.held} of {found.listed} that the provider lists",
        "seconds until all were taken in": f"{found.seconds_to_take_in:.1f}",
        "seconds until all were answered": f"{found.seconds_to_answer:.1f}",
    }
    for name, value in rows.items():
        print(f"{name:34}{value}")
    return 0 if found.is_well else 1


async def measure_outage(
    folder: Path,
    *,
    outage_seconds: float,
    rate: float,
    longest_recovery_seconds: float = 900.0,
    database_url: str | None = None,
) -> OutageFigures:
    """One outage of the whole service under load, in `folder`; on a new SQLite database unless given another.

    What is not there `longest_recovery_seconds` after the processes were started again counts as missing.
    """
    url = database_url or f"sqlite:///{folder}/waymark.db"
    async with running_site(folder, url) as (site, engine):
        return await _measure(
            site,
            engine,
            outage_seconds=outage_seconds,
            rate=rate,
            longest_recovery_seconds=longest_recovery_seconds,
        )


async def _measure(
    site: "Site",
    engine: sa.Engine,
    *,
    outage_seconds: float,
    rate: float,
    longest_recovery_seconds: float,
) -> OutageFigures:
    written, enough = Written(), asyncio.Event()
    writing = asyncio.create_task(write_texts(site, written, rate, enough))
    try:
        await asyncio.sleep(LEAD_SECONDS)
        before = len(written.ids)
        await site.kill("serve", "worker")
        await asyncio.sleep(outage_seconds / 2)
        await site.kill("spool")
        await asyncio.sleep(outage_seconds / 2)
        after = list(written.ids)
        started = time.monotonic()
        await site.start("spool", "serve", "worker")
        await asyncio.sleep(LEAD_SECONDS)
    finally:
        enough.set()
        await writing
    until = started + longest_recovery_seconds
    taken_in = await wait_until(engine, until, lambda connection: set(after) <= list_held(connection))
    await wait_until(engine, until, lambda connection: set(written.ids) <= list_held(connection))
    answered = await wait_until(engine, until, lambda connection: count_unfinished(connection) == 0)
    await wait_until(engine, until, _holds_all)
    replies = await site.list_replies({writer for writer, _ in written.ids.values()})
    return _count(
        engine,
        written,
        replies,
        during=len(after) - before,
        seconds_to_take_in=taken_in - started,
        seconds_to_answer=answered - started,
    )


async def write_texts(site: "Site", written: Written, rate: float, enough: asyncio.Event) -> None:
    """Open loop: the next text is due at its time, however long the last took to be accepted.

    Returns after `enough`, when the provider has taken every text that was begun: none is there without its number.
    """
    started, number = time.monotonic(), 0
    async with asyncio.TaskGroup() as group:
        while not enough.is_set():
            group.create_task(_write_one(site, written, number))
            number += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), max(0.0, started + number / rate - time.monotonic()))


async def _write_one(site: "Site", written: Written, number: int) -> None:
    writer = f"+4477009001{number % WRITERS:02d}"
    sid = await site.send(writer, WORDS.format(number=number))
    written.ids[sid] = (writer, number)


async def wait_until(engine: sa.Engine, until: float, is_so: Any) -> float:
    """When it became so, or when waiting was given up at `until` (monotonic): the figures say what is missing."""
    while True:
        if await asyncio.to_thread(_ask, engine, is_so) or time.monotonic() >= until:
            break
        await asyncio.sleep(0.2)
    return time.monotonic()


def _ask(engine: sa.Engine, is_so: Any) -> bool:
    with engine.connect().execution_options(waymark_read=True) as connection:
        return bool(is_so(connection))


def list_held(connection: sa.Connection) -> set[str]:
    """The provider ids of everything that was taken in."""
    return set(connection.execute(sa.select(inbox.c.provider_message_id)).scalars())


def count_unfinished(connection: sa.Connection) -> int:
    """Turns and messages that are not at their end."""
    turns = sa.select(sa.func.count()).select_from(turn).where(turn.c.status.in_(["waiting", "leased"]))
    sends = (
        sa.select(sa.func.count())
        .select_from(outbox)
        .where(outbox.c.status.in_(["waiting", "sending", "unknown"]))
    )
    return int(connection.execute(turns).scalar_one()) + int(connection.execute(sends).scalar_one())


def _holds_all(connection: sa.Connection) -> bool:
    held, listed = _count_held(connection)
    came = connection.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one()
    return listed >= int(came) and held == listed


def _count_held(connection: sa.Connection) -> tuple[int, int]:
    query = sa.select(sa.func.sum(held_count.c.held), sa.func.sum(held_count.c.listed))
    held, listed = connection.execute(query).one()
    return int(held or 0), int(listed or 0)


def _count(
    engine: sa.Engine, written: Written, replies: list[str], *, during: int, **seconds: float
) -> OutageFigures:
    with engine.connect() as connection:
        columns = (inbox.c.provider_message_id, inbox.c.text, inbox.c.origin)
        rows = connection.execute(sa.select(*columns).order_by(inbox.c.id)).all()
        held, listed = _count_held(connection)
    texts = Counter(row.text for row in rows)
    answers = Counter(reply.removeprefix("re: ") for reply in replies)
    return OutageFigures(
        sent=len(written.ids),
        during=during,
        taken_by=Counter(row.origin for row in rows),
        lost=len(set(written.ids) - {row.provider_message_id for row in rows}),
        duplicate_rows=sum(count - 1 for count in texts.values()),
        duplicate_replies=sum(count - 1 for count in answers.values()),
        unanswered=len(written.texts - set(answers)),
        out_of_order=_count_out_of_order([written.ids[row.provider_message_id] for row in rows]),
        held=held,
        listed=listed,
        **seconds,
    )


def _count_out_of_order(taken_in: list[tuple[str, int]]) -> int:
    newest: dict[str, int] = {}
    wrong = 0
    for writer, number in taken_in:
        wrong += number < newest.get(writer, -1)
        newest[writer] = max(number, newest.get(writer, -1))
    return wrong


# --- the processes ----------------------------------------------------------------------------------------------


class Site:
    """The service on this machine, as processes that can be killed and started again one by one."""

    def __init__(self, folder: Path, environ: Mapping[str, str], http: aiohttp.ClientSession) -> None:
        self._folder = folder
        self._environ = environ
        self._http = http
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, *names: str) -> None:
        """Returns when each can be spoken to."""
        for name in names:
            with (self._folder / f"{name}.log").open("ab") as log:
                self._running[name] = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", *self._get_command(name)),
                    cwd=ROOT,
                    env=dict(self._environ),
                    stdout=log,
                    stderr=log,
                )
        await asyncio.gather(*(self._wait_for(name) for name in names))

    async def kill(self, *names: str) -> None:
        """At once, as a power cut would."""
        for name in names:
            self._running[name].send_signal(signal.SIGKILL)
        for name in names:
            await self._running.pop(name).wait()

    async def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def make_provider_try_once(self) -> None:
        now = {
            "delivery": "as_twilio",
            "sms_url": f"{self._environ['WAYMARK_PUBLIC_URL']}{MESSAGE_PATH}#rc=0",
            "sms_fallback_url": f"{self._environ['WAYMARK_SPOOL_URL']}{MESSAGE_PATH}#rc=0",
        }
        async with self._http.post(f"{self._get_address('sandbox')}/sandbox/settings", json=now) as answer:
            answer.raise_for_status()

    async def send(self, writer: str, text: str) -> str:
        """The provider's id of a text that is now on its way."""
        url = f"{self._get_address('sandbox')}/sandbox/handsets/{writer}/send"
        async with self._http.post(url, json={"body": text, "wait": False}) as answer:
            answer.raise_for_status()
            return str((await answer.json())["sid"])

    async def list_replies(self, writers: set[str]) -> list[str]:
        found: list[str] = []
        for writer in sorted(writers):
            url = f"{self._get_address('sandbox')}/sandbox/handsets/{writer}/messages"
            async with self._http.get(url) as answer:
                thread = (await answer.json())["messages"]
            found += [str(each["body"]) for each in thread if each["direction"] == "to_handset"]
        return found

    def _get_command(self, name: str) -> tuple[str, ...]:
        if name != "sandbox":
            return (
                {"serve": "launcher.serve", "worker": "channels.worker", "spool": "channels.spool"}[name],
            )
        public = self._environ["WAYMARK_PUBLIC_URL"]
        return (
            *("channels.sandbox", "--port", self._environ["BENCH_SANDBOX_PORT"]),
            *("--webhook-url", public + MESSAGE_PATH, "--data-dir", str(self._folder / "sandbox")),
        )

    def _get_address(self, name: str) -> str:
        port = {"sandbox": "BENCH_SANDBOX_PORT", "spool": "WAYMARK_SPOOL_PORT", "serve": "WAYMARK_PORT"}[name]
        return f"http://127.0.0.1:{self._environ[port]}"

    async def _wait_for(self, name: str) -> None:
        """A worker is known by its beat, which the gateway reports; the others answer for themselves."""
        path = {"sandbox": "/health/ready", "worker": "/health/ready"}.get(name, "/health/live")
        url = self._get_address("serve" if name == "worker" else name) + path
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                async with self._http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
        log = (self._folder / f"{name}.log").read_text()[-2000:]
        raise RuntimeError(f"{name} did not start within {READY_SECONDS:.0f} s:\n{log}")


@asynccontextmanager
async def running_site(folder: Path, database_url: str) -> AsyncIterator[tuple[Site, sa.Engine]]:
    """All processes of a site in `folder`, whose provider tries once, and its database; ended on the way out."""
    engine = create_engine(database_url)
    upgrade(engine)
    try:
        async with _running_stand_in() as rasa_url, aiohttp.ClientSession() as http:
            site = Site(folder, _make_environ(folder, database_url, rasa_url), http)
            try:
                await site.start("sandbox", "spool", "serve", "worker")
                await site.make_provider_try_once()
                yield site, engine
            finally:
                await site.stop()
    finally:
        engine.dispose()


def _make_environ(folder: Path, database_url: str, rasa_url: str) -> dict[str, str]:
    """What the processes of one site are told."""
    ports = [str(find_free_port()) for _ in range(5)]
    sandbox, port, console, private, spool = ports
    ours = ("WAYMARK_", "TWILIO_", "TELEGRAM_")
    given = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return given | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "BENCH_SANDBOX_PORT": sandbox,
        "WAYMARK_SANDBOX": "1",
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_DATABASE_URL": database_url,
        "WAYMARK_KEYS": str(find_keys(database_url)),
        "WAYMARK_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WAYMARK_PORT": port,
        "WAYMARK_CONSOLE_PORT": console,
        "WAYMARK_PRIVATE_PORT": private,
        "WAYMARK_SPOOL_PORT": spool,
        "WAYMARK_SPOOL_URL": f"http://127.0.0.1:{spool}",
        "WAYMARK_TURN_SECRET": "x" * 32,
        "WAYMARK_RASA_URLS": rasa_url,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WAYMARK_TWILIO_API_URL": f"http://127.0.0.1:{sandbox}",
        "WAYMARK_SMS_FROM": SERVICE_NUMBER,
        # One number sends one segment a second by default; here recovery is measured and not the pace.
        "WAYMARK_SMS_SEGMENTS_PER_SECOND": "100",
    }


@asynccontextmanager
async def _running_stand_in() -> AsyncIterator[str]:
    """Rasa's address, where somebody answers every turn with the person's own words."""
    runner = web.AppRunner(build_stand_in_app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
