"""A form with files, read piece by piece: no file is ever in memory while it comes, and none is believed.

Files wait in the system's folder for temporary files, without a name, and are gone with the form.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from tempfile import TemporaryFile
from typing import IO

import aiohttp
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from casework.services.media import LARGEST_BYTES, TOO_LARGE, TYPE_NOT_TAKEN
from casework.services.uploads import MOST_AT_ONCE, UploadedFile
from channels.media_types import find_media_type
from channels.request_limits import RequestLimits

FILES = "files"
CHUNK_BYTES = 1024 * 1024
# The reader waits for a second piece of this size before it gives the first: a note is whole before its files are.
FIELD_CHUNK_BYTES = 1024
# What the page can say of a file beyond the reasons of services/media.py.
EMPTY, TOO_MANY, FULL = "empty", "too_many", "full"
TOLD_HERE_ONLY = (EMPTY, TOO_MANY, FULL)
# Far above what a browser sends for this form; each part costs memory, and each file in it a line on the page.
MOST_PARTS = 60
LONGEST_NAME = 60
LONGEST_TYPE = 96
BROKEN = (
    ValueError,
    AssertionError,
    RuntimeError,
    OSError,
    web.RequestPayloadError,
    aiohttp.ClientPayloadError,
    HttpProcessingError,
)


class UploadFault(StrEnum):
    """Why a whole form does not count. The words for it are in my/files.html."""

    TOO_LARGE = "too_large"  # more came than a form may hold; the rest was not read
    BROKEN = "broken"  # it ended in the middle, or is no form of ours
    TOO_SLOW = "too_slow"  # it did not end in time, or nothing came for too long


class UploadFailed(Exception):
    """Nothing of it counts. `fields` are those read until then: words are not typed twice."""

    def __init__(self, fault: UploadFault, fields: dict[str, bytes]) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.fields = fields


@dataclass(frozen=True, kw_only=True)
class IncomingFile:
    """`name` is what the browser calls it, for the person to know it by. `refused`: why nothing of it is kept."""

    name: str
    stated_type: str
    size: int
    found_type: str | None
    sha256: str
    refused: str
    content: IO[bytes] | None = field(repr=False)

    def read(self) -> bytes:
        assert self.content is not None
        self.content.seek(0)
        return self.content.read()

    def as_uploaded(self) -> UploadedFile:
        return UploadedFile(
            stated_type=self.stated_type,
            found_type=self.found_type,
            sha256=self.sha256,
            read=self.read,
            refused=self.refused,
        )


@dataclass(frozen=True, kw_only=True)
class UploadForm:
    """`fields` are those that are no files, as bytes."""

    fields: dict[str, bytes]
    files: tuple[IncomingFile, ...]

    @property
    def kept(self) -> tuple[IncomingFile, ...]:
        return tuple(each for each in self.files if not each.refused)

    @property
    def refused(self) -> tuple[IncomingFile, ...]:
        return tuple(each for each in self.files if each.refused)

    @property
    def told(self) -> tuple[IncomingFile, ...]:
        """Those the desk is told of: kept, or refused for what they are."""
        return tuple(each for each in self.files if each.refused not in TOLD_HERE_ONLY)

    def name_content(self) -> str:
        """The same for the same note and files, whatever they are called; other content gives another."""
        parts = [self.fields.get("text", b""), *(each.sha256.encode() for each in self.files)]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]

    def describe(self) -> bytes:
        """What came, without the files' content, for the record."""
        said = {name: value.decode("utf-8", "replace") for name, value in self.fields.items()}
        files = [
            {
                "name": each.name,
                "stated_type": each.stated_type,
                "size": each.size,
                "sha256": each.sha256,
                "refused": each.refused,
            }
            for each in self.files
        ]
        return json.dumps({"fields": said, "files": files}, ensure_ascii=False).encode()


async def read_upload(
    request: web.Request, limits: RequestLimits, stack: ExitStack, *, room: int, only_fields: bool = False
) -> UploadForm:
    """The whole form; `room`: how many files may be kept. `stack` gives the files back to the system.

    With `only_fields` it ends where the first file begins. Raises UploadFailed.
    """
    reading = _Reading(limits, stack, room=room, only_fields=only_fields)
    if (request.content_length or 0) > limits.upload_bytes:
        raise UploadFailed(UploadFault.TOO_LARGE, {})
    try:
        async with asyncio.timeout(limits.upload_seconds):
            return await reading.read(await request.multipart())
    except TimeoutError:
        raise UploadFailed(UploadFault.TOO_SLOW, reading.fields) from None
    except _OverLimit:
        raise UploadFailed(UploadFault.TOO_LARGE, reading.fields) from None
    except BROKEN as fault:
        raise UploadFailed(UploadFault.BROKEN, reading.fields) from fault


