"""How requests reach Twilio: the address, the deadline, one try each, and nothing personal in a log."""

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from casework.model.errors import SettingsInvalid
from channels.twilio_addresses import LOOPBACK_HOSTS, OTHER_URLS, TWILIO_API_URL
from channels.twilio_signature import check_tokens

LONGEST_RETRY_AFTER_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class TwilioSettings:
    """Where and as whom we send. Refuses a short token, and plain http to anywhere but this machine."""

    account_sid: str
    auth_token: str
    sms_from: str
    whatsapp_from: str | None = None
    whatsapp_template: str | None = None  # the approved notice for a closed window: HX...
    api_url: str = TWILIO_API_URL
    status_callback_url: str | None = None
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        check_tokens([self.auth_token])
        if not self.account_sid:
            raise SettingsInvalid("TWILIO_ACCOUNT_SID is not set.")
        if urlsplit(self.api_url).scheme != "https" and not self.is_loopback:
            raise SettingsInvalid(
                "WAYMARK_TWILIO_API_URL must start with https:// (the account token travels there)."
            )

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.api_url).hostname in LOOPBACK_HOSTS


class TooManyRequests(Exception):
    """Twilio answered 429. Raised here because its library drops the Retry-After header."""

    def __init__(self, retry_after_seconds: int | None) -> None:
        super().__init__("Twilio answered 429")
        self.retry_after_seconds = retry_after_seconds


class TwilioTransport(TwilioHttpClient):
    """Twilio's HTTP client, sent to the configured address, with a deadline and no retry."""

    def __init__(self, settings: TwilioSettings) -> None:
        super().__init__(timeout=settings.timeout_seconds)
        self._addresses = {TWILIO_API_URL: settings.api_url.rstrip("/")}
        for url in OTHER_URLS:
            self._addresses[url] = settings.api_url.rstrip("/") if settings.is_loopback else url
        assert self.session is not None
        # A proxy named in the environment must not be asked for an address of this machine.
        self.session.trust_env = not settings.is_loopback
        # Its debug lines carry the recipient's number in the query.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Twilio's answer, whatever its status but 429, which is raised as TooManyRequests."""
        address = self.find_address(uri)
        response = super().request(method, address, params, data, headers, auth, timeout, allow_redirects)
        if response.status_code == 429:
            raise TooManyRequests(_read_seconds((response.headers or {}).get("Retry-After")))
        return response

    def find_address(self, uri: str) -> str:
        """Where a request of the library's goes. Refuses (SettingsInvalid) a host that nobody has set."""
        for host, address in self._addresses.items():
            if uri.startswith(host + "/"):
                return address + uri.removeprefix(host)
        raise SettingsInvalid(
            "Twilio's library asked for an unexpected host. Set WAYMARK_TWILIO_API_URL instead."
        )

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: Twilio's own would write the recipient's number."""

    def log_response(self, status_code: int, response: object) -> None:
        """Nothing, for the same reason."""

    def close(self) -> None:
        assert self.session is not None
        self.session.close()


def _read_seconds(header: str | None) -> int | None:
    is_number = header and header.isascii() and header.isdigit() and len(header) <= 6
    return min(int(header), LONGEST_RETRY_AFTER_SECONDS) if header and is_number else None
