"""One message model, one form a channel.

Red when: the check question is sent with the choices by SMS, a message of more than two segments is not divided, a
title of 21 letters becomes a button, or a payload does not name the choice's number.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.gsm_text import count_texts
from casework.model.messages import Channel, OutboundMessage
from casework.services.ports import AssistantReply
from casework.services.rendering import (
    Rendered,
    WhatsAppForm,
    render_answer,
    render_as_text,
    render_for_telegram,
    render_for_whatsapp,
    write_out,
)
from casework.services.service_texts import load_service_texts
from tests.support.builders import an_outbound

TEXTS = load_service_texts()
CHECK = TEXTS.render("check_question", Channel.SMS)
TOKEN = "T" * 22
OTHERS = [channel for channel in Channel if channel not in (Channel.SMS, Channel.EMAIL)]


def a_reply(
    text: str = "Your case is with an officer.", *choices: str, response: str = "utter_one"
) -> AssistantReply:
    return AssistantReply(response=response, text=text, choices=choices)


def a_message(text: str = "What would help?", *choices: str, **values: Any) -> OutboundMessage:
    defaults = {"channel": Channel.WHATSAPP, "choices": choices, "menu_token": TOKEN}
    return an_outbound("c1", text, **(defaults | values))


def by_sms(*replies: AssistantReply, **how: Any) -> tuple[Rendered, ...]:
    return render_answer(replies, Channel.SMS, TEXTS, **how)


# --- SMS ------------------------------------------------------------------------------------------


def test_by_sms_the_choices_are_one_numbered_line_below_the_text() -> None:
    [one] = by_sms(a_reply("What would help?", "My case", "My rights", "Support near me", "A person"))

    assert one.text == "What would help?\nReply 1 My case 2 My rights 3 Support near me 4 A person."
    assert one.choices == ("My case", "My rights", "Support near me", "A person")


def test_a_single_choice_has_its_number_too() -> None:
    assert write_out("Anything else?", ["A person"], TEXTS) == "Anything else?\nReply 1 A person."


def test_what_was_promised_stands_before_the_choices() -> None:
    [one] = by_sms(a_reply("Passed on.", "A person"), promised=["You should hear by Friday."])

    assert one.text == "Passed on.\nYou should hear by Friday.\nReply 1 A person."


def test_the_check_question_goes_without_choices_by_sms() -> None:
    """One question at a time: a "no" or a "1" must never be read as the other's answer."""
    [one] = by_sms(a_reply("Shall I go on?", "Yes", "No"), asks=True)

    assert (one.text, one.choices) == (f"Shall I go on?\n{CHECK}", ())
    assert one.template == "utter_one+check_question"


def test_a_long_answer_and_the_check_question_are_two_texts_the_question_last() -> None:
    answer, question = by_sms(a_reply("a" * 300, "A person"), asks=True)

    assert (answer.text, answer.choices) == ("a" * 300, ())
    assert (question.text, question.template) == (CHECK, "check_question")


def test_choices_that_do_not_fit_below_a_long_answer_are_a_text_of_their_own() -> None:
    answer, line = by_sms(a_reply("a" * 300, "My case", "A person"))

    assert (answer.text, answer.choices, answer.template) == ("a" * 300, (), "utter_one")
    assert (line.text, line.choices, line.template) == (
        "Reply 1 My case 2 A person.",
        ("My case", "A person"),
        "choices",
    )


def test_several_long_replies_are_several_texts_in_their_order() -> None:
    replies = [a_reply(letter * 200, "A person", response=f"utter_{letter}") for letter in "abc"]

    first, second, third = by_sms(*replies)

    assert [each.text[0] for each in (first, second, third)] == ["a", "b", "c"]
    assert (first.choices, second.choices, third.choices) == ((), (), ("A person",))
    assert third.text.endswith("\nReply 1 A person.")


@given(
    lengths=st.lists(st.integers(1, 306), min_size=1, max_size=5),
    wide=st.booleans(),
    asks=st.booleans(),
    choices=st.sampled_from([(), ("A person",), ("Yes", "No")]),
)
def test_parts_that_each_fit_never_make_a_text_that_does_not(
    lengths: list[int], wide: bool, asks: bool, choices: tuple[str, ...]
) -> None:
    """Nothing is lost and nothing changes its place, and each text is two segments at the most."""
    replies = [a_reply("ŵ" * min(length, 134) if wide else "a" * length, *choices) for length in lengths]

    sent = by_sms(*replies, asks=asks)

    assert all(count_texts(each.text) <= 2 for each in sent)
    whole = "\n".join(each.text for each in sent)
    wanted = "\n".join([*(reply.text for reply in replies), *([CHECK] if asks else [])])
    assert whole == (wanted if asks else write_out(wanted, choices, TEXTS))


