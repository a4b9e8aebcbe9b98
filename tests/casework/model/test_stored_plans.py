import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.model.contact_hours import ContactWindow
from casework.model.messages import Channel
from casework.model.safe_contact import (
    SafeContactPlan,
    Wording,
    may_reply,
    may_send_unasked,
    parse_safe_contact,
    strictest,
)
from casework.model.stored_plans import parse_plan, write_plan

SAFE, DURESS = "$argon2id$v=19$safe", "$argon2id$v=19$duress"
AGREED = SafeContactPlan(
    unasked_channels=frozenset({Channel.SMS, Channel.TELEGRAM}),
    answered_channels=frozenset({Channel.WEBCHAT, Channel.SMS}),
    hours=(
        ContactWindow(weekday=0, start_minute=545, end_minute=720),
        ContactWindow(weekday=6, start_minute=1320, end_minute=60),
        ContactWindow(weekday=3, start_minute=0, end_minute=1440),
    ),
    wording=Wording.PLAIN,
    is_unsolicited_agreed=True,
    may_leave_voicemail=True,
    is_safe_first=False,
    who_may_be_present="her sister, not her brother",
    safe_word_hash=SAFE,
    duress_phrase_hash=DURESS,
)
WRITTEN: dict[str, Any] = {
    "version": 1,
    "unasked_channels": ["sms", "telegram"],
    "answered_channels": ["sms", "webchat"],
    "hours": [
        {"weekday": "monday", "from": "09:05", "until": "12:00"},
        {"weekday": "sunday", "from": "22:00", "until": "01:00"},
        {"weekday": "thursday", "from": "00:00", "until": "24:00"},
    ],
    "wording": "plain",
    "is_unsolicited_agreed": True,
    "may_leave_voicemail": True,
    "is_safe_first": False,
    "who_may_be_present": "her sister, not her brother",
    "safe_word_hash": SAFE,
    "duress_phrase_hash": DURESS,
}
PROTECTED = SafeContactPlan(
    answered_channels=AGREED.answered_channels,
    who_may_be_present=AGREED.who_may_be_present,
    safe_word_hash=SAFE,
    duress_phrase_hash=DURESS,
)
STRICT_FIELDS = {
    "answered_channels": frozenset(),
    "who_may_be_present": "",
    "safe_word_hash": None,
    "duress_phrase_hash": None,
}

ONE_VALUE = [name for name, value in WRITTEN.items() if not isinstance(value, list)]
TEXTS = st.text(max_size=6)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.floats(), TEXTS, st.sampled_from([*Channel])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(TEXTS, st.sampled_from([*WRITTEN])), inner)
    ),
    max_leaves=8,
)
WINDOWS = st.builds(
    lambda weekday, start, length: ContactWindow(
        weekday=weekday, start_minute=start, end_minute=(start + length) % 1440
    ),
    st.integers(0, 6),
    st.integers(0, 1439),
    st.integers(1, 1439),
)
PLANS = st.builds(
    SafeContactPlan,
    unasked_channels=st.frozensets(st.sampled_from(Channel)),
    answered_channels=st.frozensets(st.sampled_from(Channel)),
    hours=st.lists(WINDOWS, max_size=3).map(tuple),
    wording=st.sampled_from(Wording),
    is_unsolicited_agreed=st.booleans(),
    may_leave_voicemail=st.booleans(),
    is_safe_first=st.booleans(),
    who_may_be_present=st.text(max_size=9),
    safe_word_hash=st.sampled_from([None, SAFE]),
    duress_phrase_hash=st.sampled_from([None, DURESS]),
)


def test_a_plan_is_kept_as_plain_json_with_a_version() -> None:
    assert json.loads(json.dumps(write_plan(AGREED))) == WRITTEN
    assert parse_plan(WRITTEN) == AGREED


def test_the_days_are_written_out_from_monday_on() -> None:
    week = tuple(ContactWindow(weekday=day, start_minute=0, end_minute=60) for day in range(7))

    written = [window["weekday"] for window in write_plan(SafeContactPlan(hours=week))["hours"]]

    assert " ".join(written) == "monday tuesday wednesday thursday friday saturday sunday"


