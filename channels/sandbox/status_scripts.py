"""Which news of a message Twilio posts, in which order, how often and how early: as a test scripts it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANYONE = "*"
COMMON = frozenset({"queued", "sending", "sent", "failed", "delivered", "undelivered", "read"})
STATUSES = COMMON | {"accepted", "scheduled", "partially_delivered", "canceled"}
Step = tuple[str, int | None]


@dataclass(frozen=True, kw_only=True)
class StatusScript:
    """`steps` are what happens, each a status and an error code; the last one is what the message comes to.

    The news of them may be posted in another order (`seed` chooses which), each `copies` times over, and before
    the request that created the message is answered.
    """

    steps: tuple[Step, ...]
    seed: int | None = None
    copies: int = 1
    is_before_answer: bool = False

    @property
    def is_in_order(self) -> bool:
        return self.seed is None and self.copies == 1

    @property
    def posted(self) -> list[Step]:
        """The news in the order it is posted."""
        steps = [step for step in self.steps for _ in range(self.copies)]
        if self.seed is not None:
            random.Random(self.seed).shuffle(steps)
        return steps


DELIVERED = StatusScript(steps=(("sent", None), ("delivered", None)))
OUTSIDE_WINDOW = StatusScript(steps=(("failed", 63016),))


def fail_later(code: int) -> StatusScript:
    return StatusScript(steps=(("sent", None), ("undelivered", code)))


def parse_script(asked: Mapping[str, Any]) -> StatusScript:
    """The script in `{"statuses": ["sent", {"status": "undelivered", "error_code": 30003}], "shuffle": 7}`.

    Raises ValueError for a status Twilio does not have.
    """
    steps = tuple(_parse_step(step) for step in asked.get("statuses", ["sent", "delivered"]))
    seed = asked.get("shuffle")
    return StatusScript(
        steps=steps,
        seed=int(seed) if seed is not None and seed is not False else None,
        copies=int(asked.get("copies", 1)),
        is_before_answer=bool(asked.get("before_answer", False)),
    )


def _parse_step(step: Any) -> Step:
    status, code = (step.get("status"), step.get("error_code")) if isinstance(step, dict) else (step, None)
    if status not in STATUSES:
        raise ValueError(f"{status!r} is no status of a message")
    return str(status), int(code) if code else None


class StatusScripts:
    """Scripts waiting for the next sends, by recipient."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[StatusScript]] = {}

    def add(self, *, to: str, script: StatusScript, count: int) -> None:
        self._waiting.setdefault(to, []).extend([script] * count)

    def take(self, to: str) -> StatusScript | None:
        for key in (to, ANYONE):
            if waiting := self._waiting.get(key):
                return waiting.pop(0)
        return None

    def clear(self) -> None:
        self._waiting.clear()
