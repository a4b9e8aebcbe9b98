"""What only a rule saw goes to the trainers once a comparison finds it, and what people settled does not.

Red when, each tried once: `_is_open` says yes to everything; the second model is left out of `find_rule_alone`; nothing
is noted, by `note_rule_alone` or by the comparison.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from casework.adapters.storage.workbench_tables import review_reason
from casework.model.disclosures import CALM, Band, Category, ScreenResult
from casework.model.review_queues import Queue
from casework.model.turn_outcomes import Truth, TurnOutcome
from launcher.compare import compare_stored
from launcher.replay import Replayed
from launcher.replay_input import ReplayInput, a_strangers_turn
from launcher.rule_alone import find_rule_alone, note_rule_alone
from tests.casework.services.reviewing import make_line, make_quiet
from tests.launcher.test_shadow import LIVE, NEW, Staged, staged
from tests.support.builders import a_hit, an_amber_hit
from tests.support.clock import SetClock
from tests.support.line import Line

__all__ = ["staged"]
HIT = "he is outside my door with a knife"


def a_truth(by: str, *, is_urgent: bool = True) -> Truth:
    return Truth(
        is_urgent=is_urgent,
        category=Category.IMMEDIATE_DANGER if is_urgent else None,
        intent=None,
        by=by,
    )


def a_turn(inbox_id: int, screen: ScreenResult | None = None, truth: Truth | None = None) -> ReplayInput:
    turn = a_strangers_turn(f"t{inbox_id}", HIT)
    return replace(turn, inbox_id=inbox_id, screen=a_hit(1) if screen is None else screen, truth=truth)


def a_replayed(urgencies: dict[int, float | None], *, sees: frozenset[int] = frozenset()) -> Replayed:
    """What a model says of each turn; RED without the screen where it `sees`."""
    outcomes = {
        f"t{inbox_id}": TurnOutcome(
            responses=(),
            effects=(),
            band=Band.RED,
            tier=1,
            category="immediate_danger",
            to_person=True,
            urgency=urgency,
        )
        for inbox_id, urgency in urgencies.items()
    }
    alone = {f"t{inbox_id}": Band.RED if inbox_id in sees else Band.GREEN for inbox_id in urgencies}
    return Replayed(outcomes=outcomes, digest="", seconds=0.0, p95_ms=0.0, failed=(), alone=alone)


def test_what_either_model_takes_for_calm_is_found_with_the_least_it_read() -> None:
    turns = [a_turn(n) for n in (1, 2, 3, 4, 5)]
    live = a_replayed({1: 0.2, 2: 0.9, 3: 0.03, 4: None}, sees=frozenset({2}))
    new = a_replayed({1: 0.1, 2: 0.04, 3: 0.9, 4: None}, sees=frozenset({3}))

    assert find_rule_alone(turns, [live, new]) == {1: 0.1, 2: 0.04, 3: 0.03}


@pytest.mark.parametrize(
    ("turn", "is_found"),
    [
        (a_turn(1), True),
        (a_turn(1, truth=a_truth("ending")), True),
        (a_turn(1, truth=a_truth("ending", is_urgent=False)), False),
        (a_turn(1, truth=a_truth("settled")), False),
        (a_turn(1, CALM), False),
        (a_turn(1, an_amber_hit(2)), False),
    ],
    ids=["nobody spoke", "a detective: urgent", "a detective: calm", "settled", "no rule", "a doubt"],
)
def test_only_danger_by_a_rule_that_nobody_settled_is_found(turn: ReplayInput, is_found: bool) -> None:
    assert bool(find_rule_alone([turn], [a_replayed({1: 0.01})])) is is_found


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Iterator[Line]:
    made = make_line(database_url, clock)
    made.screen.results = {HIT: a_hit(1)}
    yield made
    made.database.close()


def test_it_stands_among_the_possible_misses_once(line: Line) -> None:
    hit = line.receive(HIT).inbox_id

    assert note_rule_alone(line.database, {hit: 0.02, hit + 100: 0.01}) == 1
    note_rule_alone(line.database, {hit: 0.01})

    [row] = line.rows(review_reason)
    assert (row.inbox_id, row.queue, row.harm) == (hit, Queue.POSSIBLE_MISSES, 1)
    assert (row.why, row.detail) == ("rule_alone", {"urgency": 0.02})


async def test_a_comparison_that_somebody_asks_for_finds_it(staged: Staged) -> None:
    """Both models read it, over a program that stands where Rasa would, and the live one takes it for calm."""
    staged.line.screen.results = {HIT: a_hit(1)}
    staged.reads(NEW, he_is_outside_my_door_with_a_knife=0.99)
    hit = await staged.say(HIT)
    make_quiet(staged.line)

    await asyncio.to_thread(
        compare_stored, staged.root, staged.service, model=NEW, against=None, turns=10, by="toni"
    )

    assert sorted(staged.asked()) == [(LIVE, HIT), (NEW, HIT)]
    [row] = staged.line.rows(review_reason)
    assert (row.inbox_id, row.queue, row.why) == (hit, Queue.POSSIBLE_MISSES, "rule_alone")
    assert row.detail == {"urgency": 0.001}
