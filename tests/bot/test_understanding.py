"""What the trained model makes of messages: by rule where a rule can be sure, and in the published outcomes."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.actions.fake_reads import FakeReads
from tests.bot.rasa_process import PYTHON, ROOT, Rasa, rasa_environ

pytestmark = pytest.mark.rasa

REFERENCE, CODE = "crime_reference", "one_time_code"
PROOFS = {REFERENCE, CODE, "incident_number"}


@pytest.mark.parametrize(
    ("text", "intent", "entities"),
    [
        ("its 43240012345 i think", "give_reference", [(REFERENCE, "43240012345")]),
        ("43 24 0012345", "give_reference", [(REFERENCE, "43240012345")]),
        ("crime no: 43-24-OOl2345", "give_reference", [(REFERENCE, "43240012345")]),
        ("44230492231.", "give_reference", [(REFERENCE, "44230492231")]),
        ("42/94271/23", "give_reference", [(REFERENCE, "42/94271/23")]),
        ("42 94271 23 thanks", "give_reference", [(REFERENCE, "42/94271/23")]),
        ("190000 12345", "give_reference", [(REFERENCE, "19000012345")]),
        ("2089/21Nov", "give_reference", [("incident_number", "2089/21Nov")]),
        ("123456", "give_code", [(CODE, "123456")]),
        ("the code is 123 456", "give_code", [(CODE, "123456")]),
        ("43240012345 code 123456", "give_code", [(REFERENCE, "43240012345"), (CODE, "123456")]),
    ],
)
def test_a_message_that_is_a_reference_or_a_code_is_certain(
    rasa: Rasa, reads: FakeReads, text: str, intent: str, entities: list[tuple[str, str]]
) -> None:
    parse = rasa.turn(text).body["parse"]
    assert (parse["intent"], parse["confidence"]) == (intent, 1.0)
    found = [(entity["entity"], entity["value"]) for entity in parse["entities"]]
    assert [one for one in found if one[0] in PROOFS] == entities


@pytest.mark.parametrize(
    "text",
    ["4324001234 I think", "07700 900123", "\u00a3123456", "12-11-24", "+447700900123", "43240012345678"],
)
def test_a_number_that_is_neither_is_left_alone(rasa: Rasa, reads: FakeReads, text: str) -> None:
    parse = rasa.turn(text).body["parse"]
    assert {entity["entity"] for entity in parse["entities"]}.isdisjoint(PROOFS)
    assert parse["confidence"] < 1.0


def test_each_line_is_understood_in_order(model: Path) -> None:
    texts = [
        "hello",
        "/restart",
        "",
        "how often should you update me about the investigation",
        "482913",
        "my phone",
    ]
    asked = "\n".join(json.dumps({"id": i, "text": text, "channel": "sms"}) for i, text in enumerate(texts))
    answered = understand(model, asked)
    answers = [json.loads(line) for line in answered.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == list(range(len(texts)))
    plain = {"id", "intent", "outcome", "outcome_confidence", "sub", "to_person", "urgency"}
    assert set(answers[0]) == plain
    assert answers[2]["outcome"] == "unclear"
    assert (answers[3]["outcome"], answers[3]["sub"]) == ("ask_rights", "right_6")
    assert (answers[4]["intent"], answers[4]["outcome"]) == ("give_code", "give_reference")


def test_a_line_that_is_no_message_is_named(model: Path) -> None:
    answered = understand(model, '{"id": 1, "text": "hello", "channel": "sms"}\n{"id": 2}')
    assert answered.returncode != 0 and "Line 2 is not a message" in answered.stderr


def understand(model: Path, asked: str) -> subprocess.CompletedProcess[str]:
    command = [str(PYTHON), "-m", "bot.understand", "--model", str(model)]
    return subprocess.run(
        command, cwd=ROOT, env=rasa_environ(), input=asked, capture_output=True, text=True, check=False
    )
