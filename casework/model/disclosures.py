"""What the disclosure screen says of one message."""

from dataclasses import dataclass, field
from enum import StrEnum


class Category(StrEnum):
    """The sixteen categories of urgent disclosure."""

    IMMEDIATE_DANGER = "immediate_danger"
    SUICIDE_OR_SELF_HARM = "suicide_or_self_harm"
    CHILD_AT_RISK = "child_at_risk"
    STRANGULATION = "strangulation"
    THREATS_TO_KILL_OR_WEAPONS = "threats_to_kill_or_weapons"
    MISSING_PERSON = "missing_person"
    DOMESTIC_ABUSE_NEW_OR_WORSE = "domestic_abuse_new_or_worse"
    BREACH_OF_BAIL_OR_ORDER = "breach_of_bail_or_order"
    WITNESS_INTIMIDATION = "witness_intimidation"
    STALKING_ESCALATION = "stalking_escalation"
    HONOUR_BASED_ABUSE_FORCED_MARRIAGE = "honour_based_abuse_forced_marriage"
    MODERN_SLAVERY = "modern_slavery"
    SEXUAL_VIOLENCE_RECENT = "sexual_violence_recent"
    OFFENDER_CONTACT_OR_RELEASE_FEAR = "offender_contact_or_release_fear"
    HATE_OR_REPEAT_TARGETING = "hate_or_repeat_targeting"
    NEW_EVIDENCE_OR_DETAILS = "new_evidence_or_details"


TIER_OF: dict[Category, int] = {
    Category.IMMEDIATE_DANGER: 1,
    Category.SUICIDE_OR_SELF_HARM: 1,
    Category.CHILD_AT_RISK: 1,
    Category.STRANGULATION: 1,
    Category.THREATS_TO_KILL_OR_WEAPONS: 1,
    Category.MISSING_PERSON: 1,
    Category.DOMESTIC_ABUSE_NEW_OR_WORSE: 2,
    Category.BREACH_OF_BAIL_OR_ORDER: 2,
    Category.WITNESS_INTIMIDATION: 2,
    Category.STALKING_ESCALATION: 2,
    Category.HONOUR_BASED_ABUSE_FORCED_MARRIAGE: 2,
    Category.MODERN_SLAVERY: 2,
    Category.SEXUAL_VIOLENCE_RECENT: 2,
    Category.OFFENDER_CONTACT_OR_RELEASE_FEAR: 3,
    Category.HATE_OR_REPEAT_TARGETING: 3,
    Category.NEW_EVIDENCE_OR_DETAILS: 4,
}


class Band(StrEnum):
    """How sure the danger is: handed over at once, asked about and checked by a person, or automated."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Why: the rule that fired and where, as code-point offsets into the text as received."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class ScreenResult:
    """`urgent` with no category means the message could not be read, which counts as a hit.

    `band` is RED or AMBER for an urgent message and GREEN for any other; an urgent one given as GREEN is RED.
    `rules`: which version of the rules said so, where that is known; no part of what was said.
    """

    urgent: bool
    tier: int | None = None
    category: Category | None = None
    evidence: tuple[Evidence, ...] = ()
    band: Band = Band.GREEN
    rules: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.urgent and self.band is Band.GREEN:
            object.__setattr__(self, "band", Band.RED)


CALM = ScreenResult(urgent=False)
