"""Every table of the database stands in one class of retention.toml, and every row reaches somebody by its keys.

Red when: a table is taken out of retention.toml (named by the first test); `Belongings._list_links` leaves out what
data_map.toml says (`test_rows_named_without_a_key_are_reached_too`).
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from casework.adapters.storage.belongings import OUTLIVES, held_subjects
from casework.adapters.storage.retention_rows import check_rules, find_belongings
from casework.adapters.storage.schema import metadata
from casework.model.errors import SettingsInvalid
from casework.model.retention import RETENTION_FILE, Counted, load_retention


def write_rules(folder: Path, before: str, after: str) -> Path:
    text = RETENTION_FILE.read_text()
    assert before in text
    path = folder / "retention.toml"
    path.write_text(text.replace(before, after, 1))
    return path


def test_every_table_stands_in_one_class() -> None:
    rules = load_retention()

    check_rules(rules)
    assert sorted(rules.tables) == sorted(metadata.tables)


def test_a_table_nobody_put_anywhere_is_named(tmp_path: Path) -> None:
    path = write_rules(tmp_path, 'staff_note = ["created_at"]\n', "")

    with pytest.raises(SettingsInvalid, match="staff_note: in no class"):
        check_rules(load_retention(path))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("days = 90\n[record.tables]", "days = 3\n[record.tables]", "too short or too long"),
        ("hours = 24\n[codes.tables]", "hours = 0\n[codes.tables]", "whole number"),
        ('counted = "export"', 'counted = "whenever"', "whenever"),
        ('tables = ["audit", ', 'tables = ["inbox", "audit", ', "inbox stands in two classes"),
        ('web_session = ["last_seen_at"]', "web_session = [1]", "not a text"),
        ("overdue_alarm_hours = 48\n", "", "overdue_alarm_hours"),
        ("[upkeep]\n", "[upkeep]\nsurprise = 1\n", "surprise"),
    ],
)
def test_rules_that_cannot_be_right_are_refused_with_the_place(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    with pytest.raises(SettingsInvalid, match=re.escape(says)):
        load_retention(write_rules(tmp_path, before, after))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('web_session = ["last_seen_at"]', 'web_session = ["seen"]', "web_session.seen: no such column"),
        ('draft = ["updated_at"]', 'draft_words = ["updated_at"]', "draft_words: no such table"),
        ('invite = ["conversation_id"]', 'invite = ["token_hash"]', "invite.token_hash: cannot let go"),
        (
            "hand_back_summary = [",
            'running_clock = ["started_at"]\nhand_back_summary = [',
            "of no conversation",
        ),
    ],
)
def test_rules_that_do_not_fit_the_tables_are_refused(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    path = write_rules(tmp_path, before, after)
    if "running_clock" in after:
        path.write_text(path.read_text().replace('"case_notice", "running_clock", ', '"case_notice", '))

    with pytest.raises(SettingsInvalid, match=re.escape(says)):
        check_rules(load_retention(path))


def test_a_force_may_have_other_times(tmp_path: Path) -> None:
    path = write_rules(tmp_path, "days = 90\n[record.tables]", "days = 400\n[record.tables]")

    assert load_retention(path).tables["inbox"].keep_for == timedelta(days=400)


def test_whatever_goes_by_the_export_of_a_conversation_belongs_to_somebody() -> None:
    rules = load_retention()
    of_somebody = {table.name for table in find_belongings(rules).list_of_somebody()}

    exported = {rule.table for rule in rules.tables.values() if rule.counted is Counted.EXPORT}
    beside = {rule.table for rule in rules.tables.values() if rule.counted is Counted.PARENT}
    assert sorted((exported | beside) - of_somebody) == []


def test_rows_named_without_a_key_are_reached_too() -> None:
    found = find_belongings(load_retention())

    reached = {table.name for table in found.list_of_somebody()}
    assert reached >= {"delivery_event", "replay_answer", "web_session"}
    assert not reached & OUTLIVES


def test_no_condition_of_a_hold_forgets_where_it_stands() -> None:
    """A subquery that took its table from the query around it would hold everything, or nothing."""
    found = find_belongings(load_retention())

    for table in found.list_of_somebody():
        written = str(found.is_of(table, held_subjects()))
        assert written.count("SELECT") == written.count("FROM "), table.name
