"""The command line of a program that is shut in before it begins, and what of it holds on this machine."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from casework.model.errors import SettingsInvalid
from launcher.fence.rules import AS_FAR_AS_IT_GOES, OFF, REQUIRED, Rules, make_rules, write_rules

ROOT = Path(__file__).resolve().parents[2]
# Isolated, with no site-packages: nothing but this package and the standard library is in this process.
BEGIN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from launcher.fence.begin import main; main(sys.argv[1:])"
LOOK_SECONDS = 20.0
WANTED = (AS_FAR_AS_IT_GOES, REQUIRED, OFF)


def find_containment() -> str:
    """Which of them is wanted. Raises SettingsInvalid."""
    wanted = os.environ.get("WAYMARK_CONTAINMENT", "").strip() or AS_FAR_AS_IT_GOES
    if wanted not in WANTED:
        raise SettingsInvalid(f"WAYMARK_CONTAINMENT is {wanted!r}; it is one of: {', '.join(WANTED)}.")
    return wanted


def fenced(rules: Rules, command: Sequence[str]) -> tuple[str, ...]:
    """The process keeps its id from beginning to end."""
    return (sys.executable, "-I", "-S", "-B", "-c", BEGIN, str(ROOT), write_rules(rules), *command)


def find_what_holds() -> dict[str, bool]:
    """Tried with a program that does nothing. Raises OSError where not even that could be started."""
    with tempfile.TemporaryDirectory() as folder:
        rules = make_rules(Path(sys.executable), folder=Path(folder) / "own", reads=(), code={}, port=0)
        tried = subprocess.run(
            fenced(rules, [sys.executable, "-I", "-S", "-c", ""]),
            env={},
            capture_output=True,
            text=True,
            timeout=LOOK_SECONDS,
            check=False,
        )
    if tried.returncode != 0:
        raise OSError(f"nothing could be started inside the fence: {tried.stderr.strip()[-300:]}")
    found = json.loads(tried.stderr.splitlines()[0])
    return {name: does for name, does in found.items() if isinstance(does, bool)}
