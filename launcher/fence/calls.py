"""seccomp: which calls of the system a process may not make. They fail with "not permitted"; nobody is killed.

Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux 6.18. Nothing holds on
other processors, and it is told.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Mapping

from casework.adapters.own_process import prctl
from launcher.fence.linux import PR_SET_SECCOMP

FILTER_MODE = 2
# By processor: its number in a filter, and its column below.
PROCESSORS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
OTHER_TABLE = 0x40000000  # x86-64 answers a second table of numbers from here on
NONE = -1
NEVER: Mapping[str, tuple[int, int]] = {
    # other processes
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271)},
    **{"kcmp": (312, 272), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438)},
    **{"pidfd_send_signal": (424, 424), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138)},
    **{"rt_tgsigqueueinfo": (297, 240), "process_madvise": (440, 440), "setpriority": (141, 140)},
    **{"ioprio_set": (251, 30), "migrate_pages": (256, 238), "move_pages": (279, 239)},
    **{"sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274)},
    # processes of its own, and programs that stand in no file
    **{"fork": (57, NONE), "vfork": (58, NONE), "execveat": (322, 281), "memfd_create": (319, 279)},
    # other rooms of the system
    **{"unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51), "pivot_root": (155, 41)},
    **{"mount": (165, 40), "umount2": (166, 39), "open_tree": (428, 428), "move_mount": (429, 429)},
    **{"fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433)},
    **{"mount_setattr": (442, 442), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265)},
    # the kernel itself
    **{"bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282)},
    **{"io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427)},
    **{"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "syslog": (103, 116)},
    **{"init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106)},
    **{"kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142)},
    **{"swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60)},
    **{"sethostname": (170, 161), "setdomainname": (171, 162), "ioperm": (173, NONE), "iopl": (172, NONE)},
}
TO_ITSELF = {"kill": (62, 129), "tgkill": (234, 131)}
TO_ITSELF_OR_ZERO = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}
SOCKET, CLONE, CLONE3 = (41, 198), (56, 220), (435, 435)
CLONE_THREAD = 0x10000

# A filter's words (linux/filter.h, linux/seccomp.h).
LOAD, EQUALS, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER_AT, PROCESSOR_AT, ARGUMENT_AT = 0, 4, 16

Word = tuple[int, int, int, int]


def shut_off() -> bool:
    """Holds from here on, also for whatever this process becomes. False: nothing holds on this processor.

    Needs "no new privileges".
    """
    known = PROCESSORS.get(platform.machine())
    if known is None:
        return False
    words = make_filter(*known, process=os.getpid())
    content = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *word) for word in words))
    about = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", len(words), ctypes.addressof(content)))
    prctl(PR_SET_SECCOMP, FILTER_MODE, ctypes.cast(about, ctypes.c_void_p))
    return True


def make_filter(processor: int, column: int, *, process: int) -> list[Word]:
    """`process`: the only one it may signal; its number stays the same when it becomes another program."""
    words: list[Word] = [
        (LOAD, 0, 0, PROCESSOR_AT),
        (EQUALS, 1, 0, processor),
        _refuse(),
        (LOAD, 0, 0, NUMBER_AT),
        (AT_LEAST, 0, 1, OTHER_TABLE),
        _refuse(),
    ]
    for numbers in NEVER.values():
        words += _when(numbers[column], [_refuse()])
    for numbers in TO_ITSELF.values():
        words += _when(numbers[column], _first_is(process))
    for numbers in TO_ITSELF_OR_ZERO.values():
        words += _when(numbers[column], _first_is(process, 0))
    words += _when(SOCKET[column], _plain_tcp())
    threads = [_load_argument(0), (ANY_BIT, 1, 0, CLONE_THREAD), _refuse(), _allow()]
    words += _when(CLONE[column], threads)
    # Its flags stand where a filter cannot look: the C library then uses the older one.
    words += _when(CLONE3[column], [_refuse(errno.ENOSYS)])
    return [*words, _allow()]


def _when(number: int, then: list[Word]) -> list[Word]:
    """`then` ends in an answer on every way through it."""
    return [] if number == NONE else [(EQUALS, 0, len(then), number), *then]


def _first_is(*values: int) -> list[Word]:
    tests = [(EQUALS, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [_load_argument(0), *tests, _refuse(), _allow()]


def _plain_tcp() -> list[Word]:
    """Of IPv4, and by TCP's own name: Landlock does not count the ports of its relations."""
    return [
        _load_argument(0),
        (EQUALS, 0, 7, socket.AF_INET),
        _load_argument(1),
        (AND, 0, 0, 0xF),
        (EQUALS, 0, 4, socket.SOCK_STREAM),
        _load_argument(2),
        (EQUALS, 1, 0, 0),
        (EQUALS, 0, 1, socket.IPPROTO_TCP),
        _allow(),
        _refuse(),
    ]


def _load_argument(place: int) -> Word:
    """Its lower half: all of an `int`."""
    return LOAD, 0, 0, ARGUMENT_AT + 8 * place


def _refuse(number: int = errno.EPERM) -> Word:
    return RETURN, 0, 0, REFUSE | number


def _allow() -> Word:
    return RETURN, 0, 0, ALLOW
