"""The table of a run and its JSON."""

import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from launcher.soak.checker import Finding
from launcher.soak.nemesis import Done
from launcher.soak.schedule import Fault

WIDTH = 40
SHOWN = 12  # ids of each kind in the table; the JSON has all
PACKAGES = ("aiohttp", "SQLAlchemy", "psycopg", "twilio")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to. `notes`: what a reader must know besides, as name and value."""

    findings: Sequence[Finding]
    planned: Sequence[Fault]
    done: Sequence[Done]
    notes: Mapping[str, Any]

    @property
    def is_well(self) -> bool:
        return not any(each.wrong for each in self.findings)


def render(outcome: Outcome) -> list[str]:
    lines = [f"{name:{WIDTH}}{value}" for name, value in outcome.notes.items()]
    kinds = Counter(each.fault.kind.value for each in outcome.done)
    lines.append(f"{'faults':{WIDTH}}{len(outcome.done)} of {len(outcome.planned)} planned")
    lines += [f"  {kind:{WIDTH - 2}}{count}" for kind, count in sorted(kinds.items())]
    lines.append("")
    lines.append(f"{'':{WIDTH}}{'found':>6} {'of':>8}   below (95 %)")
    for each in outcome.findings:
        most = "-" if each.most is None else f"{each.most:.2g}"
        lines.append(f"{each.name:{WIDTH}}{len(each.wrong):6} {each.of:8}   {most}")
        if each.wrong:
            lines.append(f"  {', '.join(each.wrong[:SHOWN])}")
    return lines


def describe_run(root: Path, **more: Any) -> dict[str, Any]:
    """Where and of what: commit, versions, machine; and whatever the run says of itself."""
    return {
        "commit": _find_commit(root),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "load": os.getloadavg()[0],
            "command": sys.argv[1:],
        },
        **more,
    }


def write_report(path: Path, outcome: Outcome, run: Mapping[str, Any]) -> None:
    content = {
        **run,
        "is_well": outcome.is_well,
        "notes": outcome.notes,
        "findings": [
            asdict(each) | {"found": len(each.wrong), "most": each.most} for each in outcome.findings
        ],
        "planned": [asdict(each) for each in outcome.planned],
        "done": [
            {"number": each.fault.number, "began": round(each.began, 2), "ended": round(each.ended, 2)}
            for each in outcome.done
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


def _find_commit(root: Path) -> str:
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=False
    )
    return (found.stdout.strip() or "unknown") + (" with changes" if changed.stdout.strip() else "")
