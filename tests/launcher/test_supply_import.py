"""An export fetched elsewhere: what of it is taken, and what is refused."""

import zipfile
from argparse import Namespace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from launcher.supply import run_supply
from launcher.supply_advisories import SNAPSHOT, Snapshot, Span, load_snapshot, write_snapshot
from launcher.supply_import import ExportRefused, Imported, import_export
from tests.launcher.supply_trees import FLAW, TODAY, make_tree, osv_record, write_export

NAMES = ("glue", "paper")


def bring_in(path: Path, *, known: Snapshot | None = None, today: date = TODAY, fewest: int = 1) -> Imported:
    return import_export(path, packages=NAMES, known=known, today=today, fewest=fewest)


def of_glue(**affected: Any) -> list[dict[str, Any]]:
    return [{"package": {"ecosystem": "PyPI", "name": "glue"}, **affected}]


def test_a_zip_and_a_folder_give_the_same(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "all", osv_record("PYSEC-1"), osv_record("GHSA-2"))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)

    assert bring_in(tmp_path / "all.zip").snapshot.advisories == bring_in(folder).snapshot.advisories != ()


@pytest.mark.parametrize(
    ("events", "spans"),
    [
        ([{"introduced": "0"}, {"fixed": "1.5"}], (Span(fixed="1.5"),)),
        ([{"fixed": "1.5"}, {"introduced": "0"}], (Span(fixed="1.5"),)),
        ([{"introduced": "1.0"}, {"last_affected": "1.4"}], (Span(introduced="1.0", last_affected="1.4"),)),
        ([{"introduced": "1.0"}], (Span(introduced="1.0"),)),
        (
            [{"introduced": "0"}, {"introduced": "2.0"}, {"fixed": "1.5"}, {"fixed": "2.10"}],
            (Span(fixed="1.5"), Span(introduced="2.0", fixed="2.10")),
        ),
    ],
    ids=["one range", "out of order", "last affected", "never mended", "two ranges told together"],
)
def test_the_events_of_a_range_become_spans(
    tmp_path: Path, events: list[dict[str, str]], spans: tuple[Span, ...]
) -> None:
    record = osv_record("CVE-1", affected=of_glue(ranges=[{"type": "ECOSYSTEM", "events": events}]))
    [made] = bring_in(write_export(tmp_path / "all", record)).snapshot.advisories

    assert made.spans == spans


def test_a_flaw_told_only_by_commits_affects_every_version(tmp_path: Path) -> None:
    """Red when: a flaw without a version is dropped, which would read as no flaw."""
    record = osv_record("CVE-1", affected=of_glue(ranges=[{"type": "GIT", "events": [{"introduced": "0"}]}]))
    [made] = bring_in(write_export(tmp_path / "all", record)).snapshot.advisories

    assert made.affects("99")


def test_versions_are_taken_where_there_is_no_range(tmp_path: Path) -> None:
    record = osv_record("CVE-1", affected=of_glue(versions=["1.4", "not-one-at-all"]))
    [made] = bring_in(write_export(tmp_path / "all", record)).snapshot.advisories

    assert made.affects("1.4") and not made.affects("1.5")


