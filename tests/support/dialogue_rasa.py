"""The real rules in a real Rasa whose understanding is told by the test: import `dialogue_model` to have it."""

from pathlib import Path

import pytest

from tests.bot.rasa_process import train

CONFIG = "tests/bot/dialogue_bot/config.yml"


@pytest.fixture(scope="session")
def dialogue_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("dialogue-bot"), config=CONFIG)
