"""What a detector in the pipeline says reaches the answer, in offsets of the text that was sent."""

import json
from collections.abc import Iterator

import pytest

from tests.bot.rasa_process import Rasa, running_rasa, train

pytestmark = pytest.mark.rasa

FORM_BOT = "tests/bot/form_bot"


@pytest.fixture(scope="module")
def rasa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rasa]:
    folder = tmp_path_factory.mktemp("urgency-bot")
    model = train(
        folder,
        config="tests/bot/urgency_bot/config.yml",
        domain=f"{FORM_BOT}/domain",
        data=(f"{FORM_BOT}/data",),
    )
    credentials = f"{FORM_BOT}/credentials_small.yml"
    with running_rasa(model, 1, folder / "rasa.log", credentials=credentials) as running:
        yield running


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("hi there", "hi"),
        ("  hi there", "hi"),
        ("\x00\nhi there", "hi"),
        ("/hi there", "/hi"),
        (" /hi", " /hi"),
    ],
)
def test_marked_words_are_those_of_the_text_as_sent(rasa: Rasa, text: str, marked: str) -> None:
    urgency = rasa.turn(text).body["parse"]["urgency"]

    [[start, end]] = urgency["spans"]
    assert text[start:end] == marked
    assert urgency["probability"] == 0.25


def test_the_detector_is_given_the_earlier_texts_and_they_are_not_kept(rasa: Rasa) -> None:
    first = rasa.turn("hi there", earlier=["canaryone", "/canaryone\ud800"])
    second = rasa.turn("hi there", first.body["state"], earlier=["canaryone"])

    assert first.body["parse"]["urgency"]["categories"] == {"immediate_danger": 0.2}
    assert second.body["parse"]["urgency"]["categories"] == {"immediate_danger": 0.1}
    assert "canaryone" not in json.dumps([first.body, second.body])
    assert "canaryone" not in rasa.log.read_text()


def test_without_a_word_of_the_detector_the_answer_says_nothing_of_it(rasa: Rasa) -> None:
    assert "urgency" not in rasa.turn("hello").body["parse"]


@pytest.mark.parametrize("earlier", [None, []])
def test_earlier_texts_may_be_left_out(rasa: Rasa, earlier: object) -> None:
    assert rasa.turn("hi there", earlier=earlier).status == 200


@pytest.mark.parametrize("earlier", ["hi", [1], {"a": "b"}])
def test_earlier_texts_of_another_kind_are_malformed(rasa: Rasa, earlier: object) -> None:
    assert rasa.turn("hi there", earlier=earlier).status == 400
