"""`./waymark bench import`: what importing many cases takes, against writing the same rows with nothing around it."""

import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from casework.adapters.case_import import import_cases
from casework.adapters.clock import SystemClock
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import case, case_event, person
from casework.services.case_file import COLUMNS
from launcher.case_imports import Progress

LONGEST_SECONDS = 60.0
LARGEST_MB = 500.0
TABLES = (person, case, case_event)
STAGES = ("recorded", "allocated", "under_investigation", "with_cps", "charged", "court_date_set")
TYPES = ("Burglary - residential", "Robbery", "Theft from person", "Criminal damage", "Assault - s47")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One import in a process of its own: seconds, and the most memory it held."""

    seconds: float
    megabytes: float


def run_bench_import(data_dir: Path, *, cases: int) -> int:
    """Measures, prints, and gives 0 when the limits are held, else 1."""
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as folder:
        file, database = Path(folder) / "cases.csv", Path(folder) / "waymark.db"
        events = write_case_file(file, cases=cases)
        rows = 2 * cases + events  # a person, a case and its events
        print(
            f"{cases:,} cases with {events:,} events, {file.stat().st_size / 1e6:.0f} MB as CSV\n", flush=True
        )
        first = _measure(file, database)
        again = _measure(file, database)
        raw = _write_raw(database, Path(folder) / "raw.db")
        _print_import("first import", first, rows)
        _print_import("the same file again", again, rows)
        print(f"{'the same rows, raw':22}{raw:9.1f} s{'':12}{rows / raw:14,.0f} rows/s")
        print(f"\nThe first import takes {first.seconds / raw:.1f} times the raw writing in this run.")
        is_held = all(
            each.seconds <= LONGEST_SECONDS and each.megabytes < LARGEST_MB for each in (first, again)
        )
        limits = f"at most {LONGEST_SECONDS:.0f} s, below {LARGEST_MB:.0f} MB"
        print(f"{limits}: {'held' if is_held else 'NOT held'}.", flush=True)
        return 0 if is_held else 1


def _print_import(name: str, measured: Measured, rows: int) -> None:
    speed = rows / measured.seconds
    print(f"{name:22}{measured.seconds:9.1f} s{measured.megabytes:9.0f} MB{speed:14,.0f} rows/s")


def write_case_file(path: Path, *, cases: int) -> int:
    """Invented cases, the same every time; how many events they have, 3 to 5 each."""
    chosen, events = random.Random(43), 0
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for number in range(cases):
            told = list(_make_events(chosen))
            events += len(told)
            writer.writerow(_make_case(number, chosen) | {"events": json.dumps(told)})
    return events


def _make_case(number: int, chosen: random.Random) -> dict[str, str]:
    return {
        "crime_reference": f"4326{number:07d}",
        "crime_type": chosen.choice(TYPES),
        "stage": chosen.choice(STAGES),
        "stage_since": f"2026-{chosen.randint(1, 10):02d}-{chosen.randint(1, 28):02d}",
        "oic_name": f"DC Test-{chosen.choice(('Maple', 'Birch', 'Rowan', 'Alder'))}",
        "oic_collar_number": f"TEST{chosen.randint(1000, 9999)}",
        "oic_contact": "101 extension 0000 (synthetic)",
        "next_update_due": f"2026-12-{chosen.randint(1, 28):02d}",
        "victim_name": f"Alex Example {number}",
        "contact_mobile": f"07700 900{number % 1000:03d}",
        "contact_email": f"victim{number}@example.org",
        "safe_contact": chosen.choice(("any", "reply_only", "none")),
        "enhanced_rights": chosen.choice(("yes", "no", "")),
        "language": "en",
    }


def _make_events(chosen: random.Random) -> Iterator[dict[str, str]]:
    for month in range(1, chosen.randint(3, 5) + 1):
        day, minute = chosen.randint(1, 28), chosen.randint(0, 59)
        yield {
            "at": f"2026-{month:02d}-{day:02d}T10:{minute:02d}:00Z",
            "kind": chosen.choice(("recorded", "officer_allocated", "update_given")),
            "detail": "Told by phone (synthetic)",
        }


def _measure(file: Path, database: Path) -> Measured:
    # A process of its own: memory once used is never given back, and would be counted here for ever.
    said = subprocess.run(
        [sys.executable, "-m", "launcher.bench_import", str(file), str(database)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Measured(**json.loads(said.stdout))


def import_and_measure(file: Path, path: Path) -> Measured:
    """As `./waymark cases import` does it."""
    started = time.monotonic()
    database = Database(create_engine(f"sqlite:///{path}"), SystemClock())
    upgrade(database.engine)
    import_cases(database, file, on_progress=Progress())
    database.close()
    seconds = time.monotonic() - started
    return Measured(seconds=seconds, megabytes=_get_most_megabytes())


def _get_most_megabytes() -> float:
    """The most this process ever held. On Linux `ru_maxrss` counts what its parent held when it was started, too."""
    status = Path("/proc/self/status")
    if status.exists():
        [held] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(held.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _write_raw(source: Path, path: Path) -> float:
    """Seconds for the very rows of `source`, by the driver alone, in one transaction into the same tables."""
    filled, empty = create_engine(f"sqlite:///{source}"), create_engine(f"sqlite:///{path}")
    upgrade(empty)
    with filled.connect() as reading, empty.connect() as writing:
        reader, writer = reading.connection.cursor(), writing.connection.cursor()
        batches: list[Callable[[], object]] = []
        for table in TABLES:
            rows = reader.execute(f'SELECT * FROM "{table.name}"').fetchall()
            marks = ", ".join("?" * len(rows[0]))
            statement = f'INSERT INTO "{table.name}" VALUES ({marks})'
            batches.append(lambda statement=statement, rows=rows: writer.executemany(statement, rows))  # type: ignore[misc]
        started = time.monotonic()
        writer.execute("BEGIN IMMEDIATE")
        for write in batches:
            write()
        writer.execute("COMMIT")
        seconds = time.monotonic() - started
    filled.dispose()
    empty.dispose()
    return seconds


if __name__ == "__main__":
    found = import_and_measure(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps({"seconds": found.seconds, "megabytes": found.megabytes}))
