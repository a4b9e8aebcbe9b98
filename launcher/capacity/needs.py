"""From messages a second to processes, processors and disk, by what one message costs (measured.toml)."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.capacity.demand import DAYS, Demand

MEASURED_FILE = Path(__file__).with_name("measured.toml")
MOST_BUSY = 0.6
"""Of a processor: more, and the wait grows faster than the work. At 60 % a message waits for 0.75 of its own time."""
ONE_NUMBER = 1.0  # segments a second of a UK long number: casework/model/pacing.toml
MS = 1000
DATABASE = "database"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one message: milliseconds of processor by part, and what it leaves behind."""

    processor_ms: Mapping[str, float]
    transactions: float
    stored_bytes: float
    segments: float
    measured: str

    def most_a_second(self, part: str) -> float:
        """Messages a second that one process of this part does when it does nothing else."""
        return MS / self.processor_ms[part]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """For a rate: how many processes of each part, processors in all, numbers to send from, and transactions."""

    rate: float
    processes: Mapping[str, int]
    processors: float
    numbers: int
    transactions_a_second: float


def load_cost(file: Path = MEASURED_FILE) -> Cost:
    found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    stored = found["stored"]
    return Cost(
        processor_ms=found["processor_ms"],
        transactions=found["database"]["transactions"],
        stored_bytes=stored["bytes"],
        segments=stored["answers"] * stored["segments_of_an_answer"],
        measured=found["measured"],
    )


def find_needs(rate: float, cost: Cost) -> Needs:
    """`rate`: messages a second. No process is busier than `MOST_BUSY`. There is one database, with many processors."""
    busy = {part: rate * ms / MS for part, ms in cost.processor_ms.items()}
    return Needs(
        rate=rate,
        processes={
            part: max(1, math.ceil(each / MOST_BUSY)) for part, each in busy.items() if part != DATABASE
        },
        processors=sum(busy.values()) / MOST_BUSY,
        numbers=max(1, math.ceil(rate * cost.segments / ONE_NUMBER)),
        transactions_a_second=rate * cost.transactions,
    )


def find_ceilings(cost: Cost) -> list[tuple[str, float]]:
    """What gives way at which rate (messages a second) where there is one of each, the first first."""
    ceilings = [("one number to send from", ONE_NUMBER / cost.segments)]
    ceilings += [
        (
            f"one processor of the {part}" if part == DATABASE else f"one {part} process",
            cost.most_a_second(part),
        )
        for part in cost.processor_ms
    ]
    return sorted(ceilings, key=lambda each: each[1])


def find_disk(demand: Demand, cost: Cost) -> float:
    """Bytes a year, indexes and all; without pictures, which are files, and without backups."""
    return demand.messages_a_day * DAYS * cost.stored_bytes
