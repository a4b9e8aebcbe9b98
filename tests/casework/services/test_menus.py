"""A choice is a number while its list is fresh, or a button of this very conversation; anything else is a message.

Red when, each seen once: the lookup forgets the conversation; the 30 minutes or the newest message are not looked at; a
number is found anywhere in the text; an open form is not looked for.
"""

from typing import Any

import pytest

from casework.adapters.storage.tables import inbox, outbox, turn
from casework.model.messages import Channel, Origin
from casework.services.menus import has_open_form
from casework.services.ports import AssistantAnswer, AssistantReply
from tests.support.builders import VICTIM, an_answer
from tests.support.line import Line

TITLES = ("My case", "My rights", "Support near me", "A person")
OTHER = "+447700900002"
MANY = tuple(f"Choice {number}" for number in range(1, 11))
OPEN_FORM = {"v": 1, "start": None, "events": [{"event": "active_loop", "name": "link_form"}]}


def offers(*titles: str, **values: Any) -> AssistantAnswer:
    return an_answer(
        replies=(AssistantReply(response="utter_greet", text="What would help?", choices=titles),), **values
    )


async def show(line: Line, *titles: str, answer_to: str = "hello there", **values: Any) -> Any:
    """Somebody writes and is given these choices; the row that left."""
    line.assistant.answers[answer_to] = offers(*titles)
    line.receive(answer_to, **values)
    await line.answer_all()
    await line.deliver_all()
    line.assistant.asked.clear()
    return line.rows(outbox)[-1]


def newest_outcome(line: Line) -> str | None:
    found: str | None = max(line.rows(turn), key=lambda row: row.inbox_id).outcome
    return found


async def choose(line: Line, text: str, **values: Any) -> list[str]:
    line.receive(text, **values)
    await line.answer_all()
    await line.deliver_all()
    return line.assistant.asked


@pytest.mark.parametrize(
    "text", ["2", "2.", "2)", " 2", "two", "Two!", "2\ufe0f\u20e3", "my rights", "MY RIGHTS."]
)
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM])
async def test_a_choice_is_asked_in_its_own_words(line: Line, channel: Channel, text: str) -> None:
    await show(line, *TITLES, channel=channel)

    assert await choose(line, text, channel=channel) == ["My rights"]
    stored = line.rows(inbox)[-1]
    assert (stored.text, stored.read_as) == (text, "My rights")


@pytest.mark.parametrize(
    "text",
    [
        "1 of them hit me",
        "2 days ago he came back",
        "12",
        "5",
        "9",
        "two of them",
        "2 please",
        "my rights and my case",
        "10",
    ],
)
async def test_what_is_more_than_a_choice_is_a_message(line: Line, text: str) -> None:
    await show(line, *TITLES)

    assert await choose(line, text) == [text]
    assert line.rows(inbox)[-1].read_as is None


async def test_a_list_lives_half_an_hour(line: Line) -> None:
    await show(line, *TITLES)
    line.clock.advance(minutes=29)
    assert await choose(line, "1") == ["My case"]

    await show(line, *TITLES)
    line.clock.advance(minutes=31)

    assert await choose(line, "1") == []
    assert newest_outcome(line) == "menu_gone"
    assert line.sender.sent[-1].text == line.texts.render("list_gone", Channel.SMS)


async def test_only_the_last_thing_we_said_is_chosen_from(line: Line) -> None:
    await show(line, *TITLES)
    line.receive("tell me something")
    await line.answer_all()
    await line.deliver_all()
    line.assistant.asked.clear()

    assert await choose(line, "1") == []
    assert newest_outcome(line) == "menu_gone"
    assert await choose(line, "my case") == ["my case"]


async def test_a_list_that_has_not_left_is_not_chosen_from(line: Line) -> None:
    await show(line, *TITLES)
    line.assistant.answers["quick"] = offers("Yes", "No")
    line.receive("quick")
    await line.answer_all()

    line.receive("1")

    assert line.rows(inbox)[-1].read_as == "My case"


async def test_a_number_found_late_is_of_the_list_they_saw(line: Line) -> None:
    await show(line, *TITLES)
    line.clock.advance(minutes=1)
    then = line.clock.now()
    line.clock.advance(minutes=5)
    await show(line, "Yes", "No", answer_to="something else")
    line.clock.advance(hours=2)

    assert await choose(line, "2", origin=Origin.SWEEP, sent_at=then) == ["My rights"]


async def test_a_number_without_any_list_is_a_message(line: Line) -> None:
    assert await choose(line, "4") == ["4"]


async def test_a_list_is_forgotten_after_a_week(line: Line) -> None:
    await show(line, *TITLES)
    line.clock.advance(days=8)

    assert await choose(line, "4") == ["4"]


