import pytest

from casework.model.messages import Channel
from casework.model.safe_contact import (
    SafeContact,
    find_safe_contact,
    may_reply,
    may_send_unasked,
    parse_safe_contact,
)

UNCLEAR = [
    None,
    "",
    "  ",
    "unknown",
    "yes",
    "anything",
    "any, but not at night",
    "no",
    "never",
    "reply",
    "nоne",
    "\0",
]


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("text", "unasked", "reply"), [("any", True, True), ("reply_only", False, True), ("none", False, False)]
)
def test_each_value_says_what_may_leave_on_every_channel(
    text: str, unasked: bool, reply: bool, channel: Channel
) -> None:
    plan = parse_safe_contact(text)

    assert may_send_unasked(plan, channel) is unasked
    assert may_reply(plan) is reply


def test_there_are_no_other_values() -> None:
    assert {value.value for value in SafeContact} == {"any", "reply_only", "none"}


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("text", UNCLEAR)
def test_whatever_is_unclear_may_only_be_answered(text: str | None, channel: Channel) -> None:
    plan = parse_safe_contact(text)

    assert not may_send_unasked(plan, channel)
    assert may_reply(plan)
    assert find_safe_contact(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" Any ", SafeContact.ANY),
        ("REPLY_ONLY", SafeContact.REPLY_ONLY),
        ("reply only", SafeContact.REPLY_ONLY),
        ("Reply-only", SafeContact.REPLY_ONLY),
        ("None\n", SafeContact.NONE),
    ],
)
def test_case_and_spacing_do_not_matter(text: str, value: SafeContact) -> None:
    assert find_safe_contact(text) is value
    assert parse_safe_contact(text) == parse_safe_contact(value)
