"""How long a reply may be, what is remembered of it, and which reference is meant."""

from itertools import combinations

import pytest
from rasa_sdk import Tracker

from actions.latest_message import find_reference
from actions.people import TRIED
from actions.wishes import Asked, find_choice, load_wishes, read_kept
from actions.wordings import find_words, is_short, shorten
from casework.model.sms_segments import count_segments
from tests.actions.asking import get_responses
from tests.yaml_files import read_yaml


def said(response: str, *choices: str) -> dict[str, object]:
    return {"response": response, "buttons": [{"title": title, "payload": title} for title in choices]}


def test_by_text_message_two_segments_are_short_and_three_are_not() -> None:
    one = said("utter_hand_off_property")
    assert is_short([one], "sms") and not is_short([one, one, one], "sms")


def test_elsewhere_three_paragraphs_are_short() -> None:
    full = said("utter_right_8")
    assert is_short([full], "webchat") and not is_short([full, said("utter_offer_next")], "webchat")


def test_the_choices_count_as_part_of_a_text_message() -> None:
    bare, offered = said("utter_right_5"), said("utter_right_5", *["Message for the officer"] * 5)
    assert is_short([bare], "sms") and not is_short([offered], "sms")


@pytest.mark.parametrize(
    "response", [name for name, rows in get_responses().items() if "{" not in rows[0]["text"]]
)
def test_the_short_form_is_never_longer_and_never_without_its_999(response: str) -> None:
    for channel in ("sms", "webchat"):
        whole, short = find_words(said(response), channel), str(shorten(said(response), channel)["text"])
        assert len(short) <= len(whole)
        assert short.strip()
        if channel == "sms":
            assert ("999" in whole) == ("999" in short)


def test_any_two_wishes_offered_after_not_that_fit_a_text_message() -> None:
    titles = [row.choice for row in load_wishes().values() if row.choice and row.choice != "A person"]
    for first, second in combinations(titles, 2):
        assert is_short([said("utter_not_that", first, second, "A person")], "sms")


def test_a_line_in_another_language_and_its_english_fit_a_text_message() -> None:
    [table] = read_yaml("bot/languages.yml")
    english = find_words(said("utter_hand_off_interpreter"), "sms")
    for row in table["languages"].values():
        assert count_segments(f"{row['sms']}\n{english}") <= 2


def test_a_kept_wish_the_table_no_longer_has_is_left_behind() -> None:
    assert read_kept(["ask_old/x", "ask_rights/right_6", 7]) == [Asked("ask_rights", "right_6")]
    assert read_kept("ask_rights") == [] and find_choice("ask_old") is None


def test_every_text_that_counts_as_a_misunderstanding_exists() -> None:
    assert set(TRIED) <= set(get_responses())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("43260012345", "43260012345"),
        ("not 43260012345 its 43260012346", "43260012346"),
        ("43260012346 not 43260012345", "43260012346"),
        ("its 43260012346 instead of 43260012345", "43260012346"),
        ("43260012345 sorry 43260012346", "43260012346"),
    ],
)
def test_of_two_references_the_one_not_taken_back_is_meant(text: str, meant: str) -> None:
    found = [
        (place, text[place : place + 11]) for place in range(len(text)) if text[place : place + 2] == "43"
    ]
    entities = [
        {"entity": "crime_reference", "value": value, "start": place}
        for place, value in found
        if value.isdigit() and len(value) == 11
    ]
    tracker = Tracker("c1", {}, {"text": text, "entities": entities}, [], False, None, {}, "action_listen")
    assert find_reference(tracker) == meant
