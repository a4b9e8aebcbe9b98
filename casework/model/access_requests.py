"""A person's request for a copy of what is kept about them: its days, and why anything may be held back.

Pure. The days and the reasons are those of access_requests.toml, with their sources.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

from casework.model.errors import SettingsInvalid
from casework.model.toml_files import as_date, as_text, read_toml

RULES = Path(__file__).with_name("access_requests.toml")


class RequestStatus(StrEnum):
    """How far a request has got."""

    LOOKING = "looking"  # what may speak of others is being looked at
    READY = "ready"  # everything was looked at, and a second person agrees with what is held back
    GIVEN = "given"
    CLOSED = "closed"  # taken back, or not theirs to ask


OPEN = (RequestStatus.LOOKING, RequestStatus.READY)


class Verdict(StrEnum):
    """What was decided of one thing that was looked at."""

    GIVE = "give"
    HOLD_BACK = "hold_back"
    NOT_THEIRS = "not_theirs"  # of a conversation: somebody else's, who wrote from the same number


class RestrictionReason(StrEnum):
    """Data Protection Act 2018 s.45(4)(a) to (e); there is no other."""

    INQUIRY = "inquiry"
    CRIME = "crime"
    PUBLIC_SECURITY = "public_security"
    NATIONAL_SECURITY = "national_security"
    RIGHTS_OF_OTHERS = "rights_of_others"


@dataclass(frozen=True, kw_only=True)
class LawfulReason:
    """`says` completes "Held back because ...". `law`: the paragraph."""

    law: str
    says: str


@dataclass(frozen=True, kw_only=True)
class AccessRules:
    """`months`: within which a copy is given; `further_months`: by how many it may be put off, once."""

    months: int
    further_months: int
    reasons: Mapping[RestrictionReason, LawfulReason]
    sources: tuple[str, ...]
    review_by: date


@cache
def load_access_rules(path: Path = RULES) -> AccessRules:
    """Raises SettingsInvalid for a file that is not whole, or that names a reason the law does not."""
    given = read_toml(path)
    try:
        time, reasons = given["time"], dict(given["reasons"])
        sources = (as_text(time["source"]), as_text(reasons.pop("source")))
        rules = AccessRules(
            months=int(time["months"]),
            further_months=int(time["further_months"]),
            reasons={
                RestrictionReason(name): LawfulReason(law=as_text(row["law"]), says=as_text(row["says"]))
                for name, row in reasons.items()
            },
            sources=sources,
            review_by=as_date(given["review_by"]),
        )
        if set(rules.reasons) != set(RestrictionReason):
            raise ValueError("not every reason is there")
    except (KeyError, TypeError, ValueError) as fault:
        raise SettingsInvalid(f"{path.name}: {fault!r}") from fault
    return rules


def add_months(day: date, months: int) -> date:
    """The same day of a later month; its last day where it has none such: 31 January and one month is 28 February."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
