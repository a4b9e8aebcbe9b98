"""What a message wants, how urgent it may be and which topic it names: several answers from one reading.

Two readers look at every text, one at the states of its tokens (`attention_heads`), one at its words and letters
(`word_heads`). Each answer is a weighted sum of both, the weights fitted on people neither reader was trained on.
Where there are too few messages to hold any back, a third reader looks at the whole sentence (`sentence_heads`), the
weights are fixed ones, and the name of an intent is one more example of it.
Urgency is an answer of its own, trained on the disclosures beside the calm messages: it never competes with a wish.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.optimize import minimize

from bot.components.attention_heads import UNKNOWN, AttentionHeads, HeadSettings, train_heads
from bot.components.misspelling import misspell
from bot.components.plain_spelling import TABLES, load_plain_spelling
from bot.components.sentence_encoder import ReadText, SentenceEncoder, build_encoder
from bot.components.sentence_heads import SentenceHeads, SentenceSettings
from bot.components.spelling import Respelt, Spelling
from bot.components.tuned_layers import LAYERS_FILE
from bot.components.word_heads import WordHeads, WordSettings
from casework.model import spelling_slips

WISH, URGENCY, TOPIC = "wish", "urgency", "topic"
TOKENS, WORDS, SENTENCES = "tokens", "words", "sentences"
NOT_URGENT = "none"
CLASSES_NAME, HEADS_NAME, SPELLING_NAME = "classes.json", "heads.npz", "spelling.json"
CLAUSE_END = re.compile(r"[.?!;\n]+|,?\s+\b(?:and also|and|also|but|plus|oh and)\b\s+", re.IGNORECASE)
FEWEST_CLAUSE_WORDS = 3
MOST_CLAUSES = 6
MOST_FURTHER_WISHES = 2
SPAN_TOKENS = 12
HELD_BACK = 12
"""One scenario in this many weighs the two readers against each other and is not trained on."""
FEWEST_TO_HOLD_BACK = 3000
FEWEST_USES = 4
"""A word that stands in fewer training messages may itself be a slip."""
FEWEST_USES_OF_FEW = 1
EVEN = (0.5, 0.5)
OF_FEW = (0.5, 0.3, 1.0)
"""How the readers of tokens, of words and of sentences are weighed where nobody was held back."""
HEADS_OF_FEW = {"epochs": 12, "queries": 4, "batch": 32, "learning_rate": 1.5e-3}
COPY_COUNTS, NAME_COUNTS = 0.5, 2.0
"""How much a misspelt copy and the name of a class count beside a message when sentences are learnt."""
LEAST_GAIN = 0.1
"""How much surer of danger the last texts must be together than the surer of them and the new one alone."""
PROGRESS_EVERY = 4096

BESIDE = (
    *("attention_heads", "batches", "encoder_graph", "misspelling", "plain_spelling", "sentence_encoder"),
    *("sentence_heads", "spelling", "tuned_layers", "word_heads"),
)
READ_BY = (
    Path(__file__),
    *(Path(__file__).with_name(f"{name}.py") for name in BESIDE),
    Path(spelling_slips.__file__),
)
"""The modules a trained model depends on: a change in one of them is another model."""

logger = logging.getLogger(__name__)


@dataclass
class Answers:
    """The classes of each answer and how the readers are weighed for it: tokens, words and perhaps sentences."""

    classes: dict[str, list[str]]
    weights: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def combine(self, answer: str, *logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities of the classes from the logits of the readers; rows are texts, if there are rows."""
        weights = self.weights.get(answer, EVEN)
        return np.exp(_weigh(weights, [_log_softmax(one) for one in logits]))