@given(plan=PLANS)
def test_a_plan_comes_back_as_it_was_written(plan: SafeContactPlan) -> None:
    assert parse_plan(json.loads(json.dumps(write_plan(plan)))) == plan


@pytest.mark.parametrize("plan", [strictest(), SafeContactPlan(), parse_safe_contact("any")])
def test_the_usual_plans_come_back_too(plan: SafeContactPlan) -> None:
    assert parse_plan(write_plan(plan)) == plan


@pytest.mark.parametrize("stored", [None, [], "any", 1, True, [WRITTEN], {}, {"version": 1}])
def test_what_is_no_plan_lets_nothing_leave(stored: object) -> None:
    assert parse_plan(stored) == SafeContactPlan()


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None, [1]])
def test_a_version_nobody_knows_allows_nothing_unasked(version: object) -> None:
    assert parse_plan(WRITTEN | {"version": version}) == PROTECTED


def test_a_plan_without_a_version_allows_nothing_unasked() -> None:
    assert parse_plan({name: value for name, value in WRITTEN.items() if name != "version"}) == PROTECTED


def test_a_key_nobody_knows_may_be_a_limit() -> None:
    assert parse_plan(WRITTEN | {"never_on_bank_holidays": True}) == PROTECTED


@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "version"])
def test_a_key_that_is_missing_is_read_as_the_strictest(name: str) -> None:
    stored = {key: value for key, value in WRITTEN.items() if key != name}

    assert parse_plan(stored) == with_strict(name)


MONDAY = {"weekday": "monday", "from": "09:00", "until": "17:00"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("unasked_channels", value) for value in ("sms", None, ["fax"], [["sms"]], [None], {"sms": True})),
        *(("answered_channels", value) for value in ("sms", None, ["fax"], ["sms", 1], {"sms": True})),
        *(("hours", value) for value in (None, "always", MONDAY, [None], [[]], ["monday"], [{}])),
        *(("hours", [MONDAY | {"weekday": value}]) for value in ("Monday", 0, None, "", ["monday"])),
        *(("hours", [MONDAY | {"from": value}]) for value in ("9:00", "09:60", "24:00", "٠٩:00", 9, None)),
        *(("hours", [MONDAY | {"until": value}]) for value in ("24:01", "09:00", "17:00:00", "17:00\n", "")),
        ("hours", [MONDAY, MONDAY | {"not_on": "2026-01-05"}]),
        ("hours", [{"weekday": "monday", "from": "09:00"}]),
        *(("wording", value) for value in ("blunt", None, "", 1, "PLAIN", ["plain"])),
        *(("is_unsolicited_agreed", value) for value in ("yes", 1, None, "true", [True])),
        *(("may_leave_voicemail", value) for value in ("yes", 1, None)),
        *(("is_safe_first", value) for value in ("no", 0, None)),
        *(("who_may_be_present", value) for value in (None, 1, ["sister"])),
        *(("safe_word_hash", value) for value in ("blue teapot", "", 1, ["$argon2"])),
        *(("duress_phrase_hash", value) for value in ("blue teapot", "", False, {})),
    ],
)
def test_a_value_that_cannot_be_read_is_read_as_the_strictest(name: str, value: object) -> None:
    assert parse_plan(WRITTEN | {name: value}) == with_strict(name)


def with_strict(name: str) -> SafeContactPlan:
    """What protects, without the field that could not be read."""
    kept = {field: getattr(PROTECTED, field) for field in STRICT_FIELDS}
    if name in STRICT_FIELDS:
        kept[name] = STRICT_FIELDS[name]
    return SafeContactPlan(**kept)


@given(stored=JSON)
def test_reading_never_raises(stored: object) -> None:
    assert isinstance(parse_plan(stored), SafeContactPlan)


@given(plan=PLANS, name=st.one_of(TEXTS, st.sampled_from(ONE_VALUE)), junk=JSON)
def test_damage_never_loosens_a_plan(plan: SafeContactPlan, name: str, junk: object) -> None:
    stored = write_plan(plan) | {name: junk}
    damaged = parse_plan(stored)

    if write_plan(damaged) == stored:
        return  # another plan, but a readable one
    for channel in Channel:
        assert not may_send_unasked(damaged, channel)
        assert may_reply(damaged, channel) is may_reply(plan, channel)
