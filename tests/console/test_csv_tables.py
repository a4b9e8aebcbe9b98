"""Downloads in which no cell is read as a formula. Red when: `make_cell` gives the text as it stands."""

import csv
import io

import pytest

from console.csv_tables import make_cell, render_csv
from tests.console.hostile_desk import load_corpus

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
FORMULAS = sorted(text for text in load_corpus() if text.lstrip(" \u200b").startswith(STARTS))


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_a_text_that_could_be_a_formula_is_kept_behind_an_apostrophe(text: str) -> None:
    assert make_cell(text) == "'" + text


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (-3, "-3"), (2.5, "2.5"), ("Sam Price", "Sam Price")]
)
def test_other_cells_stay_as_they_are(value: object, cell: str) -> None:
    assert make_cell(value) == cell


def test_every_text_comes_back_as_one_cell() -> None:
    texts = [text.replace("\x00", "") for text in load_corpus()]
    table = render_csv(["text"], [[text] for text in texts])
    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert [row[0].removeprefix("'") for row in rows[1:]] == [text.removeprefix("'") for text in texts]
