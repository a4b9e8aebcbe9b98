"""`./waymark cases` as an operator types it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.bench_import import LARGEST_MB, run_bench_import, write_case_file
from launcher.case_imports import Progress
from tests.support.running import ROOT, clean_environ


def cases(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launcher", "cases", *arguments, "--data-dir", str(data_dir)],
        cwd=ROOT,
        env=clean_environ(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_an_import_that_waits_is_shown_without_names_and_let_go_by_two_people(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    write_case_file(file, cases=300)
    first = cases(tmp_path, "import", str(file))
    file.write_text(file.read_text().replace("DC Test-", "DS Test-"))

    waiting = cases(tmp_path, "import", str(file))
    shown = cases(tmp_path, "held")
    import_id = shown.stdout.split()[0]
    one = cases(tmp_path, "approve", import_id, "--by", "Robin Test")
    same = cases(tmp_path, "approve", import_id, "--by", "robin test")
    two = cases(tmp_path, "approve", import_id, "--by", "Rowan Test")
    late = cases(tmp_path, "refuse", import_id, "--by", "Robin Test")

    assert (first.returncode, first.stdout) == (0, "Imported 300 cases\n")
    assert (waiting.returncode, waiting.stdout) == (2, "")
    assert "This import waits for two people: it would change 300 of the cases stored" in waiting.stderr
    assert "0 new, 300 changed, 0 unchanged" in shown.stdout
    assert not re.search("Alex|7700|4326", shown.stdout.replace(import_id, ""))
    assert "A second person must approve it too" in one.stdout
    assert (same.returncode, two.returncode) == (2, 0)
    assert "must be another person's" in same.stderr
    assert two.stdout == "Applied. 0 new, 300 changed, 0 unchanged; 0 new events.\n"
    assert (late.returncode, "was applied" in late.stderr) == (2, True)
    assert cases(tmp_path, "held").stdout == "No import waits for anyone.\n"


def test_a_correction_can_be_asked_for_by_the_import_s_id(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    write_case_file(file, cases=1)
    cases(tmp_path, "import", str(file))
    import_id = cases(tmp_path, "imports").stdout.split()[0]

    assert cases(tmp_path, "correct", import_id, "--by", "Robin Test").stdout == "Written to 0.\n"
    assert "Say who decides" in cases(tmp_path, "correct", import_id).stderr
    assert "There is no import nothing" in cases(tmp_path, "correct", "nothing", "--by", "Robin Test").stderr


@pytest.mark.parametrize("action", ["import", "approve", "refuse", "correct"])
def test_what_is_meant_must_be_said(tmp_path: Path, action: str) -> None:
    ran = cases(tmp_path, action, "--by", "Robin Test")

    assert ran.returncode == 1
    assert f"Say which: ./waymark cases {action}" in ran.stderr


def test_progress_is_not_said_more_often_than_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()

    for count in range(1_000):
        progress("Read", count)

    assert capsys.readouterr().err.count("\n") <= 1


def test_the_bench_measures_both_imports_and_the_raw_writing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_bench_import(tmp_path, cases=50) == 0

    said = capsys.readouterr().out
    for name in ("first import", "the same file again", "the same rows, raw"):
        assert re.search(rf"^{name} +[0-9.]+ s .* rows/s$", said, re.MULTILINE)
    assert re.search(r"takes [0-9.]+ times the raw writing in this run", said)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_large_file_is_imported_in_bounded_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # How long it may take is held by the bench alone: a test's machine may be any.
    run_bench_import(tmp_path, cases=20_000)

    held = [int(found) for found in re.findall(r"s +(\d+) MB", capsys.readouterr().out)]
    assert len(held) == 2
    assert max(held) < LARGEST_MB
