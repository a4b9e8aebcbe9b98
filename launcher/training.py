"""Training a model when its inputs changed, and knowing which one is current."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from casework.model.errors import WaymarkError
from casework.model.model_papers import BirthCertificate, birth_to_json
from launcher import model_files

# Everything a model is made of: change a byte of it and the model is another one.
INPUTS = (
    *("config.yml", "data/nlu", "data/rules", "data/stories", "data/corpus", "data/workbench/nlu", "bot"),
    "casework/model/disclosure_rules/text_speak.toml",
    "casework/model/spelling_slips.py",
)
# What Rasa reads itself; data/corpus comes in through bot/corpus_importer.py.
DATA = ("data/nlu", "data/rules", "data/stories", "data/workbench/nlu")
NOT_INPUTS = frozenset({".venv", "__pycache__", "uv.lock", ".python-version", "credentials.yml", "README.md"})
TICK_SECONDS = 1.0
TOLD_EACH_SECONDS = 10
# The inputs by who changes them: trainers the first, developers the others. What none of these names is code.
TAUGHT = "taught"
PARTS = {
    TAUGHT: ("data/workbench/",),
    "data": ("data/",),
    "config": ("config.yml",),
    "domain": ("bot/domain/",),
}
CODE = "code"


class TrainingFailed(WaymarkError):
    """Rasa refused the data or the configuration; its own words are in the log named."""


class ModelAltered(WaymarkError):
    """The model file is not the one its birth certificate describes."""


@dataclass(frozen=True)
class Model:
    path: Path
    fingerprint: str
    sha256: str


def fingerprint(root: Path) -> str:
    """SHA-256 over the names and contents of all inputs, in a fixed order."""
    return _hash_files(root, sorted(_input_files(root)))


def parts(root: Path) -> dict[str, str]:
    """The same for each kind of input by itself: `taught`, `data`, `config`, `domain` and `code`."""
    kinds: dict[str, list[Path]] = {name: [] for name in (*PARTS, CODE)}
    for path in sorted(_input_files(root)):
        kinds[_part_of(path.relative_to(root).as_posix())].append(path)
    return {name: _hash_files(root, paths) for name, paths in kinds.items()}


def _part_of(name: str) -> str:
    return next((part for part, starts in PARTS.items() if name.startswith(starts)), CODE)


def _hash_files(root: Path, paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root)}\0{content}\n".encode())
    return digest.hexdigest()


def _input_files(root: Path) -> list[Path]:
    files: list[Path] = []
    for name in INPUTS:
        start = root / name
        files += [start] if start.is_file() else _files_below(start)
    return files


def _files_below(start: Path) -> Iterator[Path]:
    """All but what is no input: the assistant's packages are some ten thousand files, and are not looked at."""
    for folder, folders, names in os.walk(start):
        folders[:] = [each for each in folders if each not in NOT_INPUTS]
        yield from (
            path for name in names if name not in NOT_INPUTS and (path := Path(folder, name)).is_file()
        )


def find_current_model(root: Path) -> Model | None:
    """The model of the present inputs, if it was trained; raises ModelAltered if its bytes changed since."""
    print_of_inputs = fingerprint(root)
    path = model_path(root, print_of_inputs)
    certificate = model_files.certificate_path(path)
    if not path.exists() or not certificate.exists():
        return None
    born = json.loads(certificate.read_text())
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if born["sha256"] != sha256:
        raise ModelAltered(f"{path.name} is not the file that was trained. Delete it and run ./waymark train")
    return Model(path, print_of_inputs, sha256)


def model_path(root: Path, print_of_inputs: str) -> Path:
    return root / "models" / f"waymark-{print_of_inputs[:12]}.tar.gz"


def show_life(seconds: float) -> None:
    if int(seconds) % TOLD_EACH_SECONDS == 0:
        print(f"      training, {seconds:.0f} s", file=sys.stderr, flush=True)


def train(
    root: Path,
    *,
    log_path: Path,
    data_version: int | None = None,
    cache: Path | None = None,
    look: Callable[[float], None] = show_life,
) -> Model:
    """Trains now, showing that it lives; raises TrainingFailed with the place of the log.

    `data_version`: which writing of the trainers' rows stands in the tree. `cache`: where Rasa keeps what it has
    done before, of nobody else's; None: in the tree. `look`: called each second with how many have passed; what it
    raises ends the training.
    """
    print_of_inputs, made_of = fingerprint(root), parts(root)
    path = model_path(root, print_of_inputs)
    started = time.monotonic()
    environ = rasa_environ() if cache is None else rasa_environ(RASA_CACHE_DIRECTORY=str(cache))
    _run_training(root, path.name.removesuffix(".tar.gz"), log_path, environ, look)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    birth = BirthCertificate(
        model_id=model_files.read_model_id(path),
        fingerprint=print_of_inputs,
        sha256=sha256,
        parts=made_of,
        data_version=data_version,
        packages=model_files.hash_packages(root),
        seed=model_files.SEED,
        rasa="3.6.21",
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - started, 1),
    )
    model_files.certificate_path(path).write_text(json.dumps(birth_to_json(birth), indent=1) + "\n")
    return Model(path, print_of_inputs, sha256)


def _run_training(
    root: Path, name: str, log_path: Path, environ: Mapping[str, str], look: Callable[[float], None]
) -> None:
    log_path.parent.mkdir(parents=True, exist_ok=True)
    command = [
        str(root / "bot" / ".venv" / "bin" / "python"),
        *("-m", "rasa", "train", "--config", "config.yml", "--domain", "bot/domain"),
        *("--data", *DATA),
        *("--out", "models", "--fixed-model-name", name),
    ]
    with log_path.open("ab") as log, _stopped_with_us() as stopped_with_us:
        process = subprocess.Popen(command, cwd=root, env=environ, stdout=log, stderr=log)
        stopped_with_us(process)
        code = _wait(process, look)
    if code != 0:
        last = log_path.read_text(errors="replace").splitlines()[-5:]
        raise TrainingFailed("Rasa could not train. The end of " + f"{log_path}:\n  " + "\n  ".join(last))


def _wait(process: subprocess.Popen[bytes], look: Callable[[float], None]) -> int:
    started = time.monotonic()
    try:
        while True:
            try:
                return process.wait(timeout=TICK_SECONDS)
            except subprocess.TimeoutExpired:
                look(time.monotonic() - started)
    finally:
        # Whatever `look` raised: nobody waits for it any more.
        process.kill()
        process.wait()


@contextmanager
def _stopped_with_us() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Ctrl-C and SIGTERM stop what is given here, then this process: alone it would train for minutes, for nobody.

    A handler that raised could do so between the start of the other process and anybody knowing of it.
    """
    asked: list[int] = []
    started: list[subprocess.Popen[bytes]] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        for process in started:
            process.kill()

    def note(process: subprocess.Popen[bytes]) -> None:
        started.append(process)
        if asked:
            process.kill()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield note
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if asked:
            raise SystemExit(128 + asked[0])


def rasa_environ(**more: str) -> dict[str, str]:
    """What Rasa may see of the environment: no secret, no database, no provider (architecture §2)."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "PYTHONPATH": os.environ.get("WAYMARK_ROOT", "."),
        "RASA_TELEMETRY_ENABLED": "false",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONWARNINGS": "ignore",
        **more,
    }
