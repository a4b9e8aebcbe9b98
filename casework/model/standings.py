"""What this person on this channel has proved, how, and for how long it holds."""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from casework.model.messages import Channel


class Standing(IntEnum):
    """Ordered: a higher standing may be told everything a lower one may."""

    UNKNOWN = 0
    LINKED = 1
    STEPPED_UP = 2
    OFFICER_CONFIRMED = 3


class ProofMethod(StrEnum):
    """How a standing was proved, as kept in its row."""

    CODE = "code"  # a one-time code sent to the contact of record
    INVITE = "invite"  # an invite opened on the contact of record
    PIN = "pin"  # the person's own, on the web
    PASSKEY = "passkey"
    TOTP = "totp"
    CALL_BACK = "call_back"  # an officer rang a verified number


HIGHEST_OF_METHOD: dict[str, Standing] = {
    ProofMethod.CODE: Standing.LINKED,
    ProofMethod.INVITE: Standing.LINKED,
    ProofMethod.PIN: Standing.STEPPED_UP,
    ProofMethod.PASSKEY: Standing.STEPPED_UP,
    ProofMethod.TOTP: Standing.STEPPED_UP,
    ProofMethod.CALL_BACK: Standing.OFFICER_CONFIRMED,
}
CONFIRMS_CONTACT = frozenset({ProofMethod.CODE, ProofMethod.INVITE, ProofMethod.CALL_BACK})

# NIST SP 800-63B-4 section 4: AAL1 no longer than 30 days; AAL2 12 hours and 30 minutes idle.
LINKED_LASTS = timedelta(days=30)
STEPPED_UP_LASTS = timedelta(hours=12)
STEPPED_UP_IDLE = timedelta(minutes=30)
# Our own choices, auth.md section 5: a phone changes hands within a day, a number within months.
LINKED_IDLE = timedelta(hours=24)
CONTACT_CONFIRMED_LASTS = timedelta(days=90)
# Our own choice: as long as the call it was proved in and what is done right after it.
OFFICER_CONFIRMED_LASTS = timedelta(hours=1)
# Two machines' clocks differ a little; a proof from further ahead than this counts for nothing.
CLOCK_SLACK = timedelta(minutes=1)


def effective_standing(
    standing: Standing,
    *,
    method: str,
    proved_at: datetime,
    last_used_at: datetime | None,
    contact_confirmed_at: datetime | None,
    now: datetime,
    channel: Channel,
) -> Standing:
    """What a recorded standing is still worth. All times aware.

    `last_used_at` is the use before this one. Above LINKED only on the web: elsewhere the lock screen is the
    reader. A code, an invite or a call back confirms the contact as well, so `contact_confirmed_at` may be None.
    """
    proved = min(standing, HIGHEST_OF_METHOD.get(method, Standing.UNKNOWN))
    confirmed = [contact_confirmed_at, proved_at if method in CONFIRMS_CONTACT else None]
    if not any(each and _holds(each, CONTACT_CONFIRMED_LASTS, now) for each in confirmed):
        return Standing.UNKNOWN
    used_at = proved_at if last_used_at is None else max(proved_at, last_used_at)
    if not _holds(proved_at, LINKED_LASTS, now) or not _holds(used_at, LINKED_IDLE, now):
        return Standing.UNKNOWN
    lasts = OFFICER_CONFIRMED_LASTS if proved is Standing.OFFICER_CONFIRMED else STEPPED_UP_LASTS
    is_fresh = _holds(proved_at, lasts, now) and _holds(used_at, STEPPED_UP_IDLE, now)
    if channel is Channel.WEBCHAT and is_fresh:
        return proved
    return min(proved, Standing.LINKED)


def _holds(since: datetime, lasts: timedelta, now: datetime) -> bool:
    return -CLOCK_SLACK <= now - since < lasts
