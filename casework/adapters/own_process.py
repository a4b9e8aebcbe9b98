"""What a process of ours asks the system for itself. Standard library alone: `launcher/fence` needs it before Rasa."""

import contextlib
import ctypes
import errno
import os
import sys

PR_SET_DUMPABLE = 4

LIBC = ctypes.CDLL(None, use_errno=True)


def keep_memory_private() -> None:
    """No process of the same user may read this one's memory or environment, and none of it is written when it falls.

    On Linux; elsewhere nothing happens. Root reads all the same. A program started by this one begins without it and
    has to ask for itself.
    """
    with contextlib.suppress(OSError):
        prctl(PR_SET_DUMPABLE, 0)


def prctl(option: int, *values: int | ctypes.c_void_p) -> None:
    """Raises OSError, elsewhere than on Linux always."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "not Linux")
    given = [each if isinstance(each, ctypes.c_void_p) else ctypes.c_ulong(each) for each in values]
    given += [ctypes.c_ulong(0)] * (4 - len(given))
    check(LIBC.prctl(option, *given))


def check(result: int) -> int:
    """The result of a call of the system. Raises OSError where it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
