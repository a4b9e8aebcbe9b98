"""`./waymark bench web`: how soon a reply is on the screen, whether 200 open pages miss anything, what it all weighs.

The service runs as `./waymark up` runs it, with the assistant warm. A real Chromium sends one message after the other
and says itself when the reply was painted. Then a driver, a process of its own, keeps many pages open that do what the
page's script does: hear of a new version, ask for what they lack, come back with `Last-Event-ID` when their stream is
cut. What they hold at the end is compared with what the service shows on a fresh page.
"""

import asyncio
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from launcher import training
from launcher.bench_ingest import check_empty, find_percentile, running_service
from launcher.bench_rasa import BenchFailed, run_driver
from launcher.up import Plan

LARGEST_P95_MS = 300.0
LARGEST_FIRST_LOAD_BYTES = 30 * 1024
LARGEST_MESSAGE_BYTES = 1536
LARGEST_RESIDENT_MB = 150.0
FEWEST_MESSAGES = 100
WARM_UP = 10
ANSWER_SECONDS = 20.0
READING_SECONDS = 0.3  # between a reply and the next message
PAGES, CHATTING = 200, 20
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)
# Nothing of a case: none of these needs a person, so the assistant alone is measured.
TEXTS = (
    "hello",
    "what are my rights",
    "can I get compensation",
    "thank you",
    "what is a victim personal statement",
    "who can help me with money",
    "what happens at court",
    "how do I complain",
    "where can I find support",
    "what are you",
)
SEED = 6


# --- the figures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Replies:
    """Milliseconds from Send to the frame after the reply was shown; `unanswered` within `ANSWER_SECONDS`."""

    waits_ms: tuple[float, ...]
    unanswered: int

    @property
    def is_well(self) -> bool:
        return not self.unanswered and self.at(95) <= LARGEST_P95_MS

    def at(self, percent: int) -> float:
        return find_percentile(sorted(self.waits_ms), percent)


