"""Batches to learn from that hardly change when a message is added or taken away.

What a network learns depends on the order it is shown things in. Were the order drawn anew for every other number of
messages, one message more would teach as much by chance as by what it says, and nobody could tell which.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 63
STEP = 1.18
"""Texts whose numbers of tokens differ by less than this factor may stand in one batch."""


@dataclass(frozen=True)
class Batch:
    """`rows`: the places of its texts. `seed`: two numbers that are this batch's own, for what is drawn in it."""

    rows: NDArray[np.int64]
    seed: tuple[int, int]


def steady_batches(
    names: Sequence[str], lengths: Sequence[int], size: int, *, seed: int, round_number: int
) -> list[Batch]:
    """Every text once, in batches of like length of about `size`, shuffled anew each round.

    `names` tells texts apart, `lengths` has their tokens. Where a text goes depends on its own name and length: one
    more changes the batch it comes to, or splits it in two, and no other.
    """
    places = np.array([_draw(f"{seed} {round_number} {name}") for name in names], dtype=np.int64)
    bins = np.array([_bin_of(length) for length in lengths])
    drawn: list[tuple[int, Batch]] = []
    for number in sorted(set(bins.tolist())):
        members = np.flatnonzero(bins == number)
        members = members[np.argsort(places[members], kind="stable")]
        for low, rows in _split(members, places[members], 0, BITS, size):
            order = _draw(f"{seed} {round_number} {number} {low}")
            drawn.append((order, Batch(rows, (order % 2**31, order // 2**32))))
    return [batch for _, batch in sorted(drawn, key=lambda one: one[0])]


def _split(
    rows: NDArray[np.int64], places: NDArray[np.int64], low: int, bits: int, size: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The rows, sorted by their places from `low` to `low` + 2 ** `bits`, halved until a part is a batch."""
    if len(rows) * 3 <= size * 4 or bits == 0:
        if len(rows):
            yield low, rows
        return
    middle = low + 2 ** (bits - 1)
    cut = int(np.searchsorted(places, middle))
    yield from _split(rows[:cut], places[:cut], low, bits - 1, size)
    yield from _split(rows[cut:], places[cut:], middle, bits - 1, size)


def _bin_of(length: int) -> int:
    return int(np.log(max(1, length)) / np.log(STEP))


def _draw(text: str) -> int:
    """A whole number below 2 ** 63 that is always the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:8], "big") >> 1
