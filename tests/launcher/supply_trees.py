"""A small tree with two locks, a snapshot and waivers of its own, for tests of the supply chain."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from launcher.supply_advisories import SNAPSHOT, Advisory, Coverage, Snapshot, Span, write_snapshot
from launcher.supply_sbom import THIRD_PARTY, find_stale
from launcher.supply_waivers import WAIVERS

TODAY = date(2026, 11, 23)
HASH = "--hash=sha256:" + "a" * 64
FLAW = Advisory(
    id="CVE-2026-0001",
    package="glue",
    summary="It comes apart",
    source="a test",
    recorded=TODAY,
    aliases=("GHSA-aaaa-bbbb-cccc",),
    spans=(Span(introduced="1.0", fixed="1.5"),),
)
WAIVER: dict[str, Any] = {
    "project": "service",
    "package": "glue",
    "version": "1.4",
    "names": ["CVE-2026-0001"],
    "why": "Nobody pulls at what is glued here, and a test sees to it.",
    "held_by": ["requirements.lock"],
    "looks_again": "The lead developer",
    "since": date(2026, 11, 1),
    "until": date(2026, 12, 1),
}


def make_tree(
    root: Path,
    *,
    advisories: tuple[Advisory, ...] = (FLAW,),
    as_of: date = TODAY,
    is_whole: bool = True,
    covered: tuple[str, ...] = ("glue", "paper"),
    waivers: tuple[dict[str, Any], ...] = (),
) -> Path:
    """Glue 1.4 runs with the service, paper 2.0 with its tests and with the assistant. The lists are current."""
    (root / "bot").mkdir()
    (root / "supply").mkdir()
    paper = f"paper==2.0 \\\n    {HASH}\n"
    (root / "requirements.lock").write_text(f"glue==1.4 \\\n    {HASH}\n    # via waymark\n{paper}")
    (root / "bot" / "requirements.lock").write_text(f"{paper}    # via waymark-bot\n")
    (root / THIRD_PARTY).write_text("file = []\n")
    row = Coverage(as_of=as_of, source="a test", is_whole=is_whole, packages=covered)
    write_snapshot(root / SNAPSHOT, Snapshot(coverage=(row,), advisories=advisories))
    (root / WAIVERS).write_text("".join(write_waiver(waiver) for waiver in waivers))
    for path, held in find_stale(root).items():
        path.write_text(held)
    return root


def write_waiver(waiver: Mapping[str, Any]) -> str:
    """As TOML: texts and lists are written as JSON writes them."""
    lines = (
        f"{key} = {value if isinstance(value, date) else json.dumps(value)}" for key, value in waiver.items()
    )
    return "\n".join(["[[waiver]]", *lines, ""])


def osv_record(name: str, **more: Any) -> dict[str, Any]:
    """One record of an OSV export: glue is affected before 1.5, unless `more` says otherwise."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": "glue"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.5"}]}],
    }
    return {
        "id": name,
        "modified": "2026-11-20T08:00:00Z",
        "summary": "It comes apart",
        "affected": [affected],
    } | more


def write_export(folder: Path, *records: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for record in records:
        (folder / f"{record['id']}.json").write_text(json.dumps(record))
    return folder
