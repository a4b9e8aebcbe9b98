from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import (
    SafeContact,
    SafeContactPlan,
    SendDecision,
    SendKind,
    SendReason,
    Wording,
    decide_send,
    find_live_until,
    find_safe_contact,
    may_reply,
    may_send_unasked,
    may_write,
    parse_safe_contact,
    plan_for,
    strictest,
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

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)  # a Monday
LIVE = NOON + timedelta(minutes=15)
EVERY_CHANNEL = frozenset(Channel)
ANSWERS = frozenset(SendKind) - {SendKind.CASE_UPDATE, SendKind.INVITE, SendKind.BROADCAST}
MONDAY_EVENING = (ContactWindow(weekday=0, start_minute=18 * 60, end_minute=20 * 60),)
AGREED = SafeContactPlan(
    unasked_channels=frozenset({Channel.SMS}),
    answered_channels=EVERY_CHANNEL,
    is_unsolicited_agreed=True,
    hours=MONDAY_EVENING,
    wording=Wording.PLAIN,
    may_leave_voicemail=True,
    who_may_be_present="her sister",
    safe_word_hash="$argon2id$v=19$safe",
    duress_phrase_hash="$argon2id$v=19$duress",
    is_safe_first=False,
)


def decide(plan: SafeContactPlan, **changes: Any) -> SendDecision:
    """By default: a reply by text message to someone who has just written from there."""
    question: dict[str, Any] = {
        "channel": Channel.SMS,
        "at": NOON,
        "kind": SendKind.ASSISTANT_REPLY,
        "live_until": LIVE,
        "is_same_contact_point": True,
    }
    return decide_send(plan, **question | changes)


# --- the case file's words ------------------------------------------------------------------------


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
    assert may_reply(plan, channel) is reply
    assert may_write(plan, channel) is (unasked or reply)


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
        ("_reply__only", SafeContact.REPLY_ONLY),
        ("None\n", SafeContact.NONE),
    ],
)
def test_case_and_spacing_do_not_matter(text: str, value: SafeContact) -> None:
    assert find_safe_contact(text) is value
    assert parse_safe_contact(text) == parse_safe_contact(value)


@pytest.mark.parametrize(
    ("text", "wording", "is_safe_first"),
    [
        ("any", Wording.PLAIN, False),
        ("reply_only", Wording.PLAIN, False),
        ("", Wording.PLAIN, False),
        ("none", Wording.NEUTRAL, True),
    ],
)
def test_each_value_goes_on_as_it_was_said_and_asked_before(
    text: str, wording: Wording, is_safe_first: bool
) -> None:
    plan = parse_safe_contact(text)

    assert (plan.wording, plan.is_safe_first) == (wording, is_safe_first)
    assert plan.hours == ()
    assert not plan.may_leave_voicemail


# --- a plan ---------------------------------------------------------------------------------------


def test_a_plan_that_says_nothing_lets_nothing_leave() -> None:
    plan = SafeContactPlan()

    assert not any(may_write(plan, channel) for channel in Channel)
    assert plan.wording is Wording.NEUTRAL
    assert plan.is_safe_first
    assert not plan.is_unsolicited_agreed
    assert not plan.may_leave_voicemail
    assert plan.who_may_be_present == ""


def test_the_strictest_plan_still_answers_and_nothing_more() -> None:
    assert strictest() == SafeContactPlan(answered_channels=EVERY_CHANNEL)


def test_one_channel_that_is_answered_does_not_make_all_of_them() -> None:
    plan = SafeContactPlan(answered_channels=frozenset({Channel.WEBCHAT}))

    assert may_reply(plan, Channel.WEBCHAT)
    assert not may_reply(plan, Channel.SMS)
    assert not may_reply(plan)


def test_a_channel_named_without_the_agreement_is_not_written_to() -> None:
    plan = SafeContactPlan(unasked_channels=EVERY_CHANNEL)

    assert not may_send_unasked(plan, Channel.SMS)
    assert not may_write(plan, Channel.SMS)


def test_an_agreement_counts_on_the_channels_it_names() -> None:
    plan = SafeContactPlan(unasked_channels=frozenset({Channel.SMS}), is_unsolicited_agreed=True)

    assert may_send_unasked(plan, Channel.SMS)
    assert may_write(plan, Channel.SMS)
    assert not may_send_unasked(plan, Channel.WHATSAPP)


