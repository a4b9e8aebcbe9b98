"""What the workbench writes is what Rasa reads: every odd text whole, and nothing Rasa complains of.

Red when, each tried once: `quote` leaves a backslash or a quote as it is; an emptied block keeps `examples:` alone.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.training_files import TaughtRow, merge, write_folder
from casework.model.teaching_texts import check
from launcher.candidates import validate_command
from launcher.taught_texts import TAUGHT
from launcher.training import rasa_environ
from tests.bot.reading_bot.asking import Script, running_script
from tests.support.training_trees import make_small_tree

pytestmark = pytest.mark.rasa

ODD = (
    'he said "no" and left',
    "it's his: 'Surron', #2",
    "C:\\users\\u0041 is what it says",
    'a \\u0041 b \\" c',
    "no",
    "12e5",
    "null",
    "- not a list",
    "{row: 1}",
    "two lines\nof it",
    "ok 👍🏽 ta",
    "ŵyf i'n iawn",
    "percent %s and $5 {gap}",
    "  spaces before and after  ",
    "a|b>c&d*e!f%g@h`i",
)


def rows() -> list[TaughtRow]:
    assert [text for text in ODD if check(text)] == []
    made = [
        TaughtRow(row=f"{1_700_000_000 + at}{at:08x}", text=text, scenario=f"wb_{at}", intent="ask_status")
        for at, text in enumerate(ODD)
    ]
    urgent = TaughtRow(
        row="170000009900000099", text="he is back", scenario="wb_99", category="immediate_danger"
    )
    return [*made, urgent]


def written(folder: Path) -> None:
    """Every row, after one was dropped from a block of its own."""
    gone = TaughtRow(row="170000009800000098", text="gone", scenario="wb_98", intent="ask_court")
    files = dict(merge({}, [*rows(), gone], known=set()).files)
    files["ask_court.yml"] = "# by hand\n" + files["ask_court.yml"]
    merged = merge(files, rows(), known={row.row for row in [*rows(), gone]})
    assert "examples: []" in merged.files["ask_court.yml"]
    write_folder(folder, {}, merged.files)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    log = tmp_path_factory.mktemp("workbench") / "script.log"
    with running_script("importer", log) as running:
        yield running


def test_rasa_reads_every_text_as_it_was_accepted(script: Script, tmp_path: Path) -> None:
    config, domain = tmp_path / "config.yml", tmp_path / "domain.yml"
    config.write_text(
        "recipe: default.v1\nlanguage: en\npipeline: []\npolicies: []\n"
        "importers:\n- name: bot.corpus_importer.CorpusImporter\n  corpus: []\n"
    )
    domain.write_text('version: "3.1"\nintents: [ask_status]\n')
    written(tmp_path / "nlu")

    files = [str(path) for path in sorted((tmp_path / "nlu").glob("*.yml"))]
    read: list[dict[str, Any]] = script.ask("read", config=str(config), domain=str(domain), data=files)

    # Beside them Rasa reads the names of its own intents and actions.
    of = {one["about"]["row"]: one for one in read if one["about"]}
    assert {row: (one["text"], one["intent"]) for row, one in of.items()} == {
        row.row: (row.text, row.intent) for row in rows()
    }
    assert of["170000009900000099"]["about"]["category"] == "immediate_danger"


def test_rasa_finds_nothing_wrong_with_the_files(tmp_path: Path) -> None:
    root = make_small_tree(tmp_path / "tree")
    written(root / TAUGHT)

    said = subprocess.run(
        validate_command(root),
        cwd=root,
        env=rasa_environ(PYTHONWARNINGS="default"),
        capture_output=True,
        text=True,
        check=False,
    )

    complaints = [line for line in said.stderr.splitlines() if TAUGHT in line]
    assert said.returncode == 0, said.stderr[-3000:]
    # It remarks on the block that was emptied, and reads on.
    assert ["Intent 'ask_court' has no examples" in line for line in complaints] == [True]
