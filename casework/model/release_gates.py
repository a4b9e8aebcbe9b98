"""What a model must reach before it may answer anybody, judged on signed numbers alone."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid
from casework.model.significance import PROBABLY_NOT_CHANCE, chance_of_worse
from casework.model.toml_files import as_text, read_toml

GATES_FILE = Path(__file__).with_name("release_gates.toml")
NOT_MEASURED = "not measured"
_CLOSE = 1e-9  # shares are divisions; an item is never this small a part


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`hits` of `n`, or without them a score; `was_*`: the live model's on the same items.

    A score of 0 to 1, or of the gate `p95` in milliseconds. `newly_right`, `newly_wrong`: the items on which only
    this model, or only the live one, is right; None where no model is live or items are not set beside each other.
    """

    gate: str
    of: str
    hits: int | None
    n: int
    value: float | None
    was_hits: int | None
    was_value: float | None
    newly_right: int | None = None
    newly_wrong: int | None = None


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
    at_least_of: Mapping[str, float] = field(default_factory=dict)
    at_most: float | None = None
    at_most_share: float | None = None
    most_worse_points: float | None = None
    most_worse_items: int = 0
    refuse_beyond_chance: bool = False
    is_fault: bool = False
    least_n: int = 0
    may_be_empty: bool = False

    def floor_of(self, name: str) -> float | None:
        """The share that must be reached: the name's own, or the gate's."""
        return self.at_least_of.get(name, self.at_least)


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
        yield GateLine(
            gate=limit.gate, of=name, need=_need(limit, name, report), got=NOT_MEASURED, passed=False
        )
    for one in judged:
        passed = _is_passed(limit, one, is_first=report.against is None)
        need = _need(limit, one.of, report)
        yield GateLine(gate=limit.gate, of=one.of, need=need, got=_got(limit, one), passed=passed)


def _is_passed(limit: GateLimit, one: Measured, *, is_first: bool) -> bool:
    if not _can_be_so(limit, one) or not _is_within(limit, one):
        return False
    if is_first or limit.most_worse_points is None:
        return True
    return _is_no_worse(limit, one) and (not limit.refuse_beyond_chance or _could_be_chance(one))


def _can_be_so(limit: GateLimit, one: Measured) -> bool:
    """Whether the counts fit each other; the pairs must lead from the live model's hits to this one's.

    Written so that a number that is none (NaN) passes nothing.
    """
    if one.n < 0 or (one.n == 0 and not limit.may_be_empty):
        return False
    if any(value is not None and not 0 <= value < math.inf for value in (one.value, one.was_value)):
        return False
    if any(hits is not None and not 0 <= hits <= one.n for hits in (one.hits, one.was_hits)):
        return False
    right, wrong = one.newly_right, one.newly_wrong
    if right is None or wrong is None:
        return right is wrong
    if one.hits is None or one.was_hits is None:
        return right >= 0 and wrong >= 0 and right + wrong <= one.n
    was_right = one.n - one.was_hits if limit.is_fault else one.was_hits
    is_right = one.n - one.hits if limit.is_fault else one.hits
    return (
        0 <= right <= one.n - was_right and 0 <= wrong <= was_right and is_right - was_right == right - wrong
    )


def _is_within(limit: GateLimit, one: Measured) -> bool:
    """What the model must reach by itself: faults by their number, all else by its share; a score as it is."""
    share = one.value
    if one.hits is not None:
        share = one.hits / one.n if one.n else 0.0
    if share is None:
        return False
    counted = share if one.hits is None else float(one.hits)
    floor = limit.floor_of(one.of)
    return (
        (floor is None or share >= floor - _CLOSE)
        and (limit.at_most is None or counted <= limit.at_most + _CLOSE)
        and (limit.at_most_share is None or share <= limit.at_most_share + _CLOSE)
    )


def _is_no_worse(limit: GateLimit, one: Measured) -> bool:
    points = limit.most_worse_points or 0.0
    if one.hits is not None:
        if one.was_hits is None:
            return False
        worse = one.hits - one.was_hits if limit.is_fault else one.was_hits - one.hits
        return worse <= max(points / 100 * one.n, limit.most_worse_items) + _CLOSE
    if one.value is None or one.was_value is None:
        return False
    fall = one.value - one.was_value if limit.is_fault else one.was_value - one.value
    return 100 * fall <= points + _CLOSE


def _could_be_chance(one: Measured) -> bool:
    """Whether as much worse, or more, comes by chance often enough. What was not counted could not be chance."""
    if one.newly_right is None or one.newly_wrong is None:
        return False
    return chance_of_worse(one.newly_right, one.newly_wrong) >= PROBABLY_NOT_CHANCE


def _need(limit: GateLimit, name: str, report: GateReport) -> str:
    words = []
    floor = limit.floor_of(name)
    if floor is not None:
        words.append("all" if floor == 1 else f"at least {100 * floor:g} %")
    if limit.at_most is not None:
        words.append("none" if limit.at_most == 0 else f"at most {limit.at_most:g}")
    if limit.at_most_share is not None:
        words.append(f"at most {100 * limit.at_most_share:g} %")
    if limit.most_worse_points is not None and report.against is not None:
        words.append(_no_worse_in_words(limit))
    return " and ".join(words) or "measured"


def _no_worse_in_words(limit: GateLimit) -> str:
    most = []
    if limit.most_worse_points:
        most.append(f"{limit.most_worse_points:g} {_plural('point', limit.most_worse_points)}")
    if limit.most_worse_items:
        most.append(f"{limit.most_worse_items} {_plural('item', limit.most_worse_items)}")
    if not most:
        return "no worse than the live model"
    chance = ", and by no more than could be chance" if limit.refuse_beyond_chance else ""
    return f"at most {' or '.join(most)} worse than the live model{chance}"


def _plural(word: str, number: float) -> str:
    return word if number == 1 else f"{word}s"


def _got(limit: GateLimit, one: Measured) -> str:
    if one.hits is not None:
        now, was = f"{one.hits} of {one.n}", None if one.was_hits is None else str(one.was_hits)
    elif one.value is not None:
        now, was = _score(limit, one.value), None if one.was_value is None else _score(limit, one.was_value)
    else:
        return NOT_MEASURED
    before = [] if was is None else [f"was {was}"]
    if one.newly_right is not None and one.newly_wrong is not None:
        before.append(f"newly right {one.newly_right}, newly wrong {one.newly_wrong}")
    return f"{now} ({'; '.join(before)})" if before else now


def _score(limit: GateLimit, value: float) -> str:
    return f"{100 * value:.1f} %" if limit.at_most is None else f"{value:.0f}"


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
    shares = (limit.at_least, limit.at_most_share, *limit.at_least_of.values())
    numbers = (limit.at_most, limit.most_worse_points, *shares)
    if all(number is None for number in numbers):
        raise ValueError("it has no limit, so everything would pass")
    for number in (*numbers, limit.most_worse_items, limit.least_n):
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{number} must be 0 or more")
    if any(share is not None and share > 1 for share in shares):
        raise ValueError("at_least, at_least_of and at_most_share are shares, 0 to 1")
    if limit.of and not set(limit.at_least_of) <= set(limit.of):
        raise ValueError("at_least_of names what is not in `of`")
    if limit.most_worse_points is None and (limit.most_worse_items or limit.refuse_beyond_chance):
        raise ValueError("without most_worse_points nothing is compared with the live model")
    return limit
