"""`./waymark compare`: what another model would have answered to the newest stored turns, the dangerous first."""

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from casework.adapters.service import Service
from casework.adapters.storage.database import Database
from casework.model.bands import BandLimits, Bands
from casework.model.disclosures import Band
from casework.model.masking import Masker
from casework.model.model_papers import BirthCertificate, birth_from_json
from casework.model.significance import chance_in_words
from casework.model.turn_outcomes import Change, TurnOutcome, find_change, find_harm, is_risk
from casework.services import comparisons
from casework.services.comparison_ports import ComparisonChange, ReplayAnswer
from casework.services.masked_reading import read_values
from casework.services.model_ports import ModelVersion
from casework.services.model_releases import ModelNotFound
from casework.services.ports import JsonObject, Transaction
from casework.services.workbench_ports import StoredTurn
from launcher.model_files import certificate_path, read_birth
from launcher.model_loader import CheckedModel, check_birth
from launcher.progress import ProgressBar
from launcher.replay import Progress, Replayed, digest_of, replay
from launcher.replay_input import ReplayInput, find_input_sha, prepare
from launcher.rule_alone import find_rule_alone, note_rule_alone

Row = TypeVar("Row")
RECENT = "recent"
BY = "launcher"
CHUNK = 200
IN_WORDS = {
    Change.NEWLY_WRONG: "Newly wrong",
    Change.NEWLY_RIGHT: "Newly right",
    Change.CHANGED: "Changed, and nobody has said which is right",
}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two models on the same turns. `digest`: of what both gave; `seconds`: of asking, without the start."""

    changes: tuple[ComparisonChange, ...]
    digest: str
    before: Replayed
    after: Replayed
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A comparison as it stands in the database. `asked`: what both models were asked."""

    comparison_id: str
    model_id: str
    asked: Sequence[ReplayInput]
    compared: Compared


def run_compare(root: Path, service: Service, *, model: str, against: str | None, turns: int, by: str) -> int:
    """Prints the differences in words and records them. 0 when every turn was answered by both, else 1."""
    recorded = compare_stored(root, service, model=model, against=against, turns=turns, by=by)
    if not recorded.asked:
        print("No stored turn may be used: nothing is compared. docs/workbench.md says which may.")
    compared = recorded.compared
    print("\n".join(tell_comparison(compared, recorded.asked)))
    print(f"Comparison {recorded.comparison_id}, digest {compared.digest[:16]}")
    return 1 if compared.before.failed or compared.after.failed else 0


def compare_stored(
    root: Path,
    service: Service,
    *,
    model: str,
    against: str | None,
    turns: int,
    by: str,
    tell: Callable[[str, int, int], None] = lambda says, done, total: None,
) -> Recorded:
    """Both models on the newest stored turns, recorded. `against`: None for the live one.

    `tell`: what is done, how much of it, of how much. What a rule alone saw goes to the trainers. Raises
    ModelNotFound, also where no model is live.
    """
    database = service.database
    live = against or database.read_now(lambda tx: tx.model_releases.find_live())
    if live is None:
        raise ModelNotFound(
            "No model is live yet. Say which to compare with: ./waymark compare MODEL AGAINST"
        )
    tell("Reading the stored turns", 0, 0)
    with tempfile.TemporaryDirectory(prefix="waymark-compare-") as folder:
        old = check_model_of(root, database, live, Path(folder))
        new = check_model_of(root, database, model, Path(folder))
        asked = read_inputs(database, service.masker, newest=turns)
        tell("Asking both models", 0, len(asked))
        compared = asyncio.run(compare(root, database, old, new, asked, bands=service.bands))
    comparison_id = database.write_now(
        lambda tx: comparisons.record(
            tx,
            model_id=new.model_id,
            against_id=old.model_id,
            source=RECENT,
            turns=len(asked),
            digest=compared.digest,
            changes=compared.changes,
            by=by,
        )
    )
    note_rule_alone(database, find_rule_alone(asked, (compared.before, compared.after)))
    return Recorded(comparison_id=comparison_id, model_id=new.model_id, asked=asked, compared=compared)


# --- models ---------------------------------------------------------------------------------------------


def check_model_of(root: Path, database: Database, named: str, folder: Path) -> CheckedModel:
    """A model by its id, the beginning of one, or its file: checked against its birth certificate, to be measured.

    Raises ModelNotFound, or ModelRefused for a file that is not what was trained.
    """
    path, birth = find_model(root, database, named)
    return check_birth(path, birth, run_dir=folder)


