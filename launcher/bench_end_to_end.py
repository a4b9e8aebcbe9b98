"""`./waymark bench end-to-end`: from a signed SMS to the reply at the provider, beside stock Rasa and the floor.

The service runs as `./waymark up` runs it. Stock Rasa runs with its default pipeline, a SQL tracker store and its own
Twilio channel, which checks no signature and keeps nothing until it has answered; the same script is written to both,
both answer by way of a sandbox provider of their own, and both call the same actions. The floor is one durable commit
and one bare parse by our model, in one process (bench_floor.py): less cannot be done.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.bench_desk import describe_machine
from launcher.bench_floor import Floor, measure_floor
from launcher.bench_ingest import check_empty
from launcher.bench_phones import Waits, drive
from launcher.bench_processes import read_cpu_ms
from launcher.bench_rasa import end_on_sigterm
from launcher.bench_report import OURS, STOCK, Part, Promise, Row, render_text
from launcher.bench_stock import StockModel, get_stock
from launcher.bench_targets import Target, running_our_target, running_stock_target
from launcher.live_model import get_trained

RATE = 10.0  # messages a second at which all are compared
TIMES_STOCK = 10.0
LARGEST_P95_MS = 1000.0
STEP, LOWEST_RATE, MOST_STEPS = 1.25, 1.0, 14
IDLE_SECONDS = 5.0
WARM_UP = 30
LARGEST_CPU_RATIO = 2.0

Run = Callable[[float], Awaitable[Waits]]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`cpu_ms`: of every process for one message at RATE; `idle_ms`: of that, what is spent with nobody writing."""

    name: str
    at_rate: Waits
    cpu_ms: Mapping[str, float]
    idle_ms: float
    steps: tuple[Waits, ...]

    @property
    def highest(self) -> float:
        """Messages a second, the most it bore; 0 where it bore none that was tried."""
        return max((each.rate for each in self.steps if is_borne(each)), default=0.0)

    @property
    def cpu_of_all_ms(self) -> float:
        return sum(self.cpu_ms.values())


def is_borne(waits: Waits) -> bool:
    """Whether all were taken and answered in time, in the last third as well: a backlog that grows shows there."""
    is_whole = waits.errors == 0 and waits.unanswered == 0
    return is_whole and max(waits.p95_ms, waits.last_p95_ms) <= LARGEST_P95_MS


async def find_highest(run: Run, first: Waits) -> tuple[Waits, ...]:
    """Steps from `first` upwards while each is borne, or down until one is; all that were taken, `first` too."""
    steps = [first]
    factor = STEP if is_borne(first) else 1 / STEP
    while len(steps) < MOST_STEPS:
        rate = steps[-1].rate * factor
        if rate < LOWEST_RATE:
            break
        steps.append(await run(rate))
        if is_borne(steps[-1]) is (factor < 1):
            break
    return tuple(steps)


def run_bench_end_to_end(
    root: Path, data_dir: Path, *, seconds: float, database_url: str | None = None, fresh: bool = False
) -> int:
    """Prints the figures; 0 where every promise held. Refuses a database with anything in it."""
    end_on_sigterm()
    check_empty(database_url)
    stock = get_stock(root, data_dir, fresh=fresh)
    part = measure_end_to_end(root, data_dir, stock=stock, seconds=seconds, database_url=database_url)
    print(render_text(part))
    return 0 if part.holds else 1


def measure_end_to_end(
    root: Path, data_dir: Path, *, stock: StockModel, seconds: float, database_url: str | None = None
) -> Part:
    """Each step takes `seconds`. Raises BenchFailed."""
    measured = describe_machine(root, (database_url or "sqlite").partition(":")[0])
    model = get_trained(root, data_dir, say=_say)
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as made:
        folder = Path(made)
        ours = asyncio.run(_measure_ours(root, folder / "up", seconds, database_url))
        beside = asyncio.run(_measure_stock(root, stock, folder / "stock", seconds))
        floor = measure_floor(root, model, folder / "floor")
    return _make_part(ours, beside, floor, stock, f"{measured}, {seconds:g} s a step")


async def _measure_ours(root: Path, folder: Path, seconds: float, database_url: str | None) -> Measured:
    _say(f"{OURS}: starting as ./waymark up does")
    async with running_our_target(root, folder, database_url=database_url) as target:
        return await _measure(root, target, seconds)


async def _measure_stock(root: Path, model: StockModel, folder: Path, seconds: float) -> Measured:
    _say(f"{STOCK}: starting")
    async with running_stock_target(root, model, folder) as target:
        return await _measure(root, target, seconds)


