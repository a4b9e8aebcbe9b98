"""Disks that can be full: a tmpfs each, in a mount namespace of this process's own, so that nothing of it outlives us.

Without the right to mount, only the spool's disk can be full: its process may then write no longer file.
"""

import contextlib
import ctypes
import os
import resource
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE, MS_REMOUNT = 0x4000, 1 << 18, 32
MNT_DETACH = 2
PAGE = 4096


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A file system of `folder`'s own that grows to `largest_bytes`."""

    folder: Path
    largest_bytes: int

    def fill(self) -> None:
        """From now on nothing more can be written: its size is what is in it."""
        now = os.statvfs(self.folder)
        used = (now.f_blocks - now.f_bfree) * now.f_frsize
        self._resize(max(PAGE, used))

    def empty(self) -> None:
        self._resize(self.largest_bytes)

    def remove(self) -> None:
        """With all that is on it."""
        ctypes.CDLL(None).umount2(str(self.folder).encode(), MNT_DETACH)

    def _resize(self, size: int) -> None:
        _mount(str(self.folder), MS_REMOUNT, f"size={size}")


def make_disk(folder: Path, *, largest_bytes: int) -> Disk | None:
    """A disk at `folder`, which must exist; None where this process may not mount one."""
    try:
        _mount(str(folder), 0, f"size={largest_bytes},mode=0700")
    except OSError:
        return None
    return Disk(folder=folder, largest_bytes=largest_bytes)


def keep_mounts_to_ourselves() -> bool:
    """To be called before any thread is started. False where the system does not allow it: then mount nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return False
    return bool(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None) == 0)


def _mount(folder: str, flags: int, options: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", ctypes.c_ulong(flags), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), folder)


def limit_files(pid: int, *, largest_bytes: int | None) -> None:
    """No file of that process may grow beyond so much; None: as it was."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    soft = hard if largest_bytes is None else largest_bytes
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
