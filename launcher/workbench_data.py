"""Writing what trainers taught into the training data: rows out of the database, hand edits back into it.

The database decides which rows there are, a file's own words and comments stay. Whoever dies half way leaves files a
version ahead of the database; the next writing finds them written and notes it.
"""

import hashlib
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from casework.adapters.service import Service
from casework.adapters.storage.database import Database
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.training_files import (
    Merged,
    TaughtRow,
    hash_files,
    list_texts,
    merge,
    read_folder,
    read_rows,
    write_folder,
)
from casework.model.masking import Masker
from casework.model.teaching_texts import Refusal, find_copies_within, find_near_copies
from casework.services import examples
from casework.services.review_ports import Example
from launcher import taught_tests
from launcher.hand_edits import (
    BY_HAND,
    TRAIN,
    HandEdits,
    find_codes,
    find_edits,
    take_edits,
    taught,
    with_edit,
)
from launcher.taught_texts import TAUGHT, Finding, check_files, has_label, list_known
from launcher.withdrawn_rows import find_row, forget_kept, is_withdrawn

TEST = "test"


@dataclass(frozen=True, kw_only=True)
class DataWritten:
    """`version`: the newest, this one if anything changed. `held`: rows kept out; `faults`: what bars training."""

    version: int
    is_new: bool
    rows: int
    added: int
    changed: int
    removed: int
    taken_back: int
    held: tuple[Finding, ...] = ()
    faults: tuple[Finding, ...] = ()
    test_set: str | None = None
    ended_sets: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Rows:
    """What the database says should stand, and why the rest does not."""

    train: list[Example] = field(default_factory=list)
    test: list[Example] = field(default_factory=list)
    held: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Planned:
    files: Mapping[str, str]
    edits: HandEdits
    rows: _Rows
    merged: Merged
    faults: list[Finding]


def write_data(root: Path, service: Service, *, by: str) -> DataWritten:
    """Hand edits back into rows, then the rows into `data/workbench/nlu` and the test side into a set of its own.

    Raises SetAltered. A row with a fault is held back, never mended; a hand edit with one stays, and bars training.
    """
    planned = _plan(root, service)
    taken = service.database.write_now(partial(take_edits, edits=planned.edits))
    write_folder(root / TAUGHT, planned.files, planned.merged.files)
    ended = taught_tests.end_sets(root, lambda row: service.database.read_now(partial(is_withdrawn, row=row)))
    forget_kept(service.settings.data_dir, service.database)
    made = taught_tests.write_set(root, planned.rows.test)
    is_other = bool(taken or made or ended)
    version, is_new = service.database.write_now(
        partial(_note_written, root=root, planned=planned, by=by, is_other=is_other)
    )
    if service.database.read_now(partial(_is_overtaken, rows=planned.rows)):
        # Somebody took something back while it was written.
        return write_data(root, service, by=by)
    return replace(
        _sum_up(planned, version),
        is_new=is_new,
        taken_back=taken,
        test_set=None if made is None else made.name,
        ended_sets=tuple(ended),
    )


def check_data(root: Path, service: Service) -> DataWritten:
    """What a writing would do, and what is wrong; changes nothing."""
    planned = _plan(root, service)
    return _sum_up(planned, service.database.read_now(lambda tx: tx.examples.find_newest_version()))


def _plan(root: Path, service: Service) -> _Planned:
    files = read_folder(root / TAUGHT)
    standing, _ = read_rows(files)
    edits = service.database.read_now(
        partial(find_edits, standing=standing, files=files, masker=service.masker)
    )
    rows = _choose(root, service, standing, files, edits)
    merged = _merge(service.database, files, rows, edits)
    faults = [*edits.faults, *check_files(root, merged.files, service.masker)]
    return _Planned(files=files, edits=edits, rows=rows, merged=merged, faults=list(dict.fromkeys(faults)))


def _sum_up(planned: _Planned, version: int) -> DataWritten:
    merged = planned.merged
    return DataWritten(
        version=version,
        is_new=False,
        rows=len(planned.rows.train),
        added=len(merged.added),
        changed=len(merged.changed),
        removed=len(merged.removed),
        taken_back=len(planned.edits.taken),
        held=(*planned.edits.overruled, *planned.rows.held),
        faults=tuple(planned.faults),
    )


def run_workbench_data(root: Path, service: Service, given: Namespace) -> int:
    """The command: writes, or with --check only says. As `print_written`."""
    written = check_data(root, service) if given.check else write_data(root, service, by="launcher")
    return print_written(written, is_check=given.check)


def print_written(written: DataWritten, *, is_check: bool = False) -> int:
    """1 where something is held back or at fault."""
    would = "would be " if is_check else ""
    print(
        f"{written.rows} rows are taught: {written.added} {would}added, {written.changed} {would}changed, "
        f"{written.removed} {would}removed. Version {written.version}."
    )
    if written.taken_back:
        print(f"{written.taken_back} rows were changed by hand in the files and are so in the database now.")
    if written.test_set:
        print(f"The test messages are {taught_tests.FOLDER}/{written.test_set}.")
    for name in written.ended_sets:
        print(f"{name} is gone: somebody took back what they wrote. What was measured on it stands no more.")
    for finding in [*written.held, *written.faults]:
        print(f"{finding}", file=sys.stderr)
    return 1 if written.held or written.faults else 0


