"""A candidate, from the trainers' rows to its signature: written, checked, trained, measured, judged and signed.

Each step tells how far it is and looks whether it should stop. Nothing here goes live: two people decide that.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from casework.adapters.model_signing import keep_paper, load_signing_key, now_text, sign_paper
from casework.adapters.service import Service
from casework.model.errors import WaymarkError
from casework.model.model_evaluations import ModelEvaluation
from casework.model.model_papers import BirthCertificate
from casework.model.release_gates import GateLimits, GateReport, Verdict, judge, load_gate_limits
from casework.services import evaluations, model_releases
from casework.services.ports import Transaction
from launcher import model_files, training
from launcher.candidate_readings import read_more
from launcher.compare import check_model_of, find_model
from launcher.evaluate_gates import keep_answers, make_inputs
from launcher.evaluation.details import describe
from launcher.gates_run import Measurement, measure_gates
from launcher.model_loader import CheckedModel
from launcher.workbench_data import DataWritten, write_data

Tell = Callable[[str, int, int], None]
# A candidate trains in about this long on two cores; a guess for the bar, nothing is judged by it.
USUAL_SECONDS = 400


class DataUnfit(WaymarkError):
    """Something in the trainers' files must not be trained on; nothing was trained."""


class DataInvalid(WaymarkError):
    """Rasa refuses the data as it stands; the training was ended."""


class Stopped(WaymarkError):
    """Somebody asked for it."""


@dataclass(frozen=True, kw_only=True)
class JobWork:
    """`root`: the tree to write into and train from. `tell`: what is done, how much, of how much. `by`: for whom."""

    root: Path
    data_dir: Path
    service: Service
    tell: Tell
    is_stopped: Callable[[], bool]
    by: str = model_releases.LAUNCHER


def train_candidate(work: JobWork) -> BirthCertificate:
    """The model of everything that was accepted, recorded; trained now unless these very inputs were trained before.

    Raises DataUnfit, DataInvalid, TrainingFailed, SetAltered, Stopped.
    """
    work.tell("Writing the data", 0, 0)
    written = write_data(work.root, work.service, by=work.by)
    check_fit(written)
    _look(work)
    model = training.find_current_model(work.root)
    if model is None:
        model = _train(work, written)
    birth = model_files.read_birth(model.path)
    file = model.path.name
    work.service.database.write_now(
        lambda tx: model_releases.record_trained(tx, birth, file=file, by=work.by)
    )
    model_files.keep_taught(work.root, work.data_dir, birth.model_id)
    return birth


def check_fit(written: DataWritten) -> None:
    """Raises DataUnfit with how many faults there are and where the first stands."""
    if written.faults:
        raise DataUnfit(
            f"{len(written.faults)} faults in data/workbench/nlu, the first: {written.faults[0]}. "
            "./waymark workbench data --check lists them all"
        )


def _train(work: JobWork, written: DataWritten) -> training.Model:
    cache = model_files.models_dir(work.data_dir) / "cache"
    # Of its own: whoever may write to the tree's cache could put a trained part into a candidate.
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    cache.chmod(0o700)
    logs = work.data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    try:
        with Validating(work.root, logs / "validate.log") as validating:

            def look(seconds: float) -> None:
                work.tell("Training", min(int(seconds), USUAL_SECONDS), USUAL_SECONDS)
                _look(work)
                validating.check()

            return training.train(
                work.root,
                log_path=logs / "train.log",
                data_version=written.version,
                cache=cache,
                look=look,
            )
    except DataInvalid:
        # Trained sooner than refused: it must not be found as the model of these inputs.
        path = training.model_path(work.root, training.fingerprint(work.root))
        path.unlink(missing_ok=True)
        model_files.certificate_path(path).unlink(missing_ok=True)
        raise


class Validating:
    """`rasa data validate`, beside the training's first minute. Its log may hold words: it goes when all is well."""

    def __init__(self, root: Path, log_path: Path) -> None:
        self._root = root
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Validating":
        descriptor = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as log:
            self._process = subprocess.Popen(
                validate_command(self._root),
                cwd=self._root,
                env=training.rasa_environ(),
                stdout=log,
                stderr=log,
            )
        return self

    def check(self) -> None:
        """Raises DataInvalid once it has refused."""
        if self._process is not None and self._process.poll() not in (None, 0):
            raise DataInvalid(f"Rasa refuses the data. {self._log_path} says which line")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._process is None:
            return
        if kind is None:
            # The training may be done sooner, where most of it was done before.
            self._process.wait()
            self.check()
        self._process.kill()
        if self._process.wait() == 0:
            self._log_path.unlink(missing_ok=True)


def validate_command(root: Path) -> list[str]:
    return [
        str(root / "bot" / ".venv" / "bin" / "python"),
        *("-m", "rasa", "data", "validate", "--config", "config.yml", "--domain", "bot/domain"),
        *("--data", *training.DATA),
    ]


def judge_and_sign(work: JobWork, model_id: str) -> Verdict:
    """Measures the model against the live one, judges it by the gates, and signs its paper if it passed them all.

    Raises ModelNotFound, ModelRefused, GatesNotMeasured, Stopped.
    """
    _look(work)
    measurement, evaluation = _measure(work, model_id)
    return sign_if_passed(work, measurement, evaluation, limits=load_gate_limits())


def sign_if_passed(
    work: JobWork, measurement: Measurement, evaluation: ModelEvaluation, *, limits: GateLimits
) -> Verdict:
    """Keeps what was measured. The one place where a candidate's paper is made."""
    keep_answers(work.service.database, measurement, by=work.by)
    report, signed = measurement.report, None
    if judge(report, limits).passed:
        signed = _sign(work, report)
        keep_paper(work.data_dir, report.model_id, signed)

    def record(tx: Transaction) -> Verdict:
        evaluations.record_details(tx, evaluation, by=work.by)
        return model_releases.record_report(tx, report, limits=limits, paper=signed, by=work.by)

    return work.service.database.write_now(record)


def _measure(work: JobWork, model_id: str) -> tuple[Measurement, ModelEvaluation]:
    database, limits = work.service.database, work.service.bands.limits

    def tell(what: str, done: int, of: int) -> None:
        work.tell(what, done, of)
        _look(work)

    live_id = database.read_now(lambda tx: tx.model_releases.find_live())
    with tempfile.TemporaryDirectory(prefix="waymark-gates-") as folder:
        candidate = check_model_of(work.root, database, model_id, Path(folder))
        live: CheckedModel | None = None
        if live_id is not None and live_id != candidate.model_id:
            live = check_model_of(work.root, database, live_id, Path(folder))
        inputs = replace(make_inputs(work.root, work.service), tell=tell)
        measurement = measure_gates(inputs, candidate, live)
        report = measurement.report
        tell("Reading what was taught", 0, 0)
        extra = read_more(work.root, database, candidate, against=report.against, limits=limits)
        return measurement, describe(report, measurement.read, extra)


def _sign(work: JobWork, report: GateReport) -> str:
    _, birth = find_model(work.root, work.service.database, report.model_id)
    paper = model_releases.make_candidate_paper(birth, report, by=work.by, at=now_text())
    return sign_paper(paper, load_signing_key(work.data_dir))


def _look(work: JobWork) -> None:
    if work.is_stopped():
        raise Stopped("It was stopped.")
