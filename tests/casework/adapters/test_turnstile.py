"""Who writes next to a shared SQLite file: the gateway before everybody else, and nobody waits for long."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.storage import turnstile
from casework.adapters.storage.turnstile import FirstTurnstile, LaterTurnstile, Turnstile, find_turnstile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waymark.db.first"


def passes(later: Turnstile) -> threading.Event:
    """Set once a write of another process may begin."""
    passed = threading.Event()

    def go() -> None:
        with later.passing():
            passed.set()

    threading.Thread(target=go, daemon=True).start()
    return passed


def test_nobody_waits_while_the_gateway_has_nothing_to_write(path: Path) -> None:
    first = FirstTurnstile(path)
    assert passes(LaterTurnstile(path)).wait(20)
    first.close()


def test_others_let_the_gateway_pass_and_go_on_when_it_is_done(path: Path) -> None:
    """Red when the gateway shows nothing, or a second write of its own ends what the first shows."""
    first = FirstTurnstile(path)
    later = LaterTurnstile(path, longest_wait_seconds=3600)
    with first.waiting():
        with first.waiting():
            pass
        passed = passes(later)
        assert not passed.wait(0.3)
    assert passed.wait(20)
    first.close()


def test_nobody_waits_for_ever(path: Path) -> None:
    """Red when a gateway that is never done keeps a safety line from leaving."""
    first = FirstTurnstile(path)
    with first.waiting():
        assert passes(LaterTurnstile(path, longest_wait_seconds=0.1)).wait(20)
    first.close()


def test_somebody_who_looks_at_that_moment_does_not_stop_the_gateway(path: Path) -> None:
    """Red when the gateway waits for a lock that a paused worker holds."""
    import fcntl

    first = FirstTurnstile(path)
    with path.open("rb+") as paused:
        fcntl.flock(paused, fcntl.LOCK_EX)
        with first.waiting():
            pass
    first.close()


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    assert passes(LaterTurnstile(tmp_path / "gone" / "waymark.db.first")).wait(20)


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite://"])
def test_a_database_without_a_file_needs_none(url: str) -> None:
    assert type(find_turnstile(sa.create_engine(url), goes_first=True)) is turnstile.Turnstile
