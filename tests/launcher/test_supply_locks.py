"""The locks, and the list of what Waymark is made of, which is made from them."""

import json
import subprocess
from pathlib import Path

import pytest

from launcher.environments import SetupFailed, find_uv, prepare
from launcher.supply_locks import PROJECTS, SERVICE, LockUnreadable, Project, find_running, read_lock
from launcher.supply_sbom import find_stale, render_sbom
from tests.launcher.supply_trees import HASH, make_tree
from tests.support.running import ROOT

# Written in two parts, so that this file names none of them.
REGISTRIES = [
    f"{name}.{ending}"
    for name, ending in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb.debian", "org"),
        ("archive.ubuntu", "com"),
        ("crates", "io"),
    )
]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda each: each.key)
def test_every_entry_of_a_lock_is_read_and_has_a_hash(project: Project) -> None:
    """Red when: an entry is written in a way the reader passes over."""
    text = (ROOT / project.lock).read_text()
    entries = read_lock(ROOT / project.lock)

    assert len(entries) == sum("==" in line for line in text.splitlines() if line[:1].isalnum()) > 100
    assert sum(len(entry.sha256) for entry in entries) == text.count("--hash=sha256:")
    assert all(entry.sha256 for entry in entries)


@pytest.mark.parametrize(
    "lock",
    [
        "glue==1.4\n",
        "glue==1.4 \\\n    # via waymark\n",
        f"glue>=1.4 \\\n    {HASH}\n",
        f"-e .\nglue==1.4 \\\n    {HASH}\n",
        f"glue @ git+ssh://somewhere/glue \\\n    {HASH}\n",
        f"glue==1.4 \\\n    {HASH[:-1]}\n",
        f"--index-url somewhere\nglue==1.4 \\\n    {HASH}\n",
        "",
    ],
)
def test_a_lock_with_anything_else_in_it_is_refused(tmp_path: Path, lock: str) -> None:
    """Red when: a line without a hash, or from an address, is taken for nothing."""
    (tmp_path / "requirements.lock").write_text(lock)

    with pytest.raises(LockUnreadable):
        read_lock(tmp_path / "requirements.lock")


def test_what_only_tests_need_is_told_from_what_runs(tmp_path: Path) -> None:
    """Red when: nothing, or everything, counts as running."""
    root = make_tree(tmp_path)
    entries = read_lock(root / "requirements.lock")
    ours = find_running(read_lock(ROOT / "requirements.lock"), SERVICE)

    assert find_running(entries, SERVICE) == {"glue"}
    assert {"aiohttp", "multidict", "cryptography"} <= ours
    assert ours.isdisjoint({"pytest", "playwright", "mypy"})


def test_installing_refuses_a_package_without_a_hash(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when: uv is no longer told to ask for hashes; it then looks for the package instead."""
    uv = find_uv(ROOT)
    assert uv is not None
    (tmp_path / ".tools" / "bin").mkdir(parents=True)
    (tmp_path / ".tools" / "bin" / "uv").symlink_to(uv)
    (tmp_path / "requirements.lock").write_text("six==1.17.0\n")
    monkeypatch.setenv("UV_OFFLINE", "1")

    with pytest.raises(SetupFailed):
        prepare(tmp_path, ["queue"])

    assert "must have a hash" in capfd.readouterr().err.replace("\n", " ")
    assert not list((tmp_path / ".venv").glob("lib/*/site-packages/six*"))


def test_no_file_names_a_package_registry() -> None:
    """Forces install from a mirror of their own. Red when: a tool writes an address into a lock or a script."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = [ROOT / name for name in told.stdout.split("\0") if name]
    held = [(file, file.read_bytes()) for file in files if file.is_file()]

    assert len(held) > 500
    assert [
        f"{file.relative_to(ROOT)}: {host}"
        for file, bytes_ in held
        for host in REGISTRIES
        if host.encode() in bytes_
    ] == []


def test_the_lists_are_what_the_locks_give() -> None:
    """Red when: a lock changed, or a list was changed by hand. The remedy is `./waymark supply list`."""
    assert [path.name for path in find_stale(ROOT)] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "bot/requirements.lock"])
def test_a_lock_that_moved_makes_its_list_stale(tmp_path: Path, lock: str) -> None:
    """Red when: the list is compared with itself."""
    root = make_tree(tmp_path)
    path = root / lock
    path.write_text(path.read_text().replace("paper==2.0", "paper==2.1"))

    assert [stale.name for stale in find_stale(root)] == [
        "bot.cdx.json" if lock.startswith("bot") else "service.cdx.json"
    ]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda each: each.key)
def test_a_list_is_whole_and_points_nowhere_else(project: Project) -> None:
    """Red when: a package is left out, is there twice, or a dependency names what is not in it."""
    held = json.loads(render_sbom(ROOT, project))
    refs = [each["bom-ref"] for each in held["components"]]
    pinned = {f"pkg:pypi/{entry.name}@{entry.version}" for entry in read_lock(ROOT / project.lock)}
    named = {ref for row in held["dependencies"] for ref in (row["ref"], *row["dependsOn"])}

    assert (held["bomFormat"], held["specVersion"]) == ("CycloneDX", "1.6")
    assert len(refs) == len(set(refs))
    assert {ref for ref in refs if ref.startswith("pkg:pypi/")} == pinned
    assert named == pinned | {project.name}
    assert "timestamp" not in held["metadata"]
