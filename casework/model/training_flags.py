"""What somebody decided a message, or all of a conversation, may be used for."""

from enum import StrEnum


class TrainingFlag(StrEnum):
    """Of a message or a conversation. What forbids wins over what allows, wherever it stands."""

    ALLOWED = "allowed"
    EXCLUDED = "excluded"  # not to be looked at to teach; may be allowed again
    RESTRICTED = "restricted"  # to be taught in a trainer's own words alone, never as it was written
    WITHDRAWN = "withdrawn"  # the person took it back: for good, and out of what was made of it


FORBIDDING = frozenset({TrainingFlag.EXCLUDED, TrainingFlag.WITHDRAWN})
# Somebody decided that it may be used, the one as it stands, the other reworded.
PERMITTING = frozenset({TrainingFlag.ALLOWED, TrainingFlag.RESTRICTED})
