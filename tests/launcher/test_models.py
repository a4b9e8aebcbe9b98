"""`./waymark models`, `promote` and `rollback`, over a database."""

import io
import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from casework.adapters.model_signing import load_public_key, load_signing_key, paper_path, read_signed
from casework.adapters.passwords import ArgonPasswords
from casework.adapters.service import Service
from casework.model.errors import SignInRefused
from casework.model.model_papers import read_paper
from casework.model.release_gates import GateLimits, GateReport, Measured, load_gate_limits
from casework.services import model_releases
from casework.services.shadows import ShadowRunning, ShadowUnfit
from launcher.identities import NotTheirs
from launcher.models import run_models, run_promote, run_rollback, run_shadow
from tests.support.databases import copy_sqlite
from tests.support.models import a_birth, a_paper, add_comparison, sign
from tests.support.services import build_service_in

PASSWORD = "a password of a test"


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path) -> Iterator[Service]:
    url = copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    built = build_service_in(tmp_path, WAYMARK_DATABASE_URL=url, WAYMARK_SANDBOX="1")
    for login, role in (("toni", "trainer"), ("alex", "supervisor"), ("sam", "investigator")):
        add(built, login, role)
    record(built)
    yield built
    built.database.close()


def add(service: Service, login: str, role: str) -> None:
    service.database.write_now(
        lambda tx: tx.staff.add(login=login, display_name=login, role=role, password_hash=hash_once())
    )


@cache
def hash_once() -> str:
    return ArgonPasswords().hash(PASSWORD)


def passing(limits: GateLimits) -> GateReport:
    """Numbers that pass the packaged gates."""
    measured = []
    for limit in limits.gates:
        for of in limit.of or ("one",):
            hits, value = (None, 100.0) if limit.gate == "p95" else (0 if limit.is_fault else 500, None)
            measured.append(
                Measured(
                    gate=limit.gate,
                    of=of,
                    hits=hits,
                    n=500,
                    value=value,
                    was_hits=hits,
                    was_value=value,
                    newly_right=0,
                    newly_wrong=0,
                )
            )
    return GateReport(model_id="new1", against="old1", sets={}, measured=tuple(measured), made_at="")


def record(service: Service) -> None:
    """`old1` is live, `new1` has passed its gates."""
    limits, key = load_gate_limits(), load_signing_key(service.settings.data_dir)
    report = passing(limits)
    candidate = a_paper(a_birth("new1"), kind="candidate", report=report, approved_by=None)

    def write(tx: object) -> None:
        model_releases.found(tx, a_birth("old1"), file="old1.tar.gz", paper="founding paper")  # type: ignore[arg-type]
        model_releases.record_trained(tx, a_birth("new1"), file="new1.tar.gz", by="toni")  # type: ignore[arg-type]
        model_releases.record_report(tx, report, limits=limits, paper=sign(candidate, key), by="toni")  # type: ignore[arg-type]
        add_comparison(tx, "new1")

    service.database.write_now(write)


def given(by: str = "", **values: object) -> Namespace:
    return Namespace(
        **{"by": by, "model": "new", "json": False, "reason": "", "password_stdin": True} | values
    )


def live(service: Service) -> str | None:
    return service.database.read_now(lambda tx: tx.model_releases.find_live())


def test_a_trainer_proposes_a_supervisor_releases_and_the_paper_names_both(service: Service) -> None:
    assert run_promote(service, given("toni")) == 0
    assert live(service) == "old1"
    with pytest.raises(NotTheirs):
        run_promote(service, given("toni"))
    assert run_promote(service, given("alex")) == 0

    assert live(service) == "new1"
    data_dir = service.settings.data_dir
    paper = read_paper(
        read_signed(paper_path(data_dir, "new1").read_text().strip(), load_public_key(data_dir))
    )
    names = [
        service.database.read_now(lambda tx, n=n: tx.staff.get(n).login)
        for n in (paper.proposed_by, paper.approved_by)
    ]
    assert (paper.kind, names) == ("promotion", ["toni", "alex"])


@pytest.mark.parametrize("login", ["alex", "sam"])
def test_who_does_not_train_does_not_propose(service: Service, login: str) -> None:
    with pytest.raises(NotTheirs):
        run_promote(service, given(login))


def test_one_person_goes_back_with_a_reason(service: Service) -> None:
    for login in ("toni", "alex"):
        run_promote(service, given(login))
    with pytest.raises(NotTheirs):
        run_rollback(service, given("sam", reason="it misses danger"))
    assert run_rollback(service, given("toni", reason="it misses danger")) == 0

    assert live(service) == "old1"


def test_outside_a_sandbox_the_password_is_asked_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when: a login alone is believed where the messages are real."""
    real = replace(service, settings=replace(service.settings, is_sandbox=False))
    for login, typed in (("toni", "wrong"), ("nobody", PASSWORD), ("toni", "")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        with pytest.raises(SignInRefused):
            run_promote(real, given(login))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert run_promote(real, given("toni")) == 0


@pytest.mark.parametrize("asked", ["", "w", "zzz"])
def test_a_model_is_named_by_what_only_its_id_begins_with(service: Service, asked: str) -> None:
    with pytest.raises(model_releases.ModelNotFound):
        run_promote(service, given("toni", model=asked))


def test_the_list_says_which_one_is_live_and_which_was_never_judged(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    run_promote(service, given("toni"))
    capsys.readouterr()
    run_models(service, given(json=True))
    found = {each["model"]: each for each in json.loads(capsys.readouterr().out)}
    assert (found["old1"]["is_live"], found["old1"]["is_measured"]) == (True, False)
    assert (found["new1"]["is_live"], found["new1"]["status"]) == (False, "candidate")

    run_models(service, given())
    said = capsys.readouterr().out
    assert "LIVE" in said
    assert "founding, not judged" in said
    assert "waits for a second person" in said


def test_a_trainer_asks_a_candidate_beside_the_live_model_and_stops_it(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ShadowUnfit):
        run_shadow(service, given("toni", hours=337, stop=False))
    assert run_shadow(service, given("toni", hours=5, stop=False)) == 0
    assert "for 5 hours" in capsys.readouterr().out
    with pytest.raises(ShadowRunning):
        run_shadow(service, given("toni", hours=5, stop=False))
    with pytest.raises(NotTheirs):
        run_shadow(service, given("alex", hours=5, stop=True))
    assert [run_shadow(service, given("toni", hours=5, stop=True)) for _ in range(2)] == [0, 1]
