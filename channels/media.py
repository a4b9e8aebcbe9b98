"""Fetching a file from the provider that keeps it. The address came from outside, so little is believed of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
from telegram import Bot
from telegram.error import BadRequest, InvalidToken, TelegramError

from casework.adapters.settings import Settings
from casework.model.messages import PHONES, Channel
from casework.services.media import (
    ADDRESS_REFUSED,
    LARGEST_BYTES,
    MISSING,
    NOT_ALLOWED,
    TOO_LARGE,
    UNREACHABLE,
    FileNotGiven,
    FileRefused,
)
from casework.services.ports import LeasedMedia
from channels.telegram_transport import TelegramSettings, build_bot, find_telegram_settings
from channels.twilio_addresses import LOOPBACK_HOSTS, is_providers_own

MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
REASON_OF_STATUS = {401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: MISSING, 410: MISSING}
CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 15.0
TOTAL_SECONDS = 60.0  # casework.services.media.LEASE_SECONDS is longer


@dataclass(frozen=True, kw_only=True)
class TwilioFiles:
    """Where our credentials may be shown: to this origin, when it is asked first, and to no other."""

    api_url: str
    account_sid: str
    auth_tokens: Sequence[str]  # while one is being rotated, either may be the one that holds

    def list_authorizations(self, url: str) -> list[dict[str, str]]:
        """The headers to ask this address with, in turn; none of ours for any but the API's."""
        if not is_providers_own(url, self.api_url):
            return [{}]
        return [
            {"Authorization": aiohttp.encode_basic_auth(self.account_sid, token)}
            for token in self.auth_tokens
        ]


@dataclass(frozen=True)
class Redirect:
    address: str


class ProviderFilesOverHttp:
    """Files of Twilio by their address, of Telegram by their file id."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        twilio: TwilioFiles,
        telegram: tuple[Bot, TelegramSettings] | None,
        *,
        largest_bytes: int = LARGEST_BYTES,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._session = session
        self._twilio = twilio
        self._telegram = telegram
        self._largest_bytes = largest_bytes
        self._total_seconds = total_seconds

    async def fetch(self, media: LeasedMedia) -> bytes:
        """The whole file. Raises FileRefused or FileNotGiven, whose words name no address: one may hold a key."""
        try:
            async with asyncio.timeout(self._total_seconds):
                return await self._fetch(media)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise FileNotGiven(UNREACHABLE) from None
        except ValueError:
            raise FileRefused(ADDRESS_REFUSED) from None

    async def _fetch(self, media: LeasedMedia) -> bytes:
        if media.channel in PHONES:
            return await self._follow(media.source)
        if media.channel is Channel.TELEGRAM and self._telegram is not None:
            bot, settings = self._telegram
            found = await self._get(await _find_telegram_address(bot, settings, media.source))
            if isinstance(found, bytes):
                return found
        raise FileRefused(ADDRESS_REFUSED)

    async def _follow(self, url: str) -> bytes:
        authorizations = self._twilio.list_authorizations(url)
        for _ in range(MOST_REDIRECTS + 1):
            self._check_address(url)
            found = await self._get_as_any(url, authorizations)
            if isinstance(found, bytes):
                return found
            # Wherever a redirect leads, the account's tokens stay behind.
            url, authorizations = urljoin(url, found.address), [{}]
        raise FileRefused(ADDRESS_REFUSED)

    async def _get_as_any(self, url: str, authorizations: Sequence[Mapping[str, str]]) -> bytes | Redirect:
        *others, last = authorizations
        for headers in others:
            try:
                return await self._get(url, headers)
            except FileNotGiven as refusal:
                if refusal.reason != NOT_ALLOWED:
                    raise
        return await self._get(url, last)

    def _check_address(self, url: str) -> None:
        """https; or this machine, where the provider itself is on it, as in the sandbox."""
        parts = urlsplit(url)
        schemes: tuple[str, ...] = ("https",)
        if parts.hostname in LOOPBACK_HOSTS:
            is_sandbox = urlsplit(self._twilio.api_url).hostname in LOOPBACK_HOSTS
            schemes = ("http", "https") if is_sandbox else ()
        if parts.scheme not in schemes or not parts.hostname or parts.username is not None:
            raise FileRefused(ADDRESS_REFUSED)

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> bytes | Redirect:
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status in REDIRECTS:
                return Redirect(response.headers.get("Location", ""))
            if response.status != 200:
                raise FileNotGiven(REASON_OF_STATUS.get(response.status, UNREACHABLE))
            return await self._read(response)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._largest_bytes:
            raise FileRefused(TOO_LARGE)
        content = bytearray()
        # The length that was named may be a lie, so what comes is counted.
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            content += chunk
            if len(content) > self._largest_bytes:
                raise FileRefused(TOO_LARGE)
        return bytes(content)


async def _find_telegram_address(bot: Bot, settings: TelegramSettings, file_id: str) -> str:
    """Where Telegram keeps a file for the next hour. The bot's token is part of it."""
    try:
        file = await bot.get_file(file_id)
    except BadRequest as refusal:
        # Bots are given 20 MB at most (bots/api, getFile), more than we take.
        raise (FileRefused(TOO_LARGE) if "too big" in refusal.message else FileNotGiven(MISSING)) from None
    except InvalidToken:
        raise FileNotGiven(NOT_ALLOWED) from None
    except TelegramError:
        raise FileNotGiven(UNREACHABLE) from None
    address = file.file_path or ""
    if not address.startswith(f"{settings.api_url}/file/bot{settings.token}/"):
        raise FileNotGiven(MISSING)
    return address


@asynccontextmanager
async def open_provider_files(settings: Settings) -> AsyncIterator[ProviderFilesOverHttp]:
    """Where files are fetched from, for as long as the block runs."""
    telegram_settings = find_telegram_settings(settings)
    telegram = None if telegram_settings is None else (build_bot(telegram_settings), telegram_settings)
    twilio = TwilioFiles(
        api_url=settings.twilio_api_url,
        account_sid=settings.twilio_account_sid,
        auth_tokens=settings.twilio_auth_tokens,
    )
    async with open_file_session() as session:
        yield ProviderFilesOverHttp(session, twilio, telegram)
    if telegram is not None:
        await telegram[0].shutdown()


def open_file_session() -> aiohttp.ClientSession:
    """Keeps no cookie, believes no proxy or netrc, and unpacks nothing: a small reply cannot grow into a large one."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )
