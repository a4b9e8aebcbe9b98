"""The last thing before Rasa: this process gives up everything it will not need and becomes it.

`launcher/fence/command.py: fenced` writes the command line. On standard error it says what holds, as one line of JSON.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from casework.adapters.own_process import prctl
from launcher.fence import calls, files, network
from launcher.fence.linux import PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, drop_capabilities
from launcher.fence.rules import OFF, REQUIRED, Rules, read_rules

ACTIONS = "WAYMARK_ACTIONS_URL"
# All that Rasa is told; whatever else this process was given ends with it.
TOLD = frozenset(
    {
        *("WAYMARK_TURN_SECRET", ACTIONS, "LANG", "PATH", "PYTHONWARNINGS", "RASA_TELEMETRY_ENABLED"),
        *("OMP_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL", "SQLALCHEMY_SILENCE_UBER_WARNING"),
    }
)
LAYERS = ("network", "privileges", "files", "calls")
LARGEST_FILE_BYTES = 2 * 1024**3
MOST_OPEN_FILES = 1024
FIRST_NOT_STANDARD = 3


def main(arguments: Sequence[str]) -> None:
    """Does not come back: it is the program then, or it has said why not."""
    rules, command = read_rules(arguments[0]), list(arguments[1:])
    environ = make_environ(rules)
    holds = dict.fromkeys(LAYERS, False) if rules.wanted == OFF else shut(rules)
    print(json.dumps({"event": "fenced", **holds}), file=sys.stderr, flush=True)
    if rules.wanted == REQUIRED and not all(holds.values()):
        missing = ", ".join(name for name, does in holds.items() if not does)
        sys.exit(f"Not started: WAYMARK_CONTAINMENT is required, and here these do not hold: {missing}.")
    os.execve(command[0], command, environ)


def make_environ(rules: Rules) -> dict[str, str]:
    """Makes the folder anew; what it may be told, with home, temporary files and code in that folder."""
    folder = Path(rules.folder)
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("home", "tmp", "code"):
        (folder / name).mkdir(parents=True, mode=0o700)
    for name, path in rules.code.items():
        (folder / "code" / name).symlink_to(path)
    places = {"HOME": "home", "TMPDIR": "tmp", "PYTHONPATH": "code"}
    told = {name: value for name, value in os.environ.items() if name in TOLD}
    return told | {name: str(folder / place) for name, place in places.items()}


def shut(rules: Rules) -> dict[str, bool]:
    """Which of the four hold; each works as far as it can without the others."""
    parent = os.getppid()
    may_call = _find_port(os.environ.get(ACTIONS, ""))
    os.closerange(FIRST_NOT_STANDARD, os.sysconf("SC_OPEN_MAX"))
    os.umask(0o077)
    with contextlib.suppress(PermissionError):  # it leads a session of its own already
        os.setsid()
    _limit()
    holds = dict.fromkeys(LAYERS, False)
    if network.can_separate():
        network.separate(rules.port, calls=may_call)
        holds["network"] = True
    with contextlib.suppress(OSError):
        drop_capabilities()
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        holds["privileges"] = True
    with contextlib.suppress(OSError):
        # Whoever changes what it may do is forgotten by it; asked for again, and looked whether it was too late.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("Nobody waits for it any more.")
    if holds["privileges"]:
        holds["files"] = files.shut_in(rules, calls=may_call) >= files.WITH_SIGNALS
        with contextlib.suppress(OSError):
            holds["calls"] = calls.shut_off()
    return holds


def _find_port(address: str) -> int | None:
    """Of the private listener; on this machine, or the network of its own would hide it."""
    if not address:
        return None
    parts = urlsplit(address)
    if parts.hostname != network.LOOPBACK or parts.port is None:
        sys.exit(f"{ACTIONS} is {parts.hostname}: here it must be http://{network.LOOPBACK}:port/...")
    return parts.port


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_FILE_BYTES),
        (resource.RLIMIT_NOFILE, MOST_OPEN_FILES),
    ):
        _, before = resource.getrlimit(what)
        least = most if before == resource.RLIM_INFINITY else min(most, before)
        resource.setrlimit(what, (least, least))
