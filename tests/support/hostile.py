"""What code that got into Rasa might try, each by itself. Standard library alone, for Python 3.10 too.

`try_all` gives for each try "refused: why", or "done" where nothing stopped it. Nothing it does harms: it signals
with 0, traces without stopping, writes into folders of the test and calls listeners of the test on loopback addresses.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import signal
import socket
import stat
import sys
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
SEIZE, PEEK_BYTES = 0x4206, 64
X86_64 = {
    "process_vm_readv": 310,
    "bpf": 321,
    "perf_event_open": 298,
    "io_uring_setup": 425,
    "memfd_create": 319,
}
AARCH64 = {
    "process_vm_readv": 270,
    "bpf": 280,
    "perf_event_open": 241,
    "io_uring_setup": 425,
    "memfd_create": 279,
}
CALLS = X86_64 if os.uname().machine == "x86_64" else AARCH64
NEW_MOUNTS = 0x20000


def try_all(targets):
    """`targets`: paths, ports and process ids, as tests/launcher/test_containment.py names them."""
    parent = targets["parent"]
    tries = {
        # what is stored
        "read the database": lambda: Path(targets["database"]).read_bytes(),
        "read a key": lambda: Path(targets["key"]).read_bytes(),
        "list the data folder": lambda: os.listdir(targets["data"]),
        "read another model": lambda: Path(targets["other_model"]).read_bytes(),
        "read the home folder": lambda: os.listdir(os.path.expanduser(f"~{os.environ.get('USER', 'root')}")),
        "read /etc/passwd": lambda: Path("/etc/passwd").read_bytes(),
        # other processes
        "read the parent's environment": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "read the parent's command line": lambda: Path(f"/proc/{parent}/cmdline").read_bytes(),
        "open the parent's memory": lambda: open(f"/proc/{parent}/mem", "rb").close(),
        "list the parent's files": lambda: os.listdir(f"/proc/{parent}/fd"),
        "copy the parent's memory": lambda: _copy_memory(parent, targets["address"]),
        "trace the parent": lambda: _check(LIBC.ptrace(SEIZE, parent, None, None)),
        "signal the parent": lambda: os.kill(parent, 0),
        "signal its group": lambda: os.kill(0, 0),
        "signal everybody": lambda: os.kill(-1, 0),
        "hold the parent by its id": lambda: os.close(os.pidfd_open(parent)),
        "change the parent's limits": lambda: resource.prlimit(parent, resource.RLIMIT_CORE),
        "slow the parent down": lambda: os.setpriority(os.PRIO_PROCESS, parent, 0),
        "bind the parent to a processor": lambda: os.sched_setaffinity(parent, os.sched_getaffinity(parent)),
        "read the environment of process 1": lambda: Path("/proc/1/environ").read_bytes(),
        # the network
        "call another port": lambda: _call("127.0.0.1", targets["other_port"]),
        "call another address": lambda: _call("127.0.0.2", targets["other_port"]),
        "call the same port elsewhere": lambda: _call("127.0.0.3", targets["actions_port"]),
        "listen on another port": lambda: _listen(targets["free_port"]),
        "send a datagram": lambda: _send_datagram(targets["datagram_port"]),
        "make a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
        "speak IPv6": lambda: socket.socket(socket.AF_INET6).close(),
        "call by MPTCP": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).close(),
        "call a socket file": lambda: _call_file(targets["socket_file"]),
        "call an abstract socket": lambda: _call_file(targets["abstract"]),
        "ask the routes": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
        # files
        "write into the data folder": lambda: Path(targets["data"], "planted").write_text("x"),
        "write into the code": lambda: Path(targets["code"], "planted.py").write_text("x"),
        "write into /tmp": lambda: _plant("/tmp", targets["planted_name"]),
        "alter its own model": lambda: open(targets["model"], "r+b").close(),
        "remove its own model": lambda: os.unlink(targets["model"]),
        "link the database to its folder": lambda: os.link(targets["database"], _own("linked")),
        "read the database by a link": lambda: _read_by_link(targets["database"]),
        "make a device": lambda: os.mknod(_own("memory"), 0o20600, os.makedev(1, 1)),
        # programs and rights
        "fork": lambda: _fork(),
        "start a shell": lambda: os.posix_spawn("/bin/sh", ["sh", "-c", "exit 0"], {}),
        "make a program without a file": lambda: _system("memfd_create", b"x", 0),
        "unshare": lambda: _check(LIBC.unshare(NEW_MOUNTS)),
        "mount": lambda: _check(LIBC.mount(b"none", _own("").encode(), b"tmpfs", 0, None)),
        "change the root": lambda: os.chroot("/"),
        "become somebody else": lambda: _become(),
        "load a program into the kernel": lambda: _system("bpf", 0, None, 0),
        "measure others": lambda: _system("perf_event_open", None, 0, -1, -1, 0),
        "use the kernel's other door": lambda: _system("io_uring_setup", 0, None),
        "have a core written": lambda: _core(),
        "use a file left open": lambda: _left_open(),
    }
    return {name: _try(each) for name, each in tries.items()}


def _try(work):
    try:
        work()
    except OSError as refusal:
        return "refused: " + errno.errorcode.get(refusal.errno, str(refusal.errno))
    except ValueError as refusal:  # the resource module says so of "not permitted"
        return f"refused: {refusal}"
    return "done"


def _check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def _system(name, *values):
    """Told as refused only if it was not permitted: whatever else it says, it was let in."""
    result = LIBC.syscall(ctypes.c_long(CALLS[name]), *values)
    if result < 0 and ctypes.get_errno() == errno.EPERM:
        raise OSError(errno.EPERM, "")


def _copy_memory(process, address):
    here = ctypes.create_string_buffer(PEEK_BYTES)
    about = (ctypes.c_void_p * 2)(ctypes.addressof(here), PEEK_BYTES)
    there = (ctypes.c_void_p * 2)(address, PEEK_BYTES)
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    call = ctypes.c_long(CALLS["process_vm_readv"])
    _check(LIBC.syscall(call, ctypes.c_long(process), about, one, there, one, none))


def _call(host, port):
    socket.create_connection((host, port), timeout=2).close()


def _listen(port):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        listening.listen()


def _send_datagram(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.sendto(b"x", ("127.0.0.1", port))


def _call_file(address):
    with socket.socket(socket.AF_UNIX) as calling:
        calling.connect(address)


def _own(name):
    return str(Path(os.environ.get("TMPDIR", "/tmp"), name))


def _plant(folder, name):
    path = Path(folder, name)
    path.write_text("x")
    path.unlink()


def _read_by_link(path):
    link = Path(_own("by_link"))
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    link.read_bytes()


def _fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _become():
    _check(LIBC.setgroups(0, None))


def _core():
    if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0):
        raise OSError(errno.EPERM, "")


def _left_open():
    """Any but the three and pipes: the one that is left it can only close."""
    for descriptor in range(3, 512):
        with contextlib.suppress(OSError):
            if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                return
    raise OSError(errno.EBADF, "")


def _say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def probe(targets, model):
    """The report as one line, with what must work all the same; then the shell, in place of this process."""
    targets = {**targets, "model": model}
    report = {"environ": dict(os.environ), "tries": try_all(targets), "capabilities": _capabilities()}
    report["must work"] = {
        "call the actions": _try(lambda: _call("127.0.0.1", targets["actions_port"])),
        "write into its folder": _try(lambda: Path(_own("mine")).write_text("x")),
    }
    _say("REPORT " + json.dumps(report))


def _capabilities():
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith("CapEff"))
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    _check(LIBC.capget(header, sets))
    return f"{sets[3]:08x}{sets[0]:08x}"


def serve_then_exec(port):
    """Answers one caller, so that a test sees it is reached, and becomes a shell if it may."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        _say("LISTENING")
        caller, _ = listening.accept()
        caller.sendall(b"here")
        caller.close()
    try:
        os.execv("/bin/sh", ["sh", "-c", "echo SHELL ran; sleep 60"])
    except OSError as refusal:
        _say("SHELL refused: " + errno.errorcode[refusal.errno])
    signal.pause()


if __name__ == "__main__":
    given = sys.argv
    port = int(given[given.index("--port") + 1])
    probe(json.loads(Path(given[0]).with_name("targets.json").read_text()), given[given.index("--model") + 1])
    serve_then_exec(port)
