"""Figures of how it runs, for whoever watches it: counts and times, never anything of a person.

What a process counts itself is here; what stands in the database is read when somebody asks
(`casework/adapters/metrics_page.py`). Every label has a closed list of values: what is not on it is "other".
docs/metrics.md has every one of them.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram

from casework.adapters.log_values import RouteName
from casework.adapters.traces import span

# Set, and there before this module is imported: all processes count into files there, and their sum is given out.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OTHER = "other"
ROUTES = ("/webhooks/twilio/message", "/webhooks/twilio/status", "/webhooks/telegram", "/m", "/start")
ASSISTANT_FAULTS = (
    *("deadline", "unreachable", "garbled", "wrong_turn", "other_model", "no_reply", "no_model", "status"),
)

# Whoever runs without `./waymark up` may have named a folder and not made it; no figure is worth a process.
if FOLDER in os.environ:
    Path(os.environ[FOLDER]).mkdir(mode=0o700, parents=True, exist_ok=True)

COUNTED = CollectorRegistry()
ACKNOWLEDGED = Histogram(
    "waymark_acknowledged_seconds",
    "From a request's arrival to our answer, by route",
    ["route"],
    registry=COUNTED,
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)
ASSISTANT = Histogram(
    "waymark_assistant_seconds",
    "One question to the assistant, whatever came of it",
    registry=COUNTED,
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15),
)
ASSISTANT_FAILURES = Counter(
    "waymark_assistant_failures", "Questions without a whole answer, by fault", ["fault"], registry=COUNTED
)
DATABASE_ERRORS = Counter(
    "waymark_database_errors",
    "Errors of the database, by whether the work is tried again",
    ["kind"],
    registry=COUNTED,
)
LOG_VALUES_DROPPED = Counter(
    "waymark_log_values_dropped", "Values of an unknown shape that reached no log", registry=COUNTED
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def time_acknowledged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only what must be quick; a stream of events lasts as long as its reader."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else ""
    if request.method != "POST" or route not in ROUTES:
        return await handler(request)
    with ACKNOWLEDGED.labels(route).time(), span("take_request", route=RouteName(route)):
        return await handler(request)


@contextmanager
def timing_assistant() -> Iterator[None]:
    """Around one question; whoever learns of a fault calls `count_assistant_fault`."""
    with ASSISTANT.time():
        yield


def count_assistant_fault(code: str) -> None:
    fault = "status" if code.startswith("status_") else code
    ASSISTANT_FAILURES.labels(close(fault, ASSISTANT_FAULTS)).inc()


def close(value: str | None, known: Iterable[str]) -> str:
    """The value if it is one of `known`: a label must not grow with what comes in."""
    return value if value is not None and value in known else OTHER
