"""Telling a person about their own case: status, next steps, officer. Only what the view says may be told."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from rasa_sdk.executor import CollectingDispatcher

from actions.reads import AssistantView
from casework.model.cases import Case
from casework.model.may_tell import Piece
from casework.model.outcomes import RESPONSES_OF_OUTCOMES, find_outcome
from casework.model.standings import Standing

NOT_HERE = "utter_not_told_here"


class Wish(StrEnum):
    """What was asked for before it could be told, kept in the slot `wish`."""

    STATUS = "status"
    NEXT_STEPS = "next_steps"
    OFFICER = "officer"


def find_case(view: AssistantView) -> Case | None:
    """The case that may be told of. The standing is looked at again here, whatever the view carries."""
    return view.case if view.standing >= Standing.LINKED else None


def tell(wish: Wish, view: AssistantView, dispatcher: CollectingDispatcher, today: date) -> None:
    """Answer one wish from the case as recorded, as far as it may be told here. Raises ValueError without a case."""
    case = find_case(view)
    if case is None:
        raise ValueError("nothing was proved")
    tellers: dict[Wish, Callable[[AssistantView, Case, CollectingDispatcher, date], None]] = {
        Wish.STATUS: _tell_status,
        Wish.NEXT_STEPS: _tell_next_steps,
        Wish.OFFICER: _tell_officer,
    }
    tellers[wish](view, case, dispatcher, today)


def _tell_status(view: AssistantView, case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    if Piece.NEUTRAL_STATUS not in view.told:
        _leave_to_person(view, dispatcher)
        return
    if view.is_neutral:
        dispatcher.utter_message(response="utter_status_neutral", changed_on=_in_words(case.stage_since))
        return
    outcome = find_outcome(case) if Piece.OUTCOME in view.told else None
    if outcome not in {None, *RESPONSES_OF_OUTCOMES}:
        _leave_to_person(view, dispatcher)
        return
    recorded_on = case.imported_at.date() if case.imported_at else case.stage_since
    response = RESPONSES_OF_OUTCOMES[outcome] if outcome else f"utter_stage_{case.stage}"
    dispatcher.utter_message(response=response, recorded_on=_in_words(recorded_on))
    if outcome is None or case.next_update_due is not None:
        _tell_next_update(view, case, dispatcher, today)


def _tell_next_steps(view: AssistantView, case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    if Piece.NEXT_STEPS not in view.told:
        _leave_to_person(view, dispatcher)
        return
    dispatcher.utter_message(response=f"utter_next_{case.stage}")
    _tell_next_update(view, case, dispatcher, today)


def _tell_next_update(view: AssistantView, case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    due, hear_by = case.next_update_due, view.hear_by if Piece.CODE_CLOCK_DATES in view.told else None
    if due is not None and due < today:
        dispatcher.utter_message(response="utter_update_overdue", next_update_due=_in_words(due))
    elif hear_by is not None and (due is None or hear_by <= due):
        dispatcher.utter_message(response="utter_hear_by", day=f"{hear_by:%A} {hear_by.day} {hear_by:%B}")
    elif due is not None:
        dispatcher.utter_message(response="utter_next_update_due", next_update_due=_in_words(due))
    else:
        dispatcher.utter_message(response="utter_no_update_date")


def _tell_officer(view: AssistantView, case: Case, dispatcher: CollectingDispatcher, today: date) -> None:
    if Piece.OFFICER_NAME not in view.told:
        dispatcher.utter_message(response=NOT_HERE)
        return
    if not case.oic_name:
        dispatcher.utter_message(response="utter_officer_unknown")
        return
    dispatcher.utter_message(
        response="utter_officer", officer_name=case.oic_name, collar_number=case.oic_collar_number
    )
    if case.oic_contact and Piece.OFFICER_CONTACT in view.told:
        dispatcher.utter_message(response="utter_officer_contact", officer_contact=case.oic_contact)


def _leave_to_person(view: AssistantView, dispatcher: CollectingDispatcher) -> None:
    """News that a person tells first, or words that may not stand on this screen: never says which in neutral ones."""
    dispatcher.utter_message(response=NOT_HERE if view.is_neutral else "utter_update_by_officer")


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
