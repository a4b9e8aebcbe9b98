"""One owner's key, and the form of what is sealed with it.

AES-256-GCM with a random nonce of 96 bits: a key would have to seal 2**32 fields before that were too few (NIST SP
800-38D, 8.3); an owner's has thousands. What is sealed, as base64: one byte for this form, eight that name the key, the
nonce, the words and their tag. `about` says where it stands: table.column and the row. It is in the tag and not in the
text, so that what is moved elsewhere does not open.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casework.model.errors import WaymarkError

FORM = b"\x01"
ID_BYTES = 8
HEAD_BYTES = len(FORM) + ID_BYTES
NONCE_BYTES = 12
KEY_BYTES = 32


class FieldUnreadable(WaymarkError):
    """A sealed field was altered or moved, or its key is gone. The message says where it stands, and no word of it."""


class KeyDestroyed(FieldUnreadable):
    """Its key was destroyed on purpose: whoever reads it says that it was erased."""


def new_key() -> tuple[str, bytes]:
    """A name, 16 hex digits, and the key itself."""
    return os.urandom(ID_BYTES).hex(), os.urandom(KEY_BYTES)


class DataKey:
    def __init__(self, key_id: str, key: bytes) -> None:
        self._head = FORM + bytes.fromhex(key_id)
        self._cipher = AESGCM(key)

    def seal(self, words: bytes, about: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, words, _bind(self._head, about))
        return base64.b64encode(self._head + nonce + sealed).decode("ascii")

    def open(self, sealed: bytes, about: str) -> bytes:
        """`sealed` as `parse` gave it. Raises FieldUnreadable."""
        nonce = sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES]
        try:
            return self._cipher.decrypt(
                nonce, sealed[HEAD_BYTES + NONCE_BYTES :], _bind(sealed[:HEAD_BYTES], about)
            )
        except (InvalidTag, ValueError):
            raise unreadable(about) from None


def _bind(head: bytes, about: str) -> bytes:
    """What the tag vouches for beside the words: whose key, and where they stand."""
    return head + about.encode()


def parse(text: str, about: str) -> tuple[str, bytes]:
    """(the key's name, what was sealed). Raises FieldUnreadable for anything else."""
    try:
        sealed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise unreadable(about) from None
    if sealed[:1] != FORM or len(sealed) < HEAD_BYTES + NONCE_BYTES:
        raise unreadable(about)
    return sealed[1:HEAD_BYTES].hex(), sealed


def unreadable(about: str) -> FieldUnreadable:
    return FieldUnreadable(f"{_column(about)} was altered or moved, or its key is gone.")


def destroyed(about: str) -> KeyDestroyed:
    return KeyDestroyed(f"{_column(about)} was erased: its key was destroyed.")


def _column(about: str) -> str:
    # The row may hold an address: only the column is named.
    return about.partition("|")[0]
