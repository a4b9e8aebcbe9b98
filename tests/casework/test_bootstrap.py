"""The parts as they are wired: the packaged rules, limits and sentences over a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from casework.model.disclosure_screen import UNREADABLE_TIERS, load_disclosure_screen
from tests.console.desk_site import desk_environ
from tests.support.builders import an_sms
from tests.support.clock import SetClock
from tests.support.running import ALWAYS_STAFFED


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> Iterator[Service]:
    built = build_service(Settings.from_env(desk_environ(tmp_path, sqlite_template)), clock=clock)
    yield built
    built.database.close()


def test_a_forces_own_hours_are_those_every_clock_and_promise_counts_in(
    service: Service, tmp_path: Path, sqlite_template: Path, clock: SetClock
) -> None:
    night = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    environ = desk_environ(tmp_path, sqlite_template) | ALWAYS_STAFFED

    own = build_service(Settings.from_env(environ), clock=clock)
    own.database.close()

    assert own.clocks.hours.is_staffed(night)
    assert not service.clocks.hours.is_staffed(night)


def test_every_rule_of_the_screen_has_a_sentence_a_detective_reads(service: Service) -> None:
    rules = [*(f"{rule.category}.{rule.id}" for rule in load_disclosure_screen().rules), *UNREADABLE_TIERS]

    assert [rule for rule in rules if not service.bands.says(rule)] == []


@pytest.mark.parametrize("rule", ["no.such_rule", ""])
def test_a_rule_without_a_sentence_stops_nothing(service: Service, rule: str) -> None:
    assert service.bands.says(rule) == ""


@pytest.mark.parametrize(
    "text", ["he is at the door", "hes choking me", "", "\u043f\u043e\u043c\u043e\u0449\u044c", "x " * 9000]
)
def test_what_is_kept_with_an_item_names_the_words_and_says_what_they_mean(
    service: Service, text: str
) -> None:
    message = an_sms(text, media_count=0 if text else 1)

    received = service.database.write_now(lambda tx: service.receive(tx, message))

    [item] = service.database.read_now(lambda tx: tx.desk.list_queue())
    assert received.is_urgent and item.evidence
    for reason in item.evidence:
        assert reason.inbox_id == received.inbox_id
        assert 0 <= reason.start <= reason.end <= len(text)
        assert reason.says
