"""What a model was measured at, check by check, as trainers read it: what went wrong first, never a bare figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from casework.model.release_gates import (
    GateLimit,
    GateLimits,
    GateLine,
    GateReport,
    Measured,
    judge,
    load_gate_limits,
)
from casework.model.significance import PROBABLY_NOT_CHANCE, mcnemar, wilson
from console.pages import plain_words
from console.words import Words


@dataclass(frozen=True, kw_only=True)
class Check:
    """`says`: `Misses on danger now: 1 of 64 (was 3)`. `range`: where the true share lies, or empty; `chance` as it."""

    says: str
    need: str
    range: str
    chance: str
    passed: bool


@cache
def load_limits() -> GateLimits:
    """The packaged ones; a release of the code changes them and nothing else."""
    return load_gate_limits()


def list_checks(report: GateReport, words: Words, limits: GateLimits) -> list[Check]:
    """Every line of the gates in words, what is not passed first."""
    measured = {(one.gate, one.of): one for one in report.measured}
    by_gate = {limit.gate: limit for limit in limits.gates}
    checks = [
        _tell(
            line,
            by_gate[line.gate],
            measured.get((line.gate, line.of)),
            words,
            is_first=report.against is None,
        )
        for line in judge(report, limits).lines
    ]
    return sorted(checks, key=lambda check: check.passed)


def find_headline(report: GateReport, words: Words, limits: GateLimits) -> str:
    """What matters most in one sentence: the first gate of all, passed or not."""
    checks = list_checks(report, words, GateLimits(gates=limits.gates[:1]))
    return checks[0].says if checks else ""


def _tell(line: GateLine, limit: GateLimit, one: Measured | None, words: Words, *, is_first: bool) -> Check:
    return Check(
        says=f"{_title(line, words)}: {_got(limit, one, words)}",
        need=_need(limit, line.of, one, words, is_first=is_first),
        range=_range(limit, one, words),
        chance="" if one is None else tell_chance(one.newly_right, one.newly_wrong, words),
        passed=line.passed,
    )


def tell_chance(newly_right: int | None, newly_wrong: int | None, words: Words) -> str:
    """How many messages differ from the live model's, and whether that could be chance; empty where none was live."""
    if newly_right is None or newly_wrong is None:
        return ""
    say = words["wb_chance"]
    if not newly_right + newly_wrong:
        return str(say["same"])
    name = "not_chance" if mcnemar(newly_right, newly_wrong) < PROBABLY_NOT_CHANCE else "chance"
    return str(say[name]).format(right=newly_right, wrong=newly_wrong)


def _title(line: GateLine, words: Words) -> str:
    of = words["wb_gate_of"].get(line.of) or plain_words(
        line.of.removeprefix("style ").removeprefix("length ")
    )
    # A gate that a later release adds has no words yet: its name is told.
    return str(words["wb_gates"].get(line.gate, plain_words(line.gate))).format(of=of)


def _got(limit: GateLimit, one: Measured | None, words: Words) -> str:
    say = words["wb_checks"]
    if one is None:
        return str(say["not_measured"])
    if one.hits is not None:
        was = None if one.was_hits is None else _faults(limit, one.was_hits, one.n)
        return _with_was(say, f"{_faults(limit, one.hits, one.n)} {say['of']} {one.n}", was)
    if one.value is None:
        return str(say["not_measured"])
    was_value = None if one.was_value is None else _score(limit, one.was_value, say)
    return _with_was(say, _score(limit, one.value, say), was_value)


def _faults(limit: GateLimit, hits: int, n: int) -> int:
    """How many went wrong: the hits themselves where they are faults, else what is missing of them."""
    return hits if limit.is_fault else n - hits


def _score(limit: GateLimit, value: float, say: Mapping[str, Any]) -> str:
    """A share as so many in 100; what has a most is a time in milliseconds, told in seconds."""
    if limit.at_most is not None:
        return str(say["seconds"]).format(n=f"{value / 1000:.2f}")
    return str(say["in_hundred"]).format(n=f"{100 * value:.1f}")


def _with_was(say: Mapping[str, Any], now: str, was: object | None) -> str:
    return now if was is None else f"{now} {str(say['was']).format(was=was)}"


def _need(limit: GateLimit, of: str, one: Measured | None, words: Words, *, is_first: bool) -> str:
    say = words["wb_checks"]
    needs = []
    floor = limit.floor_of(of)
    # A score is told as it is, and of a share what is missing of it.
    if floor is not None:
        name, share = ("at_least_in_hundred", floor) if _is_score(one) else ("at_most_in_hundred", 1 - floor)
        needs.append(str(say[name]).format(n=f"{100 * share:.3g}"))
    if limit.at_most_share is not None:
        needs.append(str(say["at_most_in_hundred"]).format(n=f"{100 * limit.at_most_share:.3g}"))
    if limit.at_most is not None:
        needs.append(_most(limit, one, say))
    if limit.most_worse_points is not None and not is_first:
        needs.append(_no_worse(limit, one, say))
    return str(say["and"]).join(needs) or str(say["measured"])


def _most(limit: GateLimit, one: Measured | None, say: Mapping[str, Any]) -> str:
    if not limit.at_most:
        return str(say["none"])
    is_time = one is None or _is_score(one)
    most = str(say["seconds"]).format(n=f"{limit.at_most / 1000:.2g}") if is_time else f"{limit.at_most:g}"
    return str(say["at_most"]).format(n=most)


def _no_worse(limit: GateLimit, one: Measured | None, say: Mapping[str, Any]) -> str:
    if not limit.most_worse_points and not limit.most_worse_items:
        return str(say["no_worse"])
    name = "little_worse_or_items" if limit.most_worse_items else "little_worse"
    if not limit.most_worse_points:
        name = "few_worse"
    elif _is_score(one):
        name = "little_less"
    needs = str(say[name]).format(n=f"{limit.most_worse_points:g}", items=limit.most_worse_items)
    return str(say["could_be_chance"]).format(needs=needs) if limit.refuse_beyond_chance else needs


def _is_score(one: Measured | None) -> bool:
    return one is not None and one.hits is None


def _range(limit: GateLimit, one: Measured | None, words: Words) -> str:
    """Wilson's 95 % interval of what went wrong; for counts of which none may be there it says nothing."""
    if one is None or one.hits is None or not one.n or limit.at_most is not None:
        return ""
    low, high = wilson(_faults(limit, one.hits, one.n), one.n)
    return str(words["wb_checks"]["range"]).format(low=f"{100 * low:.1f}", high=f"{100 * high:.1f}")