class _OverLimit(Exception):
    pass


class _Reading:
    def __init__(self, limits: RequestLimits, stack: ExitStack, *, room: int, only_fields: bool) -> None:
        self._limits = limits
        self._stack = stack
        self._room = room
        self._only_fields = only_fields
        self._left_bytes = limits.upload_bytes
        self._left_field_bytes = limits.body_bytes  # of all of them: they stay in memory
        self._parts = 0
        self._files: list[IncomingFile] = []
        self.fields: dict[str, bytes] = {}

    async def read(self, reader: MultipartReader) -> UploadForm:
        while (part := await self._next(reader)) is not None:
            self._parts += 1
            if self._parts > MOST_PARTS:
                raise _OverLimit
            if part.name != FILES:
                await self._read_field(part)
            elif self._only_fields:
                break
            else:
                await self._read_file(part)
        return UploadForm(fields=self.fields, files=tuple(self._files))

    async def _next(self, reader: MultipartReader) -> BodyPartReader | None:
        async with asyncio.timeout(self._limits.silence_seconds):
            part = await reader.next()
        if part is not None and not isinstance(part, BodyPartReader):
            raise ValueError("parts within parts")
        return part

    async def _read_field(self, part: BodyPartReader) -> None:
        value = bytearray()
        async for chunk in self._chunks(part, FIELD_CHUNK_BYTES):
            value += chunk
            self._left_field_bytes -= len(chunk)
            if self._left_field_bytes < 0:
                raise _OverLimit
        self.fields[part.name or ""] = bytes(value)

    async def _read_file(self, part: BodyPartReader) -> None:
        no_room = self._find_no_room()
        content: IO[bytes] | None = None
        if not no_room:
            content = self._stack.enter_context(TemporaryFile())  # noqa: SIM115
        size, digest = 0, hashlib.sha256()
        async for chunk in self._chunks(part, CHUNK_BYTES):
            size += len(chunk)
            digest.update(chunk)
            if content is not None and size <= LARGEST_BYTES:
                await asyncio.to_thread(content.write, chunk)
        if not size and not part.filename:
            return  # what a browser sends where no file was chosen
        found_type, refused = await self._judge(content, size) if content else (None, no_room)
        if content is not None and refused:
            content.close()
            content = None
        self._files.append(
            IncomingFile(
                name=_shorten(part.filename or ""),
                stated_type=part.headers.get("Content-Type", "")[:LONGEST_TYPE],
                size=size,
                found_type=found_type,
                sha256=digest.hexdigest(),
                refused=refused,
                content=content,
            )
        )

    def _find_no_room(self) -> str:
        kept = sum(not each.refused for each in self._files)
        return FULL if kept >= self._room else TOO_MANY if kept >= MOST_AT_ONCE else ""

    async def _judge(self, content: IO[bytes], size: int) -> tuple[str | None, str]:
        """What it is by its bytes, and why nothing of it is kept."""
        if not size:
            return None, EMPTY
        if size > LARGEST_BYTES:
            return None, TOO_LARGE
        found_type = await asyncio.to_thread(_find_type, content)
        return found_type, "" if found_type else TYPE_NOT_TAKEN

    async def _chunks(self, part: BodyPartReader, size: int) -> AsyncIterator[bytes]:
        while not part.at_eof():
            async with asyncio.timeout(self._limits.silence_seconds):
                chunk = await part.read_chunk(size)
            self._left_bytes -= len(chunk)
            if self._left_bytes < 0:
                raise _OverLimit
            yield chunk


def _find_type(content: IO[bytes]) -> str | None:
    content.seek(0)
    return find_media_type(content.read())


def _shorten(name: str) -> str:
    """What a page may show of a name from outside: its last part, no signs that steer or hide."""
    plain = "".join(sign for sign in name.replace("\\", "/").rpartition("/")[2] if sign.isprintable())
    return plain if len(plain) <= LONGEST_NAME else "..." + plain[-LONGEST_NAME:]
