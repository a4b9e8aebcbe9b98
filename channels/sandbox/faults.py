"""Failures a test asks for, by number, each a given number of times."""

from dataclasses import dataclass
from enum import StrEnum

ANYONE = "*"


class FaultKind(StrEnum):
    """What the next send to a number meets. `…_after_store`: the message exists, the answer is lost."""

    SERVER_ERROR = "500"
    SERVER_ERROR_AFTER_STORE = "500_after_store"
    TOO_MANY = "429"
    TIMEOUT = "timeout"
    TIMEOUT_AFTER_STORE = "timeout_after_store"
    RESET = "reset"
    RESET_AFTER_STORE = "reset_after_store"
    ERROR = "error"  # error:21610, refused with that code
    UNDELIVERED = "undelivered"  # undelivered:30003, accepted, and the news comes later

    @property
    def stores(self) -> bool:
        return self.value.endswith("_after_store")


@dataclass(frozen=True)
class Fault:
    kind: FaultKind
    code: int = 0


def parse_fault(status: object) -> Fault:
    """The fault in `500`, `"timeout"` or `"error:21610"`. Raises ValueError for any other."""
    name, _, code = str(status).partition(":")
    fault = Fault(FaultKind(name), int(code) if code else 0)
    if (fault.kind in (FaultKind.ERROR, FaultKind.UNDELIVERED)) != bool(fault.code):
        raise ValueError(f"{name} and a code do not go together")
    return fault


class Faults:
    def __init__(self) -> None:
        self._waiting: dict[str, list[Fault]] = {}

    def add(self, *, to: str, fault: Fault, count: int) -> None:
        self._waiting.setdefault(to, []).extend([fault] * count)

    def take(self, to: str) -> Fault | None:
        """The next fault for `to`, which is then over; None if there is none."""
        for key in (to, ANYONE):
            if waiting := self._waiting.get(key):
                return waiting.pop(0)
        return None

    def clear(self) -> None:
        self._waiting.clear()
