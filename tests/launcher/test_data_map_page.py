"""docs/data-map.md says what the map, the rules and the tables say, and nothing else."""

from datetime import timedelta
from pathlib import Path

import pytest

from casework.adapters.storage.data_map import RecordClass
from casework.adapters.storage.schema import metadata
from casework.model.retention import Counted, TableRule
from casework.model.toml_files import read_toml
from launcher.data_map_page import PAGE, WORDS, render_data_map, run_data_map, say_how_long
from tests.support.running import ROOT


def test_the_page_is_what_the_map_gives() -> None:
    """Red when: a table, a rule or a seal changed and the page did not. The remedy is `./waymark data-map`."""
    assert (ROOT / PAGE).read_text() == render_data_map()


def test_every_table_stands_on_the_page_once() -> None:
    rows = [
        line.split(" | ")[0].removeprefix("| ")
        for line in render_data_map().splitlines()
        if line.startswith("|")
    ]
    tables = [row for row in rows if row not in ("table", "|---|---|---|---|---|")]

    assert sorted(tables) == sorted(metadata.tables)


def test_every_kind_of_data_says_why_and_who_sees_it() -> None:
    words = read_toml(WORDS)

    assert set(words) == {each.value for each in RecordClass} | {"intro"}
    assert all(words[each.value].keys() == {"title", "why", "who"} for each in RecordClass)


def test_an_edited_page_is_noticed_and_written_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Red when: the page is compared with itself."""
    page = tmp_path / PAGE
    page.parent.mkdir()
    page.write_text(render_data_map().replace("| inbox |", "| in-box |"))

    assert run_data_map(tmp_path, is_check=True) == 1
    assert run_data_map(tmp_path, is_check=False) == 0
    assert run_data_map(tmp_path, is_check=True) == 0
    assert "Run ./waymark data-map" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (None, "**no rule yet**"),
        (
            TableRule(table="t", kept_as="codes", counted=Counted.ROW, keep_for=timedelta(hours=24)),
            "24 hours",
        ),
        (
            TableRule(table="t", kept_as="record", counted=Counted.EXPORT, keep_for=timedelta(days=90)),
            "90 days after the force's record has it",
        ),
        (TableRule(table="t", kept_as="beside", counted=Counted.PARENT), "with what it belongs to"),
        (
            TableRule(
                table="t",
                kept_as="imports",
                counted=Counted.ROW,
                keep_for=timedelta(days=90),
                unless={"status": ("held",)},
            ),
            "90 days; while status is held, longer",
        ),
    ],
    ids=["no rule", "hours", "after the export", "with another row", "unless"],
)
def testsay_how_long_is_said_in_words(rule: TableRule | None, words: str) -> None:
    """Red when: a table nobody gave a rule reads like one that is kept for ever, or not at all."""
    assert say_how_long(rule) == words
