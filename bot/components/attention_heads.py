"""Classifiers that read the states of single tokens, so that one clause of a long message can decide.

A mean over the tokens, as sentence encoders give it, averages a danger told in passing away. Here a small network
looks at every token's states and each answer attends to the tokens that matter to it. The network is trained with
TensorFlow, which Rasa brings along; reading takes numpy alone.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.components.batches import steady_batches
from bot.components.sentence_encoder import STATE_WIDTH

Weights = Mapping[str, NDArray[np.float32]]
UNKNOWN = -1
"""The target of a text whose answer its writer did not give."""

EPSILON = 1e-5
LEAST = -1e4


@dataclass(frozen=True)
class HeadSettings:
    """How the network is built and trained."""

    width: int = 256
    queries: int = 8
    epochs: int = 4
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    smoothing: float = 0.04
    seed: int = 11


class AttentionHeads:
    """Reads with trained weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.answers = tuple(name.rpartition("/")[0] for name in weights if name.endswith("/queries"))

    def read(self, states: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The logits of each answer; `states` is (tokens, 768), at least one token."""
        hidden = _hidden(states, self._weights)
        most, mean = hidden.max(0), hidden.mean(0)
        logits = {}
        for answer in self.answers:
            pooled = (self._attention(answer, hidden).T @ hidden).ravel()
            seen = np.concatenate([pooled, most, mean])
            logits[answer] = seen @ self._weights[f"{answer}/out"] + self._weights[f"{answer}/bias_out"]
        return logits

    def explain(
        self, states: NDArray[np.float32], answer: str, wanted: int, other: int
    ) -> NDArray[np.float32]:
        """What each token adds through attention to the logit of class `wanted` over that of `other`: (tokens,)."""
        hidden = _hidden(states, self._weights)
        attention = self._attention(answer, hidden)
        out = self._weights[f"{answer}/out"]
        by_query = (out[:, wanted] - out[:, other])[: attention.shape[1] * hidden.shape[1]]
        said = hidden @ by_query.reshape(attention.shape[1], hidden.shape[1]).T
        return np.asarray((attention * said).sum(1), np.float32)

    def _attention(self, answer: str, hidden: NDArray[np.float32]) -> NDArray[np.float32]:
        weights = self._weights
        return _softmax(hidden @ weights[f"{answer}/queries"] + weights[f"{answer}/bias_queries"], axis=0)


def _hidden(states: NDArray[np.float32], weights: Weights) -> NDArray[np.float32]:
    centred = states - states.mean(1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(1, keepdims=True) + EPSILON)
    wide = (normal * weights["gain"] + weights["shift"]) @ weights["dense"] + weights["bias_dense"]
    return np.asarray(0.5 * wide * (1 + np.tanh(0.7978845608 * (wide + 0.044715 * wide**3))), np.float32)


def _softmax(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    raised = np.exp(values - values.max(axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis, keepdims=True), np.float32)


def train_heads(
    texts: Sequence[str],
    states: Sequence[NDArray[np.float16]],
    targets: Mapping[str, NDArray[np.int64]],
    classes: Mapping[str, int],
    settings: HeadSettings,
    *,
    on_progress: Callable[[str], None],
) -> Weights:
    """Trains on all texts at once; `targets` gives each answer's class a text, UNKNOWN where it has none.

    `states` are read of the texts, which themselves decide only what is learnt together (`steady_batches`).
    """
    import tensorflow as tf

    chance = np.random.default_rng(settings.seed)
    network = {name: tf.Variable(value) for name, value in _first_weights(classes, settings, chance).items()}
    variables = list(network.values())
    optimizer = Adam(tf, variables, settings.weight_decay)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, STATE_WIDTH], tf.float32),
            tf.TensorSpec([None, None], tf.float32),
            tf.TensorSpec([None, len(classes)], tf.int64),
            tf.TensorSpec([2], tf.int64),
            tf.TensorSpec([], tf.float32),
        ],
        autograph=False,
    )
    def learn(batch: Any, mask: Any, wanted: Any, seed: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = _loss(tf, network, batch, mask, wanted, classes, settings, seed)
        optimizer.apply(tape.gradient(loss, variables), rate)
        return loss

    wanted = np.stack([targets[answer] for answer in classes], axis=1)
    lengths = [len(one) for one in states]
    for epoch in range(settings.epochs):
        losses = []
        batches = steady_batches(texts, lengths, settings.batch, seed=settings.seed, round_number=epoch)
        for number, batch in enumerate(batches, start=1):
            padded, mask = _pad([states[row] for row in batch.rows])
            rate = settings.learning_rate * slope((epoch + number / len(batches)) / settings.epochs)
            seed = np.array(batch.seed, np.int64)
            losses.append(float(learn(padded, mask, wanted[batch.rows], seed, np.float32(rate))))
        on_progress(f"reading tokens, round {epoch + 1} of {settings.epochs}: loss {np.mean(losses):.3f}")
    return {name: variable.numpy() for name, variable in network.items()}


def _first_weights(
    classes: Mapping[str, int], settings: HeadSettings, chance: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    def drawn(rows: int, columns: int) -> NDArray[np.float32]:
        reach = np.sqrt(3 / rows)
        return chance.uniform(-reach, reach, (rows, columns)).astype(np.float32)

    width, queries = settings.width, settings.queries
    weights = {
        "gain": np.ones(STATE_WIDTH, np.float32),
        "shift": np.zeros(STATE_WIDTH, np.float32),
        "dense": drawn(STATE_WIDTH, width),
        "bias_dense": np.zeros(width, np.float32),
    }
    for answer, count in classes.items():
        weights[f"{answer}/queries"] = drawn(width, queries)
        weights[f"{answer}/bias_queries"] = np.zeros(queries, np.float32)
        weights[f"{answer}/out"] = drawn(width * (queries + 2), count)
        weights[f"{answer}/bias_out"] = np.zeros(count, np.float32)
    return weights


def _loss(
    tf: Any,
    network: Mapping[str, Any],
    batch: Any,
    mask: Any,
    wanted: Any,
    classes: Mapping[str, int],
    settings: HeadSettings,
    seed: Any,
) -> Any:
    """The loss of the network with its dropout, which is drawn from the batch's own `seed`."""
    dropped = itertools.count()

    def drop(values: Any, share: float) -> Any:
        return tf.nn.experimental.stateless_dropout(values, share, seed=seed + next(dropped))

    mean, variance = tf.nn.moments(batch, [2], keepdims=True)
    normal = (batch - mean) * tf.math.rsqrt(variance + EPSILON) * network["gain"] + network["shift"]
    wide = drop(normal, 0.15) @ network["dense"] + network["bias_dense"]
    hidden = drop(tf.nn.gelu(wide, approximate=True), 0.2)
    there = mask[:, :, None]
    most = tf.reduce_max(hidden + (1 - there) * LEAST, 1)
    middle = tf.reduce_sum(hidden * there, 1) / tf.reduce_sum(there, 1)
    logits = []
    for answer in classes:
        scores = hidden @ network[f"{answer}/queries"] + network[f"{answer}/bias_queries"]
        attention = tf.nn.softmax(scores + (1 - there) * LEAST, 1)
        pooled = tf.reshape(
            tf.einsum("btq,bth->bqh", attention, hidden), [-1, settings.queries * settings.width]
        )
        seen = drop(tf.concat([pooled, most, middle], 1), 0.3)
        logits.append(seen @ network[f"{answer}/out"] + network[f"{answer}/bias_out"])
    return smoothed_loss(tf, logits, wanted, list(classes.values()), settings.smoothing)


def smoothed_loss(tf: Any, logits: Sequence[Any], wanted: Any, sizes: Sequence[int], smoothing: float) -> Any:
    """The sum over the answers of the mean smoothed cross-entropy of the texts that have that answer.

    `logits` holds (texts, classes) of each answer, `wanted` is (texts, answers), UNKNOWN where there is none.
    """
    total = 0.0
    for number, (of_answer, size) in enumerate(zip(logits, sizes, strict=True)):
        known = tf.cast(wanted[:, number] != UNKNOWN, tf.float32)
        aim = tf.one_hot(wanted[:, number], size) * (1 - smoothing) + smoothing / size
        losses = tf.nn.softmax_cross_entropy_with_logits(aim, of_answer) * known
        total += tf.reduce_sum(losses) / tf.maximum(tf.reduce_sum(known), 1.0)
    return total


class Adam:
    """AdamW (Loshchilov & Hutter 2019), plain: the TensorFlow of Rasa has none that decays rightly."""

    def __init__(self, tf: Any, variables: Sequence[Any], decay: float) -> None:
        self._tf = tf
        self._variables = variables
        self._decay = decay
        self._first = [tf.Variable(tf.zeros_like(one)) for one in variables]
        self._second = [tf.Variable(tf.zeros_like(one)) for one in variables]
        self._step = tf.Variable(0.0)

    def apply(self, gradients: Sequence[Any], rate: Any) -> None:
        self._step.assign_add(1.0)
        first_part, second_part = 1 - 0.9**self._step, 1 - 0.999**self._step
        for variable, gradient, first, second in zip(
            self._variables, gradients, self._first, self._second, strict=True
        ):
            first.assign(0.9 * first + 0.1 * gradient)
            second.assign(0.999 * second + 0.001 * gradient * gradient)
            move = (first / first_part) / (self._tf.sqrt(second / second_part) + 1e-8)
            variable.assign_sub(rate * (move + self._decay * variable))


def slope(done: float) -> float:
    """Up over the first 15 % of the steps, then down to nothing (one cycle)."""
    return done / 0.15 if done < 0.15 else 0.5 * (1 + np.cos(np.pi * (done - 0.15) / 0.85))


def _pad(states: Sequence[NDArray[np.float16]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    longest = max(map(len, states))
    padded = np.zeros((len(states), longest, STATE_WIDTH), np.float32)
    mask = np.zeros((len(states), longest), np.float32)
    for row, one in enumerate(states):
        padded[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return padded, mask
