"""What wraps data keys: a key service of a force's own by three methods, or the key file."""

import hmac
import os
from pathlib import Path
from threading import Lock
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casework.adapters.vault.key_files import KeyRing, KeysWrong, read_keys

NONCE_BYTES = 12


class KeyService(Protocol):
    """Keeps the key-encryption keys. A data key of 32 bytes goes in, and comes out wrapped for one owner alone."""

    def newest(self) -> int:
        """The version that wraps from now on."""
        ...

    def wrap(self, data_key: bytes, owner: str) -> bytes:
        """With the newest version."""
        ...

    def unwrap(self, version: int, wrapped: bytes, owner: str) -> bytes:
        """Raises KeysWrong where that version is not held, or did not wrap this for this owner."""
        ...


class FileKeys:
    """The key file as a key service, and the key of the indexes. Read at the first need, and again once it changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._seen: tuple[int, int] | None = None
        self._ring: KeyRing | None = None

    @property
    def ring(self) -> KeyRing:
        """As the file has it now: a new version is used at once by every process that runs."""
        try:
            told = self.path.stat()
            seen = (told.st_mtime_ns, told.st_ino)
        except OSError:
            seen = None
        with self._lock:
            if self._ring is None or seen is None or seen != self._seen:
                self._ring, self._seen = read_keys(self.path), seen
            return self._ring

    def newest(self) -> int:
        return max(self.ring.field)

    def wrap(self, data_key: bytes, owner: str) -> bytes:
        ring = self.ring
        version = max(ring.field)
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(ring.field[version]).encrypt(nonce, data_key, _about(version, owner))

    def unwrap(self, version: int, wrapped: bytes, owner: str) -> bytes:
        key = self.ring.field.get(version)
        if key is None:
            raise KeysWrong(
                f"{self.path} lacks version {version} of the key: it is older than this database. Put back the "
                "newest copy of the file. See docs/keys.md."
            )
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, sealed, _about(version, owner))
        except InvalidTag:
            raise KeysWrong(
                f"{self.path} does not fit this database: version {version} of its key is another one. Put back "
                "the file this database was sealed with. See docs/keys.md."
            ) from None

    def newest_index(self) -> int:
        return max(self.ring.index)

    def get_index_key(self, version: int) -> bytes:
        key = self.ring.index.get(version)
        if key is None:
            raise KeysWrong(
                f"{self.path} lacks version {version} of the index key: it is older than this database. Put back the "
                "newest copy of the file. See docs/keys.md."
            )
        return key


def make_index(key: bytes, text: str) -> str:
    """HMAC-SHA-256 as 64 hex digits: the same for the same text, and nothing of the text without the key."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def _about(version: int, owner: str) -> bytes:
    return f"data key|{version}|{owner}".encode()
