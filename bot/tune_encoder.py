"""Fits the sentence encoder's layers to the written corpus: what takes long and seldom needs doing again.

    bot/.venv/bin/python -m bot.tune_encoder [--rounds 2] [--threads 2]

Writes bot/components/tuned_layers.safetensors and, beside it, what it was made of. Training reads messages through
these layers (`tuned: true` in config.yml) and fits everything else anew, so that new examples cost minutes and not
an hour. Run it again when the corpus has grown by a good part. Nobody held out is read: neither the scenarios that
measure (`bot/corpus.py: split_by_scenario`) nor those that weigh the readers (`message_classifier.held_back`).
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.components.attention_heads import Adam, slope, smoothed_loss
from bot.components.batches import steady_batches
from bot.components.message_classifier import (
    FEWEST_USES,
    classes_of,
    copy_misspelt,
    held_back,
    put_right,
    targets_of,
)
from bot.components.sentence_encoder import (
    EPSILON,
    HEADS,
    HIDDEN,
    LAYERS,
    load_weights,
    open_tokenizer,
    pad_ids,
    whole_words,
)
from bot.components.spelling import Spelling
from bot.components.tuned_layers import LAYERS_FILE, save_tuned_layers

LONGEST = 64
"""Tokens of a text that are learnt from."""
BATCH = 32
LAYER_RATE, HEAD_RATE = 1e-4, 2e-3
DECAY = 0.01
DROPOUT = 0.1
SMOOTHING = 0.04
LONGEST_STEP = 1.0
COPIES, TYPO_SHARE = 0.2, 0.08
SEED = 11
TELL_EVERY_SECONDS = 20.0
LEAST = -1e4


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = asked.parse_args()
    data = TrainingDataImporter.load_from_config("config.yml", "bot/domain", ["data/nlu"]).get_nlu_data()
    texts, targets, sizes = prepare([one for one in data.training_examples if one.get(TEXT)])
    started = time.monotonic()
    layers, surprise = tune(texts, targets, sizes, rounds=arguments.rounds, threads=arguments.threads)
    about = {
        "texts": len(texts),
        "rounds": arguments.rounds,
        "surprise": round(surprise, 3),
        "minutes": round((time.monotonic() - started) / 60),
    }
    save_tuned_layers(layers, about)
    sys.stderr.write(f"{LAYERS_FILE}: {about}\n")


def prepare(
    messages: Sequence[Message],
) -> tuple[list[str], dict[str, NDArray[np.int64]], dict[str, int]]:
    """The texts as the encoder will see them, misspelt copies of some among them, and what each is."""
    kept = [one for one, is_held in zip(messages, held_back(messages), strict=True) if not is_held]
    texts = [str(one.get(TEXT)) for one in kept]
    classes = classes_of(kept)
    targets = targets_of(kept, classes)
    copied = copy_misspelt(texts, range(len(texts)), COPIES, TYPO_SHARE)
    rows = np.array([*range(len(texts)), *copied])
    spelling = Spelling.learn(texts, fewest=FEWEST_USES, others=whole_words(open_tokenizer()))
    right = [put_right(text, spelling).text for text in (*texts, *copied.values())]
    return (
        right,
        {answer: target[rows] for answer, target in targets.items()},
        {answer: len(names) for answer, names in classes.items()},
    )


def tune(
    texts: Sequence[str],
    targets: Mapping[str, NDArray[np.int64]],
    sizes: Mapping[str, int],
    *,
    rounds: int,
    threads: int,
) -> tuple[dict[str, NDArray[np.float32]], float]:
    """The layers' tensors by their published names, and the mean loss of the last round."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(SEED)
    chance = np.random.default_rng(SEED)
    tokenizer = open_tokenizer()
    ids = [one.ids[:LONGEST] for one in tokenizer.encode_batch(list(texts))]
    stored = load_weights()
    fixed = {name: tf.constant(value) for name, value in stored.items() if name.startswith("embeddings.")}
    layers = {name: tf.Variable(value) for name, value in stored.items() if name.startswith("encoder.layer.")}
    heads = {
        answer: tf.Variable(chance.normal(0, 0.02, (HIDDEN, size)).astype(np.float32))
        for answer, size in sizes.items()
    }
    heads |= {f"{answer}/bias": tf.Variable(np.zeros(size, np.float32)) for answer, size in sizes.items()}
    for_layers = Adam(tf, list(layers.values()), DECAY)
    for_heads = Adam(tf, list(heads.values()), DECAY)
    network = {**fixed, **layers, **heads}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int64),
            tf.TensorSpec([None, None], tf.float32),
            tf.TensorSpec([None, len(sizes)], tf.int64),
            tf.TensorSpec([], tf.float32),
        ],
        autograph=False,
    )
    def learn(batch: Any, mask: Any, wanted: Any, share: Any) -> Any:
        with tf.GradientTape() as tape:
            state = _encode(tf, network, batch, mask)
            there = mask[:, :, None]
            mean = tf.reduce_sum(state * there, 1) / tf.reduce_sum(there, 1)
            seen = tf.nn.dropout(mean, DROPOUT)
            logits = [seen @ network[answer] + network[f"{answer}/bias"] for answer in sizes]
            loss = smoothed_loss(tf, logits, wanted, list(sizes.values()), SMOOTHING)
        gradients = tape.gradient(loss, [*layers.values(), *heads.values()])
        gradients, _ = tf.clip_by_global_norm(gradients, LONGEST_STEP)
        for_layers.apply(gradients[: len(layers)], LAYER_RATE * share)
        for_heads.apply(gradients[len(layers) :], HEAD_RATE * share)
        return loss

    wanted = np.stack([targets[answer] for answer in sizes], axis=1)
    told_at = time.monotonic()
    lengths = [len(one) for one in ids]
    losses: list[float] = []
    for done in range(rounds):
        losses = []
        batches = steady_batches(texts, lengths, BATCH, seed=SEED, round_number=done)
        for number, one in enumerate(batches, start=1):
            batch, mask = pad_ids([ids[row] for row in one.rows])
            share = slope((done + number / len(batches)) / rounds)
            losses.append(float(learn(batch, mask, wanted[one.rows], np.float32(share))))
            if time.monotonic() - told_at > TELL_EVERY_SECONDS:
                told_at = time.monotonic()
                step = f"round {done + 1} of {rounds}, step {number} of {len(batches)}"
                sys.stderr.write(f"{step}: loss {np.mean(losses[-100:]):.3f}\n")
    return {name: variable.numpy() for name, variable in layers.items()}, float(np.mean(losses))


