"""A short soak: every kind of fault once while people write, and nothing lost, doubled, out of order or untold.

Some 80 seconds. The long ones are `./waymark soak` (docs/soak.md).
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from launcher.soak.schedule import Kind
from tests.support.running import ROOT, clean_environ

pytestmark = pytest.mark.journey

MESSAGES, FAULTS = 160, len(Kind)


@pytest.fixture
def place() -> Iterator[Path]:
    """Outside pytest's own folder, which every pytest that starts closes to the database's user."""
    with TemporaryDirectory(prefix="waymark-soak-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.timeout(900)
def test_a_short_soak_finds_nothing_and_leaves_nothing_behind(place: Path) -> None:
    """Red when the inbox is not unique, a lost outcome is sent again unseen, or a 503 is told as accepted."""
    report = place / "soak.json"
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "launcher", "soak", "--stand-in", "--data-dir", str(place)),
            *("--messages", str(MESSAGES), "--faults", str(FAULTS), "--people", "60", "--seed", "4"),
        ],
        cwd=ROOT,
        env=clean_environ(WAYMARK_ROOT=str(ROOT), PYTHONPATH=str(ROOT), TMPDIR=str(place)),
        capture_output=True,
        text=True,
        check=False,
    )
    said: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}

    assert ran.returncode == 0, ran.stdout + ran.stderr[-4000:]
    assert {each["name"]: each["wrong"] for each in said["findings"] if each["wrong"]} == {}
    assert {each["kind"] for each in said["planned"]} == set(Kind)
    assert len(said["done"]) == FAULTS
    # While the provider itself is away nobody can write.
    assert said["notes"]["texts written"] > MESSAGES / 2
    assert all(each["of"] for each in said["findings"])
    assert list(place.glob("waymark-soak-*")) == []
    assert [each for each in _list_commands() if str(place) in each] == []


def _list_commands() -> list[str]:
    """The command line and the surroundings of everything that runs on this machine."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += [
                (process / name).read_bytes().decode(errors="replace") for name in ("cmdline", "environ")
            ]
        except OSError:
            continue
    return found
