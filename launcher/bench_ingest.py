"""`./waymark bench ingest`: how soon a message is acknowledged, at a steady rate, with Rasa alive and with Rasa dead.

The service runs as `./waymark up` runs it, against the sandbox provider. The driver is a process of its own with an
open loop: message n is due at n/rate seconds and its time is counted from then, so a gateway that stalls is charged
for every message it kept waiting, not for one alone (coordinated omission). Every message is another one, signed
before the clock starts.
"""

import asyncio
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import sqlalchemy as sa

from casework.adapters.storage.database import create_engine, find_keys
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import conversation
from channels.twilio_signature import SIGNATURE_HEADER, compute_signature
from launcher import training
from launcher.bench_rasa import BenchFailed, end_of, find_free_port, run_driver
from launcher.model_files import read_birth, run_dir
from launcher.model_loader import check_birth
from launcher.processes import Program, Supervisor
from launcher.up import Plan, make_plan, programs, rasa_program

MESSAGE_PATH = "/webhooks/twilio/message"
LARGEST_P99_MS = 200.0
LARGEST_RATIO = 1.10
# Under this a difference is the machine's and no ratio: two scheduler slices.
SMALLEST_DIFFERENCE_MS = 2.0
WRITERS = 1000  # as many as there are numbers kept for drama
READY_SECONDS = 300.0
ANSWER_SECONDS = 15.0  # Twilio waits no longer
WARM_UP = 50
# One in fifty is of danger: it is screened, handed over and answered in the same transaction.
TEXTS = (
    *("what is happening with my case", "who is my officer", "thank you", "what are my rights", "hello") * 10,
    "he is outside my door now and he has a knife",
)


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One message: when it was due, sent and acknowledged, in seconds of one clock. `status` 0: no answer."""

    due: float
    sent: float
    answered: float
    status: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Milliseconds from when each message was due; `late_ms`, the driver's own lateness (p99), is part of them."""

    name: str
    count: int
    errors: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    late_ms: float

    @property
    def is_well(self) -> bool:
        return self.errors == 0 and self.p99_ms <= LARGEST_P99_MS


def summarise(name: str, posted: Sequence[Posted]) -> Figures:
    """Raises BenchFailed for nothing at all. What was not acknowledged is an error, and its time counts as well."""
    if not posted:
        raise BenchFailed("Nothing was posted, so nothing was measured.")
    waited = sorted((each.answered - each.due) * 1000 for each in posted)
    late = sorted((each.sent - each.due) * 1000 for each in posted)
    return Figures(
        name=name,
        count=len(posted),
        errors=sum(not 200 <= each.status < 300 for each in posted),
        p50_ms=find_percentile(waited, 50),
        p99_ms=find_percentile(waited, 99),
        max_ms=waited[-1],
        late_ms=find_percentile(late, 99),
    )


