"""Reading a choice: a button's payload, or a number while its list is fresh. Anything else is a message."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from casework.model.keywords import KEYWORD_CHANNELS, fold_whole, is_lone_digit, packaged_keywords
from casework.model.messages import InboundMessage, find_written_at
from casework.services.ports import Conversation, JsonObject, Transaction

MENU_LIVES = timedelta(minutes=30)  # sms_whatsapp.md section 4
MENU_REMEMBERED = timedelta(days=7)
PAYLOAD = re.compile(r"([A-Za-z0-9_-]{16,32})\.([1-9]\d?)")


@dataclass(frozen=True, kw_only=True)
class MenuReading:
    """`choice`: the title it stands for, in our words. `is_gone`: a number for a list that is no longer there."""

    choice: str | None = None
    is_gone: bool = False


NO_CHOICE = MenuReading()


def read_choice(tx: Transaction, conversation: Conversation, message: InboundMessage) -> MenuReading:
    """What the message chooses, if anything.

    A button means what it said however old it is; its payload came from outside and is looked up in this
    conversation alone. A number or a title counts as the whole text, and while the list is the last thing we said.
    """
    if conversation.channel not in KEYWORD_CHANNELS:
        return NO_CHOICE
    pressed = _find_pressed(tx, conversation, message.choice)
    if pressed is not None:
        return MenuReading(choice=pressed)
    written_at = find_written_at(message.origin, message.sent_at, message.received_at)
    newest = tx.menus.find_newest_sent(conversation.id, until=written_at)
    if newest is not None and newest.choices and written_at - newest.at < MENU_LIVES:
        return MenuReading(choice=_find_typed(newest.choices, message.text))
    is_gone = (
        is_lone_digit(message.text)
        and not has_open_form(conversation.state)
        and tx.menus.has_sent(conversation.id, since=written_at - MENU_REMEMBERED)
    )
    return MenuReading(is_gone=is_gone)


def has_open_form(state: JsonObject | None) -> bool:
    """Whether the assistant is in the middle of asking for something; its state is read, never written."""
    if not state:
        return False
    loops = [event for event in _list_events(state) if event.get("event") == "active_loop"]
    if loops:
        return loops[-1].get("name") is not None
    start = state.get("start")
    return isinstance(start, dict) and start.get("loop") is not None


def _list_events(state: JsonObject) -> list[dict[str, Any]]:
    events = state.get("events")
    return [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []


def _find_pressed(tx: Transaction, conversation: Conversation, payload: str | None) -> str | None:
    named = PAYLOAD.fullmatch(payload) if payload else None
    if named is None:
        return None
    return _choice_at(tx.menus.find(conversation.id, named[1]), int(named[2]))


def _find_typed(choices: Sequence[str], text: str) -> str | None:
    number = packaged_keywords().find_number(text)
    if number is not None:
        return _choice_at(choices, number)
    written = fold_whole(text)
    return next((choice for choice in choices if fold_whole(choice) == written), None)


def _choice_at(choices: Sequence[str], number: int) -> str | None:
    return choices[number - 1] if number <= len(choices) else None
