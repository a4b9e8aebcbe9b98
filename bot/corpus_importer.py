"""Brings the written corpus into Rasa's training data, beside the examples of data/nlu."""

import copy
from pathlib import Path
from typing import Any

from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import INTENT, METADATA
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.corpus import Example, read_corpus, split_by_scenario

INTENT_OF_OUTCOME = {"unclear": "nlu_fallback"}


class WrittenMessage(Message):
    """A message that is cheap to copy and to tell from others.

    Rasa copies its training data whole a score of times in one training and takes the fingerprint of every message
    after each; for forty thousand messages that is longer than a change of dialogue may take.
    """

    def set(self, prop: str, info: Any, add_to_output: bool = False) -> None:
        known = self._cached_fingerprint if prop in self.data and self.data[prop] == info else None
        super().set(prop, info, add_to_output)
        self._cached_fingerprint = known

    def __deepcopy__(self, memo: dict[int, Any]) -> "WrittenMessage":
        copied = type(self)(
            data={name: copy.deepcopy(value, memo) for name, value in self.data.items()},
            output_properties=set(self.output_properties),
            time=self.time,
            features=list(self.features),
        )
        copied._cached_fingerprint = self._cached_fingerprint
        return copied


class CorpusImporter(RasaFileImporter):
    """Rasa's own importer, plus the messages of the folders named in `corpus` (from the working directory).

    One scenario in ten is left out: those people measure how well the others taught (`./waymark evaluate`).

    A calm message has its outcome as intent. An urgent one has none: its category stands in the metadata and is
    learnt by the detector alone. YAML has to name an intent: an example there whose metadata names a category loses it.
    """

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        corpus: list[str] | None = None,
    ) -> None:
        super().__init__(config_file, domain_path, training_data_paths)
        self._corpus = [Path(folder) for folder in corpus or []]

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        examples, _ = split_by_scenario(example for folder in self._corpus for example in read_corpus(folder))
        written = TrainingData(training_examples=[_message(example) for example in examples])
        in_yaml = super().get_nlu_data(language)
        in_yaml.training_examples = [_as_taught(message) for message in in_yaml.training_examples]
        return in_yaml.merge(written)


def _as_taught(message: Message) -> Message:
    about = (message.get(METADATA) or {}).get("example")
    if not isinstance(about, dict) or not about.get("category"):
        return message
    data = {name: value for name, value in message.data.items() if name != INTENT}
    return Message(data=data, output_properties=message.output_properties, features=message.features)


def _message(example: Example) -> Message:
    intent = INTENT_OF_OUTCOME.get(example.outcome or "", example.outcome)
    message = WrittenMessage.build(text=example.text, intent=intent)
    about: dict[str, Any] = {
        "scenario": example.scenario,
        "category": example.category,
        "sub": example.sub if not example.kind else None,
    }
    message.set(METADATA, {"example": about})
    return message
