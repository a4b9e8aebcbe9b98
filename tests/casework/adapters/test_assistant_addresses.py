"""Which address takes the next turn, for every order of answers and faults.

Red when: a fault is forgotten at the next one (nobody is ever left out), an address stays out for good, a second turn
goes where the first still tries, or nobody is chosen because everybody is left out.
"""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.adapters.assistant_addresses import (
    FAULTS_IN_A_ROW,
    LEFT_OUT_SECONDS,
    LONGEST_LEFT_OUT_SECONDS,
    Addresses,
)

URLS = ("http://a", "http://b", "http://c")
STEPS = st.lists(
    st.tuples(st.sampled_from(["answer", "fault", "deadline", "wait"]), st.floats(0.0, 30.0)), max_size=60
)


class Watch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def make() -> tuple[Addresses, Watch]:
    watch = Watch()
    return Addresses(URLS, clock=watch), watch


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_somebody_is_always_asked_and_nobody_left_out_while_another_is_well(
    steps: list[tuple[str, float]],
) -> None:
    addresses, watch = make()
    for what, seconds in steps:
        well = [url for url in URLS if addresses.may_take(url)]
        chosen = addresses.choose([URLS])
        assert chosen in (well or URLS)
        with addresses.asking(chosen):
            if what == "answer":
                addresses.note_answer(chosen)
                assert not addresses.is_left_out(chosen)
            elif what in ("fault", "deadline"):
                addresses.note_fault(chosen, at_once=what == "deadline")
        if what == "deadline":
            assert addresses.is_left_out(chosen)
        watch.seconds += seconds if what == "wait" else 0.0
    watch.seconds += LONGEST_LEFT_OUT_SECONDS
    assert all(addresses.may_take(url) for url in URLS)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(URLS), max_size=30))
def test_turns_go_where_the_fewest_are(busy: list[str]) -> None:
    addresses, _ = make()
    open_turns = [addresses.asking(url) for url in busy]
    for turn in open_turns:
        turn.__enter__()
    counted = Counter(dict.fromkeys(URLS, 0) | Counter(busy))

    assert counted[addresses.choose([URLS])] == min(counted.values())
    for turn in open_turns:
        turn.__exit__(None, None, None)
    assert Counter(addresses.choose([URLS]) for _ in range(30)) == dict.fromkeys(URLS, 10)


def test_one_left_out_comes_back_with_one_turn_and_stays_once_that_is_answered() -> None:
    addresses, watch = make()
    for _ in range(FAULTS_IN_A_ROW):
        addresses.note_fault("http://a")
    assert not addresses.may_take("http://a")

    watch.seconds += LEFT_OUT_SECONDS
    with addresses.asking("http://a"):
        assert not addresses.may_take("http://a")
        addresses.note_answer("http://a")
        assert addresses.may_take("http://a")


def test_a_fault_on_coming_back_leaves_it_out_for_longer_each_time_up_to_a_minute() -> None:
    addresses, watch = make()
    pauses = []
    for _ in range(6):
        addresses.note_fault("http://a", at_once=True)
        begun = watch.seconds
        while not addresses.may_take("http://a"):
            watch.seconds += 1.0
        pauses.append(watch.seconds - begun)

    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


@pytest.mark.parametrize("after", range(1, FAULTS_IN_A_ROW))
def test_an_answer_between_two_faults_forgives_the_first(after: int) -> None:
    addresses, _ = make()
    for _ in range(3):
        for _ in range(after):
            addresses.note_fault("http://a")
        addresses.note_answer("http://a")

    assert addresses.may_take("http://a")


def test_a_preferred_address_goes_first_and_another_takes_its_place_while_it_is_left_out() -> None:
    addresses, watch = make()
    groups = [["http://b"], ["http://a", "http://c"]]
    assert [addresses.choose(groups) for _ in range(3)] == ["http://b"] * 3

    addresses.note_fault("http://b", at_once=True)
    assert {addresses.choose(groups) for _ in range(4)} == {"http://a", "http://c"}
    assert addresses.choose([["http://b"], []]) == "http://b"

    watch.seconds += LEFT_OUT_SECONDS
    assert addresses.choose(groups) == "http://b"
