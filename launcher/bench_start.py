"""`./waymark bench start`: how long a second `./waymark up` takes until all is ready, and each process by itself.

The first one makes the database and its keys; the second is what an operator waits for after a restart. Beside it stock
Rasa's server alone, until its channel answers.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from launcher.bench_desk import describe_machine
from launcher.bench_rasa import BenchFailed, actions_beside, end_of, end_on_sigterm
from launcher.bench_report import Part, Promise, Row, render_text
from launcher.bench_stock import StockModel, get_stock, running_stock
from launcher.bench_up import LOOK_SECONDS, READY_SECONDS, RunningUp, ask_ready, running_up, starting_up
from launcher.live_model import get_trained

LONGEST_SECONDS = 20.0
READY = "ready"
# `up` says that it is ready with the first two; the actions may come after it.
AWAITED = (READY, "desk", "actions")


def run_bench_start(root: Path, data_dir: Path, *, fresh: bool = False) -> int:
    """Prints the figures; 0 where the second start is quick enough."""
    end_on_sigterm()
    part = measure_start(root, data_dir, stock=get_stock(root, data_dir, fresh=fresh))
    print(render_text(part))
    return 0 if part.holds else 1


def measure_start(root: Path, data_dir: Path, *, stock: StockModel) -> Part:
    measured = describe_machine(root, "sqlite")
    get_trained(root, data_dir, say=_say)
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as made:
        ours = asyncio.run(_measure_ours(root, Path(made) / "up"))
        beside = asyncio.run(_measure_stock(root, stock, Path(made)))
    return make_part(ours, beside, notes=(stock.tell(),), measured=measured)


async def _measure_ours(root: Path, folder: Path) -> Mapping[str, float]:
    _say("Waymark: the first start, not measured")
    async with running_up(root, folder):
        pass
    _say("Waymark: the second start")
    async with starting_up(root, folder) as (running, process):
        return await watch_start(running, process)


async def watch_start(running: RunningUp, process: asyncio.subprocess.Process) -> Mapping[str, float]:
    """Part -> seconds from the start until it answered first; `ready`: the gateway says so. Raises BenchFailed."""
    seen: dict[str, float] = {}
    async with aiohttp.ClientSession(trust_env=False) as http:
        while not all(name in seen for name in AWAITED):
            if process.returncode is not None or time.monotonic() - running.started > READY_SECONDS:
                raise BenchFailed(
                    f"It was not ready. The end of its log:\n{end_of(running.data_dir / 'up.log')}"
                )
            parts = await ask_ready(http, running)
            seconds = time.monotonic() - running.started
            for name, is_there in parts.items():
                if is_there:
                    seen.setdefault(name, seconds)
            await asyncio.sleep(LOOK_SECONDS)
    return seen


async def _measure_stock(root: Path, model: StockModel, folder: Path) -> float:
    _say("Stock Rasa: starting")
    started = time.monotonic()
    async with actions_beside() as beside, running_stock(root, model, beside, folder):
        return time.monotonic() - started


def make_part(
    ours: Mapping[str, float], stock: float, *, notes: tuple[str, ...] = (), measured: str = ""
) -> Part:
    """The whole beside stock's server, then each part in the order in which it came."""
    whole = max(ours[READY], ours["desk"])
    return Part(
        name="start",
        title="The second start",
        measured=measured,
        rows=(
            Row(name="Until everything is ready", unit="s", ours=whole, stock=stock, drawn=True),
            *(
                Row(name=name, unit="s", ours=seconds)
                for name, seconds in sorted(ours.items(), key=lambda item: item[1])
                if name != READY
            ),
        ),
        promises=(
            Promise(
                text=f"The second ./waymark up is ready in at most {LONGEST_SECONDS:.0f} s ({whole:.1f})",
                held=whole <= LONGEST_SECONDS,
            ),
        ),
        notes=notes,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
