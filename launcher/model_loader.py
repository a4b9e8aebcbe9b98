"""The one way from a model file to a running Rasa: checked, copied where nobody else writes, and asked who it is.

`rasa run --model PATH` takes the newest file of `models/` where PATH is gone. So Rasa is given a private copy, and is
started in the folder of the copies, which has no `models/`.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from joserfc.jwk import OKPKey

from casework.adapters.model_signing import PaperNotOurs, read_signed
from casework.model.errors import WaymarkError
from casework.model.model_papers import (
    MODEL_ID,
    BirthCertificate,
    Paper,
    PaperKind,
    PaperOutOfDate,
    PaperUnreadable,
    read_paper,
)
from casework.model.release_gates import GateLimits, judge
from launcher.fence.command import fenced, find_containment
from launcher.fence.rules import make_rules
from launcher.model_files import ModelUnreadable, read_model_id
from launcher.processes import end_process, find_free_port, prepare_child

READY_SECONDS = 180.0
PROBE_SECONDS = 2.0
READ_BYTES = 1024 * 1024
READY_PATH = "/webhooks/turn/ready"
BIRTH = "birth"
"""The kind of a model that was checked against its birth certificate alone: it may be measured."""

# One of these is `ModelRefused.why`.
UNSIGNED, OTHER_KEY, ALTERED, ANOTHER_MODEL = "unsigned", "other_key", "altered", "another_model"
GATES_FAILED, ONE_PERSON, WITHDRAWN_PAPER = "gates_failed", "one_person", "withdrawn_paper"


class ModelRefused(WaymarkError):
    """The loader does not load it; `why` is a word for records, the message says it in full."""

    def __init__(self, why: str, name: str) -> None:
        super().__init__(f"{name} is not loaded: {_SAYS[why]}.")
        self.why = why


_SAYS = {
    UNSIGNED: "it has no paper that was signed",
    OTHER_KEY: "its paper was signed elsewhere, with another key",
    ALTERED: "the file or its paper was changed after it was signed",
    ANOTHER_MODEL: "the paper is another model's",
    GATES_FAILED: "its own numbers do not pass the gates",
    ONE_PERSON: "two different people have not let it answer",
    WITHDRAWN_PAPER: "its paper was withdrawn, or is of another edition",
}


@dataclass(frozen=True, kw_only=True)
class CheckedModel:
    """Made by check_model and check_birth alone; `copy` is what they looked at, in a folder of our own."""

    model_id: str
    copy: Path
    kind: str


def check_model(
    path: Path,
    jws: str,
    *,
    wanted: str,
    public_key: OKPKey,
    limits: GateLimits,
    run_dir: Path,
    withdrawn: Collection[str] = (),
    is_trial: bool = False,
) -> CheckedModel:
    """The model `wanted`, if its signed paper, its bytes and its numbers all allow it to answer victims.

    `withdrawn`: ids of models that were rolled back. `is_trial`: for guests, who are no victims: a candidate
    will do. Raises ModelRefused.
    """
    paper = _read_paper(jws, path.name, public_key)
    birth = paper.birth
    if birth.model_id != wanted:
        raise ModelRefused(ANOTHER_MODEL, path.name)
    if wanted in withdrawn:
        raise ModelRefused(WITHDRAWN_PAPER, path.name)
    _check_kind(paper, path.name, limits, is_trial=is_trial)
    return _copy(path, birth, paper.kind, run_dir)


def check_birth(path: Path, birth: BirthCertificate, *, run_dir: Path) -> CheckedModel:
    """The model of a birth certificate, to measure it: no paper is asked for, so it must never answer victims.

    Raises ModelRefused.
    """
    return _copy(path, birth, BIRTH, run_dir)


def _read_paper(jws: str, name: str, public_key: OKPKey) -> Paper:
    try:
        return read_paper(read_signed(jws.strip(), public_key))
    except PaperNotOurs as fault:
        raise ModelRefused(fault.why, name) from fault
    except PaperOutOfDate as fault:
        raise ModelRefused(WITHDRAWN_PAPER, name) from fault
    except PaperUnreadable as fault:
        raise ModelRefused(UNSIGNED, name) from fault


def _check_kind(paper: Paper, name: str, limits: GateLimits, *, is_trial: bool) -> None:
    kind, report = PaperKind(paper.kind), paper.report
    if kind is PaperKind.CANDIDATE and not is_trial:
        raise ModelRefused(ONE_PERSON, name)
    if kind is PaperKind.PROMOTION and not paper.is_of_two:
        raise ModelRefused(ONE_PERSON, name)
    if report is None:
        # Only where nobody could have measured: a first model, and a developer's change.
        if kind not in (PaperKind.FOUNDING, PaperKind.UPGRADE):
            raise ModelRefused(GATES_FAILED, name)
        return
    if report.model_id != paper.birth.model_id:
        raise ModelRefused(ANOTHER_MODEL, name)
    if kind is not PaperKind.FOUNDING and not judge(report, limits).passed:
        raise ModelRefused(GATES_FAILED, name)


def _copy(path: Path, birth: BirthCertificate, kind: str, run_dir: Path) -> CheckedModel:
    """Copies while hashing: what was checked and what is run are the same bytes, whatever becomes of `path`."""
    if not MODEL_ID.fullmatch(birth.model_id):
        raise ModelRefused(ANOTHER_MODEL, path.name)
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Rasa takes nothing that does not end so.
    new = run_dir / f".{birth.model_id}.{os.getpid()}.tar.gz"
    new.unlink(missing_ok=True)
    try:
        if _copy_hashing(path, new) != birth.sha256:
            raise ModelRefused(ALTERED, path.name)
        if read_model_id(new) != birth.model_id:
            raise ModelRefused(ANOTHER_MODEL, path.name)
        copy = run_dir / f"{birth.model_id}.tar.gz"
        new.replace(copy)
    except (ModelUnreadable, OSError) as fault:
        raise ModelRefused(ALTERED, path.name) from fault
    finally:
        new.unlink(missing_ok=True)
    return CheckedModel(model_id=birth.model_id, copy=copy.absolute(), kind=kind)


def _copy_hashing(path: Path, new: Path) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with path.open("rb") as given, os.fdopen(descriptor, "wb") as kept:
        while chunk := given.read(READ_BYTES):
            digest.update(chunk)
            kept.write(chunk)
    return digest.hexdigest()


def rasa_command(root: Path, checked: CheckedModel, *, port: int) -> tuple[str, ...]:
    """`rasa run` of a checked copy, shut in: docs/containment.md. To be started in the folder of the copy."""
    root = root.absolute()
    python, credentials, endpoints = (
        root / "bot" / ".venv" / "bin" / "python",
        root / "bot" / "credentials.yml",
        root / "endpoints.yml",
    )
    rules = make_rules(
        python,
        folder=work_folder(checked, port),
        reads=(checked.copy, endpoints),
        code={
            "bot": root / "bot",
            "casework": root / "casework",
            "tensorflow": root / "launcher" / "light" / "tensorflow",
        },
        port=port,
        wanted=find_containment(),
    )
    command = (
        str(python),
        *("-m", "rasa", "run", "--model", str(checked.copy), "--interface", "127.0.0.1"),
        *("--port", str(port), "--credentials", str(credentials), "--endpoints", str(endpoints)),
    )
    return fenced(rules, command)


def work_folder(checked: CheckedModel, port: int) -> Path:
    """The only place a Rasa of that copy on that port may write to; it is made when Rasa starts.

    Two of one copy at once have one each: whoever starts empties it.
    """
    return checked.copy.with_name(f"{checked.copy.name}.{port}.work")


def remove_copy(checked: CheckedModel) -> None:
    """And what its Rasa left, which must not run any more."""
    checked.copy.unlink(missing_ok=True)
    for folder in checked.copy.parent.glob(f"{checked.copy.name}.*.work"):
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running_checked(
    root: Path, checked: CheckedModel, *, environ: Mapping[str, str], log: Path, niceness: int = 0
) -> AsyncIterator[str]:
    """Its address, once it says that it is the model that was checked; ended on the way out.

    `environ`: `training.rasa_environ` with a turn secret of its own and the address of the actions. Raises
    ModelRefused where another model answers, ModelNotRunning where none does.
    """
    port = find_free_port()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = await asyncio.create_subprocess_exec(
            *rasa_command(root, checked, port=port),
            cwd=checked.copy.parent,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            preexec_fn=partial(prepare_child, niceness),
        )
    finally:
        os.close(descriptor)
    address = f"http://127.0.0.1:{port}"
    try:
        await _wait_ready(address, checked, process, log)
        yield address
    finally:
        await end_process(process)
        shutil.rmtree(work_folder(checked, port), ignore_errors=True)


class ModelNotRunning(WaymarkError):
    """Rasa stopped, or was not ready in time; the end of its log is in the message."""


async def _wait_ready(
    address: str, checked: CheckedModel, process: asyncio.subprocess.Process, log: Path
) -> None:
    deadline = time.monotonic() + READY_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS)) as session:
        while process.returncode is None and time.monotonic() < deadline:
            found = await ask_model(session, address)
            if found == checked.model_id:
                return
            if found is not None:
                raise ModelRefused(ANOTHER_MODEL, checked.copy.name)
            await asyncio.sleep(0.2)
    raise ModelNotRunning(f"Rasa was not ready. The end of its log:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-8:])


async def ask_model(session: aiohttp.ClientSession, address: str) -> str | None:
    """The id of the model that is ready there; None where none is, or where it does not say."""
    try:
        async with session.get(f"{address}{READY_PATH}") as response:
            if response.status != 200:
                return None
            found = (await response.json(content_type=None)).get("model")
    except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def remove_copies(run_dir: Path) -> None:
    """At the end, and at a start after one that was cut off: each is as large as a model."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(run_dir)
