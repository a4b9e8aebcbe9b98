"""From rows to a signed model, with a program that stands where Rasa would: refused early, stopped whole, signed once.

Red when, each tried once: `check_fit` is left out; `Validating.check` is; the training goes on after `look` raised;
`sign_if_passed` signs whatever was measured; the cache is the tree's.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.model_signing import load_public_key, read_signed
from casework.adapters.service import Service
from casework.model.model_papers import PaperKind, read_paper
from casework.services.model_ports import ModelVersion
from launcher import training
from launcher.candidates import DataInvalid, DataUnfit, JobWork, Stopped, sign_if_passed, train_candidate
from launcher.gates_run import Measurement
from launcher.model_files import taught_dir
from launcher.taught_texts import TAUGHT
from tests.launcher.test_workbench_data import SCOOTER, Bench, bench, root, service
from tests.support.evaluations import an_evaluation
from tests.support.models import LIMITS, a_report

__all__ = ["bench", "root", "service"]

# In place of Rasa's Python. `refuses` beside it: the data is refused; `waits`: the training never ends by itself.
STAND_IN = """#!{python}
import hashlib, io, json, os, sys, tarfile, time
from pathlib import Path

given, beside = sys.argv, Path(sys.argv[0]).parent
if "validate" in given:
    sys.exit(1 if (beside / "refuses").exists() else 0)
(beside / "trained.json").write_text(json.dumps({{"pid": os.getpid(), "environ": dict(os.environ)}}))
while (beside / "waits").exists():
    time.sleep(0.02)
out, name = given[given.index("--out") + 1], given[given.index("--fixed-model-name") + 1]
files = sorted(Path("data/workbench/nlu").glob("*.yml"))
model_id = hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()
metadata = json.dumps({{"model_id": model_id}}).encode()
with tarfile.open(Path(out) / f"{{name}}.tar.gz", "w:gz") as archive:
    member = tarfile.TarInfo("metadata.json")
    member.size = len(metadata)
    archive.addfile(member, io.BytesIO(metadata))
