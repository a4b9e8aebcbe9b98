"""`./waymark clocks`: how the limits of the Victims' Code are kept, counted per right."""

import csv
import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from casework.adapters.storage.database import Database
from casework.model.code_clock import ClockState, CodeClock, RightCounts
from casework.model.working_days import local_day
from casework.services.clocks import CodeRules, count_rights, find_state, load_code_rules
from casework.services.ports import ClockStatus

COUNTS = tuple(field.name for field in fields(RightCounts))
MOST_LISTED = 500

COUNTED_EARLY = (
    "counts from the event itself, not from when the Witness Care Unit heard of it, which nobody tells us: "
    "what is overdue here may have been told in time"
)
OTHER_CAVEAT = {
    "right_6": "the limit of a charge, of a stopped charge and of an end without court is not sure for every victim",
    "right_11": "counts only where the force says that the contact scheme applies; parts of the Victims and Courts Act "
    "2026 may have changed it",
}


def show_compliance(database: Database, given: Namespace, *, rules: CodeRules | None = None) -> int:
    """Prints the counts and what is due or overdue; with --json all of it, with --csv FILE the counts as a table."""
    rules = rules or load_code_rules()
    counts = database.read_now(lambda tx: count_rights(tx, rules=rules))
    open_clocks = database.read_now(lambda tx: list_open(tx, rules))
    if given.csv is not None:
        _write_csv(given.csv, counts, rules)
        print(f"Wrote {given.csv}")
    elif given.json:
        print(json.dumps(to_json(counts, open_clocks, rules), indent=1))
    else:
        print("\n".join(_describe(counts, open_clocks, rules)))
    return 0


def list_open(tx: Any, rules: CodeRules) -> list[dict[str, Any]]:
    """What is overdue or ends today, the longest overdue first, as the export has it."""
    today = local_day(tx.now)
    return [
        {
            "crime_reference": stored.crime_reference,
            "right": stored.right,
            "clock": stored.clock_id,
            "started_by": stored.started_by,
            "started_at": stored.started_at.isoformat(),
            "due_on": None if stored.status is ClockStatus.UNDATED else stored.due_on.isoformat(),
            "enhanced": stored.is_enhanced,
            "state": _state(find_state(stored, rules=rules, now=tx.now)),
        }
        for stored in tx.clocks.list_open(until=today, limit=MOST_LISTED)
    ]


def _state(state: ClockState | None) -> str:
    return "undated" if state is None else state.value


def find_caveats(rules: CodeRules) -> dict[str, str]:
    """Right -> what must be known of its counts; those of which no limit is unsure have none."""
    unsure = {clock.right for clock in rules.clocks if not clock.show_to_victim}
    return {right: _caveat(right) for right in sorted(unsure, key=_number_of)}


def _caveat(right: str) -> str:
    return OTHER_CAVEAT.get(right, COUNTED_EARLY)


def to_json(
    counts: Mapping[str, RightCounts], open_clocks: list[dict[str, Any]], rules: CodeRules
) -> dict[str, Any]:
    return {
        "rights": {right: asdict(each) for right, each in counts.items()},
        "due_today_or_overdue": open_clocks,
        "caveats": find_caveats(rules),
        "sources": {clock.id: list(_sources(clock)) for clock in rules.clocks},
    }


def _sources(clock: CodeClock) -> tuple[str, ...]:
    return tuple(title for _, title in clock.source)


def _write_csv(path: Path, counts: Mapping[str, RightCounts], rules: CodeRules) -> None:
    caveats = find_caveats(rules)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["right", *COUNTS, "caveat"])
        for right, each in counts.items():
            writer.writerow([right, *asdict(each).values(), caveats.get(right, "")])


def _describe(
    counts: Mapping[str, RightCounts], open_clocks: list[dict[str, Any]], rules: CodeRules
) -> list[str]:
    if not counts:
        return ["No limit of the Victims' Code was started yet."]
    widths = [max(8, len(name) + 2) for name in COUNTS]
    lines = ["right     " + "".join(_in_words(name).rjust(w) for name, w in zip(COUNTS, widths, strict=True))]
    for right, each in counts.items():
        row = "".join(str(n).rjust(w) for n, w in zip(asdict(each).values(), widths, strict=True))
        lines.append(f"{_in_words(right):10}{row}")
    overdue = sum(each["state"] == ClockState.OVERDUE.value for each in open_clocks)
    undated = sum(each["due_on"] is None for each in open_clocks)
    lines += ["", f"{len(open_clocks) - overdue - undated} end today, {overdue} are overdue."]
    if undated:
        lines.append(f"{undated} have no date: the list of bank holidays ends before theirs.")
    if len(open_clocks) >= MOST_LISTED:
        lines.append(f"(Of the {MOST_LISTED} that are oldest; the table counts all.)")
    lines += ["", *(f"{_in_words(right)}: {caveat}." for right, caveat in find_caveats(rules).items())]
    return lines


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _number_of(right: str) -> int:
    return int(right.removeprefix("right_"))
