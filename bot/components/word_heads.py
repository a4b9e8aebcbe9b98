"""Classifiers over the words and letters of a text: logistic regression on TF-IDF, stored as plain numbers.

What the encoder blurs (a name of a court form, a misspelt word) is sharp here, and the other way round.
"""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bot.components.attention_heads import UNKNOWN

WORDS_NAME, NUMBERS_NAME = "words.json", "words.npz"
WORD_PATTERN = r"(?u)[^\W_]+(?:'[^\W_]+)?|[?!]"
FEW_TEXTS = 5000


@dataclass(frozen=True)
class WordSettings:
    """How much is counted and how closely it is fitted."""

    most_letter_groups: int = 60_000
    inverse_regularisation: float = 10.0
    rounds: int = 40
    rounds_of_few: int = 20
    """Rounds where fewer than FEW_TEXTS texts have the answer: many classes, little to learn from."""


class WordHeads:
    """Trained classifiers of the same texts, one an answer."""

    def __init__(
        self,
        vectorizers: Sequence[TfidfVectorizer],
        coefficients: Mapping[str, NDArray[np.float32]],
        intercepts: Mapping[str, NDArray[np.float32]],
    ) -> None:
        self._vectorizers = vectorizers
        self._coefficients = coefficients
        self._intercepts = intercepts

    @classmethod
    def train(
        cls,
        texts: Sequence[str],
        targets: Mapping[str, NDArray[np.int64]],
        classes: Mapping[str, int],
        settings: WordSettings,
        *,
        on_progress: Callable[[str], None],
    ) -> "WordHeads":
        """`targets` as for `train_heads`. An answer's class nobody wrote an example of gets no chance."""
        few = len(texts) < FEW_TEXTS
        vectorizers = [
            TfidfVectorizer(
                ngram_range=(1, 2), min_df=1 if few else 2, sublinear_tf=True, token_pattern=WORD_PATTERN
            ),
            TfidfVectorizer(
                analyzer="char_wb",
                ngram_range=(2, 5),
                min_df=1 if few else 3,
                sublinear_tf=True,
                max_features=settings.most_letter_groups,
            ),
        ]
        counts = hstack([one.fit_transform(texts) for one in vectorizers]).tocsr()
        coefficients, intercepts = {}, {}
        for answer, count in classes.items():
            on_progress(f"counting words and letters: {answer}")
            known = targets[answer] != UNKNOWN
            rounds = settings.rounds if known.sum() >= FEW_TEXTS or few else settings.rounds_of_few
            with warnings.catch_warnings():
                # The rounds are chosen for what held-out messages gain, long before the fit is perfect.
                warnings.simplefilter("ignore", ConvergenceWarning)
                fitted = LogisticRegression(
                    C=settings.inverse_regularisation, max_iter=rounds, multi_class="multinomial"
                ).fit(counts[known], targets[answer][known])
            coefficients[answer], intercepts[answer] = of_all_classes(fitted, count)
        return cls(vectorizers, coefficients, intercepts)

    def read(self, text: str) -> dict[str, NDArray[np.float32]]:
        """The logits of each answer."""
        counts = self._count([text])
        return {
            answer: np.asarray(counts @ matrix + self._intercepts[answer])[0]
            for answer, matrix in self._coefficients.items()
        }

    def _count(self, texts: Sequence[str]) -> csr_matrix:
        # In the type of the matrices: of another one, each product would first copy a whole matrix.
        return hstack([one.transform(texts) for one in self._vectorizers]).tocsr().astype(np.float32)

    def save(self, folder: Path) -> None:
        words = [
            {str(word): int(place) for word, place in one.vocabulary_.items()} for one in self._vectorizers
        ]
        (folder / WORDS_NAME).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        arrays = {f"idf_{number}": one.idf_ for number, one in enumerate(self._vectorizers)}
        for answer, matrix in self._coefficients.items():
            arrays[f"matrix/{answer}"] = matrix.astype(np.float16)
            arrays[f"intercept/{answer}"] = self._intercepts[answer]
        np.savez(folder / NUMBERS_NAME, **arrays)

    @classmethod
    def load(cls, folder: Path) -> "WordHeads":
        words, letters = json.loads((folder / WORDS_NAME).read_text(encoding="utf-8"))
        with np.load(folder / NUMBERS_NAME) as arrays:
            vectorizers = [
                TfidfVectorizer(
                    ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD_PATTERN, vocabulary=words
                ),
                TfidfVectorizer(
                    analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, vocabulary=letters
                ),
            ]
            for number, one in enumerate(vectorizers):
                one.idf_ = arrays[f"idf_{number}"]
            answers = [name.partition("/")[2] for name in arrays if name.startswith("matrix/")]
            matrices = {answer: arrays[f"matrix/{answer}"].astype(np.float32) for answer in answers}
            intercepts = {answer: arrays[f"intercept/{answer}"] for answer in answers}
        return cls(vectorizers, matrices, intercepts)


def of_all_classes(fitted: LogisticRegression, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coefficients (features, classes) and intercepts; two classes are stored by scikit-learn as one."""
    rows, start = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:
        rows, start = np.vstack([-rows, rows]), np.concatenate([-start, start])
    matrix = np.zeros((rows.shape[1], count), np.float32)
    intercept = np.full(count, -30.0, np.float32)
    matrix[:, fitted.classes_] = rows.T
    intercept[fitted.classes_] = start
    return matrix, intercept