"""


@pytest.fixture
def beside(root: Path) -> Path:
    """Where the stand-in stands."""
    folder = root / "bot" / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text(STAND_IN.format(python=sys.executable))
    (folder / "python").chmod(0o755)
    (root / "models").mkdir()
    (root / "config.yml").write_text("language: en")
    for name in ("data/rules", "data/stories"):
        (root / name).mkdir()
    return folder


class Told:
    def __init__(self) -> None:
        self.said: list[tuple[str, int, int]] = []
        self.stop_at = ""

    def tell(self, says: str, done: int, total: int) -> None:
        self.said.append((says, done, total))

    def is_stopped(self) -> bool:
        return bool(self.said) and self.said[-1][0] == self.stop_at


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def work(root: Path, service: Service, beside: Path, told: Told, tmp_path: Path) -> JobWork:
    return JobWork(
        root=root,
        data_dir=tmp_path / "var",
        service=service,
        tell=told.tell,
        is_stopped=told.is_stopped,
        by="toni",
    )


def versions(service: Service) -> list[ModelVersion]:
    return service.database.read_now(lambda tx: tx.model_releases.list_versions())


def trained(beside: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((beside / "trained.json").read_text())
    return found


def test_what_was_accepted_is_written_trained_and_recorded(
    work: JobWork, bench: Bench, beside: Path, told: Told
) -> None:
    bench.add(SCOOTER)

    birth = train_candidate(work)

    [version] = versions(work.service)
    assert (version.model_id, version.data_version, version.trained_by) == (birth.model_id, 1, "toni")
    assert birth.parts["taught"] == training.parts(work.root)["taught"]
    assert SCOOTER in (taught_dir(work.data_dir, birth.model_id) / "ask_status.yml").read_text()
    assert told.said[0] == ("Writing the data", 0, 0)
    assert not (work.data_dir / "logs" / "validate.log").exists()


def test_a_candidate_trains_with_a_cache_of_its_own_and_sees_no_secret(
    work: JobWork, bench: Bench, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_TURN_SECRET", "s" * 40)
    bench.add(SCOOTER)
    train_candidate(work)

    environ = trained(beside)["environ"]
    cache = Path(environ["RASA_CACHE_DIRECTORY"])
    assert cache == work.data_dir / "models" / "cache"
    assert cache.stat().st_mode & 0o777 == 0o700
    assert "WAYMARK_TURN_SECRET" not in environ


def test_the_same_inputs_are_not_trained_twice(work: JobWork, bench: Bench, beside: Path) -> None:
    bench.add(SCOOTER)
    first = train_candidate(work)
    (beside / "trained.json").unlink()

    assert train_candidate(work) == first
    assert not (beside / "trained.json").exists()


def test_a_fault_in_the_files_bars_training(work: JobWork, bench: Bench, beside: Path) -> None:
    (work.root / TAUGHT / "ask_court.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: ask_court\n  examples: |\n    - ring 07911 123456\n'
    )

    with pytest.raises(DataUnfit, match=r"1 faults .* ask_court.yml, line 5") as refusal:
        train_candidate(work)
    assert "07911" not in str(refusal.value)
    assert not (beside / "trained.json").exists()


def test_data_that_rasa_refuses_ends_the_training(work: JobWork, bench: Bench, beside: Path) -> None:
    bench.add(SCOOTER)
    (beside / "refuses").touch()
    (beside / "waits").touch()

    with pytest.raises(DataInvalid):
        train_candidate(work)
    assert_gone(beside)
    assert versions(work.service) == []


def test_data_that_rasa_refuses_is_no_candidate_however_soon_it_was_trained(
    work: JobWork, bench: Bench, beside: Path
) -> None:
    bench.add(SCOOTER)
    (beside / "refuses").touch()

    for _ in range(2):
        with pytest.raises(DataInvalid):
            train_candidate(work)
    assert versions(work.service) == []
    assert list((work.root / "models").iterdir()) == []


def test_whoever_stops_it_leaves_no_training_behind(
    work: JobWork, bench: Bench, beside: Path, told: Told
) -> None:
    bench.add(SCOOTER)
    (beside / "waits").touch()
    told.stop_at = "Training"

    with pytest.raises(Stopped):
        train_candidate(work)
    assert_gone(beside)
    assert versions(work.service) == []


def assert_gone(beside: Path) -> None:
    if (beside / "trained.json").exists():
        with pytest.raises(ProcessLookupError):
            os.kill(trained(beside)["pid"], 0)


@pytest.mark.parametrize(("hits", "status"), [(64, "candidate"), (40, "refused")])
def test_only_a_model_that_passed_its_gates_is_signed(
    work: JobWork, bench: Bench, hits: int, status: str
) -> None:
    bench.add(SCOOTER)
    birth = train_candidate(work)
    report = a_report(birth.model_id, hits=hits)
    measurement = Measurement(report=report, read=(), answers={}, talks=(), missed=())

    evaluation = an_evaluation(birth.model_id)

    verdict = sign_if_passed(work, measurement, evaluation, limits=LIMITS)

    [version] = versions(work.service)
    kept = work.service.database.read_now(lambda tx: tx.evaluations.find_details(birth.model_id))
    assert kept == evaluation
    assert (version.status, verdict.passed) == (status, status == "candidate")
    paper = work.data_dir / "models" / f"{birth.model_id}.jws"
    assert paper.exists() is (version.paper is not None) is verdict.passed
    if verdict.passed:
        signed = read_paper(read_signed(paper.read_text().strip(), load_public_key(work.data_dir)))
        assert (signed.kind, signed.birth, signed.report, signed.proposed_by, signed.approved_by) == (
            PaperKind.CANDIDATE,
            birth,
            report,
            "toni",
            None,
        )
