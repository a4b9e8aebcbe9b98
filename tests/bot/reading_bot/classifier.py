"""The message classifier, trained on messages of the caller's and loaded from what training stored."""

from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import METADATA
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.message_classifier import MessageClassifier
from tests.bot.reading_bot.answering import answer_lines

SETTINGS = {"heads": {"width": 64, "queries": 4, "epochs": 14, "batch": 16}}
CONTEXT = ExecutionContext(GraphSchema({}))
loaded: dict[str, MessageClassifier] = {}


def train(name: str, folder: str, messages: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    """Each message has a text and may have an intent, a category, a sub and a scenario."""
    config = {**MessageClassifier.get_default_config(), **SETTINGS, **settings}
    storage, resource = LocalModelStorage.create(Path(folder)), Resource("classifier")
    examples = [Message.build(text=one["text"], intent=one.get("intent")) for one in messages]
    for example, one in zip(examples, messages, strict=True):
        example.set(METADATA, {"example": one})
    MessageClassifier.create(config, storage, resource, CONTEXT).train(TrainingData(examples))
    loaded[name] = MessageClassifier.load(config, storage, resource, CONTEXT)


def read(name: str, text: str, earlier: list[str]) -> dict[str, Any]:
    message = Message({"text": text, METADATA: {"earlier": earlier}})
    [done] = loaded[name].process([message])
    return done.as_dict(only_output_properties=True)


if __name__ == "__main__":
    answer_lines(train=train, read=read)
