"""`./waymark bench desk`: from a message acknowledged to its row in an open console, with Rasa alive and dead.

The service runs as `./waymark up` runs it. Messages come at a steady rate, one in four of danger from a number of its
own: its row is made in the transaction that stores it, so it can be waited for whatever became of Rasa. Two consoles
are open meanwhile: a real Chromium, whose page notes itself when a row is in it, and a client that does what the page's
script does. Both clocks are this machine's. A row that never came is counted, and the bench is not held.
"""

import asyncio
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from casework.adapters.settings import Settings
from casework.adapters.storage.tables import conversation
from casework.bootstrap import build_service
from channels.twilio_signature import compute_signature
from launcher import training
from launcher.bench_ingest import (
    MESSAGE_PATH,
    WARM_UP,
    Posted,
    Signed,
    check_empty,
    find_percentile,
    post_all,
    running_service,
    sign_messages,
)
from launcher.bench_rasa import BenchFailed, run_driver
from launcher.bench_webchat import CHROMIUM, CHROMIUM_FLAGS
from launcher.desk_visit import COOKIE, QueueWatcher, open_desk_session
from launcher.up import Plan

LARGEST_P99_MS = 250.0
DANGER_EVERY = 4
# Calm messages come from the first half of the numbers kept for drama, each of danger from one of the second.
CALM_NUMBERS, DANGER_NUMBERS = 500, 500
CALM = ("what is happening with my case", "who is my officer", "thank you", "what are my rights", "hello")
DANGER = "he is outside my door now and he has a knife"
SETTLE_SECONDS = 5.0  # a row this late is one that did not come
FEWEST_ROWS = 100


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Milliseconds from the acknowledgement of each message of danger to its row. `missing`: never there."""

    name: str
    console: str
    waits_ms: tuple[float, ...]
    missing: int
    errors: int

    @property
    def is_well(self) -> bool:
        return not self.missing and not self.errors and self.at(99) <= LARGEST_P99_MS

    def at(self, percent: int) -> float:
        return find_percentile(sorted(self.waits_ms), percent)


def compare(
    name: str,
    console: str,
    posted: Mapping[str, Posted],
    conversations: Mapping[str, str],
    seen: Mapping[str, float],
) -> Shown:
    """`posted`: number -> its message; `conversations`: number -> id; `seen`: id -> the moment, of the same clock.

    A row seen before the acknowledgement came counts as 0. Raises BenchFailed for nothing at all.
    """
    acknowledged = {number: each for number, each in posted.items() if 200 <= each.status < 300}
    if not acknowledged:
        raise BenchFailed("No message was acknowledged, so nothing was measured.")
    waits, missing = [], 0
    for number, each in acknowledged.items():
        at = seen.get(conversations.get(number, ""))
        if at is None:
            missing += 1
        else:
            waits.append(max(0.0, (at - each.answered) * 1000))
    if not waits:
        raise BenchFailed(f"{console}: not one row was shown.")
    return Shown(
        name=name,
        console=console,
        waits_ms=tuple(waits),
        missing=missing,
        errors=len(posted) - len(acknowledged),
    )


def render(shown: Shown) -> str:
    found = "  ".join(f"p{percent} {shown.at(percent):5.0f} ms" for percent in (50, 95, 99))
    return (
        f"{shown.name:10} {shown.console:9} {len(shown.waits_ms):4} rows  {found}  "
        f"worst {max(shown.waits_ms):5.0f} ms  missing {shown.missing}  errors {shown.errors}"
    )


def describe_machine(root: Path, kind: str) -> str:
    """The date, the machine and the commit a figure belongs to."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    ).stdout.strip()
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors ({model}), {kind}, commit {commit or 'unknown'}, "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


def run_bench_desk(root: Path, *, rate: float, seconds: float, database_url: str | None = None) -> int:
    """Measures both and prints the figures; 0 when the limit holds in both. Refuses a database with anything in it."""
    rows = int(rate * seconds / DANGER_EVERY)
    if not FEWEST_ROWS <= rows <= DANGER_NUMBERS:
        raise BenchFailed(
            f"{rows} rows: between {FEWEST_ROWS} and {DANGER_NUMBERS} can be measured. Choose --rate and --seconds."
        )
    check_empty(database_url)
    kind = (database_url or "sqlite").partition(":")[0]
    print(
        f"{describe_machine(root, kind)}, {rate:g} messages/s for {seconds:g} s, {rows} of danger", flush=True
    )
    model = training.find_current_model(root)
    found: list[Shown] = []
    if model is None:
        print("No model is current, so Rasa is measured dead only. Run ./waymark train first.")
    for name, given in (("Rasa alive", model), ("Rasa dead", None)):
        if name == "Rasa alive" and given is None:
            continue
        measured = asyncio.run(
            measure(root, name, given, rate=rate, seconds=seconds, database_url=database_url)
        )
        found += measured
        print("\n".join(render(each) for each in measured), flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    is_held = all(each.is_well for each in found)
    print(
        f"p99 at most {LARGEST_P99_MS:.0f} ms in every console, every row shown: {'held' if is_held else 'NOT held'}."
    )
    return 0 if is_held and model is not None else 1


async def measure(
    root: Path,
    name: str,
    model: training.Model | None,
    *,
    rate: float,
    seconds: float,
    database_url: str | None = None,
) -> list[Shown]:
    """One run with both consoles open; a Chromium only where there is one."""
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as made:
        async with running_service(root, model, Path(made), database_url) as plan:
            token = open_desk_session(plan)
            async with (
                _watch_in_chromium(plan, token) as in_browser,
                _watch_as_script(plan, token) as in_client,
            ):
                posted = await _drive(plan, rate=rate, seconds=seconds)
                await asyncio.sleep(SETTLE_SECONDS)
                seen = {"client": dict(in_client.seen)}
                if in_browser is not None:
                    seen = {"Chromium": await _read_seen(in_browser)} | seen
            conversations = await asyncio.to_thread(_list_conversations, plan)
    return [compare(name, console, posted, conversations, rows) for console, rows in seen.items()]


def _list_conversations(plan: Plan) -> dict[str, str]:
    service = build_service(Settings.from_env(plan.environ))
    try:
        with service.database.engine.connect() as connection:
            rows = connection.execute(conversation.select()).all()
    finally:
        service.database.close()
    return {row.external_id: row.id for row in rows}


@asynccontextmanager
async def _watch_as_script(plan: Plan, token: str) -> AsyncIterator[QueueWatcher]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        plan.addresses["console"],
        connector=connector,
        headers={"Cookie": f"{COOKIE}={token}"},
        trust_env=False,
    ) as http:
        watcher = QueueWatcher(http)
        await watcher.open()
        try:
            yield watcher
        finally:
            await watcher.close()


