"""`./waymark test`: every check, cheapest first."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# Everything else runs beside another test; these want the machine, or a process of it, to themselves.
ALONE_MARKS = "slow or rasa or journey"
BROWSER_MARKS = f"browser and not ({ALONE_MARKS})"
SLOW_MARKS = f"{ALONE_MARKS} or browser"
WORKERS = "2"
FAULTS = "tests/faults"
FAULT_WORKERS = "2"
# A file at a time each: what its tests share is started once.
SLOW_TOGETHER = ("-n", WORKERS, "--dist", "loadfile")
# They start a whole service each, and leave no room for another.
ALONE = ("test_rasa_killed.py", "test_gateway_down.py", "test_soak.py")


def run_checks(root: Path, *, unit_only: bool, pytest_arguments: Sequence[str]) -> int:
    """0 when all passed. Every check runs, so one run tells everything."""
    steps = list_steps(root, unit_only=unit_only, pytest_arguments=pytest_arguments)
    results = {name: _run(root, name, command) for name, command in steps.items()}
    failed = [name for name, code in results.items() if code != 0]
    print("All checks passed." if not failed else f"Failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def list_steps(root: Path, *, unit_only: bool, pytest_arguments: Sequence[str]) -> dict[str, list[str]]:
    """The command of each check by its name, in the order they run."""
    python = sys.executable
    pytest = [python, "-m", "pytest"]
    if pytest_arguments:
        return {"tests": [*pytest, *pytest_arguments]}
    steps = {
        "format": [python, "-m", "ruff", "format", "--check", "--quiet", "."],
        "lint": [python, "-m", "ruff", "check", "--quiet", "."],
        "types": [python, "-m", "mypy"],
        "imports": [str(Path(python).parent / "lint-imports"), "--no-logo"],
        "supply chain": [python, "-m", "launcher", "supply", "check"],
        "unit tests": [*pytest, "-n", WORKERS, "-m", f"not ({SLOW_MARKS})"],
    }
    if unit_only:
        # Under a minute: the same storage tests on PostgreSQL are left to the whole run.
        steps["unit tests"] += ["-k", "not postgresql"]
        return steps
    # Minutes of work the rest shares: a test that starts the service waits for its start, not for this.
    steps["training"] = [python, "-m", "launcher", "train"]
    # One list for both, so that no file falls between them.
    together = sorted(
        f"{FAULTS}/{file.name}" for file in (root / FAULTS).glob("test_*.py") if file.name not in ALONE
    )
    steps["fault tests"] = [*pytest, "-n", FAULT_WORKERS, "-m", SLOW_MARKS, *together]
    steps["browser tests"] = [*pytest, "-n", WORKERS, "-m", BROWSER_MARKS]
    alone = [f"{FAULTS}/{name}" for name in ALONE]
    steps["fault tests one by one"] = [*pytest, "-m", SLOW_MARKS, *alone]
    left_out = f"--ignore={FAULTS}"
    steps["slow tests"] = [*pytest, *SLOW_TOGETHER, "-m", ALONE_MARKS, left_out]
    return steps


def _run(root: Path, name: str, command: list[str]) -> int:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    environ = os.environ | {"OMP_NUM_THREADS": "1", "WAYMARK_ROOT": str(root)}
    code = subprocess.run(command, cwd=root, env=environ, check=False).returncode
    print(f"   {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    return code
