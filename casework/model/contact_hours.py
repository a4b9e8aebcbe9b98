"""Hours in which a person may be written to unasked, by the clock on a British wall.

A window is about what the clock reads: the hour that comes twice in October is in it twice, the hour
that is skipped in March never comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
MINUTES_A_DAY = 24 * 60
MINUTES_A_WEEK = 7 * MINUTES_A_DAY


@dataclass(frozen=True, kw_only=True)
class ContactWindow:
    """From `start_minute` up to, not including, `end_minute` of the local day; 0 is Monday.

    An end before the start is one on the next day. A whole day is 0 to 1440. Raises ValueError for a window of
    no length.
    """

    weekday: int
    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        is_a_window = (
            0 <= self.weekday < 7
            and 0 <= self.start_minute < MINUTES_A_DAY
            and 0 <= self.end_minute <= MINUTES_A_DAY
            and self.start_minute != self.end_minute
        )
        if not is_a_window:
            raise ValueError("a window needs a weekday, a start and another end within the day")

    def minutes_until(self, minute: int) -> int:
        """How many minutes of the clock after this minute of the week it opens; 0 while it is open."""
        start = self.weekday * MINUTES_A_DAY + self.start_minute
        length = (self.end_minute - self.start_minute) % MINUTES_A_DAY or MINUTES_A_DAY
        is_open = (minute - start) % MINUTES_A_WEEK < length
        return 0 if is_open else (start - minute) % MINUTES_A_WEEK


def is_open(hours: Sequence[ContactWindow], at: datetime) -> bool:
    """Whether this aware moment falls in a window. No window at all means any time."""
    return not hours or _minutes_until_open(hours, at) == 0


def find_next_open(hours: Sequence[ContactWindow], at: datetime) -> datetime:
    """The first moment not before `at` that is open, aware UTC."""
    moment = at.astimezone(UTC)
    if is_open(hours, moment):
        return moment
    # Windows open on whole minutes, and British clocks change on whole hours of UTC: within each the count holds.
    moment = moment.replace(second=0, microsecond=0)
    while True:
        opens_at = moment + timedelta(minutes=_minutes_until_open(hours, moment))
        next_hour = moment.replace(minute=0) + timedelta(hours=1)
        if opens_at < next_hour:
            return opens_at
        moment = next_hour


def _minutes_until_open(hours: Sequence[ContactWindow], at: datetime) -> int:
    local = at.astimezone(LONDON)
    minute = local.weekday() * MINUTES_A_DAY + local.hour * 60 + local.minute
    return min(window.minutes_until(minute) for window in hours)
