"""What an answer is made of: the published words in place of the model's, and who was told which."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from casework.model.content_lint import SMS, WEB, fill
from casework.model.messages import Channel
from casework.services.content_ports import (
    DIRECTORY_PREFIX,
    ContentRef,
    ContentStatus,
    ContentVersion,
)
from casework.services.ports import AssistantReply, Transaction
from casework.services.support_directory import get_support_services

# A reply that tells of one entry of the directory names it so.
ENTRY_RESPONSE, ENTRY_NAME = "utter_support_service", "name"


def publish_over(
    tx: Transaction, replies: Sequence[AssistantReply], channel: Channel
) -> tuple[AssistantReply, ...]:
    """The replies in the words that are published now, each with the versions it is made of.

    A text nobody published over stays the model's, and so does one whose gaps this answer does not fill.
    """
    names = {name for reply in replies for name in (reply.response, _find_entry(reply)) if name}
    versions: dict[str, list[ContentVersion]] = {}
    for version in tx.contents.list_sayable(sorted(names)):
        versions.setdefault(version.name, []).append(version)
    return tuple(_publish_over(reply, versions, channel) for reply in replies) if versions else tuple(replies)


def note_told(tx: Transaction, outbox_id: int | None, contents: Sequence[ContentRef]) -> None:
    """For the transaction that writes the message. `outbox_id` None: it was there already."""
    if outbox_id is not None:
        tx.contents.record_told(outbox_id, tuple(dict.fromkeys(contents)))


def _publish_over(
    reply: AssistantReply, versions: Mapping[str, Sequence[ContentVersion]], channel: Channel
) -> AssistantReply:
    contents: list[ContentRef] = []
    said = _say(reply, versions.get(reply.response, ()), channel)
    if said is not None:
        text, version = said
        reply = replace(reply, text=text)
        contents.append((reply.response, version))
    entry = _find_entry(reply)
    told = _find_told_entry(reply, versions.get(entry, ())) if entry else None
    if entry is not None and told is not None:
        contents.append((entry, told))
    return replace(reply, contents=tuple(contents))


def _say(
    reply: AssistantReply, versions: Sequence[ContentVersion], channel: Channel
) -> tuple[str, int] | None:
    """The text and which version it is; None for words nobody keeps versions of."""
    for version in versions:
        words = _fill(version, reply, channel) if version.status is ContentStatus.PUBLISHED else None
        if words is not None:
            return words, version.version
    base = [version for version in versions if version.status is ContentStatus.BASE]
    filled = [(version.version, _fill(version, reply, channel)) for version in base]
    # A model may be older than the release: its words are what they were then. A shortened answer is a part of them.
    same = [number for number, words in filled if words == reply.text]
    part = [number for number, words in filled if words is not None and reply.text in words]
    newest = [version.version for version in base]
    return next(((reply.text, number) for number in (*same, *part, *newest)), None)


def _fill(version: ContentVersion, reply: AssistantReply, channel: Channel) -> str | None:
    try:
        return fill(find_form(version.forms, channel), reply.args)
    except KeyError:
        return None


def find_form(forms: Mapping[str, str], channel: Channel) -> str:
    """The words for that channel. Raises KeyError for a text without a full form."""
    return forms.get(SMS, forms[WEB]) if channel is Channel.SMS else forms[WEB]


def _find_entry(reply: AssistantReply) -> str | None:
    if not reply.response.startswith(ENTRY_RESPONSE):
        return None
    service_id = _ids_by_name().get(reply.args.get(ENTRY_NAME, ""))
    return None if service_id is None else DIRECTORY_PREFIX + service_id


def _find_told_entry(reply: AssistantReply, versions: Sequence[ContentVersion]) -> int | None:
    """Whichever says what was told: it was read when the answer was made, a moment before this."""
    published_first = sorted(versions, key=lambda version: version.status is not ContentStatus.PUBLISHED)
    for version in published_first:
        if all(version.forms.get(name, value) == value for name, value in reply.args.items()):
            return version.version
    return next((version.version for version in published_first), None)


@cache
def _ids_by_name() -> Mapping[str, str]:
    return {service.name: service.id for service in get_support_services()}
