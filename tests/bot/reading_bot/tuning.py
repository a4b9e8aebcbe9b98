"""The tuner on a few texts of the caller's, and the file its layers are kept in."""

from pathlib import Path
from typing import Any

import numpy as np

from bot.components.sentence_encoder import load_weights
from bot.components.tuned_layers import LayersUnusable, load_tuned_layers, save_tuned_layers
from bot.tune_encoder import tune
from tests.bot.reading_bot.answering import answer_lines


def keep(file: str, numbers: list[float]) -> None:
    save_tuned_layers({"a": np.array(numbers, np.float32)}, {"texts": 3}, Path(file))


def load(file: str) -> list[float] | str:
    """The numbers, or what is refused."""
    try:
        return load_tuned_layers(Path(file))["a"].tolist()
    except LayersUnusable as refusal:
        return str(refusal)


def tune_on(texts: list[str], classes: list[int], rounds: int) -> dict[str, Any]:
    """The loss of the last round, the names of the tensors and how many of them moved."""
    targets = {"wish": np.array(classes)}
    layers, loss = tune(texts, targets, {"wish": 2}, rounds=rounds, threads=1)
    published = load_weights()
    moved = [name for name, values in layers.items() if not np.allclose(values, published[name], atol=1e-6)]
    return {"loss": loss, "names": sorted(layers), "moved": len(moved)}


if __name__ == "__main__":
    answer_lines(keep=keep, load=load, tune_on=tune_on)
