"""Sends by Telegram's Bot API, each call once. It cannot be asked what became of a message (ADR 0013).

Which error means what: core.telegram.org/bots/api, "Making requests"; python-telegram-bot sorts them by status.
"""

from datetime import datetime

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from casework.model.messages import Lane, OutboundMessage, OutboxStatus
from casework.services.ports import Delivery
from casework.services.rendering import render_for_telegram
from casework.services.service_texts import ServiceTexts
from channels.telegram_transport import NeverLeft, TooManyRequests
from channels.telegram_updates import name_message

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
MOST_REMEMBERED = 10_000


class TelegramSender:
    """Telegram behind the port."""

    def __init__(self, bot: Bot, texts: ServiceTexts) -> None:
        self._bot = bot
        self._texts = texts
        # By dedupe key: safety lines whose outcome was looked up, and whether they were sent again since.
        self._sent_again: dict[str, bool] = {}

    async def deliver(self, message: OutboundMessage) -> Delivery:
        """Asks Telegram once to send `message`; says what became of it. A provider's fault is never raised."""
        if not message.to.lstrip("-").isdigit():
            return Delivery(status=OutboxStatus.FAILED, error_code="no_address", failure="unknown_fault")
        if message.dedupe_key in self._sent_again:
            self._sent_again[message.dedupe_key] = True
        text, rows = render_for_telegram(message, self._texts)
        try:
            sent = await self._bot.send_message(
                chat_id=int(message.to),
                text=text.encode("utf-8", "replace").decode(),
                reply_markup=_keyboard(rows),
                # Not to be passed on or saved from the chat; and a preview would fetch, and show, a link.
                protect_content=True,
                link_preview_options=NO_PREVIEW,
            )
            return Delivery(
                status=OutboxStatus.SENT, provider_message_id=name_message(message.to, sent.message_id)
            )
        except TelegramError as refusal:
            return sort_refusal(refusal)
        except (KeyError, TypeError, ValueError, AttributeError):
            # A success whose body made no sense: the message has probably left.
            return Delivery(status=OutboxStatus.UNKNOWN)

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        """Nobody can be asked. A safety line is sent once more; whatever else may have left becomes a person's task."""
        if message.lane is Lane.SAFETY and not self._sent_again.get(message.dedupe_key):
            if len(self._sent_again) >= MOST_REMEMBERED:
                self._sent_again.clear()
            # Only looked up so far: it may yet have to wait for its pace.
            self._sent_again[message.dedupe_key] = False
            return None
        return Delivery(status=OutboxStatus.FAILED, error_code="outcome_unknown", failure="outcome_unknown")

    async def close(self) -> None:
        await self._bot.shutdown()


def sort_refusal(refusal: TelegramError) -> Delivery:
    """What to do about an error, of an answer or of the way there."""
    if isinstance(refusal, TooManyRequests):
        return Delivery(
            status=OutboxStatus.WAITING,
            error_code="429",
            failure="busy",
            retry_after_seconds=refusal.retry_after_seconds,
        )
    if isinstance(refusal, NeverLeft):
        return Delivery(status=OutboxStatus.WAITING, error_code="not_connected")
    if isinstance(refusal, InvalidToken):
        # 401 and 404: our fault, not the message's, and mended by people.
        return Delivery(status=OutboxStatus.WAITING, error_code="401", failure="account_refused")
    if isinstance(refusal, Forbidden):
        return Delivery(status=OutboxStatus.FAILED, error_code="403", failure="blocked_by_person")
    if isinstance(refusal, ChatMigrated):
        return Delivery(status=OutboxStatus.FAILED, error_code="400", failure="unknown_fault")
    if isinstance(refusal, BadRequest):
        return Delivery(status=OutboxStatus.FAILED, error_code="400", failure=_find_fault(refusal.message))
    return Delivery(status=OutboxStatus.UNKNOWN)


def _find_fault(description: str) -> str:
    words = description.casefold()
    if "chat not found" in words:
        return "blocked_by_person"  # the account is gone, or never pressed Start: nothing of ours arrives
    return "too_long" if "too long" in words else "unknown_fault"


def _keyboard(rows: list[tuple[str, str]]) -> InlineKeyboardMarkup | None:
    """One button a row: titles side by side are cut short on a phone."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(title, callback_data=payload)] for title, payload in rows]
    )
