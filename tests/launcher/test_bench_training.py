"""The report of the training bench says what was measured and nothing more.

Red when, each tried once: a stock that was stopped is told as a time; the urgent messages keep no intent.
"""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.corpus import Example
from launcher.bench_report import render_text
from launcher.bench_training import Trained, TrainingBench, make_part, write_as_yaml


def bench(ours: float, stock: float, *, finished: bool) -> TrainingBench:
    return TrainingBench(
        texts=10,
        ours=Trained(seconds=ours, finished=True),
        stock=Trained(seconds=stock, finished=finished),
    )


@pytest.mark.parametrize(
    ("stock", "finished", "holds", "said"),
    [
        (400.0, False, True, "had not finished after 400 s, 4 times ours, and was stopped"),
        (450.0, True, True, "450 s, 4.5 times ours"),
        (390.0, True, False, "390 s, 3.9 times ours"),
    ],
)
def test_a_stopped_stock_is_told_as_stopped(stock: float, finished: bool, holds: bool, said: str) -> None:
    measured = bench(100.0, stock, finished=finished)

    part = make_part(measured)

    assert part.holds is holds
    assert said in render_text(part)
    assert ("not measured" in render_text(part)) is not finished
    assert part.rows[0].stock == (stock if finished else None)


def test_stock_gets_the_same_texts_the_urgent_ones_under_an_intent_of_their_own(tmp_path: Path) -> None:
    def said(text: str, **label: str) -> Example:
        return Example(text=text, scenario="a", style="plain", **label)  # type: ignore[arg-type]

    write_as_yaml(
        [
            said('any "news": yes', outcome="ask_status"),
            said("and the", outcome="unclear"),
            said("he is here", category="immediate_danger"),
        ],
        tmp_path / "nlu",
    )
    read = {
        part["intent"]: [row["text"] for row in part["examples"]]
        for path in (tmp_path / "nlu").glob("*.yml")
        for part in YAML(typ="safe").load(path.read_text())["nlu"]
    }

    assert read == {
        "ask_status": ['any "news": yes'],
        "nlu_fallback": ["and the"],
        "urgent": ["he is here"],
    }
