"""A short schedule for each way in which a promise was broken on purpose, so that nothing is left to chance.

Red when: the sabotages in docs/promises.md that say "schedule" are made; shown in a copy for each.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.model_based.faults import STEPS
from tests.model_based.machine import Machine
from tests.model_based.people import CALM, DANGER
from tests.support.databases import copy_sqlite

pytestmark = pytest.mark.slow

Schedule = Callable[[Machine], object]


def answered(machine: Machine) -> None:
    machine.someone_writes(who="Asha", text=CALM[0])
    machine.a_worker_answers(worker=0, assistant_="answers")


def told_of_failure(machine: Machine, *, is_heard: bool) -> None:
    answered(machine)
    machine.a_worker_sends(worker=0, provider_="takes it")
    machine.a_message_reaches_or_does_not(place=0, news=("undelivered", 30005), is_heard=is_heard)


def taken_over(machine: Machine) -> None:
    machine.someone_writes(who="Asha", text=CALM[0])
    machine.staff_take_over_while_the_assistant_thinks(worker=0, who=0, lets_go=False)
    machine.a_worker_sends(worker=0, provider_="takes it")


def closed_while_thinking(machine: Machine) -> None:
    machine.someone_writes(who="Asha", text=CALM[0])
    machine.a_worker_answers(worker=0, assistant_="hangs")
    machine.someone_writes_a_word_that_acts(who="Asha", text="EXIT")
    machine.what_hung_comes_back(place=0, with_="an answer")
    machine.a_worker_sends(worker=0, provider_="takes it")


def code_asked_for(machine: Machine) -> None:
    machine.someone_writes(who="a stranger", text=CALM[2])
    machine.a_worker_answers(worker=0, assistant_="answers")
    machine.a_worker_looks(worker=0, step="issue codes")


def written_beside_a_person(machine: Machine) -> None:
    answered(machine)
    machine.a_worker_sends(worker=0, provider_="takes it")
    machine.staff(deed="claims", place=0, who=0)
    machine.someone_writes(who="Asha", text=CALM[0])


def taken_a_moment_later(machine: Machine) -> None:
    answered(machine)
    machine.a_worker_sends(worker=0, provider_="times out, taken a moment later")
    machine.world.clock.advance(seconds=2)
    machine.a_worker_sends(worker=0, provider_="takes it")


def same_words_twice(machine: Machine) -> None:
    answered(machine)
    answered(machine)
    machine.a_worker_sends(worker=0, provider_="takes it")
    machine.a_worker_sends(worker=0, provider_="says 500, not taken")


def woken_after_its_lease(machine: Machine) -> None:
    answered(machine)
    machine.a_worker_sends(worker=0, provider_="hangs, taken")
    machine.world.clock.advance(seconds=11)
    machine.a_worker_sends(worker=1, provider_="takes it")
    machine.what_hung_comes_back(place=0, with_="a timeout")


def dead_between_two_commits(machine: Machine) -> None:
    machine.someone_writes(who="Asha", text=CALM[0])
    machine.the_next_process_fails_at(step="finish_turn", when="after_its_commit", how="dies")
    machine.a_worker_answers(worker=0, assistant_="answers")


def sent_by(provider: str) -> Schedule:
    return lambda machine: (answered(machine), machine.a_worker_sends(worker=0, provider_=provider))


def asked_of(assistant: str) -> Schedule:
    return lambda machine: (
        machine.someone_writes(who="Asha", text=CALM[0]),
        machine.a_worker_answers(worker=0, assistant_=assistant),
    )


SCHEDULES: dict[str, Schedule] = {
    "a claim": lambda machine: (answered(machine), machine.staff(deed="claims", place=0, who=0)),
    "a code asked for by a stranger": code_asked_for,
    "a person took over while the assistant thought": taken_over,
    "an address that is shut": sent_by("they opted out"),
    "danger that nobody takes": lambda machine: machine.someone_writes_of_danger(who="Asha", text=DANGER[0]),
    "dead after its commit": dead_between_two_commits,
    "dead while asking": asked_of("process dies"),
    "dead while sending": sent_by("process dies before"),
    "left while the assistant thought": closed_while_thinking,
    "news of a failure": lambda machine: told_of_failure(machine, is_heard=True),
    "news of a failure that never came": lambda machine: told_of_failure(machine, is_heard=False),
    "no assistant": asked_of("is down"),
    "taken a moment after we gave up": taken_a_moment_later,
    "taken, and never heard": sent_by("says 500, taken"),
    "the same words twice": same_words_twice,
    "woken after its lease": woken_after_its_lease,
    "written beside a person": written_beside_a_person,
}


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_promise_holds_on_a_known_schedule(name: str, sqlite_template: Path, tmp_path: Path) -> None:
    machine = Machine(lambda: copy_sqlite(sqlite_template, tmp_path / "waymark.db"), Counter())
    try:
        SCHEDULES[name](machine)
        machine.nothing_is_broken()
    finally:
        machine.teardown()


@pytest.mark.parametrize("when", ["after_its_commit", "at_its_commit", "in_it"])
def test_every_promise_holds_whichever_step_dies(when: str, sqlite_template: Path, tmp_path: Path) -> None:
    """Every step of a message's life in turn: the process that comes to it is gone."""
    told: Counter[str] = Counter()
    machine = Machine(lambda: copy_sqlite(sqlite_template, tmp_path / "waymark.db"), told)
    try:
        for step in sorted(STEPS):
            machine.the_next_process_fails_at(step=step, when=when, how="dies")
            machine.someone_writes(who="Asha", text=CALM[2])
            machine.someone_writes_of_danger(who="Bea on WhatsApp", text=DANGER[0])
            machine.staff(deed="claims", place=0, who=0)
            machine.staff(deed="returns it", place=0, who=0)
            machine.the_workers_do_all_there_is()
            machine.a_message_reaches_or_does_not(place=0, news=("delivered", None), is_heard=True)
            machine.time_passes(seconds=1000)
            machine.the_workers_do_all_there_is()
        machine.nothing_is_broken()
    finally:
        machine.teardown()

    assert [step for step in sorted(STEPS) if not told[f"{step}:{when}"]] == []
