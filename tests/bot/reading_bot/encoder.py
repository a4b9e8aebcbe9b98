"""The sentence encoder, built in a folder of the caller's."""

from pathlib import Path
from typing import Any

from bot.components.sentence_encoder import SentenceEncoder, WeightsUnusable, build_encoder
from tests.bot.reading_bot.answering import answer_lines

built: dict[str, SentenceEncoder] = {}


def build(folder: str) -> str | None:
    """None, or what the encoder refuses."""
    try:
        build_encoder(Path(folder))
    except WeightsUnusable as refusal:
        return str(refusal)
    built[""] = SentenceEncoder(Path(folder))
    return None


def read(texts: list[str]) -> list[dict[str, Any]]:
    """Of each text: the middle and the last layer, each the mean of its tokens, the shape and the spans."""
    return [
        {
            "middle": one.states[:, :384].mean(0).tolist(),
            "last": one.states[:, 384:].mean(0).tolist(),
            "shape": one.states.shape,
            "spans": one.spans,
        }
        for one in built[""].read_many(texts)
    ]


def report_progress(texts: list[str]) -> list[int]:
    done: list[int] = []
    built[""].read_many(texts, on_progress=done.append)
    return done


def count_whole_words() -> list[object]:
    words = built[""].whole_words
    return [len(words), "police" in words, "##ing" in words]


if __name__ == "__main__":
    answer_lines(build=build, read=read, report_progress=report_progress, count_whole_words=count_whole_words)
