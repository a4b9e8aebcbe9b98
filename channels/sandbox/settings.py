"""What the sandbox provider is told at start, and what it refuses."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from casework.model.errors import SettingsInvalid
from channels.twilio_signature import check_tokens
from channels.twilio_transport import LOOPBACK_HOSTS

SERVICE_NUMBER = "+447700900900"


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """Refuses a webhook address that is not on this machine, and a short token.

    `public_url` is the origin the service believes it is reached at, if it differs from where the webhook is
    posted: requests are signed for that origin, as Twilio's would be.
    """

    account_sid: str
    auth_token: str
    webhook_url: str
    data_dir: Path
    status_url: str | None = None
    public_url: str | None = None
    service_number: str = SERVICE_NUMBER
    port: int = 0
    status_delay_seconds: float = 0.2
    retry_for_seconds: float = 120.0
    read_timeout_seconds: float = 15.0

    def __post_init__(self) -> None:
        check_tokens([self.auth_token])
        if not self.account_sid:
            raise SettingsInvalid("The sandbox needs an account sid: --account-sid or TWILIO_ACCOUNT_SID.")
        for name, url in (("--webhook-url", self.webhook_url), ("--status-url", self.status_url)):
            if url and not is_loopback(url):
                raise SettingsInvalid(
                    f"{name} must be an address of this machine, such as http://127.0.0.1:8080/."
                )

    def get_posted_url(self, url: str) -> str:
        """Where a request for `url` is really sent."""
        public = (self.public_url or "").rstrip("/")
        return _with_origin(url, of=self.webhook_url) if public and url.startswith(public + "/") else url

    def get_signed_url(self, url: str) -> str:
        """The address a request for `url` is signed for."""
        return _with_origin(url, of=self.public_url) if self.public_url else url


def is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK_HOSTS


def parse_settings(arguments: Sequence[str] | None, environ: Mapping[str, str]) -> SandboxSettings:
    """The settings in a command line; the token is read from the environment, never from the command line."""
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--account-sid", default=environ.get("TWILIO_ACCOUNT_SID", ""))
    parser.add_argument(
        "--auth-token-env", default="TWILIO_AUTH_TOKEN", help="the variable holding the token"
    )
    parser.add_argument("--webhook-url", default="http://127.0.0.1:8080/webhooks/twilio/message")
    parser.add_argument("--status-url", help="for messages that name no StatusCallback")
    parser.add_argument("--public-url", help="origin to sign for, if not the webhook's own")
    parser.add_argument("--service-number", default=environ.get("WAYMARK_SMS_FROM", SERVICE_NUMBER))
    parser.add_argument("--data-dir", type=Path, required=True)
    given = vars(parser.parse_args(arguments))
    return SandboxSettings(auth_token=environ.get(given.pop("auth_token_env"), ""), **given)


def _with_origin(url: str, *, of: str) -> str:
    origin, target = urlsplit(of), urlsplit(url)
    return urlunsplit((origin.scheme, origin.netloc, target.path, target.query, ""))
