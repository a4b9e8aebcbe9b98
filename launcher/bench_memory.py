"""`./waymark bench memory`: what the whole service keeps resident after a hundred messages, beside stock Rasa's server.

All that `./waymark up` starts is counted, the launcher and the sandbox provider too; of stock Rasa its server alone,
without the actions it needs. Memory that several processes share is divided among them (PSS).
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from launcher.bench_desk import describe_machine
from launcher.bench_end_to_end import tell
from launcher.bench_phones import drive
from launcher.bench_processes import Resident, add_resident, read_resident
from launcher.bench_rasa import end_on_sigterm
from launcher.bench_report import OURS, STOCK, Part, Promise, Row, render_text
from launcher.bench_stock import StockModel, get_stock
from launcher.bench_targets import Target, running_our_target, running_stock_target

MESSAGES, RATE = 100, 5.0
SETTLE_SECONDS = 3.0
RASA = "rasa"
SHARED_COUNTED = (
    "What processes share is counted for each of them here, because only root may read how much it is: "
    "the sum is too high."
)


def run_bench_memory(root: Path, data_dir: Path, *, fresh: bool = False) -> int:
    """Prints the figures; 0 where ours is no more than stock's."""
    end_on_sigterm()
    part = measure_memory(root, stock=get_stock(root, data_dir, fresh=fresh))
    print(render_text(part))
    return 0 if part.holds else 1


def measure_memory(root: Path, *, stock: StockModel) -> Part:
    measured = describe_machine(root, "sqlite")
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as made:
        ours = asyncio.run(_measure_ours(root, Path(made) / "up"))
        beside = asyncio.run(_measure_stock(root, stock, Path(made) / "stock"))
    return make_part(ours, beside, notes=(stock.tell(),), measured=measured)


async def _measure_ours(root: Path, folder: Path) -> Mapping[str, Resident]:
    _say(f"{OURS}: starting as ./waymark up does")
    async with running_our_target(root, folder) as target:
        return await _measure(root, target)


async def _measure_stock(root: Path, model: StockModel, folder: Path) -> Resident:
    _say(f"{STOCK}: starting")
    async with running_stock_target(root, model, folder) as target:
        return (await _measure(root, target))[RASA]


async def _measure(root: Path, target: Target) -> Mapping[str, Resident]:
    waits = await drive(root, target.provider, rate=RATE, count=MESSAGES)
    _say(f"      {target.name}: {tell(waits)}")
    await asyncio.sleep(SETTLE_SECONDS)
    return read_resident(target.everything())


def make_part(
    ours: Mapping[str, Resident], stock: Resident, *, notes: tuple[str, ...] = (), measured: str = ""
) -> Part:
    """Each process of ours, the largest first, and the whole beside stock's server."""
    whole = add_resident(list(ours.values()))
    by_size = sorted(ours.items(), key=lambda item: -item[1].megabytes)
    rows = [
        Row(name="Everything", unit="MB", ours=whole.megabytes, stock=stock.megabytes, drawn=True),
        *(
            Row(name=name, unit="MB", ours=each.megabytes, stock=stock.megabytes if name == RASA else None)
            for name, each in by_size
        ),
    ]
    is_exact = whole.is_shared_out and stock.is_shared_out
    return Part(
        name="memory",
        title=f"Memory after {MESSAGES} messages",
        measured=measured,
        rows=tuple(rows),
        promises=(
            Promise(
                text="Everything that ./waymark up starts takes no more than stock Rasa's server alone "
                f"({whole.megabytes:.0f} MB to {stock.megabytes:.0f} MB)",
                held=whole.megabytes <= stock.megabytes,
            ),
        ),
        notes=(*(() if is_exact else (SHARED_COUNTED,)), *notes),
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
