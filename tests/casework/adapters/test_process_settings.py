"""What a process is told of its machine, and the folder its secrets may come from."""

from pathlib import Path

import pytest

from casework.adapters.credentials import take_credentials
from casework.adapters.process_settings import ProcessSettings
from casework.model.errors import SettingsInvalid


def test_what_is_not_said_is_safe() -> None:
    assert ProcessSettings.from_env({}) == ProcessSettings(
        host="127.0.0.1", private_host="127.0.0.1", health_port=None, leave_seconds=0.0
    )


def test_what_is_said_is_read() -> None:
    environ = {
        "WAYMARK_HOST": "0.0.0.0",
        "WAYMARK_PRIVATE_HOST": "10.0.0.7",
        "WAYMARK_HEALTH_PORT": "8090",
        "WAYMARK_LEAVE_SECONDS": "2.5",
    }
    assert ProcessSettings.from_env(environ) == ProcessSettings(
        host="0.0.0.0", private_host="10.0.0.7", health_port=8090, leave_seconds=2.5
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("WAYMARK_HEALTH_PORT", value) for value in ("0", "65536", "http", "-1")),
        *(("WAYMARK_LEAVE_SECONDS", value) for value in ("-1", "121", "soon", "nan")),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        ProcessSettings.from_env({name: value})


def test_files_named_for_settings_are_taken_and_others_left(tmp_path: Path) -> None:
    (tmp_path / "TWILIO_AUTH_TOKEN").write_text("secret\n")
    (tmp_path / "PATH").write_text("/elsewhere")
    (tmp_path / "notes.txt").write_text("x")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "PATH": "/bin"}
    take_credentials(environ)
    take_credentials(environ)

    assert environ == {
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "PATH": "/bin",
        "TWILIO_AUTH_TOKEN": "secret",
    }


def test_no_folder_is_no_secret() -> None:
    environ: dict[str, str] = {}
    take_credentials(environ)
    assert environ == {}


def test_a_secret_given_twice_and_otherwise_stops_the_start_without_being_told(tmp_path: Path) -> None:
    (tmp_path / "TWILIO_AUTH_TOKEN").write_text("one")
    with pytest.raises(SettingsInvalid, match="TWILIO_AUTH_TOKEN") as refusal:
        take_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path), "TWILIO_AUTH_TOKEN": "other"})
    assert "other'" not in str(refusal.value)


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="CREDENTIALS_DIRECTORY"):
        take_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path / "gone")})
