"""`./waymark cases`: importing a file, and deciding on an import that waits for two people."""

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from casework.adapters.case_import import build_case_feed, import_cases
from casework.adapters.storage.database import Database
from casework.model.bulk_brake import HeldWhy, ImportStatus, StoredImport
from casework.services.bulk_imports import approve, check_name, read_waiting, refuse
from casework.services.case_feed import Recorded, correct

PROGRESS_SECONDS = 3.0
WHY_IN_WORDS = {
    HeldWhy.MANY_CHANGED: "many cases would change",
    HeldWhy.MANY_FRIGHTENED: "many victims would be told of a closed case or a release",
}


def run_cases(database: Database, given: Namespace) -> int:
    actions: dict[str, Callable[[Database, Namespace], None]] = {
        "import": _import,
        "held": _show_held,
        "imports": _show_newest,
        "approve": _approve,
        "refuse": _refuse,
        "correct": _correct,
    }
    actions[given.action](database, given)
    return 0


class Progress:
    """Says on standard error how far it has come, every few seconds and not more often."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, what: str, count: int) -> None:
        if time.monotonic() - self._said_at >= PROGRESS_SECONDS:
            self._said_at = time.monotonic()
            print(f"{what} {count:,} cases", file=sys.stderr, flush=True)


def _import(database: Database, given: Namespace) -> None:
    recorded = import_cases(
        database, Path(_get_what(given)), by=given.by or "command line", on_progress=Progress()
    )
    print(f"Imported {recorded.total} cases")
    print(_in_words(recorded), file=sys.stderr)


def _show_held(database: Database, _given: Namespace) -> None:
    _show(database.read_now(lambda tx: tx.imports.list_held()), nothing="No import waits for anyone.")


def _show_newest(database: Database, _given: Namespace) -> None:
    _show(database.read_now(lambda tx: tx.imports.list_newest()), nothing="Nothing was imported yet.")


def _show(imports: Sequence[StoredImport], *, nothing: str) -> None:
    for each in imports:
        print("\n".join(describe(each)))
    if not imports:
        print(nothing)


def describe(each: StoredImport) -> list[str]:
    """For people to read: counts, never whose cases they are."""
    counts = each.counts
    lines = [
        f"{each.id}  {each.held_at:%d %b %Y %H:%M} UTC  {each.status.value}  {each.filename or 'from the API'}",
        f"    {counts.new} new, {counts.changed} changed, {counts.unchanged} unchanged",
    ]
    if counts.entered:
        lines.append(
            "    " + ", ".join(f"{number} to {stage}" for stage, number in sorted(counts.entered.items()))
        )
    if each.status is ImportStatus.HELD:
        lines.append("    held because " + " and ".join(WHY_IN_WORDS[why] for why in each.why))
        lines.append(f"    approved by {each.first_approved_by or 'nobody yet'}; it needs two people")
    return lines


def _approve(database: Database, given: Namespace) -> None:
    feed, import_id = build_case_feed(), _get_what(given)
    read = database.read_now(lambda tx: read_waiting(tx, import_id))
    recorded = database.write_now(lambda tx: approve(tx, import_id, feed=feed, by=given.by, read=read))
    if recorded is None:
        print("Approved once. A second person must approve it too; nothing was changed yet.")
    else:
        print(f"Applied. {_in_words(recorded)}")


def _refuse(database: Database, given: Namespace) -> None:
    database.write_now(lambda tx: refuse(tx, _get_what(given), by=given.by))
    print("Refused. Nothing was changed, and the cases it held were deleted.")


def _correct(database: Database, given: Namespace) -> None:
    feed, import_id, by = build_case_feed(), _get_what(given), check_name(given.by)
    corrected = database.write_now(lambda tx: correct(tx, import_id, "correction", feed=feed, by=by))
    print(f"Written to {corrected.written}.")
    if corrected.for_a_person:
        print(f"A person must tell, because the plan allows no message: {', '.join(corrected.for_a_person)}")


def _in_words(recorded: Recorded) -> str:
    words = f"{recorded.new} new, {recorded.changed} changed, {recorded.unchanged} unchanged"
    if recorded.overtaken:
        words += f", {recorded.overtaken} left as they are: something newer is known"
    return f"{words}; {recorded.events_new} new events."


def _get_what(given: Namespace) -> str:
    if given.what is None:
        raise SystemExit(f"Say which: ./waymark cases {given.action} FILE or ID")
    what: str = given.what
    return what
