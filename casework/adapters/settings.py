"""Every setting, read once from the environment and checked with the remedy in the error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from casework.adapters.anchor_settings import AnchorAddress, parse_anchor_places
from casework.adapters.oidc_settings import OidcSettings, parse_oidc
from casework.model.errors import SettingsInvalid
from casework.services.service_texts import SMS_COSTS

SHORTEST_SECRET = 32
TRAINING_USES = ("allowed", "excluded")
TWILIO_API_URL = "https://api.twilio.com"
BOT_API_URL = "https://api.telegram.org"
BOT_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{16,}")
WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")


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
    smtp_url: str | None = None  # smtp://user:password@host:port or smtps://...; None: no e-mail leaves
    email_from: str | None = None
    telegram_name: str | None = None  # the bot's public name, without @
    whatsapp_template: str | None = (
        None  # the approved notice for a closed window (ContentSid); None: SMS instead
    )
    telegram_bot_token: str | None = field(default=None, repr=False)  # None: Telegram is off
    telegram_api_url: str = BOT_API_URL
    telegram_secret: str | None = field(default=None, repr=False)  # what Telegram shows with each update
    sms_cost: str = "standard"  # what a text to our number costs the sender: one of SMS_COSTS
    # Twilio's SharedKeys by name, for webhooks signed with HMAC-SHA256.
    twilio_shared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    sms_segments_per_second: float = 1.0  # of our SMS number: see casework/model/pacing.toml
    code_segments_a_day: int = 500  # of one-time codes; beyond it none leaves and supervisors are told
    feed_keys: tuple[str, ...] = ()  # what a force's system signs with; none: the case feed answers 404
    occupational_health_url: str | None = None  # where staff are shown to somebody to talk to
    spool_dir: Path = Path("var/spool")  # what the fallback address took while the service was down
    spool_url: str | None = None  # where the provider reaches the fallback; None: there is none
    oidc: OidcSettings | None = None  # the force's identity provider; None: the desk's own accounts
    local_staff: bool = True  # whether the desk's own accounts may log in
    console_url: str = ""  # where whoever is on call reaches the desk's acknowledgement page
    ladder_file: Path | None = None  # the force's own ladder; None: the packaged casework/model/ladder.toml
    retention_file: Path | None = None  # the force's own times; None: casework/model/retention.toml
    staffed_hours_file: Path | None = None  # the force's own hours; None: casework/model/staffed_hours.toml
    on_call_key: str | None = field(default=None, repr=False)  # signs webhooks to staff; None: none leaves
    training_root: Path = Path(".")  # the checkout the workbench writes examples into and trains from
    keys_file: Path = Path(
        "var/keys/field.keys"
    )  # of what is sealed: see casework/adapters/vault/key_files.py
    training_use: str = (
        "excluded"  # whether what nobody flagged may teach the assistant: one of TRAINING_USES
    )

    unusual_reading_file: Path | None = (
        None  # the force's own limits; None: casework/model/unusual_reading.toml
    )
    readers_named: bool = False  # whether a victim's list of who read what they wrote names staff
    audit_anchors: tuple[AnchorAddress, ...] = ()  # where the signed heads of the audit are handed to

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
            whatsapp_template=_template(environ),
            port=_port(environ, "WAYMARK_PORT", 8080),
            console_port=_port(environ, "WAYMARK_CONSOLE_PORT", 8081),
            private_port=_port(environ, "WAYMARK_PRIVATE_PORT", 8082),
            is_sandbox=environ.get("WAYMARK_SANDBOX") == "1",
            sms_cost=_sms_cost(environ),
            sms_segments_per_second=_per_second(environ),
            code_segments_a_day=_code_segments(environ),
            twilio_shared_keys=_shared_keys(environ),
            feed_keys=_feed_keys(environ),
            spool_dir=_spool_dir(environ, data_dir),
            spool_url=_spool_url(environ),
            console_url=_console_url(environ),
            ladder_file=_own_file(environ, "WAYMARK_LADDER_FILE", "docs/ladder.md"),
            retention_file=_own_file(environ, "WAYMARK_RETENTION_FILE", "docs/retention.md"),
            staffed_hours_file=_own_file(environ, "WAYMARK_STAFFED_HOURS_FILE", "docs/ladder.md"),
            on_call_key=_on_call_key(environ),
            smtp_url=_smtp_url(environ),
            email_from=_email_from(environ),
            telegram_name=environ.get("WAYMARK_TELEGRAM_NAME", "").strip().removeprefix("@") or None,
            telegram_bot_token=_telegram_token(environ),
            telegram_api_url=_telegram_api_url(environ),
            telegram_secret=_telegram_secret(environ),
            occupational_health_url=_occupational_health(environ),
            keys_file=_keys_file(environ, data_dir),
            training_root=_training_root(environ),
            training_use=_training_use(environ),
            unusual_reading_file=_own_file(environ, "WAYMARK_UNUSUAL_READING_FILE", "docs/who-read.md"),
            readers_named=environ.get("WAYMARK_READERS_NAMED", "").strip() == "1",
            audit_anchors=parse_anchor_places(environ, data_dir),
            oidc=parse_oidc(environ),
            local_staff=parse_oidc(environ) is None or environ.get("WAYMARK_LOCAL_STAFF", "").strip() == "1",
        )


@dataclass(frozen=True, kw_only=True)
class SpoolSettings:
    """What the fallback process needs: no database, no assistant, so that it can run where neither is."""

    spool_dir: Path
    port: int
    origins: tuple[str, ...]  # what a request may be signed for: its own address, or the gateway's
    twilio_auth_tokens: tuple[str, ...]
    twilio_shared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "SpoolSettings":
        """Raises SettingsInvalid naming the first setting that is missing or wrong."""
        data_dir = Path(environ.get("WAYMARK_DATA_DIR", "var")).absolute()
        port = _port(environ, "WAYMARK_SPOOL_PORT", 8085)
        own = _spool_url(environ) or f"http://127.0.0.1:{port}"
        public = _url(environ, "WAYMARK_PUBLIC_URL", default="http://127.0.0.1:8080")
        return cls(
            spool_dir=_spool_dir(environ, data_dir),
            port=port,
            origins=tuple(dict.fromkeys((own, public))),
            twilio_auth_tokens=_tokens(environ),
            twilio_shared_keys=_shared_keys(environ),
        )


def _occupational_health(environ: Mapping[str, str]) -> str | None:
    value = environ.get("WAYMARK_OCCUPATIONAL_HEALTH_URL", "").strip()
    return _check_url("WAYMARK_OCCUPATIONAL_HEALTH_URL", value) if value else None


def _spool_dir(environ: Mapping[str, str], data_dir: Path) -> Path:
    return Path(environ.get("WAYMARK_SPOOL_DIR", "").strip() or data_dir / "spool").absolute()


def _spool_url(environ: Mapping[str, str]) -> str | None:
    value = environ.get("WAYMARK_SPOOL_URL", "").strip()
    return _check_url("WAYMARK_SPOOL_URL", value) if value else None


def _keys_file(environ: Mapping[str, str], data_dir: Path) -> Path:
    value = environ.get("WAYMARK_KEYS", "").strip()
    if value and not Path(value).is_file():
        raise SettingsInvalid(
            f"WAYMARK_KEYS: there is no file {value!r}. Put back the one this database was sealed with, or make a "
            f"first one with: ./waymark keys make {value}"
        )
    return Path(value or data_dir / "keys" / "field.keys").absolute()


def _console_url(environ: Mapping[str, str]) -> str:
    port = _port(environ, "WAYMARK_CONSOLE_PORT", 8081)
    return _url(environ, "WAYMARK_CONSOLE_URL", default=f"http://127.0.0.1:{port}")


def _own_file(environ: Mapping[str, str], name: str, told_in: str) -> Path | None:
    value = environ.get(name, "").strip()
    if value and not Path(value).is_file():
        raise SettingsInvalid(f"{name}: there is no file {value!r}. See {told_in}.")
    return Path(value).absolute() if value else None


def _training_root(environ: Mapping[str, str]) -> Path:
    value = environ.get("WAYMARK_TRAINING_ROOT", "").strip()
    if value and not (Path(value) / "config.yml").is_file():
        raise SettingsInvalid(
            f"WAYMARK_TRAINING_ROOT: {value!r} holds no config.yml; it is a checkout of Waymark."
        )
    return Path(value or environ.get("WAYMARK_ROOT", "").strip() or ".").absolute()


def _training_use(environ: Mapping[str, str]) -> str:
    # A force decides this; the sandbox holds nobody's real words.
    default = "allowed" if environ.get("WAYMARK_SANDBOX") == "1" else "excluded"
    value = environ.get("WAYMARK_TRAINING_USE", "").strip() or default
    if value not in TRAINING_USES:
        raise SettingsInvalid(f"WAYMARK_TRAINING_USE is {value!r}; it is one of: {', '.join(TRAINING_USES)}.")
    return value


def _on_call_key(environ: Mapping[str, str]) -> str | None:
    value = environ.get("WAYMARK_ON_CALL_KEY", "").strip()
    if value and len(value) < SHORTEST_SECRET:
        raise SettingsInvalid(
            f"WAYMARK_ON_CALL_KEY has {len(value)} characters; it needs at least {SHORTEST_SECRET}. "
            "Make one with: openssl rand -hex 32"
        )
    return value or None


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
    # Comma-separated while a token is being rotated. An empty token would let anyone in.
    tokens = tuple(token.strip() for token in environ.get("TWILIO_AUTH_TOKEN", "").split(","))
    if not all(len(token) >= SHORTEST_SECRET for token in tokens):
        raise SettingsInvalid(
            "TWILIO_AUTH_TOKEN is empty or shorter than 32 characters: anyone could forge a message. "
            "Copy it from the Twilio console, or unset TWILIO_ACCOUNT_SID to run the sandbox."
        )
    return tokens


def _shared_keys(environ: Mapping[str, str]) -> Mapping[str, str]:
    # name=secret, comma-separated while one is being changed; the name is the SharedKey's SID.
    value = environ.get("WAYMARK_TWILIO_SHARED_KEYS", "").strip()
    pairs = [piece.partition("=") for piece in value.split(",")] if value else []
    keys = {name.strip(): secret.strip() for name, _, secret in pairs}
    if len(keys) != len(pairs) or any(
        not name or len(secret) < SHORTEST_SECRET for name, secret in keys.items()
    ):
        raise SettingsInvalid(
            "WAYMARK_TWILIO_SHARED_KEYS: each is name=secret, every name once, every secret at least "
            f"{SHORTEST_SECRET} characters: with a shorter one anyone could forge a message."
        )
    return keys


def _sms_cost(environ: Mapping[str, str]) -> str:
    value = environ.get("WAYMARK_SMS_COST", "").strip() or "standard"
    if value not in SMS_COSTS:
        raise SettingsInvalid(
            f"WAYMARK_SMS_COST: {value!r} is neither free nor standard. Say free only for a number that no phone "
            "network charges for: people are told so."
        )
    return value


def _telegram_token(environ: Mapping[str, str]) -> str | None:
    value = environ.get("TELEGRAM_BOT_TOKEN", "").strip()
    if value and not BOT_TOKEN.fullmatch(value):
        # The value is the key to every conversation, so it is not repeated.
        raise SettingsInvalid(
            "TELEGRAM_BOT_TOKEN is not a token as BotFather gives it: 1234567890:letters-and-figures"
        )
    return value or None


def _telegram_secret(environ: Mapping[str, str]) -> str | None:
    value = environ.get("WAYMARK_TELEGRAM_SECRET", "").strip()
    if (value or environ.get("TELEGRAM_BOT_TOKEN", "").strip()) and not WEBHOOK_SECRET.fullmatch(value):
        raise SettingsInvalid(
            "WAYMARK_TELEGRAM_SECRET needs 16 to 256 letters, figures, - or _; without it anyone could forge a "
            "message. Make one with: openssl rand -hex 32"
        )
    return value or None


def _telegram_api_url(environ: Mapping[str, str]) -> str:
    value = _url(environ, "WAYMARK_TELEGRAM_API_URL", default=BOT_API_URL)
    parts = urlsplit(value)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise SettingsInvalid(
            "WAYMARK_TELEGRAM_API_URL must start with https:// (the bot's token is part of every address)."
        )
    return value


def _per_second(environ: Mapping[str, str]) -> float:
    value = environ.get("WAYMARK_SMS_SEGMENTS_PER_SECOND", "").strip() or "1"
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", value) or not 0.1 <= float(value) <= 2000:
        raise SettingsInvalid(
            f"WAYMARK_SMS_SEGMENTS_PER_SECOND: {value!r} is not a number from 0.1 to 2000. A UK long number sends 1."
        )
    return float(value)


def _code_segments(environ: Mapping[str, str]) -> int:
    value = environ.get("WAYMARK_CODE_SEGMENTS_A_DAY", "").strip() or "500"
    if not re.fullmatch(r"[0-9]{1,7}", value) or int(value) == 0:
        raise SettingsInvalid(
            f"WAYMARK_CODE_SEGMENTS_A_DAY: {value!r} is not a number from 1: how many segments of one-time codes a "
            "day may leave before somebody must look."
        )
    return int(value)


def _feed_keys(environ: Mapping[str, str]) -> tuple[str, ...]:
    # Comma-separated while a key is being changed; unset, the feed is off.
    value = environ.get("WAYMARK_FEED_KEYS", "").strip()
    keys = tuple(key.strip() for key in value.split(",")) if value else ()
    if not all(len(key) >= SHORTEST_SECRET for key in keys):
        raise SettingsInvalid(
            f"WAYMARK_FEED_KEYS: a key is empty or shorter than {SHORTEST_SECRET} characters, so anyone could change "
            "a case. Make one with: openssl rand -hex 32"
        )
    return keys


def _url(environ: Mapping[str, str], name: str, *, default: str) -> str:
    return _check_url(name, environ.get(name, "").strip() or default)


def _urls(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(_check_url(name, value.strip()) for value in _required(environ, name).split(","))


def _check_url(name: str, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsInvalid(f"{name}: {value!r} is not an address such as https://messages.example.org")
    return value.rstrip("/")


def _smtp_url(environ: Mapping[str, str]) -> str | None:
    value = environ.get("WAYMARK_SMTP_URL", "").strip()
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or not _has_port_or_none(parts):
        # The value holds a password, so it is not repeated.
        raise SettingsInvalid(
            "WAYMARK_SMTP_URL is not an address such as smtp://user:password@mail.example.org:587"
        )
    _required(environ, "WAYMARK_EMAIL_FROM")
    return value


def _has_port_or_none(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _email_from(environ: Mapping[str, str]) -> str | None:
    value = environ.get("WAYMARK_EMAIL_FROM", "").strip()
    if value and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+|[^<>\r\n]*<[^@\s<>]+@[^@\s<>]+>", value):
        raise SettingsInvalid(
            f"WAYMARK_EMAIL_FROM: {value!r} is not an address such as Messages <messages@example.org>"
        )
    return value or None


def _template(environ: Mapping[str, str]) -> str | None:
    value = environ.get("WAYMARK_WHATSAPP_TEMPLATE", "").strip()
    if value and not re.fullmatch(r"HX[0-9a-fA-F]{32}", value):
        raise SettingsInvalid(
            f"WAYMARK_WHATSAPP_TEMPLATE: {value!r} is not a template's id: HX and 32 letters and digits. "
            "Copy it from Twilio's Content Template Builder, once WhatsApp has approved the template."
        )
    return value or None


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, "").strip() or str(default)
    if not (value.isascii() and value.isdigit()) or not 0 < int(value) < 65536:
        raise SettingsInvalid(f"{name}: {value!r} is not a port between 1 and 65535")
    return int(value)
