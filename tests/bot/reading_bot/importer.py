"""What Rasa would train on, from a configuration and folders of the caller's."""

from typing import Any

from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.constants import METADATA

from tests.bot.reading_bot.answering import answer_lines


def read(config: str, domain: str, data: list[str]) -> list[dict[str, Any]]:
    training_data = TrainingDataImporter.load_from_config(config, domain, data).get_nlu_data()
    return [
        {
            "text": one.get("text"),
            "intent": one.get("intent"),
            "about": (one.get(METADATA) or {}).get("example"),
        }
        for one in training_data.training_examples
    ]


if __name__ == "__main__":
    answer_lines(read=read)
