"""Landlock: which files a process may open and start, which ports it may use, and whom it may signal.

It needs no rights and cannot be undone, not by root either. A process inside also cannot trace one outside, which is
what reading its memory or `/proc/PID/environ` asks for. Numbers and layouts:
docs.kernel.org/userspace-api/landlock.html.
"""

import ctypes
import os
import struct

from launcher.fence.linux import syscall
from launcher.fence.rules import Rules

CREATE, ADD, RESTRICT = 444, 445, 446  # the same on every processor
VERSION_FLAG = 1
BENEATH, PORT = 1, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
FIRST_RIGHTS = (1 << 13) - 1
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
ABSTRACT_SOCKETS, SIGNALS = 1 << 0, 1 << 1
WITH_PORTS, WITH_SIGNALS = 4, 6


def find_version() -> int:
    """Of Landlock in this kernel; 0 where it has none."""
    try:
        return syscall(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG))
    except OSError:
        return 0


def shut_in(rules: Rules, *, calls: int | None) -> int:
    """Holds from here on, also for what is started from here; the version that does. 0: nothing holds.

    `calls`: the one port it may call. Needs "no new privileges".
    """
    version = find_version()
    if version == 0:
        return 0
    rights = _rights(version)
    ports = BIND_TCP | CONNECT_TCP if version >= WITH_PORTS else 0
    scopes = ABSTRACT_SOCKETS | SIGNALS if version >= WITH_SIGNALS else 0
    layout = struct.pack("<QQQ", rights, ports, scopes)
    ruleset = syscall(CREATE, layout, ctypes.c_size_t(len(layout)), ctypes.c_uint32(0))
    for path in rules.reads:
        _open_up(ruleset, path, (READ_FILE | READ_DIR) & rights)
    for path in rules.executes:
        _open_up(ruleset, path, (READ_FILE | EXECUTE) & rights)
    _open_up(ruleset, "/dev/null", (READ_FILE | WRITE_FILE) & rights)
    _open_up(ruleset, rules.folder, rights & ~(EXECUTE | MAKE_CHAR | MAKE_BLOCK))
    if ports:
        _add(ruleset, PORT, struct.pack("<QQ", BIND_TCP, rules.port))
        if calls is not None:
            _add(ruleset, PORT, struct.pack("<QQ", CONNECT_TCP, calls))
    syscall(RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)
    return version


def _rights(version: int) -> int:
    since = ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
    return FIRST_RIGHTS | sum(right for first, right in since if version >= first)


def _open_up(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what it could not open anyway, or what is gone by now, needs no rule
    try:
        allowed = rights if os.path.isdir(path) else rights & OF_FILES
        _add(ruleset, BENEATH, struct.pack("<Qi", allowed, opened))
    finally:
        os.close(opened)


def _add(ruleset: int, kind: int, layout: bytes) -> None:
    syscall(ADD, ctypes.c_int(ruleset), ctypes.c_int(kind), layout, ctypes.c_uint32(0))
