"""slash_corpus: whatever is written, and however far the assistant falls for it, a case opens by proof alone."""

from pathlib import Path
from typing import Any

import pytest

from casework.adapters.storage.tables import inbox, outbox, standing
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.services.ports import AssistantReply
from tests.support.builders import REFERENCE, a_case, an_answer
from tests.support.line import Line

CORPUS = Path(__file__).parents[2] / "data" / "slash_corpus.txt"
STRANGER = "+447700900777"
CANARY = "canary-of-the-case"
TELLS = (AssistantReply(response="utter_stage_under_investigation", text=f"It stands at {CANARY}."),)

# What an assistant that fell for it might give back: the case told, with every effect that could excuse it.
TAKEN_IN: dict[str, tuple[dict[str, Any], ...]] = {
    "tells": (),
    "says a code was right": ({"effect": "confirm_code", "code": "123456", "accepted": True},),
    "asks for a code": ({"effect": "request_code", "reference": REFERENCE},),
    "makes an effect up": ({"effect": "set_standing", "level": 3},),
    "asks and confirms": (
        {"effect": "request_code", "reference": REFERENCE},
        {"effect": "confirm_code", "code": "000000", "accepted": True},
    ),
}


def read_corpus() -> list[str]:
    lines = CORPUS.read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line and not line.startswith("# ")]


def test_the_corpus_is_large_enough() -> None:
    assert len(set(read_corpus())) >= 200


@pytest.mark.parametrize(
    ("channel", "taken_in"), [*((Channel.SMS, each) for each in TAKEN_IN), (Channel.WEBCHAT, "tells")]
)
async def test_no_text_opens_a_case(line: Line, channel: Channel, taken_in: str) -> None:
    if line.database.engine.dialect.name != "sqlite":
        pytest.skip("the same code on a slower database")
    line.add_cases(a_case())
    line.assistant.answer = an_answer(replies=TELLS, effects=TAKEN_IN[taken_in])

    for text in read_corpus():
        line.receive(text, external_id=STRANGER, channel=channel)
        await line.answer_all()
        line.clock.advance(seconds=30)
    await line.issue_codes()

    conversation_id = line.open(STRANGER, channel)
    assert len(line.rows(inbox)) == len(read_corpus())
    assert line.database.read_now(lambda tx: tx.standings.find(conversation_id)) == (Standing.UNKNOWN, None)
    assert line.rows(standing) == []
    assert not [row for row in line.rows(outbox) if CANARY in row.text]
