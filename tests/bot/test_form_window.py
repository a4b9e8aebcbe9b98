"""A conversation in a small window goes as it would with every event kept, form and all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bot.rasa_process import Rasa, Reply, running_rasa, train

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(1500)]

HERE = Path("tests/bot/form_bot")
CONVERSATION = [
    *("hello", "begin now"),
    *["what is it for"] * 8,
    *["hello"] * 4,
    "43240012345",
    *["what is it for"] * 8,
    *("hello", "123456"),
    *["hello"] * 6,
    *("123456", "begin now", "hello", "44230492231", "654321", "hello"),
]


@pytest.fixture(scope="module")
def form_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("form-model")
    return train(
        folder, config=str(HERE / "config.yml"), domain=str(HERE / "domain"), data=(str(HERE / "data"),)
    )


@pytest.fixture(scope="module")
def spoken(form_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Reply]]]:
    """The same conversation through a small window and through one that loses nothing."""
    spoken = {}
    for window in ("small", "whole"):
        log = tmp_path_factory.mktemp("form-rasa") / f"{window}.log"
        credentials = str(HERE / f"credentials_{window}.yml")
        with running_rasa(form_model, 1, log, credentials=credentials) as rasa:
            spoken[window] = talk(rasa)
    yield spoken


def talk(rasa: Rasa) -> list[Reply]:
    return rasa.talk(*CONVERSATION)


def test_the_same_is_said_at_every_turn(spoken: dict[str, list[Reply]]) -> None:
    small, whole = ([reply.responses for reply in spoken[window]] for window in ("small", "whole"))
    assert small == whole
    assert small[12] == ["utter_hello", "utter_ask_proof_form_crime_reference"]
    assert "utter_done" in small[24]


def test_the_small_window_stays_small_and_says_where_the_form_was(spoken: dict[str, list[Reply]]) -> None:
    longest = max(len(reply.body["state"]["events"]) for reply in spoken["small"])
    assert longest <= 12 < len(spoken["whole"][-1].body["state"]["events"])
    start: dict[str, Any] = spoken["small"][20].body["state"]["start"]
    assert start["loop"] == {"name": "proof_form", "rejected": False, "intent": "start_form", "entities": []}
    assert start["slots"]["crime_reference"] == "43240012345"
