"""What the sandbox provider is told at start, and what it refuses."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from casework.model.errors import SettingsInvalid
from channels.twilio_addresses import LOOPBACK_HOSTS
from channels.twilio_signature import check_tokens

SERVICE_NUMBER = "+447700900900"
MESSAGING_SERVICE_SID = "MG" + "0" * 32
BOT_TOKEN = re.compile(r"\d{1,20}:[\w-]{16,}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """Refuses a webhook address that is not on this machine, and a short token; on Telegram, a token that is none.

    `public_url` is the origin the service believes it is reached at, if it differs from where the webhook is
    posted: requests are signed for that origin, as Twilio's would be.
    """

    account_sid: str
    auth_token: str
    webhook_url: str
    data_dir: Path
    status_url: str | None = None
    fallback_url: str | None = None
    public_url: str | None = None
    service_number: str = SERVICE_NUMBER
    messaging_service_sid: str = MESSAGING_SERVICE_SID
    telegram_token: str | None = None  # None: nothing answers for Telegram
    telegram_webhook_url: str | None = None  # until the service sets one itself
    telegram_secret: str | None = None
    port: int = 0
    smtp_port: int | None = None  # None: no e-mail is caught; 0 picks a free one
    status_delay_seconds: float = 0.2
    retry_for_seconds: float = 120.0
    read_timeout_seconds: float = 15.0

    def __post_init__(self) -> None:
        check_tokens([self.auth_token])
        if not self.account_sid:
            raise SettingsInvalid("The sandbox needs an account sid: --account-sid or TWILIO_ACCOUNT_SID.")
        if self.telegram_token and not BOT_TOKEN.fullmatch(self.telegram_token):
            raise SettingsInvalid(
                "TELEGRAM_BOT_TOKEN is not a bot's token such as 1000001:AAE-16-or-more-letters."
            )
        for name, url in (
            ("--webhook-url", self.webhook_url),
            ("--status-url", self.status_url),
            ("--fallback-url", self.fallback_url),
            ("--telegram-webhook-url", self.telegram_webhook_url),
        ):
            if url and not is_loopback(url):
                raise SettingsInvalid(
                    f"{name} must be an address of this machine, such as http://127.0.0.1:8080/."
                )

    def get_posted_url(self, url: str) -> str:
        """Where a request for `url` is really sent."""
        public = (self.public_url or "").rstrip("/")
        return _with_origin(url, of=self.webhook_url) if public and url.startswith(public + "/") else url

    def get_signed_url(self, url: str) -> str:
        """The address a request for `url` is signed for: the public one, where `url` is the webhook's own origin."""
        is_webhook = urlsplit(url)[:2] == urlsplit(self.webhook_url)[:2]
        return _with_origin(url, of=self.public_url) if self.public_url and is_webhook else url


def is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK_HOSTS


def parse_settings(arguments: Sequence[str] | None, environ: Mapping[str, str]) -> SandboxSettings:
    """The settings in a command line; the tokens are read from the environment, never from the command line."""
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--account-sid", default=environ.get("TWILIO_ACCOUNT_SID", ""))
    parser.add_argument(
        "--auth-token-env", default="TWILIO_AUTH_TOKEN", help="the variable holding the token"
    )
    parser.add_argument("--webhook-url", default="http://127.0.0.1:8080/webhooks/twilio/message")
    parser.add_argument("--status-url", help="for messages that name no StatusCallback")
    parser.add_argument("--fallback-url", help="where a message goes that the webhook did not take")
    parser.add_argument("--public-url", help="origin to sign for, if not the webhook's own")
    parser.add_argument("--service-number", default=environ.get("WAYMARK_SMS_FROM", SERVICE_NUMBER))
    parser.add_argument("--smtp-port", type=int, help="where e-mail is caught; without it none is")
    parser.add_argument("--telegram-webhook-url", help="where updates go until the service sets an address")
    parser.add_argument("--data-dir", type=Path, required=True)
    given = vars(parser.parse_args(arguments))
    return SandboxSettings(
        auth_token=environ.get(given.pop("auth_token_env"), ""),
        telegram_token=environ.get("TELEGRAM_BOT_TOKEN") or None,
        telegram_secret=environ.get("WAYMARK_TELEGRAM_SECRET") or None,
        **given,
    )


def _with_origin(url: str, *, of: str) -> str:
    origin, target = urlsplit(of), urlsplit(url)
    return urlunsplit((origin.scheme, origin.netloc, target.path, target.query, target.fragment))
