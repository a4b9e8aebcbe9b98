"""The labels' keys and groups, checked when they are read. Red when: a check of `parse_labels` is taken out."""

import tomllib
from typing import Any

import pytest

from casework.model.disclosures import TIER_OF, Category
from casework.model.errors import SettingsInvalid
from casework.model.labels import (
    LABELS_FILE,
    NONE,
    UNCLEAR,
    find_gravest,
    load_labels,
    parse_labels,
)
from casework.model.workbench_limits import (
    WORKBENCH_FILE,
    load_workbench_limits,
    parse_workbench_limits,
)

GUIDELINES = LABELS_FILE.parents[2] / "data" / "held_out" / "guidelines.toml"


def tables() -> dict[str, Any]:
    return tomllib.loads(LABELS_FILE.read_text(encoding="utf-8"))


def test_the_dangers_are_the_screens_by_tier_and_none_comes_last() -> None:
    risks = load_labels().risks
    assert [each.name for each in risks[:-1]] == sorted(TIER_OF, key=lambda category: TIER_OF[category])
    assert (risks[-1].name, risks[-1].category, risks[-1].tier) == (NONE, None, None)
    assert list(load_labels().list_by_tier()) == [1, 2, 3, 4, None]
    assert len({each.key for each in risks}) == 17


def test_every_label_has_its_guideline_and_every_guideline_its_label() -> None:
    said = tomllib.loads(GUIDELINES.read_text(encoding="utf-8"))
    labels = load_labels()
    assert {each["name"] for each in said["risk"]} == {each.name for each in labels.risks}
    assert {each["name"] for each in said["wish"]} == {each.name for each in labels.wishes}


def test_a_wish_is_one_digit_in_its_group_and_unclear_is_nought() -> None:
    for group, wishes in load_labels().list_by_group().items():
        if group:
            assert [each.key for each in wishes] == [str(key) for key in range(1, len(wishes) + 1)]
        else:
            assert [(each.name, each.key) for each in wishes] == [(UNCLEAR, "0")]


@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("a group too long", ("groups", "talk", sorted(f"w{each:02}" for each in range(10)))),
        ("a group out of order", ("groups", "person", ["stop_contact", "request_human"])),
        ("a key of two letters", ("keys", "none", "no")),
        ("a key that is taken", ("keys", "none", "u")),
        ("a missing danger", ("keys", "none", None)),
        ("a wish twice", ("groups", "person", ["ask_status"])),
        ("one key for two", ("keys", "none", "d")),
        ("unclear in a group", ("groups", "person", ["unclear"])),
    ],
)
def test_labels_that_cannot_be_right_are_refused(wrong: str, value: tuple[str, str, Any]) -> None:
    given = tables()
    if value[2] is None:
        del given[value[0]][value[1]]
    else:
        given[value[0]][value[1]] = value[2]
    with pytest.raises(SettingsInvalid):
        parse_labels(given)


def test_the_gravest_is_of_the_upper_tier_and_of_equals_the_one_pressed_first() -> None:
    assert find_gravest([]) is None
    assert find_gravest(["modern_slavery", "strangulation", "child_at_risk"]) is Category.STRANGULATION
    assert find_gravest(["child_at_risk", "strangulation"]) is Category.CHILD_AT_RISK


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("examples", "copying", "as it is"),
        ("examples", "restricted_dangers", ["danger"]),
        ("people", "undo_last", 0),
        ("unsure", "least_gap", 1.5),
        ("live", "quiet_minutes", 0),
    ],
)
def test_numbers_that_cannot_be_right_are_refused(table: str, name: str, value: object) -> None:
    given = tomllib.loads(WORKBENCH_FILE.read_text(encoding="utf-8"))
    given[table][name] = value
    with pytest.raises(SettingsInvalid):
        parse_workbench_limits(given)


@pytest.mark.parametrize(
    ("crime", "is_restricted"),
    [
        ("Burglary - residential", False),
        ("Modern slavery", True),
        ("Rape", True),
        ("Sexual assault", True),
        ("Theft from the person", False),
    ],
)
def test_crimes_whose_words_are_never_taught_as_they_stand(crime: str, is_restricted: bool) -> None:
    assert load_workbench_limits().is_restricted_crime(crime) is is_restricted