def test_a_part_that_is_too_long_by_itself_is_never_cut() -> None:
    """The build refuses such a text of ours; a value nobody foresaw must still arrive whole."""
    [one] = by_sms(a_reply("a" * 400))

    assert one.text == "a" * 400


@pytest.mark.parametrize("channel", OTHERS)
@pytest.mark.parametrize("asks", [False, True])
def test_elsewhere_an_answer_is_one_message_with_its_choices_beside_it(channel: Channel, asks: bool) -> None:
    replies = (a_reply("a" * 400, "ignored"), a_reply("b", "Yes", "No", response="utter_two"))

    [one] = render_answer(replies, channel, TEXTS, promised=["By Friday."], asks=asks)

    assert one.text == "\n\n".join(["a" * 400, "b", "By Friday.", *([CHECK] if asks else [])])
    assert one.choices == ("Yes", "No")


# --- WhatsApp -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("titles", "form"),
    [
        ([], WhatsAppForm.TEXT),
        (["A person"], WhatsAppForm.BUTTONS),
        (["a", "b", "c"], WhatsAppForm.BUTTONS),
        (["x" * 20, "y"], WhatsAppForm.BUTTONS),
        (["x" * 21, "y"], WhatsAppForm.LIST),
        (["x" * 21], WhatsAppForm.LIST),
        (["a", "b", "c", "d"], WhatsAppForm.LIST),
        ([f"{number}" + "x" * 23 for number in range(10)], WhatsAppForm.LIST),
        (["x" * 25, "y"], WhatsAppForm.TEXT),
        ([f"{number}" for number in range(11)], WhatsAppForm.TEXT),
        # Refused by WhatsApp, or by Twilio in a variable.
        (["Yes", "Yes"], WhatsAppForm.TEXT),
        (["Yes", ""], WhatsAppForm.TEXT),
        (["Yes\nNo"], WhatsAppForm.TEXT),
        (["{{1}}"], WhatsAppForm.TEXT),
    ],
)
def test_whatsapp_shows_three_short_choices_as_buttons_ten_as_a_list_and_the_rest_in_words(
    titles: list[str], form: WhatsAppForm
) -> None:
    assert render_for_whatsapp(a_message("What would help?", *titles), TEXTS).form is form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a" * 1024, WhatsAppForm.BUTTONS),
        ("a" * 1025, WhatsAppForm.TEXT),
        ("\n\n".join("abcdefgh"), WhatsAppForm.BUTTONS),
        ("\n\n".join("abcdefghi"), WhatsAppForm.TEXT),
        ("one\ntwo", WhatsAppForm.TEXT),
        ("one\n\n\ntwo", WhatsAppForm.TEXT),
        ("far     apart", WhatsAppForm.TEXT),
        ("a {{1}} b", WhatsAppForm.TEXT),
    ],
    ids=lambda value: value if isinstance(value, WhatsAppForm) else f"{len(value)}-{value[:6]!a}",
)
def test_words_that_cannot_go_with_buttons_go_in_a_numbered_text(text: str, form: WhatsAppForm) -> None:
    shown = render_for_whatsapp(a_message(text, "Yes", "No"), TEXTS)

    assert shown.form is form
    assert shown.body == (text if form is WhatsAppForm.BUTTONS else f"{text}\nReply 1 Yes 2 No.")


def test_each_choice_comes_back_as_the_token_and_its_number() -> None:
    shown = render_for_whatsapp(a_message("a\n\nb", "Yes", "No"), TEXTS)

    assert [(choice.title, choice.payload) for choice in shown.choices] == [
        ("Yes", f"{TOKEN}.1"),
        ("No", f"{TOKEN}.2"),
    ]
    assert shown.paragraphs == ("a", "b")


def test_without_a_token_there_is_nothing_to_press() -> None:
    shown = render_for_whatsapp(a_message("What?", "Yes", "No", menu_token=None), TEXTS)

    assert (shown.form, shown.body) == (WhatsAppForm.TEXT, "What?\nReply 1 Yes 2 No.")
    assert shown == render_as_text(a_message("What?", "Yes", "No"), TEXTS)


# --- Telegram -------------------------------------------------------------------------------------


def test_telegram_gets_rows_of_a_keyboard() -> None:
    text, rows = render_for_telegram(a_message("What?", "Yes", "No", channel=Channel.TELEGRAM), TEXTS)

    assert (text, rows) == ("What?", [("Yes", f"{TOKEN}.1"), ("No", f"{TOKEN}.2")])


@pytest.mark.parametrize("token", [None, "T" * 63])
def test_telegram_gets_a_numbered_text_where_a_payload_is_missing_or_over_64_bytes(token: str | None) -> None:
    message = a_message("What?", "Yes", "No", channel=Channel.TELEGRAM, menu_token=token)

    assert render_for_telegram(message, TEXTS) == ("What?\nReply 1 Yes 2 No.", [])
    assert render_for_telegram(a_message("What?"), TEXTS) == ("What?", [])