@dataclass
class Reading:
    """Probabilities of each answer's classes, with the text as it was put right and as the encoder saw it."""

    chances: dict[str, NDArray[np.float64]]
    respelt: Respelt
    encoded: ReadText
    apart: Mapping[str, Mapping[str, NDArray[np.float32]]]
    """The logits of each answer by each reader."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class MessageClassifier(GraphComponent):
    """Sets `intent`, `intent_ranking`, `urgency` and the entities `right` (a topic) and `also` (further wishes).

    `urgency` is {"probability": 0..1, "categories": {category: 0..1}, "spans": [[start, end]]}, absent where the
    training data had no disclosures. Texts are read from the message; the writer's last texts from its metadata
    (`earlier`, oldest first), so that a danger told in pieces is read whole.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "topic_intents": [],
            "least_topic": 0.45,
            "least_further_wish": 0.65,
            "no_further_wish": [],
            "tuned": False,
            "typo_copies": 0.3,
            "typo_share": 0.08,
            "threads": 1,
            "training_threads": 2,
            "heads": {},
            "words": {},
            "sentences": {},
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "MessageClassifier":
        return cls(config, model_storage, resource)

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._encoder: SentenceEncoder | None = None
        self._heads: AttentionHeads | None = None
        self._words: WordHeads | None = None
        self._sentences: SentenceHeads | None = None
        self._spelling = Spelling({})
        self._answers = Answers(classes={})

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Changes with the code and the tables this class reads by, which Rasa's cache does not look at."""
        tuned = [LAYERS_FILE] if config.get("tuned") else []
        digest = hashlib.sha256()
        for path in (*READ_BY, *TABLES, *tuned):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    # Training.

    def train(self, training_data: TrainingData) -> Resource:
        messages = [one for one in training_data.training_examples if one.get(TEXT)]
        if not any(one.get(INTENT) for one in messages):
            return self._resource
        with self._model_storage.write_to(self._resource) as folder:
            build_encoder(folder, tuned=bool(self._config["tuned"]))
            encoder = SentenceEncoder(folder, threads=int(self._config["training_threads"]))
            self._train(messages, encoder, folder)
        return self._resource

    def _train(self, messages: Sequence[Message], encoder: SentenceEncoder, folder: Path) -> None:
        texts = [str(one.get(TEXT)) for one in messages]
        is_few = len(texts) < FEWEST_TO_HOLD_BACK
        self._answers = Answers(classes=classes_of(messages))
        targets = targets_of(messages, self._answers.classes)
        is_held = held_back(messages)
        fewest = FEWEST_USES_OF_FEW if is_few else FEWEST_USES
        self._spelling = Spelling.learn(texts, fewest=fewest, others=encoder.whole_words)
        (folder / SPELLING_NAME).write_text(json.dumps(self._spelling.counts), encoding="utf-8")
        share = 1.0 if is_few else float(self._config["typo_copies"])
        copied = copy_misspelt(texts, np.flatnonzero(~is_held), share, float(self._config["typo_share"]))
        named = self._answers.classes[WISH] if is_few else []
        rows = np.concatenate([np.flatnonzero(~is_held), np.array(list(copied), dtype=np.int64)])
        written = [
            put_right(text, self._spelling).text
            for text in (*_where(texts, ~is_held), *copied.values(), *map(_spell_out, named))
        ]
        wanted = {
            answer: np.concatenate([target[rows], _targets_of_names(answer, len(named))])
            for answer, target in targets.items()
        }
        states = self._read_states(encoder, written)
        sizes = {answer: len(classes) for answer, classes in self._answers.classes.items()}
        settings = HeadSettings(**{**(HEADS_OF_FEW if is_few else {}), **self._config["heads"]})
        weights = train_heads(written, states, wanted, sizes, settings, on_progress=_tell)
        np.savez(folder / HEADS_NAME, **{name: value.astype(np.float16) for name, value in weights.items()})
        self._heads = AttentionHeads(_read_weights(folder))
        self._words = WordHeads.train(
            written,
            wanted,
            sizes,
            WordSettings(**self._config["words"]),
            on_progress=_tell,
        )
        self._words.save(folder)
        if is_few:
            counts = np.repeat([1.0, COPY_COUNTS, NAME_COUNTS], [len(texts), len(copied), len(named)])
            self._sentences = SentenceHeads.train(
                states,
                wanted,
                sizes,
                counts,
                SentenceSettings(**self._config["sentences"]),
                on_progress=_tell,
            )
            self._sentences.save(folder)
            self._answers.weights = dict.fromkeys(sizes, OF_FEW)
        self._encoder = encoder
        if is_held.any():
            self._weigh_readers(
                [put_right(text, self._spelling).text for text in _where(texts, is_held)],
                {answer: target[is_held] for answer, target in targets.items()},
            )
        (folder / CLASSES_NAME).write_text(json.dumps(asdict(self._answers)), encoding="utf-8")

    def _read_states(self, encoder: SentenceEncoder, texts: Sequence[str]) -> list[NDArray[np.float16]]:
        states: list[NDArray[np.float16]] = []
        for start in range(0, len(texts), PROGRESS_EVERY):
            part = encoder.read_many(texts[start : start + PROGRESS_EVERY])
            states += [one.states.astype(np.float16) for one in part]
            _tell(f"encoding messages: {len(states)} of {len(texts)}")
        return states

    def _weigh_readers(self, texts: Sequence[str], targets: Mapping[str, NDArray[np.int64]]) -> None:
        """The two weights of each answer that make the held-back people's messages likeliest; texts put right."""
        assert self._encoder is not None
        assert self._heads is not None
        assert self._words is not None
        tokens = [self._heads.read(one.states) for one in self._encoder.read_many(texts)]
        words = [self._words.read(one) for one in texts]
        for answer, target in targets.items():
            known = np.flatnonzero(target != UNKNOWN)
            if len(known) < 50:
                continue
            of_tokens = _log_softmax(np.stack([tokens[index][answer] for index in known]))
            of_words = _log_softmax(np.stack([words[index][answer] for index in known]))
            wanted = target[known]

            def surprise(
                weights: NDArray[np.float64],
                of_tokens: NDArray[np.float64] = of_tokens,
                of_words: NDArray[np.float64] = of_words,
                wanted: NDArray[np.int64] = wanted,
            ) -> float:
                logits = _weigh(weights, (of_tokens, of_words))
                return float(-logits[np.arange(len(wanted)), wanted].mean())

            best = minimize(surprise, np.array([0.5, 0.5]), bounds=[(0.05, 3.0)] * 2)
            self._answers.weights[answer] = (float(best.x[0]), float(best.x[1]))
            _tell(f"{answer}: tokens weigh {best.x[0]:.2f}, words {best.x[1]:.2f}, surprise {best.fun:.3f}")

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "MessageClassifier":
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            if not (folder / CLASSES_NAME).is_file():
                return component
            stored = json.loads((folder / CLASSES_NAME).read_text(encoding="utf-8"))
            component._answers = Answers(
                classes=stored["classes"],
                weights={answer: tuple(pair) for answer, pair in stored["weights"].items()},
            )
            component._encoder = SentenceEncoder(folder, threads=int(config["threads"]))
            component._heads = AttentionHeads(_read_weights(folder))
            component._words = WordHeads.load(folder)
            component._sentences = SentenceHeads.load(folder)
            component._spelling = Spelling(json.loads((folder / SPELLING_NAME).read_text(encoding="utf-8")))
        return component

    # Reading.

    @property
    def wishes(self) -> list[str]:
        """The names of the wishes, in the order of the probabilities `read_alone` gives."""
        return self._answers.classes[WISH]

    @property
    def readers(self) -> tuple[str, ...]:
        return (TOKENS, WORDS) if self._sentences is None else (TOKENS, WORDS, SENTENCES)

    def read_apart(self, text: str) -> dict[str, NDArray[np.float64]]:
        """Probabilities of the wishes by each of `readers` alone and, under "all", by all of them together."""
        [reading] = self._read([text])
        alone = {reader: np.exp(_log_softmax(logits[WISH])) for reader, logits in reading.apart.items()}
        return {**alone, "all": reading.chances[WISH]}

    def read_alone(self, reader: str, text: str) -> NDArray[np.float64]:
        """Probabilities of the wishes by one of `readers`, with no work done for the others."""
        assert self._encoder is not None
        right = put_right(text, self._spelling).text
        encoded = None if reader == WORDS else self._encoder.read(right)
        return np.exp(_log_softmax(self._ask(reader, right, encoded)[WISH]))

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if self._encoder is not None and message.get(TEXT):
                self._process(message)
        return messages

    def _process(self, message: Message) -> None:
        text = str(message.get(TEXT))
        reading = self._read([text])[0]
        ranking = _rank(self._answers.classes[WISH], reading.chances[WISH])
        message.set(INTENT, dict(ranking[0]), add_to_output=True)
        message.set("intent_ranking", ranking, add_to_output=True)
        entities = [*self._topic(ranking[0]["name"], reading, text), *self._further_wishes(ranking, text)]
        if entities:
            message.set(ENTITIES, [*(message.get(ENTITIES) or []), *entities], add_to_output=True)
        if URGENCY in reading.chances:
            earlier = [str(one) for one in (message.get(METADATA) or {}).get("earlier") or []]
            message.set("urgency", self._urgency(reading, text, earlier), add_to_output=True)

    def _read(self, texts: Sequence[str]) -> list[Reading]:
        assert self._encoder is not None
        readings = []
        respelt = [put_right(text, self._spelling) for text in texts]
        for right, encoded in zip(
            respelt, self._encoder.read_many([one.text for one in respelt]), strict=True
        ):
            apart = {reader: self._ask(reader, right.text, encoded) for reader in self.readers}
            chances = {
                answer: self._answers.combine(answer, *(logits[answer] for logits in apart.values()))
                for answer in self._answers.classes
            }
            readings.append(Reading(chances=chances, respelt=right, encoded=encoded, apart=apart))
        return readings

    def _ask(self, reader: str, text: str, encoded: ReadText | None) -> dict[str, NDArray[np.float32]]:
        """The logits of each answer by one reader; the reader of words needs no states."""
        assert self._heads is not None
        assert self._words is not None
        if encoded is None or reader == WORDS:
            return self._words.read(text)
        if reader == TOKENS:
            return self._heads.read(encoded.states)
        assert self._sentences is not None
        return self._sentences.read(encoded.states)

    def _topic(self, intent: str, reading: Reading, text: str) -> list[dict[str, Any]]:
        if TOPIC not in reading.chances or intent not in self._config["topic_intents"]:
            return []
        best = int(reading.chances[TOPIC].argmax())
        if reading.chances[TOPIC][best] < self._config["least_topic"]:
            return []
        return [_entity("right", self._answers.classes[TOPIC][best], 0, len(text))]

    def _further_wishes(self, ranking: Sequence[Mapping[str, Any]], text: str) -> list[dict[str, Any]]:
        """Wishes of other clauses than the one that decided, the surest first."""
        clauses = [
            (start, end)
            for start, end in _clauses(text)
            if len(text[start:end].split()) >= FEWEST_CLAUSE_WORDS
        ][:MOST_CLAUSES]
        if len(clauses) < 2:
            return []
        found: dict[str, tuple[float, int, int]] = {}
        for (start, end), reading in zip(clauses, self._read([text[a:b] for a, b in clauses]), strict=True):
            best = _rank(self._answers.classes[WISH], reading.chances[WISH])[0]
            name, sure = best["name"], best["confidence"]
            if name == ranking[0]["name"] or name in self._config["no_further_wish"]:
                continue
            if sure >= self._config["least_further_wish"] and sure > found.get(name, (0.0,))[0]:
                found[name] = (sure, start, end)
        surest = sorted(found.items(), key=lambda item: -item[1][0])[:MOST_FURTHER_WISHES]
        return [_entity("also", name, start, end) for name, (_, start, end) in surest]

    def _urgency(self, reading: Reading, text: str, earlier: Sequence[str]) -> dict[str, Any]:
        chances = reading.chances[URGENCY]
        if earlier:
            chances = self._with_earlier(chances, text, earlier)
        names = self._answers.classes[URGENCY]
        ranking = sorted(
            (
                (name, float(chance))
                for name, chance in zip(names, chances, strict=True)
                if name != NOT_URGENT
            ),
            key=lambda pair: -pair[1],
        )
        return {
            "probability": round(float(1 - chances[names.index(NOT_URGENT)]), 4),
            "categories": {name: round(chance, 4) for name, chance in ranking},
            "spans": [list(self._span(reading, ranking[0][0]))],
        }

    def _with_earlier(
        self, chances: NDArray[np.float64], text: str, earlier: Sequence[str]
    ) -> NDArray[np.float64]:
        """The reading of all texts together where only together they are urgent.

        What the earlier ones said alone was answered when they came.
        """
        calm = self._answers.classes[URGENCY].index(NOT_URGENT)
        before, together = self._read(["\n".join(earlier), "\n".join([*earlier, text])])
        alone, whole = 1 - before.chances[URGENCY][calm], 1 - together.chances[URGENCY][calm]
        is_more = whole - max(alone, 1 - chances[calm]) > LEAST_GAIN
        return together.chances[URGENCY] if is_more else chances

    def _span(self, reading: Reading, category: str) -> tuple[int, int]:
        """The stretch of up to 12 tokens that speaks most for the category against calm, in the text as written."""
        assert self._heads is not None
        names, spans = self._answers.classes[URGENCY], reading.encoded.spans
        real = [index for index, (start, end) in enumerate(spans) if end > start]
        if not real:
            return 0, 0
        against = names.index(category), names.index(NOT_URGENT)
        shares = self._heads.explain(reading.encoded.states, URGENCY, *against)[real]
        sums = np.concatenate([[0.0], np.cumsum(shares)])
        length = min(SPAN_TOKENS, len(real))
        first = int(np.argmax(sums[length:] - sums[:-length]))
        return reading.respelt.original_span(spans[real[first]][0], spans[real[first + length - 1]][1])


