"""A network of its own with nothing in it but itself, and two relays: one for who calls it, one for what it may call.

The ports keep their numbers on both sides. A relay passes bytes between two loopback ports and knows nothing of them.
It ends when the other end of its lifeline, which the program holds, is closed: a signal at the death of the program
would come from inside its fence, and be refused.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable

from launcher.fence.linux import drop_capabilities, unshare

LOOPBACK = "127.0.0.1"
NEW_USERS, NEW_NETWORK = 0x10000000, 0x40000000
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 0x1
CHUNK_BYTES = 64 * 1024
TAKEN_SECONDS = 3.0


def can_separate() -> bool:
    """Tried in a process that ends at once: half a network of its own cannot be given back."""
    _, status = os.waitpid(_fork(_enter_own_network), 0)
    return status == 0


def separate(port: int, *, calls: int | None) -> None:
    """From here on only `port` is reached from outside, and only `calls` reached outside, both on loopback.

    Call it where `can_separate` said so, with one thread. The relays end with this process, whatever it becomes.
    """
    lifeline, held = os.pipe()
    os.set_inheritable(held, True)
    outer = _listen(port)
    here, there = socket.socketpair()

    def relay_out() -> None:
        assert calls is not None
        os.close(held)
        here.close()
        outer.close()
        _relay(_receive(there), calls, lifeline)

    def relay_in() -> None:
        os.close(held)
        _relay(outer, port, lifeline)

    if calls is not None:
        _fork(relay_out)
    _enter_own_network()
    if calls is not None:
        with _listen(calls) as inner:
            socket.send_fds(here, [b"."], [inner.fileno()])
    _fork(relay_in)
    for each in (outer, here, there):
        each.close()
    os.close(lifeline)


def _enter_own_network() -> None:
    user, group = os.geteuid(), os.getegid()
    unshare(NEW_USERS | NEW_NETWORK)
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as table:
            table.write(line)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(any_socket, GET_FLAGS, asked), 16)
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14x", b"lo", flags | UP))


def _listen(port: int) -> socket.socket:
    """The relay of the process before may be going while this one comes."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until = time.monotonic() + TAKEN_SECONDS
    while True:
        try:
            listening.bind((LOOPBACK, port))
            listening.listen()
            return listening
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _receive(there: socket.socket) -> socket.socket:
    _, descriptors, _, _ = socket.recv_fds(there, 1, 1)
    return socket.socket(fileno=descriptors[0])


def _fork(work: Callable[[], None]) -> int:
    """Its id; it ends when `work` does."""
    child = os.fork()
    if child:
        return child
    code = 1
    with contextlib.suppress(Exception):
        work()
        code = 0
    os._exit(code)


def _relay(listening: socket.socket, port: int, lifeline: int) -> None:
    drop_capabilities()
    asyncio.run(_pass_all(listening, port, lifeline))


async def _pass_all(listening: socket.socket, port: int, lifeline: int) -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, port)
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        writer.close()

    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(lifeline, ended.set)
    listening.setblocking(False)
    server = await asyncio.start_server(take, sock=listening)
    await ended.wait()
    server.close()
    os._exit(0)  # what is still being passed on has nobody to go to


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side is done: a connection that is half shut is of no use to HTTP."""
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
