"""Failures a test asks for, by number, each a given number of times."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

ANYONE = "*"


class FaultKind(StrEnum):
    """What the next send to a number meets. `…_after_store`: the message exists, the answer is lost."""

    SERVER_ERROR = "500"
    SERVER_ERROR_AFTER_STORE = "500_after_store"
    TOO_MANY = "429"  # 429:7, with the seconds to wait
    TIMEOUT = "timeout"
    TIMEOUT_AFTER_STORE = "timeout_after_store"
    RESET = "reset"
    RESET_AFTER_STORE = "reset_after_store"
    ERROR = "error"  # error:21610, refused with that code
    UNDELIVERED = "undelivered"  # undelivered:30003, accepted, and the news comes later

    @property
    def stores(self) -> bool:
        return self.value.endswith("_after_store")


RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True)
class Fault:
    kind: FaultKind
    code: int = 0

    @property
    def retry_after_seconds(self) -> int:
        return self.code or RETRY_AFTER_SECONDS


def parse_fault(status: object) -> Fault:
    """The fault in `500`, `"timeout"` or `"error:21610"`. Raises ValueError for any other."""
    name, _, code = str(status).partition(":")
    fault = Fault(FaultKind(name), int(code) if code else 0)
    # After 429 a number may follow: the seconds to wait.
    needs_code = fault.kind in (FaultKind.ERROR, FaultKind.UNDELIVERED)
    if bool(fault.code) != needs_code and fault.kind is not FaultKind.TOO_MANY:
        raise ValueError(f"{name} and a code do not go together")
    return fault


class Faults:
    def __init__(self) -> None:
        self._waiting: dict[str, list[Fault]] = {}

    def add(self, *, to: str, fault: Fault, count: int) -> None:
        self._waiting.setdefault(to, []).extend([fault] * count)

    def take(self, to: str) -> Fault | None:
        """The next fault for `to` or for anyone, which is then over; None if there is none."""
        return self.take_exactly(to) or self.take_exactly(ANYONE)

    def take_exactly(self, to: str) -> Fault | None:
        waiting = self._waiting.get(to)
        return waiting.pop(0) if waiting else None

    def clear(self) -> None:
        self._waiting.clear()


async def break_off(request: web.Request, fault: Fault) -> web.Response:
    """Ends the connection without an answer: at once for a reset, when the caller gives up for a timeout."""
    if fault.kind in (FaultKind.TIMEOUT, FaultKind.TIMEOUT_AFTER_STORE):
        # aiohttp tells no handler by itself that the caller hung up.
        while request.transport and not request.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)
