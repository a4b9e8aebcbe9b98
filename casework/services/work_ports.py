"""What the worker needs of storage to know whether there is anything to do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Work(StrEnum):
    """What somebody waits for, each kind with a crew of its own."""

    TURN = "turn"  # to be answered
    MESSAGE = "message"  # to be sent
    CODE = "code"  # to be issued
    DURESS_CHECK = "duress_check"  # words to be compared with those agreed


class WaitingWork(Protocol):
    def count(self) -> Mapping[Work, int]:
        """Of each kind how much could be taken at this moment: 0, 1, or 2 for any more than that. One statement."""
