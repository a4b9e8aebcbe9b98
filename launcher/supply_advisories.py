"""The kept snapshot of known flaws in the packages we pin: its form, reading it, and asking it about one version.

The form is OSV's (ossf.github.io/osv-schema), cut down to what is asked. `coverage` says until when each package was
looked up: without it, no advisory and never looked would read the same.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from casework.model.errors import WaymarkError

SNAPSHOT = Path("supply/advisories.json")


class SnapshotUnreadable(WaymarkError):
    """There is no snapshot, or it is empty or not of the form: nothing is known then, and nothing may pass."""


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Affected from `introduced` on ("0": from the first), before `fixed`, or up to and with `last_affected`."""

    introduced: str = "0"
    fixed: str | None = None
    last_affected: str | None = None

    def holds(self, version: Version) -> bool:
        if self.introduced != "0" and version < Version(self.introduced):
            return False
        if self.fixed is not None and version >= Version(self.fixed):
            return False
        return self.last_affected is None or version <= Version(self.last_affected)


class Advisory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One known flaw of one package. `source`: where it was read; `recorded`: the day it was.

    `versions` are affected besides the spans. `severity` is a word, or empty where the source has none.
    """

    id: str
    package: str
    summary: str
    source: str
    recorded: date
    aliases: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    versions: tuple[str, ...] = ()
    severity: str = ""

    def affects(self, version: str) -> bool:
        """Raises InvalidVersion for a version that is none."""
        asked = Version(version)
        return any(span.holds(asked) for span in self.spans) or any(
            Version(each) == asked for each in self.versions
        )

    def check_versions(self) -> None:
        """Raises InvalidVersion for the first text that is no version: it could be compared with none."""
        for span in self.spans:
            for each in (span.introduced, span.fixed, span.last_affected):
                Version(each or "0")
        for each in self.versions:
            Version(each)

    @property
    def names(self) -> frozenset[str]:
        """The id and every other one it goes by."""
        return frozenset({self.id, *self.aliases})

    @property
    def fixed_in(self) -> str:
        """The version, or nothing where no fixed one is known."""
        return max((span.fixed for span in self.spans if span.fixed), key=Version, default="")


class Coverage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to `as_of` these packages were looked up in `source`. Only one that was searched whole can say "none"."""

    as_of: date
    source: str
    is_whole: bool
    packages: tuple[str, ...]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    coverage: tuple[Coverage, ...]
    advisories: tuple[Advisory, ...]

    def find_checked(self, package: str) -> date | None:
        """The day up to which everything known of a package is in here; None if nobody ever looked."""
        return max(
            (row.as_of for row in self.coverage if row.is_whole and package in row.packages), default=None
        )

    def list_affecting(self, package: str, version: str) -> tuple[Advisory, ...]:
        return tuple(each for each in self.advisories if each.package == package and each.affects(version))


def load_snapshot(path: Path) -> Snapshot:
    """Raises SnapshotUnreadable, with the place, for a file that is missing, empty or not of the form."""
    try:
        snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError) as fault:
        raise SnapshotUnreadable(f"{path.name} cannot be read: {fault}") from fault
    if not snapshot.coverage or not snapshot.advisories:
        raise SnapshotUnreadable(f"{path.name} is empty: it says nothing of any package")
    _check_advisories(path, snapshot.advisories)
    return snapshot


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """The same snapshot always gives the same bytes, one advisory after another by package and id."""
    ordered = Snapshot(
        coverage=tuple(sorted(snapshot.coverage, key=lambda row: (row.as_of, row.source))),
        advisories=tuple(sorted(snapshot.advisories, key=lambda each: (each.package, each.id))),
    )
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")


def _check_advisories(path: Path, advisories: Sequence[Advisory]) -> None:
    seen: set[tuple[str, str]] = set()
    for each in advisories:
        if (each.package, each.id) in seen:
            raise SnapshotUnreadable(f"{path.name}: {each.id} of {each.package} is there twice")
        seen.add((each.package, each.id))
        if not each.spans and not each.versions:
            raise SnapshotUnreadable(f"{path.name}: {each.id} names no version it affects")
        try:
            each.check_versions()
        except InvalidVersion as fault:
            raise SnapshotUnreadable(f"{path.name}: {each.id}: {fault}") from fault
