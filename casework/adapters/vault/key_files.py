"""The key file: every version of the key that wraps data keys and, apart from them, of the key of the indexes.

JSON, mode 0600: {"field": {"1": base64 of 32 bytes}, "index": {"1": ...}}. The newest version is the one written with;
older ones stay readable until nothing needs them. Losing the file is losing every word that was sealed.
"""

import base64
import binascii
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as kept
from pathlib import Path

from casework.model.errors import SettingsInvalid

KEY_BYTES = 32
OTHERS = 0o077  # the bits of a mode that let anybody but its owner in
FORM = '{"field": {"1": ...}, "index": {"1": ...}}, each key 32 bytes as base64'


class KeysWrong(SettingsInvalid):
    """The keys are missing, unreadable, or not those this database was sealed with; the message has the remedy."""


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """Versions of both keys, each 32 bytes; a number is never given twice."""

    field: Mapping[int, bytes] = kept(repr=False)
    index: Mapping[int, bytes] = kept(repr=False)

    def add_field(self) -> "KeyRing":
        return replace(self, field={**self.field, max(self.field) + 1: secrets.token_bytes(KEY_BYTES)})

    def add_index(self) -> "KeyRing":
        return replace(self, index={**self.index, max(self.index) + 1: secrets.token_bytes(KEY_BYTES)})

    def drop_field(self, version: int) -> "KeyRing":
        return replace(self, field={each: key for each, key in self.field.items() if each != version})

    def drop_index(self, version: int) -> "KeyRing":
        return replace(self, index={each: key for each, key in self.index.items() if each != version})


def new_ring() -> KeyRing:
    return KeyRing(field={1: secrets.token_bytes(KEY_BYTES)}, index={1: secrets.token_bytes(KEY_BYTES)})


def read_keys(path: Path) -> KeyRing:
    """Raises KeysWrong, naming the file and what to do, and never a byte of a key."""
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise KeysWrong(
            f"There is no key file {path}. Put back the one this database was sealed with, or name it in "
            "WAYMARK_KEYS. See docs/keys.md."
        ) from None
    except OSError as error:
        raise KeysWrong(f"The key file {path} cannot be read: {error.strerror}.") from None
    if mode & OTHERS:
        raise KeysWrong(f"The key file {path} may be read by others. Run: chmod 600 {path}")
    try:
        stored = json.loads(content)
        ring = KeyRing(field=_versions(stored["field"]), index=_versions(stored["index"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KeysWrong(
            f"{path} is no key file, or a damaged one: it holds {FORM}. See docs/keys.md."
        ) from None
    return ring


def _versions(stored: Mapping[str, str]) -> dict[int, bytes]:
    keys = {int(version): _key(text) for version, text in stored.items()}
    if not keys or min(keys) < 1:
        raise ValueError("no version")
    return keys


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError("too short")
    return key


def write_keys(path: Path, ring: KeyRing) -> None:
    """In one step: a process that reads meanwhile has the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as out:
        json.dump({"field": _texts(ring.field), "index": _texts(ring.index)}, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _texts(keys: Mapping[int, bytes]) -> dict[str, str]:
    return {str(version): base64.b64encode(key).decode() for version, key in sorted(keys.items())}
