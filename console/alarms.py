"""What stands over every page of the desk while it holds."""

from collections.abc import Sequence

from casework.services.ports import Alarm
from console.live_pages import fingerprint_of


def fingerprint_alarms(alarms: Sequence[Alarm]) -> str:
    """Equal while the bar would look the same. That one still holds is no news: it is noted every few seconds."""
    return fingerprint_of((each.kind, each.since, each.detail) for each in alarms)
