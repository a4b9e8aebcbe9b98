"""What the web chat's form posts, read without losing a word of it."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import unquote_to_bytes

from casework.model.messages import Channel, InboundMessage

LONGEST_TEXT = 4000
MSG_ID = re.compile(r"[0-9a-f]{8,40}")


@dataclass(frozen=True, kw_only=True)
class ComposerForm:
    """`text` is the box, `choice` the quick reply pressed (or ""); `msg_id` names one rendered composer."""

    text: str
    choice: str
    msg_id: str
    is_readable: bool
    raw: bytes

    @property
    def words(self) -> str:
        return self.choice or self.text

    @property
    def is_empty(self) -> bool:
        return not self.words.strip()

    @property
    def is_too_long(self) -> bool:
        return len(self.words) > LONGEST_TEXT

    def to_message(self, external_id: str, *, received_at: datetime) -> InboundMessage:
        """The same form sent twice gives the same id; other words from the same page give another.

        Without the words in the id, a page shown again by Back would swallow the next message.
        """
        digest = sha256(self.words.encode()).hexdigest()[:16]
        return InboundMessage(
            channel=Channel.WEBCHAT,
            provider_message_id=f"{external_id}:{self.msg_id}:{digest}",
            external_id=external_id,
            text=self.words,
            received_at=received_at,
            raw=self.raw,
            is_readable=self.is_readable,
        )


def parse_composer(body: bytes) -> ComposerForm:
    """Never refuses: what cannot be decoded becomes U+FFFD and the form says it was not readable."""
    fields = dict(_pairs(body))
    text, text_is_readable = _read_text(fields.get(b"text", b""))
    choice, choice_is_readable = _read_text(fields.get(b"choice", b""))
    choice = choice.strip()
    msg_id = fields.get(b"msg_id", b"").decode("ascii", "replace")
    return ComposerForm(
        text=text,
        choice=choice,
        msg_id=msg_id if MSG_ID.fullmatch(msg_id) else new_msg_id(),
        is_readable=choice_is_readable if choice else text_is_readable,
        raw=body,
    )


def new_msg_id() -> str:
    return secrets.token_hex(8)


def _pairs(body: bytes) -> list[tuple[bytes, bytes]]:
    pairs = (part.partition(b"=") for part in body.split(b"&"))
    return [(_unquote(name), _unquote(value)) for name, _, value in pairs]


def _unquote(quoted: bytes) -> bytes:
    return unquote_to_bytes(quoted.replace(b"+", b" "))


def _read_text(value: bytes) -> tuple[str, bool]:
    text = value.decode("utf-8", "replace").replace("\0", "\ufffd")
    # A person may really have sent U+FFFD; only what had to change is called unreadable.
    return text.replace("\r\n", "\n"), text.encode() == value
