"""What is known against the packages we pin, judged: known flaws, waivers, and where nobody looked.

An audit that cannot see says so and fails: a tool that could not reach its database called these very packages free of
known flaws.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from launcher.supply_advisories import SNAPSHOT, Advisory, Coverage, Snapshot, load_snapshot
from launcher.supply_locks import PROJECTS, Pinned, Project, find_running, read_lock
from launcher.supply_waivers import WAIVERS, Waiver, load_waivers

LONGEST_AGE = timedelta(days=14)
MOST_NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One known flaw of one pinned package. `is_running`: False where only tests and developers use it."""

    project: str
    entry: Pinned
    advisory: Advisory
    is_running: bool
    waiver: Waiver | None


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was found, whatever the day is. `checked`: each pinned package with the day it was last looked up whole."""

    flaws: tuple[Flaw, ...]
    waivers: tuple[Waiver, ...]
    looked: tuple[Coverage, ...]
    checked: Mapping[str, date | None]

    @property
    def undecided(self) -> tuple[Flaw, ...]:
        return tuple(flaw for flaw in self.flaws if flaw.waiver is None)

    @property
    def idle(self) -> tuple[Waiver, ...]:
        """Waivers that waive nothing: the package moved, or a name in them is of no flaw it has."""
        used = {(id(flaw.waiver), name) for flaw in self.flaws for name in flaw.advisory.names}
        return tuple(
            each for each in self.waivers if any((id(each), name) not in used for name in each.names)
        )

    def list_expired(self, today: date) -> tuple[Waiver, ...]:
        return tuple(waiver for waiver in self.waivers if waiver.until < today)

    def list_unseen(self, today: date) -> tuple[str, ...]:
        """The packages of which nothing can be said on this day: never looked up, or too long ago."""
        oldest = today - LONGEST_AGE
        return tuple(sorted(name for name, at in self.checked.items() if at is None or at < oldest))


def audit(root: Path) -> Audit:
    """Reads locks, snapshot and waivers of the tree. Raises what they raise: an audit without its data is no pass."""
    locks = {project: read_lock(root / project.lock) for project in PROJECTS}
    return judge(locks, load_snapshot(root / SNAPSHOT), load_waivers(root / WAIVERS, root=root))


def judge(locks: Mapping[Project, Sequence[Pinned]], snapshot: Snapshot, waivers: Sequence[Waiver]) -> Audit:
    names = {entry.name for entries in locks.values() for entry in entries}
    return Audit(
        flaws=tuple(_find_flaws(locks, snapshot, waivers)),
        waivers=tuple(waivers),
        looked=snapshot.coverage,
        checked={name: snapshot.find_checked(name) for name in sorted(names)},
    )


def _find_flaws(
    locks: Mapping[Project, Sequence[Pinned]], snapshot: Snapshot, waivers: Sequence[Waiver]
) -> Iterator[Flaw]:
    for project, entries in locks.items():
        running = find_running(entries, project)
        for entry in entries:
            for advisory in snapshot.list_affecting(entry.name, entry.version):
                held = (each for each in waivers if _waives(each, project, entry, advisory))
                yield Flaw(
                    project=project.key,
                    entry=entry,
                    advisory=advisory,
                    is_running=entry.name in running,
                    waiver=next(held, None),
                )


def _waives(waiver: Waiver, project: Project, entry: Pinned, advisory: Advisory) -> bool:
    is_of_it = (waiver.project, waiver.package, waiver.version) == (project.key, entry.name, entry.version)
    return is_of_it and not advisory.names.isdisjoint(waiver.names)


def say_certain(found: Audit) -> Iterator[str]:
    """What is wrong whatever the day is, a sentence each; nothing where nothing is."""
    for flaw in found.undecided:
        yield f"Nobody has decided about {say_flaw(flaw)}"
    for waiver in found.idle:
        yield (
            f"A waiver for {waiver.package} {waiver.version} in {waiver.project} names a flaw it does not have: "
            f"take it out of {WAIVERS} ({', '.join(waiver.names[:MOST_NAMED])})"
        )


def say_of_today(found: Audit, today: date) -> Iterator[str]:
    """What is wrong because of the day it is, a sentence each; nothing where nothing is."""
    for waiver in found.list_expired(today):
        yield (
            f"A waiver has run out: {waiver.package} {waiver.version} in {waiver.project}, on {waiver.until}. "
            f"{waiver.looks_again} looks again ({', '.join(waiver.names[:MOST_NAMED])})"
        )
    if unseen := found.list_unseen(today):
        yield "\n".join(_say_unseen(found, unseen, today))


def _say_unseen(found: Audit, unseen: Sequence[str], today: date) -> Iterator[str]:
    yield (
        f"This audit is blind for {len(unseen)} of {len(found.checked)} packages: what it does not name may still "
        "be flawed. Bring in a new export: docs/supply-chain.md"
    )
    for at, count in sorted(Counter(found.checked[name] for name in unseen).items(), key=str):
        some = [name for name in unseen if found.checked[name] == at]
        age = (
            f"last searched for on {at}, {(today - at).days} days ago (at most {LONGEST_AGE.days})"
            if at
            else ""
        )
        when = age or "never searched for in the whole of the databases"
        more = f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
        yield f"  {count} {when}: {', '.join(some[:MOST_NAMED])}{more}"


def say_flaw(flaw: Flaw) -> str:
    """One line: where, what, how bad, and in which version it is mended."""
    advisory, entry = flaw.advisory, flaw.entry
    severity = f", {advisory.severity}" if advisory.severity else ""
    mended = f"mended in {advisory.fixed_in}" if advisory.fixed_in else "no mended version known"
    use = "" if flaw.is_running else ", for tests alone"
    where = f"{advisory.id} in {entry.name} {entry.version} ({flaw.project}{use}{severity}; {mended})"
    return f"{where}: {advisory.summary}"
