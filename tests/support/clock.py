"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class SetClock:
    def __init__(self, now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        # A microsecond a look, so that rows written one after the other keep their order.
        self._now += timedelta(microseconds=1)
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)
