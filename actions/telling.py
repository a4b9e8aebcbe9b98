"""Telling a person about their own case: status, next steps, officer. Nothing is told below LINKED."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from rasa_sdk.executor import CollectingDispatcher

from actions.reads import AssistantView
from casework.model.cases import Case
from casework.model.stages import needs_human_first
from casework.model.standings import Standing


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


def _tell_status(case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    if needs_human_first(case):
        dispatcher.utter_message(response="utter_update_by_officer")
        return
    recorded_on = case.imported_at.date() if case.imported_at else case.stage_since
    dispatcher.utter_message(response=f"utter_stage_{case.stage}", recorded_on=_in_words(recorded_on))
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
