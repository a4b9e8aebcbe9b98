"""Canned replies: version 1 from a reviewed template, later ones from a supervisor; none is ever written over."""

import re
from dataclasses import replace
from pathlib import Path

from casework.model.errors import WaymarkError
from casework.model.sms_segments import count_segments
from casework.model.toml_files import read_toml
from casework.services.conversation_ports import CannedReply
from casework.services.ports import StaffMember, Transaction

TEMPLATE = Path(__file__).parent.parent / "templates" / "canned_replies.toml"
NAME = re.compile(r"[a-z][a-z0-9_]{1,46}")
LONGEST_TITLE, LONGEST_TEXT = 90, 1600


class CannedReplyUnfit(WaymarkError):
    """No name, title or text that can be kept; nothing was changed."""


class CannedReplyChanged(WaymarkError):
    """Somebody else wrote a newer version meanwhile; nothing was changed."""


def load_template(path: Path = TEMPLATE) -> tuple[CannedReply, ...]:
    """Version 1 of each. Raises SettingsInvalid where the file cannot be read."""
    return tuple(
        CannedReply(
            name=name,
            version=1,
            title=each["title"],
            text=each["text"],
            is_closing=each.get("is_closing", False),
        )
        for name, each in read_toml(path).items()
    )


def seed_canned_replies(tx: Transaction) -> int:
    """Writes what the template has and the database has not; how many that was."""
    return sum(tx.canned_replies.record(each) for each in load_template())


def list_offered(tx: Transaction) -> list[CannedReply]:
    return [each for each in tx.canned_replies.list_newest() if each.is_offered]


def find_unchanged(tx: Transaction, text: str, *, by: StaffMember) -> str | None:
    """What the outbox calls these words when they are a canned reply as it stands; None for any others."""
    said = " ".join(text.split())
    return next(
        (each.template for each in list_offered(tx) if " ".join(each.say(by.display_name).split()) == said),
        None,
    )


def change_canned_reply(
    tx: Transaction,
    name: str,
    *,
    title: str,
    text: str,
    is_closing: bool,
    is_offered: bool,
    after_version: int,
    by: StaffMember,
) -> CannedReply:
    """Writes the next version. `after_version`: the one that was looked at; 0 for a new name.

    Raises CannedReplyUnfit, and CannedReplyChanged when that is not the newest any more.
    """
    title, text = title.strip(), text.strip()
    is_short = len(title) <= LONGEST_TITLE and len(text) <= LONGEST_TEXT
    if not (NAME.fullmatch(name) and is_short and _can_be_seen(title) and _can_be_seen(text)):
        raise CannedReplyUnfit(name)
    reply = CannedReply(
        name=name,
        version=after_version + 1,
        title=title,
        text=text,
        is_closing=is_closing,
        is_offered=is_offered,
        created_by=by.id,
    )
    newest = next((each.version for each in tx.canned_replies.list_newest() if each.name == name), 0)
    if newest != after_version or not tx.canned_replies.record(reply):
        raise CannedReplyChanged(name)
    tx.audit.record("canned_reply_changed", by=by.id, thing=reply.template)
    return reply


def _can_be_seen(text: str) -> bool:
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def count_texts_of(reply: CannedReply) -> int:
    """Text messages it takes with a name of 24 letters."""
    return count_segments(replace(reply, text=reply.say("x" * 24)).text)
