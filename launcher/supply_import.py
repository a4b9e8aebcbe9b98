"""An export of the OSV database, fetched where there is a network, brought into the kept snapshot.

`docs/supply-chain.md` has the steps. The day the snapshot is of is that of the export's newest record, never this
machine's clock: an old export stays old.
"""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import InvalidVersion, Version

from casework.model.errors import WaymarkError
from launcher.supply_advisories import Advisory, Coverage, Snapshot, Span

ECOSYSTEM = "PyPI"
# PyPA's database alone, one of those in an export, had 2,661 in October 2024; a handful is silent about the rest.
FEWEST_RECORDS = 1000
LONGEST_SUMMARY = 160
ADDRESS = "https://osv.dev/vulnerability/"
Json = Mapping[str, Any]


class ExportRefused(WaymarkError):
    """What was given is no whole, new and readable export; nothing was written."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The new snapshot, and the names of what was kept though the export no longer has it."""

    snapshot: Snapshot
    as_of: date
    kept: tuple[str, ...]


def import_export(
    path: Path, *, packages: Iterable[str], known: Snapshot | None, today: date, fewest: int = FEWEST_RECORDS
) -> Imported:
    """Everything the export says of `packages`.

    Raises ExportRefused: it has fewer than `fewest` records, is dated ahead, or is older than what is kept.
    """
    wanted = frozenset(packages)
    count, as_of = 0, date.min
    found: list[Advisory] = []
    withdrawn: set[str] = set()
    for record in filter(_is_ours, _read(path)):
        count += 1
        as_of = max(as_of, _modified(record))
        if "withdrawn" in record:
            withdrawn |= _names(record)
        else:
            found.extend(_parse(record, wanted))
    if count < fewest:
        raise ExportRefused(f"{path.name} has {count} records of {ECOSYSTEM}; a whole export has thousands")
    _check_age(path, as_of, known, today)
    read = merge(found)
    names = {(each.package, name) for each in read for name in each.names}
    kept = tuple(
        each
        for each in (known.advisories if known else ())
        if not any((each.package, name) in names for name in each.names) and not each.names & withdrawn
    )
    row = Coverage(
        as_of=as_of, source=f"OSV export, {path.name}", is_whole=True, packages=tuple(sorted(wanted))
    )
    return Imported(
        snapshot=Snapshot(coverage=(row,), advisories=(*read, *kept)),
        as_of=as_of,
        kept=tuple(each.id for each in kept),
    )


def merge(advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """One for each flaw of a package: several databases report the same one, under names that point at each other."""
    by_package: dict[str, list[Advisory]] = {}
    for advisory in advisories:
        others = by_package.setdefault(advisory.package, [])
        same = [each for each in others if each.names & advisory.names]
        by_package[advisory.package] = [each for each in others if each not in same] + [
            _join([*same, advisory])
        ]
    return tuple(each for many in by_package.values() for each in many)


def _join(same: Sequence[Advisory]) -> Advisory:
    names = frozenset().union(*(each.names for each in same))
    first = min(same, key=lambda each: each.id)
    name = min(names, key=lambda each: (not each.startswith("CVE-"), not each.startswith("GHSA-"), each))
    return msgspec.structs.replace(
        first,
        id=name,
        aliases=tuple(sorted(names - {name})),
        spans=tuple(dict.fromkeys(span for each in same for span in each.spans)),
        versions=tuple(dict.fromkeys(version for each in same for version in each.versions)),
        severity=next((each.severity for each in same if each.severity), ""),
    )


def _read(path: Path) -> Iterator[Json]:
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                yield _record(file.read_bytes(), file.name)
            return
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(".json"):
                    yield _record(archive.read(name), name)
    except zipfile.BadZipFile as fault:
        raise ExportRefused(f"{path.name} is neither a folder nor a zip: {fault}") from fault


def _record(held: bytes, name: str) -> Json:
    try:
        record = json.loads(held)
        _modified(record), str(record["id"]), list(record.get("affected", ()))
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ExportRefused(f"{name} is no OSV record: {fault!r}") from fault
    return dict(record)


def _modified(record: Json) -> date:
    return datetime.fromisoformat(record["modified"]).date()


def _is_ours(record: Json) -> bool:
    return any(each.get("package", {}).get("ecosystem") == ECOSYSTEM for each in record.get("affected", ()))


def _check_age(path: Path, as_of: date, known: Snapshot | None, today: date) -> None:
    if as_of > today:
        raise ExportRefused(f"{path.name} is dated {as_of}, after today: one of the two clocks is wrong")
    newest = max((row.as_of for row in known.coverage if row.is_whole), default=None) if known else None
    if newest is not None and as_of < newest:
        raise ExportRefused(f"{path.name} is of {as_of}, older than the kept snapshot of {newest}")


def _parse(record: Json, wanted: frozenset[str]) -> Iterator[Advisory]:
    for affected in record["affected"]:
        package = affected.get("package", {})
        name = normalize(package.get("name", ""))
        if package.get("ecosystem") != ECOSYSTEM or name not in wanted:
            continue
        spans = tuple(
            span
            for each in affected.get("ranges", ())
            if each["type"] == "ECOSYSTEM"
            for span in _spans(record["id"], each["events"])
        )
        versions = () if spans else tuple(v for v in affected.get("versions", ()) if _is_version(v))
        yield Advisory(
            id=record["id"],
            package=name,
            summary=_summary(record),
            source=ADDRESS + record["id"],
            recorded=_modified(record),
            aliases=tuple(record.get("aliases", ())),
            # Told only by commits: nobody can say which version is safe, so none is.
            spans=spans if spans or versions else (Span(),),
            versions=versions,
            severity=str(record.get("database_specific", {}).get("severity", "")).lower(),
        )


def _spans(name: str, events: Sequence[Json]) -> Iterator[Span]:
    """OSV tells a range as events in any order: each `introduced` runs up to the next `fixed` or `last_affected`."""
    try:
        told = sorted(
            ((kind, str(version)) for event in events for kind, version in event.items() if kind != "limit"),
            key=lambda each: (Version(each[1]), each[0] != "introduced"),
        )
    except InvalidVersion as fault:
        raise ExportRefused(f"{name}: {fault}") from fault
    begun: str | None = None
    for kind, version in told:
        if kind == "introduced":
            begun = version if begun is None else begun
        elif begun is not None:
            yield Span(introduced=begun, **{kind: version})
            begun = None
    if begun is not None:
        yield Span(introduced=begun)


def normalize(name: str) -> str:
    """A package's name as lock files write it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _summary(record: Json) -> str:
    text = " ".join(str(record.get("summary") or record.get("details") or "no words of its own").split())
    return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1] + "…"


def _names(record: Json) -> frozenset[str]:
    return frozenset({record["id"], *record.get("aliases", ())})
