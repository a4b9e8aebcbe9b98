"""Rasa's own story test: every step of tests/bot/stories is what the rules predict."""

import subprocess
from pathlib import Path

import pytest

from tests.bot.rasa_process import PYTHON, ROOT, rasa_environ
from tests.support.dialogue_rasa import dialogue_model as dialogue_model

pytestmark = pytest.mark.rasa

STORIES = ROOT / "tests" / "bot" / "stories"


def tell(model: Path, stories: Path, folder: Path) -> str:
    """What Rasa says of stories it predicts otherwise; "" when it predicts every step."""
    command = [
        *(str(PYTHON), "-m", "rasa", "test", "core", "--model", str(model), "--stories", str(stories)),
        *("--out", str(folder / "results"), "--fail-on-prediction-errors", "--no-plot"),
    ]
    done = subprocess.run(command, cwd=ROOT, env=rasa_environ(), capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_every_story_goes_as_written(dialogue_model: Path, tmp_path: Path) -> None:
    assert tell(dialogue_model, STORIES, tmp_path) == ""


def test_a_story_that_goes_otherwise_is_noticed(dialogue_model: Path, tmp_path: Path) -> None:
    broken = (STORIES / "test_dialogue.yml").read_text().replace("utter_own_case_only", "action_hand_off")
    (tmp_path / "test_broken.yml").write_text(broken)
    assert "somebody else's case" in tell(dialogue_model, tmp_path / "test_broken.yml", tmp_path)
