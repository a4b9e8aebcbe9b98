"""`./waymark bench all`: every bench of docs/performance.md in one run, and that page, its picture and its JSON anew.

Run it on a machine that has nothing else to do. What is measured is written down part by part, so that a run that is
stopped keeps what it has; a part that was not measured stays as it was, with its own date and commit.
"""

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from launcher.bench_end_to_end import measure_end_to_end, run_bench_end_to_end
from launcher.bench_ingest import check_empty
from launcher.bench_memory import measure_memory, run_bench_memory
from launcher.bench_picture import PICTURE, draw
from launcher.bench_rasa import BenchFailed, end_on_sigterm
from launcher.bench_report import (
    PAGE,
    RESULTS,
    Part,
    Report,
    put_into_page,
    read_report,
    render_text,
    to_json,
)
from launcher.bench_start import measure_start, run_bench_start
from launcher.bench_stock import StockModel, get_stock
from launcher.bench_stored import measure_stored, run_bench_stored
from launcher.bench_training import measure_training
from launcher.bench_turn import measure_turn, run_bench_turn
from launcher.live_model import get_trained

TURNS, STORED = 500, 10_000_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What every part may need. `seconds`: of a step of end-to-end. `stored`: messages. `turns`: of turn."""

    root: Path
    data_dir: Path
    stock: StockModel
    turns: int
    seconds: float
    stored: int
    database_url: str | None = None


# In this order: the short ones first, and training, which takes most of an hour, last.
PARTS: Mapping[str, Callable[[Wanted], Part]] = {
    "end-to-end": lambda wanted: measure_end_to_end(
        wanted.root,
        wanted.data_dir,
        stock=wanted.stock,
        seconds=wanted.seconds,
        database_url=wanted.database_url,
    ),
    "turn": lambda wanted: measure_turn(wanted.root, wanted.data_dir, stock=wanted.stock, turns=wanted.turns),
    "memory": lambda wanted: measure_memory(wanted.root, stock=wanted.stock),
    "start": lambda wanted: measure_start(wanted.root, wanted.data_dir, stock=wanted.stock),
    "stored": lambda wanted: measure_stored(wanted.root, wanted.data_dir, stored=wanted.stored),
    "training": lambda wanted: measure_training(wanted.root),
}


def run_bench_all(
    root: Path,
    data_dir: Path,
    *,
    names: Sequence[str] = (),
    turns: int,
    seconds: float,
    stored: int,
    database_url: str | None = None,
    fresh: bool = False,
) -> int:
    """Measures the parts of those names, or all; 0 where every promise held. A part that fails stops no other."""
    end_on_sigterm()
    check_empty(database_url)
    get_trained(root, data_dir, say=_say)
    wanted = Wanted(
        root=root,
        data_dir=data_dir,
        stock=get_stock(root, data_dir, fresh=fresh),
        turns=turns,
        seconds=seconds,
        stored=stored,
        database_url=database_url,
    )
    _say(wanted.stock.tell())
    missed = [name for name in PARTS if (not names or name in names) and not _measure(name, wanted)]
    print("Every promise held." if not missed else f"Missed, or not measured: {', '.join(missed)}.")
    return 1 if missed else 0


def run_bench_chosen(given: Namespace) -> int:
    """One of the benches beside stock Rasa, or all of them, as the command line asks."""
    root, data_dir, fresh = given.root, given.data_dir, given.fresh
    stored, turns = given.stored or STORED, given.turns or TURNS
    if given.what == "all":
        unknown = sorted(set(given.parts or ()) - set(PARTS))
        if unknown:
            raise BenchFailed(f"There is no part {unknown[0]!r}. Say one of: {', '.join(PARTS)}.")
        return run_bench_all(
            root,
            data_dir,
            names=given.parts or (),
            turns=turns,
            seconds=given.seconds,
            stored=stored,
            database_url=given.database_url,
            fresh=fresh,
        )
    if given.what == "end-to-end":
        return run_bench_end_to_end(
            root, data_dir, seconds=given.seconds, database_url=given.database_url, fresh=fresh
        )
    if given.what == "memory":
        return run_bench_memory(root, data_dir, fresh=fresh)
    if given.what == "start":
        return run_bench_start(root, data_dir, fresh=fresh)
    if given.what == "stored":
        return run_bench_stored(root, data_dir, stored=stored, database_url=given.database_url)
    return run_bench_turn(root, data_dir, turns=turns, fresh=fresh)


def _measure(name: str, wanted: Wanted) -> bool:
    """Whether all of it held; it is written down."""
    _say(f"--- {name}")
    began = time.monotonic()
    try:
        part = PARTS[name](wanted)
    except BenchFailed as refusal:
        print(f"{name} was not measured. {refusal}\n", flush=True)
        return False
    print(render_text(part) + "\n", flush=True)
    _say(f"      {time.monotonic() - began:.0f} s")
    write_down(wanted.root, read_report(wanted.root).with_part(replace(part, name=name)))
    return part.holds


def write_down(root: Path, report: Report) -> None:
    """JSON, picture and the marked part of the page, in the tree."""
    page = (root / PAGE).read_text(encoding="utf-8")
    made = put_into_page(page, report)
    (root / RESULTS).write_text(to_json(report), encoding="utf-8")
    (root / PICTURE).write_text(draw(report), encoding="utf-8")
    (root / PAGE).write_text(made, encoding="utf-8")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
