"""Where an investigation has got to, and which of those a person must hear from a person first.

Released from custody, charged, sentenced: each is a moment when danger can rise, so for the crimes named here
Waymark is never the first to say it (College of Policing, domestic abuse: victim safety and support).
"""

import re
from enum import StrEnum

from casework.model.cases import Case, CaseEvent

VICTIM_TOLD = "victim_told"


class Stage(StrEnum):
    REPORTED = "reported"
    RECORDED = "recorded"
    ASSESSING = "assessing"
    ALLOCATED = "allocated"
    UNDER_INVESTIGATION = "under_investigation"
    SUSPECT_IDENTIFIED = "suspect_identified"
    ARRESTED = "arrested"
    INTERVIEWED_VOLUNTARY = "interviewed_voluntary"
    RELEASED_ON_BAIL = "released_on_bail"
    RELEASED_UNDER_INVESTIGATION = "released_under_investigation"
    RELEASED_NO_CHARGE = "released_no_charge"
    WITH_CPS = "with_cps"
    CHARGED = "charged"
    REMANDED_OR_COURT_BAIL = "remanded_or_court_bail"
    COURT_DATE_SET = "court_date_set"
    TRIAL = "trial"
    VERDICT_AND_SENTENCE = "verdict_and_sentence"
    POST_SENTENCE = "post_sentence"
    APPEAL = "appeal"
    OUT_OF_COURT = "out_of_court"
    CLOSED_NO_FURTHER_LINES = "closed_no_further_lines"
    TRANSFERRED = "transferred"


STAGE_IDS: frozenset[str] = frozenset(stage.value for stage in Stage)

HUMAN_FIRST: frozenset[Stage] = frozenset(
    {
        Stage.SUSPECT_IDENTIFIED,
        Stage.ARRESTED,
        Stage.INTERVIEWED_VOLUNTARY,
        Stage.RELEASED_ON_BAIL,
        Stage.RELEASED_UNDER_INVESTIGATION,
        Stage.RELEASED_NO_CHARGE,
        Stage.CHARGED,
        Stage.REMANDED_OR_COURT_BAIL,
        Stage.VERDICT_AND_SENTENCE,
        Stage.POST_SENTENCE,
        Stage.APPEAL,
        Stage.OUT_OF_COURT,
    }
)

# Loose on purpose: a burglary marked "domestic" waits for a person too, which costs a call and risks nobody.
_HUMAN_FIRST_STEMS = (
    *("domestic", "coerci", "controlling", "strangul", "stalk"),
    *("sex", "rape", "raping", "rapist", "indecen", "voyeur", "grooming", "intimate", "incest"),
    *("honour", "honor"),
)
_HUMAN_FIRST_WORDS = frozenset({"da", "dv", "dva", "hba", "hbv", "rasso", "vawg", "fgm"})
_HUMAN_FIRST_PHRASES = ("forced marriage", "female genital")


def is_human_first(stage: str) -> bool:
    """Whether this stage can change a person's danger. A stage nobody knows counts as one that can."""
    return stage in HUMAN_FIRST or stage not in STAGE_IDS


def needs_human_first(case: Case) -> bool:
    """Whether a person must tell the victim of this stage before Waymark may show it."""
    if not is_human_first(case.stage) or not is_human_first_crime(case.crime_type):
        return False
    return not any(_tells_of_stage(event, case) for event in case.events)


def is_human_first_crime(crime_type: str) -> bool:
    """Domestic abuse, stalking, sexual offences and honour-based abuse, by any of the words forces use."""
    words = re.findall(r"[a-z]+", crime_type.casefold())
    return (
        any(word.startswith(_HUMAN_FIRST_STEMS) for word in words)
        or not _HUMAN_FIRST_WORDS.isdisjoint(words)
        or any(phrase in " ".join(words) for phrase in _HUMAN_FIRST_PHRASES)
    )


def _tells_of_stage(event: CaseEvent, case: Case) -> bool:
    if event.kind != VICTIM_TOLD:
        return False
    # UTC is never ahead of British time, so in the hour they differ this errs towards not yet told.
    if event.at.date() < case.stage_since:
        return False
    is_still_to_come = case.imported_at is not None and event.at > case.imported_at
    # Two stages can begin on one day; an event that names the other one tells nothing of this one.
    tells_of_another = event.detail in STAGE_IDS and event.detail != case.stage
    return not is_still_to_come and not tells_of_another
