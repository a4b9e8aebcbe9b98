import os
import subprocess
import sys

import pytest

from tests.casework.model.mutants import EQUIVALENT, ROOT, TESTS_OF, mutants_of

pytestmark = pytest.mark.slow


# The other modules' mutants take a quarter of an hour: run them by hand after changing one (see mutants.py).
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("module", ["may_tell", "standings"])
def test_at_least_95_of_100_small_breakages_are_noticed(module: str) -> None:
    # A process of its own: the mutants' forks must start without any module of ours.
    command = [sys.executable, "-m", "tests.casework.model.mutants", module]
    run = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True)

    print(run.stdout)  # noqa: T201
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_mutant_said_to_be_equivalent_is_still_made() -> None:
    made = {(mutant.module, mutant.change) for module in TESTS_OF for mutant in mutants_of(module)}

    assert set(EQUIVALENT) <= made
