"""The simulation says what theory says, and the table follows from its figures.

Red when, each tried once: a station begins with a message before it is free; the servers of a station take messages in
turn where whoever is free should; Erlang's formula leaves out the case that all are busy; a year has 12 days.
"""

import random
from datetime import date

import pytest

from launcher.capacity.demand import find_demand, find_review_by
from launcher.capacity.needs import MOST_BUSY, Cost, find_ceilings, find_disk, find_needs, load_cost
from launcher.capacity.queues import (
    Shares,
    Station,
    arrive_by_chance,
    exponential,
    fixed,
    mean_wait_of_one,
    mean_wait_of_several,
    simulate,
)
from launcher.capacity.table import render, simulate_way

MESSAGES = 40_000
NEAR = 0.08


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_server_with_a_fixed_time_keeps_people_waiting_as_long_as_theory_says(load: float) -> None:
    seconds, chance = 0.25, random.Random(11)
    seen = simulate(
        [Station(name="rasa", servers=1, takes=fixed(seconds))],
        arrive_by_chance(load / seconds, MESSAGES, chance=chance),
        chance=chance,
    )
    assert seen.waited[0] == pytest.approx(mean_wait_of_one(rate=load / seconds, seconds=seconds), rel=NEAR)
    assert seen.throughput == pytest.approx(load / seconds, rel=NEAR)


@pytest.mark.parametrize("servers", [2, 4])
def test_several_servers_keep_people_waiting_as_long_as_theory_says(servers: int) -> None:
    mean, load, chance = 0.25, 0.7, random.Random(12)
    rate = load * servers / mean
    seen = simulate(
        [Station(name="rasa", servers=servers, takes=exponential(mean))],
        arrive_by_chance(rate, MESSAGES, chance=chance),
        chance=chance,
    )
    told = mean_wait_of_several(rate=rate, mean_seconds=mean, servers=servers)
    assert seen.waited[0] == pytest.approx(told, rel=NEAR)


def test_one_server_by_erlang_is_one_server() -> None:
    rate, mean = 2.4, 0.25
    load = rate * mean
    assert mean_wait_of_several(rate=rate, mean_seconds=mean, servers=1) == pytest.approx(
        load * mean / (1 - load)
    )


def test_more_than_can_be_done_has_no_mean_wait() -> None:
    with pytest.raises(ValueError, match="more than"):
        mean_wait_of_one(rate=4.0, seconds=0.25)


def test_everybody_in_turn_waits_longer_than_for_whoever_is_free() -> None:
    def wait(shares: Shares) -> float:
        chance = random.Random(13)
        station = Station(name="rasa", servers=2, takes=exponential(0.25), shares=shares)
        arrivals = arrive_by_chance(5.6, MESSAGES, chance=chance)
        return simulate([station], arrivals, chance=chance).waited[0]

    assert wait(Shares.IN_TURN) > wait(Shares.ANY)


def test_two_who_come_at_once_are_served_one_after_the_other() -> None:
    seen = simulate([Station(name="rasa", servers=1, takes=fixed(1.0))], [0.0, 0.0], chance=random.Random(1))
    assert seen.took == (1.0, 2.0)
    assert seen.waited == (0.5,)


def test_demand_grows_with_the_people() -> None:
    one, thirty = find_demand(2_000_000), find_demand(60_000_000)
    assert thirty.peak == pytest.approx(30 * one.peak)
    assert one.surge > one.peak > one.messages_a_day / 86_400
    assert one.messages_a_year == pytest.approx(one.messages_a_day * 365)


def test_what_is_assumed_of_demand_is_looked_at_again_in_time() -> None:
    assert find_review_by() > date(2026, 11, 23)


def test_no_process_is_busier_than_it_may_be_and_none_is_spare() -> None:
    cost = load_cost()
    for rate in (0.1, 10.0, 100.0):
        needs = find_needs(rate, cost)
        for part, count in needs.processes.items():
            busy = rate * cost.processor_ms[part] / 1000
            assert busy / count <= MOST_BUSY
            assert count == 1 or busy / (count - 1) > MOST_BUSY


def test_what_gives_way_first_is_named_first() -> None:
    cost = Cost(
        processor_ms={"rasa": 10.0, "worker": 20.0},
        transactions=6,
        stored_bytes=1000,
        segments=2.0,
        measured="nowhere",
    )
    assert find_ceilings(cost) == [
        ("one number to send from", 0.5),
        ("one worker process", 50.0),
        ("one rasa process", 100.0),
    ]
    assert find_disk(find_demand(2_000_000), cost) == pytest.approx(
        find_demand(2_000_000).messages_a_year * 1000
    )


def test_nobody_takes_less_time_than_the_work_itself() -> None:
    cost = load_cost()
    way = find_needs(5.0, cost)
    least = (
        sum(ms for part, ms in cost.processor_ms.items() if part in ("gateway", "worker", "actions")) / 1000
    )
    assert min(simulate_way(way, cost, count=500)) >= least


def test_the_table_says_what_it_was_measured_on() -> None:
    cost = load_cost()
    page = render([2_000_000], cost)
    assert "2,000,000 people" in page
    assert f"Measured: {cost.measured}" in page
