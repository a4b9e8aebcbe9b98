"""How a conversation goes from one person to another, and why."""

from enum import StrEnum


class TransferKind(StrEnum):
    TO_PERSON = "to_person"  # waits to be accepted
    TO_TEAM = "to_team"  # back to the queue, with what the next one should know
    TAKEN_OVER = "taken_over"  # by a supervisor
    RELEASED = "released"  # by a supervisor: the owner was silent


class TransferStatus(StrEnum):
    OFFERED = "offered"
    DONE = "done"
    REFUSED = "refused"
    LATE = "late"
    WITHDRAWN = "withdrawn"  # somebody else has it by now, or it was handed back