async def _measure(root: Path, target: Target, seconds: float) -> Measured:
    turn = 0

    async def run(rate: float) -> Waits:
        nonlocal turn
        waits = await drive(root, target.provider, rate=rate, count=max(1, round(rate * seconds)), turn=turn)
        turn += max(1, round(seconds / 10))
        word = "borne" if is_borne(waits) else "NOT borne"
        _say(f"      {target.name}: {tell(waits)}, {word}")
        return waits

    _say(f"      {target.name}: warming up")
    await drive(root, target.provider, rate=RATE, count=WARM_UP)
    turn += 1
    idle = await _read_idle(target)
    before = read_cpu_ms(target.groups())
    first = await run(RATE)
    after = read_cpu_ms(target.groups())
    cpu_ms = {name: (after[name] - before.get(name, 0.0)) / first.count for name in after}
    return Measured(
        name=target.name,
        at_rate=first,
        cpu_ms=cpu_ms,
        idle_ms=idle * seconds / first.count,
        steps=await find_highest(run, first),
    )


async def _read_idle(target: Target) -> float:
    """Milliseconds of processor a second while nobody writes, of all together."""
    before = read_cpu_ms(target.groups())
    await asyncio.sleep(IDLE_SECONDS)
    after = read_cpu_ms(target.groups())
    return sum(after[name] - before.get(name, 0.0) for name in after) / IDLE_SECONDS


def tell(waits: Waits) -> str:
    return (
        f"{waits.rate:.1f}/s: {waits.count} messages, p50 {waits.p50_ms:.0f} ms, p95 {waits.p95_ms:.0f} ms, "
        f"errors {waits.errors}, unanswered {waits.unanswered} (driver late by {waits.late_ms:.0f} ms, p99)"
    )


def _make_part(ours: Measured, stock: Measured, floor: Floor, model: StockModel, measured: str) -> Part:
    ratio = ours.cpu_of_all_ms / floor.cpu_ms
    by_process = ", ".join(
        f"{name} {each:.1f}" for name, each in sorted(ours.cpu_ms.items(), key=lambda item: -item[1])
    )
    at = f"at {RATE:g} messages a second"
    return Part(
        name="end-to-end",
        title="From a signed SMS to the reply at the provider",
        measured=measured,
        rows=(
            Row(
                name=f"Highest rate with p95 up to {LARGEST_P95_MS / 1000:g} s",
                unit="messages/s",
                ours=ours.highest,
                stock=stock.highest,
                floor=floor.per_second,
                drawn=True,
            ),
            Row(
                name=f"p50 {at}",
                unit="ms",
                ours=ours.at_rate.p50_ms,
                stock=stock.at_rate.p50_ms,
                floor=floor.p50_ms,
            ),
            Row(
                name=f"p95 {at}",
                unit="ms",
                ours=ours.at_rate.p95_ms,
                stock=stock.at_rate.p95_ms,
                floor=floor.p95_ms,
                drawn=True,
            ),
            Row(
                name="Processor for a turn, all processes",
                unit="ms",
                ours=ours.cpu_of_all_ms,
                stock=stock.cpu_of_all_ms,
                floor=floor.cpu_ms,
                drawn=True,
            ),
            Row(name="Of it with nobody writing", unit="ms", ours=ours.idle_ms, stock=stock.idle_ms),
            Row(
                name="Processor for a turn, floors",
                unit="",
                ours=ratio,
                stock=stock.cpu_of_all_ms / floor.cpu_ms,
                floor=1.0,
            ),
        ),
        promises=(
            Promise(
                text=f"{TIMES_STOCK:g} times the throughput of stock Rasa at the same p95 ({ours.highest:.1f} to "
                f"{stock.highest:.1f}), or that part of its p95 {at} ({ours.at_rate.p95_ms:.0f} ms to "
                f"{stock.at_rate.p95_ms:.0f} ms)",
                held=ours.highest >= TIMES_STOCK * stock.highest
                or TIMES_STOCK * ours.at_rate.p95_ms <= stock.at_rate.p95_ms,
            ),
            Promise(
                text=f"A turn costs at most {LARGEST_CPU_RATIO:g} floors ({ratio:.2f})",
                held=ratio <= LARGEST_CPU_RATIO,
            ),
        ),
        notes=(
            f"Waymark's processor for a turn by process, ms: {by_process}. The provider's is in no figure, nor a "
            "PostgreSQL server's.",
            *_tell_steps(ours),
            *_tell_steps(stock),
            f"{model.tell()} Its Twilio channel checks no signature and stores nothing before it has answered.",
        ),
    )


def _tell_steps(measured: Measured) -> list[str]:
    steps = sorted(measured.steps, key=lambda each: each.rate)
    told = "; ".join(
        f"{each.rate:.1f}/s {each.p95_ms:.0f} ms" + ("" if is_borne(each) else " (not borne)")
        for each in steps
    )
    return [f"{measured.name}, p95 by rate: {told}."]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