def _encode(tf: Any, network: Mapping[str, Any], ids: Any, mask: Any) -> Any:
    """The states of the last layer, (texts, tokens, 384), as `encoder_graph` computes them, with dropout."""
    hides = (mask[:, None, None, :] - 1.0) * -LEAST
    places = network["embeddings.position_embeddings.weight"][: tf.shape(ids)[1]]
    words = tf.gather(network["embeddings.word_embeddings.weight"], ids)
    kind = network["embeddings.token_type_embeddings.weight"][0]
    state = _normalise(tf, network, "embeddings.LayerNorm", words + places + kind)
    for number in range(LAYERS):
        name = f"encoder.layer.{number}"
        query, key, value = (
            _split(tf, _linear(tf, network, f"{name}.attention.self.{part}", state))
            for part in ("query", "key", "value")
        )
        scores = tf.matmul(query, key, transpose_b=True) * (HIDDEN // HEADS) ** -0.5 + hides
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), value), [0, 2, 1, 3])
        together = tf.reshape(mixed, tf.shape(state))
        attended = tf.nn.dropout(_linear(tf, network, f"{name}.attention.output.dense", together), DROPOUT)
        state = _normalise(tf, network, f"{name}.attention.output.LayerNorm", state + attended)
        wide = tf.nn.gelu(_linear(tf, network, f"{name}.intermediate.dense", state), approximate=False)
        narrow = tf.nn.dropout(_linear(tf, network, f"{name}.output.dense", wide), DROPOUT)
        state = _normalise(tf, network, f"{name}.output.LayerNorm", state + narrow)
    return state


def _split(tf: Any, state: Any) -> Any:
    shape = tf.shape(state)
    return tf.transpose(tf.reshape(state, [shape[0], shape[1], HEADS, HIDDEN // HEADS]), [0, 2, 1, 3])


def _linear(tf: Any, network: Mapping[str, Any], name: str, state: Any) -> Any:
    width = state.shape[-1]
    flat = tf.matmul(tf.reshape(state, [-1, width]), network[f"{name}.weight"], transpose_b=True)
    shape = tf.concat([tf.shape(state)[:-1], [network[f"{name}.bias"].shape[0]]], 0)
    return tf.ensure_shape(
        tf.reshape(flat + network[f"{name}.bias"], shape), [None, None, network[f"{name}.bias"].shape[0]]
    )


def _normalise(tf: Any, network: Mapping[str, Any], name: str, state: Any) -> Any:
    mean, variance = tf.nn.moments(state, [2], keepdims=True)
    return tf.nn.batch_normalization(
        state, mean, variance, network[f"{name}.bias"], network[f"{name}.weight"], EPSILON
    )


if __name__ == "__main__":
    main()
