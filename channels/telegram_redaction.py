"""Asking Telegram to delete a message of ours, which it does for 48 hours and never after.

Source: core.telegram.org/bots/api, deleteMessage.
"""

from telegram import Bot
from telegram.error import BadRequest, Forbidden, TelegramError

from casework.services.provider_redaction import Answered, LetGo


class TelegramForgetting:
    """Telegram behind the port. It has no redaction: words go with their message or stay."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def forget(self, provider_message_id: str, *, deletes: bool) -> Answered:
        """`provider_message_id`: chat and number, as the sender names a message."""
        chat_id, _, number = provider_message_id.partition(":")
        try:
            await self._bot.delete_message(chat_id=int(chat_id), message_id=int(number))
        except ValueError:
            return Answered(came_of_it=LetGo.IMPOSSIBLE, fault="no_address")
        except BadRequest as refusal:
            is_gone = "not found" in refusal.message.casefold()
            return Answered(came_of_it=LetGo.GONE if is_gone else LetGo.IMPOSSIBLE, fault="400")
        except Forbidden:
            return Answered(came_of_it=LetGo.IMPOSSIBLE, fault="403")
        except TelegramError as failure:
            return Answered(came_of_it=LetGo.LATER, fault=type(failure).__name__)
        return Answered(came_of_it=LetGo.DONE)
