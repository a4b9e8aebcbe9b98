"""The arithmetic of `./waymark bench turn` and its reading of CPU time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from launcher.bench_rasa import BenchFailed, read_cpu_ns
from launcher.bench_turn import (
    FEWEST_TURNS,
    LARGEST_RATIO,
    SCRIPT,
    WINDOW,
    Measured,
    Turn,
    get_cost,
    make_part,
    measure,
    run_bench_turn,
    window,
)

pytestmark = pytest.mark.slow


def a_turn(message: int = 0, cpu_ms: float = 10.0) -> Turn:
    return Turn(message=message, cpu_ms=cpu_ms, wall_ms=2 * cpu_ms, size_bytes=2000)


def burn_cpu(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@dataclass
class TalkerInThisProcess:
    """Burns CPU in place of Rasa; by how much is told by the conversation's length."""

    cost_seconds: Callable[[int], float]
    pid: int = field(default_factory=os.getpid)
    lengths: dict[str, int] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()

    async def say(self, conversation: str, text: str) -> bool:
        self.lengths[conversation] = self.lengths.get(conversation, 0) + 1
        burn_cpu(self.cost_seconds(self.lengths[conversation]))
        return text not in self.silent

    def size_bytes(self, conversation: str) -> int:
        return 100 * self.lengths[conversation]


async def measured(talker: TalkerInThisProcess, turns: int = FEWEST_TURNS) -> Measured:
    return await measure("Rasa", talker, turns)


def test_a_window_holds_every_message_of_the_script_equally_often() -> None:
    assert WINDOW % len(SCRIPT) == 0


def test_a_window_stands_around_its_turn() -> None:
    turns = [a_turn(cpu_ms=number) for number in range(1, 501)]

    chosen = window(turns, 250)

    assert len(chosen) == WINDOW
    assert (chosen[0].cpu_ms, chosen[-1].cpu_ms) == (251 - WINDOW / 2, 250 + WINDOW / 2)


@pytest.mark.parametrize("middle", [1, 100])
def test_a_window_at_the_edge_is_as_long_as_any_other(middle: int) -> None:
    assert len(window([a_turn() for _ in range(100)], middle)) == WINDOW


def test_one_long_pause_does_not_decide_the_cost() -> None:
    calm = [a_turn(message=message) for message in (0, 1) for _ in range(3)]
    paused = [*calm[:-1], a_turn(message=1, cpu_ms=400.0)]

    assert get_cost(5, paused).cpu_ms == get_cost(5, calm).cpu_ms == 10.0


def test_a_message_sent_more_often_weighs_no_more() -> None:
    turns = [a_turn(0, 10.0), a_turn(0, 10.0), a_turn(0, 10.0), a_turn(1, 20.0)]

    cost = get_cost(5, turns)

    assert (cost.cpu_ms, cost.wall_ms, cost.size_bytes) == (15.0, 30.0, 2000)


async def test_a_rasa_whose_turns_grow_is_over_the_limit() -> None:
    growing = await measured(TalkerInThisProcess(lambda length: 0.00005 * length))

    assert growing.ratio > LARGEST_RATIO


async def test_a_rasa_whose_turns_do_not_grow_is_within_the_limit() -> None:
    level = await measured(TalkerInThisProcess(lambda length: 0.001))

    assert level.ratio <= LARGEST_RATIO


async def test_the_last_turn_is_the_one_asked_for() -> None:
    found = await measured(TalkerInThisProcess(lambda length: 0.0), turns=200)

    assert (found.fifth.number, found.middle.number, found.last.number) == (5, 100, 200)
    assert found.fifth.size_bytes == 500
    assert found.last.size_bytes == pytest.approx(20_000, abs=100)


async def test_silence_is_counted() -> None:
    found = await measured(TalkerInThisProcess(lambda length: 0.0, silent=frozenset({SCRIPT[3]})))

    assert found.unanswered / found.asked == pytest.approx(1 / len(SCRIPT), abs=0.01)


async def test_a_rasa_too_slow_to_compare_is_refused() -> None:
    with pytest.raises(BenchFailed, match="too few to compare"):
        await measure("Rasa", TalkerInThisProcess(lambda length: 0.0), 200, longest_seconds=0.0)


async def test_the_report_has_the_turns_of_both_and_the_ratio() -> None:
    found = await measured(TalkerInThisProcess(lambda length: 0.0), turns=200)

    figures = {row.name: (row.ours, row.stock) for row in make_part(found, found).rows}
    alone = make_part(found, None, notes=("Stock Rasa was not measured.",))

    assert figures["CPU, turn 5"] == (found.fifth.cpu_ms, found.fifth.cpu_ms)
    assert {"CPU, turn 100", "CPU, turn 200", "Wall, turn 200"} <= set(figures)
    assert figures["CPU of turn 200 / turn 5"] == (found.ratio, found.ratio)
    assert all(row.stock is None for row in alone.rows)
    assert alone.holds is (found.ratio <= LARGEST_RATIO)


def test_too_few_turns_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="too few"):
        run_bench_turn(tmp_path, tmp_path, turns=FEWEST_TURNS - 1)


def test_cpu_of_another_process_is_read_with_its_threads_living_and_gone() -> None:
    code = (
        "import sys, threading, time\n"
        "def burn():\n"
        "    until = time.thread_time() + 0.1\n"
        "    while time.thread_time() < until: pass\n"
        "one = threading.Thread(target=burn); one.start(); one.join()\n"
        "print('done', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        first = read_cpu_ns(process.pid)
        second = read_cpu_ns(process.pid)
        process.stdin.close()

    assert first >= 100_000_000
    assert second - first < 50_000_000


def test_a_process_that_stopped_can_not_be_read() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    with pytest.raises(BenchFailed, match="no process"):
        read_cpu_ns(process.pid)
