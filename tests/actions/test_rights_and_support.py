from datetime import UTC, date, datetime
from itertools import product

import pytest

from actions.database_reads import show_service
from actions.reads import SupportService
from actions.rights import TellRight
from actions.support import FindSupport
from actions.topics import load_topics
from casework.services.support_directory import LONDON, Opening, find_support_services
from tests.actions.asking import Said, ask
from tests.actions.fake_reads import FakeReads
from tests.support.builders import a_case

WORDS, LEARNED = "RegexEntityExtractor", "TopicClassifier"
TEST_LINE = SupportService(name="Test Line", phone="0800", hours="", for_whom="anyone", reach="write to it")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 3, tzinfo=UTC)
CHRISTMAS = datetime(2026, 12, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("intent", "topics", "response"),
    [
        ("ask_rights", [], "utter_rights_overview"),
        ("ask_rights", [("right_13", WORDS)], "utter_rights_overview"),
        ("ask_rights", [("right_6", WORDS)], "utter_right_6"),
        ("ask_rights", [("right_6", LEARNED)], "utter_right_6"),
        # Of two that the words name, the more exact one.
        ("ask_rights", [("right_8", WORDS), ("special_measures", WORDS)], "utter_special_measures"),
        # The words say more exactly what was learned, and do not overrule it.
        ("ask_rights", [("right_7", LEARNED), ("vps_seen", WORDS)], "utter_vps_seen"),
        ("ask_rights", [("right_7", LEARNED), ("right_7", WORDS), ("vps_seen", WORDS)], "utter_vps_seen"),
        ("ask_rights", [("right_7", LEARNED), ("expenses", WORDS)], "utter_right_7"),
        ("ask_rights", [("right_10", LEARNED), ("expenses", WORDS)], "utter_expenses"),
        ("ask_rights", [("right_1", LEARNED), ("bail_or_rui", WORDS)], "utter_bail_or_rui"),
        ("ask_rights", [("general", LEARNED), ("enhanced_rights", WORDS)], "utter_enhanced_rights"),
        # A topic an intent may not choose is not chosen.
        ("complain", [], "utter_right_12"),
        ("complain", [("right_6", WORDS)], "utter_right_12"),
        ("complain", [("complaint_effect", WORDS)], "utter_complaint_effect"),
        ("ask_compensation", [], "utter_right_5"),
        ("ask_compensation", [("right_8", WORDS), ("compensation_wait", WORDS)], "utter_compensation_wait"),
        ("ask_court", [], "utter_right_8"),
        ("ask_court", [("expenses", LEARNED)], "utter_expenses"),
        ("ask_review_decision", [], "utter_review_decision"),
        ("ask_review_decision", [("review_cps", WORDS)], "utter_review_cps"),
        ("ask_rights", [("stalking", WORDS)], "utter_rights_overview"),
    ],
)
async def test_a_question_gets_the_answer_of_its_topic(
    intent: str, topics: list[tuple[str, str]], response: str
) -> None:
    assert (await ask(TellRight(), intent=intent, topics=topics)).responses == [response]


async def test_support_is_matched_to_the_crime_only_after_proof() -> None:
    reads = FakeReads(support=[TEST_LINE])
    await ask(FindSupport(reads), intent="ask_support")
    reads.link("c1", a_case(crime_type="stalking"))
    said = await ask(FindSupport(reads), intent="ask_support")
    assert reads.asked_support_for == [(None, None), ("stalking", None)]
    assert "Test Line 0800. For anyone." in said.in_words()


@pytest.mark.parametrize("extractor", [WORDS, LEARNED])
async def test_support_that_was_asked_for_by_name_is_looked_for(extractor: str) -> None:
    reads = FakeReads(support=[TEST_LINE])
    await ask(FindSupport(reads), intent="ask_support", topics=[("right_4", WORDS), ("housing", extractor)])
    assert reads.asked_support_for == [(None, "housing")]


async def test_of_two_kinds_of_support_the_more_particular_is_looked_for() -> None:
    reads = FakeReads()
    topics = [("mental_health", WORDS), ("sexual_violence", WORDS)]
    await ask(FindSupport(reads), intent="ask_support", topics=topics)
    assert reads.asked_support_for == [(None, "sexual_violence")]


async def test_with_no_checked_service_a_person_is_offered() -> None:
    assert (await ask(FindSupport(FakeReads()), intent="ask_support")).responses == ["utter_support_none"]


async def test_someone_with_nowhere_to_stay_is_told_what_the_council_must_do() -> None:
    said = await ask(
        FindSupport(FakeReads(support=[TEST_LINE])), intent="ask_support", topics=[("housing", WORDS)]
    )
    assert "utter_support_housing" in said.responses


@pytest.mark.parametrize(
    ("opening", "words"),
    [
        (Opening.ALWAYS, "It is open day and night."),
        (Opening.OPEN, "It is open now. Hours: 9am to 5pm."),
        (Opening.CLOSED, "It is closed now. Hours: 9am to 5pm."),
        (Opening.HOLIDAY, "Hours: 9am to 5pm. On a bank holiday they may not be the same."),
        (Opening.UNKNOWN, "You can write to it."),
    ],
)
async def test_a_person_is_told_whether_someone_answers_now(opening: Opening, words: str) -> None:
    line = SupportService(
        name="Test Line",
        phone="0800",
        hours="9am to 5pm",
        for_whom="anyone",
        reach="write to it",
        opening=opening,
    )
    said = await ask(FindSupport(FakeReads(support=[line])), intent="ask_support")
    assert words in said.in_words("webchat")


async def find(crime_type: str | None, topic: str | None, now: datetime) -> Said:
    found = find_support_services(crime_type, topic=topic, today=now.astimezone(LONDON).date())
    reads = FakeReads(support=[show_service(service, now) for service in found])
    return await ask(FindSupport(reads), intent="ask_support", topics=[(topic, WORDS)] if topic else [])


TOPICS_AND_CRIMES = [
    *((None, topic) for topic in load_topics().support),
    *(
        (crime, None)
        for crime in (None, "burglary", "fraud", "stalking", "child sexual abuse", "honour-based")
    ),
    ("child sexual abuse", "mental_health"),
    ("forced marriage", "lgbt"),
]


@pytest.mark.parametrize(
    ("about", "now"), list(product(TOPICS_AND_CRIMES, (NOON, NIGHT, CHRISTMAS))), ids=lambda value: str(value)
)
async def test_the_services_fit_in_two_texts_and_end_with_a_way_that_is_no_call(
    about: tuple[str | None, str | None], now: datetime
) -> None:
    said = await find(*about, now)
    assert said.segments() <= 2, said.in_words()
    assert said.responses[-1] == "utter_support_other_ways"


async def test_a_service_of_the_directory_is_told_with_every_way_to_reach_it() -> None:
    words = (await find("Domestic abuse", None, NOON)).in_words("webchat")
    assert (
        "You can call 0808 2000 247 free, or book a safe time for a call at nationaldahelpline.org.uk."
        in words
    )
    assert "live chat at victimsupport.org.uk" in words


async def test_nothing_past_its_check_date_is_told() -> None:
    late = date(2030, 1, 1)
    assert find_support_services("Domestic abuse", topic="children", today=late) == []
