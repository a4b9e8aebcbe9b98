"""Making the two Python environments from their lock files. Standard library only: nothing is installed yet."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

UV_VERSION = "0.13.9"
# Commands that never need Rasa start without its environment.
WITHOUT_BOT = frozenset(
    {
        "screen",
        "queue",
        "staff",
        "cases",
        "db",
        "doctor",
        "supply",
        "safeguards",
        "data-map",
        "help",
        "--help",
        "-h",
    }
)

NO_PYTHON_310 = """no Python 3.10 was found, and Rasa 3.6.21 runs on no later one.
Do one of these, then run the same command again:
  - uv python install 3.10          (downloads one; needs a network)
  - pyenv install 3.10
  - install it with your package manager (python3.10 and python3.10-venv)
  - set WAYMARK_PYTHON310=/path/to/python3.10"""


class SetupFailed(Exception):
    """What could not be set up, and the remedy."""


@dataclass(frozen=True)
class Environment:
    """One uv project: where it lives, which Python it wants and what it is for."""

    folder: Path
    python: str
    what: str
    usual_minutes: str

    @property
    def lock(self) -> Path:
        return self.folder / "requirements.lock"

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    @property
    def executable(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.venv / "waymark.stamp"

    def fingerprint(self) -> str:
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()

    def is_current(self) -> bool:
        return (
            self.executable.exists()
            and self.stamp.exists()
            and self.stamp.read_text().strip() == self.fingerprint()
        )


def service_environment(root: Path) -> Environment:
    return Environment(
        root, os.environ.get("WAYMARK_PYTHON", sys.executable), "the service", "under 1 minute"
    )


def bot_environment(root: Path) -> Environment:
    return Environment(
        root / "bot", os.environ.get("WAYMARK_PYTHON310", "3.10"), "the assistant (Rasa)", "1 to 3 minutes"
    )


def prepare(root: Path, arguments: list[str]) -> Path:
    """Makes what is missing or out of date; gives the service's Python. Seconds when nothing changed."""
    wanted = [service_environment(root)]
    if arguments and arguments[0] not in WITHOUT_BOT:
        wanted.append(bot_environment(root))
    missing = [environment for environment in wanted if not environment.is_current()]
    if missing:
        _install(root, missing)
    return wanted[0].executable


def _install(root: Path, missing: list[Environment]) -> None:
    _say("Setting up. This happens once; later starts take seconds.")
    uv = find_uv(root) or _install_uv(root)
    for number, environment in enumerate(missing, start=1):
        count = _count_packages(environment.lock)
        _say(
            f"[{number}/{len(missing)}] Installing {count} packages for {environment.what}, "
            f"usually {environment.usual_minutes}"
        )
        started = time.monotonic()
        _make_venv(uv, root, environment)
        # Hashes in the lock turn the check on. Compiled here, or the first start would pay for it.
        options = ("--require-hashes", "--compile-bytecode", "--python", str(environment.executable))
        _run_uv(uv, root, "pip", "sync", *options, str(environment.lock))
        environment.stamp.write_text(environment.fingerprint())
        _say(f"      done in {time.monotonic() - started:.0f} s")


def find_uv(root: Path) -> Path | None:
    """uv on the path, or the one this launcher installed before."""
    own = root / ".tools" / "bin" / "uv"
    if own.exists():
        return own
    found = shutil.which("uv")
    return Path(found) if found and _answers(found) else None


def _answers(uv: str) -> bool:
    # A pyenv shim exists on the path even where its Python has no uv.
    return subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0


def _install_uv(root: Path) -> Path:
    _say(f"      installing uv {UV_VERSION} into .tools/")
    tools = root / ".tools"
    _run(
        [sys.executable, "-m", "venv", str(tools)],
        "could not make a virtual environment (python3-venv missing?)",
    )
    _run(
        [str(tools / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}"],
        "could not install uv. Is there a network? Otherwise install uv yourself and try again",
    )
    return tools / "bin" / "uv"


def _make_venv(uv: Path, root: Path, environment: Environment) -> None:
    command = [
        str(uv),
        "venv",
        "--quiet",
        "--allow-existing",
        "--python",
        environment.python,
        str(environment.venv),
    ]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return
    if environment.folder.name == "bot":
        raise SetupFailed(NO_PYTHON_310 + "\n\nuv said: " + result.stderr.strip())
    raise SetupFailed(f"uv could not make {environment.venv}: {result.stderr.strip()}")


def _run_uv(uv: Path, root: Path, *arguments: str) -> None:
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    _run(
        [str(uv), *arguments, *quiet],
        "the packages could not be installed; the lines above say which. "
        "Nothing is half-installed: run the same command again once the network or disk is well",
        cwd=root,
    )


def _run(command: list[str], remedy: str, cwd: Path | None = None) -> None:
    if subprocess.run(command, cwd=cwd, check=False).returncode != 0:
        raise SetupFailed(remedy)


def _count_packages(lock: Path) -> int:
    return sum(
        1 for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
