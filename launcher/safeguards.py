"""`./waymark safeguards`: takes each listed safeguard out of a copy of the tree, and shows that its own test goes red.

A test that stays green without what it guards guards nothing. The list is `tests/faults/safeguards.toml`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import read_toml

LIST = Path("tests/faults/safeguards.toml")
LINKED = (".venv", "bot/.venv")
LONGEST_SECONDS = 180
MOST_SAID = 3000
TESTS_FAILED = 1  # pytest's exit code; a collection that broke has another, and proves nothing
NOT_TWICE = "not postgresql"  # what holds on SQLite is told; the same tests on PostgreSQL take a server each
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Safeguard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`text`, once in `file`, replaced by `instead`, must turn `test` (a pytest id) red.

    `threat`: its number in docs/threat-model.md.
    """

    name: Text
    threat: Text
    file: Text
    text: Text
    instead: str
    test: Text


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    safeguard: Annotated[tuple[Safeguard, ...], msgspec.Meta(min_length=1)]


class Went(StrEnum):
    RED = "red"
    GREEN = "STAYED GREEN"
    BROKE = "BROKE"
    NOT_GREEN_BEFORE = "RED BEFORE"
    MOVED = "MOVED"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one test without its safeguard. `said`: the end of what pytest printed, where it was not red."""

    safeguard: Safeguard
    went: Went
    seconds: float
    said: str = ""


def load_safeguards(root: Path) -> tuple[Safeguard, ...]:
    """Raises SettingsInvalid for a list that cannot be read or names two alike."""
    try:
        listed = msgspec.convert(read_toml(root / LIST), _File).safeguard
    except msgspec.ValidationError as fault:
        raise SettingsInvalid(f"{LIST.name}: {fault}") from fault
    names = [each.name for each in listed]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SettingsInvalid(f"{LIST.name}: {sorted(twice)[0]!r} is there twice")
    return listed


def find_moved(root: Path, safeguards: Sequence[Safeguard]) -> dict[str, str]:
    """The name of each whose place or test is no longer there, with why. Such a row is mended, never dropped."""
    moved = {}
    for each in safeguards:
        file, (test_file, _, test) = root / each.file, each.test.partition("::")
        count = file.read_text().count(each.text) if file.exists() else 0
        if count != 1:
            moved[each.name] = f"its text is {count} times in {each.file}"
        elif each.text == each.instead:
            moved[each.name] = "nothing is taken out"
        elif not _has_test(root / test_file, test):
            moved[each.name] = f"there is no {each.test}"
    return moved


def _has_test(file: Path, test: str) -> bool:
    name = test.partition("[")[0]
    return file.exists() and re.search(rf"\bdef {re.escape(name)}\(", file.read_text()) is not None


def run_safeguards(root: Path, names: Sequence[str]) -> int:
    """Prints a row for each as it ends. 1 if any test stayed green, broke or lost its place; 2 for an unknown name."""
    listed = load_safeguards(root)
    if unknown := set(names) - {each.name for each in listed}:
        print(f"There is no safeguard {sorted(unknown)[0]!r}; {LIST} has the list.")
        return 2
    chosen = [each for each in listed if not names or each.name in names]
    started = time.monotonic()
    outcomes = []
    for outcome in try_safeguards(root, chosen):
        outcomes.append(outcome)
        print(_say(outcome), flush=True)
    wrong = [outcome for outcome in outcomes if outcome.went is not Went.RED]
    for outcome in wrong:
        print(f"\n{outcome.safeguard.name}: {outcome.went}\n{outcome.said}")
    print(f"{len(outcomes) - len(wrong)} of {len(outcomes)} went red, in {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


def try_safeguards(root: Path, safeguards: Sequence[Safeguard]) -> Iterator[Outcome]:
    """Each in turn, in one copy of the tree that is whole again before the next. The tree itself is only read."""
    moved = find_moved(root, safeguards)
    present = [each for each in safeguards if each.name not in moved]
    for each in safeguards:
        if each.name in moved:
            yield Outcome(safeguard=each, went=Went.MOVED, seconds=0.0, said=moved[each.name])
    with tempfile.TemporaryDirectory(prefix="waymark-safeguards-") as folder:
        copy = Path(folder)
        copy_tree(root, copy)
        before = _run_tests(copy, sorted({each.test for each in present})) if present else None
        for each in present:
            assert before is not None
            yield _not_green(each, before) if before.names(each.test) else _try(copy, each)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What pytest gave and printed. `seconds`: of all of it."""

    code: int
    said: str
    seconds: float

    def names(self, test: str) -> bool:
        """Whether the test, or one of its parameters, failed, or its file could not be read."""
        if self.code == 0:
            return False
        bad = re.findall(r"^(?:FAILED|ERROR) (\S+)", self.said, flags=re.MULTILINE)
        file = test.partition("::")[0]
        return not bad or any(
            each.partition("[")[0] == test.partition("[")[0] or each == file for each in bad
        )


def _not_green(safeguard: Safeguard, before: _Run) -> Outcome:
    return Outcome(
        safeguard=safeguard, went=Went.NOT_GREEN_BEFORE, seconds=0.0, said=before.said[-MOST_SAID:]
    )


def _try(copy: Path, safeguard: Safeguard) -> Outcome:
    with _without(copy, safeguard):
        ran = _run_tests(copy, [safeguard.test], "-x")
    is_red = ran.code == TESTS_FAILED and re.search(r"^FAILED ", ran.said, flags=re.MULTILINE) is not None
    went = Went.RED if is_red else Went.GREEN if ran.code == 0 else Went.BROKE
    said = "" if went is Went.RED else ran.said[-MOST_SAID:]
    return Outcome(safeguard=safeguard, went=went, seconds=ran.seconds, said=said)


@contextmanager
def _without(copy: Path, safeguard: Safeguard) -> Iterator[None]:
    path = copy / safeguard.file
    held = path.read_text()
    path.write_text(held.replace(safeguard.text, safeguard.instead))
    _forget_compiled(path)
    try:
        yield
    finally:
        path.write_text(held)
        _forget_compiled(path)


def _forget_compiled(path: Path) -> None:
    # Python tells by size and second whether a file changed; two changes in one second may look alike.
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def _run_tests(copy: Path, tests: Sequence[str], *more: str) -> _Run:
    options = ("-p", "no:cacheprovider", "--continue-on-collection-errors", "-k", NOT_TWICE, *more)
    environ = os.environ | {"PYTHONPATH": str(copy), "WAYMARK_ROOT": str(copy), "OMP_NUM_THREADS": "1"}
    started = time.monotonic()
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copy,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS * len(tests),
        )
        code, said = ran.returncode, ran.stdout + ran.stderr
    except subprocess.TimeoutExpired:
        code, said = -1, f"not ended after {LONGEST_SECONDS * len(tests)} s"
    return _Run(code=code, said=said, seconds=time.monotonic() - started)


def copy_tree(root: Path, copy: Path) -> None:
    """What git knows or would take in, as it stands now; environments are linked, not copied."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, told.stdout.split("\0")):
        if (root / name).is_file():  # one that was removed and not yet committed is still listed
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)
    for name in LINKED:
        if (root / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).symlink_to((root / name).absolute())


def _say(outcome: Outcome) -> str:
    each = outcome.safeguard
    return f"{outcome.went:<12} {outcome.seconds:5.1f} s  {each.threat:<4} {each.name}  ->  {each.test}"
