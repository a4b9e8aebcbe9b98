"""What each kind of the workbench's long work does. Each gives ids and counts, and no word of anybody's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from casework.adapters.training_files import list_texts, read_folder
from casework.model.errors import WaymarkError
from casework.model.new_words import HeardText, NewWord, count_taught, find_new_words
from casework.model.release_gates import Verdict
from casework.services import masked_reading, review_steps, workbench_jobs
from casework.services.job_ports import JobKind, JsonObject
from casework.services.ports import Transaction
from casework.services.workbench_ports import StoredTurn
from launcher.candidates import JobWork, judge_and_sign, train_candidate
from launcher.compare import compare_stored
from launcher.taught_texts import TAUGHT, list_trained

COMPARED_TURNS = 5000
HEARD = 5000
CHUNK = 200
MOST_WORDS = 50
MOST_OF_A_WORD = 50
Row = TypeVar("Row")


class ParamMissing(WaymarkError):
    """The job was asked for without what it needs to know."""


def train(work: JobWork, _params: JsonObject) -> JsonObject:
    """A candidate and, if it passed its gates, what it would have answered lately is asked for."""
    birth = train_candidate(work)
    verdict = judge_and_sign(work, birth.model_id)
    if verdict.passed:
        # Its proposer has to open what it newly gets wrong; that is found while they read its figures.
        work.service.database.write_now(partial(_ask_compare, model_id=birth.model_id, by=work.by))
    return {"model_id": birth.model_id, "data_version": birth.data_version} | _count(verdict)


def evaluate(work: JobWork, params: JsonObject) -> JsonObject:
    model_id = _get_param(params, "model_id")
    return {"model_id": model_id} | _count(judge_and_sign(work, model_id))


def compare_lately(work: JobWork, params: JsonObject) -> JsonObject:
    """`model_id`, and with none `against_id` the live one; `turns` the newest stored. Raises ModelNotFound."""
    recorded = compare_stored(
        work.root,
        work.service,
        model=_get_param(params, "model_id"),
        against=params.get("against_id") or None,
        turns=int(params.get("turns") or COMPARED_TURNS),
        by=work.by,
        tell=work.tell,
    )
    return {
        "comparison_id": recorded.comparison_id,
        "model_id": recorded.model_id,
        "turns": len(recorded.asked),
    }


def find_words(work: JobWork, _params: JsonObject) -> JsonObject:
    """Puts messages with words that nothing teaches into their queue, a word at a time."""
    database = work.service.database
    stored = database.read_now(lambda tx: tx.turn_records.list_for_replay(newest=HEARD))
    if not stored:
        return {"words": 0, "messages": 0}
    heard: list[HeardText] = []
    for some in chunks(stored):
        work.tell("Reading the stored messages", len(heard), len(stored))
        heard += database.read_now(partial(_mask, stored=some, work=work))
    own = (each.text for each in list_texts(read_folder(work.root / TAUGHT)))
    taught = count_taught([*list_trained(work.root), *own])
    found = find_new_words(heard, taught)[:MOST_WORDS]
    for number, word in enumerate(found):
        work.tell("Filling the queue", number, len(found))
        database.write_now(partial(_note, word=word))
    return {"words": len(found), "messages": sum(len(word.inbox_ids) for word in found)}


RUNS: Mapping[JobKind, Callable[[JobWork, JsonObject], JsonObject]] = {
    JobKind.TRAIN: train,
    JobKind.EVALUATE: evaluate,
    JobKind.COMPARE: compare_lately,
    JobKind.NEW_WORDS: find_words,
}


def chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Few enough for one transaction."""
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _ask_compare(tx: Transaction, *, model_id: str, by: str) -> None:
    if workbench_jobs.find_unfinished(tx, JobKind.COMPARE) is None:
        workbench_jobs.ask(tx, JobKind.COMPARE, {"model_id": model_id}, by=by)


def _count(verdict: Verdict) -> JsonObject:
    passed = sum(line.passed for line in verdict.lines)
    return {"passed": verdict.passed, "gates": len(verdict.lines), "gates_passed": passed}


def _mask(tx: Transaction, *, stored: Sequence[StoredTurn], work: JobWork) -> list[HeardText]:
    masked = masked_reading.mask_messages(tx, [turn.inbox_id for turn in stored], masker=work.service.masker)
    return [
        HeardText(
            inbox_id=turn.inbox_id,
            conversation_id=turn.conversation_id,
            text=masked[turn.inbox_id].text,
            masked=tuple((mask.at, mask.until) for mask in masked[turn.inbox_id].masks),
        )
        for turn in stored
        if turn.inbox_id in masked
    ]


def _note(tx: Transaction, *, word: NewWord) -> int:
    return review_steps.note_new_words(tx, word.inbox_ids[:MOST_OF_A_WORD], word.word)


def _get_param(params: JsonObject, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise ParamMissing(f"The job needs {name}.")
    return value
