"""The steps of `./waymark test`: what runs in which."""

from itertools import combinations

import pytest
from _pytest.mark.expression import Expression

from launcher.checks import ALONE, CORE, FAULTS, list_steps
from tests.support.running import ROOT

MARKS = ("browser", "journey", "rasa", "slow")


def test_every_file_of_faults_runs_in_one_step() -> None:
    """Red when the slow tests leave out a file the fault tests do not run, or run one again."""
    steps = list_steps(ROOT, unit_only=False, pytest_arguments=())
    files = {f"{FAULTS}/{file.name}" for file in (ROOT / FAULTS).glob("test_*.py")}
    together = {word for word in steps["fault tests"] if word.startswith(FAULTS)}
    left_out = {
        word.removeprefix("--ignore=") for word in steps["slow tests"] if word.startswith("--ignore=")
    }

    assert together == left_out - {CORE}
    assert files - together == {f"{FAULTS}/{name}" for name in ALONE}


def test_the_core_has_a_step_for_its_slow_tests() -> None:
    """Red when its slow tests run in no step, or in two."""
    steps = list_steps(ROOT, unit_only=False, pytest_arguments=())

    assert find_marks(steps["slow tests of the core"]) == find_marks(steps["slow tests"])
    assert steps["slow tests of the core"][-1] == CORE
    assert f"--ignore={CORE}" in steps["slow tests"]


def find_marks(command: list[str]) -> str:
    return command[command.index("-m", 3) + 1]


@pytest.mark.parametrize(
    "marks",
    [set(some) for size in range(5) for some in combinations(MARKS, size)],
    ids=lambda marks: " ".join(sorted(marks)) or "none",
)
def test_every_test_runs_in_exactly_one_step(marks: set[str]) -> None:
    """Red when a combination of marks falls between the steps, or into two."""
    steps = list_steps(ROOT, unit_only=False, pytest_arguments=())
    run_by = [
        name
        for name in ("unit tests", "browser tests", "slow tests")
        if Expression.compile(find_marks(steps[name])).evaluate(lambda mark, **_: mark in marks)
    ]

    assert len(run_by) == 1


def test_the_quick_run_has_neither_of_them() -> None:
    assert not {"fault tests", "browser tests", "slow tests"} & set(
        list_steps(ROOT, unit_only=True, pytest_arguments=())
    )
