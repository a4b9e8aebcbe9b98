"""Reading Twilio's REST API: one resource, or a list to its last page. Nothing is ever written here."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from casework.adapters.settings import TWILIO_API_URL, Settings
from casework.model.errors import SettingsInvalid
from casework.services.sweeps import ProviderUnreachable
from channels.twilio_addresses import LOOPBACK_HOSTS

JsonObject = dict[str, Any]

TIMEOUT_SECONDS = 15.0
MOST_PAGES = 1000
# The other hosts of the same provider; everything else lives on the first.
MESSAGING_API_URL = "https://messaging.twilio.com"


@dataclass(frozen=True, kw_only=True)
class TwilioAccount:
    """Whom we ask as, and where. Refuses plain http to anywhere but this machine."""

    account_sid: str
    auth_tokens: Sequence[str]
    api_url: str = TWILIO_API_URL

    def __post_init__(self) -> None:
        parts = urlsplit(self.api_url)
        if parts.scheme != "https" and not self.is_loopback:
            raise SettingsInvalid(
                "WAYMARK_TWILIO_API_URL must start with https:// (the token travels there)."
            )

    @classmethod
    def from_settings(cls, settings: Settings) -> "TwilioAccount":
        return cls(
            account_sid=settings.twilio_account_sid,
            auth_tokens=settings.twilio_auth_tokens,
            api_url=settings.twilio_api_url,
        )

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.api_url).hostname in LOOPBACK_HOSTS

    @property
    def messaging_url(self) -> str:
        """Where messaging services are described: the sandbox and a proxy serve them beside the rest."""
        return MESSAGING_API_URL if self.api_url == TWILIO_API_URL else self.api_url


class TooManyPages(ProviderUnreachable):
    """A list goes on after the most pages we read; what was yielded until then holds."""

    def __init__(self) -> None:
        super().__init__("too_many_pages")


class TwilioReader:
    """Reads as the account; each call asks once. Use it as an async context manager."""

    def __init__(self, account: TwilioAccount) -> None:
        self.account = account
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> "TwilioReader":
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            # A proxy named in the environment must not be asked for an address of this machine.
            trust_env=not self.account.is_loopback,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def find(self, url: str, query: Mapping[str, str] | None = None) -> JsonObject | None:
        """The resource, or None for a 404. Raises ProviderUnreachable for everything else that is not an answer."""
        status = 401
        for token in self.account.auth_tokens:  # while one is being rotated, either may be the one that holds
            status, body = await self._ask(url, query, token)
            if status != 401:
                break
        if status == 404:
            return None
        if status != 200:
            raise ProviderUnreachable(f"http_{status}")
        try:
            found = json.loads(body)
        except ValueError:
            raise ProviderUnreachable("not_json") from None
        if not isinstance(found, dict):
            raise ProviderUnreachable("not_an_object")
        return found

    async def list_all(
        self, path: str, query: Mapping[str, str], *, key: str, most_pages: int = MOST_PAGES
    ) -> AsyncIterator[JsonObject]:
        """Every entry under `key` in the provider's order, page by page as `next_page_uri` leads."""
        url: str | None = self.account.api_url + path
        seen: set[str] = set()
        while url is not None and len(seen) < most_pages:
            if url in seen:
                raise ProviderUnreachable("pages_in_a_circle")
            seen.add(url)
            page = await self.find(url, query if len(seen) == 1 else None)
            if page is None or not isinstance(page.get(key), list):
                raise ProviderUnreachable("no_list")
            for entry in page[key]:
                if isinstance(entry, dict):
                    yield entry
            url = self._next(page.get("next_page_uri"))
        if url is not None and most_pages == MOST_PAGES:
            raise TooManyPages

    def _next(self, uri: object) -> str | None:
        if not uri:
            return None
        url = urljoin(self.account.api_url + "/", str(uri))
        if urlsplit(url)[:2] != urlsplit(self.account.api_url)[:2]:
            # Our credentials stay with the host we were told of.
            raise ProviderUnreachable("next_page_elsewhere")
        return url

    async def _ask(self, url: str, query: Mapping[str, str] | None, token: str) -> tuple[int, bytes]:
        headers = {
            "Accept": "application/json",
            "Authorization": aiohttp.encode_basic_auth(self.account.account_sid, token),
        }
        try:
            async with self._session.get(url, params=query, headers=headers, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except TimeoutError:
            raise ProviderUnreachable("timeout") from None
        except aiohttp.ClientError as failure:
            raise ProviderUnreachable(type(failure).__name__) from None
