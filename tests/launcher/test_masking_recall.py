"""What the masking hides of marked messages that whoever wrote it never read: the document says what is measured.

Red when a rule changes a figure and `docs/masking.md` does not say so. The bars stand there, and which is missed.
"""

import re
from functools import cache
from pathlib import Path

import pytest

from launcher.evaluation.figures import Figure
from launcher.masking_figures import ALL_STRUCTURED, FOLDER, PRECISION, STRUCTURED, measure

DOCUMENT = Path(__file__).parents[2] / "docs" / "masking.md"
ROW = re.compile(r"^\| (?P<of>[a-z_ ]+) \| (?P<hits>\d+) of (?P<n>\d+) \|", re.MULTILINE)


@cache
def figures() -> dict[str, Figure]:
    return measure(FOLDER)


@cache
def documented() -> dict[str, tuple[int, int]]:
    return {row["of"]: (int(row["hits"]), int(row["n"])) for row in ROW.finditer(DOCUMENT.read_text("utf-8"))}


@pytest.mark.parametrize("of", sorted({ALL_STRUCTURED, PRECISION, "name", *STRUCTURED}))
def test_a_documented_figure_is_the_measured_one(of: str) -> None:
    figure = figures()[of]

    assert documented()[of] == (figure.hits, figure.n)


def test_a_mark_counts_only_when_all_of_it_is_covered(tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text(
        '[[person]]\nid = "p01"\nnames = ["Tamsin Quill"]\nofficer_name = "Ash Wren"\nofficer_rank = "DC"\n'
        'officer_number = "4471"\nphones = ["07700 900101"]\nemails = []\nreference = "43260990101"\n',
        encoding="utf-8",
    )
    (tmp_path / "messages.txt").write_text(
        "# person=p01 style=plain\nits {name:tamsin}, ring {phone:07700 900101}\n"
        "# style=plain\nhe said {phone:07700 900102 ask for bramble} ok, at ZZ99 4RT\n",
        encoding="utf-8",
    )

    measured = measure(tmp_path)

    assert [(measured[of].hits, measured[of].n) for of in ("name", "phone", PRECISION)] == [
        (1, 1),
        (1, 2),
        (3, 4),
    ]