def put_right(text: str, spelling: Spelling) -> Respelt:
    """The text as every reader sees it: text-speak spelt out, slips put right."""
    plain, places = load_plain_spelling().respell_with_offsets(text)
    right = spelling.respell(plain)
    return Respelt(right.text, tuple(places[place] for place in right.places))


def copy_misspelt(
    texts: Sequence[str], rows: Iterable[int], share: float, typo_share: float
) -> dict[int, str]:
    """Misspelt copies of a share of these rows, by row, with `typo_share` of their letters wrong."""
    chosen = [row for row in rows if _chance(f"copy {texts[row]}") < share]
    return {int(row): misspell(texts[row], typo_share) for row in chosen}


def classes_of(messages: Sequence[Message]) -> dict[str, list[str]]:
    classes = {WISH: sorted({str(one.get(INTENT)) for one in messages if one.get(INTENT)})}
    categories = {_about(one, "category") for one in messages} - {None}
    if categories:
        classes[URGENCY] = [NOT_URGENT, *sorted(str(one) for one in categories)]
    topics = {_about(one, "sub") for one in messages if one.get(INTENT)} - {None}
    if len(topics) > 1:
        classes[TOPIC] = sorted(str(one) for one in topics)
    return classes


def targets_of(
    messages: Sequence[Message], classes: Mapping[str, Sequence[str]]
) -> dict[str, NDArray[np.int64]]:
    """The class of every message for every answer; an urgent message has no wish, a calm one no category."""

    def wanted(answer: str, message: Message) -> int:
        if answer == URGENCY:
            name: str | None = _about(message, "category") or NOT_URGENT
        else:
            name = message.get(INTENT) if answer == WISH else _about(message, "sub")
        return classes[answer].index(name) if name in classes[answer] else UNKNOWN

    return {answer: np.array([wanted(answer, one) for one in messages]) for answer in classes}


