"""A case as the force's case file gives it."""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class CaseEvent:
    at: datetime  # aware UTC
    kind: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the case file (architecture §7). Dates are the force's local dates."""

    crime_reference: str  # canonical form: see parse_crime_reference
    crime_type: str
    stage: str
    stage_since: date
    oic_name: str
    oic_collar_number: str
    oic_contact: str
    next_update_due: date | None
    victim_name: str
    contact_mobile: str | None  # E.164
    contact_email: str | None
    safe_contact: str  # "any", "reply_only" or "none": see safe_contact
    enhanced_rights: bool | None  # None: not recorded, so the enhanced clock applies
    language: str
    events: tuple[CaseEvent, ...] = field(default=())
    imported_at: datetime | None = None  # aware UTC; "as recorded on"
    person_id: str | None = None  # given by the storage: one victim, one plan, however many cases
