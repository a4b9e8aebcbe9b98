"""The assistant's responses, as Rasa chooses among them. What they say is held to the rules in test_wording.py."""

from tests.actions.asking import get_responses
from tests.bot.training_examples import read_examples

VARIATIONS = [variation for variations in get_responses().values() for variation in variations]


def test_one_channel_has_one_wording_so_that_a_replayed_turn_says_the_same() -> None:
    for name, variations in get_responses().items():
        channels = [variation.get("channel") for variation in variations]
        assert len(channels) == len(set(channels)) and None in channels, name


def test_only_sms_has_a_short_form() -> None:
    # The other channels do not pay by length: they get the full one.
    assert {variation.get("channel") for variation in VARIATIONS} == {None, "sms"}


def test_every_choice_is_an_example_of_some_intent() -> None:
    titles = {button["title"].lower() for one in VARIATIONS for button in one.get("buttons", [])}
    examples = {example.lower() for lines in read_examples().values() for example in lines}
    assert titles <= examples, titles - examples


def test_buttons_and_messages_fit_whatsapp() -> None:
    for variation in VARIATIONS:
        assert len(variation["text"]) <= 1024
        assert all(len(button["title"]) <= 24 for button in variation.get("buttons", []))
