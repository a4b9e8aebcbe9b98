"""Attention heads trained on drawn token states: one of the tokens may be a sign, all others are noise."""

from typing import Any

import numpy as np

from bot.components.attention_heads import UNKNOWN, AttentionHeads, HeadSettings, train_heads
from bot.components.sentence_encoder import STATE_WIDTH
from tests.bot.reading_bot.answering import answer_lines

SETTINGS = HeadSettings(width=32, queries=2, epochs=12, batch=16)
SIGNS = np.random.default_rng(5).normal(size=(2, STATE_WIDTH))
trained: dict[str, AttentionHeads] = {}


def draw(seed: int, tokens: int, signs: dict[int, int]) -> Any:
    """(tokens, 768) of noise; `signs` puts sign number v at token k."""
    states = np.random.default_rng(seed).normal(size=(tokens, STATE_WIDTH))
    for token, sign in signs.items():
        states[token] = 2 * SIGNS[sign]
    return states.astype(np.float16)


def train(name: str, count: int, *, unknown: bool) -> list[str]:
    """Answer "sign": which of the two signs stands in it, or 2. Answer "kind": like it, but half are not told.

    With `unknown` the targets not told are UNKNOWN; without, they are wrong.
    """
    chance = np.random.default_rng(7)
    classes = [int(one) for one in chance.integers(0, 3, count)]
    lengths = [int(one) for one in chance.integers(4, 40, count)]
    states = [
        draw(index, length, {length // 2: kind} if kind < 2 else {})
        for index, (kind, length) in enumerate(zip(classes, lengths, strict=True))
    ]
    hidden = [UNKNOWN if unknown else (kind + 1) % 3 for kind in classes]
    kinds = [kind if index % 3 == 0 else hidden[index] for index, kind in enumerate(classes)]
    told: list[str] = []
    targets = {"sign": np.array(classes), "kind": np.array(kinds)}
    texts = [f"text {index}" for index in range(count)]
    weights = train_heads(texts, states, targets, {"sign": 3, "kind": 3}, SETTINGS, on_progress=told.append)
    trained[name] = AttentionHeads(weights)
    return told


def read(name: str, seed: int, tokens: int, signs: dict[str, int]) -> dict[str, list[float]]:
    logits = trained[name].read(draw(seed, tokens, {int(token): sign for token, sign in signs.items()}))
    return {answer: values.astype(float).tolist() for answer, values in logits.items()}


def explain(seed: int, tokens: int, signs: dict[str, int], wanted: int, other: int) -> list[float]:
    states = draw(seed, tokens, {int(token): sign for token, sign in signs.items()})
    return trained["good"].explain(states, "sign", wanted, other).astype(float).tolist()


if __name__ == "__main__":
    answer_lines(train=train, read=read, explain=explain)
