"""Word heads trained on messages of the caller's, read as stored."""

from pathlib import Path
from typing import Any

import numpy as np

from bot.components.attention_heads import UNKNOWN
from bot.components.word_heads import WordHeads, WordSettings
from tests.bot.reading_bot.answering import answer_lines

kept: dict[str, WordHeads] = {}


def train(
    texts: list[str], targets: dict[str, list[int | None]], classes: dict[str, int], folder: str
) -> None:
    """None for a target that is not told."""
    wanted = {
        answer: np.array([UNKNOWN if one is None else one for one in told])
        for answer, told in targets.items()
    }
    kept["trained"] = WordHeads.train(texts, wanted, classes, WordSettings(), on_progress=lambda _: None)
    kept["trained"].save(Path(folder))
    kept["stored"] = WordHeads.load(Path(folder))


def read(text: str, which: str) -> dict[str, Any]:
    return {answer: logits.astype(float).tolist() for answer, logits in kept[which].read(text).items()}


if __name__ == "__main__":
    answer_lines(train=train, read=read)