@dataclass(frozen=True, kw_only=True)
class Weight:
    """Bytes a browser received, headers and redirects with them. `shown`: messages of both sides."""

    first_load: int
    requests: int
    chat: int
    shown: int
    others: tuple[str, ...]

    @property
    def per_message(self) -> float:
        return self.chat / max(1, self.shown)

    @property
    def is_well(self) -> bool:
        fits = self.first_load <= LARGEST_FIRST_LOAD_BYTES and self.per_message <= LARGEST_MESSAGE_BYTES
        return fits and not self.others


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What became of the open pages. `told`: events; `cut`: streams cut by us and taken up again."""

    pages: int
    sent: int
    shown: int
    told: int
    cut: int
    missed: int
    repeated: int
    out_of_order: int
    told_again: int
    refused: int
    p50_ms: float
    p95_ms: float

    @property
    def is_well(self) -> bool:
        wrong = self.missed + self.repeated + self.out_of_order + self.told_again + self.refused
        return wrong == 0 and self.sent > 0


def compare(held: Sequence[str], shown: Sequence[str]) -> tuple[int, int, int]:
    """Missed, repeated and out of order: what a page held when it was asked, against what a fresh one shows."""
    first_of = list(dict.fromkeys(held))
    known = [key for key in first_of if key in set(shown)]
    right = [key for key in shown if key in set(known)]
    out_of_order = sum(mine != theirs for mine, theirs in zip(known, right, strict=True))
    return len(set(shown) - set(held)), len(held) - len(first_of), out_of_order


# --- all of it ------------------------------------------------------------------------------------------


def run_bench_web(root: Path, *, messages: int, seconds: float, database_url: str | None = None) -> int:
    """Measures all and prints the figures; 0 when every limit holds. Refuses a database with anything in it."""
    if messages < FEWEST_MESSAGES:
        raise BenchFailed(f"Fewer than {FEWEST_MESSAGES} messages say too little: ask for more --messages.")
    model = training.find_current_model(root)
    if model is None:
        raise BenchFailed("No model is current, so nothing would answer. Run ./waymark train first.")
    if not CHROMIUM.exists():
        raise BenchFailed(f"There is no {CHROMIUM}: install Chromium or set CHROMIUM to its path.")
    check_empty(database_url)
    kind = (database_url or "sqlite").partition(":")[0]
    print(f"{kind}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    return asyncio.run(
        _measure_all(root, model, messages=messages, seconds=seconds, database_url=database_url)
    )


async def _measure_all(
    root: Path, model: training.Model, *, messages: int, seconds: float, database_url: str | None
) -> int:
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as made:
        async with running_service(root, model, Path(made), database_url) as plan:
            _say(f"Chromium: {messages} messages, one after the other")
            replies, weight = await measure_browser(plan, messages=messages)
            print("\n".join([*render_replies(replies), *render_weight(weight)]), flush=True)
            idle_mb = read_resident_mb(plan)
            _say(f"{PAGES} open pages, {CHATTING} of them chatting, for {seconds:g} s")
            heard, resident_mb = await measure_pages(plan, seconds=seconds)
            print("\n".join([*render_heard(heard), *render_resident(resident_mb, idle_mb)]), flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    return (
        0
        if replies.is_well and weight.is_well and heard.is_well and resident_mb <= LARGEST_RESIDENT_MB
        else 1
    )


def render_replies(replies: Replies) -> list[str]:
    count = len(replies.waits_ms)
    found = "  ".join(f"p{percent} {replies.at(percent):.0f} ms" for percent in (50, 95, 99))
    return [
        f"Send to reply on screen    {count} messages  {found}  unanswered {replies.unanswered}",
        _judge(f"p95 at most {LARGEST_P95_MS:.0f} ms and all answered", replies.is_well),
    ]


def render_weight(weight: Weight) -> list[str]:
    first = f"{weight.first_load / 1024:.1f} KB in {weight.requests} requests"
    return [
        f"On the wire                first load of / and /m {first}  per message {weight.per_message:.0f} bytes "
        f"({weight.shown} shown)  other hosts {', '.join(weight.others) or 'none'}",
        _judge(
            f"first load at most {LARGEST_FIRST_LOAD_BYTES // 1024} KB, a message {LARGEST_MESSAGE_BYTES} bytes, "
            "no other host",
            weight.is_well,
        ),
    ]


def render_heard(heard: Heard) -> list[str]:
    wait = f"p50 {heard.p50_ms:.0f} ms  p95 {heard.p95_ms:.0f} ms to the reply"
    cut = f"{heard.cut} streams cut and taken up again"
    wrong = f"missed {heard.missed}  repeated {heard.repeated}  out of order {heard.out_of_order}"
    return [
        f"{heard.pages} open pages             {heard.sent} messages sent  {heard.shown} shown  {heard.told} events  "
        f"{cut}  {wait}",
        f"                           {wrong}  told again what they had {heard.told_again}  refused {heard.refused}",
        _judge("no message missed, repeated or out of order, nothing told twice", heard.is_well),
    ]


def render_resident(resident_mb: float, idle_mb: float) -> list[str]:
    return [
        f"Memory of the gateway      {resident_mb:.0f} MB resident at most, "
        f"{idle_mb:.0f} MB before the pages were opened",
        _judge(f"at most {LARGEST_RESIDENT_MB:.0f} MB", resident_mb <= LARGEST_RESIDENT_MB),
    ]


def _judge(limit: str, is_well: bool) -> str:
    return f"{'held' if is_well else 'NOT held'}: {limit}."


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def read_resident_mb(plan: Plan) -> float:
    """The gateway's resident memory now. Linux only."""
    pid = json.loads((plan.data_dir / "run.json").read_text())["pids"]["gateway"]
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


# --- Chromium -------------------------------------------------------------------------------------------

SEND = """([text, patience]) => new Promise((done) => {
  const log = document.getElementById('log')
  const had = new Set(log.children)
  const began = performance.now()
  const late = setTimeout(() => { watch.disconnect(); done(null) }, patience)
  const watch = new MutationObserver(() => {
    const fresh = [...log.children].filter((item) => !had.has(item) && !item.textContent.includes(text))
    if (!fresh.length) return
    watch.disconnect()
    clearTimeout(late)
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))
  })
  watch.observe(log, { childList: true })
  document.getElementById('text').value = text
  document.getElementById('send').click()
})"""
START = """() => {
  const form = document.createElement('form')
  form.method = 'post'
  form.action = '/start'
  document.body.append(form)
  form.submit()
}"""


class _Wire:
    """Counts what a page receives, by the browser's own account."""

    def __init__(self, own: str) -> None:
        self._own = urlsplit(own).netloc
        self.bytes = 0
        self.requests = 0
        self.others: set[str] = set()
        self._streams: set[str] = set()

    def add_request(self, event: Mapping[str, Any]) -> None:
        parts = urlsplit(event["request"]["url"])
        if parts.scheme not in ("http", "https"):
            return
        self.requests += 1
        self.bytes += int(event.get("redirectResponse", {}).get("encodedDataLength", 0))
        if parts.netloc != self._own:
            self.others.add(parts.netloc)

    def add_response(self, event: Mapping[str, Any]) -> None:
        if event["response"]["mimeType"] == "text/event-stream":
            self._streams.add(event["requestId"])
            self.bytes += int(event["response"]["encodedDataLength"])

    def add_data(self, event: Mapping[str, Any]) -> None:
        if event["requestId"] in self._streams:  # never finishes, so it is counted as it comes
            self.bytes += int(event["encodedDataLength"] or event["dataLength"])

    def add_finished(self, event: Mapping[str, Any]) -> None:
        if event["requestId"] not in self._streams:
            self.bytes += int(event["encodedDataLength"])


