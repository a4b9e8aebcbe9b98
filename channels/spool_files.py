"""The spool on disk: one line a webhook, a file a day, each line on the disk before anyone is told "accepted".

    var/spool/2026-11-21.jsonl             what came, in order; nothing in it is ever changed
    var/spool/2026-11-21.offset            how far the worker has taken it in
    var/spool/set-aside/2026-11-21.lines   what could not be read, for a person

Needs no database and no other part of the service. Linux file locks keep two writers apart.
"""

import fcntl
import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

VERSION = 1
SUFFIX = ".jsonl"


class LineUnreadable(Exception):
    """A line that is not what the spool wrote: cut short, or changed since."""


@dataclass(frozen=True, kw_only=True)
class SpooledPost:
    """One webhook as it came, its signature checked. `received_at` is aware UTC."""

    received_at: datetime
    path: str
    body: bytes


def encode_line(post: SpooledPost) -> bytes:
    at, body = post.received_at.astimezone(UTC).isoformat(), b64encode(post.body).decode()
    line = {
        "v": VERSION,
        "received_at": at,
        "path": post.path,
        "body": body,
        "sha256": _sum(at, post.path, body),
    }
    return json.dumps(line).encode() + b"\n"


def decode_line(line: bytes) -> SpooledPost:
    """Raises LineUnreadable."""
    try:
        found = json.loads(line)
        at, path, body = str(found["received_at"]), str(found["path"]), str(found["body"])
        if found["v"] != VERSION or found["sha256"] != _sum(at, path, body):
            raise LineUnreadable
        received_at = datetime.fromisoformat(at)
        return SpooledPost(received_at=received_at, path=path, body=b64decode(body, validate=True))
    except (ValueError, KeyError, TypeError):
        raise LineUnreadable from None


def _sum(at: str, path: str, body: str) -> str:
    return hashlib.sha256("\n".join((at, path, body)).encode()).hexdigest()


def append(folder: Path, post: SpooledPost) -> None:
    """Returns when the line is on the disk. OSError: it is not there, and nobody may be told that it is."""
    _make_folder(folder)
    day = post.received_at.astimezone(UTC).date().isoformat()
    append_bytes(folder / (day + SUFFIX), encode_line(post))


def append_bytes(path: Path, line: bytes) -> None:
    is_new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        # A line that a crash cut short keeps its place, and this one does not continue it.
        start = b"\n" if size and os.pread(file, 1, size - 1) != b"\n" else b""
        try:
            _write_all(file, start + line)
            os.fsync(file)
        except OSError:
            # Without room for the whole line its beginning goes too; if even that fails it is found as torn.
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    if is_new:
        sync_folder(path.parent)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    with _opened(folder) as file:
        os.fsync(file)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield file
    finally:
        os.close(file)


# --- reading it again ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A line not yet taken in, without its newline, and where the next begins."""

    line: bytes
    end: int
    is_torn: bool = False  # a crash cut it short: nobody was told that it was accepted


def list_days(folder: Path) -> list[Path]:
    """The files of lines, oldest day first."""
    return sorted(folder.glob("*" + SUFFIX)) if folder.is_dir() else []


def list_waiting(path: Path, *, most: int) -> list[Waiting]:
    """The next lines after the mark, in the order they came. One that is being written is left for later."""
    start = read_offset(path)
    if path.stat().st_size <= start:
        return []
    found: list[Waiting] = []
    with path.open("rb") as file:
        is_still = _is_still(file.fileno())
        file.seek(start)
        while len(found) < most and (line := file.readline()):
            start += len(line)
            is_whole = line.endswith(b"\n")
            if is_whole or is_still:
                found.append(Waiting(line=line.rstrip(b"\n"), end=start, is_torn=not is_whole))
    return found


def _is_still(file: int) -> bool:
    """Whether nobody is writing, nor will before the file is closed: a line without an end has none then."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_offset(path: Path) -> int:
    """How far it has been taken in; 0 for a mark that is missing or not a number: again is better than never."""
    mark = path.with_suffix(".offset")
    text = mark.read_text() if mark.exists() else ""
    return int(text) if text.isascii() and text.isdigit() else 0


def write_offset(path: Path, offset: int) -> None:
    mark = path.with_suffix(".offset")
    new = mark.with_suffix(".offset-new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write_all(file, str(offset).encode())
        os.fsync(file)
    finally:
        os.close(file)
    new.replace(mark)
    sync_folder(path.parent)


def set_aside(path: Path, line: bytes) -> None:
    folder = path.parent / "set-aside"
    _make_folder(folder)
    append_bytes(folder / (path.stem + ".lines"), line + b"\n")


def list_set_aside(folder: Path) -> list[Path]:
    return sorted((folder / "set-aside").glob("*.lines"))


@contextmanager
def hold_alone(folder: Path) -> Iterator[bool]:
    """Whether this process may take lines out for as long as the block runs; False where there is no spool."""
    if not folder.is_dir():
        yield False
        return
    file = os.open(folder / "drain.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        yield False
        return
    try:
        yield True
    finally:
        os.close(file)


def remove_day(path: Path) -> None:
    """What it held is in the database; it must not stay on the disk in the clear."""
    path.unlink(missing_ok=True)
    path.with_suffix(".offset").unlink(missing_ok=True)
    sync_folder(path.parent)
