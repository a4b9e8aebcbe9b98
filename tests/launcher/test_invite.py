"""`./waymark invite`, run as staff run it, and what the service then does with what it gave."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import create_engine
from casework.adapters.storage.tables import invite, outbox
from casework.model.tokens import hash_token
from tests.launcher.test_command_line import GOOD_ROW, HEADER
from tests.support.running import ROOT, clean_environ

pytestmark = pytest.mark.slow

REFERENCE = "43260991111"
ANY = GOOD_ROW.replace(",,any,", ",alex@example.org,any,")


def waymark(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "launcher", *arguments, "--data-dir", str(data_dir)],
        cwd=ROOT,
        env=clean_environ(WAYMARK_ROOT=str(ROOT), PYTHONPATH=str(ROOT)) | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    import_case(tmp_path, ANY)
    return tmp_path


def import_case(data_dir: Path, row: str) -> None:
    file = data_dir / "cases.csv"
    file.write_text(f"{HEADER}\n{row}\n")
    assert waymark(data_dir, "cases", "import", str(file)).returncode == 0


def rows(data_dir: Path, table: sa.Table) -> list[Any]:
    engine = create_engine(f"sqlite:///{data_dir}/waymark.db")
    with engine.connect() as connection:
        found = list(connection.execute(sa.select(table)).all())
    engine.dispose()
    return found


def test_the_link_is_printed_once_and_only_its_hash_is_kept(data_dir: Path) -> None:
    ran = waymark(data_dir, "invite", "its 4326 0991111 i think")

    link, words = ran.stdout.splitlines()
    [row] = rows(data_dir, invite)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert link.startswith("http://127.0.0.1:8080/i/")
    assert row.token_hash == hash_token(link.rpartition("/")[2])
    assert (row.crime_reference, row.by_way_of, row.issued_by) == (REFERENCE, "link", "command_line")
    assert "not shown again" in words


def test_the_address_is_that_of_the_service_that_runs_here_unless_one_is_set(data_dir: Path) -> None:
    run = {"addresses": {"public": "http://127.0.0.1:9191"}}
    (data_dir / "run.json").write_text(json.dumps(run))

    here = waymark(data_dir, "invite", REFERENCE)
    public = waymark(data_dir, "invite", REFERENCE, WAYMARK_PUBLIC_URL="https://messages.example.org")

    assert here.stdout.startswith("http://127.0.0.1:9191/i/")
    assert public.stdout.startswith("https://messages.example.org/i/")


def test_what_cannot_be_done_is_said_and_takes_no_earlier_invite_back(data_dir: Path) -> None:
    waymark(data_dir, "invite", REFERENCE, "--by-way-of", "telegram", WAYMARK_TELEGRAM_NAME="example_bot")
    wrong = {
        ("43260990099",): "There is no case 43260990099 here",
        ("not a reference",): "not a reference is not a crime reference",
        (REFERENCE, "--by-way-of", "leaflet"): "--out leaflet.html",
        (REFERENCE, "--out", "x.html"): "--out is for a leaflet",
        (REFERENCE, "--by-way-of", "leaflet", "--out", "/no/such/folder/x.html"): "cannot be written",
        (REFERENCE, "--by-way-of", "telegram"): "WAYMARK_TELEGRAM_NAME",
    }
    for arguments, said in wrong.items():
        ran = waymark(data_dir, "invite", *arguments)
        assert (ran.returncode, ran.stdout) == (2, ""), arguments
        assert said in ran.stderr

    assert [row.withdrawn_at for row in rows(data_dir, invite)] == [None]


@pytest.mark.parametrize(
    ("by_way_of", "said"),
    [("email", "WAYMARK_SMTP_URL and WAYMARK_EMAIL_FROM"), ("whatsapp", "WAYMARK_WHATSAPP_FROM")],
)
def test_what_is_not_set_up_is_named(data_dir: Path, by_way_of: str, said: str) -> None:
    real = {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "0" * 32,
        "WAYMARK_SMS_FROM": "+447700900900",
    }
    ran = waymark(data_dir, "invite", REFERENCE, "--by-way-of", by_way_of, **real)

    assert ran.returncode == 2
    assert said in ran.stderr
    assert rows(data_dir, invite) == []


@pytest.mark.parametrize(("way", "to"), [("sms", "+447700900123"), ("email", "alex@example.org")])
def test_a_message_is_filed_for_the_worker_and_the_link_is_not_printed(
    data_dir: Path, way: str, to: str
) -> None:
    ran = waymark(data_dir, "invite", REFERENCE, "--by-way-of", way)

    [row] = rows(data_dir, outbox)
    assert (ran.returncode, row.channel, row.to, row.status) == (0, way, to, "waiting")
    assert "/i/" not in ran.stdout


def test_a_person_who_wants_no_messages_gets_none(data_dir: Path) -> None:
    import_case(data_dir, ANY.replace(",any,", ",reply_only,"))

    ran = waymark(data_dir, "invite", REFERENCE, "--by-way-of", "sms")

    assert ran.returncode == 2
    assert "leaflet or link" in ran.stderr
    assert rows(data_dir, outbox) == []


def test_a_leaflet_is_written_once_for_its_owner_alone(data_dir: Path) -> None:
    leaflet = data_dir / "leaflet.html"
    ran = waymark(data_dir, "invite", REFERENCE, "--by-way-of", "leaflet", "--out", str(leaflet))
    again = waymark(data_dir, "invite", REFERENCE, "--by-way-of", "leaflet", "--out", str(leaflet))

    assert ran.returncode == 0
    assert "<svg" in leaflet.read_text()
    assert stat.S_IMODE(leaflet.stat().st_mode) == 0o600
    assert again.returncode == 2
    assert len(rows(data_dir, invite)) == 1


def test_telegram_and_whatsapp_addresses_are_printed(data_dir: Path) -> None:
    telegram = waymark(
        data_dir, "invite", REFERENCE, "--by-way-of", "telegram", WAYMARK_TELEGRAM_NAME="@example_bot"
    )
    whatsapp = waymark(
        data_dir, "invite", REFERENCE, "--by-way-of", "whatsapp", WAYMARK_WHATSAPP_FROM="+447700900998"
    )

    assert telegram.stdout.startswith("https://t.me/example_bot?start=")
    assert whatsapp.stdout.startswith("https://wa.me/447700900998?text=START%20")
