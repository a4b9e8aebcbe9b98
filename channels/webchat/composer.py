"""What the web chat's form posts, read without losing a word of it."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import unquote_to_bytes

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel, InboundMessage

LONGEST_TEXT = 4000
MSG_ID = re.compile(r"[0-9a-f]{8,40}")
SCREEN_ANSWERS = ("no", "unsure", "yes")


@dataclass(frozen=True, kw_only=True)
class ComposerForm:
    """`text` is the box, `choice` the quick reply pressed (or ""); `msg_id` names one rendered composer.

    `language` is the one asked for, `page_language` that of the page it came from, `screen_seen` the answer to
    whether somebody may see the screen; "" for none. `keeps_open`: they asked for more time, and send nothing.
    """

    text: str
    choice: str
    msg_id: str
    language: str
    page_language: str
    screen_seen: str
    is_readable: bool
    raw: bytes
    keeps_open: bool = False

    @property
    def words(self) -> str:
        return self.choice or self.text

    @property
    def typed(self) -> str:
        """All of it, for a box that gives it back: the quick reply pressed, and what was half written beside it."""
        return "\n\n".join((self.choice, self.text)) if self.choice and self.text.strip() else self.words

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
    screen_seen = fields.get(b"screen_seen", b"").decode("ascii", "replace")
    return ComposerForm(
        text=text,
        choice=choice,
        msg_id=msg_id if MSG_ID.fullmatch(msg_id) else new_msg_id(),
        language=fields.get(b"language", b"").decode("ascii", "replace"),
        page_language=fields.get(b"page_language", b"").decode("ascii", "replace"),
        screen_seen=screen_seen if screen_seen in SCREEN_ANSWERS else "",
        is_readable=choice_is_readable if choice else text_is_readable,
        raw=body,
        keeps_open=fields.get(b"keep") == b"yes",
    )


def name_writer(form: ComposerForm) -> str:
    """Who writes in the session that this form opens: sent twice, it names the same one twice."""
    return sha256(f"{form.msg_id}\n{form.words}".encode()).hexdigest()[:32]


def receive_words(tx: SqlTransaction, form: ComposerForm, external_id: str, service: Service) -> None:
    """Stored, screened and on its way to whoever answers; the same form a second time changes nothing."""
    service.receive(tx, form.to_message(external_id, received_at=tx.now))


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
