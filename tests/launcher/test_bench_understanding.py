"""The arithmetic of `./waymark bench understanding`, its draws and what it refuses."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from launcher.bench_understanding import (
    EXAMPLES,
    OUTSIDE,
    BenchFailed,
    Draw,
    Figures,
    Measured,
    Row,
    auroc,
    draw,
    find_missed,
    judge,
    macro_f1,
    mean_of,
    read_rows,
    render_costs,
    render_table,
    run_bench_understanding,
)
from launcher.evaluation.typos import with_typos


def rows_of(*labels: str, split: str = "train", count: int = 2 * EXAMPLES) -> list[Row]:
    return [Row(f"{label}, {split} number {n}", label, split) for label in labels for n in range(count)]


def some_figures(
    accuracy: float = 0.95, typo_accuracy: float = 0.94, auroc: float | None = None
) -> dict[str, Figures]:
    return {"all": Figures(accuracy=accuracy, macro_f1=0.9, typo_accuracy=typo_accuracy, auroc=auroc)}


def a_measured(seconds: float = 9.0, latency: Sequence[float] = (1.0, 2.0, 3.0)) -> Measured:
    return Measured(
        answers={},
        latency_ms={"words": list(latency), "all": list(latency)},
        seconds={"all": seconds},
        model_mb={"all": 30.0},
        resident_mb=900.0,
    )


def test_a_draw_has_ten_different_examples_of_each_class_and_is_the_same_for_its_seed() -> None:
    rows = rows_of("card", "loan")

    drawn = draw(rows, 1)

    assert [label for _, label in drawn.train] == ["card"] * EXAMPLES + ["loan"] * EXAMPLES
    assert len(set(drawn.train)) == 2 * EXAMPLES
    assert drawn == draw(rows, 1)
    assert drawn.train != draw(rows, 2).train


def test_no_test_text_and_nothing_out_of_scope_is_trained_on() -> None:
    test, outside = rows_of("card", split="test"), rows_of(OUTSIDE, split="oos_test", count=3)
    rows = [*rows_of("card"), *rows_of(OUTSIDE), *rows_of("card", split="val"), *test, *outside]

    drawn = draw(rows, 0)

    assert {label for _, label in drawn.train} == {"card"}
    assert all("train" in text for text, _ in drawn.train)
    assert drawn.test == [(row.text, "card") for row in test]
    assert drawn.outside == [row.text for row in outside]


def test_a_class_with_too_few_examples_is_refused_by_name() -> None:
    with pytest.raises(BenchFailed, match="card has 9"):
        draw(rows_of("card", count=EXAMPLES - 1), 0)


def test_the_test_is_read_as_written_then_mistyped_then_what_is_outside() -> None:
    written = "where is the card I was promised last week"
    one = Draw(train=[], test=[(written, "card")], outside=["sing to me"])

    assert one.texts == [written, with_typos(written), "sing to me"]
    assert one.texts[1] != written


def test_each_part_of_the_answers_is_judged_as_what_it_is() -> None:
    one = Draw(train=[], test=[("a", "card"), ("b", "loan")], outside=["c", "d"])
    written, typed = [("card", 0.9), ("loan", 0.6)], [("card", 0.9), ("card", 0.4)]

    found = judge(one, [*written, *typed, ("card", 0.7), ("loan", 0.1)])

    assert (found.accuracy, found.typo_accuracy, found.macro_f1, found.auroc) == (1.0, 0.5, 1.0, 0.75)


def test_a_set_with_nothing_outside_has_no_auroc() -> None:
    assert judge(Draw(train=[], test=[("a", "card")], outside=[]), [("card", 0.9)] * 2).auroc is None


def test_macro_f1_counts_each_class_alike() -> None:
    labels, named = ["card"] * 3 + ["loan"], ["card"] * 4

    assert macro_f1(labels, named) == pytest.approx((6 / 7 + 0) / 2)


@pytest.mark.parametrize(
    ("inside", "outside", "wanted"),
    [([0.9, 0.8], [0.1], 1.0), ([0.1], [0.9, 0.8], 0.0), ([0.5], [0.5], 0.5), ([0.9, 0.2], [0.5], 0.5)],
)
def test_auroc_is_the_share_of_pairs_in_the_right_order(
    inside: list[float], outside: list[float], wanted: float
) -> None:
    assert auroc(inside, outside) == wanted


def test_the_figures_of_a_set_are_the_means_of_its_draws() -> None:
    found = mean_of([some_figures(0.8, 0.7, 0.9)["all"], some_figures(0.9, 0.8, 1.0)["all"]])

    assert (found.accuracy, found.typo_accuracy, found.auroc) == pytest.approx((0.85, 0.75, 0.95))


def test_every_figure_reached_leaves_nothing_to_say() -> None:
    assert not find_missed({"CLINC150": some_figures(auroc=0.96), "HWU64": some_figures()})


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (some_figures(accuracy=0.929, typo_accuracy=0.929, auroc=0.96), "accuracy 0.929"),
        (some_figures(auroc=0.954), "AUROC 0.954"),
        (some_figures(typo_accuracy=0.88, auroc=0.96), "7.0 points"),
    ],
)
def test_a_figure_not_reached_is_said(figures: dict[str, Figures], said: str) -> None:
    [missed] = find_missed({"CLINC150": figures})

    assert said in missed


def test_the_table_has_a_line_for_each_reader_measured() -> None:
    table = "\n".join(render_table({"HWU64": some_figures(0.851, 0.801)}))

    assert "| HWU64 | ours: all three | 0.851 | 0.900 | 0.801 | - |" in table
    assert "DIET" not in table


def test_the_costliest_draw_is_shown() -> None:
    costs = "\n".join(render_costs([a_measured(9.0), a_measured(120.0)]))

    assert "| ours: all three | 2.0 | 3.0 | 120 | 30 |" in costs
    assert "| words and letters, logistic regression | 2.0 | 3.0 | - | - |" in costs


def test_a_line_that_is_no_example_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"text": "a", "label": "b", "split": "test"}\n{"text": "a"}\n')

    with pytest.raises(BenchFailed, match=r"Line 2 of set\.jsonl"):
        read_rows(path)


def test_without_data_nothing_is_started(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="--data"):
        run_bench_understanding(tmp_path, None)
