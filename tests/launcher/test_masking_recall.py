"""What the masking hides of marked messages: the document says what is measured, with interval and verdict.

Red when, each tried once: a rule changes a figure and `docs/masking.md` does not say so, an interval or a share there
is not the figure's, a bar that is missed is called reached, a frozen set is changed, or a comment is kept for the
message after the next.
"""

import re
from functools import cache
from pathlib import Path

import pytest

from launcher.evaluation.figures import Figure
from launcher.evaluation.frozen import check_frozen
from launcher.masking_figures import (
    ALL_STRUCTURED,
    FOLDER,
    PRECISION,
    STRUCTURED,
    make_masker,
    measure,
    read_messages,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "masking.md"
FIRST, SECOND = "messages.txt", "messages_second.txt"
THIRD, FOURTH, FIFTH = "messages_third.txt", "messages_fourth.txt", "messages_fifth.txt"
WANTED = {ALL_STRUCTURED: 99, PRECISION: 90}
OF = sorted({ALL_STRUCTURED, PRECISION, "name", *STRUCTURED})
FIGURE = r"(\d+) of (\d+) \| ([\d.]+) % \| ([\d.]+) to ([\d.]+) \|"
JUDGED_ROW = re.compile(
    rf"^\| ([a-z_]+) \| {FIGURE} \d+: (reached|\*\*missed\*\*) \| \d+ of \d+ \|$", re.MULTILINE
)
TWICE_ROW = re.compile(rf"^\| ([a-z_]+) \| {FIGURE} {FIGURE}$", re.MULTILINE)
HEADING = {
    FIRST: "### First set",
    SECOND: "### Second set",
    THIRD: "### Third set",
    FOURTH: "### Fourth set",
    FIFTH: "### Fifth set",
}
SPENT = sorted({*HEADING} - {FIFTH})
# The first run of each, before anybody had read a miss: kept, and made again by no code.
FIRST_RUN = {
    FIRST: {ALL_STRUCTURED: (418, 433), "name": (79, 81), PRECISION: (594, 608)},
    SECOND: {ALL_STRUCTURED: (160, 179), "name": (58, 63), PRECISION: (265, 272)},
    THIRD: {ALL_STRUCTURED: (446, 468), "name": (124, 130), PRECISION: (717, 736)},
    FOURTH: {ALL_STRUCTURED: (458, 471), "name": (97, 100), PRECISION: (649, 668)},
    FIFTH: {ALL_STRUCTURED: (491, 506), "name": (165, 172), PRECISION: (838, 892)},
}


@cache
def figures(name: str) -> dict[str, Figure]:
    return measure(FOLDER, name=name, masker=make_masker())


@cache
def rows(name: str, pattern: re.Pattern[str]) -> dict[str, tuple[str, ...]]:
    """The rows of that set's own section."""
    section = DOCUMENT.read_text("utf-8").split(HEADING[name])[1].split("\n#")[0]
    return {found[1]: found.groups()[1:] for found in pattern.finditer(section)}


def told(figure: Figure) -> tuple[str, ...]:
    """As the document writes a figure: hits, of how many, share, and Wilson's interval in percent."""
    low, high = figure.interval or (0.0, 1.0)
    return (str(figure.hits), str(figure.n), *(_percent(value) for value in (figure.value or 0.0, low, high)))


def _percent(value: float) -> str:
    return f"{100 * value:.1f}".replace("100.0", "100")


@pytest.mark.parametrize("of", OF)
def test_the_published_figure_is_the_measured_one_of_the_fifth_set(of: str) -> None:
    figure = figures(FIFTH)[of]
    *documented, verdict = rows(FIFTH, JUDGED_ROW)[of]

    assert tuple(documented) == told(figure)
    assert (verdict == "reached") is ((figure.value or 0.0) >= WANTED.get(of, 95) / 100)
    # Nobody has tuned to it: when this figure moves, its misses were read and a sixth set is needed.
    assert FIRST_RUN[FIFTH].get(of, (figure.hits, figure.n)) == (figure.hits, figure.n)


@pytest.mark.parametrize("of", OF)
@pytest.mark.parametrize("name", SPENT)
def test_the_figure_of_a_spent_set_is_the_measured_one_and_its_first_run_is_kept(name: str, of: str) -> None:
    row = rows(name, TWICE_ROW)[of]
    hits, n = int(row[0]), int(row[1])

    assert row[5:] == told(figures(name)[of])
    assert row[:5] == told(Figure(value=hits / n, n=n, hits=hits))
    assert FIRST_RUN[name].get(of, (hits, n)) == (hits, n)


@pytest.mark.parametrize("name", sorted(HEADING))
def test_the_table_of_all_sets_says_what_each_has(name: str) -> None:
    overview = DOCUMENT.read_text("utf-8").split("### Fifth set")[0]

    for of in (ALL_STRUCTURED, "name", PRECISION):
        hits, n, share, low, high = told(figures(name)[of])
        assert f"{share} % ({low} to {high})" in overview, (of, hits, n)


@pytest.mark.parametrize("file", sorted([*HEADING, "people.toml"]))
def test_a_frozen_set_is_as_it_was_when_it_was_measured_first(file: str) -> None:
    # A mark that is wrong stands in errata.md beside them, and is not mended here.
    check_frozen(DOCUMENT.parents[1], f"masking/{file}")


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


def test_a_comment_is_about_the_next_message_only(tmp_path: Path) -> None:
    path = tmp_path / "messages.txt"
    path.write_text("# person=p01 style=plain\none\n\ntwo\n# style=child\nthree\n", encoding="utf-8")

    assert [(message.text, message.person, message.style) for message in read_messages(path)] == [
        ("one", "p01", "plain"),
        ("two", "", ""),
        ("three", "", "child"),
    ]
