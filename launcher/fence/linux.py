"""The few calls of Linux that Python has no name for. Where the system is another one, each raises OSError."""

import ctypes
import errno
import os

from casework.adapters.own_process import LIBC, check, prctl

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION_3 = 0x20080522


def syscall(number: int, *values: object) -> int:
    """What it gave. Raises OSError."""
    return check(LIBC.syscall(ctypes.c_long(number), *values))


def unshare(flags: int) -> None:
    check(LIBC.unshare(flags))


def drop_capabilities() -> None:
    """For good: nothing started from here has any, whoever its user is."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as refusal:
            if refusal.errno == errno.EINVAL:
                break  # beyond the last one this kernel knows
            if os.geteuid() == 0:
                raise
            break  # who has none has none to drop
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    check(LIBC.capset(header, none))
