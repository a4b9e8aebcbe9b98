"""Every setting, read once from the environment and checked with the remedy in the error."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from casework.model.errors import SettingsInvalid

SHORTEST_SECRET = 32
TWILIO_API_URL = "https://api.twilio.com"


@dataclass(frozen=True, kw_only=True)
class Settings:
    data_dir: Path
    database_url: str
    public_url: str
    turn_secret: str
    rasa_urls: tuple[str, ...]
    twilio_account_sid: str
    twilio_auth_tokens: tuple[str, ...]
    twilio_api_url: str
    sms_from: str
    whatsapp_from: str | None
    port: int
    console_port: int
    private_port: int
    is_sandbox: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingsInvalid naming the first setting that is missing or wrong."""
        data_dir = Path(environ.get("WAYMARK_DATA_DIR", "var")).absolute()
        return cls(
            data_dir=data_dir,
            database_url=environ.get("WAYMARK_DATABASE_URL") or f"sqlite:///{data_dir}/waymark.db",
            public_url=_url(environ, "WAYMARK_PUBLIC_URL", default="http://127.0.0.1:8080"),
            turn_secret=_secret(environ, "WAYMARK_TURN_SECRET"),
            rasa_urls=_urls(environ, "WAYMARK_RASA_URLS"),
            twilio_account_sid=_required(environ, "TWILIO_ACCOUNT_SID"),
            twilio_auth_tokens=_tokens(environ),
            twilio_api_url=_url(environ, "WAYMARK_TWILIO_API_URL", default=TWILIO_API_URL),
            sms_from=_required(environ, "WAYMARK_SMS_FROM"),
            whatsapp_from=environ.get("WAYMARK_WHATSAPP_FROM", "").strip() or None,
            port=_port(environ, "WAYMARK_PORT", 8080),
            console_port=_port(environ, "WAYMARK_CONSOLE_PORT", 8081),
            private_port=_port(environ, "WAYMARK_PRIVATE_PORT", 8082),
            is_sandbox=environ.get("WAYMARK_SANDBOX") == "1",
        )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsInvalid(f"{name} is not set. See docs/running.md; `./waymark up` sets it by itself.")
    return value


def _secret(environ: Mapping[str, str], name: str) -> str:
    value = _required(environ, name)
    if len(value) < SHORTEST_SECRET:
        raise SettingsInvalid(f"{name} has {len(value)} characters; it needs at least {SHORTEST_SECRET}.")
    return value


def _tokens(environ: Mapping[str, str]) -> tuple[str, ...]:
    # Comma-separated while a token is being rotated. An empty token would let anyone in (channels.md §2).
    tokens = tuple(token.strip() for token in environ.get("TWILIO_AUTH_TOKEN", "").split(","))
    if not all(len(token) >= SHORTEST_SECRET for token in tokens):
        raise SettingsInvalid(
            "TWILIO_AUTH_TOKEN is empty or shorter than 32 characters: anyone could forge a message. "
            "Copy it from the Twilio console, or unset TWILIO_ACCOUNT_SID to run the sandbox."
        )
    return tokens


def _url(environ: Mapping[str, str], name: str, *, default: str) -> str:
    return _check_url(name, environ.get(name, "").strip() or default)


def _urls(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(_check_url(name, value.strip()) for value in _required(environ, name).split(","))


def _check_url(name: str, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsInvalid(f"{name}: {value!r} is not an address such as https://messages.example.org")
    return value.rstrip("/")


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, "").strip() or str(default)
    if not (value.isascii() and value.isdigit()) or not 0 < int(value) < 65536:
        raise SettingsInvalid(f"{name}: {value!r} is not a port between 1 and 65535")
    return int(value)
