"""The tuner fits the layers and nothing else; layers that are not what was fitted are refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.reading_bot.asking import Script, running_script

pytestmark = [pytest.mark.rasa, pytest.mark.slow, pytest.mark.timeout(1500)]

STATUS = ["any news", "has he been charged", "what is happening with my case", "have you found my bike"]
COURT = ["when is the trial", "which court is it", "do I go to court", "has the hearing moved"]


@pytest.fixture(scope="module")
def tuner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    with running_script("tuning", tmp_path_factory.mktemp("tuning") / "script.log") as script:
        yield script


def test_the_loss_falls_and_every_layer_moves(tuner: Script) -> None:
    texts, classes = [*STATUS, *COURT] * 8, [*[0] * len(STATUS), *[1] * len(COURT)] * 8
    once = tuner.ask("tune_on", texts=texts, classes=classes, rounds=1)
    often = tuner.ask("tune_on", texts=texts, classes=classes, rounds=12)

    assert often["loss"] < 0.6 * once["loss"]
    assert all(name.startswith("encoder.layer.") for name in often["names"])
    # The bias of a key moves no attention: it adds the same to every score of a query.
    assert often["moved"] >= len(often["names"]) - 6


def test_layers_are_kept_and_read(tuner: Script, tmp_path: Path) -> None:
    file = tmp_path / "layers.safetensors"
    tuner.ask("keep", file=str(file), numbers=[0.5, -2.0])

    assert tuner.ask("load", file=str(file)) == [0.5, -2.0]
    assert json.loads((tmp_path / "layers.json").read_text())["texts"] == 3


def test_layers_that_were_changed_or_are_missing_are_refused(tuner: Script, tmp_path: Path) -> None:
    file = tmp_path / "layers.safetensors"
    tuner.ask("keep", file=str(file), numbers=[0.5])
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    assert "is not the file layers.json tells of" in tuner.ask("load", file=str(file))
    file.unlink()
    assert "is missing" in tuner.ask("load", file=str(file))
