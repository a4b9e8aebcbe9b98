"""What of Waymark a deployment file may name: modules, settings and the paths of probes."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from launcher.serve import PARTS

SETTING = re.compile(r"^\| (.*?) \|", re.MULTILINE)
NAME = re.compile(r"`([A-Z][A-Z0-9_]+)`")
# What Python, Rasa and the libraries read themselves.
OTHERS = frozenset(
    {
        *("PYTHONPATH", "HOME", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX", "RASA_TELEMETRY_ENABLED"),
        *("PROMETHEUS_MULTIPROC_DIR", "CREDENTIALS_DIRECTORY"),
    }
)
# Of each server, where its probes may ask (tests/deploy/test_deploy_files.py asks the routers themselves).
PROBES = {
    "gateway": ("/health/live", "/health/ready"),
    "desk": ("/health/live", "/health/ready"),
    "worker": ("/health/live", "/health/ready"),
    "actions": ("/health/live", "/health/ready"),
    "spool": ("/health/live",),
    "rasa": ("/webhooks/turn/ready",),
}


@cache
def list_settings(root: Path) -> frozenset[str]:
    """Every setting that docs/running.md has; a test holds that page against the code."""
    rows = SETTING.findall((root / "docs" / "running.md").read_text())
    return frozenset(name for row in rows for name in NAME.findall(row))


def is_known_variable(root: Path, name: str) -> bool:
    return name in OTHERS or name in list_settings(root)


def find_part(root: Path, arguments: Sequence[str]) -> str | None:
    """Which part of Waymark `python ARGUMENTS` is: a key of `PROBES`, or "migrate"; None: nothing of ours."""
    match list(arguments):
        case ["-m", "launcher.serve", part] if part in PARTS:
            return part
        case ["-m", "channels.worker"]:
            return "worker"
        case ["-m", "channels.spool"]:
            return "spool"
        case ["-m", "launcher", "db", "upgrade", *_]:
            return "migrate"
        case ["-m", "rasa", "run", *_]:
            return "rasa"
    return None
