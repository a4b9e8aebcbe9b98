"""The page of figures at /metrics of the private listener: what the processes counted, and what the database says.

`./waymark up` has all its processes count into one folder; alone, a process gives out its own.
"""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from casework.adapters.metrics import COUNTED, FOLDER
from casework.adapters.storage.database import Database
from casework.adapters.storage.metric_reads import Counted, Figure, read_figures, read_new

FRESH_SECONDS = 5.0

log = structlog.get_logger()


@dataclass
class MetricsPage:
    """`read` gives the page. The database is asked at most every few seconds, whoever asks."""

    database: Database
    build: Mapping[str, str]
    fresh_seconds: float = FRESH_SECONDS
    _figures: list[Figure] = field(default_factory=list)
    _counted: Counted = field(default_factory=Counted)
    _read_at: float = float("-inf")

    async def read(self) -> bytes:
        if time.monotonic() - self._read_at >= self.fresh_seconds:
            await self._ask()
        registry = CollectorRegistry()
        if os.environ.get(FOLDER):
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(_Same(COUNTED))
        registry.register(_Stored([*self._figures, self._say_build()], self._counted))
        return generate_latest(registry)

    async def _ask(self) -> None:
        self._read_at = time.monotonic()
        try:
            self._figures, self._counted = await self.database.read(
                lambda tx: (
                    [*read_figures(tx.connection, tx.now), Figure("database_up", 1)],
                    read_new(tx.connection, tx.now, self._counted),
                )
            )
        except sa.exc.SQLAlchemyError as fault:
            log.error("metrics_not_read", error=type(fault).__name__)
            self._figures = [Figure("database_up", 0)]

    def _say_build(self) -> Figure:
        return Figure("build_info", 1, tuple(sorted(self.build.items())))


class _Same(Collector):
    """What one process counted, where it is the only one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()


class _Stored(Collector):
    def __init__(self, figures: Iterable[Figure], counted: Counted) -> None:
        self._figures = list(figures)
        self._counted = counted

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for each in self._figures:
            labels = [name for name, _ in each.labels]
            made = GaugeMetricFamily(f"waymark_{each.name}", HELP[each.name], labels=labels)
            family = families.setdefault(each.name, made)
            assert isinstance(family, GaugeMetricFamily)
            family.add_metric([value for _, value in each.labels], each.value)
        for (name, given), count in sorted(self._counted.counts.items()):
            made_counter = CounterMetricFamily(
                f"waymark_{name}", HELP[name], labels=[label for label, _ in given]
            )
            counter = families.setdefault(name, made_counter)
            assert isinstance(counter, CounterMetricFamily)
            counter.add_metric([value for _, value in given], count)
        return families.values()


HELP: Mapping[str, str] = {
    "database_up": "1 when the figures of the database could be read",
    "build_info": "Which version runs",
    "turns_unanswered": "Messages that wait for their answer",
    "oldest_turn_seconds": "How long the oldest of them waits",
    "outbox": "Messages written and not yet done with, by status",
    "outbox_oldest_due_seconds": "How long the oldest that may leave has been due",
    "queue": "Open desk items, by grade",
    "queue_unclaimed": "Those of them that nobody has, by grade",
    "queue_oldest_unclaimed_seconds": "How long the oldest that nobody has waits, by grade",
    "alarm": "1 while an alarm stands, by kind",
    "worker_beat_seconds": "Since a worker last gave a sign of life",
    "sweep_seconds": "Since the provider's list was last read whole",
    "sweep_missing_in": "Messages the provider's list had and we did not, in the last whole reading",
    "sweep_missing_out": "Messages of ours and of the provider's list that did not match, in the same",
    "assistant_answers": "1 when the assistant last answered two known texts as it should",
    "assistant_checked_seconds": "Since it was last asked them",
    "anchor_seconds": "Since the end of the audit was last signed",
    "messages_in": "Messages that came in, by channel and how",
    "screen": "Messages by what the screen found: tier 1 to 4, or none",
    "danger_without_item": "Messages of danger that were stored without a desk item; always 0",
    "delivery_attempts": "Tries to send, by outcome",
    "delivery_news": "What providers told of what was sent, by status",
    "acts": "What the audit recorded, by act",
}
