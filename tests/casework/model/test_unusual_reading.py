"""Each rule of unusual reading hits where it says, and not one step before it.

Red when: a limit is read as one more or one less; a rule looks at no relation, name, shift or stage at all.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from casework.model.errors import SettingsInvalid
from casework.model.policy import Relation
from casework.model.unusual_reading import (
    LIMITS_FILE,
    Finding,
    ReaderDay,
    Reading,
    Rule,
    Subject,
    best_relation,
    find_unusual,
    list_family_names,
    load_reading_limits,
)

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMITS = load_reading_limits()
SHIFT = (NOON - timedelta(hours=4), NOON + timedelta(hours=4))


def read(count: int = 1, relation: str = "owner", at: datetime = NOON) -> list[Reading]:
    return [Reading(at=at, conversation_id=f"{number:032x}", relation=relation) for number in range(count)]


def a_day(**values: object) -> ReaderDay:
    usual = ReaderDay(
        staff_id="s" * 32,
        role="investigator",
        family_names=frozenset({"price"}),
        day=DAY,
        readings=read(),
        openings=(),
        usual=(5, 5, 5, 5, 5),
        shifts=(SHIFT,),
        subjects={},
    )
    return replace(usual, **values)  # type: ignore[arg-type]


def found(day: ReaderDay) -> list[Rule]:
    return [finding.rule for finding in find_unusual(day, LIMITS)]


def of_the_case(**values: object) -> dict[str, Subject]:
    return {f"{0:032x}": Subject(**values)}  # type: ignore[arg-type]


STEPS: dict[Rule, tuple[ReaderDay, ReaderDay]] = {
    # What is one step short of it; what is it.
    Rule.NO_RELATION: (a_day(readings=read(2, "colleague")), a_day(readings=read(3, "colleague"))),
    Rule.GLASS: (a_day(openings=("a", "b")), a_day(openings=("a", "b", "c"))),
    Rule.SAME_NAME: (
        a_day(subjects=of_the_case(family_names=frozenset({"prior"}))),
        a_day(subjects=of_the_case(family_names=frozenset({"price"}))),
    ),
    Rule.MANY_CONVERSATIONS: (a_day(readings=read(15)), a_day(readings=read(16))),
    Rule.OFF_SHIFT: (
        a_day(readings=read(at=SHIFT[1] + timedelta(minutes=30))),
        a_day(readings=read(at=SHIFT[1] + timedelta(minutes=31))),
    ),
    Rule.LONG_CLOSED: (
        a_day(subjects=of_the_case(closed_on=DAY - timedelta(days=180))),
        a_day(subjects=of_the_case(closed_on=DAY - timedelta(days=181))),
    ),
}


@pytest.mark.parametrize("rule", sorted(Rule))
def test_a_rule_hits_where_it_says_and_not_a_step_before(rule: Rule) -> None:
    short, hit = STEPS[rule]

    assert found(short) == []
    assert found(hit) == [rule]


def test_an_ordinary_day_is_not_unusual() -> None:
    relations = ("owner", "assigned", "on_queue", "handled", "glass", "", "quality")

    assert found(a_day(readings=[each for name in relations for each in read(5, name)])) == []


@pytest.mark.parametrize("role", ["investigator", "supervisor", "triage"])
def test_one_reading_through_nothing_at_all_is_told_of_everybody(role: str) -> None:
    assert found(a_day(readings=read(1, "none"), role=role)) == [Rule.NO_RELATION]


def test_a_supervisor_reads_what_colleagues_have() -> None:
    assert found(a_day(readings=read(9, "colleague"), role="supervisor")) == []


def test_what_becomes_ones_own_that_day_needed_no_other_reason() -> None:
    assert found(a_day(readings=[*read(3, "colleague"), *read(3, "owner")])) == []


def test_a_name_left_out_tells_nothing() -> None:
    day = a_day(subjects=of_the_case(family_names=frozenset({"price"})))

    assert find_unusual(day, replace(LIMITS, names_left_out=frozenset({"price"}))) == []


def test_nobody_knows_what_is_usual_for_who_is_new() -> None:
    assert found(a_day(readings=read(40), usual=(1, 1, 1, 1))) == []


def test_few_are_never_far_too_many() -> None:
    assert found(a_day(readings=read(14), usual=(1, 1, 1, 1, 1))) == []


def test_a_shift_that_runs_on_covers_what_comes_after_it_began() -> None:
    day = a_day(readings=read(at=NOON + timedelta(hours=11)), shifts=((NOON, None),))

    assert found(day) == []


def test_who_is_on_no_shift_at_all_reads_outside_one() -> None:
    assert found(a_day(shifts=())) == [Rule.OFF_SHIFT]


def test_a_finding_names_each_conversation_once_and_what_it_was_held_against() -> None:
    many = a_day(readings=[*read(16), *read(16)])

    assert find_unusual(many, LIMITS) == [
        Finding(
            rule=Rule.MANY_CONVERSATIONS,
            staff_id="s" * 32,
            day=DAY,
            conversation_ids=tuple(f"{number:032x}" for number in range(16)),
            usual=5,
        )
    ]


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Alex O'Neill", {"oneill"}),
        ("Alex Ó Néill", {"neill"}),
        ("Cher", set()),
        ("Jo Smith-Price", {"smithprice", "smith", "price"}),
        ("", set()),
    ],
)
def test_family_names_are_compared_without_marks(name: str, folded: set[str]) -> None:
    assert list_family_names(name) == folded


def test_the_best_reason_is_the_one_put_down() -> None:
    assert best_relation({Relation.COLLEAGUE, Relation.ASSIGNED}) is Relation.ASSIGNED
    assert best_relation({Relation.GLASS, Relation.COLLEAGUE}) is Relation.GLASS
    assert best_relation(()) is Relation.NONE


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("factor = 3", "factor = 0"),
        ("fewest = 15", "fewest = 0"),
        ("grace_minutes = 30", "grace_minutes = -1"),
        ('roles = ["triage", "investigator"]', 'roles = ["detective"]'),
        ('"post_sentence"', '"closed"'),
        ("review_by = 2027-05-21", 'review_by = "soon"'),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_name(tmp_path: Path, line: str, wrong: str) -> None:
    text = LIMITS_FILE.read_text(encoding="utf-8")
    assert line in text
    broken = tmp_path / "unusual_reading.toml"
    broken.write_text(text.replace(line, wrong), encoding="utf-8")

    with pytest.raises(SettingsInvalid, match=r"unusual_reading\.toml"):
        load_reading_limits(broken)
