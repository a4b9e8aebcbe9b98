"""What is known against the packages: judged by version; where it is blind it says so, and never passes for it."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from casework.model.errors import SettingsInvalid
from launcher.doctor.findings import Examined
from launcher.doctor.here import check_supply
from launcher.supply import run_audit
from launcher.supply_advisories import SNAPSHOT, Advisory, SnapshotUnreadable, Span, load_snapshot
from launcher.supply_audit import LONGEST_AGE, audit, say_certain, say_of_today
from launcher.supply_locks import LockUnreadable
from launcher.supply_waivers import WAIVERS, load_waivers
from tests.launcher.supply_trees import FLAW, TODAY, WAIVER, make_tree
from tests.support.running import ROOT

YEARS_LATER = date(2036, 2, 29)


@pytest.mark.parametrize(
    ("span", "version", "is_affected"),
    [
        (Span(fixed="1.10"), "1.9", True),
        (Span(fixed="1.10"), "1.10", False),
        (Span(fixed="1.10"), "1.10rc1", True),
        (Span(fixed="1.10"), "1.10.post1", False),
        (Span(fixed="1.10"), "1!0.1", False),
        (Span(introduced="1.2", fixed="1.10"), "1.1.9", False),
        (Span(introduced="1.2", fixed="1.10"), "1.2", True),
        (Span(introduced="1.2", last_affected="1.4"), "1.4", True),
        (Span(introduced="1.2", last_affected="1.4"), "1.4.0", True),
        (Span(introduced="1.2", last_affected="1.4"), "1.4.1", False),
        (Span(), "99", True),
        (Span(fixed="3.10.2"), "3.9.5", True),
    ],
)
def test_a_version_is_compared_as_a_version(span: Span, version: str, is_affected: bool) -> None:
    """Red when: versions are compared as texts, by which 3.9.5 comes after 3.10.2."""
    assert msgspec.structs.replace(FLAW, spans=(span,)).affects(version) is is_affected


def test_a_version_named_by_itself_is_affected() -> None:
    named = msgspec.structs.replace(FLAW, spans=(), versions=("1.4.0",))

    assert named.affects("1.4") and not named.affects("1.4.1")


def test_a_known_flaw_that_nobody_decided_about_fails(tmp_path: Path) -> None:
    """Red when: a flaw is only counted."""
    root = make_tree(tmp_path)
    [said] = say_certain(audit(root))

    assert "CVE-2026-0001 in glue 1.4 (service; mended in 1.5): It comes apart" in said
    assert run_audit(root, TODAY, is_strict=True) == run_audit(root, TODAY, is_strict=False) == 1


def test_a_flaw_of_what_only_tests_use_is_said_to_be_one(tmp_path: Path) -> None:
    flaw = msgspec.structs.replace(FLAW, package="paper", spans=(Span(),))
    said = list(say_certain(audit(make_tree(tmp_path, advisories=(flaw,)))))

    assert ["for tests alone" in line for line in said] == [True, False]


@pytest.mark.parametrize("name", sorted(FLAW.names))
def test_a_waiver_holds_by_any_name_the_flaw_goes_by(tmp_path: Path, name: str) -> None:
    found = audit(make_tree(tmp_path, waivers=(WAIVER | {"names": [name]},)))

    assert (found.undecided, found.idle) == ((), ())
    assert run_audit(tmp_path, TODAY, is_strict=True) == 0


@pytest.mark.parametrize(
    "change",
    [{"version": "1.3"}, {"project": "bot"}, {"package": "paper"}, {"names": ["CVE-2026-0002"]}],
    ids=lambda change: next(iter(change)),
)
def test_a_waiver_for_something_else_waives_nothing_and_has_to_go(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """Red when: a waiver outlives the version it was argued for."""
    found = audit(make_tree(tmp_path, waivers=(WAIVER | change,)))

    assert len(found.undecided) == len(found.idle) == 1


def test_a_waiver_that_also_names_what_is_not_there_has_to_go(tmp_path: Path) -> None:
    """Red when: a name kept in store would silence a flaw that nobody has argued about yet."""
    found = audit(make_tree(tmp_path, waivers=(WAIVER | {"names": ["CVE-2026-0001", "CVE-2027-0001"]},)))

    assert found.undecided == () and len(found.idle) == 1


def test_a_waiver_runs_out_by_the_day_and_not_by_the_tree(tmp_path: Path) -> None:
    """Red when: it holds a day longer, or the checks of a tree go red because a day passed."""
    root = make_tree(tmp_path, waivers=(WAIVER,), as_of=date(2026, 12, 1))
    found = audit(root)

    assert list(say_of_today(found, WAIVER["until"])) == []
    [said] = say_of_today(found, WAIVER["until"] + timedelta(days=1))
    assert said.startswith(
        "A waiver has run out: glue 1.4 in service, on 2026-12-01. The lead developer looks again"
    )
    assert run_audit(root, WAIVER["until"] + timedelta(days=1), is_strict=True) == 1
    assert run_audit(root, WAIVER["until"] + timedelta(days=1), is_strict=False) == 0


@pytest.mark.parametrize(
    ("as_of", "is_whole", "covered", "blind"),
    [
        (TODAY, True, ("glue", "paper"), 0),
        (TODAY - LONGEST_AGE, True, ("glue", "paper"), 0),
        (TODAY - LONGEST_AGE - timedelta(days=1), True, ("glue", "paper"), 2),
        (TODAY, False, ("glue", "paper"), 2),
        (TODAY, True, ("glue",), 1),
    ],
    ids=["fresh", "fourteen days", "fifteen days", "only in part", "one package nobody looked up"],
)
def test_an_audit_that_cannot_see_fails_and_says_for_what(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    as_of: date,
    is_whole: bool,
    covered: tuple[str, ...],
    blind: int,
) -> None:
    """Red when: an old, partial or missing look-up passes for "no known flaws"."""
    root = make_tree(tmp_path, waivers=(WAIVER,), as_of=as_of, is_whole=is_whole, covered=covered)

    assert run_audit(root, TODAY, is_strict=True) == (1 if blind else 0)
    first = capsys.readouterr().out.splitlines()[0]
    assert (
        first.startswith(f"This audit is blind for {blind} of 2 packages")
        if blind
        else first.startswith("Searched")
    )


@pytest.mark.parametrize(
    "held",
    [
        None,
        "",
        "{}",
        '{"coverage": [], "advisories": []}',
        '{"coverage": [{"as_of": "2026-11-23", "source": "s", "is_whole": true, "packages": []}], "advisories": []}',
        "[]",
        "<html>Service unavailable</html>",
    ],
    ids=["missing", "no bytes", "no keys", "empty", "no advisories", "a list", "a page of an error"],
)
@pytest.mark.parametrize("is_strict", [False, True])
def test_a_snapshot_that_says_nothing_passes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], held: str | None, is_strict: bool
) -> None:
    """Red when: an unreadable snapshot counts as no flaws, as it does with tools that skip what they cannot ask."""
    path = make_tree(tmp_path) / SNAPSHOT
    path.unlink() if held is None else path.write_text(held)

    assert run_audit(tmp_path, TODAY, is_strict=is_strict) == 1
    assert "saw nothing, so it passes nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    "advisories",
    [
        (FLAW, FLAW),
        (msgspec.structs.replace(FLAW, spans=()),),
        (msgspec.structs.replace(FLAW, spans=(Span(fixed="soon"),)),),
        (msgspec.structs.replace(FLAW, versions=("1.4", "the last")),),
    ],
    ids=["twice", "of no version", "mended in no version", "of what is no version"],
)
def test_a_snapshot_with_an_advisory_that_cannot_be_asked_is_refused(
    tmp_path: Path, advisories: tuple[Advisory, ...]
) -> None:
    with pytest.raises(SnapshotUnreadable):
        load_snapshot(make_tree(tmp_path, advisories=advisories) / SNAPSHOT)


@pytest.mark.parametrize(
    "change",
    [
        {"until": WAIVER["since"] + timedelta(days=121)},
        {"until": WAIVER["since"]},
        {"held_by": ["no/such/file.py"]},
        {"held_by": []},
        {"names": []},
        {"why": "Not reachable."},
        {"looks_again": ""},
        {"for_ever": True},
    ],
    ids=lambda change: f"{next(iter(change))} {next(iter(change.values()))}",
)
def test_a_waiver_says_why_what_holds_it_until_when_and_who_looks_again(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """Red when: a waiver may be for ever, or leans on a file that is gone."""
    root = make_tree(tmp_path, waivers=(WAIVER | change,))

    with pytest.raises(SettingsInvalid):
        load_waivers(root / WAIVERS, root=root)


def test_this_tree_has_no_flaw_that_nobody_decided_about() -> None:
    """Says nothing of what the snapshot does not know: `./waymark supply` says that, with today's date."""
    assert list(say_certain(audit(ROOT))) == []


def test_this_tree_does_not_go_red_because_years_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """Red when: a date decides in `./waymark test`. What today adds is said all the same, and in few lines."""
    assert run_audit(ROOT, YEARS_LATER, is_strict=False) == 0
    said = capsys.readouterr().out
    assert "A waiver has run out" in said and "blind for" in said
    assert len(said.splitlines()) < 60
    assert run_audit(ROOT, YEARS_LATER, is_strict=True) == 1


def test_the_doctor_is_strict(tmp_path: Path) -> None:
    """Red when: the doctor asks no date, or a lock it cannot read is well."""
    root = make_tree(tmp_path, waivers=(WAIVER,), as_of=date(2026, 1, 1))

    examined = Examined(root=root, data_dir=tmp_path)

    [found] = check_supply(examined)
    assert not found.is_well and "blind" in found.detail
    (root / "requirements.lock").write_text("glue==1.4\n")
    with pytest.raises(LockUnreadable):
        list(check_supply(examined))


def test_what_is_waived_is_told_by_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_audit(make_tree(tmp_path, waivers=(WAIVER,)), TODAY, is_strict=True) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "  glue 1.4 (service): 1, until 2026-12-01",
        "Nothing to put right.",
    ]
