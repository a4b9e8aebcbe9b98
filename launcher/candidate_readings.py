"""What a candidate is asked beside its gates: what it was newly taught, and messages that may be shown to trainers."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from bot.corpus import Example as HeldOut
from casework.adapters.storage.database import Database
from casework.model.bands import BandLimits
from casework.model.disclosure_screen import load_disclosure_screen
from casework.model.disclosures import CALM
from casework.model.model_evaluations import ReadAsTaught, RowRead
from casework.services.ports import Transaction
from casework.services.review_ports import Example
from launcher.evaluation.answers import key_of
from launcher.evaluation.details import Extra, OwnRow
from launcher.evaluation.figures import judge
from launcher.evaluation.sets import read_set
from launcher.model_loader import CheckedModel
from launcher.taught_tests import list_sets, read_outcomes, read_rows
from launcher.training import Model
from launcher.understanding import Parsed, Understood, decide, understand_texts

SHOWN_OF_DEV = 1000
"""The whole of it would take a sitting most of a minute more."""


def read_more(
    root: Path, database: Database, candidate: CheckedModel, *, against: str | None, limits: BandLimits
) -> Extra:
    """Asks one process of that model. `against`: the live model's id, None where none is.

    Raises SetAltered, UnderstandingFailed.
    """
    rows = database.read_now(lambda tx: list_newly_taught(tx, candidate.model_id, against))
    dev = pick_dev(root)
    texts = [*(example.text for example in dev), *(row.text for row in rows or ())]
    parsed_of = understand_texts(root, Model(candidate.copy, "", ""), texts)
    return Extra(
        own=database.read_now(lambda tx: find_own(tx, root)),
        dev=judge(dev, [each.text for each in dev], parsed_of, load_disclosure_screen(), limits),
        taught=None if rows is None else judge_taught(rows, parsed_of, limits, read_outcomes(root)),
    )


def pick_dev(root: Path) -> list[HeldOut]:
    """Always the same messages of the development set, of every label about as many in a hundred as it has."""
    examples = read_set(root, "dev")
    return sorted(examples, key=lambda one: sha256(one.text.encode()).digest())[:SHOWN_OF_DEV]


def find_own(tx: Transaction, root: Path) -> dict[str, OwnRow]:
    """The newest set of the trainers' own test rows, by the keys of its messages. Raises SetAltered."""
    sets = list_sets(root)
    if not sets:
        return {}
    rows = zip(read_rows(sets[-1]), read_set(root, str(sets[-1])), strict=True)
    return {key_of(example): _find_own(tx, row) for row, example in rows}


def _find_own(tx: Transaction, row: str) -> OwnRow:
    inbox_id = tx.examples.get(row).inbox_id
    item = None if inbox_id is None else tx.reviews.find_item(inbox_id)
    return OwnRow(
        row=row,
        channel=item.channel.value if item else None,
        language=item.language if item else None,
    )


# --- read as taught -------------------------------------------------------------------------------------


def list_newly_taught(tx: Transaction, model_id: str, against: str | None) -> list[Example] | None:
    """Rows in that model's data and not in the live one's; None for a model that was taught none of the trainers'."""
    until = _find_data_version(tx, model_id)
    if not until:
        return None
    since = _find_data_version(tx, against) if against else 0
    return [row for row in tx.examples.list_in_data("train") if since < (row.in_data_since or 0) <= until]


def _find_data_version(tx: Transaction, model_id: str) -> int:
    version = tx.model_releases.find_version(model_id)
    return (version.data_version or 0) if version else 0


def judge_taught(
    rows: Sequence[Example], parsed_of: Mapping[str, Parsed], limits: BandLimits, outcomes: Mapping[str, str]
) -> ReadAsTaught:
    """By the model alone, for the rules would have seen it before. Danger is read as taught when somebody would look.

    `outcomes`: what each wish comes to; wishes that come to the same are the same here.
    """
    wrong = []
    for row in rows:
        read = decide(CALM, parsed_of[row.text], limits)
        if not _is_as_taught(row, read, outcomes):
            alarm = read.decision.category if read.is_red else None
            wrong.append(
                RowRead(row=row.id, taught=row.category or row.intent or "", read=alarm or read.outcome)
            )
    return ReadAsTaught(right=len(rows) - len(wrong), n=len(rows), wrong=tuple(wrong))


def _is_as_taught(row: Example, read: Understood, outcomes: Mapping[str, str]) -> bool:
    if row.category:
        return not read.is_automated
    return read.outcome == outcomes[row.intent or ""]
