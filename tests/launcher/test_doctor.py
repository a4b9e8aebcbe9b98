"""`./waymark doctor` and the provider: read from a sandbox that runs as a process of its own."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.sandbox.settings import MESSAGING_SERVICE_SID
from launcher.doctor.findings import Examined
from launcher.doctor.outside import check_provider
from tests.channels.provider_stand_ins import ACCOUNT_SID, SERVICE, TOKEN
from tests.support.running import ROOT

PUBLIC_URL = "https://messages.example.org"
SPOOL_URL = "https://fallback.example.org"
MESSAGE = "/webhooks/twilio/message"


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A provider's address; the settings of this process are those of somebody who has an account there."""
    environ = os.environ | {"TWILIO_AUTH_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "channels.sandbox",
        "--account-sid",
        ACCOUNT_SID,
        "--data-dir",
        str(tmp_path),
    ]
    with subprocess.Popen(
        [*command, "--service-number", SERVICE], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = str(json.loads(process.stdout.readline())["sandbox"])
        for name, value in {
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "WAYMARK_TWILIO_API_URL": url,
            "WAYMARK_PUBLIC_URL": PUBLIC_URL,
            "WAYMARK_SPOOL_URL": SPOOL_URL,
            "WAYMARK_SMS_FROM": MESSAGING_SERVICE_SID,
        }.items():
            monkeypatch.setenv(name, value)
        yield url
        process.terminate()


def set_there(url: str, **settings: object) -> None:
    request = urllib.request.Request(f"{url}/sandbox/settings", json.dumps(settings).encode())
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_a_messaging_service_without_an_inbound_address_is_to_fix_until_it_has_one(
    provider: str, tmp_path: Path
) -> None:
    """Red when the doctor believes our own settings and asks nobody."""
    set_there(provider, uses_service=True, inbound_request_url=None, fallback_url=SPOOL_URL + MESSAGE)
    before = list(check_provider(Examined(root=ROOT, data_dir=tmp_path)))
    set_there(provider, inbound_request_url=f"{PUBLIC_URL}{MESSAGE}#rc=5&rp=all")
    after = list(check_provider(Examined(root=ROOT, data_dir=tmp_path)))

    assert [(each.what, each.is_well) for each in before] == [
        ("Twilio: webhook", False),
        ("Twilio: fallback", True),
        ("Twilio: news of delivery", True),
    ]
    assert "inbound_request_url is not set" in before[0].detail
    assert all(each.is_well for each in after)


def test_a_provider_that_does_not_answer_is_to_fix(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_TWILIO_API_URL", "http://127.0.0.1:1")

    [found] = check_provider(Examined(root=ROOT, data_dir=tmp_path))

    assert (found.what, found.is_well) == ("provider", False)


def test_a_sandbox_that_does_not_run_is_well_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWILIO_ACCOUNT_SID", raising=False)

    [found] = check_provider(Examined(root=ROOT, data_dir=tmp_path))

    assert found.is_well and "not running" in found.detail


def test_a_sandbox_that_runs_is_read_where_it_runs(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when the doctor asks at the address a new start would choose."""
    for name in ("TWILIO_ACCOUNT_SID", "WAYMARK_SMS_FROM", "WAYMARK_TWILIO_API_URL"):
        monkeypatch.delenv(name)
    (tmp_path / "keys").mkdir()
    keys = {"sandbox_account_sid": ACCOUNT_SID, "sandbox_auth_token": TOKEN}
    (tmp_path / "keys" / "local.json").write_text(json.dumps(keys))
    addresses = {"public": PUBLIC_URL, "sandbox": provider, "spool": SPOOL_URL}
    (tmp_path / "run.json").write_text(json.dumps({"addresses": addresses}))

    found = list(check_provider(Examined(root=ROOT, data_dir=tmp_path)))

    assert found
    assert [each.detail for each in found if each.what == "provider"] == []
