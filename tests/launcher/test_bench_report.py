"""The page, the picture and the JSON of the benches agree, and nothing of them is written by hand.

Red when, each tried once: a figure of the page's marked part is changed by hand; a bar is left out of the picture; a
part measured again is put at the end instead of in its place; a promise that was missed reads as held.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from launcher.bench_all import PARTS, write_down
from launcher.bench_picture import PICTURE, draw
from launcher.bench_rasa import BenchFailed
from launcher.bench_report import (
    BEGIN,
    END,
    NOT_MEASURED,
    PAGE,
    RESULTS,
    Part,
    Promise,
    Report,
    Row,
    from_json,
    put_into_page,
    read_report,
    render_page_part,
    render_text,
    show,
    to_json,
)

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
START = Part(
    name="start",
    title="The second start",
    measured="2026-11-23, commit abc",
    rows=(
        Row(name="Until ready", unit="s", ours=7.25, stock=11.0, drawn=True),
        Row(name="desk", unit="s", ours=2.5),
    ),
    promises=(Promise(text="At most 20 s", held=True),),
)
TURN = Part(
    name="turn",
    title="A turn <late>",
    rows=(Row(name="CPU & all", unit="ms", ours=12.0, stock=480.0, floor=6.0, drawn=True),),
    promises=(Promise(text="At most 1.15", held=False),),
    notes=("As it comes.",),
)
BOTH = Report(parts=(START, TURN))


def test_the_page_and_the_picture_are_made_of_the_json_beside_them() -> None:
    report = read_report(ROOT)
    page = (ROOT / PAGE).read_text(encoding="utf-8")

    assert put_into_page(page, report) == page
    assert (ROOT / PICTURE).read_text(encoding="utf-8") == draw(report)
    assert (ROOT / RESULTS).read_text(encoding="utf-8") == to_json(report)
    assert {part.name for part in report.parts} <= set(PARTS)


def test_a_report_comes_back_from_its_json_as_it_was() -> None:
    assert from_json(to_json(BOTH)) == BOTH


@pytest.mark.parametrize("text", ["", "[]", '{"parts": [{"name": "turn"}]}', '{"parts": 3}'])
def test_json_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(BenchFailed, match="is not what"):
        from_json(text)


def test_a_part_measured_again_takes_the_place_of_the_older() -> None:
    newer = replace(START, measured="2026-12-01")

    assert BOTH.with_part(newer).parts == (newer, TURN)
    assert Report(parts=(TURN,)).with_part(START).parts == (TURN, START)


def test_the_marked_part_has_every_figure_and_only_the_columns_that_hold_one() -> None:
    made = render_page_part(BOTH)

    assert made.startswith(BEGIN) and made.endswith(END)
    assert (
        "| | Waymark | Stock Rasa |\n|---|---|---|\n| Until ready, s | 7.25 | 11.0 |\n| desk, s | 2.50 | - |"
        in made
    )
    assert "| CPU & all, ms | 12.0 | 480 | 6.00 |" in made
    assert "- **At most 20 s: held.**" in made
    assert "- **At most 1.15: MISSED.**\n- As it comes." in made
    assert NOT_MEASURED not in made and NOT_MEASURED in render_page_part(Report())


def test_a_page_that_lost_its_marks_is_refused() -> None:
    with pytest.raises(BenchFailed, match="lost its marks"):
        put_into_page("# Performance\n" + BEGIN, BOTH)


def test_what_stands_around_the_marks_stays(tmp_path: Path) -> None:
    for name in (PAGE, PICTURE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    before = (tmp_path / PAGE).read_text(encoding="utf-8")

    write_down(tmp_path, BOTH)
    write_down(tmp_path, BOTH.with_part(replace(TURN, measured="again")))

    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert page.partition(BEGIN)[0] == before.partition(BEGIN)[0]
    assert page.partition(END)[2] == before.partition(END)[2]
    assert [part["measured"] for part in json.loads((tmp_path / RESULTS).read_text())["parts"]] == [
        "2026-11-23, commit abc",
        "again",
    ]


def test_the_picture_has_a_bar_for_every_drawn_figure_as_long_as_the_figure_is_large() -> None:
    drawing = ElementTree.fromstring(draw(BOTH))
    bars = [each for each in drawing.iter(f"{SVG}rect") if each.get("height") == "14"]
    said = {each.text for each in drawing.iter(f"{SVG}text")}

    assert [bar.get("class") for bar in bars] == ["ours", "stock", "ours", "stock", "floor"]
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[0] / widths[1] == pytest.approx(7.25 / 11, abs=0.01)
    assert widths[2] / widths[3] == pytest.approx(12 / 480, abs=0.01)
    assert {"7.25", "11.0", "12.0", "480", "6.00", "Until ready", "CPU & all"} <= said
    assert "desk" not in said
    assert "Stock Rasa 480" in drawing.get("aria-label", "")


def test_a_missed_promise_fails_the_part_and_is_told() -> None:
    assert START.holds and not TURN.holds
    assert "At most 1.15: MISSED." in render_text(TURN)


@pytest.mark.parametrize(
    ("number", "shown"), [(None, "-"), (0.0, "0.00"), (1.154, "1.15"), (15.64, "15.6"), (489.1, "489")]
)
def test_a_figure_is_shown_with_as_many_digits_as_say_something(number: float | None, shown: str) -> None:
    assert show(number) == shown
