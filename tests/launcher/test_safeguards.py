"""Safeguards taken out one at a time: each has its place and its test, and the run can be believed."""

import re
import subprocess
from pathlib import Path

import pytest

from casework.model.errors import SettingsInvalid
from launcher.safeguards import (
    LIST,
    Safeguard,
    Went,
    find_moved,
    load_safeguards,
    run_safeguards,
    try_safeguards,
)
from tests.support.running import ROOT

THREAT_MODEL = ROOT / "docs" / "threat-model.md"
GUARD = """
def is_refused(token):
    return token != "right"
"""
TESTS = """
from guard import is_refused

def test_a_wrong_token_is_refused():
    assert is_refused("wrong")

def test_that_looks_at_nothing():
    assert is_refused

def test_that_was_red_before():
    assert False
"""


def row(name: str, *, test: str = "test_a_wrong_token_is_refused", **change: str) -> Safeguard:
    taken_out = {"text": 'return token != "right"', "instead": "return False"} | change
    return Safeguard(name=name, threat="T6", file="guard.py", test=f"test_guard.py::{test}", **taken_out)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one safeguard and three tests, one of which guards it."""
    # What these tests need of pytest is in it already, and it starts in a quarter of the time.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "guard.py").write_text(GUARD)
    (tmp_path / "test_guard.py").write_text(TESTS)
    (tmp_path / "tests" / "faults").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def test_a_test_that_guards_nothing_is_told_from_one_that_does(tree: Path) -> None:
    """Red when: a green test, one that was red anyway, or a patch that breaks everything counts as red."""
    rows = [
        row("guarded"),
        row("looked at by nothing", test="test_that_looks_at_nothing"),
        row("red before", test="test_that_was_red_before"),
        row("broke", instead="return False)"),
        row("moved", text="return token is wrong"),
        row("twice", text="e"),
        row("no such test", test="test_of_nothing"),
        row("nothing taken out", instead='return token != "right"'),
    ]
    went = {each.safeguard.name: each.went for each in try_safeguards(tree, rows)}

    assert went == {
        "guarded": Went.RED,
        "looked at by nothing": Went.GREEN,
        "red before": Went.NOT_GREEN_BEFORE,
        "broke": Went.BROKE,
        "moved": Went.MOVED,
        "twice": Went.MOVED,
        "no such test": Went.MOVED,
        "nothing taken out": Went.MOVED,
    }
    assert (tree / "guard.py").read_text() == GUARD


def write_list(tree: Path, *names: str) -> None:
    rows = (
        f"""[[safeguard]]
name = "{name}"
threat = "T6"
file = "guard.py"
text = 'token != "right"'
instead = "False"
test = "test_guard.py::test_{name}"
"""
        for name in names
    )
    (tree / LIST).write_text("\n".join(rows))


def test_the_command_fails_where_a_test_stays_green(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Red when: the table is printed and nothing comes of it."""
    write_list(tree, "a_wrong_token_is_refused", "that_looks_at_nothing")

    assert run_safeguards(tree, []) == 1
    assert run_safeguards(tree, ["nobody"]) == 2
    said = capsys.readouterr().out
    assert "STAYED GREEN" in said and "1 of 2 went red, in " in said


def test_a_list_that_names_two_alike_or_nothing_is_refused(tree: Path) -> None:
    write_list(tree, "one", "one")
    with pytest.raises(SettingsInvalid):
        load_safeguards(tree)
    (tree / LIST).write_text("")
    with pytest.raises(SettingsInvalid):
        load_safeguards(tree)


def test_every_safeguard_is_where_the_list_says_and_has_its_test() -> None:
    """Red when: code moved and its row did not; the run would then take out nothing."""
    assert find_moved(ROOT, load_safeguards(ROOT)) == {}


def test_every_threat_stands_in_the_model_once_and_every_safeguard_is_against_one() -> None:
    """Red when: a row is lost, or a safeguard is against nothing anybody ranked."""
    ranked = re.findall(r"^\| (T\d+) \|", THREAT_MODEL.read_text(), flags=re.MULTILINE)

    assert ranked == [f"T{number}" for number in range(1, 25)]
    assert {each.threat for each in load_safeguards(ROOT)} <= set(ranked)


def test_every_row_of_the_threat_model_says_what_is_left() -> None:
    """Red when: a threat reads as if nothing were left of it, and nobody said so on purpose."""
    rows = [line for line in THREAT_MODEL.read_text().splitlines() if re.match(r"\| T\d+ \|", line)]

    assert [line[:6] for line in rows if len(line.split(" | ")) != 6] == []
    assert [line.split(" | ")[0] for line in rows if line.rsplit(" | ", 1)[1].strip(" |") == "-"] == ["| T7"]


@pytest.mark.slow  # about three minutes on a machine at rest: two score runs of pytest
@pytest.mark.timeout(3600)
def test_each_safeguard_taken_out_turns_its_own_test_red(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        assert run_safeguards(ROOT, []) == 0
