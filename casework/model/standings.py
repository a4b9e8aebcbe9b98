"""What this person on this channel has proved."""

from enum import IntEnum


class Standing(IntEnum):
    """Ordered: a higher standing may be told everything a lower one may."""

    UNKNOWN = 0
    LINKED = 1
    STEPPED_UP = 2
    OFFICER_CONFIRMED = 3