def _targets_of_names(answer: str, count: int) -> NDArray[np.int64]:
    """A name is an example of its wish and says nothing else."""
    return np.arange(count) if answer == WISH else np.full(count, UNKNOWN)


def _spell_out(name: str) -> str:
    return name.replace("_", " ")


def _where(texts: Sequence[str], chosen: NDArray[np.bool_]) -> list[str]:
    return [texts[index] for index in np.flatnonzero(chosen)]


def held_back(messages: Sequence[Message]) -> NDArray[np.bool_]:
    if len(messages) < FEWEST_TO_HOLD_BACK:
        return np.zeros(len(messages), bool)
    return np.array(
        [
            bool(_about(one, "scenario")) and _chance(f"held back {_about(one, 'scenario')}") < 1 / HELD_BACK
            for one in messages
        ]
    )


def _about(message: Message, name: str) -> str | None:
    """What the corpus says about a message; examples of data/nlu say nothing."""
    about = (message.get(METADATA) or {}).get("example") or {}
    return about.get(name) if isinstance(about, dict) else None


def _chance(text: str) -> float:
    """A number from 0 to 1 that is always the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:6], "big") / 2**48


def _clauses(text: str) -> list[tuple[int, int]]:
    ends = [(match.start(), match.end()) for match in CLAUSE_END.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    return list(zip(starts, [*(start for start, _ in ends), len(text)], strict=True))


def _rank(classes: Sequence[str], chances: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [{"name": classes[index], "confidence": float(chances[index])} for index in np.argsort(-chances)]


def _entity(kind: str, value: str, start: int, end: int) -> dict[str, Any]:
    return {"entity": kind, "value": value, "start": start, "end": end, "extractor": "MessageClassifier"}


def _weigh(weights: Sequence[float], sure: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Log chances of the classes, from those of each reader; the readers' weights need not add up to one."""
    return _log_softmax(np.sum([weight * one for weight, one in zip(weights, sure, strict=True)], axis=0))


def _log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    shifted = np.asarray(logits, float) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _read_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    with np.load(folder / HEADS_NAME) as stored:
        return {name: stored[name].astype(np.float32) for name in stored}


def _tell(what: str) -> None:
    logger.info("Understanding: %s", what)
