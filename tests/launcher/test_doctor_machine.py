"""The doctor on a machine: settings, sockets, limits and dates made wrong for real, each told with its remedy.

Red when: any condition of a check is turned round or taken out.
"""

import json
import os
import resource
import socket
import sys
import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from launcher.doctor import addresses, calendars, files, here, secrets
from launcher.doctor.findings import Examined
from launcher.doctor.run import CHECKS, examine, run_doctor
from launcher.training import fingerprint, model_path
from tests.launcher.doctoring import all_well, examined, look, wrong
from tests.support.models import make_stand_in_root

__all__ = ["examined"]
# What runs out in years must not make a test red in years.
NOVEMBER = datetime(2026, 11, 23, 12, tzinfo=UTC)


# --- addresses and ports ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:8080", "loopback"),
        ("https://localhost", "loopback"),
        ("http://messages.example.org", "https://"),
        ("https://messages.example.org/waymark", "goes on after the host"),
        ("https://messages.example.org?x=1", "goes on after the host"),
        ("https://messages.example.org:443", "port 443"),
        ("https://user:word@messages.example.org", "a user or a password"),
    ],
)
@pytest.mark.parametrize(
    ("check", "what", "name"),
    [
        (addresses.check_public_address, "public address", "WAYMARK_PUBLIC_URL"),
        (addresses.check_spool_address, "spool's address", "WAYMARK_SPOOL_URL"),
        (addresses.check_desk_address, "desk's address", "WAYMARK_CONSOLE_URL"),
    ],
)
def test_an_address_that_nobody_reaches_or_signs_is_told(
    examined: Examined,
    monkeypatch: pytest.MonkeyPatch,
    check: object,
    what: str,
    name: str,
    url: str,
    said: str,
) -> None:
    assert all_well(examined, check)  # type: ignore[arg-type]
    monkeypatch.setenv(name, url)

    detail = wrong(examined, check, what)  # type: ignore[arg-type]

    assert said in detail and name in detail
    assert "word@" not in detail


def test_a_spool_at_the_gateways_own_door_or_none_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_SPOOL_URL", "https://messages.example.org")
    assert "the gateway's own host and port" in wrong(
        examined, addresses.check_spool_address, "spool's address"
    )
    monkeypatch.delenv("WAYMARK_SPOOL_URL")
    assert "is not set" in wrong(examined, addresses.check_spool_address, "spool's address")


def test_a_private_listener_on_the_internet_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    for well in ("127.0.0.1", "0.0.0.0", "10.1.2.3", "actions.example.org"):
        monkeypatch.setenv("WAYMARK_PRIVATE_HOST", well)
        assert all_well(examined, addresses.check_private_address)
    monkeypatch.setenv("WAYMARK_PRIVATE_HOST", "8.8.8.8")

    assert "loopback" in wrong(examined, addresses.check_private_address, "private listener's address")


def test_a_port_that_another_program_has_is_told(examined: Examined) -> None:
    assert all_well(examined, addresses.check_ports)
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(os.environ["WAYMARK_CONSOLE_PORT"])))

        assert "in use by another program" in wrong(examined, addresses.check_ports, "port of the desk")


# --- limits, time and dates ---------------------------------------------------------------------


def test_too_few_open_files_are_told(examined: Examined) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert "256 a process" in wrong(examined, here.check_open_files, "open files")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(each.is_well for each in here.check_open_files(examined, fewest=1))


