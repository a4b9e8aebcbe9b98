"""What a model must reach before it may answer anybody, judged on signed numbers alone."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_text, read_toml

GATES_FILE = Path(__file__).with_name("release_gates.toml")
NOT_MEASURED = "not measured"
_CLOSE = 1e-9  # shares are divisions; an item is never this small a part


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`hits` of `n`, or without them a score; `was_*`: the live model's on the same items.

    A score of 0 to 1, or of the gate `p95` in milliseconds.
    """

    gate: str
    of: str
    hits: int | None
    n: int
    value: float | None
    was_hits: int | None
    was_value: float | None


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """`against`: the live model, None for a first one. `sets`: name -> sha256 of what was asked.

    `made_at`: ISO 8601, UTC.
    """

    model_id: str
    against: str | None
    sets: Mapping[str, str]
    measured: tuple[Measured, ...]
    made_at: str


@dataclass(frozen=True, kw_only=True)
class GateLine:
    """One thing judged: `need` and `got` in words."""

    gate: str
    of: str
    need: str
    got: str
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    passed: bool
    lines: tuple[GateLine, ...]


@dataclass(frozen=True, kw_only=True)
class GateLimit:
    """One table of release_gates.toml; its head says what each name means."""

    gate: str
    title: str
    of: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    most_worse_points: float | None = None
    most_worse_items: int = 0
    is_fault: bool = False
    least_n: int = 0
    may_be_empty: bool = False


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """Every gate, in the order in which they are told."""

    gates: tuple[GateLimit, ...]


def judge(report: GateReport, limits: GateLimits) -> Verdict:
    """Every gate against its limits. A gate that was not measured fails; what no limit names is not looked at."""
    lines = tuple(line for limit in limits.gates for line in _judge_gate(limit, report))
    return Verdict(passed=bool(lines) and all(line.passed for line in lines), lines=lines)


def _judge_gate(limit: GateLimit, report: GateReport) -> Iterable[GateLine]:
    judged = [one for one in report.measured if one.gate == limit.gate and one.n >= limit.least_n]
    wanted = limit.of or (() if judged else (limit.gate,))
    for name in sorted(set(wanted) - {one.of for one in judged}):
        yield GateLine(gate=limit.gate, of=name, need=_need(limit, report), got=NOT_MEASURED, passed=False)
    for one in judged:
        passed = _is_passed(limit, one, is_first=report.against is None)
        yield GateLine(
            gate=limit.gate, of=one.of, need=_need(limit, report), got=_got(limit, one), passed=passed
        )


def _is_passed(limit: GateLimit, one: Measured, *, is_first: bool) -> bool:
    """Written so that a number that is none (NaN) passes nothing."""
    if one.n < 0 or (one.n == 0 and not limit.may_be_empty):
        return False
    if one.hits is not None and not 0 <= one.hits <= one.n:
        return False
    counted = _number_of(one.hits, one.n, one.value, limit)
    if counted is None:
        return False
    if limit.at_least is not None and not counted >= limit.at_least - _CLOSE:
        return False
    if limit.at_most is not None and not counted <= limit.at_most + _CLOSE:
        return False
    return limit.most_worse_points is None or is_first or _is_no_worse(limit, one)


def _number_of(hits: int | None, n: int, value: float | None, limit: GateLimit) -> float | None:
    """What the limits speak of: faults by their number, all else by its share; a score as it is."""
    if hits is None:
        return value
    if limit.at_most is not None:
        return float(hits)
    return hits / n if n else 0.0


def _is_no_worse(limit: GateLimit, one: Measured) -> bool:
    points = limit.most_worse_points or 0.0
    if one.hits is not None:
        if one.was_hits is None or not 0 <= one.was_hits <= one.n:
            return False
        worse = one.hits - one.was_hits if limit.is_fault else one.was_hits - one.hits
        return worse <= max(points / 100 * one.n, limit.most_worse_items) + _CLOSE
    if one.value is None or one.was_value is None:
        return False
    fall = one.value - one.was_value if limit.is_fault else one.was_value - one.value
    return 100 * fall <= points + _CLOSE


def _need(limit: GateLimit, report: GateReport) -> str:
    words = []
    if limit.at_least is not None:
        words.append("all" if limit.at_least == 1 else f"at least {100 * limit.at_least:g} %")
    if limit.at_most is not None:
        words.append("none" if limit.at_most == 0 else f"at most {limit.at_most:g}")
    if limit.most_worse_points is not None and report.against is not None:
        words.append(_no_worse_in_words(limit))
    return " and ".join(words) or "measured"


def _no_worse_in_words(limit: GateLimit) -> str:
    if limit.most_worse_points == 0:
        return "no worse than the live model"
    items = f" or {limit.most_worse_items} message" if limit.most_worse_items else ""
    unit = "point" if limit.most_worse_points == 1 else "points"
    return f"at most {limit.most_worse_points:g} {unit}{items} worse than the live model"


def _got(limit: GateLimit, one: Measured) -> str:
    if one.hits is not None:
        was = "" if one.was_hits is None else f" (was {one.was_hits})"
        return f"{one.hits} of {one.n}{was}"
    if one.value is None:
        return NOT_MEASURED
    is_share = limit.at_most is None
    was = "" if one.was_value is None else f" (was {_score(one.was_value, is_share)})"
    return f"{_score(one.value, is_share)}{was}"


def _score(value: float, is_share: bool) -> str:
    return f"{100 * value:.1f} %" if is_share else f"{value:.0f}"


def load_gate_limits(path: Path = GATES_FILE) -> GateLimits:
    """Raises SettingsInvalid, with the place, for a limit that is unknown, missing or out of range."""
    gates = []
    for gate, table in read_toml(path).items():
        try:
            gates.append(_parse_limit(gate, table))
        except (KeyError, TypeError, ValueError) as fault:
            raise SettingsInvalid(f"{path.name}, {gate}: {fault}") from fault
    if not gates:
        raise SettingsInvalid(f"{path.name}: there is no gate in it; put the packaged file back")
    return GateLimits(gates=tuple(gates))


def _parse_limit(gate: str, table: dict[str, Any]) -> GateLimit:
    limit = GateLimit(
        gate=gate, **{**table, "title": as_text(table["title"]), "of": tuple(table.get("of", ()))}
    )
    numbers = (limit.at_least, limit.at_most, limit.most_worse_points)
    if all(number is None for number in numbers):
        raise ValueError("it has no limit, so everything would pass")
    for number in (*numbers, limit.most_worse_items, limit.least_n):
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{number} must be 0 or more")
    if limit.at_least is not None and limit.at_least > 1:
        raise ValueError("at_least is a share, 0 to 1")
    return limit