# --- from the database --------------------------------------------------------------------------


def _choose(
    root: Path,
    service: Service,
    standing: Mapping[str, TaughtRow],
    files: Mapping[str, str],
    edits: HandEdits,
) -> _Rows:
    train, test, codes_of = service.database.read_now(partial(_read, masker=service.masker, edits=edits))
    tested = {row.scenario for row in test}
    for row in train:
        if row.scenario in tested:
            codes_of.setdefault(row.id, []).append(Refusal.OTHER_SIDE.value)
    # What stands in the files, or in a set, was looked at when it was written.
    fresh = [
        row
        for row in [*test, *train]
        if row.id not in codes_of
        and (row.in_data_since is None if row.side == TEST else _is_fresh(row, standing, edits))
    ]
    settled = [row for row in [*test, *train] if row.id not in codes_of and row not in fresh]
    for row in _find_copies(root, settled, fresh, files):
        codes_of.setdefault(row.id, []).append(Refusal.NEAR_COPY.value)
    return _Rows(
        train=[row for row in train if row.id not in codes_of],
        test=[row for row in test if row.id not in codes_of],
        held=[Finding(code=code, row=row) for row, codes in sorted(codes_of.items()) for code in codes],
    )


def _is_fresh(row: Example, standing: Mapping[str, TaughtRow], edits: HandEdits) -> bool:
    expected = edits.refused.get(row.id, taught(row))
    return row.id in edits.taken or standing.get(row.id) != expected


def _read(
    tx: SqlTransaction, *, masker: Masker, edits: HandEdits
) -> tuple[list[Example], list[Example], dict[str, list[str]]]:
    codes_of: dict[str, list[str]] = {}
    sides: dict[str, list[Example]] = {}
    for side in (TRAIN, TEST):
        stored = [row for row in tx.examples.list_in_data(side) if examples.is_usable(tx, row)]
        sides[side] = [with_edit(row, edits.taken.get(row.id)) for row in stored]
        for row in sides[side]:
            codes = find_codes(tx, row, row.text, masker)
            codes += [] if has_label(row.intent, row.category) else [Refusal.LABEL.value]
            if codes:
                codes_of[row.id] = codes
    return sides[TRAIN], sides[TEST], codes_of


def _find_copies(
    root: Path, settled: Sequence[Example], fresh: Sequence[Example], files: Mapping[str, str]
) -> Iterable[Example]:
    if not fresh:
        return []
    by_hand = [each.text for each in list_texts(files) if each.row is None]
    texts = [row.text for row in fresh]
    copies = set(find_near_copies(texts, [*by_hand, *list_known(root)]))
    copies |= set(find_near_copies(texts, [row.text for row in settled]))
    copies |= find_copies_within(texts).keys()
    return [fresh[place] for place in sorted(copies)]


def _merge(database: Database, files: Mapping[str, str], rows: _Rows, edits: HandEdits) -> Merged:
    named = set(read_rows(files)[0])
    known = database.read_now(lambda tx: {row for row in named if find_row(tx, row) is not None})
    wanted = [edits.refused.get(row.id, taught(row)) for row in rows.train]
    return merge(files, wanted, known=known | {row.id for row in rows.train})


def _note_written(
    tx: SqlTransaction, *, root: Path, planned: _Planned, by: str, is_other: bool
) -> tuple[int, bool]:
    """The version of the data, and whether it is a new one. `is_other`: something changed beside rows and files."""
    rows, merged = planned.rows, planned.merged
    newest = tx.examples.find_newest_version()
    added = [row.id for row in [*rows.train, *rows.test] if row.in_data_since is None]
    dropped = [row.id for row in tx.examples.list_to_drop()]
    if not (is_other or added or dropped or merged.added or merged.changed or merged.removed):
        return newest, False
    number = newest + 1
    _note_shas(tx, rows.train, {*added, *merged.added, *merged.changed}, number)
    tx.examples.mark_written(added, version=number)
    # A row that is held back but accepted is not marked: who asks which models learnt it must hear of too many.
    tx.examples.mark_dropped(dropped, version=number)
    counts = {"added": len(merged.added), "changed": len(merged.changed), "removed": len(merged.removed)}
    tx.examples.record_version(number, by=by, sha256=_hash(root, merged), **counts)
    tx.audit.record("data_written", by=by, thing=str(number))
    return number, True


def _is_overtaken(tx: SqlTransaction, *, rows: _Rows) -> bool:
    sides = [*tx.examples.list_in_data(TRAIN), *tx.examples.list_in_data(TEST)]
    standing = {row.id for row in sides if examples.is_usable(tx, row)}
    return any(row.id not in standing for row in [*rows.train, *rows.test])


def _note_shas(tx: SqlTransaction, rows: Sequence[Example], written: set[str], number: int) -> None:
    for row in rows:
        if row.id in written:
            note = {"written": taught(row).sha, "version": number}
            tx.examples.note_change(row.id, by=BY_HAND, what=note)


def _hash(root: Path, merged: Merged) -> str:
    sets = taught_tests.list_sets(root)
    newest = sets[-1].read_bytes() if sets else b""
    return hashlib.sha256(f"{hash_files(merged.files)}\n".encode() + newest).hexdigest()
