"""The table of what is news, and who tells it first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casework.model.cases import CaseEvent
from casework.model.code_clock import load_code_clocks
from casework.model.errors import SettingsInvalid
from casework.model.notices import NOTICES_FILE, NeedsPerson, find_victim_told, load_notice_rules
from casework.model.outcomes import RESPONSES_OF_OUTCOMES
from casework.model.stages import HUMAN_FIRST, STAGE_IDS, Stage
from tests.yaml_files import ROOT

RULES = load_notice_rules()
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FLAGGED, PLAIN = "Domestic abuse - assault", "burglary"


def an_event(kind: str, detail: str = "", at: datetime = NOW) -> CaseEvent:
    return CaseEvent(at=at, kind=kind, detail=detail)


def a_stage(stage: str) -> CaseEvent:
    return an_event("stage_changed", stage)


def test_every_stage_and_everything_that_starts_a_clock_is_decided() -> None:
    decided = RULES.news.keys() | RULES.silent
    starting = {name for clock in load_code_clocks() for name in clock.starts_on}

    assert decided >= STAGE_IDS | starting


@pytest.mark.parametrize("stage", sorted(HUMAN_FIRST))
def test_whatever_the_table_says_a_dangerous_stage_of_a_flagged_case_needs_a_person(
    stage: Stage, tmp_path: Path
) -> None:
    loosened = tmp_path / "notices.toml"
    table = NOTICES_FILE.read_text().replace('person = "flagged"', 'person = "never"')
    loosened.write_text(table)

    assert load_notice_rules(loosened).needs_person(a_stage(stage), FLAGGED)


@pytest.mark.parametrize(
    ("event", "flagged", "plain"),
    [
        (a_stage("allocated"), False, False),
        (a_stage("released_on_bail"), True, False),
        (a_stage("charged"), True, False),
        (a_stage("closed_no_further_lines"), True, False),
        (a_stage("court_date_set"), False, False),
        (an_event("outcome", "15"), True, False),
        (an_event("outcome", "13"), True, True),
        (an_event("outcome", "something new"), True, True),
        (an_event("bail_ended"), True, False),
        (an_event("hearing_listed"), False, False),
        (an_event("released_from_prison"), True, True),
        (an_event("must_give_evidence"), True, True),
        (an_event("officer_changed"), False, False),
    ],
)
def test_a_person_tells_it_first(event: CaseEvent, flagged: bool, plain: bool) -> None:
    assert RULES.needs_person(event, FLAGGED) is flagged
    assert RULES.needs_person(event, PLAIN) is plain


def test_the_outcomes_that_need_no_person_are_those_the_assistant_has_words_for() -> None:
    assert RULES.news["outcome"].may_say == set(RESPONSES_OF_OUTCOMES)


def test_the_page_lists_every_kind_with_who_tells_it() -> None:
    page = (ROOT / "docs" / "kept-informed.md").read_text()
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}

    assert rows.keys() == RULES.news.keys() | RULES.silent
    for name, news in RULES.news.items():
        assert ("flagged" in rows[name]) is (news.person is NeedsPerson.FLAGGED)
        assert ("grade 2" in rows[name]) is news.is_urgent


@pytest.mark.parametrize("kind", ["update_given", "victim_told", "nobody_knows_this"])
def test_some_things_are_no_news(kind: str) -> None:
    assert RULES.find_news(an_event(kind)) is None


def told(detail: str = "", *, days: float = 1) -> CaseEvent:
    return an_event("victim_told", detail, NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        (told(), True),
        (told("arrested"), True),
        (told("by phone, all of it"), True),
        (told(days=0), True),
        (told(days=-1), False),
        (told("charged"), False),
        (told("bail_ended"), False),
        (told(days=3), False),
        (an_event("update_given", "arrested", NOW), False),
    ],
)
def test_being_told_of_one_thing_is_not_being_told_of_another(event: CaseEvent, counts: bool) -> None:
    found = find_victim_told("arrested", NOW, [event], names=RULES.names, now=NOW + timedelta(days=2))

    assert found == (event.at if counts else None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('news = "recorded"', 'news = "allocated"'),
        ('person = "always"', 'person = "sometimes"'),
        ("gather_minutes = 15", "gather_minutes = 0"),
        ("gather_minutes = 15", ""),
        ("urgent = true", 'urgent = "yes"'),
        ('why = "Right 8."', ""),
        ("review_by = 2027-05-21", ""),
        ("[about]", "[about]\nextra = 1\n[more]"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(old: str, new: str, tmp_path: Path) -> None:
    wrong = tmp_path / "notices.toml"
    wrong.write_text(NOTICES_FILE.read_text().replace(old, new))

    with pytest.raises(SettingsInvalid, match=r"notices\.toml"):
        load_notice_rules(wrong)
