"""A stretch of whole days, British time, that a measure is taken over."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from casework.model.errors import WaymarkError
from casework.model.working_days import LONDON, local_day

USUAL_DAYS = (7, 28, 90)
FEWEST_DAYS = 7
"""Two periods a day apart would give away what came on one day: no period is shorter than a week."""
MOST_DAYS = 366


class PeriodRefused(WaymarkError):
    """Too short, too long, the wrong way round, or not over yet."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """Both days are part of it."""

    first: date
    last: date

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.first, time.min, LONDON).astimezone(UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time.min, LONDON).astimezone(UTC)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def local_midnight(at: datetime) -> datetime:
    """When the British day of that moment began."""
    return Period(first=local_day(at), last=local_day(at)).starts_at


def last_days(days: int, *, now: datetime) -> Period:
    """The last `days` days, today among them."""
    today = local_day(now)
    return Period(first=today - timedelta(days=days - 1), last=today)


def choose_period(first: date, last: date, *, now: datetime) -> Period:
    """Raises PeriodRefused for days that cannot be measured."""
    if not FEWEST_DAYS <= (last - first).days + 1 <= MOST_DAYS or last > local_day(now):
        raise PeriodRefused(f"{first} to {last}")
    return Period(first=first, last=last)
