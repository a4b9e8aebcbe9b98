"""What the two lock files pin: every package with its version, its hashes and what asked for it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from casework.model.errors import WaymarkError

_PINNED = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))?(?: \\)?")
_HASH = re.compile(r"    --hash=sha256:(?P<sha256>[0-9a-f]{64})(?: \\)?")
_VIA = re.compile(r"    #(?: via|  )(?: (?P<name>\S+))?")
# Both projects name the systems they are for; what every entry says, says nothing of one.
EVERYWHERE = "sys_platform == 'darwin' or sys_platform == 'linux'"


class LockUnreadable(WaymarkError):
    """A line of a lock file that is none of ours, or an entry without a hash."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """One of the two environments: `name` is what its pyproject calls it."""

    key: str
    name: str
    lock: Path
    python: str


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """One entry of a lock. `sha256`: of each file it may be installed from; `marker`: where it is wanted at all."""

    name: str
    version: str
    marker: str
    sha256: tuple[str, ...]
    asked_for_by: tuple[str, ...]


SERVICE = Project(key="service", name="waymark", lock=Path("requirements.lock"), python="3.11")
BOT = Project(key="bot", name="waymark-bot", lock=Path("bot/requirements.lock"), python="3.10")
PROJECTS = (SERVICE, BOT)


def read_lock(path: Path) -> tuple[Pinned, ...]:
    """Every entry in the file's order. Raises LockUnreadable for a line it does not know: nothing is passed over."""
    entries = [_parse_entry(lines) for lines in _split(path)]
    if not entries:
        raise LockUnreadable(f"{path.name} pins nothing")
    return tuple(entries)


def _split(path: Path) -> Iterator[list[str]]:
    entry: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        is_new = not line.startswith(" ")
        pattern = _PINNED if is_new else _HASH if "--hash" in line else _VIA
        if not pattern.fullmatch(line) or (not is_new and not entry):
            raise LockUnreadable(f"{path.name}, line {number}: {line.strip()[:60]!r} is no entry of a lock")
        if is_new and entry:
            yield entry
            entry = []
        entry.append(line)
    if entry:
        yield entry


def _parse_entry(lines: Sequence[str]) -> Pinned:
    head = _PINNED.fullmatch(lines[0])
    assert head is not None
    hashes = tuple(found["sha256"] for line in lines[1:] if (found := _HASH.fullmatch(line)))
    if not hashes:
        raise LockUnreadable(f"{head['name']} {head['version']} has no hash, so anything could be installed")
    via = (found["name"] for line in lines[1:] if "--hash" not in line and (found := _VIA.fullmatch(line)))
    return Pinned(
        name=head["name"],
        version=head["version"],
        marker=head["marker"] or "",
        sha256=hashes,
        asked_for_by=tuple(name for name in via if name),
    )


def find_running(entries: Sequence[Pinned], project: Project) -> frozenset[str]:
    """The names that run with the service; the rest is for developers and tests alone."""
    asks: dict[str, set[str]] = {}
    for entry in entries:
        for asker in entry.asked_for_by:
            asks.setdefault(asker, set()).add(entry.name)
    return _reach(asks, project.name)


def _reach(asks: Mapping[str, set[str]], start: str) -> frozenset[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        for name in asks.get(ahead.pop(), set()) - reached:
            reached.add(name)
            ahead.append(name)
    return frozenset(reached)
