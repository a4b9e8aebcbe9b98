"""`./waymark test`: every check, cheapest first."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# Everything else runs beside another test; these want the machine, or a process of it, to themselves.
SLOW_MARKS = "slow or rasa or browser or journey"
UNIT_WORKERS = "2"


def run_checks(root: Path, *, unit_only: bool, pytest_arguments: Sequence[str]) -> int:
    """0 when all passed. Every check runs, so one run tells everything."""
    python = sys.executable
    pytest = [python, "-m", "pytest"]
    if pytest_arguments:
        steps = {"tests": [*pytest, *pytest_arguments]}
    else:
        steps = {
            "format": [python, "-m", "ruff", "format", "--check", "--quiet", "."],
            "lint": [python, "-m", "ruff", "check", "--quiet", "."],
            "types": [python, "-m", "mypy"],
            "imports": [str(Path(python).parent / "lint-imports"), "--no-logo"],
            "unit tests": [*pytest, "-n", UNIT_WORKERS, "-m", f"not ({SLOW_MARKS})"],
            "slow tests": [*pytest, "-m", SLOW_MARKS],
        }
    if unit_only and not pytest_arguments:
        # Under a minute: the same storage tests on PostgreSQL are left to the whole run.
        steps["unit tests"] += ["-k", "not postgresql"]
        del steps["slow tests"]
    results = {name: _run(root, name, command) for name, command in steps.items()}
    failed = [name for name, code in results.items() if code != 0]
    print("All checks passed." if not failed else f"Failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def _run(root: Path, name: str, command: list[str]) -> int:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    environ = os.environ | {"OMP_NUM_THREADS": "1", "WAYMARK_ROOT": str(root)}
    code = subprocess.run(command, cwd=root, env=environ, check=False).returncode
    print(f"   {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    return code