# --- Chromium -------------------------------------------------------------------------------------------

NOTE_ROWS = """() => {
  window.rowsSeen = {}
  const note = () => {
    const at = performance.timeOrigin + performance.now()
    for (const row of document.querySelectorAll('[id^="row-"]')) window.rowsSeen[row.id.slice(4)] ??= at
  }
  note()
  new MutationObserver(note).observe(document.body, { childList: true, subtree: true })
}"""


@asynccontextmanager
async def _watch_in_chromium(plan: Plan, token: str) -> AsyncIterator[Any]:
    """The open page, or None where there is no Chromium."""
    if not CHROMIUM.exists():
        print(f"There is no {CHROMIUM}, so only a client was measured.")
        yield None
        return
    from playwright.async_api import async_playwright  # for developers: the service runs without it

    address = plan.addresses["console"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        context = await browser.new_context()
        await context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        page = await context.new_page()
        await page.goto(f"{address}/console")
        await page.wait_for_selector("body.is-live")
        await page.evaluate(NOTE_ROWS)
        try:
            yield page
        finally:
            await browser.close()


async def _read_seen(page: Any) -> dict[str, float]:
    """The rows by the clock of `time.perf_counter`."""
    ahead = time.time() - time.perf_counter()
    seen: dict[str, float] = await page.evaluate("window.rowsSeen")
    return {row: at / 1000 - ahead for row, at in seen.items()}


# --- the driver, a process of its own -------------------------------------------------------------------


async def _drive(plan: Plan, *, rate: float, seconds: float) -> dict[str, Posted]:
    """The messages of danger by the number they came from."""
    orders = {
        "url": plan.public_address + MESSAGE_PATH,
        "token": plan.environ["TWILIO_AUTH_TOKEN"],
        "account_sid": plan.environ["TWILIO_ACCOUNT_SID"],
        "to": plan.environ["WAYMARK_SMS_FROM"],
        "rate": rate,
        "seconds": seconds,
    }
    posted = await run_driver(plan.root, "launcher.bench_desk", orders)
    return {number: Posted(**each) for number, each in posted.items()}


def sign_all(count: int, *, url: str, token: str, account_sid: str, to: str) -> list[tuple[str, Signed]]:
    """`count` messages with the number each comes from, every `DANGER_EVERY`th of danger; "" for one that is calm."""
    messages: list[tuple[str, Signed]] = []
    for number in range(count):
        is_danger = number % DANGER_EVERY == 0
        last = CALM_NUMBERS + number // DANGER_EVERY if is_danger else number % CALM_NUMBERS
        sender = f"+447700900{last:03d}"
        text = DANGER if is_danger else CALM[number % len(CALM)]
        fields = {
            "MessageSid": f"SM{secrets.token_hex(16)}",
            "AccountSid": account_sid,
            "From": sender,
            "To": to,
            "Body": f"{text} {number}",
            "NumMedia": "0",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        }
        body = urlencode(fields).encode()
        signature = compute_signature(token=token, url=url, body=body)
        messages.append((sender if is_danger else "", Signed(body=body, signature=signature)))
    return messages


async def _follow_orders() -> None:
    orders: dict[str, Any] = json.load(sys.stdin)
    url, rate = orders["url"], orders["rate"]
    signing = {name: orders[name] for name in ("url", "token", "account_sid", "to")}
    await post_all(url, sign_messages(WARM_UP, **signing), rate=rate)
    messages = sign_all(int(rate * orders["seconds"]), **signing)
    posted: Sequence[Posted] = await post_all(url, [signed for _, signed in messages], rate=rate)
    json.dump(
        {sender: asdict(each) for (sender, _), each in zip(messages, posted, strict=True) if sender},
        sys.stdout,
    )


if __name__ == "__main__":
    asyncio.run(_follow_orders())
