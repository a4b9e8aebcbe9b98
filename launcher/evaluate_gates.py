"""`./waymark evaluate --gates` and `--packs`: what a release is judged by, in words, and kept for the next one."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from casework.adapters.service import Service
from casework.adapters.storage.database import Database
from casework.model.bands import load_band_limits
from casework.model.disclosure_screen import load_disclosure_screen
from casework.model.release_gates import Verdict, judge, load_gate_limits
from casework.model.significance import wilson
from casework.services import comparisons
from launcher.compare import BY, check_model_of, read_inputs
from launcher.data_findings import count_findings
from launcher.evaluation.conversations import TalkHeld
from launcher.evaluation.differences import tell_differences
from launcher.evaluation.packs import Pack, PackJudged, judge_pack
from launcher.evaluation.run import Understand
from launcher.gates_run import GateInputs, Measurement, measure_gates
from launcher.model_loader import CheckedModel

MOST_DISCLOSURES = 2000
PASSED = {True: "passed", False: "FAILED"}


def run_gates(root: Path, service: Service, *, named: str) -> int:
    """Measures a model against the live one, prints it in words and keeps the answers. 0: it was measured."""
    database = service.database
    live_id = database.read_now(lambda tx: tx.model_releases.find_live())
    with tempfile.TemporaryDirectory(prefix="waymark-gates-") as folder:
        candidate = check_model_of(root, database, named, Path(folder))
        live: CheckedModel | None = None
        if live_id is not None and live_id != candidate.model_id:
            live = check_model_of(root, database, live_id, Path(folder))
        measurement = measure_gates(make_inputs(root, service), candidate, live)
    keep_answers(database, measurement, by=BY)
    print("\n".join(tell_measurement(measurement)))
    print("\n".join(tell_verdict(judge(measurement.report, load_gate_limits()))))
    return 0


def make_inputs(root: Path, service: Service) -> GateInputs:
    """What a run of the gates needs of the service: the stored disclosures that may be used, and earlier answers."""
    database = service.database

    def tell(what: str, done: int, of: int) -> None:
        if done in (0, of):
            print(f"      {what}: {done} of {of}", file=sys.stderr, flush=True)

    return GateInputs(
        root=root,
        bands=service.bands,
        stored=read_inputs(database, service.masker, newest=MOST_DISCLOSURES, only_urgent=True),
        findings=count_findings(root),
        known=lambda model_id, name: database.read_now(lambda tx: tx.evaluations.find(model_id, name)),
        tell=tell,
    )


def keep_answers(database: Database, measurement: Measurement, *, by: str) -> None:
    """One transaction a model and set."""
    for model_id, name in measurement.answers:
        _keep(database, measurement, model_id, name, by)


def _keep(database: Database, measurement: Measurement, model_id: str, name: str, by: str) -> None:
    found = measurement.answers[model_id, name]
    database.write_now(lambda tx: comparisons.record_evaluation(tx, model_id, name, found, by=by))


def tell_measurement(measurement: Measurement) -> Iterator[str]:
    yield from tell_differences(measurement.read)
    yield from _tell_talks(measurement.talks)
    for turn_id in measurement.missed:
        yield f"Newly missed: turn {turn_id}"


def _tell_talks(talks: Sequence[TalkHeld]) -> Iterator[str]:
    yield f"Talks as expected: {sum(one.passed for one in talks)} of {len(talks)}."
    for one in talks:
        for number, came in one.wrong:
            yield f"  {one.talk.id}, turn {number}: {came}"


def tell_verdict(verdict: Verdict) -> Iterator[str]:
    for line in verdict.lines:
        yield f"{PASSED[line.passed]:7} {line.gate}, {line.of}: {line.got}; needs {line.need}"
    yield "Every gate passed." if verdict.passed else "It may not be released."


# --- packs ----------------------------------------------------------------------------------------------


def tell_packs(packs: Sequence[Pack], understand: Understand) -> Iterator[str]:
    """One line a pack. `understand` is asked once, for all."""
    parsed_of = understand([text for pack in packs for text in pack.texts])
    screen, limits = load_disclosure_screen(), load_band_limits()
    yield "\nPacks: decided as marked, and as their plain twin is"
    for pack in packs:
        yield f"  {pack.name}: {_in_words(judge_pack(pack, parsed_of, screen, limits))}"


def _in_words(judged: Sequence[PackJudged]) -> str:
    hits, n = sum(one.passed for one in judged), len(judged)
    low, high = wilson(hits, n)
    return f"{hits} of {n}, {100 * hits / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
