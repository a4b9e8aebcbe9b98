"""`./waymark supply`: what Waymark is made of, and what is known against it.

`docs/supply-chain.md` says how it is kept.
"""

from argparse import Namespace
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

from casework.model.errors import WaymarkError
from launcher.supply_advisories import SNAPSHOT, Snapshot, SnapshotUnreadable, load_snapshot, write_snapshot
from launcher.supply_audit import Audit, audit, say_certain, say_of_today
from launcher.supply_import import import_export
from launcher.supply_locks import PROJECTS, read_lock
from launcher.supply_sbom import find_stale


def run_supply(given: Namespace) -> int:
    """0 well, 1 something is wrong, 2 refused."""
    today = datetime.now(UTC).date()
    if given.act == "list":
        return _list(given.root)
    if given.act == "update":
        return _update(given.root, given.export, today)
    return run_audit(given.root, today, is_strict=given.act == "audit")


def run_audit(root: Path, today: date, *, is_strict: bool) -> int:
    """Prints what is wrong first. `is_strict`: what is wrong only because time passed counts as well."""
    try:
        stale = find_stale(root)
        found = audit(root)
    except WaymarkError as blind:
        print(f"This audit saw nothing, so it passes nothing. {blind}")
        return 1
    lists = (f"{path.name} is not what the locks give: run ./waymark supply list" for path in stale)
    certain = [*lists, *say_certain(found)]
    dated = list(say_of_today(found, today))
    wrong = [*certain, *dated] if is_strict else certain
    for line in wrong:
        print(line)
    if dated and not is_strict:
        print(f"Of today, and no fault of the tree ({len(dated)}; ./waymark supply audit fails on them):")
        print("\n".join(dated))
    _say_known(found)
    print(f"{len(wrong)} to put right." if wrong else "Nothing to put right.")
    return 1 if wrong else 0


def _say_known(found: Audit) -> None:
    """What was looked into and what is waived: words beside the judgement, none of it wrong."""
    for row in found.looked:
        how = "the whole of it" if row.is_whole else "in part"
        print(f"Searched {how}, for {len(row.packages)} packages, as of {row.as_of}: {row.source}")
    waived = Counter(flaw.waiver for flaw in found.flaws if flaw.waiver is not None)
    print(f"{len(found.checked)} packages, {len(found.flaws)} known flaws, {waived.total()} of them waived:")
    for waiver, count in waived.items():
        print(f"  {waiver.package} {waiver.version} ({waiver.project}): {count}, until {waiver.until}")


def _list(root: Path) -> int:
    for path, held in find_stale(root).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(held)
        print(f"{path.relative_to(root)}: written")
    for project in PROJECTS:
        print(f"{project.key}: {len(read_lock(root / project.lock))} packages")
    return 0


def _update(root: Path, export: Path | None, today: date) -> int:
    if export is None:
        print(
            "Which export? ./waymark supply update --from FILE; docs/supply-chain.md says where it comes from."
        )
        return 2
    packages = {entry.name for project in PROJECTS for entry in read_lock(root / project.lock)}
    made = import_export(export, packages=packages, known=_find_known(root), today=today)
    write_snapshot(root / SNAPSHOT, made.snapshot)
    count = len(made.snapshot.advisories)
    print(f"{SNAPSHOT}: {count} advisories on {len(packages)} packages, known up to {made.as_of}")
    if made.kept:
        print(f"Kept, though the export does not have them: {', '.join(sorted(made.kept))}")
    return run_audit(root, today, is_strict=True)


def _find_known(root: Path) -> Snapshot | None:
    try:
        return load_snapshot(root / SNAPSHOT)
    except SnapshotUnreadable as fault:
        print(f"Nothing is carried over: {fault}")
        return None
