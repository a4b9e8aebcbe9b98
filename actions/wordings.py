"""How long a reply will be in words, from the texts of bot/domain: for choosing what to say, never for saying it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rasa_sdk.utils import read_yaml_file

from casework.model.gsm_text import count_texts
from casework.model.messages import Channel
from casework.services.rendering import MOST_SEGMENTS, write_out
from casework.services.service_texts import load_service_texts

DOMAIN_FOLDER = Path(__file__).parents[1] / "bot" / "domain"
SMS = Channel.SMS.value
MOST_PARAGRAPHS = 3
SHORT_SENTENCES = 2

Message = dict[str, Any]


@cache
def load_wordings() -> Mapping[str, Mapping[str | None, Mapping[str, Any]]]:
    """Response -> channel (None: every other) -> its wording as the domain has it."""
    domains = [read_yaml_file(file) for file in sorted(DOMAIN_FOLDER.glob("*.yml"))]
    responses = {name: rows for domain in domains for name, rows in domain.get("responses", {}).items()}
    return {name: {row.get("channel"): row for row in rows} for name, rows in responses.items()}


def find_words(message: Message, channel: str) -> str:
    """The text a message will have; "" for a response that has none."""
    text = message.get("text") or _find_wording(message, channel).get("text", "")
    return re.sub(r"\{(\w+)\}", lambda gap: str(message.get(gap[1], "")), text)


def find_choices(message: Message, channel: str) -> list[str]:
    buttons = [*_find_wording(message, channel).get("buttons", []), *(message.get("buttons") or [])]
    return [button["title"] for button in buttons]


def is_short(messages: Sequence[Message], channel: str) -> bool:
    """Whether these may go out as one reply: two segments by SMS with the choices, else three paragraphs."""
    words = [find_words(message, channel) for message in messages]
    if channel != SMS:
        return sum(len(text.split("\n\n")) for text in words) <= MOST_PARAGRAPHS
    text = write_out("\n".join(words), find_choices(messages[-1], channel), load_service_texts())
    return count_texts(text) <= MOST_SEGMENTS


def shorten(message: Message, channel: str) -> Message:
    """The same answer in its short form, or in the first two sentences of it; never without its 999."""
    short = find_words(message, SMS)
    if channel == SMS and "999" not in short:
        short = " ".join(re.split(r"(?<=[.?]) ", short)[:SHORT_SENTENCES])
    return {**message, "text": short}


def _find_wording(message: Message, channel: str) -> Mapping[str, Any]:
    of_channel = load_wordings().get(message.get("response") or "", {})
    return of_channel.get(channel) or of_channel.get(None) or {}