def find_model(root: Path, database: Database, named: str) -> tuple[Path, BirthCertificate]:
    """Its file and what was recorded at its birth: by the database, or beside the file."""
    folder = root / "models"
    births = {folder / row.file: birth_from_json(dict(row.birth)) for row in _list_versions(database)}
    for path in sorted(folder.glob("waymark-*.tar.gz")):
        if path not in births and certificate_path(path).is_file():
            births[path] = read_birth(path)
    found = [
        (path, birth)
        for path, birth in births.items()
        if named == path.name or named == str(path) or birth.model_id.startswith(named)
    ]
    if len(found) != 1:
        count = "several models" if found else "no model"
        raise ModelNotFound(f"There are {count} called {named!r} here. ./waymark models lists them")
    return found[0]


def _list_versions(database: Database) -> Sequence[ModelVersion]:
    return database.read_now(lambda tx: tx.model_releases.list_versions(limit=1000))


# --- turns ----------------------------------------------------------------------------------------------


def read_inputs(
    database: Database, masker: Masker, *, newest: int, only_urgent: bool = False
) -> list[ReplayInput]:
    """The newest stored turns that may be used, masked, newest first."""
    stored: list[StoredTurn] = database.read_now(
        lambda tx: tx.turn_records.list_for_replay(newest=newest, only_urgent=only_urgent)
    )
    return [each for some in _chunks(stored) for each in prepare_stored(database, masker, some)]


def prepare_stored(database: Database, masker: Masker, stored: Sequence[StoredTurn]) -> list[ReplayInput]:
    """Masked, in the order given."""

    def mask(tx: Transaction) -> list[ReplayInput]:
        ids = sorted({turn.conversation_id for turn in stored})
        values = {each: read_values(tx, each) for each in ids}
        return [prepare(turn, masker=masker, values_of=values.__getitem__) for turn in stored]

    return database.read_now(mask)


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


# --- comparing ------------------------------------------------------------------------------------------


async def compare(
    root: Path,
    database: Database | None,
    before: CheckedModel,
    after: CheckedModel,
    turns: Sequence[ReplayInput],
    *,
    bands: Bands,
) -> Compared:
    """Both models at once, each in a process of its own. Without a `database` nothing is taken from earlier replays."""
    bar = ProgressBar("Asking both models", 2 * len(turns))
    done = {"before": 0, "after": 0}

    async def ask(name: str, checked: CheckedModel) -> Replayed:
        def tell(count: int, _of: int) -> None:
            done[name] = count
            bar.show(sum(done.values()))

        async def ask_anew(some: Sequence[ReplayInput], tell_some: Progress) -> Replayed:
            return await replay(root, checked, some, bands=bands, on_progress=tell_some)

        if database is None:
            return await ask_anew(turns, tell)
        return await replay_kept(
            database, checked.model_id, turns, limits=bands.limits, on_progress=tell, ask=ask_anew
        )

    old, new = await asyncio.gather(ask("before", before), ask("after", after))
    return Compared(
        changes=tuple(find_changes(turns, old, new)),
        digest=digest_of_pair(old, new),
        before=old,
        after=new,
        seconds=max(old.seconds, new.seconds),
    )


async def replay_kept(
    database: Database,
    model_id: str,
    turns: Sequence[ReplayInput],
    *,
    limits: BandLimits,
    on_progress: Progress,
    ask: Callable[[Sequence[ReplayInput], Progress], Awaitable[Replayed]],
) -> Replayed:
    """`ask`s what this model was not asked before under these limits; the answers are kept for the next time."""
    sha_of = {turn.turn_id: find_input_sha(turn, limits) for turn in turns}
    found = await database.read(lambda tx: tx.comparisons.find_answers(model_id, list(sha_of)))
    known = {each.turn_id: each for each in found.values() if each.input_sha == sha_of[each.turn_id]}
    new = [turn for turn in turns if turn.turn_id not in known]
    on_progress(len(known), len(turns))
    if not new:
        return _with_known(None, known)
    asked = await ask(new, lambda done, _: on_progress(len(known) + done, len(turns)))
    await _keep(database, model_id, asked, sha_of)
    return _with_known(asked, known)


