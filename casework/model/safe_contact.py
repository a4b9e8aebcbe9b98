"""What may leave towards a person, and when. The first version: one rule a case; hours come later.

A stray text may be read by the very person it must not reach, so anything unclear is read as "answer only".
"""

from dataclasses import dataclass
from enum import StrEnum

from casework.model.messages import Channel


class SafeContact(StrEnum):
    """The three values of the case file's `safe_contact` column."""

    ANY = "any"  # may be written to unasked
    REPLY_ONLY = "reply_only"  # only in answer to a message from the same contact point
    NONE = "none"  # nothing written at all: a person calls or visits


@dataclass(frozen=True, kw_only=True)
class SafeContactPlan:
    unasked_channels: frozenset[Channel]
    is_answered: bool


_PLANS: dict[SafeContact, SafeContactPlan] = {
    SafeContact.ANY: SafeContactPlan(unasked_channels=frozenset(Channel), is_answered=True),
    SafeContact.REPLY_ONLY: SafeContactPlan(unasked_channels=frozenset(), is_answered=True),
    SafeContact.NONE: SafeContactPlan(unasked_channels=frozenset(), is_answered=False),
}


def parse_safe_contact(text: str | None) -> SafeContactPlan:
    """The plan a case's `safe_contact` stands for; blank or unknown text gives `reply_only`. Never raises."""
    return _PLANS[find_safe_contact(text) or SafeContact.REPLY_ONLY]


def find_safe_contact(text: str | None) -> SafeContact | None:
    """The value as written, whatever its case or spacing; None for blank or anything else."""
    written = "_".join((text or "").casefold().replace("-", " ").replace("_", " ").split())
    return next((value for value in SafeContact if value == written), None)


def may_send_unasked(plan: SafeContactPlan, channel: Channel) -> bool:
    """Whether a message that answers nothing (an update, an invite) may go out on this channel."""
    return channel in plan.unasked_channels


def may_reply(plan: SafeContactPlan) -> bool:
    """Whether a message from this person may be answered in writing, on the contact point it came from."""
    return plan.is_answered
