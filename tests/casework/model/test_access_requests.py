"""The days of a request and the reasons the law knows."""

from datetime import date
from pathlib import Path

import pytest

from casework.model.access_requests import RULES, RestrictionReason, add_months, load_access_rules
from casework.model.errors import SettingsInvalid


@pytest.mark.parametrize(
    ("day", "months", "due"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 11, 20), 1, date(2026, 12, 20)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last_there_is(day: date, months: int, due: date) -> None:
    assert add_months(day, months) == due


def test_the_packaged_rules_are_the_five_of_section_45_with_their_sources() -> None:
    rules = load_access_rules()

    assert [rules.reasons[reason].law for reason in RestrictionReason] == [
        f"s.45(4)({letter})" for letter in "abcde"
    ]
    assert (rules.months, rules.further_months) == (1, 2)
    assert all(source.startswith("https://www.legislation.gov.uk/") for source in rules.sources)
    assert rules.review_by > date(2026, 11, 1)


def test_a_reason_the_law_does_not_know_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(RULES.read_text() + '\n[reasons.convenience]\nlaw = "none"\nsays = "it is easier"\n')

    with pytest.raises(SettingsInvalid, match=r"rules\.toml"):
        load_access_rules(path)


def test_a_reason_that_is_left_out_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(RULES.read_text().partition("[reasons.rights_of_others]")[0])

    with pytest.raises(SettingsInvalid):
        load_access_rules(path)
