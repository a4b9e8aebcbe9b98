"""The numbers of the workbench, read once and checked. See workbench.toml."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from casework.model.disclosures import Category
from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_date, as_text, read_toml

WORKBENCH_FILE = Path(__file__).with_name("workbench.toml")
COPYING = ("masked", "reworded")


@dataclass(frozen=True, kw_only=True)
class WorkbenchLimits:
    """Each as workbench.toml says it."""

    quiet: timedelta
    least_confidence: float
    least_gap: float
    below_red: float
    share_of_amber: float
    late_from: int
    most_of_a_talk: int
    left_within: timedelta
    sample_one_in: int
    second_one_in: int
    blind_one_in: int
    undo_last: int
    session_gap: timedelta
    rest_after: timedelta
    rest_after_graphic: int
    agreement: timedelta
    test_one_in: int
    copying: str
    restricted_crimes: tuple[str, ...]
    restricted_dangers: frozenset[Category]

    def is_restricted_crime(self, crime_type: str) -> bool:
        said = crime_type.casefold()
        return any(piece in said for piece in self.restricted_crimes)


@cache
def load_workbench_limits() -> WorkbenchLimits:
    return parse_workbench_limits(read_toml(WORKBENCH_FILE))


def parse_workbench_limits(tables: dict[str, Any]) -> WorkbenchLimits:
    """Raises SettingsInvalid for what is missing, unknown or out of its range."""
    try:
        as_text(tables["source"]), as_date(tables["review_by"])
        limits = _parse(tables)
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"workbench.toml: {fault!r} is missing or of the wrong kind") from fault
    shares = (
        limits.least_confidence,
        limits.least_gap,
        limits.below_red,
        limits.share_of_amber,
    )
    if not all(0 <= share <= 1 for share in shares):
        raise SettingsInvalid("workbench.toml, unsure: every number is from 0 to 1")
    counts = (
        limits.late_from,
        limits.most_of_a_talk,
        limits.sample_one_in,
        limits.second_one_in,
        limits.blind_one_in,
        limits.undo_last,
        limits.rest_after_graphic,
        limits.test_one_in,
    )
    if min(counts) < 1 or limits.quiet <= timedelta(0) or limits.copying not in COPYING:
        raise SettingsInvalid(f"workbench.toml: counts and minutes are above 0, copying is one of {COPYING}")
    return limits


def _parse(tables: dict[str, Any]) -> WorkbenchLimits:
    unsure, review, people, examples = (tables[name] for name in ("unsure", "review", "people", "examples"))
    return WorkbenchLimits(
        quiet=timedelta(minutes=float(tables["live"]["quiet_minutes"])),
        least_confidence=float(unsure["least_confidence"]),
        least_gap=float(unsure["least_gap"]),
        below_red=float(unsure["below_red"]),
        share_of_amber=float(unsure["share_of_amber"]),
        late_from=int(review["late_from"]),
        most_of_a_talk=int(review["most_of_a_talk"]),
        left_within=timedelta(minutes=float(review["left_within_minutes"])),
        sample_one_in=int(review["sample_one_in"]),
        second_one_in=int(people["second_one_in"]),
        blind_one_in=int(people["blind_one_in"]),
        undo_last=int(people["undo_last"]),
        session_gap=timedelta(minutes=float(people["session_gap_minutes"])),
        rest_after=timedelta(minutes=float(people["rest_after_minutes"])),
        rest_after_graphic=int(people["rest_after_graphic"]),
        agreement=timedelta(days=float(people["agreement_days"])),
        test_one_in=int(examples["test_one_in"]),
        copying=str(examples["copying"]),
        restricted_crimes=tuple(piece.casefold() for piece in examples["restricted_crimes"]),
        restricted_dangers=frozenset(Category(name) for name in examples["restricted_dangers"]),
    )