async def test_a_word_for_a_number_is_never_a_list_that_has_gone(line: Line) -> None:
    await show(line, *TITLES)
    line.clock.advance(hours=1)

    assert await choose(line, "three") == ["three"]


async def test_a_digit_for_an_open_form_is_the_forms(line: Line) -> None:
    line.assistant.answers["in"] = an_answer(state=OPEN_FORM)
    await show(line, *TITLES)
    line.receive("in")
    await line.answer_all()
    await line.deliver_all()
    line.assistant.asked.clear()

    assert await choose(line, "4") == ["4"]


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        (None, False),
        ({}, False),
        (OPEN_FORM, True),
        (
            {"v": 1, "start": {"slots": {}, "loop": {"name": "link_form"}}, "events": [{"event": "user"}]},
            True,
        ),
        ({"v": 1, "start": {"loop": {"name": "link_form"}}, "events": [{"event": "active_loop"}]}, False),
        ({"v": 1, "start": None, "events": [*OPEN_FORM["events"], {"event": "active_loop"}]}, False),  # type: ignore[misc]
        ({"v": 1, "events": "damaged"}, False),
        ({"v": 1, "start": "damaged", "events": [3]}, False),
    ],
)
def test_an_open_form_is_seen_in_the_dialogue_state(state: Any, is_open: bool) -> None:
    assert has_open_form(state) is is_open


# --- buttons --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM])
async def test_choices_are_named_by_a_token_nobody_can_guess(line: Line, channel: Channel) -> None:
    first = await show(line, *TITLES, channel=channel)
    second = await show(line, *TITLES, channel=channel, answer_to="again")

    assert len(first.menu_token) == len(second.menu_token) == 22
    assert first.menu_token != second.menu_token


async def test_a_web_page_s_choices_and_a_text_without_any_have_no_token(line: Line) -> None:
    await show(line, *TITLES, channel=Channel.WEBCHAT, external_id="f" * 32)
    await choose(line, "thank you")

    assert [row.menu_token for row in line.rows(outbox)] == [None, None]


@pytest.mark.parametrize("channel", [Channel.WHATSAPP, Channel.TELEGRAM])
async def test_a_button_is_what_it_said_however_old(line: Line, channel: Channel) -> None:
    old = await show(line, *MANY, channel=channel)
    line.clock.advance(days=30)
    await show(line, "Yes", "No", channel=channel, answer_to="later")

    asked = await choose(line, "whatever it shows", channel=channel, choice=f"{old.menu_token}.10")

    assert asked == ["Choice 10"]


async def test_a_button_of_another_conversation_is_not_obeyed(line: Line) -> None:
    others = await show(line, *TITLES, channel=Channel.WHATSAPP, external_id=OTHER)
    await show(line, "Yes", "No", channel=Channel.WHATSAPP, answer_to="mine")

    asked = await choose(line, "hm", channel=Channel.WHATSAPP, choice=f"{others.menu_token}.2")

    assert asked == ["hm"]
    assert line.rows(inbox)[-1].read_as is None


@pytest.mark.parametrize(
    "ending", ["", ".", ".0", ".5", ".99", ".100", ".2 ", ".-1", ".two", ".2.2", "/restart", ".\u0662"]
)
async def test_a_payload_that_names_no_choice_of_ours_is_ignored(line: Line, ending: str) -> None:
    shown = await show(line, *TITLES, channel=Channel.WHATSAPP)

    assert await choose(line, "hm", channel=Channel.WHATSAPP, choice=shown.menu_token + ending) == ["hm"]


@pytest.mark.parametrize(
    "payload", ["", "2", "/restart", "x" * 5000, "' OR 1=1 --.1", "A" * 22 + ".1", "\ud800.1"]
)
async def test_a_payload_from_elsewhere_is_ignored(line: Line, payload: str) -> None:
    await show(line, *TITLES, channel=Channel.WHATSAPP)

    assert await choose(line, "My rights", channel=Channel.WHATSAPP, choice=payload) == ["My rights"]


async def test_a_web_page_s_message_is_never_read_as_a_choice(line: Line) -> None:
    await show(line, *TITLES, channel=Channel.WEBCHAT, external_id="f" * 32)

    assert await choose(line, "2", channel=Channel.WEBCHAT, external_id="f" * 32) == ["2"]


async def test_a_number_to_a_person_is_theirs_to_read(line: Line) -> None:
    await show(line, *TITLES)
    line.claim(line.open(VICTIM), line.add_staff())

    assert await choose(line, "2") == []
    assert line.rows(inbox)[-1].read_as is None
