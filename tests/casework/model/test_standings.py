from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casework.model.messages import Channel
from casework.model.standings import ProofMethod, Standing, effective_standing

UNKNOWN, LINKED, STEPPED_UP, OFFICER_CONFIRMED = Standing
NOW = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PHONES = [Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM, Channel.EMAIL]
METHOD_OF = {LINKED: "code", STEPPED_UP: "pin", OFFICER_CONFIRMED: "call_back"}


def ago(**amount: float) -> datetime:
    return NOW - timedelta(**amount)


def now_worth(standing: Standing, **changes: Any) -> Standing:
    """By default: proved a second ago on the web, with a contact confirmed at the same time."""
    facts: dict[str, Any] = {
        "method": METHOD_OF.get(standing, "code"),
        "proved_at": ago(seconds=1),
        "last_used_at": None,
        "contact_confirmed_at": ago(seconds=1),
        "now": NOW,
        "channel": Channel.WEBCHAT,
    }
    return effective_standing(standing, **facts | changes)


def test_standings_and_methods_are_kept_under_these_values() -> None:
    assert [(each.name, each.value) for each in Standing] == [
        ("UNKNOWN", 0),
        ("LINKED", 1),
        ("STEPPED_UP", 2),
        ("OFFICER_CONFIRMED", 3),
    ]
    assert [each.value for each in ProofMethod] == ["code", "invite", "pin", "passkey", "totp", "call_back"]


@pytest.mark.parametrize("standing", Standing)
def test_a_fresh_proof_is_worth_what_was_proved_on_the_web(standing: Standing) -> None:
    assert now_worth(standing) is standing


@pytest.mark.parametrize("channel", PHONES)
@pytest.mark.parametrize("standing", Standing)
def test_on_a_lock_screen_it_is_never_worth_more_than_a_link(standing: Standing, channel: Channel) -> None:
    assert now_worth(standing, channel=channel) is min(standing, LINKED)


@pytest.mark.parametrize(
    ("method", "highest"),
    [
        ("code", LINKED),
        ("invite", LINKED),
        ("pin", STEPPED_UP),
        ("passkey", STEPPED_UP),
        ("totp", STEPPED_UP),
        ("call_back", OFFICER_CONFIRMED),
        ("date_of_birth", UNKNOWN),
        ("", UNKNOWN),
    ],
)
@pytest.mark.parametrize("standing", Standing)
def test_no_standing_is_worth_more_than_its_proof(standing: Standing, method: str, highest: Standing) -> None:
    assert now_worth(standing, method=method) is min(standing, highest)


# Lasts up to the limit, not at it: a second before is the last good second.
LIMITS = [
    (LINKED, "proved_at", timedelta(days=30), UNKNOWN),
    (LINKED, "last_used_at", timedelta(hours=24), UNKNOWN),
    (STEPPED_UP, "proved_at", timedelta(hours=12), LINKED),
    (STEPPED_UP, "last_used_at", timedelta(minutes=30), LINKED),
    (STEPPED_UP, "contact_confirmed_at", timedelta(days=90), UNKNOWN),
    (OFFICER_CONFIRMED, "proved_at", timedelta(hours=1), LINKED),
    (OFFICER_CONFIRMED, "last_used_at", timedelta(minutes=30), LINKED),
]


@pytest.mark.parametrize(("standing", "clock", "lasts", "after"), LIMITS)
@pytest.mark.parametrize("beyond", [-SECOND, timedelta(0), SECOND])
def test_a_standing_ends_to_the_second(
    standing: Standing, clock: str, lasts: timedelta, after: Standing, beyond: timedelta
) -> None:
    changes = {clock: NOW - lasts - beyond}
    if clock == "proved_at":
        changes["last_used_at"] = ago(seconds=1)
    if clock == "last_used_at":
        changes["proved_at"] = changes["last_used_at"]

    assert now_worth(standing, **changes) is (standing if beyond < timedelta(0) else after)


@pytest.mark.parametrize("channel", PHONES)
@pytest.mark.parametrize(
    ("changes", "worth"),
    [
        ({"proved_at": ago(days=29), "last_used_at": ago(hours=23)}, LINKED),
        ({"proved_at": ago(days=29), "last_used_at": ago(hours=24)}, UNKNOWN),
        ({"proved_at": ago(days=30), "last_used_at": ago(hours=23)}, UNKNOWN),
    ],
)
def test_a_link_ends_on_a_phone_as_on_the_web(
    changes: dict[str, datetime], worth: Standing, channel: Channel
) -> None:
    assert now_worth(LINKED, **changes, channel=channel) is worth
    assert now_worth(LINKED, **changes) is worth


@pytest.mark.parametrize("standing", [STEPPED_UP, OFFICER_CONFIRMED])
def test_a_higher_standing_ends_with_the_link_under_it(standing: Standing) -> None:
    for changes in (
        {"proved_at": ago(days=30), "last_used_at": ago(minutes=1)},
        {"proved_at": ago(days=2), "last_used_at": ago(hours=24)},
    ):
        assert now_worth(standing, **changes) is UNKNOWN
    assert now_worth(standing, proved_at=ago(days=2), last_used_at=ago(hours=23)) is LINKED


def test_idle_is_counted_from_the_proof_or_the_last_use_whichever_is_later() -> None:
    assert now_worth(LINKED, proved_at=ago(hours=1), last_used_at=ago(days=3)) is LINKED
    assert now_worth(LINKED, proved_at=ago(days=3), last_used_at=ago(hours=1)) is LINKED
    assert now_worth(LINKED, proved_at=ago(days=3), last_used_at=None) is UNKNOWN


@pytest.mark.parametrize("method", ["code", "invite", "call_back"])
def test_a_proof_that_reached_the_contact_confirms_it(method: str) -> None:
    for confirmed_at in (None, ago(days=91)):
        assert now_worth(LINKED, method=method, contact_confirmed_at=confirmed_at) is LINKED


@pytest.mark.parametrize("method", ["pin", "passkey", "totp"])
def test_a_proof_that_never_reached_the_contact_does_not(method: str) -> None:
    for confirmed_at in (None, ago(days=90)):
        assert now_worth(STEPPED_UP, method=method, contact_confirmed_at=confirmed_at) is UNKNOWN
    assert now_worth(STEPPED_UP, method=method, contact_confirmed_at=ago(days=89)) is STEPPED_UP


@pytest.mark.parametrize("clock", ["proved_at", "last_used_at", "contact_confirmed_at"])
def test_two_machines_clocks_may_differ_by_a_minute_and_no_more(clock: str) -> None:
    assert now_worth(STEPPED_UP, **{clock: NOW + timedelta(minutes=1)}) is STEPPED_UP
    assert now_worth(STEPPED_UP, **{clock: NOW + timedelta(minutes=1) + SECOND}) is UNKNOWN
