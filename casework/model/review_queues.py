"""Why a message is looked at again, and how soon: the queues of the workbench, in the order of their tabs."""

from enum import StrEnum


class Queue(StrEnum):
    """Worst first: what people and the assistant saw differently, then what it may have missed."""

    STAFF_DISAGREED = "staff_disagreed"
    POSSIBLE_MISSES = "possible_misses"
    FALSE_ALARMS = "false_alarms"
    NOT_UNDERSTOOD = "not_understood"
    UNSURE = "unsure"
    SAMPLE = "sample"  # drawn by chance and shown blind
    NEW_WORDS = "new_words"
    GUESTS = "guests"


# The harm of what nobody called a danger: behind every tier.
NO_DANGER = 5
