"""The steps of `./waymark test`: what runs in which."""

from itertools import combinations

import pytest
from _pytest.mark.expression import Expression

from launcher.checks import ALONE, FAULTS, list_steps
from tests.support.running import ROOT

MARKS = ("browser", "journey", "rasa", "slow")


def test_every_file_of_faults_runs_in_one_step() -> None:
    """Red when one of them is in neither step, or in both, or runs among the other slow tests again."""
    steps = list_steps(ROOT, unit_only=False, pytest_arguments=())
    files = sorted(f"{FAULTS}/{file.name}" for file in (ROOT / FAULTS).glob("test_*.py"))
    run = [
        word
        for step in ("fault tests", "fault tests one by one")
        for word in steps[step]
        if word.startswith(FAULTS)
    ]

    assert sorted(run) == files
    assert {f"{FAULTS}/{name}" for name in ALONE} <= set(steps["fault tests one by one"])
    assert f"--ignore={FAULTS}" in steps["slow tests"]


def test_the_assistant_is_trained_before_the_first_test_that_starts_it() -> None:
    """Red when a bare machine trains within the wait of whatever test asks for the service first."""
    steps = list(list_steps(ROOT, unit_only=False, pytest_arguments=()))

    assert all(
        steps.index("training") < steps.index(name)
        for name in ("fault tests", "browser tests", "fault tests one by one", "slow tests")
    )


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
    assert not {"training", "fault tests", "browser tests", "slow tests"} & set(
        list_steps(ROOT, unit_only=True, pytest_arguments=())
    )