def test_the_same_flaw_of_several_databases_is_one(tmp_path: Path) -> None:
    """Red when: one flaw needs three waivers, or the wider of two ranges is lost."""
    records = (
        osv_record("PYSEC-2026-1", aliases=["CVE-2026-1"]),
        osv_record("GHSA-1", aliases=["CVE-2026-1"], database_specific={"severity": "HIGH"}),
        osv_record(
            "CVE-2026-1", affected=of_glue(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": "2"}]}])
        ),
    )
    [made] = bring_in(write_export(tmp_path / "all", *records)).snapshot.advisories

    assert (made.id, made.aliases, made.severity) == ("CVE-2026-1", ("GHSA-1", "PYSEC-2026-1"), "high")
    assert made.affects("1.4") and made.affects("3")


def test_names_are_compared_as_a_lock_writes_them_and_others_are_left_out(tmp_path: Path) -> None:
    def affected(name: str, ecosystem: str = "PyPI") -> list[dict[str, Any]]:
        return [{"package": {"ecosystem": ecosystem, "name": name}, "versions": ["1.4"]}]

    records = (
        osv_record("CVE-1", affected=affected("Glue")),
        osv_record("CVE-2", affected=affected("glue-pot")),
        osv_record("CVE-3", affected=affected("glue", "npm")),
        osv_record("CVE-4", withdrawn="2026-11-19T00:00:00Z"),
    )
    made = bring_in(write_export(tmp_path / "all", *records)).snapshot

    assert [each.id for each in made.advisories] == ["CVE-1"]


def test_the_day_is_that_of_the_newest_record_and_never_today(tmp_path: Path) -> None:
    """Red when: an export of long ago makes the snapshot young."""
    export = write_export(
        tmp_path / "all", osv_record("CVE-1"), osv_record("CVE-2", modified="2025-01-01T00:00:00Z")
    )
    made = bring_in(export)

    assert made.as_of == date(2026, 11, 20)
    assert made.snapshot.find_checked("paper") == date(2026, 11, 20)


def test_what_was_known_and_is_not_in_the_export_is_kept_unless_it_was_withdrawn(tmp_path: Path) -> None:
    """Red when: an export forgets a flaw that somebody wrote down by hand."""
    known = load_snapshot(make_tree(tmp_path) / SNAPSHOT)
    other = write_export(tmp_path / "one", osv_record("CVE-9"))
    withdrawn = osv_record(
        "GHSA-aaaa-bbbb-cccc", withdrawn="2026-11-22T00:00:00Z", modified="2026-11-23T00:00:00Z"
    )
    newer = osv_record("CVE-9", modified="2026-11-23T00:00:00Z")

    assert known.advisories == (FLAW,)
    with pytest.raises(ExportRefused, match="older than the kept snapshot"):
        bring_in(other, known=known)
    assert bring_in(write_export(tmp_path / "two", newer), known=known).kept == ("CVE-2026-0001",)
    assert bring_in(write_export(tmp_path / "three", newer, withdrawn), known=known).kept == ()


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([], "has 0 records"),
        ([osv_record("CVE-1")], "has 1 records"),
        ([osv_record("CVE-1"), osv_record("CVE-2", modified="2026-11-24T00:00:00Z")], "after today"),
        ([osv_record("CVE-1"), {"id": "CVE-2"}], "no OSV record"),
        ([osv_record("CVE-1"), osv_record("CVE-2", modified="yesterday")], "no OSV record"),
        (
            [
                osv_record("CVE-1"),
                osv_record(
                    "CVE-2",
                    affected=of_glue(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": "soon"}]}]),
                ),
            ],
            "Invalid version",
        ),
    ],
    ids=["empty", "too few", "dated ahead", "without a date", "no date", "no version"],
)
def test_an_export_that_is_not_whole_or_not_readable_changes_nothing(
    tmp_path: Path, records: list[dict[str, Any]], why: str
) -> None:
    """Red when: half an export, or the page of an error, becomes the snapshot."""
    with pytest.raises(ExportRefused, match=why):
        bring_in(write_export(tmp_path / "all", *records), fewest=2)


def test_a_file_that_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_text("<html>Service unavailable</html>")

    with pytest.raises(ExportRefused, match="neither a folder nor a zip"):
        bring_in(tmp_path / "all.zip")


def test_the_command_brings_an_export_in_and_judges_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand records at the least, as in the real one; nothing of them is known of paper, so paper is well."""
    (tmp_path / "tree").mkdir()
    root = make_tree(tmp_path / "tree", as_of=date(2026, 1, 1), covered=())
    export = write_export(tmp_path / "all", *(osv_record(f"CVE-2026-{number}") for number in range(1, 1001)))

    assert run_supply(Namespace(act="update", root=root, export=None)) == 2
    assert run_supply(Namespace(act="update", root=root, export=export)) == 1
    said = capsys.readouterr().out
    assert "1001 advisories on 2 packages, known up to 2026-11-20" in said
    assert "Kept, though the export does not have them: CVE-2026-0001" in said
    snapshot = load_snapshot(root / SNAPSHOT)
    assert snapshot.find_checked("paper") == date(2026, 11, 20)
    before = (root / SNAPSHOT).read_bytes()
    write_snapshot(root / SNAPSHOT, snapshot)
    assert (root / SNAPSHOT).read_bytes() == before
