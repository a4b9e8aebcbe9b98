"""Whether a probability means what it says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The answers with a probability from `low` to below `high`: how sure they were and how often it was so."""

    low: float
    high: float
    n: int
    said: float | None
    was: float | None


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """`error` is the expected calibration error, 0 to 1: the mean gap of the bins, each weighing its messages."""

    title: str
    bins: tuple[Bin, ...]
    n: int
    error: float | None


def calibrate(title: str, pairs: Iterable[tuple[float, bool]]) -> Calibration:
    """`pairs`: the probability that was said, and whether it was so."""
    given = list(pairs)
    bins = tuple(_bin(place, [one for one in given if _place(one[0]) == place]) for place in range(BINS))
    gaps = [b.n * abs(b.said - b.was) for b in bins if b.said is not None and b.was is not None]
    return Calibration(title=title, bins=bins, n=len(given), error=sum(gaps) / len(given) if given else None)


def _place(probability: float) -> int:
    return min(BINS - 1, int(probability * BINS))


def _bin(place: int, those: Sequence[tuple[float, bool]]) -> Bin:
    return Bin(
        low=place / BINS,
        high=(place + 1) / BINS,
        n=len(those),
        said=sum(said for said, _ in those) / len(those) if those else None,
        was=sum(was for _, was in those) / len(those) if those else None,
    )
