"""Words outside the database: what the spool has handed in and still keeps, and exports that lie in the data folder.

A line of the spool keeps its length and loses what it said, so that the mark of how far it was taken in stays right.
What it has not handed in yet is left to come in: it is a message nobody has read.
"""

import asyncio
import io
import os
import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from casework.services.keeping_ports import Addresses, Counts, Covers
from channels.spool_files import LineUnreadable, decode_line, list_days, list_set_aside, read_offset
from channels.twilio_forms import WHATSAPP_PREFIX
from channels.twilio_signature import parse_form

SPOOLED, EXPORTED = "lines of the spool", "exports"
ADDRESS_FIELDS = (b"From", b"To", b"WaId", b"ExternalUserId")
TORN_BODY = re.compile(rb'"body": "([A-Za-z0-9+/]*)')


class ErasurePlaces:
    """Both places behind the port. A folder that is not there holds nothing."""

    def __init__(self, spool: Path, exports: Path) -> None:
        self._spool = spool
        self._exports = exports

    async def clean(self, covers: Covers, addresses: Addresses) -> Counts:
        return await asyncio.to_thread(self._clean, covers, addresses)

    def _clean(self, covers: Covers, addresses: Addresses) -> Counts:
        files = [(path, read_offset(path)) for path in list_days(self._spool)]
        files += [(path, path.stat().st_size) for path in list_set_aside(self._spool)]
        lines = sum(_blank_theirs(path, until, addresses) for path, until in files)
        return {SPOOLED: lines, EXPORTED: _remove_theirs(self._exports, covers)}


# --- the spool ----------------------------------------------------------------------------------


def _blank_theirs(path: Path, until: int, addresses: Addresses) -> int:
    """How many lines before `until` lost what they said."""
    with path.open("r+b") as file:
        theirs = [
            (start, len(line)) for start, line in _list_lines(file.read(until)) if _is_theirs(line, addresses)
        ]
        for start, length in theirs:
            file.seek(start)
            file.write(b" " * length)
        file.flush()
        os.fsync(file.fileno())
    return len(theirs)


def _list_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    for line in content.split(b"\n"):
        yield start, line
        start += len(line) + 1


def _is_theirs(line: bytes, addresses: Addresses) -> bool:
    try:
        form = dict(parse_form(decode_line(line).body))
    except LineUnreadable:
        return _names_them(_read_torn(line), addresses)
    written_to = {form.get(name, b"").decode("utf-8", "replace") for name in ADDRESS_FIELDS}
    written_to = {each.removeprefix(WHATSAPP_PREFIX) for each in written_to}
    message_id = form.get(b"MessageSid", b"").decode("utf-8", "replace")
    return message_id in addresses.message_ids or any(
        address in written_to for _, address in addresses.by_channel
    )


def _read_torn(line: bytes) -> bytes:
    """As much of a line's form as a crash left."""
    found = TORN_BODY.search(line)
    body = found[1] if found else b""
    return b64decode(body[: len(body) // 4 * 4]) if body else line


def _names_them(content: bytes, addresses: Addresses) -> bool:
    named = [*addresses.message_ids, *(address.lstrip("+") for _, address in addresses.by_channel)]
    return any(each.encode() in content for each in named)


# --- exports ------------------------------------------------------------------------------------


def _remove_theirs(folder: Path, covers: Covers) -> int:
    named = [each.encode() for ids in covers.list_subjects().values() for each in ids]
    theirs = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(each in content for content in _read_parts(path) for each in named)
    ]
    for path in theirs:
        path.unlink()
    return len(theirs)


def _read_parts(path: Path) -> Iterator[bytes]:
    yield path.name.encode()
    content = path.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(content)):
        yield content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for name in packed.namelist():
            yield name.encode()
            yield packed.read(name)
