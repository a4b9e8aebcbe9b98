"""P1 to P10 over everything that may happen, in any order, on both databases.

Red when: any of the sabotages in docs/promises.md is made; shown in a copy for each.
"""

import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from casework.adapters.storage.database import create_engine
from tests.model_based.machine import Machine
from tests.support.databases import copy_sqlite, empty

# Of so many steps each: half a minute for each database. For an hour of others: WAYMARK_MODEL_RUNS=3000.
RUNS, RUNS_ON_POSTGRESQL, STEPS = 30, 12, 40
# What must have come about in them: else they show nothing.
MUST_COME_ABOUT = (
    "a copy",
    "a worker dies",
    "of danger",
    "the victim was told, or could not be",
    "words that promise a person",
)

pytestmark = pytest.mark.slow


def play(make_url: Callable[[], str], runs: int) -> None:
    """So many runs; says what came about in them."""
    asked = os.environ.get("WAYMARK_MODEL_RUNS")
    told: Counter[str] = Counter()
    began = time.monotonic()
    run_state_machine_as_test(
        lambda: Machine(make_url, told),
        settings=settings(
            max_examples=int(asked or runs),
            stateful_step_count=STEPS,
            # The same runs each time, but for who asks for more.
            derandomize=asked is None,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"\n{told['runs']} runs, {told['steps']} steps, {seconds:.0f} s\n{dict(sorted(told.items()))}\n"
    )
    assert [each for each in MUST_COME_ABOUT if not told[each]] == []


def test_every_promise_holds_whatever_happens_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    numbers = itertools.count(1)

    def make_url() -> str:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return copy_sqlite(sqlite_template, folder / "waymark.db")

    play(make_url, RUNS)


def test_every_promise_holds_whatever_happens_on_postgresql(postgresql_url: str) -> None:
    def make_url() -> str:
        engine = create_engine(postgresql_url)
        empty(engine)
        engine.dispose()
        return postgresql_url

    play(make_url, RUNS_ON_POSTGRESQL)
