"""What somebody changed by hand in the files of the trainers' examples: taken into the rows, or told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.training_files import TaughtRow, list_texts
from casework.model.masking import CaseValues, Masker
from casework.model.teaching_masks import find_personal
from casework.model.teaching_texts import Refusal, check, five_words
from casework.services import examples, masked_reading
from casework.services.review_ports import Example
from launcher.taught_texts import Finding, has_label

BY_HAND = "file"
TRAIN = "train"


@dataclass(kw_only=True)
class HandEdits:
    """By row. `taken`: it says now what the file says. `refused`: it stays as it is, and the file too: a fault.

    `overruled`: changed on the page too, whose words are written.
    """

    taken: dict[str, TaughtRow] = field(default_factory=dict)
    refused: dict[str, TaughtRow] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)
    overruled: list[Finding] = field(default_factory=list)


def taught(example: Example) -> TaughtRow:
    return TaughtRow(
        row=example.id,
        text=example.text,
        scenario=example.scenario,
        intent=None if example.category else example.intent,
        category=example.category,
        sub=example.sub,
    )


def with_edit(example: Example, row: TaughtRow | None) -> Example:
    """The example as the file has it; whose conversation it is of no file decides."""
    if row is None:
        return example
    edited = replace(example, intent=row.intent, category=row.category, sub=row.sub)
    if row.text == example.text.strip():
        return edited
    return replace(edited, text=row.text, spans=(), is_reworded=True)


def find_edits(
    tx: SqlTransaction, *, standing: Mapping[str, TaughtRow], files: Mapping[str, str], masker: Masker
) -> HandEdits:
    """Compares what stands in the files with the rows and with what the files were last given of each."""
    place_of = {each.row: each for each in list_texts(files) if each.row is not None}
    edits = HandEdits()
    for example in tx.examples.list_in_data(TRAIN):
        row = standing.get(example.id)
        if row is None or row.sha == taught(example).sha or not examples.is_usable(tx, example):
            continue
        at = place_of[example.id]
        finding = partial(Finding, row=example.id, file=at.file, line=at.line)
        codes = _find_codes_of_edit(tx, example, row, masker)
        if _find_last_written(tx, example.id) != taught(example).sha:
            edits.overruled.append(finding(code="both"))
        elif not has_label(row.intent, row.category):
            edits.overruled.append(finding(code=Refusal.LABEL.value))
        elif codes:
            edits.refused[example.id] = row
            edits.faults += [finding(code=code) for code in codes]
        else:
            edits.taken[example.id] = row
    return edits


def take_edits(tx: SqlTransaction, *, edits: HandEdits) -> int:
    """Changes the rows; how many. One that somebody changed on the page a moment ago stays as it is."""
    taken = 0
    for example_id, row in edits.taken.items():
        before = tx.examples.get(example_id)
        if _find_last_written(tx, example_id) != taught(before).sha:
            continue
        after = with_edit(before, row)
        values = {"intent": after.intent, "category": after.category, "sub": after.sub, "text": after.text}
        spans = [list(span) for span in after.spans]
        more = {"spans": spans, "is_reworded": after.is_reworded}
        if tx.examples.change(example_id, row_version=before.row_version, **values, **more):
            label = {"intent": after.intent, "category": after.category, "sub": after.sub}
            note = {"reworded": after.text != before.text, "written": taught(after).sha}
            tx.examples.note_change(example_id, by=BY_HAND, what=label | note)
            tx.audit.record(
                "example_changed", by=BY_HAND, conversation_id=before.conversation_id, thing=example_id
            )
            taken += 1
    return taken


def find_codes(tx: SqlTransaction, example: Example, text: str, masker: Masker) -> list[str]:
    """Why the words may not be taught, with all that is known of who the example is of."""
    of = example.conversation_id
    values = CaseValues() if of is None else masked_reading.read_values(tx, of)
    masked = masker.mask(text, values, of=of or "")
    return check(text) + ([Refusal.PERSONAL.value] if find_personal(text, masked) else [])


def _find_codes_of_edit(tx: SqlTransaction, example: Example, row: TaughtRow, masker: Masker) -> list[str]:
    codes = find_codes(tx, example, row.text, masker)
    message = examples.find_root(tx, example).inbox_id
    if example.is_reworded and message is not None:
        # Only rewordings may be of words that are not taught as they stand: a hand may not bring those in either.
        written = masked_reading.mask_message(tx, message, masker=masker).text
        if (five_words(row.text) - five_words(example.text)) & five_words(written):
            codes.append(Refusal.COPIED.value)
    return codes


def _find_last_written(tx: SqlTransaction, example_id: str) -> str | None:
    notes = [what["written"] for _, _, what in tx.examples.list_changes(example_id) if "written" in what]
    return notes[-1] if notes else None
