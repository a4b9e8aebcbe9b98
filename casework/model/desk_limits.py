"""How much one person may hold, and how long they may be silent before everybody sees it.

Source: console.md section 3.4, judgement to be agreed with the force; review_by 2027-05-21.
"""

from datetime import datetime, timedelta

from casework.model.desk import Grade

MOST_URGENT = 3
"""Open conversations of grade 1 or 2 that one person may hold."""
ACCEPT_WITHIN = timedelta(minutes=2)
"""How long a transfer waits for the colleague it is offered to."""
SILENT_AT_MOST = {Grade.DANGER_NOW: timedelta(minutes=3), Grade.HIGH: timedelta(minutes=10)}
LONGEST_SHIFT = timedelta(hours=14)
"""A shift nobody ended is over by then: nobody counts as at the desk because they forgot a button."""
LONGEST_REASON = 500


def is_urgent(grade: Grade) -> bool:
    return grade <= Grade.HIGH


def is_unattended(
    grade: Grade, *, owned_since: datetime | None, awaiting_since: datetime | None, now: datetime
) -> bool:
    """Whether somebody waits for an answer of an owner who has been silent too long. Routine work never is.

    `awaiting_since` is later than the owner's last words, for those stop it; a new owner's time starts anew.
    """
    limit = SILENT_AT_MOST.get(grade)
    if limit is None or owned_since is None or awaiting_since is None:
        return False
    return now - max(owned_since, awaiting_since) >= limit