async def _keep(database: Database, model_id: str, asked: Replayed, sha_of: Mapping[str, str]) -> None:
    """A few at a time: others write in between."""
    answers = [
        ReplayAnswer(
            turn_id=turn_id, input_sha=sha_of[turn_id], answer=write_outcome(outcome, asked.alone[turn_id])
        )
        for turn_id, outcome in asked.outcomes.items()
    ]
    for some in _chunks(answers):
        await _keep_some(database, model_id, some)


async def _keep_some(database: Database, model_id: str, some: Sequence[ReplayAnswer]) -> None:
    await database.write(lambda tx: tx.comparisons.keep_answers(model_id, some))


def _with_known(asked: Replayed | None, known: Mapping[str, ReplayAnswer]) -> Replayed:
    read = {turn_id: read_outcome(each.answer) for turn_id, each in known.items()}
    outcomes = {turn_id: outcome for turn_id, (outcome, _) in read.items()}
    alone = {turn_id: band for turn_id, (_, band) in read.items()}
    failed: tuple[str, ...] = ()
    if asked is not None:
        outcomes, alone, failed = outcomes | dict(asked.outcomes), alone | dict(asked.alone), asked.failed
    return Replayed(
        outcomes=outcomes,
        digest=digest_of(outcomes, alone, failed),
        seconds=asked.seconds if asked is not None else 0.0,
        p95_ms=asked.p95_ms if asked is not None else 0.0,
        failed=failed,
        alone=alone,
    )


def write_outcome(outcome: TurnOutcome, alone: Band) -> JsonObject:
    """As it is kept: names and numbers. `alone`: the band without the screen."""
    written: JsonObject = msgspec.to_builtins(outcome)
    return {**written, "alone": alone.value}


def read_outcome(written: JsonObject) -> tuple[TurnOutcome, Band]:
    kept = dict(written)
    alone = Band(kept.pop("alone"))
    return msgspec.convert(kept, TurnOutcome), alone


def find_changes(
    turns: Sequence[ReplayInput], before: Replayed, after: Replayed
) -> Iterator[ComparisonChange]:
    """Where a victim would get something else, of the turns that both answered."""
    for turn in turns:
        old, new = before.outcomes.get(turn.turn_id), after.outcomes.get(turn.turn_id)
        if old is None or new is None:
            continue
        kind = find_change(old, new, turn.truth)
        if kind is not None:
            yield ComparisonChange(
                kind=kind,
                is_risk=is_risk(old, new, turn.truth),
                harm=find_harm(old, new, turn.truth),
                before=write_outcome(old, before.alone[turn.turn_id]),
                after=write_outcome(new, after.alone[turn.turn_id]),
                inbox_id=turn.inbox_id,
            )


def digest_of_pair(before: Replayed, after: Replayed) -> str:
    """Two comparisons that found the same have the same."""
    return hashlib.sha256(f"{before.digest}\0{after.digest}".encode()).hexdigest()


# --- in words -------------------------------------------------------------------------------------------


def tell_comparison(compared: Compared, turns: Sequence[ReplayInput]) -> Iterator[str]:
    """Danger first, in words; then how many of each kind. No word of a message."""
    found = comparisons.count_changes(compared.changes)
    urgent = [turn.turn_id for turn in turns if turn.truth is not None and turn.truth.is_urgent]
    if urgent:
        now, was = (_count_missed(urgent, each) for each in (compared.after, compared.before))
        yield f"Urgent by people's word, and nobody would look: {now} of {len(urgent)} (was {was})."
    same = len(turns) - len(compared.changes)
    yield f"Of {len(turns)} turns {same} would get the same answer."
    for kind in (Change.NEWLY_WRONG, Change.NEWLY_RIGHT, Change.CHANGED):
        yield f"{IN_WORDS[kind]}: {found[kind]}, of which {found[f'{kind}_risk']} touch danger."
    right, wrong = found[Change.NEWLY_RIGHT], found[Change.NEWLY_WRONG]
    if right + wrong:
        yield f"{chance_in_words(right, wrong)}"
    if compared.before.failed or compared.after.failed:
        yield f"Not answered: {len(compared.after.failed)} (was {len(compared.before.failed)})."


def _count_missed(urgent: Sequence[str], replayed: Replayed) -> int:
    outcomes = [replayed.outcomes.get(turn_id) for turn_id in urgent]
    return sum(outcome is None or not outcome.is_caught for outcome in outcomes)