async def measure_browser(plan: Plan, *, messages: int) -> tuple[Replies, Weight]:
    """A first load with nothing kept, then `messages` in turn after `WARM_UP` that do not count."""
    async with _open_page(plan.public_address) as (page, wire):
        await page.goto(plan.public_address, wait_until="networkidle")
        await page.evaluate(START)
        await page.wait_for_url("**/m")
        await page.wait_for_timeout(1000)
        first_load, requests = wire.bytes, wire.requests
        await _send_all(page, WARM_UP, offset=0)
        before, had = wire.bytes, await page.locator("#log > li").count()
        waits = await _send_all(page, messages, offset=WARM_UP)
        await page.wait_for_timeout(500)
        weight = Weight(
            first_load=first_load,
            requests=requests,
            chat=wire.bytes - before,
            shown=await page.locator("#log > li").count() - had,
            others=tuple(sorted(wire.others)),
        )
    answered = tuple(wait for wait in waits if wait is not None)
    if not answered:
        raise BenchFailed("Not one message was answered.")
    return Replies(waits_ms=answered, unanswered=len(waits) - len(answered)), weight


@asynccontextmanager
async def _open_page(address: str) -> AsyncIterator[tuple[Any, _Wire]]:
    from playwright.async_api import async_playwright  # for developers: the service runs without it

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        page = await (await browser.new_context()).new_page()
        wire = _Wire(address)
        session = await page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", wire.add_request)
        session.on("Network.responseReceived", wire.add_response)
        session.on("Network.dataReceived", wire.add_data)
        session.on("Network.loadingFinished", wire.add_finished)
        await session.send("Network.enable")
        try:
            yield page, wire
        finally:
            await browser.close()


async def _send_all(page: Any, count: int, *, offset: int) -> list[float | None]:
    waits: list[float | None] = []
    for number in range(offset, offset + count):
        # The number tells one sending from another; the browser itself says when the reply was painted.
        text = f"{TEXTS[number % len(TEXTS)]} ({number})"
        waits.append(await page.evaluate(SEND, [text, ANSWER_SECONDS * 1000]))
        await page.wait_for_timeout(READING_SECONDS * 1000)
        if len(waits) % 25 == 0:
            _say(f"  {len(waits)} sent")
    return waits


# --- the open pages: a driver of its own ----------------------------------------------------------------


async def measure_pages(plan: Plan, *, seconds: float) -> tuple[Heard, float]:
    """What the driver saw, and the most memory the gateway had meanwhile, in MB."""
    orders = {"url": plan.public_address, "pages": PAGES, "chatting": CHATTING, "seconds": seconds}
    resident = [read_resident_mb(plan)]
    watching = asyncio.create_task(_watch_resident(plan, resident))
    try:
        heard = await run_driver(plan.root, "launcher.bench_webchat", orders)
    finally:
        watching.cancel()
    return Heard(**heard), max(resident)


async def _watch_resident(plan: Plan, resident: list[float]) -> None:
    while True:
        resident.append(read_resident_mb(plan))
        await asyncio.sleep(0.5)


ITEM = re.compile(r'<li id="([\w-]+)" class="message[^"]*"(?: data-before="([\w-]+)")?')
OLDER = re.compile(r'data-older="-?\d+"')


