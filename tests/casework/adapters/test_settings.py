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


def test_shared_keys_go_by_name_and_are_shown_nowhere() -> None:
    settings = Settings.from_env(WHOLE | {"WAYMARK_TWILIO_SHARED_KEYS": f"old={'s' * 32}, new = {'t' * 31}="})

    assert settings.twilio_shared_keys == {"old": "s" * 32, "new": "t" * 31 + "="}
    assert "sss" not in repr(settings) and "ttt=" not in repr(settings)


def test_the_pace_and_the_days_codes_are_numbers() -> None:
    set_by_hand = WHOLE | {"WAYMARK_SMS_SEGMENTS_PER_SECOND": "0.5", "WAYMARK_CODE_SEGMENTS_A_DAY": "80"}

    settings, usual = Settings.from_env(set_by_hand), Settings.from_env(WHOLE)

    assert (settings.sms_segments_per_second, settings.code_segments_a_day) == (0.5, 80)
    assert (usual.sms_segments_per_second, usual.code_segments_a_day) == (1.0, 500)


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
        ("WAYMARK_TWILIO_SHARED_KEYS", "k"),
        ("WAYMARK_TWILIO_SHARED_KEYS", "k=short"),
        ("WAYMARK_TWILIO_SHARED_KEYS", "=" + "s" * 32),
        ("WAYMARK_TWILIO_SHARED_KEYS", "k=" + "s" * 32 + ","),
        ("WAYMARK_TWILIO_SHARED_KEYS", "k=" + "s" * 32 + ",k=" + "t" * 32),
        ("WAYMARK_SMS_SEGMENTS_PER_SECOND", "0"),
        ("WAYMARK_SMS_SEGMENTS_PER_SECOND", "-1"),
        ("WAYMARK_SMS_SEGMENTS_PER_SECOND", "many"),
        ("WAYMARK_SMS_SEGMENTS_PER_SECOND", "1e9"),
        ("WAYMARK_CODE_SEGMENTS_A_DAY", "0"),
        ("WAYMARK_CODE_SEGMENTS_A_DAY", "²"),
        ("WAYMARK_FEED_KEYS", "short"),
        ("WAYMARK_SMS_COST", "cheap"),
        ("WAYMARK_SMS_COST", "Free"),
        ("WAYMARK_FEED_KEYS", "f" * 32 + ","),
        ("WAYMARK_WHATSAPP_TEMPLATE", "HX123"),
        ("WAYMARK_WHATSAPP_TEMPLATE", "MG" + "0" * 32),
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
        ("WAYMARK_LADDER_FILE", "no/such/file.toml"),
        ("WAYMARK_STAFFED_HOURS_FILE", "no/such/file.toml"),
        ("WAYMARK_TRAINING_ROOT", "no/such/checkout"),
        ("WAYMARK_TRAINING_USE", "always"),
        ("WAYMARK_SMTP_URL", "mail.example.org"),
        ("WAYMARK_SMTP_URL", "http://mail.example.org"),
        ("WAYMARK_SMTP_URL", "smtp://mail.example.org:eighty"),
        ("WAYMARK_EMAIL_FROM", "messages"),
        ("WAYMARK_EMAIL_FROM", "Messages <messages@example.org> (and more)"),
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


def test_a_mail_server_without_an_address_to_write_from_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="WAYMARK_EMAIL_FROM"):
        Settings.from_env(WHOLE | {"WAYMARK_SMTP_URL": "smtp://mail.example.org"})


@pytest.mark.parametrize("name", ["WAYMARK_TURN_SECRET", "TWILIO_AUTH_TOKEN", "WAYMARK_SMTP_URL"])
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


def test_the_case_feed_is_off_until_it_has_a_key_and_takes_two_while_one_is_changed() -> None:
    assert Settings.from_env(WHOLE).feed_keys == ()

    keys = f"{'n' * 32}, {'o' * 32}"
    assert Settings.from_env(WHOLE | {"WAYMARK_FEED_KEYS": keys}).feed_keys == ("n" * 32, "o" * 32)


@pytest.mark.parametrize(("value", "cost"), [("", "standard"), ("standard", "standard"), ("free", "free")])
def test_what_a_text_costs_is_a_setting(value: str, cost: str) -> None:
    """Red when the default is `free`: people would be told what is not so."""
    assert Settings.from_env(WHOLE | {"WAYMARK_SMS_COST": value}).sms_cost == cost
