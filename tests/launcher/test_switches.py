"""`./waymark assistant` and `./waymark trial`: by somebody whose role it is.

Red when: a role that may not switches, or `status` gives 0 while it is off.
"""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.transaction import SqlTransaction
from casework.bootstrap import build_service
from casework.model.errors import SignInRefused
from casework.services.kill_switch import SwitchRefused
from casework.services.trials import TrialRefused
from launcher.identities import NotTheirs
from launcher.switches import run_assistant, run_trial
from tests.console.desk_site import desk_environ
from tests.support.clock import SetClock


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> Iterator[Service]:
    made = build_service(Settings.from_env(desk_environ(tmp_path, sqlite_template)), clock=clock)
    made.database.write_now(_add_staff)
    yield made
    made.database.close()


def _add_staff(tx: SqlTransaction) -> None:
    for login, role in (("alex", "supervisor"), ("sam", "investigator"), ("adam", "admin")):
        tx.staff.add(login=login, display_name=f"{login.title()} Test", role=role, password_hash="x")


def given(act: str, by: str | None = None, **more: Any) -> Namespace:
    return Namespace(
        **(
            {"act": act, "by": by, "reason": None, "channel": None, "who": None, "password_stdin": False}
            | more
        )
    )


def test_off_says_why_and_since_when_until_it_is_on(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_assistant(service, given("status")) == 0
    assert run_assistant(service, given("off", "alex", reason="It says odd things", channel="sms")) == 0
    assert run_assistant(service, given("status")) == 1
    assert "OFF on sms since 21 Nov 12:00 UTC, by Alex Test: It says odd things" in capsys.readouterr().out

    assert run_assistant(service, given("on", "adam")) == 0
    assert run_assistant(service, given("status")) == 0


def test_without_a_reason_or_the_role_nothing_is_switched(service: Service) -> None:
    with pytest.raises(SwitchRefused):
        run_assistant(service, given("off", "alex"))
    with pytest.raises(NotTheirs):
        run_assistant(service, given("off", "sam", reason="I would like to"))
    with pytest.raises(SignInRefused, match="--by"):
        run_assistant(service, given("off", reason="I would like to"))

    assert run_assistant(service, given("status")) == 0


def test_a_trial_is_begun_filled_listed_and_ended(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    run_trial(service, given("on", "adam"))
    run_trial(service, given("add", "adam", who="07700 900001"))
    run_trial(service, given("add", "adam", who="4326"))
    assert run_trial(service, given("remove", "adam", who="4326")) == 0
    assert run_trial(service, given("remove", "adam", who="4326")) == 1
    capsys.readouterr()

    run_trial(service, given("list", "adam"))
    listed = capsys.readouterr().out
    run_trial(service, given("off", "adam"))

    assert listed.splitlines() == [
        "A trial goes on: the assistant answers these alone.",
        "+447700900001",
    ]
    assert service.database.read_now(lambda tx: tx.trials.find_current()) is None


def test_a_trial_is_an_administrators(service: Service) -> None:
    with pytest.raises(NotTheirs):
        run_trial(service, given("on", "alex"))
    with pytest.raises(TrialRefused):
        run_trial(service, given("add", "adam"))
