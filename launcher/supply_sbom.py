"""The list of what Waymark is made of: CycloneDX 1.6 JSON of each environment, made from its lock and nothing else.

No time and no random number is in it, so the same lock gives the same bytes, and a test compares them. Written by hand
and not with cyclonedx-python-lib: these are six fixed keys, and the library would bring six packages of its own.
"""

import hashlib
import json
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from launcher.supply_locks import EVERYWHERE, PROJECTS, SERVICE, Pinned, Project, find_running, read_lock

SPEC_VERSION = "1.6"
MARKER = "waymark:only-where"
THIRD_PARTY = Path("third_party.toml")


def sbom_path(root: Path, project: Project) -> Path:
    return root / "supply" / f"{project.key}.cdx.json"


def find_stale(root: Path) -> dict[Path, str]:
    """The files that are not what the locks give, with what they ought to hold."""
    wanted = {sbom_path(root, project): render_sbom(root, project) for project in PROJECTS}
    return {path: held for path, held in wanted.items() if not path.exists() or path.read_text() != held}


def render_sbom(root: Path, project: Project) -> str:
    """The document as text, ending in a line break."""
    entries = read_lock(root / project.lock)
    running = find_running(entries, project)
    packages = [_component(entry, is_running=entry.name in running) for entry in entries]
    vendored = list(_vendored(root)) if project is SERVICE else []
    digest = hashlib.sha256(json.dumps([packages, vendored], sort_keys=True).encode()).hexdigest()
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": project.name, "name": project.name}},
        "components": sorted([*packages, *vendored], key=lambda each: str(each["bom-ref"])),
        "dependencies": _dependencies(entries, project),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _component(entry: Pinned, *, is_running: bool) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _ref(entry),
        "name": entry.name,
        "version": entry.version,
        "scope": "required" if is_running else "excluded",
        "hashes": [{"alg": "SHA-256", "content": sha256} for sha256 in sorted(entry.sha256)],
        "purl": _ref(entry),
    }
    if entry.marker and entry.marker != EVERYWHERE:
        component["properties"] = [{"name": MARKER, "value": entry.marker}]
    return component


def _ref(entry: Pinned) -> str:
    return f"pkg:pypi/{entry.name}@{entry.version}"


def _vendored(root: Path) -> Iterator[dict[str, Any]]:
    """What others wrote and the web ships, by file: their packages are of another registry than Python's."""
    for file in tomllib.loads((root / THIRD_PARTY).read_text())["file"]:
        purl = f"pkg:npm/{file['name']}@{file['version']}"
        yield {
            "type": "file",
            "bom-ref": f"{purl}#{file['path']}",
            "name": file["path"],
            "version": file["version"],
            "scope": "required",
            "hashes": [{"alg": "SHA-256", "content": file["sha256"]}],
            "licenses": [{"license": {"id": file["licence"]}}],
            "purl": purl,
        }


def _dependencies(entries: Sequence[Pinned], project: Project) -> list[dict[str, Any]]:
    # One name may be pinned twice, for different Pythons: whoever asks for it asks for both.
    wanted: dict[str, set[str]] = {project.name: set(), **{entry.name: set() for entry in entries}}
    for entry in entries:
        for asker in entry.asked_for_by or (project.name,):
            wanted[asker].add(_ref(entry))
    refs = [(project.name, project.name), *((_ref(entry), entry.name) for entry in entries)]
    return [{"ref": ref, "dependsOn": sorted(wanted[name])} for ref, name in sorted(refs)]
