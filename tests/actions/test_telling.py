from datetime import UTC, date, datetime
from typing import Any

import pytest

from actions.case import TellAboutCase
from actions.reads import AssistantView
from actions.telling import Wish
from casework.model.cases import Case, CaseEvent
from casework.model.outcomes import RESPONSES_OF_OUTCOMES
from casework.model.stages import STAGE_IDS
from casework.model.standings import Standing
from tests.actions.asking import ask
from tests.actions.fake_reads import FakeReads
from tests.support.builders import a_case

TODAY = date(2026, 11, 21)


def tell(reads: FakeReads, wish: Wish = Wish.STATUS) -> TellAboutCase:
    return TellAboutCase(reads, wish, lambda: TODAY)


@pytest.mark.parametrize("wish", Wish)
async def test_nothing_of_any_case_is_told_below_linked(wish: Wish) -> None:
    reads = FakeReads(views={"c1": AssistantView(standing=Standing.UNKNOWN, case=a_case())})
    said = await ask(tell(reads, wish))
    assert said.responses == ["utter_need_reference"]
    assert said.slots == {"wish": wish.value}


async def test_after_a_code_was_asked_for_the_code_is_asked_for() -> None:
    reads = FakeReads(views={"c1": AssistantView(standing=Standing.UNKNOWN, code_is_pending=True)})
    assert (await ask(tell(reads))).responses == ["utter_need_code"]


async def test_a_question_with_a_reference_in_it_asks_for_the_code_and_is_remembered() -> None:
    said = await ask(tell(FakeReads()), "any news on 43 26 0012345")
    assert said.effects == [{"effect": "request_code", "reference": "43260012345"}]
    assert said.slots == {"wish": "status"}


async def test_status_says_the_stage_when_it_was_recorded_and_when_the_next_update_is_due() -> None:
    reads = FakeReads()
    reads.link("c1", a_case(imported_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC)))
    words = (await ask(tell(reads))).in_words()
    assert words.startswith("As recorded on 20 November 2026: We are investigating.")
    assert "your next update is due by 10 December 2026" in words


async def test_an_update_past_its_date_is_said_to_be_late() -> None:
    reads = FakeReads()
    reads.link("c1", a_case(next_update_due=date(2026, 11, 20)))
    assert "utter_update_overdue" in (await ask(tell(reads))).responses


async def test_the_officer_is_named_with_their_collar_number() -> None:
    reads = FakeReads()
    reads.link("c1", a_case())
    words = (await ask(tell(reads, Wish.OFFICER))).in_words()
    assert "DC Robin Test-Officer" in words and "T0001" in words


@pytest.mark.parametrize("wish", [Wish.STATUS, Wish.NEXT_STEPS])
async def test_an_arrest_in_a_domestic_case_is_told_by_a_person_first(wish: Wish) -> None:
    reads = FakeReads()
    reads.link("c1", a_case(crime_type="Domestic abuse - assault", stage="arrested"))
    assert (await ask(tell(reads, wish))).responses == ["utter_update_by_officer"]


async def test_once_a_person_has_told_them_the_stage_is_shown() -> None:
    told = CaseEvent(at=datetime(2026, 11, 2, tzinfo=UTC), kind="victim_told", detail="")
    reads = FakeReads()
    reads.link("c1", a_case(crime_type="stalking", stage="arrested", events=(told,)))
    assert (await ask(tell(reads))).responses[0] == "utter_stage_arrested"


def ended(code: str, **values: Any) -> Case:
    event = CaseEvent(at=datetime(2026, 11, 2, tzinfo=UTC), kind="outcome", detail=code)
    return a_case(**({"stage": "closed_no_further_lines", "events": (event,)} | values))


@pytest.mark.parametrize("code", sorted(RESPONSES_OF_OUTCOMES, key=int))
async def test_how_a_case_ended_is_told_in_words_that_fit_in_two_texts(code: str) -> None:
    reads = FakeReads()
    reads.link("c1", ended(code, next_update_due=date(2026, 9, 30), stage_since=date(2026, 9, 30)))
    said = await ask(tell(reads))
    assert said.responses == [RESPONSES_OF_OUTCOMES[code], "utter_update_overdue"]
    assert said.segments() <= 2, said.in_words()


def test_every_outcome_but_the_thirteenth_has_words() -> None:
    assert set(RESPONSES_OF_OUTCOMES) == {str(code) for code in range(1, 23)} - {"13"}


@pytest.mark.parametrize("code", ["13", "99", "by phone", ""])
async def test_an_outcome_without_words_is_left_to_the_officer(code: str) -> None:
    reads = FakeReads()
    reads.link("c1", ended(code))
    assert (await ask(tell(reads))).responses == ["utter_update_by_officer"]


async def test_with_no_update_to_come_none_is_spoken_of() -> None:
    reads = FakeReads()
    reads.link("c1", ended("18", next_update_due=None))
    assert (await ask(tell(reads))).responses == ["utter_outcome_no_suspect"]


async def test_an_outcome_of_an_earlier_stage_is_not_told() -> None:
    reads = FakeReads()
    reads.link("c1", ended("18", stage="under_investigation", stage_since=date(2026, 11, 3)))
    assert (await ask(tell(reads))).responses[0] == "utter_stage_under_investigation"


async def test_how_a_domestic_case_ended_is_told_by_a_person_alone() -> None:
    reads = FakeReads()
    reads.link("c1", ended("16", crime_type="Domestic abuse - assault"))
    assert (await ask(tell(reads))).responses[0] == "utter_stage_closed_no_further_lines"


@pytest.mark.parametrize("stage", sorted(STAGE_IDS))
async def test_every_stage_has_its_words_and_fits_in_two_texts(stage: str) -> None:
    reads = FakeReads()
    # The longest a date can be.
    due = date(2026, 9, 30)
    reads.link("c1", a_case(stage=stage, stage_since=due, next_update_due=due, enhanced_rights=False))
    for wish in (Wish.STATUS, Wish.NEXT_STEPS):
        said = await ask(tell(reads, wish))
        assert said.segments() <= 2, said.in_words()


async def test_what_was_wished_for_is_forgotten_once_told() -> None:
    reads = FakeReads()
    reads.link("c1", a_case())
    assert (await ask(tell(reads), slots={"wish": "officer"})).slots == {"wish": None}
