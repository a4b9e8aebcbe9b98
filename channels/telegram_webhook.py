"""Telling Telegram where to bring updates, and looking whether it does: what it cannot deliver is gone in a day."""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from telegram import Bot, WebhookInfo
from telegram.error import BadRequest, TelegramError

from casework.services.ports import Clock, Store
from channels.telegram_transport import TelegramSettings
from channels.telegram_updates import WANTED_UPDATES

log = structlog.get_logger()

ALARM = "telegram_refused"
LOOK_SECONDS = 300.0
SOON_SECONDS = 20.0  # while something is wrong
ERROR_IS_FRESH = timedelta(minutes=15)
LONGEST_DETAIL = 160


class TelegramWebhook:
    """A worker's step. Sets the webhook at start and again whenever something is wrong; never drops what waits."""

    def __init__(
        self,
        bot: Bot,
        settings: TelegramSettings,
        store: Store,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._settings = settings
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._is_set = False
        self._next_look = 0.0

    async def look(self) -> bool:
        """Looks when it is time to. False always: nobody waits for the next look."""
        if self._monotonic() >= self._next_look:
            fault = await self.check_now()
            self._next_look = self._monotonic() + (SOON_SECONDS if fault else LOOK_SECONDS)
        return False

    async def check_now(self) -> str | None:
        """What is wrong, which also sounds the alarm; None, which ends it, when all is well."""
        try:
            fault = await self._find_fault()
        except (TelegramError, KeyError, TypeError, ValueError, AttributeError) as refusal:
            fault = _describe(refusal)
        if fault is None:
            await self._store.write(lambda tx: tx.alarms.end(ALARM))
        else:
            self._is_set = False
            detail = fault[:LONGEST_DETAIL]
            if await self._store.write(lambda tx: tx.alarms.sound(ALARM, detail)):
                log.error("telegram_refused")
        return fault

    async def _find_fault(self) -> str | None:
        if not self._is_set:
            await self._bot.set_webhook(
                self._settings.webhook_url,
                secret_token=self._settings.secret,
                allowed_updates=list(WANTED_UPDATES),
            )
            self._is_set = True
        return self._read(await self._bot.get_webhook_info())

    def _read(self, info: WebhookInfo) -> str | None:
        if info.url != self._settings.webhook_url:
            return "Telegram brings updates to another address than WAYMARK_PUBLIC_URL."
        failed_at = info.last_error_date
        if info.pending_update_count and failed_at and self._clock.now() - failed_at < ERROR_IS_FRESH:
            return f"Telegram could not bring {info.pending_update_count} updates: {info.last_error_message}"
        return None


def _describe(refusal: Exception) -> str:
    """Telegram's own words where it gave any; of any other only the kind: the address in it holds the token."""
    words = refusal.message if isinstance(refusal, BadRequest) else type(refusal).__name__
    return f"Telegram does not take our requests: {words}"
