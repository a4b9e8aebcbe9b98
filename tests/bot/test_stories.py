"""Conversations with the real rules, state and actions. What each message means is told before its bar."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from actions.reads import AssistantView, SupportService
from casework.model.sms_segments import count_segments
from casework.model.standings import Standing
from casework.services.rendering import write_out
from casework.services.service_texts import load_service_texts
from casework.services.support_directory import Opening
from tests.actions.fake_reads import FakeReads
from tests.bot.rasa_process import ActionsBeside, Rasa, Reply, running_rasa
from tests.support.builders import a_case
from tests.support.dialogue_rasa import CONFIG
from tests.support.dialogue_rasa import dialogue_model as dialogue_model
from tests.yaml_files import read_yaml

pytestmark = pytest.mark.rasa

HAND_OFF_EFFECTS = [{"effect": "hand_off", "reason": "not_understood"}]
CHILDLINE = SupportService(
    name="Childline",
    phone="0800 1111",
    hours="",
    for_whom="anyone under 19",
    reach="call 0800 1111 or chat on their website",
    opening=Opening.ALWAYS,
)


@pytest.fixture(scope="module")
def rasa(
    dialogue_model: Path, actions_beside: ActionsBeside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rasa]:
    log = tmp_path_factory.mktemp("dialogue-rasa") / "rasa.log"
    with running_rasa(dialogue_model, actions_beside.port, log) as running:
        yield running


def in_sms(reply: Reply) -> str:
    """The reply as the one text it leaves as."""
    return write_out(reply.text, choices(reply), load_service_texts())


def choices(reply: Reply) -> list[str]:
    found: list[str] = reply.body["replies"][-1]["choices"]
    return found


def test_the_rules_are_tried_with_the_policies_of_the_assistant() -> None:
    [mine], [real] = read_yaml(CONFIG), read_yaml("config.yml")
    assert mine["policies"] == real["policies"]


# --- a disclosure in between ---


def test_a_dropped_turn_leaves_the_code_and_the_wish_as_they_stood(rasa: Rasa, reads: FakeReads) -> None:
    reads.expect_code("c1", "482913", a_case())
    _, asked = rasa.talk("ask_oic_contact | who is my officer", "43260012345")
    dropped = rasa.turn("he is outside now", asked.body["state"])
    resumed = rasa.turn("482913", asked.body["state"])
    assert dropped.responses == ["utter_rephrase"]
    assert resumed.responses == ["utter_code_accepted", "utter_officer", "utter_officer_contact"]


# --- corrections ---


@pytest.mark.parametrize(
    "text",
    [
        "sorry meant 43260012346",
        "not_that | no thats wrong its 43260012346",
        "deny | no 43260012346",
        "give_reference | not 43260012345 its 43260012346",
        "give_reference | 43260012346 not 43260012345",
    ],
)
def test_a_corrected_reference_takes_the_place_of_the_last_one(
    rasa: Rasa, reads: FakeReads, text: str
) -> None:
    reads.expect_code("c1", "482913", a_case())
    *_, corrected, linked = rasa.talk("ask_status | any news", "43260012345", text, "482913")
    assert corrected.body["effects"] == [{"effect": "request_code", "reference": "43260012346"}]
    assert linked.responses[:2] == ["utter_code_accepted", "utter_stage_under_investigation"]


def test_the_other_one_after_a_reference_asks_for_that_reference(rasa: Rasa, reads: FakeReads) -> None:
    *_, other, given = rasa.talk(
        "ask_status | news", "43260012345", "not_that | no the other one", "43260099999"
    )
    assert other.responses == ["utter_other_reference"] and other.body["effects"] == []
    assert given.body["effects"] == [{"effect": "request_code", "reference": "43260099999"}]


# --- several wishes ---


def test_two_short_answers_are_given_in_one_reply_the_more_pressing_first(
    rasa: Rasa, reads: FakeReads
) -> None:
    reads.link("c1", a_case())
    reply = rasa.turn("ask_rights +ask_oic_contact @support_cost | is support free. whos my officer")
    assert reply.responses == ["utter_officer", "utter_officer_contact", "utter_support_cost"]
    assert count_segments(in_sms(reply)) <= 2


def test_by_text_message_a_long_answer_leaves_room_for_the_next_choice(rasa: Rasa, reads: FakeReads) -> None:
    reads.link("c1", a_case())
    reply = rasa.turn("ask_oic_contact +ask_status | whos my officer and any news")
    assert reply.responses[0] == "utter_stage_under_investigation"
    assert "My officer" in choices(reply) and count_segments(in_sms(reply)) <= 2


def test_what_does_not_fit_is_offered_as_one_choice_and_a_yes_gets_it(rasa: Rasa, reads: FakeReads) -> None:
    first = rasa.turn("ask_rights +message_for_officer @right_8 | tell her im away. and what about court")
    second = rasa.turn("affirm | yes", first.body["state"])
    assert first.body["effects"] == [{"effect": "hand_off", "reason": "message_for_officer"}]
    assert "My rights" in choices(first) and count_segments(in_sms(first)) <= 2
    assert second.responses == ["utter_right_8"]


def test_of_three_wishes_two_at_most_are_answered(rasa: Rasa, reads: FakeReads) -> None:
    reply = rasa.turn(
        "ask_status +ask_compensation +ask_support | news? and money? and someone to talk to",
        channel="webchat",
    )
    assert reply.responses == ["utter_need_reference", "utter_offer_next"]
    assert choices(reply) == ["Compensation", "A person"]


def test_two_wishes_that_need_the_same_proof_ask_for_it_once_and_both_are_remembered(
    rasa: Rasa, reads: FakeReads
) -> None:
    reads.expect_code("c1", "482913", a_case())
    asked, _, linked = rasa.talk("ask_status +ask_oic_contact | news and officer", "43260012345", "482913")
    told = rasa.turn("affirm | yes", linked.body["state"])
    assert asked.responses == ["utter_need_code"]
    assert linked.responses[:2] == ["utter_code_accepted", "utter_stage_under_investigation"]
    assert "My officer" in choices(linked)
    assert told.responses[0] in ("utter_officer", "utter_need_code")


def test_a_wish_after_a_hello_is_answered(rasa: Rasa, reads: FakeReads) -> None:
    assert rasa.turn("greet +ask_status | hiya. any news").responses == ["utter_need_reference"]


# --- another topic, and not that ---


def test_another_topic_before_the_code_is_answered_and_the_code_still_works(
    rasa: Rasa, reads: FakeReads
) -> None:
    reads.expect_code("c1", "482913", a_case())
    *_, topic, linked = rasa.talk(
        "ask_status | news", "43260012345", "ask_rights @interpreter | can i have an interpreter", "482913"
    )
    assert topic.responses == ["utter_interpreter"]
    assert linked.responses[:2] == ["utter_code_accepted", "utter_stage_under_investigation"]


def test_not_that_offers_the_two_next_likely_wishes_then_brings_a_person(
    rasa: Rasa, reads: FakeReads
) -> None:
    _, offered, person = rasa.talk(
        "complain,ask_court,greet,ask_support | she never came",
        "not_that | thats not what i asked",
        "not_that | not that either",
    )
    assert offered.responses == ["utter_not_that"]
    assert choices(offered) == ["When is court", "Support near me", "A person"]
    assert person.responses == ["utter_hand_off_not_understood"]
    assert person.body["effects"] == HAND_OFF_EFFECTS


def test_the_second_of_two_offered_can_be_asked_for_as_the_other_one(rasa: Rasa, reads: FakeReads) -> None:
    reads.support = [CHILDLINE]
    *_, other = rasa.talk(
        "complain,ask_court,ask_support | x", "not_that | not that", "not_that | the second one"
    )
    assert other.responses[0] == "utter_support_intro"


def test_a_no_to_both_brings_a_person(rasa: Rasa, reads: FakeReads) -> None:
    *_, no = rasa.talk("complain,ask_court,ask_support | x", "not_that | not that", "deny | no")
    assert no.responses == ["utter_hand_off_not_understood"] and no.body["effects"] == HAND_OFF_EFFECTS


def test_two_in_a_row_not_understood_in_whatever_way_bring_a_person(rasa: Rasa, reads: FakeReads) -> None:
    *_, last = rasa.talk("ask_court,complain | x", "not_that | no", "qwrt zxcv")
    assert last.responses == ["utter_hand_off_not_understood"] and last.body["effects"] == HAND_OFF_EFFECTS


# --- the same again ---


def test_the_same_question_is_answered_shorter_then_by_a_person(rasa: Rasa, reads: FakeReads) -> None:
    reads.link("c1", a_case())
    first, second, third, fourth = rasa.talk(*["ask_status | any news"] * 4)
    assert second.responses == ["utter_stage_under_investigation", "utter_said_before"]
    assert len(second.body["replies"][0]["text"]) <= len(first.body["replies"][0]["text"])
    assert third.responses == ["utter_hand_off_repeat"] and third.body["effects"] == HAND_OFF_EFFECTS
    assert len({reply.text for reply in (first, second, third, fourth)}) >= 3


@pytest.mark.parametrize("asked", ["ask_rights @right_8 | court rights", "request_human | a person"])
def test_no_text_is_said_three_times_running(rasa: Rasa, reads: FakeReads, asked: str) -> None:
    texts = [reply.text for reply in rasa.talk(*[asked] * 8)]
    assert all(len(set(texts[place : place + 3])) > 1 for place in range(6))


def test_a_yes_to_a_person_after_the_shorter_answer_brings_one(rasa: Rasa, reads: FakeReads) -> None:
    *_, person = rasa.talk("ask_court | when", "ask_court | when is it", "affirm | yes")
    assert person.body["effects"] == [{"effect": "hand_off", "reason": "asked_for_person"}]


def test_say_that_again_says_the_last_answer_shorter(rasa: Rasa, reads: FakeReads) -> None:
    _, again = rasa.talk("ask_rights @interpreter | interpreter", "repeat | say that again")
    assert again.responses == ["utter_interpreter", "utter_said_before"]


# --- coming back ---


def test_after_half_a_day_nothing_is_taken_for_granted(rasa: Rasa, reads: FakeReads) -> None:
    first, second = rasa.talk("ask_court,complain | when", "ask_court,complain | when")
    reads.views["c1"] = AssistantView(standing=Standing.UNKNOWN, is_new_visit=True)
    yes = rasa.turn("affirm | yes", second.body["state"])
    same = rasa.turn("ask_court | when", second.body["state"])
    assert yes.responses == ["utter_what_next"] and yes.body["effects"] == []
    assert same.text == first.text


def test_a_wish_of_another_day_is_not_answered_after_a_new_reference(rasa: Rasa, reads: FakeReads) -> None:
    [asked] = rasa.talk("ask_status | news")
    reads.views["c1"] = AssistantView(standing=Standing.UNKNOWN, is_new_visit=True)
    given = rasa.turn("43260012345", asked.body["state"])
    reads.expect_code("c1", "482913", a_case())
    reads.views["c1"] = replace(reads.views["c1"], is_new_visit=False)
    linked = rasa.turn("482913", given.body["state"])
    assert linked.responses == ["utter_code_accepted", "utter_ask_what_about_case"]


def test_a_code_of_yesterday_is_told_kindly_and_still_counted(rasa: Rasa, reads: FakeReads) -> None:
    reads.views["c1"] = AssistantView(standing=Standing.UNKNOWN, code_has_expired=True)
    code, status = rasa.talk("482913", "ask_status | any news")
    assert code.responses == ["utter_code_expired"] == status.responses[:1]
    assert code.body["effects"] == [{"effect": "confirm_code", "code": "482913", "accepted": False}]


# --- is it OK now ---


def test_where_the_plan_wants_it_a_yes_comes_before_anything_of_the_case(
    rasa: Rasa, reads: FakeReads
) -> None:
    reads.link("c1", a_case())
    asked, told, more = rasa.talk(
        "ask_status !safe_question | any news",
        "affirm !safe_question | yes",
        "ask_oic_contact !safe_question | who",
    )
    assert asked.responses == ["utter_safe_question"] and choices(asked) == ["Yes", "No"]
    assert told.responses[0] == "utter_stage_under_investigation"
    assert more.responses[0] == "utter_officer"


def test_a_yes_keeps_the_topic_that_was_asked_for(rasa: Rasa, reads: FakeReads) -> None:
    _, told = rasa.talk("ask_rights @vps_seen !safe_question | will he see it", "affirm !safe_question | yes")
    assert told.responses == ["utter_vps_seen"]


def test_a_no_ends_it_in_neutral_words_and_keeps_nothing(rasa: Rasa, reads: FakeReads) -> None:
    _, goodbye, later = rasa.talk(
        "ask_status !safe_question | any news", "deny !safe_question | no", "affirm !safe_question | yes"
    )
    assert goodbye.responses == ["utter_safe_goodbye"] and goodbye.body["effects"] == []
    for word in ("police", "crime", "case", "victim", "999"):
        assert word not in goodbye.text.lower()
    assert later.responses == ["utter_what_next"]


def test_a_new_visit_is_asked_anew(rasa: Rasa, reads: FakeReads) -> None:
    reads.link("c1", a_case())
    *_, told = rasa.talk("ask_status !safe_question | any news", "affirm !safe_question | yes")
    reads.views["c1"] = replace(reads.views["c1"], is_new_visit=True)
    again = rasa.turn("ask_status !safe_question | any news", told.body["state"])
    assert again.responses == ["utter_safe_question"]


def test_a_person_asked_for_is_never_held_up_by_the_question(rasa: Rasa, reads: FakeReads) -> None:
    reply = rasa.turn("give_new_information !safe_question | i found the receipt")
    assert reply.body["effects"] == [{"effect": "hand_off", "reason": "message_for_officer"}]


def test_the_question_is_asked_twice_at_most(rasa: Rasa, reads: FakeReads) -> None:
    *_, third = rasa.talk(*["ask_status !safe_question | any news"] * 3)
    assert third.responses == ["utter_hand_off_quiet"] and third.body["effects"] == HAND_OFF_EFFECTS


# --- who is writing ---


def test_abuse_is_answered_calmly_once_then_a_person_is_offered_then_brought(
    rasa: Rasa, reads: FakeReads
) -> None:
    first, second, third = rasa.talk(*["abuse | fuck off"] * 3)
    assert (first.responses, second.responses) == (["utter_boundary"], ["utter_boundary_person"])
    assert choices(second) == ["A person"]
    assert third.responses == ["utter_hand_off_again"] and third.body["effects"] == HAND_OFF_EFFECTS


def test_a_wish_among_abuse_is_answered(rasa: Rasa, reads: FakeReads) -> None:
    assert rasa.turn("abuse +ask_status | useless. whats going on").responses == ["utter_need_reference"]


@pytest.mark.parametrize("is_linked", [True, False])
def test_who_asks_about_someone_else_gets_the_same_words_and_nothing_is_looked_up(
    rasa: Rasa, reads: FakeReads, is_linked: bool
) -> None:
    if is_linked:
        reads.link("c1", a_case())
    reads.failure = RuntimeError("looked something up")
    replies = rasa.talk(
        "ask_about_victim | where does she live",
        "ask_about_victim | did she withdraw",
        "ask_about_victim | who is the witness on 43260012345",
    )
    assert [reply.responses for reply in replies] == [["utter_own_case_only"]] * 3
    assert len({reply.text for reply in replies}) == 1
    assert [reply.body["effects"] for reply in replies] == [[]] * 3


def test_a_child_is_told_of_childline_and_a_person_once_and_answered(rasa: Rasa, reads: FakeReads) -> None:
    reads.support = [CHILDLINE]
    first, second = rasa.talk("ask_status | im 13 whats happening with my case", "ask_status | im 13 tell me")
    assert first.responses[:2] == ["utter_support_service_always", "utter_child"]
    assert "0800 1111" in first.text and "999" in first.text
    assert "utter_need_reference" in first.responses or "News on my case" in choices(first)
    assert count_segments(in_sms(first)) <= 2
    assert "utter_child" not in second.responses
    assert reads.asked_support_for == [(None, "children")]


def test_a_child_who_only_says_their_age_is_answered(rasa: Rasa, reads: FakeReads) -> None:
    reads.support = [CHILDLINE]
    assert rasa.turn("child | hi im 10").responses == ["utter_support_service_always", "utter_child"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nie mówię po angielsku, potrzebuję pomocy", "tlumacza"),
        ("ask_status | nu vorbesc engleza, unde este cazul meu", "interpret"),
        ("greet | bore da, dwi eisiau siarad am fy achos", "cyfieithydd"),
        ("mujhe english nahi aati madad chahiye", "intezam"),
        ("no hablo inglés, necesito ayuda", "interprete"),
        ("Доброго дня, мені потрібна допомога", "We can get an interpreter"),
    ],
)
def test_another_language_is_answered_in_it_and_in_english_and_a_person_is_brought(
    rasa: Rasa, reads: FakeReads, text: str, words: str
) -> None:
    reply = rasa.turn(text)
    assert words in reply.text and "We can get an interpreter. A person will read this." in reply.text
    assert reply.responses[-1] == "utter_hand_off_interpreter"
    assert reply.body["effects"] == [{"effect": "hand_off", "reason": "asked_for_person"}]
    assert count_segments(in_sms(reply)) <= 2


@pytest.mark.parametrize(
    "text",
    [
        "ask_status | ya any news",
        "la la la",
        "im fine ta",
        "Mam is ill in bed de la warr rd",
        "no con man no que",
        "me me me",
    ],
)
def test_english_in_whatever_spelling_is_not_taken_for_another_language(
    rasa: Rasa, reads: FakeReads, text: str
) -> None:
    assert rasa.turn(text).body["parse"]["intent"] in ("ask_status", "nlu_fallback")


def test_on_the_web_the_line_is_in_the_letters_of_the_language(rasa: Rasa, reads: FakeReads) -> None:
    assert "tłumacza" in rasa.turn("nie mówię po angielsku", channel="webchat").text


def test_no_number_name_or_word_is_kept_of_any_of_this(rasa: Rasa, reads: FakeReads) -> None:
    replies = rasa.talk(
        "ask_status +ask_rights @right_6 | canary 43260012345", "not_that | canary", "abuse | canary"
    )
    for reply in replies:
        assert "canary" not in str(reply.body["state"]) and "43260012345" not in str(reply.body["state"])
