"""One message model, one form a channel: a turn's replies become messages, and a message what its channel shows.

A message is a text and its choices. Web chat shows them as buttons; SMS has them written out as `Reply 1 ... 2 ...`,
in the stored text too, which is what leaves; WhatsApp and Telegram get buttons made of them when it is sent.
Limits: Twilio's pages "twilio/quick-reply" and "twilio/list-picker", Telegram's sendMessage and
InlineKeyboardButton; sms_whatsapp.md section 8.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from casework.model.gsm_text import count_texts
from casework.model.messages import Channel, OutboundMessage
from casework.services.content_ports import ContentRef
from casework.services.ports import AssistantReply
from casework.services.service_texts import ServiceTexts

CHECK_QUESTION = "check_question"
PROMISE = "promise"
CHOICES = "choices"
MOST_SEGMENTS = 2

LONGEST_WITH_BUTTONS = 1024
MOST_BUTTONS = 3
LONGEST_BUTTON = 20
MOST_ROWS = 10
LONGEST_ROW = 24
MOST_PARAGRAPHS = 8
LONGEST_PAYLOAD_BYTES = 64
# Variables of a WhatsApp message may hold none of these (Twilio's error 21656), nor what reads as a variable itself.
_NOT_IN_A_VARIABLE = re.compile(r"[\n\r\t]| {5}|\{\{|\}\}")


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One message of a turn's answer. `template` names the texts it was made of, `contents` their versions."""

    text: str
    template: str
    choices: tuple[str, ...] = ()
    contents: tuple[ContentRef, ...] = ()


class WhatsAppForm(StrEnum):
    TEXT = "text"
    BUTTONS = "buttons"
    LIST = "list"


@dataclass(frozen=True, kw_only=True)
class Choice:
    title: str
    payload: str  # what comes back when it is pressed: `menus.read_choice` looks it up


@dataclass(frozen=True, kw_only=True)
class WhatsAppMessage:
    """`paragraphs` are shown with a blank line between them; one only, and no choices, for TEXT."""

    form: WhatsAppForm
    paragraphs: tuple[str, ...]
    choices: tuple[Choice, ...] = ()

    @property
    def body(self) -> str:
        return "\n\n".join(self.paragraphs)


def render_answer(
    replies: Sequence[AssistantReply],
    channel: Channel,
    texts: ServiceTexts,
    *,
    promised: Sequence[str] = (),
    asks: bool = False,
) -> tuple[Rendered, ...]:
    """A turn's answer: its replies, what was promised with them and, if `asks`, whether they are OK.

    One message; by SMS as few as keep each within two segments, in that order, the choices a line at the end. A
    part that is longer by itself stays whole. By SMS no choices go with the question: a "no" to one must never be
    read as the other's.
    """
    parts = [Rendered(text=reply.text, template=reply.response, contents=reply.contents) for reply in replies]
    parts += [Rendered(text=words, template=PROMISE) for words in promised]
    choices = replies[-1].choices
    if asks:
        parts.append(Rendered(text=texts.render(CHECK_QUESTION, channel), template=CHECK_QUESTION))
    if channel is not Channel.SMS:
        return (replace(_join(parts, between="\n\n"), choices=choices),)
    if choices and not asks:
        parts.append(Rendered(text=_number(choices, texts), template=CHOICES, choices=choices))
    return _pack(parts)


def write_out(text: str, choices: Sequence[str], texts: ServiceTexts) -> str:
    """The text with its choices as one numbered line below it, for wherever there are no buttons."""
    return f"{text}\n{_number(choices, texts)}" if choices else text


def _number(choices: Sequence[str], texts: ServiceTexts) -> str:
    numbered = " ".join(f"{number} {title}" for number, title in enumerate(choices, 1))
    return texts.render(CHOICES, Channel.SMS, choices=numbered)


def render_for_whatsapp(message: OutboundMessage, texts: ServiceTexts) -> WhatsAppMessage:
    """One to three short titles: buttons; up to ten: a list; what WhatsApp would refuse: a numbered text."""
    choices = _choices_of(message)
    form = _find_form(message.text, [choice.title for choice in choices])
    if form is WhatsAppForm.TEXT:
        return render_as_text(message, texts)
    return WhatsAppMessage(form=form, paragraphs=tuple(message.text.split("\n\n")), choices=choices)


def render_as_text(message: OutboundMessage, texts: ServiceTexts) -> WhatsAppMessage:
    text = write_out(message.text, message.choices, texts)
    return WhatsAppMessage(form=WhatsAppForm.TEXT, paragraphs=(text,))


def render_for_telegram(message: OutboundMessage, texts: ServiceTexts) -> tuple[str, list[tuple[str, str]]]:
    """(text, rows of an inline keyboard as (title, payload)); no rows: the choices are in the text."""
    choices = _choices_of(message)
    if not choices or any(len(choice.payload.encode()) > LONGEST_PAYLOAD_BYTES for choice in choices):
        return write_out(message.text, message.choices, texts), []
    return message.text, [(choice.title, choice.payload) for choice in choices]


def _choices_of(message: OutboundMessage) -> tuple[Choice, ...]:
    if message.menu_token is None:
        return ()
    return tuple(
        Choice(title=title, payload=f"{message.menu_token}.{number}")
        for number, title in enumerate(message.choices, 1)
    )


def _find_form(text: str, titles: Sequence[str]) -> WhatsAppForm:
    paragraphs = text.split("\n\n")
    fits = (
        0 < len(text) <= LONGEST_WITH_BUTTONS
        and len(paragraphs) <= MOST_PARAGRAPHS
        and all(part.strip() and not _NOT_IN_A_VARIABLE.search(part) for part in [*paragraphs, *titles])
        and len(set(titles)) == len(titles)
    )
    longest = max(map(len, titles), default=0)
    if fits and 0 < len(titles) <= MOST_BUTTONS and longest <= LONGEST_BUTTON:
        return WhatsAppForm.BUTTONS
    if fits and 0 < len(titles) <= MOST_ROWS and longest <= LONGEST_ROW:
        return WhatsAppForm.LIST
    return WhatsAppForm.TEXT


def _pack(parts: Sequence[Rendered]) -> tuple[Rendered, ...]:
    """As few messages as keep each within two segments, in that order."""
    packed: list[list[Rendered]] = []
    for part in parts:
        together = [*packed[-1], part] if packed else []
        if together and count_texts(_join(together, between="\n").text) <= MOST_SEGMENTS:
            packed[-1] = together
        else:
            packed.append([part])
    return tuple(_join(each, between="\n") for each in packed)


def _join(parts: Sequence[Rendered], *, between: str) -> Rendered:
    names = dict.fromkeys(part.template for part in parts if part.template != CHOICES)
    return Rendered(
        text=between.join(part.text for part in parts),
        template="+".join(names) or CHOICES,
        choices=parts[-1].choices,
        contents=tuple(content for part in parts for content in part.contents),
    )