def find_percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that `percent` of all are not above: nearest rank, so always one that was measured."""
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(rank, 1) - 1]


def is_unchanged(alive: Figures, dead: Figures) -> bool:
    """Whether the slowest hundredth waits no longer with Rasa dead: by 10 % at most, or too little to tell."""
    more_ms = dead.p99_ms - alive.p99_ms
    return more_ms <= SMALLEST_DIFFERENCE_MS or dead.p99_ms <= alive.p99_ms * LARGEST_RATIO


def render(figures: Figures) -> str:
    return (
        f"{figures.name:12} {figures.count:6} messages  p50 {figures.p50_ms:7.1f} ms  p99 {figures.p99_ms:7.1f} ms  "
        f"max {figures.max_ms:7.1f} ms  errors {figures.errors}  (driver late by {figures.late_ms:.1f} ms, p99)"
    )


def run_bench_ingest(root: Path, *, rate: float, seconds: float, database_url: str | None = None) -> int:
    """Measures both and prints the figures; 0 when both limits hold. Refuses a database with anything in it."""
    if rate * seconds < 100:
        raise BenchFailed(
            "Fewer than 100 messages have no 99th percentile: ask for a higher --rate or --seconds."
        )
    kind = (database_url or "sqlite").partition(":")[0]
    print(
        f"{rate:g} messages/s for {seconds:g} s, {kind}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    model = training.find_current_model(root)
    check_empty(database_url)
    alive = None
    if model is None:
        print("No model is current, so Rasa is measured dead only. Run ./waymark train first.")
    else:
        alive = asyncio.run(measure(root, model, rate=rate, seconds=seconds, database_url=database_url))
        print(render(alive), flush=True)
    dead = asyncio.run(measure(root, None, rate=rate, seconds=seconds, database_url=database_url))
    print(render(dead), flush=True)
    return _judge(alive, dead)


def _judge(alive: Figures | None, dead: Figures) -> int:
    if alive is None:
        print("NOT decided: the two were not compared.")
        return 1
    print(f"Rasa dead / alive: p50 {dead.p50_ms / alive.p50_ms:.2f}, p99 {dead.p99_ms / alive.p99_ms:.2f}")
    is_fast, is_same = alive.is_well and dead.is_well, is_unchanged(alive, dead)
    print(f"p99 of both at most {LARGEST_P99_MS:.0f} ms and no error: {'held' if is_fast else 'NOT held'}.")
    print(
        f"p99 with Rasa dead within {LARGEST_RATIO - 1:.0%} of alive (or {SMALLEST_DIFFERENCE_MS:.0f} ms): "
        f"{'held' if is_same else 'NOT held'}."
    )
    return 0 if is_fast and is_same else 1


async def measure(
    root: Path,
    model: training.Model | None,
    *,
    rate: float,
    seconds: float,
    database_url: str | None = None,
    keep: Path | None = None,
) -> Figures:
    """One run against the whole service in a folder of its own (`keep`: in that one); without a model Rasa is dead."""
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as made:
        folder = keep or Path(made)
        async with running_service(root, model, folder, database_url) as plan:
            posted = await drive(plan, rate=rate, seconds=seconds)
    return summarise("Rasa alive" if model else "Rasa dead", posted)


@asynccontextmanager
async def running_service(
    root: Path, model: training.Model | None, folder: Path, database_url: str | None
) -> AsyncIterator[Plan]:
    """Every process of `./waymark up`, ready; Rasa only with a model, and else nothing listens where it would be."""
    for name in ("TWILIO_ACCOUNT_SID", "TELEGRAM_BOT_TOKEN"):
        if os.environ.get(name):
            raise BenchFailed(f"{name} is set: unset it, or the bench would answer its messages for real.")
    plan = make_plan(root, data_dir=folder, port=find_free_port(), console_port=find_free_port())
    url = database_url or f"sqlite:///{folder}/waymark.db"
    rasa_port = find_free_port()
    environ = {
        **plan.environ,
        "WAYMARK_DATABASE_URL": url,
        "WAYMARK_KEYS": str(find_keys(url)),
        "WAYMARK_RASA_URLS": f"http://127.0.0.1:{rasa_port}",
    }
    environ["WAYMARK_PUBLIC_URL"] = plan.public_address
    plan = replace(plan, environ=environ, rasa_ports=(rasa_port,))
    engine = create_engine(url)
    upgrade(engine)
    engine.dispose()
    supervisor = Supervisor(root=root, data_dir=folder, addresses=plan.addresses)
    try:
        for program in _programs(plan, model):
            supervisor.start(program)
        await _wait_ready(plan, needs_assistant=model is not None)
        yield plan
    finally:
        await supervisor.stop()


def _programs(plan: Plan, model: training.Model | None) -> list[Program]:
    wanted = programs(plan)
    if model is not None:
        # By its birth certificate: nobody is answered by it but the bench's own pretend phones.
        checked = check_birth(model.path, read_birth(model.path), run_dir=run_dir(plan.data_dir))
        wanted.append(rasa_program(plan, checked))
    return wanted


def check_empty(database_url: str | None) -> None:
    """Refuses (BenchFailed) a database somebody has written to: it would be filled with messages of nobody."""
    if database_url is None:
        return
    engine = create_engine(database_url)
    try:
        upgrade(engine)
        with engine.connect() as connection:
            is_used = connection.execute(
                sa.select(sa.exists().where(conversation.c.id.is_not(None)))
            ).scalar()
    finally:
        engine.dispose()
    if is_used:
        raise BenchFailed("The database given has conversations in it. Give the address of an empty one.")


async def _wait_ready(plan: Plan, *, needs_assistant: bool) -> None:
    wanted = {"database", "worker", *(["assistant"] if needs_assistant else [])}
    deadline = time.monotonic() + READY_SECONDS
    parts: dict[str, bool] = {}
    async with aiohttp.ClientSession(trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                async with http.get(f"{plan.public_address}/health/ready") as answer:
                    parts = await answer.json()
            except aiohttp.ClientError:
                parts = {}
            if all(parts.get(name) for name in wanted):
                return
            await asyncio.sleep(0.2)
    missing = sorted(name for name in wanted if not parts.get(name))
    logs = plan.data_dir / "logs"
    ends = [f"{log.name}:\n{end_of(log)}" for log in sorted(logs.glob("*.log"))]
    raise BenchFailed("\n".join([f"Not ready after {READY_SECONDS:.0f} s: {', '.join(missing)}.", *ends]))


# --- the driver, a process of its own -------------------------------------------------------------------


async def drive(plan: Plan, *, rate: float, seconds: float) -> list[Posted]:
    """Starts the driver, gives it its orders and reads what it saw. Raises BenchFailed if it fails."""
    orders = {
        "url": plan.public_address + MESSAGE_PATH,
        "signed_url": plan.environ["WAYMARK_PUBLIC_URL"] + MESSAGE_PATH,
        "token": plan.environ["TWILIO_AUTH_TOKEN"],
        "account_sid": plan.environ["TWILIO_ACCOUNT_SID"],
        "to": plan.environ["WAYMARK_SMS_FROM"],
        "rate": rate,
        "seconds": seconds,
    }
    return [Posted(**each) for each in await run_driver(plan.root, "launcher.bench_ingest", orders)]


@dataclass(frozen=True, kw_only=True)
class Signed:
    body: bytes
    signature: str


def sign_messages(
    count: int, *, url: str, token: str, account_sid: str, to: str, numbers_from: int = 0
) -> list[Signed]:
    """As many different messages as Twilio would post them."""
    return [
        sign_text(
            f"{TEXTS[number % len(TEXTS)]} {number}",
            sender=f"+447700900{number % WRITERS:03d}",
            url=url,
            token=token,
            account_sid=account_sid,
            to=to,
        )
        for number in range(numbers_from, numbers_from + count)
    ]


def sign_text(text: str, *, sender: str, url: str, token: str, account_sid: str, to: str) -> Signed:
    """One text message as Twilio would post it to `url`, with an id of its own."""
    fields = {
        "ToCountry": "GB",
        "MessageSid": f"SM{secrets.token_hex(16)}",
        "AccountSid": account_sid,
        "From": sender,
        "To": to,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "FromCity": "",
        "ApiVersion": "2010-04-01",
    }
    body = urlencode(fields).encode()
    return Signed(body=body, signature=compute_signature(token=token, url=url, body=body))


async def post_all(url: str, messages: Sequence[Signed], *, rate: float) -> list[Posted]:
    """Each at its time, whatever became of those before it."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False) as http:
        started = time.perf_counter() + 0.5
        tasks = []
        for number, message in enumerate(messages):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(_post(http, url, message, due)))
        return list(await asyncio.gather(*tasks))


async def _post(http: aiohttp.ClientSession, url: str, message: Signed, due: float) -> Posted:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        SIGNATURE_HEADER: message.signature,
    }
    sent, status = time.perf_counter(), 0
    try:
        async with http.post(url, data=message.body, headers=headers) as answer:
            await answer.read()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError):
        pass
    return Posted(due=due, sent=sent, answered=time.perf_counter(), status=status)


async def _follow_orders() -> None:
    orders = json.load(sys.stdin)
    url, rate = orders["url"], orders["rate"]
    signing = {
        "url": orders["signed_url"],
        "token": orders["token"],
        "account_sid": orders["account_sid"],
        "to": orders["to"],
    }
    count = int(rate * orders["seconds"])
    warm_up = sign_messages(WARM_UP, **signing)
    messages = sign_messages(count, **signing, numbers_from=WARM_UP)
    await post_all(url, warm_up, rate=rate)
    posted = await post_all(url, messages, rate=rate)
    json.dump([asdict(each) for each in posted], sys.stdout)


if __name__ == "__main__":
    asyncio.run(_follow_orders())
