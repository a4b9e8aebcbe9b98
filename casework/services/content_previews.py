"""Words as each channel would show them, before anybody is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from casework.model.content_lint import GAP, fill
from casework.model.messages import Author, Channel, Lane, OutboundMessage, SendKind
from casework.model.sms_segments import count_segments
from casework.services.content_gaps import USUAL
from casework.services.content_ports import BaseText, BaseTexts, ContentKind
from casework.services.ports import AssistantReply
from casework.services.rendering import WhatsAppForm, render_answer, render_for_whatsapp
from casework.services.service_texts import ServiceTexts
from casework.services.told_contents import find_form

LOCK_SCREEN_LETTERS = 40
# Nothing of the assistant's goes by e-mail.
PREVIEWED = (Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM, Channel.WEBCHAT)
ENTRY_REPLY = "utter_support_service"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The words as one channel shows them: `messages` in order, `segments` text messages of each, `lock_screen` the
    start of the first where a phone may show it."""

    channel: Channel
    messages: tuple[str, ...]
    segments: tuple[int, ...] = ()
    choices: tuple[str, ...] = ()
    whatsapp: WhatsAppForm | None = None
    lock_screen: str = ""


def preview(
    base: BaseText, forms: Mapping[str, str], *, texts: ServiceTexts, all_texts: BaseTexts
) -> tuple[Preview, ...]:
    """As it would be read, with something usual in its gaps. Of words that cannot be filled: none."""
    values: Mapping[str, str] = USUAL
    if base.kind is ContentKind.DIRECTORY:
        values = {**USUAL, **forms, "name": base.title}
        forms = all_texts[ENTRY_REPLY].forms
    if any(gap not in values for words in forms.values() for gap in GAP.findall(words)):
        return ()
    return tuple(
        _preview(base, fill(find_form(forms, channel), values), channel, texts) for channel in PREVIEWED
    )


def _preview(base: BaseText, words: str, channel: Channel, texts: ServiceTexts) -> Preview:
    choices = base.choices
    reply = AssistantReply(response=base.name, text=words, choices=choices)
    rendered = render_answer((reply,), channel, texts)
    messages = tuple(each.text for each in rendered)
    if channel is Channel.SMS:
        return Preview(
            channel=channel,
            messages=messages,
            segments=tuple(map(count_segments, messages)),
            lock_screen=messages[0][:LOCK_SCREEN_LETTERS],
        )
    if channel is Channel.WHATSAPP:
        whatsapp = render_for_whatsapp(_as_message(messages[0], choices), texts)
        return Preview(
            channel=channel,
            messages=(whatsapp.body,),
            choices=tuple(choice.title for choice in whatsapp.choices),
            whatsapp=whatsapp.form,
            lock_screen=whatsapp.body[:LOCK_SCREEN_LETTERS],
        )
    lock_screen = "" if channel is Channel.WEBCHAT else messages[0][:LOCK_SCREEN_LETTERS]
    return Preview(channel=channel, messages=messages, choices=choices, lock_screen=lock_screen)


def _as_message(words: str, choices: tuple[str, ...]) -> OutboundMessage:
    """To see it; nobody can send it."""
    return OutboundMessage(
        conversation_id="",
        channel=Channel.WHATSAPP,
        to="",
        text=words,
        lane=Lane.ASSISTANT,
        author=Author.ASSISTANT,
        kind=SendKind.ASSISTANT_REPLY,
        template="",
        dedupe_key="",
        epoch=0,
        choices=choices,
        menu_token="x" if choices else None,
    )
