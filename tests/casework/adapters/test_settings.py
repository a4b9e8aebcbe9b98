"""A setting that is missing or wrong stops the start and is named, with the remedy."""

from pathlib import Path

import pytest

from casework.adapters.settings import Settings
from casework.model.errors import SettingsInvalid

WHOLE = {
    "WAYMARK_DATA_DIR": "/srv/waymark-test",
    "WAYMARK_TURN_SECRET": "t" * 32,
    "WAYMARK_RASA_URLS": "http://127.0.0.1:5005",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "a" * 32,
    "WAYMARK_SMS_FROM": "+447700900099",
}


def test_the_settings_that_must_be_given_are_enough() -> None:
    settings = Settings.from_env(WHOLE)

    assert settings.data_dir == Path("/srv/waymark-test")
    assert settings.database_url == "sqlite:////srv/waymark-test/waymark.db"
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.twilio_api_url == "https://api.twilio.com"
    assert (settings.port, settings.console_port, settings.private_port) == (8080, 8081, 8082)
    assert settings.rasa_urls == ("http://127.0.0.1:5005",)
    assert settings.twilio_auth_tokens == ("a" * 32,)
    assert settings.whatsapp_from is None
    assert settings.is_sandbox is False


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"WAYMARK_DATA_DIR"}))
@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_missing_setting_is_named(name: str, value: str | None) -> None:
    environ = {key: each for key, each in WHOLE.items() if key != name}
    if value is not None:
        environ[name] = value

    with pytest.raises(SettingsInvalid, match=name):
        Settings.from_env(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WAYMARK_TURN_SECRET", "short"),
        ("TWILIO_AUTH_TOKEN", "short"),
        ("TWILIO_AUTH_TOKEN", "a" * 32 + ","),
        ("TWILIO_AUTH_TOKEN", "," + "a" * 32),
        ("WAYMARK_PUBLIC_URL", "messages.example.org"),
        ("WAYMARK_PUBLIC_URL", "ftp://messages.example.org"),
        ("WAYMARK_PUBLIC_URL", "https://"),
        ("WAYMARK_TWILIO_API_URL", "file:///etc/passwd"),
        ("WAYMARK_PORT", "0"),
        ("WAYMARK_PORT", "65536"),
        ("WAYMARK_PORT", "-1"),
        ("WAYMARK_PORT", "eighty"),
        ("WAYMARK_CONSOLE_PORT", "80.81"),
        ("WAYMARK_PRIVATE_PORT", "²"),
        ("WAYMARK_RASA_URLS", "127.0.0.1:5005"),
        ("WAYMARK_RASA_URLS", "http://127.0.0.1:5005,"),
        ("WAYMARK_RASA_URLS", ","),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        Settings.from_env(WHOLE | {name: value})


def test_a_list_of_addresses_may_have_blanks_after_its_commas() -> None:
    settings = Settings.from_env(
        WHOLE | {"WAYMARK_RASA_URLS": "http://127.0.0.1:5005, http://127.0.0.1:5006/"}
    )

    assert settings.rasa_urls == ("http://127.0.0.1:5005", "http://127.0.0.1:5006")


def test_two_tokens_are_both_good_while_one_is_being_replaced() -> None:
    settings = Settings.from_env(WHOLE | {"TWILIO_AUTH_TOKEN": f"{'a' * 32}, {'b' * 32}"})

    assert settings.twilio_auth_tokens == ("a" * 32, "b" * 32)


@pytest.mark.parametrize("name", ["WAYMARK_TURN_SECRET", "TWILIO_AUTH_TOKEN"])
def test_a_secret_is_never_quoted_back(name: str) -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        Settings.from_env(WHOLE | {name: "hunter2-hunter2"})

    assert "hunter2" not in str(refusal.value)


def test_a_trailing_slash_is_taken_off_an_address() -> None:
    settings = Settings.from_env(WHOLE | {"WAYMARK_PUBLIC_URL": "https://messages.example.org/"})

    assert settings.public_url == "https://messages.example.org"


def test_what_was_given_wins_over_what_is_usual() -> None:
    settings = Settings.from_env(
        WHOLE
        | {
            "WAYMARK_DATABASE_URL": "postgresql://waymark@127.0.0.1/waymark",
            "WAYMARK_WHATSAPP_FROM": "+447700900098",
            "WAYMARK_PORT": "20080",
            "WAYMARK_SANDBOX": "1",
        }
    )

    assert settings.database_url == "postgresql://waymark@127.0.0.1/waymark"
    assert (settings.whatsapp_from, settings.port, settings.is_sandbox) == ("+447700900098", 20080, True)


@pytest.mark.parametrize("value", ["", "0", "true", "yes"])
def test_the_sandbox_is_on_only_for_a_plain_one(value: str) -> None:
    assert Settings.from_env(WHOLE | {"WAYMARK_SANDBOX": value}).is_sandbox is False
