"""The wall clock."""

from datetime import UTC, datetime


class SystemClock:
    """Aware UTC now."""

    def now(self) -> datetime:
        return datetime.now(UTC)
