"""How a case ended, by the code of the Home Office's outcomes framework in its event "outcome".

The code itself is never shown. Not 13, which only a person may tell.
"""

from casework.model.cases import Case
from casework.model.stages import is_human_first_crime

OUTCOME = "outcome"

# The answer of bot/domain/case_outcomes.yml that says each in words.
RESPONSES_OF_OUTCOMES = {
    "1": "utter_outcome_going_to_court",
    "2": "utter_outcome_caution_young_person",
    "3": "utter_outcome_caution_adult",
    "4": "utter_outcome_admitted_with_others",
    "5": "utter_outcome_suspect_died",
    "6": "utter_outcome_fine",
    "7": "utter_outcome_warning",
    "8": "utter_outcome_community_resolution",
    "9": "utter_outcome_not_for_trial",
    "10": "utter_outcome_no_formal_action",
    "11": "utter_outcome_too_young",
    "12": "utter_outcome_too_ill",
    "14": "utter_outcome_no_suspect_not_wished",
    "15": "utter_outcome_not_enough_evidence",
    "16": "utter_outcome_not_wished",
    "17": "utter_outcome_time_limit_passed",
    "18": "utter_outcome_no_suspect",
    "19": "utter_outcome_national_fraud_team",
    "20": "utter_outcome_another_organisation",
    "21": "utter_outcome_not_looked_into_further",
    "22": "utter_outcome_course_or_help",
}


def find_outcome(case: Case) -> str | None:
    """The code of the outcome recorded in the case's present stage; None when there is none.

    Also None for crimes in which a person tells the news: the stage is told, how it ended is not.
    """
    if is_human_first_crime(case.crime_type):
        return None
    codes = [
        event.detail for event in case.events if event.kind == OUTCOME and event.at.date() >= case.stage_since
    ]
    return codes[-1] if codes else None
