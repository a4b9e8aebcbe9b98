"""Nothing of ours leaves as more than two text messages (sms_whatsapp.md T2). A text that could fails the build.

Every response, safety line, service text and directory entry is rendered as it leaves, with the longest value that can
stand in each gap, alone and together with what may be said after it. Red when: a response is lengthened by the letters
that are left of its two segments and one more, or one Welsh letter is put into a long one: the twins below do both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import pytest

from actions.interpreter import load_lines
from casework.adapters.storage.tables import staff_member
from casework.model.gsm_text import count_texts
from casework.model.messages import Channel
from casework.services.ports import AssistantReply
from casework.services.rendering import MOST_SEGMENTS, Rendered, render_answer
from casework.services.service_texts import load_service_texts
from tests.support.wording import GAPS, Text, read_texts

TEXTS = load_service_texts()
BY_SMS = [text for text in read_texts() if text.form == "sms"]
RESPONSES = [text for text in BY_SMS if text.name.startswith("utter_")]
FIXED = [text for text in BY_SMS if not text.name.startswith("utter_")]
CHECK = TEXTS.render("check_question", Channel.SMS)
LONGEST_DAY = GAPS["day"][0]
PROMISES = [
    TEXTS.render(name, Channel.SMS, day=LONGEST_DAY)
    for name in ("officer_promise", "officer_promise_neutral")
]
LONGEST_STAFF_NAME = "Rowan ".ljust(staff_member.c.display_name.type.length, "x")  # type: ignore[attr-defined]


def as_reply(text: Text) -> AssistantReply:
    return AssistantReply(response=text.name, text=text.filled(0), choices=text.choices)


def send(texts: Sequence[Text], *, asks: bool = False, promised: Sequence[str] = ()) -> tuple[Rendered, ...]:
    return render_answer([as_reply(text) for text in texts], Channel.SMS, TEXTS, asks=asks, promised=promised)


def list_answers(text: Text) -> list[tuple[Rendered, ...]]:
    """Every way in which this response may be sent by itself: with the question if they are OK, with a promise."""
    promised = [send([text], promised=[promise]) for promise in PROMISES]
    return [send([text]), send([text], asks=True), *promised, send([text], asks=True, promised=PROMISES[:1])]


def find_too_long(responses: Iterable[Text], fixed: Iterable[Text] = ()) -> list[str]:
    """The names of the texts that would leave as more than two segments, or whose choices would stand alone."""
    found = [
        text.name
        for text in responses
        if len(send([text])) > 1
        or any(count_texts(each.text) > MOST_SEGMENTS for answer in list_answers(text) for each in answer)
    ]
    return found + [text.name for text in fixed if count_texts(text.filled(0)) > MOST_SEGMENTS]


def test_every_text_of_ours_is_two_text_messages_at_most() -> None:
    assert find_too_long(RESPONSES, FIXED) == []


def test_all_the_texts_are_looked_at() -> None:
    names = {text.name for text in BY_SMS}

    assert {"utter_officer", "utter_greet", "immediate_danger", "invite_by_sms", "waiting_by_sms"} <= names
    assert len(RESPONSES) > 150 and len(FIXED) > 40


def a_twin(name: str, words: str) -> list[Text]:
    """Every response as it is but one, with these words more."""
    assert any(text.name == name for text in RESPONSES)
    return [replace(text, words=text.words + words) if text.name == name else text for text in RESPONSES]


@pytest.mark.parametrize("name", ["utter_officer", "utter_hear_by", "utter_goodbye", "utter_safe_question"])
def test_a_response_one_letter_too_long_is_caught(name: str) -> None:
    """Twin that must fail: filled up to the very last letter it passes, with one more it does not."""
    [text] = [text for text in RESPONSES if text.name == name]
    [alone] = send([text])
    left = 306 - len(alone.text)

    assert find_too_long(a_twin(name, "x" * left)) == []
    assert find_too_long(a_twin(name, "x" * (left + 1))) == [name]


def test_a_response_whose_live_value_is_longer_is_caught() -> None:
    """Twin that must fail: short by itself, too long with the longest name of an officer."""
    assert find_too_long(a_twin("utter_goodbye", " Your officers are {officer_name}, {officer_name}.")) == [
        "utter_goodbye"
    ]


def test_a_fixed_text_too_long_is_caught() -> None:
    [holding] = [text for text in FIXED if text.name == "holding"]

    assert find_too_long([], [replace(holding, words=holding.words.ljust(306, "x"))]) == []
    assert find_too_long([], [replace(holding, words=holding.words.ljust(307, "x"))]) == ["holding"]


# --- the question if they are OK -------------------------------------------------------------------


def test_every_answer_has_room_for_the_question_in_place_of_its_choices() -> None:
    for text in RESPONSES:
        [one] = send([text], asks=True)
        assert (one.text, one.choices) == (f"{text.filled(0)}\n{CHECK}", ())


def test_two_answers_with_no_room_for_the_question_are_followed_by_it() -> None:
    """What an action says together may fill two segments by itself; the question is then a text of its own."""
    fitting = [
        (first, second)
        for first, second in combinations(RESPONSES, 2)
        if 306 - len(CHECK) <= len(first.filled(0)) + len(second.filled(0)) < 306
    ]

    assert fitting
    for first, second in fitting:
        answer, question = send([first, second], asks=True)
        assert (answer.text, question.text) == (f"{first.filled(0)}\n{second.filled(0)}", CHECK)


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_said_together_is_divided_between_texts_and_never_within_one(asks: bool) -> None:
    """The officer and how to reach them, a line in another language, and the whole directory in one answer."""
    directory = [text for text in RESPONSES if text.name.startswith("utter_support_service")]
    officer = [text for text in RESPONSES if text.name in ("utter_officer", "utter_officer_contact")]
    stages = [text for text in RESPONSES if text.name.startswith(("utter_stage_", "utter_outcome_"))]
    due = [text for text in RESPONSES if text.name in ("utter_hear_by", "utter_update_overdue")]
    assert len(directory) > 20 and len(officer) == len(due) == 2 and len(stages) > 10
    together = [directory, officer, *([stage, each] for stage in stages for each in due)]

    for texts in together:
        sent = send(texts, asks=asks)
        assert all(count_texts(each.text) <= MOST_SEGMENTS for each in sent)
        whole = "\n".join(each.text for each in sent)
        assert all(text.filled(0) in whole for text in texts)


def test_any_two_of_the_longest_answers_together() -> None:
    longest = sorted(RESPONSES, key=lambda text: (-len(text.filled(0)), text.name))[:20]

    for first, second in combinations(longest, 2):
        assert all(count_texts(each.text) <= MOST_SEGMENTS for each in send([first, second], asks=True))


def test_a_member_of_staff_with_the_longest_name_is_announced_in_one() -> None:
    for name in ("person_joined", "person_left", "person_left_off"):
        assert count_texts(TEXTS.render(name, Channel.SMS, name=LONGEST_STAFF_NAME)) <= MOST_SEGMENTS


# --- other languages -------------------------------------------------------------------------------

WELSH = (
    "Diolch am ddweud wrthym. Bydd rhywun yn darllen hwn. Os ydych mewn perygl ffoniwch 999. "
    "Gallwch ysgrifennu yma eto unrhyw bryd yn ôl eich dŵr."
)


def test_one_welsh_letter_makes_a_long_text_too_long() -> None:
    """Twin that must fail: the room is 134 letters then, not 306."""
    assert len(WELSH) > 134 and count_texts(WELSH) == 3 and count_texts(WELSH[:134]) == 2
    assert count_texts(WELSH.replace("ô", "o").replace("ŵ", "w")) == 1
    [holding] = [text for text in FIXED if text.name == "holding"]

    assert find_too_long([], [replace(holding, words=WELSH[-134:])]) == []
    assert find_too_long([], [replace(holding, words=WELSH[-135:])]) == ["holding"]


def test_an_officer_with_a_welsh_name_is_named_in_two() -> None:
    [text] = [text for text in RESPONSES if text.name == "utter_officer"]
    words = text.words.format(officer_name="Detective Constable Siân Llŷr-Gruffydd", collar_number="NW1234")

    [sent] = render_answer([AssistantReply(response=text.name, text=words)], Channel.SMS, TEXTS)

    assert count_texts(sent.text) == 2


def test_a_line_in_another_language_goes_with_its_english() -> None:
    [english] = [text for text in RESPONSES if text.name == "utter_hand_off_interpreter"]

    for code, line in sorted(load_lines().items()):
        replies = [AssistantReply(response="utter_interpreter_line", text=line["sms"]), as_reply(english)]
        for asks in (False, True):
            sent = render_answer(replies, Channel.SMS, TEXTS, asks=asks)
            assert all(count_texts(each.text) <= MOST_SEGMENTS for each in sent), code
