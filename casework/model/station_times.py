"""Times of a day as people at a station write them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

STATION_ZONE = ZoneInfo("Europe/London")


def find_next_time(written: str, now: datetime) -> datetime | None:
    """The next `HH:MM` of the station clock after `now`; None for what is no time of a day."""
    try:
        hours, minutes = written.split(":")
        time = datetime.min.time().replace(hour=int(hours), minute=int(minutes))
    except ValueError:
        return None
    today = now.astimezone(STATION_ZONE).date()
    at = datetime.combine(today, time, STATION_ZONE)
    return at if at > now else datetime.combine(today + timedelta(days=1), time, STATION_ZONE)
