"""How many changes are too many to believe without two people."""

from pathlib import Path

import pytest

from casework.model.bulk_brake import (
    LIMITS_FILE,
    HeldWhy,
    ImportCounts,
    is_same_person,
    load_brake_limits,
)
from casework.model.errors import SettingsInvalid
from casework.model.stages import Stage

LIMITS = load_brake_limits()
FRIGHTENING = "closed_no_further_lines"


def never() -> int:
    raise AssertionError("nobody needed to count the cases")


@pytest.mark.parametrize(
    ("changed", "stored", "is_held"),
    [
        (200, 300, False),
        (201, 300, True),
        (201, 1000, True),
        (201, 1005, False),
        (1001, 5000, True),
        (1000, 5000, False),
    ],
)
def test_many_changed_is_more_than_200_and_more_than_a_fifth(
    changed: int, stored: int, is_held: bool
) -> None:
    why = LIMITS.why_held(ImportCounts(changed=changed), lambda: stored)

    assert why == ((HeldWhy.MANY_CHANGED,) if is_held else ())


@pytest.mark.parametrize(
    ("number", "stored", "is_held"), [(20, 100, False), (21, 100, True), (21, 2100, False), (22, 2100, True)]
)
def test_many_frightened_is_more_than_20_and_more_than_a_hundredth(
    number: int, stored: int, is_held: bool
) -> None:
    counts = ImportCounts(changed=number, entered={FRIGHTENING: number - 1, "transferred": 1, "charged": 50})

    why = LIMITS.why_held(counts, lambda: stored)

    assert why == ((HeldWhy.MANY_FRIGHTENED,) if is_held else ())


def test_new_cases_alone_are_never_held_and_nothing_is_counted_for_them() -> None:
    assert LIMITS.why_held(ImportCounts(new=1_000_000), never) == ()


def test_closing_release_transfer_and_settling_out_of_court_frighten() -> None:
    assert LIMITS.frightening_stages == {
        Stage.CLOSED_NO_FURTHER_LINES,
        Stage.RELEASED_ON_BAIL,
        Stage.RELEASED_UNDER_INVESTIGATION,
        Stage.RELEASED_NO_CHARGE,
        Stage.TRANSFERRED,
        Stage.OUT_OF_COURT,
    }


def test_counts_are_added_stage_by_stage_and_survive_storage() -> None:
    both = ImportCounts(new=1, changed=2, entered={"charged": 1}) + ImportCounts(
        changed=1, unchanged=4, entered={"charged": 1, "trial": 1}
    )

    assert both == ImportCounts(new=1, changed=3, unchanged=4, entered={"charged": 2, "trial": 1})
    assert ImportCounts.from_json(both.to_json()) == both


@pytest.mark.parametrize("other", ["Robin Test", " robin  TEST "])
def test_a_name_spelt_otherwise_is_the_same_person(other: str) -> None:
    assert is_same_person("Robin Test", other)
    assert not is_same_person("Robin Test", "Rowan Test")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fewest = 200", "fewest = -1"),
        ("fewest = 200", "few = 200"),
        ("share = 0.2", "share = 1.0"),
        ("share = 0.01", 'share = "x"'),
        ('"transferred"', '"moved"'),
        ("[frightening]", "[frightening"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "bulk_brake.toml"
    file.write_text(LIMITS_FILE.read_text().replace(old, new))

    with pytest.raises(SettingsInvalid, match=r"bulk_brake\.toml"):
        load_brake_limits(file)
