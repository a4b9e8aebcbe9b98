"""Classifiers of whole sentences: logistic regression on the mean of the token states.

Where a class has ten examples, a mean tells more than single tokens do, and the class's own name is an example too.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from bot.components.attention_heads import UNKNOWN
from bot.components.sentence_encoder import HIDDEN
from bot.components.word_heads import of_all_classes

NUMBERS_NAME = "sentences.npz"


@dataclass(frozen=True)
class SentenceSettings:
    """How closely the examples are fitted."""

    inverse_regularisation: float = 10.0
    rounds: int = 200


class SentenceHeads:
    """Trained classifiers of the same texts, one an answer."""

    def __init__(
        self, coefficients: Mapping[str, NDArray[np.float32]], intercepts: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self._coefficients = coefficients
        self._intercepts = intercepts

    @classmethod
    def train(
        cls,
        states: Sequence[NDArray[np.float16]],
        targets: Mapping[str, NDArray[np.int64]],
        classes: Mapping[str, int],
        weights: NDArray[np.float32],
        settings: SentenceSettings,
        *,
        on_progress: Callable[[str], None],
    ) -> "SentenceHeads":
        """`states` and `targets` as for `train_heads`; `weights` is how much each text counts."""
        means = np.stack([mean_state(one) for one in states])
        coefficients, intercepts = {}, {}
        for answer, count in classes.items():
            on_progress(f"reading sentences: {answer}")
            known = targets[answer] != UNKNOWN
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                fitted = LogisticRegression(
                    C=settings.inverse_regularisation, max_iter=settings.rounds, multi_class="multinomial"
                ).fit(means[known], targets[answer][known], sample_weight=weights[known])
            coefficients[answer], intercepts[answer] = of_all_classes(fitted, count)
        return cls(coefficients, intercepts)

    def read(self, states: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The logits of each answer; `states` is (tokens, 768), at least one token."""
        mean = mean_state(states)
        return {
            answer: np.asarray(mean @ matrix + self._intercepts[answer], np.float32)
            for answer, matrix in self._coefficients.items()
        }

    def save(self, folder: Path) -> None:
        arrays = {f"matrix/{answer}": matrix for answer, matrix in self._coefficients.items()}
        arrays |= {f"intercept/{answer}": intercept for answer, intercept in self._intercepts.items()}
        np.savez(folder / NUMBERS_NAME, **arrays)

    @classmethod
    def load(cls, folder: Path) -> "SentenceHeads | None":
        """None where the training set was large enough to do without."""
        if not (folder / NUMBERS_NAME).is_file():
            return None
        with np.load(folder / NUMBERS_NAME) as arrays:
            answers = [name.partition("/")[2] for name in arrays if name.startswith("matrix/")]
            return cls(
                {answer: arrays[f"matrix/{answer}"] for answer in answers},
                {answer: arrays[f"intercept/{answer}"] for answer in answers},
            )


def mean_state(states: NDArray[np.float16] | NDArray[np.float32]) -> NDArray[np.float32]:
    """The means over the tokens of the middle and of the last layer, each of length 1: (768,)."""
    mean = np.asarray(states, np.float32).mean(0)
    layers = mean[:HIDDEN], mean[HIDDEN:]
    return np.concatenate([layer / np.linalg.norm(layer) for layer in layers])