@pytest.mark.parametrize("name", ["safe_word_hash", "duress_phrase_hash"])
def test_a_safe_word_in_the_open_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="argon2 hash only"):
        SafeContactPlan(**{name: "blue teapot"})  # type: ignore[arg-type]


def test_what_protects_a_person_is_not_printed() -> None:
    for kept in ("sister", "argon2"):
        assert kept not in repr(AGREED)


# --- the plan in force ----------------------------------------------------------------------------

BURGLARY, STALKING = "Burglary - dwelling", "Stalking"


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_where_the_case_file_says_nothing_a_flagged_crime_starts_with_the_strictest(
    nothing: str | None,
) -> None:
    assert plan_for(nothing, STALKING, None) == strictest()
    assert plan_for(nothing, BURGLARY, None) == parse_safe_contact("reply_only")


@pytest.mark.parametrize("word", ["any", "reply_only", "none"])
def test_the_case_file_s_words_keep_their_meaning(word: str) -> None:
    assert plan_for(word, BURGLARY, None) == parse_safe_contact(word)


@pytest.mark.parametrize("crime_type", [BURGLARY, STALKING])
@pytest.mark.parametrize("word", ["unknown", "any, but not at night", "never", "\0"])
def test_a_word_nobody_knows_is_read_as_the_strictest(word: str, crime_type: str) -> None:
    assert plan_for(word, crime_type, None) == strictest()


def test_a_flagged_crime_is_written_of_in_neutral_words_whatever_the_file_allows() -> None:
    plan = plan_for("any", STALKING, None)

    assert plan.wording is Wording.NEUTRAL
    assert all(may_send_unasked(plan, channel) for channel in Channel)
    assert plan_for("reply_only", STALKING, None) == strictest()
    assert plan_for("none", STALKING, None) == SafeContactPlan()


@pytest.mark.parametrize("crime_type", [BURGLARY, STALKING])
@pytest.mark.parametrize("word", [None, " ", "any"])
def test_what_was_agreed_with_the_person_counts(word: str | None, crime_type: str) -> None:
    assert plan_for(word, crime_type, AGREED) == AGREED
    assert plan_for(word, crime_type, strictest()) == strictest()


@pytest.mark.parametrize("crime_type", [BURGLARY, STALKING])
@pytest.mark.parametrize("word", ["reply_only", "what?"])
def test_what_was_agreed_never_loosens_the_case_file_s_word(word: str, crime_type: str) -> None:
    plan = plan_for(word, crime_type, AGREED)

    assert plan.unasked_channels == frozenset()
    assert not plan.is_unsolicited_agreed
    assert plan.answered_channels == AGREED.answered_channels
    # What only protects or informs stays.
    assert plan.duress_phrase_hash == AGREED.duress_phrase_hash
    assert plan.safe_word_hash == AGREED.safe_word_hash
    assert plan.hours == AGREED.hours


@pytest.mark.parametrize("crime_type", [BURGLARY, STALKING])
def test_none_in_the_case_file_means_nothing_in_writing_whatever_was_agreed(crime_type: str) -> None:
    plan = plan_for("none", crime_type, AGREED)

    assert not any(may_write(plan, channel) for channel in Channel)
    assert plan.duress_phrase_hash == AGREED.duress_phrase_hash


def test_the_case_file_cannot_widen_what_was_agreed() -> None:
    web_only = SafeContactPlan(answered_channels=frozenset({Channel.WEBCHAT}))

    assert plan_for("any", BURGLARY, web_only) == web_only
    assert plan_for("reply_only", BURGLARY, web_only) == web_only


# --- what may leave -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(ANSWERS - {SendKind.SAFETY_LINE}))
def test_whoever_has_just_written_is_answered_at_any_hour(kind: SendKind) -> None:
    for hour in range(24):
        at = NOON + timedelta(hours=hour)
        decision = decide(strictest(), kind=kind, at=at, live_until=at + timedelta(seconds=1))

        assert decision == SendDecision(allowed=True, reason=SendReason.ANSWERS_A_MESSAGE)


@pytest.mark.parametrize("kind", SendKind)
@pytest.mark.parametrize(
    "changes",
    [
        {"live_until": NOON},
        {"live_until": NOON - timedelta(seconds=1)},
        {"live_until": None},
        {"is_same_contact_point": False},
    ],
    ids=["just ended", "ended", "never wrote", "wrote from elsewhere"],
)
def test_outside_the_live_window_everything_is_unasked_whoever_wrote_it(
    kind: SendKind, changes: dict[str, Any]
) -> None:
    refused = SendDecision(allowed=False, reason=SendReason.ANSWERS_ONLY)

    assert decide(strictest(), kind=kind, **changes) == refused