def test_a_machine_without_time_zones_is_told(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_well(examined, here.check_time_zones)
    before = zoneinfo.TZPATH
    monkeypatch.setitem(sys.modules, "tzdata", None)
    try:
        zoneinfo.reset_tzpath(to=())
        assert "tzdata" in wrong(examined, here.check_time_zones, "time zones")
    finally:
        zoneinfo.reset_tzpath(to=before)


def test_what_runs_out_is_told_before_it_does(examined: Examined) -> None:
    years_later = replace(examined, now=lambda: datetime(2028, 12, 1, tzinfo=UTC))

    assert all_well(replace(examined, now=lambda: NOVEMBER), calendars.check_bank_holidays)
    assert "GOV.UK" in wrong(years_later, calendars.check_bank_holidays, "bank holidays")
    assert "was to be looked at" in wrong(years_later, calendars.check_staffed_hours, "staffed hours")
    late = look(years_later, calendars.check_review_dates)
    assert "past their review date" in late["texts in safety_lines.toml"].detail
    assert not late["texts in staffed_hours.toml"].is_well


def test_a_bank_holiday_the_desk_said_nothing_of_is_told(
    examined: Examined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_november = replace(examined, now=lambda: NOVEMBER)
    assert all_well(in_november, calendars.check_staffed_hours)
    own = tmp_path / "hours.toml"
    own.write_text(
        'source = "our own"\nreview_by = 2027-05-21\nweek = [{ days = [1], from = 08:00:00, to = 18:00:00 }]\n'
        "exceptions = [{ day = 2026-12-25, open = [] }]\n"
    )
    monkeypatch.setenv("WAYMARK_STAFFED_HOURS_FILE", str(own))

    assert "the bank holiday 2026-12-28" in wrong(in_november, calendars.check_staffed_hours, "staffed hours")


# --- the tree, and the whole --------------------------------------------------------------------


def test_packages_and_model_of_a_fresh_tree_are_told(examined: Examined, tmp_path: Path) -> None:
    fresh = replace(examined, root=make_stand_in_root(tmp_path / "tree"))
    for lock in (fresh.root / "requirements.lock", fresh.root / "bot" / "requirements.lock"):
        lock.write_text("")

    assert "./waymark train" in wrong(fresh, here.check_model, "assistant's model")
    found = look(fresh, here.check_environments)
    assert all("./waymark up installs it" in each.detail for each in found.values())
    model = model_path(fresh.root, fingerprint(fresh.root))
    model.write_bytes(b"")
    model.with_name(model.name.removesuffix(".tar.gz") + ".json").write_text(
        '{"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}'
    )
    assert all_well(fresh, here.check_model)


@pytest.mark.parametrize(("wanted", "said"), [("off", "is off"), ("as-far-as-it-goes", "=required")])
def test_containment_that_is_off_or_asks_too_little_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch, wanted: str, said: str
) -> None:
    monkeypatch.setenv("WAYMARK_CONTAINMENT", wanted)

    found = look(examined, here.check_containment)["containment of Rasa"]

    assert not found.is_well and said in found.detail


def test_heads_of_the_audit_that_stay_inside_are_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all_well(examined, here.check_audit_anchors)
    monkeypatch.delenv("WAYMARK_AUDIT_ANCHORS")

    assert "WAYMARK_AUDIT_ANCHORS" in wrong(examined, here.check_audit_anchors, "signed heads of the audit")


def test_a_launcher_that_was_killed_is_told(examined: Examined) -> None:
    assert all_well(examined, here.check_running)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        (examined.data_dir / "run.json").write_text(json.dumps({"launcher": 2**22 + 1, "addresses": {}}))

    assert "killed" in wrong(examined, here.check_running, "processes")


def test_a_setting_that_is_wrong_is_told_once_and_not_by_every_check(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_TURN_SECRET", "short")
    checks = (here.check_settings, secrets.check_tokens, files.check_spool_folder, addresses.check_ports)

    [found] = examine(examined, checks)

    assert (found.what, found.is_well) == ("settings", False)
    assert "WAYMARK_TURN_SECRET has 5 characters" in found.detail


def test_a_check_that_could_not_look_says_so_and_the_others_go_on(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_DATABASE_URL", "postgresql://waymark:a-password@127.0.0.1:1/waymark")

    found = examine(examined, tuple(each for each in CHECKS if each.__module__.endswith("databases")))

    assert {each.what for each in found if not each.is_well} >= {"could not look: migrations"}
    assert "a-password" not in str(found)


QUICK = tuple(
    each
    for each in CHECKS
    if each.__module__.rpartition(".")[2] in ("addresses", "calendars", "databases", "files", "secrets")
)


def test_where_all_is_well_everything_is_said_to_be(examined: Examined) -> None:
    """Red when: a check finds fault with what the documents ask for. Packages and Rasa are looked at above."""
    in_november = replace(examined, now=lambda: NOVEMBER)

    found = examine(in_november, QUICK)

    assert [each for each in found if not each.is_well] == []
    assert len(found) >= 25


def test_the_findings_can_be_read_by_a_program(
    examined: Examined, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> tuple[int, list[dict[str, object]]]:
        checks = (secrets.check_sandbox, secrets.check_reuse)
        code = run_doctor(examined.root, examined.data_dir, as_json=True, checks=checks)
        return code, json.loads(capsys.readouterr().out)

    assert [(each["what"], each["well"]) for each in run()[1]] == [
        ("sandbox", True),
        ("secrets used twice", True),
    ]
    monkeypatch.setenv("WAYMARK_SANDBOX", "1")
    code, found = run()
    assert (code, found[0].keys(), found[0]["well"]) == (1, {"what", "well", "detail"}, False)


def test_every_check_is_made_wrong_by_a_test() -> None:
    """Red when: a check is added and nobody sees what it says."""
    written = "\n".join(path.read_text() for path in sorted(Path(__file__).parent.glob("test_*.py")))

    assert [each.__name__ for each in CHECKS if each.__name__ not in written] == []
