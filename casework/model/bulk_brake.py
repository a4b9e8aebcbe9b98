"""When an import is too large to believe without two people: the limits, and what is kept of one that waits."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from casework.model.errors import SettingsInvalid, WaymarkError
from casework.model.stages import STAGE_IDS
from casework.model.toml_files import read_toml

LIMITS_FILE = Path(__file__).with_name("bulk_brake.toml")


class ImportNotFound(WaymarkError):
    """No import has this id."""


class ImportDecided(WaymarkError):
    """The import no longer waits: it was applied or refused."""


class SamePerson(WaymarkError):
    """The second approval must be another person's."""


class HeldWhy(StrEnum):
    MANY_CHANGED = "many_changed"
    MANY_FRIGHTENED = "many_frightened"


class ImportStatus(StrEnum):
    HELD = "held"
    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class ImportCounts:
    """What an import would do, or did: how many cases, and how many known ones enter which stage. No names."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    entered: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.new + self.changed + self.unchanged

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            entered=dict(Counter(self.entered) + Counter(other.entered)),
        )

    def to_json(self) -> dict[str, Any]:
        counts = {"new": self.new, "changed": self.changed, "unchanged": self.unchanged}
        return counts | {"entered": dict(sorted(self.entered.items()))}

    @classmethod
    def from_json(cls, summary: Mapping[str, Any]) -> "ImportCounts":
        return cls(**{name: summary[name] for name in ("new", "changed", "unchanged", "entered")})


@dataclass(frozen=True, kw_only=True)
class StoredImport:
    """One import as it is kept. `summary` holds ImportCounts, why it is held, and a digest of what was sent."""

    id: str
    source: str
    filename: str
    summary: Mapping[str, Any]
    status: ImportStatus
    held_at: datetime
    held_by: str
    first_approved_by: str | None
    decided_by: str | None
    decided_at: datetime | None

    @property
    def counts(self) -> ImportCounts:
        return ImportCounts.from_json(self.summary)

    @property
    def why(self) -> tuple[HeldWhy, ...]:
        return tuple(HeldWhy(why) for why in self.summary.get("why", ()))


@dataclass(frozen=True, kw_only=True)
class BrakeLimits:
    """Held above the greater of `fewest` cases and `share` of the stored ones."""

    changed_fewest: int
    changed_share: float
    frightened_fewest: int
    frightened_share: float
    frightening_stages: frozenset[str]

    def count_frightened(self, counts: ImportCounts) -> int:
        return sum(number for stage, number in counts.entered.items() if stage in self.frightening_stages)

    def why_held(self, counts: ImportCounts, count_stored: Callable[[], int]) -> tuple[HeldWhy, ...]:
        """Empty when it may be applied at once. `count_stored` is asked only when that decides."""
        frightened = self.count_frightened(counts)
        if counts.changed <= self.changed_fewest and frightened <= self.frightened_fewest:
            return ()
        stored = count_stored()
        why = []
        if counts.changed > max(self.changed_fewest, self.changed_share * stored):
            why.append(HeldWhy.MANY_CHANGED)
        if frightened > max(self.frightened_fewest, self.frightened_share * stored):
            why.append(HeldWhy.MANY_FRIGHTENED)
        return tuple(why)


def is_same_person(one: str, other: str) -> bool:
    """By name alone, however it is spaced or capitalised."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())


def load_brake_limits(path: Path = LIMITS_FILE) -> BrakeLimits:
    """Raises SettingsInvalid, with the place and the remedy, for a limit that is missing or makes no sense."""
    tables = read_toml(path)
    try:
        changed, frightening = tables["changed"], tables["frightening"]
        limits = BrakeLimits(
            changed_fewest=int(changed["fewest"]),
            changed_share=float(changed["share"]),
            frightened_fewest=int(frightening["fewest"]),
            frightened_share=float(frightening["share"]),
            frightening_stages=frozenset(frightening["stages"]),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r} is missing, unknown or of the wrong kind") from fault
    for name, share in (("changed", limits.changed_share), ("frightening", limits.frightened_share)):
        if not 0 <= share < 1:
            raise SettingsInvalid(f"{path.name}: {name}.share is {share}; it must be from 0 to below 1")
    if min(limits.changed_fewest, limits.frightened_fewest) < 0:
        raise SettingsInvalid(f"{path.name}: fewest must be 0 or more")
    if unknown := limits.frightening_stages - STAGE_IDS:
        raise SettingsInvalid(f"{path.name}: {sorted(unknown)[0]!r} is no stage of docs/case-file.md")
    return limits