@dataclass
class OpenPage:
    """What the page's script does, without a browser: a stream, and what is lacking asked for after each event."""

    url: str
    http: aiohttp.ClientSession
    random: random.Random
    patience_seconds: float = ANSWER_SECONDS
    held: list[str] = field(default_factory=list)
    repeated: int = 0
    told: list[str] = field(default_factory=list)
    told_again: int = 0
    cut: int = 0
    sent: int = 0
    refused: int = 0
    waits: list[float] = field(default_factory=list)
    has_new: asyncio.Event = field(default_factory=asyncio.Event)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _link: asyncio.Task[None] | None = None
    _asked: asyncio.Task[None] | None = None

    async def open(self) -> None:
        async with self.http.post(f"{self.url}/start", data={}) as answer:
            answer.raise_for_status()
        self._link = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._link is not None:
            self._link.cancel()
            await asyncio.gather(self._link, return_exceptions=True)

    async def say(self, text: str, *, cuts: bool) -> None:
        """Sends and waits for the reply on this page; `cuts`: without a link from then until a moment later."""
        began, had = time.perf_counter(), len([key for key in self.held if key.startswith("out")])
        fields = {"text": text, "msg_id": f"{self.random.getrandbits(64):016x}"}
        if cuts:
            await self.close()
        await self._ask("post", data=fields)
        self.sent += 1
        if cuts:
            await asyncio.sleep(self.random.uniform(0.05, 0.6))
            self.cut += 1
            self._link = asyncio.create_task(self._listen())
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience_seconds):
                while len([key for key in self.held if key.startswith("out")]) <= had:
                    self.has_new.clear()
                    await self.has_new.wait()
            if not cuts:
                self.waits.append((time.perf_counter() - began) * 1000)

    async def see_all(self) -> list[str]:
        """What a page opened now shows."""
        async with self.http.get(f"{self.url}/m") as answer:
            return [key for key, _ in ITEM.findall(await answer.text()) if key != "hello"]

    async def _listen(self) -> None:
        while True:
            headers = {"Last-Event-ID": self.told[-1]} if self.told else {}
            try:
                async with self.http.get(f"{self.url}/m/events", headers=headers) as stream:
                    self.refused += stream.status != 200
                    async for line in stream.content:
                        if line.startswith(b"id: "):
                            await self._hear(line[4:].decode().strip())
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(1)

    async def _hear(self, version: str) -> None:
        self.told_again += bool(self.told) and self.told[-1] == version
        self.told.append(version)
        # A page whose stream is cut still hears the end of what it has asked for.
        self._asked = asyncio.create_task(self._ask("get"))
        await asyncio.shield(self._asked)

    async def _ask(self, method: str, **given: Any) -> None:
        async with self._asking:
            headers = {"X-Pane": "log", "X-Have": " ".join(self.held[-20:]), "X-Count": str(len(self.held))}
            async with self.http.request(method, f"{self.url}/m", headers=headers, **given) as answer:
                self.refused += answer.status != 200
                self._take(await answer.text())

    def _take(self, pane: str) -> None:
        items = [(key, before) for key, before in ITEM.findall(pane) if key != "hello"]
        is_whole = OLDER.search(pane) is not None
        for key, before in items:
            if key not in self.held:
                self.held.insert(self.held.index(before) if before in self.held else len(self.held), key)
            elif not is_whole:
                self.repeated += 1
        self.has_new.set()


async def drive(
    url: str, *, pages: int, chatting: int, seconds: float, patience_seconds: float = ANSWER_SECONDS
) -> Heard:
    """Opens all pages, lets each say one thing, then lets `chatting` of them go on for so long."""
    chance = random.Random(SEED)
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None, sock_connect=10)
    sessions = [
        aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            timeout=timeout,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            trust_env=False,
        )
        for _ in range(pages)
    ]
    opened = [OpenPage(url, http, random.Random(chance.random()), patience_seconds) for http in sessions]
    for page in opened:
        await page.open()
    await asyncio.gather(*(_say_once(page, number / 8) for number, page in enumerate(opened)))
    _say(f"  {pages} pages are open, each has said one thing")
    until = time.monotonic() + seconds
    for page in opened:
        page.waits.clear()
    await asyncio.gather(*(_chat(page, until) for page in opened[:chatting]))
    await asyncio.sleep(3)
    heard = await _sum_up(opened)
    for page in opened:
        await page.close()
        await page.http.close()
    await connector.close()
    return heard


async def _say_once(page: OpenPage, after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    await page.say("hello", cuts=False)


async def _chat(page: OpenPage, until: float) -> None:
    number = 0
    while time.monotonic() < until:
        number += 1
        await asyncio.sleep(page.random.uniform(1.0, 3.0))
        await page.say(f"{page.random.choice(TEXTS)} ({number})", cuts=number % 4 == 0)


async def _sum_up(opened: Sequence[OpenPage]) -> Heard:
    found = [compare(page.held, await page.see_all()) for page in opened]
    waits = sorted(wait for page in opened for wait in page.waits) or [0.0]
    return Heard(
        pages=len(opened),
        sent=sum(page.sent for page in opened),
        shown=sum(len(page.held) for page in opened),
        told=sum(len(page.told) for page in opened),
        cut=sum(page.cut for page in opened),
        missed=sum(missed for missed, _, _ in found),
        repeated=sum(repeated for _, repeated, _ in found) + sum(page.repeated for page in opened),
        out_of_order=sum(wrong for _, _, wrong in found),
        told_again=sum(page.told_again for page in opened),
        refused=sum(page.refused for page in opened),
        p50_ms=find_percentile(waits, 50),
        p95_ms=find_percentile(waits, 95),
    )


async def _follow_orders() -> None:
    orders = json.load(sys.stdin)
    url = orders.pop("url")
    json.dump(asdict(await drive(url, **orders)), sys.stdout)


if __name__ == "__main__":
    asyncio.run(_follow_orders())
