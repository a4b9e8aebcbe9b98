"""A TCP proxy on loopback that can make a network bad: slow, silent, broken off, half open, cut short.

What was swallowed is never delivered later: a connection that lost a byte is broken off when the fault ends, as by a
peer that started again.
"""

import asyncio
import itertools
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from launcher.soak.schedule import Kind

HOST = "127.0.0.1"
LATENCY_SECONDS = 0.4  # each way, each piece
CONNECT_SECONDS = 2.0
# On close: a reset to the other side and no farewell.
NO_LINGER = struct.pack("ii", 1, 0)


class Link:
    """Everything between one place and another: connections to `port` go to one of `upstreams`, taken in turn.

    An upstream that refuses is passed over for the next. One fault at a time.
    """

    def __init__(self, name: str, upstreams: Sequence[int]) -> None:
        self.name = name
        self.port = 0
        self.fault: Kind | None = None
        self.pairs: set[_Pair] = set()
        self._upstreams = tuple(upstreams)
        self._turn = itertools.count()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Pair(self).near, HOST, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for pair in list(self.pairs):
            pair.break_off()

    def begin(self, fault: Kind) -> None:
        self.fault = fault
        if fault is Kind.RESET:
            for pair in list(self.pairs):
                pair.break_off()
        elif fault is Kind.HALF_OPEN:
            for pair in list(self.pairs):
                pair.lose_far_side()

    def end(self) -> None:
        self.fault = None
        for pair in [each for each in self.pairs if each.is_torn]:
            pair.break_off()

    async def connect(self, protocol: "_Side") -> bool:
        """To the next upstream that takes it; False where none does."""
        loop = asyncio.get_running_loop()
        first = next(self._turn)
        for step in range(len(self._upstreams)):
            port = self._upstreams[(first + step) % len(self._upstreams)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await loop.create_connection(lambda: protocol, HOST, port)
                return True
        return False


class _Pair:
    """One connection through the link: the side that called, and the side it was put through to."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.is_torn = False
        self.near = _Side(self)
        self.far = _Side(self)
        self._connecting: asyncio.Task[None] | None = None

    def opened(self, side: "_Side") -> None:
        if side is self.far:
            return
        self.link.pairs.add(self)
        if self.link.fault is Kind.RESET:
            self.break_off()
        elif self.link.fault is Kind.DROP:
            self.is_torn = True
        else:
            side.hold_reading()
            self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        if await self.link.connect(self.far) and not self.near.is_closed:
            self.near.go_on_reading()
        else:
            self.break_off()

    def carry(self, came_in: "_Side", data: bytes) -> None:
        fault = self.link.fault
        if self.is_torn or fault is Kind.DROP:
            self.is_torn = True
        elif fault is Kind.TRUNCATE and came_in is self.far:
            self.near.write(data[: len(data) // 2])
            self.is_torn = True
            self.near.close()
            self.far.abort()
        else:
            delay = LATENCY_SECONDS if fault is Kind.LATENCY else 0.0
            self.other(came_in).write_after(delay, data)

    def lose_far_side(self) -> None:
        """The far side is gone and the near one is not told."""
        self.is_torn = True
        self.far.abort()

    def closed(self, side: "_Side") -> None:
        if not self.is_torn:
            self.other(side).close()
        elif self.link.fault is not Kind.DROP and side is self.near:
            self.far.abort()
        if self.near.is_closed and (self.far.is_closed or self.far.transport is None):
            self.link.pairs.discard(self)

    def break_off(self) -> None:
        self.is_torn = True
        if self._connecting is not None:
            self._connecting.cancel()
        self.near.abort()
        self.far.abort()
        self.link.pairs.discard(self)

    def other(self, side: "_Side") -> "_Side":
        return self.far if side is self.near else self.near


class _Side(asyncio.Protocol):
    """One end of a pair: what comes in is carried to the other."""

    def __init__(self, pair: _Pair) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_closed = False
        self._pair = pair
        self._late: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closes_when_empty = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        wire = transport.get_extra_info("socket")
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pair.opened(self)

    def data_received(self, data: bytes) -> None:
        self._pair.carry(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self._pair.closed(self)

    def pause_writing(self) -> None:
        self._pair.other(self).hold_reading()

    def resume_writing(self) -> None:
        self._pair.other(self).go_on_reading()

    def hold_reading(self) -> None:
        if self.transport is not None and not self.is_closed:
            self.transport.pause_reading()

    def go_on_reading(self) -> None:
        if self.transport is not None and not self.is_closed:
            self.transport.resume_reading()

    def write_after(self, delay: float, data: bytes) -> None:
        """In order always: what comes after something that waits, waits as well."""
        if not delay and not self._late:
            self.write(data)
            return
        self._late.append((asyncio.get_running_loop().time() + delay, data))
        if self._timer is None:
            self._set_timer()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.is_closed:
            self.transport.write(data)

    def close(self) -> None:
        """Once what waits has left."""
        self._closes_when_empty = True
        if not self._late and self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        self._late.clear()
        if self.transport is None or self.is_closed:
            return
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.transport.abort()

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._late[0][0], self._flush)

    def _flush(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._late and self._late[0][0] <= now + 0.001:
            self.write(self._late.popleft()[1])
        if self._late:
            self._set_timer()
        elif self._closes_when_empty:
            self.close()
