"""A machine for the doctor to look at: a data folder, a database, and the settings of a force with a real account."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.doctor.findings import Check, Examined, Finding
from tests.support.databases import copy_sqlite
from tests.support.running import ROOT, free_port

DOCUMENT = ROOT / "docs" / "doctor.md"
SETTINGS = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "a" * 32,
    "WAYMARK_TURN_SECRET": "b" * 32,
    "WAYMARK_PUBLIC_URL": "https://messages.example.org",
    "WAYMARK_SPOOL_URL": "https://fallback.example.org",
    "WAYMARK_CONSOLE_URL": "https://desk.example.org",
    "WAYMARK_SMS_FROM": "+447700900999",
    "WAYMARK_CONTAINMENT": "required",
    "WAYMARK_AUDIT_ANCHORS": "syslog+unix:/dev/log",
}


@pytest.fixture
def examined(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Examined]:
    """All is well there; a test makes one thing wrong and looks again."""
    for name in [each for each in os.environ if each.startswith(("WAYMARK_", "TWILIO_", "TELEGRAM_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    ports = {
        name: str(free_port())
        for name in (*("WAYMARK_PORT", "WAYMARK_CONSOLE_PORT", "WAYMARK_PRIVATE_PORT", "WAYMARK_SPOOL_PORT"),)
    }
    for name, value in (SETTINGS | ports).items():
        monkeypatch.setenv(name, value)
    copy_sqlite(sqlite_template, folder / "waymark.db")
    (folder / "waymark.db").chmod(0o600)
    (folder / "spool").mkdir(mode=0o700)
    (folder / "backups").mkdir(mode=0o700)
    (folder / "backups" / "last-night.db").touch(mode=0o600)
    yield Examined(root=ROOT, data_dir=folder)


def look(examined: Examined, check: Check) -> dict[str, Finding]:
    """By their fixed words; the settings are read anew, as a new start of the doctor would."""
    fresh = Examined(root=examined.root, data_dir=examined.data_dir, now=examined.now)
    return {each.what: each for each in check(fresh)}


def wrong(examined: Examined, check: Check, what: str) -> str:
    """What is said of the one thing that is to be mended; its words are in the document."""
    found = look(examined, check)
    assert [name for name, each in found.items() if not each.is_well] == [what]
    assert f"`{what}`" in DOCUMENT.read_text(), f"docs/doctor.md says nothing of {what!r}"
    return found[what].detail


def all_well(examined: Examined, check: Check) -> bool:
    found = look(examined, check)
    return bool(found) and all(each.is_well for each in found.values())