@pytest.mark.parametrize("kind", [SendKind.CASE_UPDATE, SendKind.INVITE, SendKind.BROADCAST])
def test_what_answers_nothing_is_unasked_even_while_they_are_writing(kind: SendKind) -> None:
    assert decide(strictest(), kind=kind).reason is SendReason.ANSWERS_ONLY
    assert decide(AGREED, kind=kind).reason is SendReason.OUTSIDE_HOURS
    assert decide(parse_safe_contact("any"), kind=kind).reason is SendReason.UNASKED_AGREED


@pytest.mark.parametrize("channel", Channel)
def test_whoever_writes_of_danger_gets_the_safety_line_whatever_the_plan(channel: Channel) -> None:
    for plan in (SafeContactPlan(), strictest(), AGREED, parse_safe_contact("any")):
        decision = decide(plan, kind=SendKind.SAFETY_LINE, channel=channel)

        assert decision == SendDecision(allowed=True, reason=SendReason.SAFETY_LINE)


@pytest.mark.parametrize(
    "changes",
    [{"live_until": NOON}, {"is_same_contact_point": False}],
    ids=["too late", "to another phone"],
)
def test_a_safety_line_that_answers_nobody_is_held_to_the_plan(changes: dict[str, Any]) -> None:
    decision = decide(SafeContactPlan(), kind=SendKind.SAFETY_LINE, **changes)

    assert decision == SendDecision(allowed=False, reason=SendReason.NOTHING_IN_WRITING)


@pytest.mark.parametrize("kind", sorted(set(SendKind) - {SendKind.SAFETY_LINE}))
def test_where_nothing_is_written_nothing_else_is(kind: SendKind) -> None:
    decision = decide(parse_safe_contact("none"), kind=kind)

    assert decision == SendDecision(allowed=False, reason=SendReason.NOTHING_IN_WRITING)


@pytest.mark.parametrize("kind", SendKind)
def test_what_must_wait_says_until_when(kind: SendKind) -> None:
    decision = decide(AGREED, kind=kind, live_until=None)

    opens_at = datetime(2026, 1, 5, 18, 0, tzinfo=UTC)
    assert decision == SendDecision(allowed=False, reason=SendReason.OUTSIDE_HOURS, allowed_from=opens_at)
    later = decide(AGREED, kind=kind, live_until=None, at=opens_at)
    assert later == SendDecision(allowed=True, reason=SendReason.UNASKED_AGREED)


def test_a_channel_that_was_not_agreed_stays_silent_at_every_hour() -> None:
    decision = decide(AGREED, channel=Channel.WHATSAPP, live_until=None)

    assert decision == SendDecision(allowed=False, reason=SendReason.CHANNEL_NOT_AGREED)


def test_what_may_go_unasked_may_go_as_an_answer() -> None:
    plan = SafeContactPlan(unasked_channels=frozenset({Channel.SMS}), is_unsolicited_agreed=True)

    assert decide(plan).reason is SendReason.UNASKED_AGREED
    assert decide(plan, channel=Channel.TELEGRAM).reason is SendReason.CHANNEL_NOT_AGREED


def test_the_live_window_is_a_quarter_of_an_hour_after_their_last_message() -> None:
    assert find_live_until(NOON) == NOON + timedelta(minutes=15)
    assert find_live_until(NOON, minutes=40) == NOON + timedelta(minutes=40)
    assert find_live_until(None) is None


def test_every_reason_and_kind_has_the_id_that_templates_and_rows_use() -> None:
    assert [reason.value for reason in SendReason] == [
        "safety_line",
        "answers_a_message",
        "unasked_agreed",
        "nothing_in_writing",
        "answers_only",
        "channel_not_agreed",
        "outside_hours",
        "asked_to_stop",
        "provider_refuses",
        "left",
        "not_understood",
    ]
    assert [kind.value for kind in SendKind] == [
        "assistant_reply",
        "safety_line",
        "one_time_code",
        "staff_reply",
        "canned_text",
        "case_update",
        "invite",
        "broadcast",
        "correction",
    ]
    assert [wording.value for wording in Wording] == ["neutral", "plain"]
