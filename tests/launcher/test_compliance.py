"""`./waymark clocks` counts how the limits of the Victims' Code are kept, and says what is not sure of it."""

import csv
import json
from argparse import Namespace
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from casework.adapters.storage.database import Database
from casework.model.code_clock import RightCounts
from casework.services.clocks import load_code_rules
from launcher.compliance import COUNTS, find_caveats, show_compliance
from tests.support.builders import REFERENCE
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.news import INFORMED, happens, note_overdue_clocks, say_case, stage_becomes


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def asked(**values: object) -> Namespace:
    return Namespace(**({"json": False, "csv": None} | values))


async def some_clocks(line: Line) -> None:
    """Of right 4 one that runs late, of right 6 one kept, of right 8 one that nobody kept."""
    say_case(line)
    happens(line, "recorded")
    stage_becomes(line, "arrested")
    line.clock.advance(minutes=1)
    happens(line, "victim_told", "arrested")
    happens(line, "hearing_listed")
    line.clock.advance(days=3)
    await note_overdue_clocks(line)


async def test_the_table_counts_per_right_and_says_what_is_not_sure(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    await some_clocks(line)

    assert show_compliance(line.database, asked()) == 0

    said = capsys.readouterr().out
    rows = {words[:2]: words[2:] for words in (tuple(each.split()) for each in said.splitlines()) if words}
    assert rows["right", "6"] == ("1", "1", "0", "0", "0")
    assert rows["right", "8"] == ("1", "0", "0", "1", "0")
    assert "1 end today, 1 are overdue." in said
    assert "right 8: counts from the event itself" in said
    assert REFERENCE not in said


async def test_as_json_it_has_the_counts_what_is_overdue_and_the_caveats(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    await some_clocks(line)

    show_compliance(line.database, asked(json=True))

    told = json.loads(capsys.readouterr().out)
    assert told["rights"]["right_6"] == {
        "started": 1,
        "met": 1,
        "met_late": 0,
        "overdue": 0,
        "running": 0,
    }
    assert [(each["clock"], each["state"], each["due_on"]) for each in told["due_today_or_overdue"]] == [
        ("hearing_date", "overdue", "2026-11-23"),
        ("support_referral", "due", "2026-11-24"),
    ]
    assert told["caveats"].keys() >= {"right_8", "right_9", "right_11"}


async def test_as_csv_every_row_carries_its_caveat(line: Line, tmp_path: Path) -> None:
    await some_clocks(line)

    show_compliance(line.database, asked(csv=tmp_path / "clocks.csv"))

    with (tmp_path / "clocks.csv").open(encoding="utf-8") as file:
        rows = {row["right"]: row for row in csv.DictReader(file)}
    assert rows["right_8"]["overdue"] == "1"
    assert "told in time" in rows["right_8"]["caveat"]
    assert rows["right_4"]["caveat"] == ""


def test_with_nothing_started_it_says_so(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    show_compliance(line.database, asked())

    assert "was started yet" in capsys.readouterr().out


async def test_a_clock_without_a_date_is_said_to_have_none(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = replace(
        INFORMED.code, working_days=replace(INFORMED.code.working_days, known_until=date(2026, 11, 20))
    )
    say_case(line)
    stage_becomes(line, "with_cps")
    happens(line, "recorded", informed=replace(INFORMED, code=rules))
    stage_becomes(line, "arrested")

    show_compliance(line.database, asked(), rules=rules)

    assert "1 have no date" in capsys.readouterr().out


def test_the_columns_are_the_counts_and_the_caveats_are_of_rights_with_unsure_limits() -> None:
    rules = load_code_rules()

    assert tuple(RightCounts.__dataclass_fields__) == COUNTS
    assert set(find_caveats(rules)) == {"right_6", "right_8", "right_9", "right_11"}
    sure = replace(rules, clocks=tuple(replace(clock, show_to_victim=True) for clock in rules.clocks))
    assert find_caveats(sure) == {}
