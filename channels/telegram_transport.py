"""How requests reach Telegram: the address, the deadlines, one try each, and the token in no log.

The token is part of every address, so whatever logs an address logs the key to every conversation.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from telegram import Bot
from telegram.error import NetworkError, TelegramError
from telegram.request import HTTPXRequest

from casework.adapters.settings import Settings
from channels.twilio_addresses import LOOPBACK_HOSTS

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 24 * 60 * 60
# Nothing had been written to the connection yet.
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, kw_only=True)
class TelegramSettings:
    """As which bot we speak, and where."""

    token: str
    api_url: str
    secret: str
    webhook_url: str
    answer_seconds: float = ANSWER_SECONDS

    @property
    def bot_id(self) -> str:
        """The public half of the token."""
        return self.token.partition(":")[0]

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.api_url).hostname in LOOPBACK_HOSTS


class TooManyRequests(TelegramError):
    """Telegram answered 429: nothing was done."""

    def __init__(self, retry_after_seconds: int | None) -> None:
        super().__init__("Telegram answered 429")
        self.retry_after_seconds = retry_after_seconds


class NeverLeft(TelegramError):
    """No connection was made: nothing reached Telegram."""


class TelegramTransport(HTTPXRequest):
    """The library's client with our deadlines; says which requests never left, and how long a 429 asks to wait."""

    def __init__(self, settings: TelegramSettings) -> None:
        super().__init__(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=settings.answer_seconds,
            write_timeout=settings.answer_seconds,
            pool_timeout=CONNECT_SECONDS,
            httpx_kwargs={
                # A kept connection that Telegram has closed meanwhile reads like a lost answer, and an answer
                # that is lost becomes a person's task.
                "limits": httpx.Limits(max_connections=20, max_keepalive_connections=0),
                # A proxy named in the environment must not be asked for an address of this machine.
                "trust_env": not settings.is_loopback,
            },
        )
        # Their lines carry the whole address.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """(status, body). Raises TooManyRequests, NeverLeft, and the library's own for what may have arrived."""
        try:
            status, body = await super().do_request(*args, **kwargs)
        except NetworkError as failure:
            if isinstance(failure.__cause__, NEVER_LEFT):
                raise NeverLeft("No connection to Telegram.") from None
            raise
        if status == 429:
            raise TooManyRequests(_find_seconds(body))
        return status, body


def find_telegram_settings(settings: Settings) -> TelegramSettings | None:
    """None where no bot is set: then Telegram is off."""
    if settings.telegram_bot_token is None or settings.telegram_secret is None:
        return None
    return TelegramSettings(
        token=settings.telegram_bot_token,
        api_url=settings.telegram_api_url,
        secret=settings.telegram_secret,
        webhook_url=f"{settings.public_url}/webhooks/telegram",
    )


def build_bot(settings: TelegramSettings) -> Bot:
    """The bot, connected to nothing until it is asked something."""
    transport = TelegramTransport(settings)
    return Bot(
        settings.token,
        base_url=f"{settings.api_url}/bot",
        base_file_url=f"{settings.api_url}/file/bot",
        request=transport,
        # Never used: updates come to us. Without one the library makes a second client.
        get_updates_request=transport,
    )


def _find_seconds(body: bytes) -> int | None:
    try:
        seconds = json.loads(body)["parameters"]["retry_after"]
    except (ValueError, LookupError, TypeError):
        return None
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
    return min(seconds, LONGEST_WAIT_SECONDS) if is_number and seconds > 0 else None
