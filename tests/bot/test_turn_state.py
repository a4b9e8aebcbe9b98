"""What a turn is given and gives back: small, whole, and refused when damaged."""

import json
import time
from typing import Any

import pytest

from tests.actions.fake_reads import FakeReads
from tests.bot.rasa_process import Rasa
from tests.support.builders import a_case

pytestmark = pytest.mark.rasa

SAYINGS = [
    *(
        "hello",
        "what is happening with my case",
        "its 43260012345",
        "111111",
        "qwrt zxcv",
        "plk mnbv",
        "my rights",
    ),
    *(
        "who can help me",
        "tell my officer i called",
        "how do i complain",
        "thanks",
        "what happens next",
        "yes",
        "no",
    ),
]
GOOD = {"event": "action", "name": "action_listen"}


def test_after_300_turns_the_state_is_small_and_a_turn_costs_the_same(rasa: Rasa, reads: FakeReads) -> None:
    state: object = None
    sizes, costs = [], []
    for number in range(300):
        started = time.perf_counter()
        reply = rasa.turn(SAYINGS[number % len(SAYINGS)], state, turn_id=f"t{number}")
        costs.append(time.perf_counter() - started)
        assert reply.status == 200
        state = reply.body["state"]
        sizes.append(len(json.dumps(state)))
    assert max(sizes) <= 8 * 1024
    early, late = sorted(costs[10:60])[25], sorted(costs[250:])[25]
    assert late < 2 * early + 0.005, (early, late)


def test_a_wish_is_remembered_long_after_it_left_the_window(rasa: Rasa, reads: FakeReads) -> None:
    reads.expect_code("c1", "123456", a_case())
    *_, last = rasa.talk("who is my officer", *["thanks"] * 30, "123456")
    assert last.responses == ["utter_code_accepted", "utter_officer", "utter_officer_contact"]


def test_no_word_number_or_code_is_kept(rasa: Rasa, reads: FakeReads) -> None:
    replies = rasa.talk("hello its canary here", "43260012345", "123456", "canary wants my case")
    for reply in replies:
        state = json.dumps(reply.body["state"])
        assert not [word for word in ("canary", "43260012345", "123456") if word in state]


@pytest.mark.parametrize("empty", [None, {}])
def test_no_state_is_a_new_conversation(rasa: Rasa, reads: FakeReads, empty: object) -> None:
    assert rasa.turn("hello", empty).body["state"]["v"] == 1


@pytest.mark.parametrize(
    "state",
    [
        *("", "x", 1, True, [], [1], {"v": 2, "events": [GOOD]}, {"v": "1", "events": [GOOD]}, {"v": 1}),
        *({"events": [GOOD]}, {"v": 1, "events": []}, {"v": 1, "events": {}}, {"v": 1, "events": "x"}),
        *({"v": 1, "events": [1]}, {"v": 1, "events": [{}]}, {"v": 1, "events": [{"event": 3}]}),
        {"v": 1, "events": [{"event": "unheard_of"}, GOOD]},
        {"v": 1, "events": [{"event": "action"}, GOOD]},
        {"v": 1, "events": [{"event": "slot"}, GOOD]},
        {"v": 1, "events": [{"event": "user", "intent": "greet"}]},
        {"v": 1, "events": [{"event": "user", "intent": "greet", "entities": "x"}, GOOD]},
        {"v": 1, "events": [{"event": "user", "intent": "greet", "entities": [{}]}, GOOD]},
        {"v": 1, "events": [{"event": "user", "intent": {"a": 1}}, GOOD]},
        {"v": 1, "start": "x", "events": [GOOD]},
        {"v": 1, "start": {}, "events": [GOOD]},
        {"v": 1, "start": {"slots": []}, "events": [GOOD]},
        {"v": 1, "start": {"slots": {}, "loop": {"name": 1}}, "events": [GOOD]},
        {"v": 1, "start": {"slots": {}, "loop": {"name": "f"}}, "events": [GOOD]},
        {"v": 1, "events": [GOOD] * 2001},
    ],
    ids=str,
)
def test_a_damaged_state_is_refused(rasa: Rasa, reads: FakeReads, state: Any) -> None:
    reply = rasa.turn("hello", state)
    assert (reply.status, reply.body) == (503, {"code": "bad_state"})


def test_slots_and_forms_a_newer_model_no_longer_has_are_left_behind(rasa: Rasa, reads: FakeReads) -> None:
    loop = {"name": "old_form", "rejected": False, "intent": "greet", "entities": []}
    start = {"slots": {"old_slot": 1, "wish": "status"}, "loop": loop, "paused": False}
    reads.expect_code("c1", "123456", a_case())
    gone = [{"event": "slot", "name": "old_slot", "value": 2}, {"event": "active_loop", "name": "old_form"}]
    events = [
        GOOD,
        {"event": "user", "intent": "old"},
        {"event": "action", "name": "utter_gone"},
        *gone,
        GOOD,
    ]
    reply = rasa.turn("123456", {"v": 1, "start": start, "events": events})
    assert reply.status == 200 and "utter_stage_under_investigation" in reply.responses
