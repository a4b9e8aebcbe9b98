"""Batches of drawn texts, and what one text more changes in them."""

import numpy as np

from bot.components.batches import steady_batches
from tests.bot.reading_bot.answering import answer_lines


def batches(count: int, size: int, round_number: int, *, without: int | None = None) -> list[list[str]]:
    """The names of the texts of each batch, in order."""
    lengths = [int(one) for one in np.random.default_rng(3).integers(1, 100, count)]
    rows = [row for row in range(count) if row != without]
    names = [f"text {row}" for row in rows]
    found = steady_batches(names, [lengths[row] for row in rows], size, seed=11, round_number=round_number)
    return [[names[row] for row in batch.rows] for batch in found]


def seeds(count: int, size: int) -> list[list[int]]:
    found = steady_batches(
        [f"text {row}" for row in range(count)], [9] * count, size, seed=11, round_number=0
    )
    return [list(batch.seed) for batch in found]


def alike(count: int, size: int) -> list[int]:
    """How many texts each batch has where all are the same text."""
    found = steady_batches(["the same"] * count, [2] * count, size, seed=11, round_number=0)
    return [len(batch.rows) for batch in found]


if __name__ == "__main__":
    answer_lines(batches=batches, seeds=seeds, alike=alike)
