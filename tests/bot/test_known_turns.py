"""What the assistant must know (`casework/model/known_turns.toml`) is what the trained one says."""

import pytest

from casework.adapters.known_turns import FACTS
from casework.model.known_turns import Heard, load_known_turns
from tests.bot.rasa_process import Rasa

pytestmark = pytest.mark.rasa


def test_the_trained_assistant_knows_both_texts(rasa: Rasa) -> None:
    """Red when: a response is renamed or a model unlearns danger: the service would call it wrong from the start."""
    turns = load_known_turns()
    facts = {name: value for name, value in FACTS.items() if name != "channel"}
    calm, danger = (
        rasa.turn(text, conversation="0" * 32, channel=str(FACTS["channel"]), **facts)
        for text in (turns.calm, turns.danger)
    )

    assert turns.judge_calm(calm.responses, calm.body["parse"]["urgency"]["probability"]) is Heard.WELL
    assert turns.judge_danger(danger.body["parse"]["urgency"]["probability"]) is Heard.WELL
