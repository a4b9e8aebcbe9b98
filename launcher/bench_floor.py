"""The floor of a turn: one durable commit and one bare parse by our model, in one process with nothing around them."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from launcher.bench_ingest import find_percentile
from launcher.bench_rasa import BenchFailed
from launcher.bench_turn import SCRIPT
from launcher.training import Model, rasa_environ

TURNS = 300
LONGEST_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Milliseconds of processor and of waiting for a turn. `per_second`: one after the other, in one process."""

    cpu_ms: float
    p50_ms: float
    p95_ms: float
    per_second: float


def measure_floor(root: Path, model: Model, folder: Path, *, turns: int = TURNS) -> Floor:
    """The texts of the benches' script, in turn. Raises BenchFailed with the end of what Rasa said."""
    print(f"Floor: {turns} commits and parses", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    texts = [SCRIPT[number % len(SCRIPT)] for number in range(turns)]
    ran = subprocess.run(
        [
            *(str(root / "bot" / ".venv" / "bin" / "python"), "-m", "launcher.floor_turns"),
            *("--model", str(model.path), "--database", str(folder / "floor.db")),
        ],
        cwd=root,
        env=rasa_environ(),
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if ran.returncode != 0:
        raise BenchFailed(f"The floor was not measured. The end of what was said:\n{ran.stderr[-1000:]}")
    told = json.loads(ran.stdout.splitlines()[-1])
    return summarise(told["cpu_ms"], told["wall_ms"])


def summarise(cpu_ms: list[float], wall_ms: list[float]) -> Floor:
    waits = sorted(wall_ms)
    return Floor(
        cpu_ms=statistics.mean(cpu_ms),
        p50_ms=find_percentile(waits, 50),
        p95_ms=find_percentile(waits, 95),
        per_second=1000 * len(waits) / sum(waits),
    )
