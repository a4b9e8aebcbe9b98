"""Telling a person about their own case: status, next steps, officer. Nothing is told below LINKED."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from rasa_sdk.executor import CollectingDispatcher

from actions.reads import AssistantView
from casework.model.cases import Case
from casework.model.stages import is_human_first_crime, needs_human_first
from casework.model.standings import Standing

# What is said of a case's end, by the code of the Home Office's outcomes framework in its event "outcome".
# Not 13, which only a person may tell. The code itself is never shown.
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


class Wish(StrEnum):
    """What was asked for before it could be told, kept in the slot `wish`."""

    STATUS = "status"
    NEXT_STEPS = "next_steps"
    OFFICER = "officer"


def find_case(view: AssistantView) -> Case | None:
    """The case that may be told. The standing is looked at again here, whatever the view carries."""
    return view.case if view.standing >= Standing.LINKED else None


def tell(wish: Wish, case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    """Answer one wish from the case as recorded."""
    tellers: dict[Wish, Callable[[Case, CollectingDispatcher, date], None]] = {
        Wish.STATUS: _tell_status,
        Wish.NEXT_STEPS: _tell_next_steps,
        Wish.OFFICER: _tell_officer,
    }
    tellers[wish](case, dispatcher, today)


def find_outcome(case: Case) -> str | None:
    """The code of the outcome recorded in the case's present stage; None when there is none.

    Also None for crimes in which a person tells the news: the stage is told, how it ended is not.
    """
    if is_human_first_crime(case.crime_type):
        return None
    codes = [
        event.detail
        for event in case.events
        if event.kind == "outcome" and event.at.date() >= case.stage_since
    ]
    return codes[-1] if codes else None


def _tell_status(case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    outcome = find_outcome(case)
    if needs_human_first(case) or outcome not in {None, *RESPONSES_OF_OUTCOMES}:
        dispatcher.utter_message(response="utter_update_by_officer")
        return
    recorded_on = case.imported_at.date() if case.imported_at else case.stage_since
    response = RESPONSES_OF_OUTCOMES[outcome] if outcome else f"utter_stage_{case.stage}"
    dispatcher.utter_message(response=response, recorded_on=_in_words(recorded_on))
    if outcome is None or case.next_update_due is not None:
        _tell_next_update(case, dispatcher, today)


def _tell_next_steps(case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    if needs_human_first(case):
        dispatcher.utter_message(response="utter_update_by_officer")
        return
    dispatcher.utter_message(response=f"utter_next_{case.stage}")
    _tell_next_update(case, dispatcher, today)


def _tell_next_update(case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    due = case.next_update_due
    if due is None:
        dispatcher.utter_message(response="utter_no_update_date")
        return
    response = "utter_update_overdue" if due < today else "utter_next_update_due"
    dispatcher.utter_message(response=response, next_update_due=_in_words(due))


def _tell_officer(case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    if not case.oic_name:
        dispatcher.utter_message(response="utter_officer_unknown")
        return
    dispatcher.utter_message(
        response="utter_officer", officer_name=case.oic_name, collar_number=case.oic_collar_number
    )
    if case.oic_contact:
        dispatcher.utter_message(response="utter_officer_contact", officer_contact=case.oic_contact)


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
