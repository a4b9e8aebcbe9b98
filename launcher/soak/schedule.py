"""The faults of a run, drawn from a seed: which, where, when and how long. The same seed gives the same list."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

PAUSES = (1.0, 3.0, 6.0, 14.0)  # a lease is 10 s: the longest outlives it


class Kind(StrEnum):
    """What is done to a target; each ends by itself."""

    KILL = "kill -9"
    PAUSE = "pause"
    LATENCY = "latency"
    DROP = "drop"
    RESET = "reset"
    HALF_OPEN = "half-open"
    TRUNCATE = "truncate"
    DATABASE_RESTART = "database restart"
    DISK_FULL = "disk full"
    PROVIDER_5XX = "provider 5xx"
    PROVIDER_429 = "provider 429"
    PROVIDER_TIMEOUT = "provider timeout"
    PROVIDER_RESET = "provider reset"
    STATUS_SHUFFLE = "statuses shuffled"


NETWORK = (Kind.LATENCY, Kind.DROP, Kind.RESET, Kind.HALF_OPEN, Kind.TRUNCATE)
# Statuses of the sandbox's faults, with and without the message having been taken.
PROVIDER_STATUSES: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROVIDER_5XX: ("500", "500_after_store"),
    Kind.PROVIDER_429: ("429", "429:3"),
    Kind.PROVIDER_TIMEOUT: ("timeout", "timeout_after_store"),
    Kind.PROVIDER_RESET: ("reset", "reset_after_store"),
}
PROVIDER = "provider"
DATABASE = "database"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`at_message`: begins when so many texts were written, so that a slow machine meets the same faults.

    `detail`: a status of PROVIDER_STATUSES, else empty. `count`: messages that meet it, where it is the provider's.
    """

    number: int
    at_message: int
    kind: Kind
    target: str
    seconds: float
    detail: str = ""
    count: int = 0

    def describe(self) -> str:
        what = f" {self.detail} x{self.count}" if self.count else f" {self.seconds:.1f} s"
        return f"{self.number:4} at message {self.at_message:6}  {self.kind.value:18} {self.target}{what}"


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What there is to break. `disks` is empty where none can be filled."""

    processes: Sequence[str]
    links: Sequence[str]
    disks: Sequence[str]

    def of(self, kind: Kind) -> Sequence[str]:
        if kind is Kind.KILL:
            return self.processes
        if kind is Kind.PAUSE:
            return (*self.processes, DATABASE)
        if kind in NETWORK:
            return self.links
        if kind is Kind.DISK_FULL:
            return self.disks
        return (DATABASE,) if kind is Kind.DATABASE_RESTART else (PROVIDER,)


def make_schedule(
    *, seed: int, count: int, messages: int, targets: Targets, longest_seconds: float = PAUSES[-1]
) -> list[Fault]:
    """`count` faults spread over so many messages; every kind there is a target for comes before any comes again."""
    chance = random.Random(seed)
    kinds = [kind for kind in Kind if targets.of(kind)]
    faults: list[Fault] = []
    deck: list[Kind] = []
    for number in range(count):
        if not deck:
            deck = chance.sample(kinds, len(kinds))
        kind = deck.pop()
        at = (0.05 + 0.9 * (number + chance.random() * 0.8) / count) * messages
        statuses = PROVIDER_STATUSES.get(kind, ())
        faults.append(
            Fault(
                number=number + 1,
                at_message=int(at),
                kind=kind,
                target=chance.choice(targets.of(kind)),
                seconds=min(longest_seconds, _draw_seconds(kind, chance)),
                detail=chance.choice(statuses) if statuses else "",
                count=_draw_count(kind, chance),
            )
        )
    return faults


def _draw_seconds(kind: Kind, chance: random.Random) -> float:
    if kind is Kind.PAUSE:
        return chance.choice(PAUSES)
    if kind in (Kind.KILL, Kind.DATABASE_RESTART):
        return chance.uniform(0.2, 4.0)
    return chance.uniform(1.0, 8.0)


def _draw_count(kind: Kind, chance: random.Random) -> int:
    if kind is Kind.STATUS_SHUFFLE:
        return chance.randint(5, 20)
    if kind is Kind.PROVIDER_TIMEOUT:
        return chance.randint(1, 3)  # each holds a sender for ten seconds
    return chance.randint(1, 8) if kind in PROVIDER_STATUSES else 0
