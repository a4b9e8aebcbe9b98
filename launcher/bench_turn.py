"""`./waymark bench turn`: what a turn costs late in a conversation, against its fifth turn and stock Rasa."""

import asyncio
import math
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher import training
from launcher.bench_rasa import BenchFailed, Talker, actions_beside, read_cpu_ns, running_waymark
from launcher.bench_stock import running_stock, train_stock

LARGEST_RATIO = 1.15
FEWEST_TURNS = 100
STOCK_SECONDS = 300.0
WARM_UP_TURNS = 30
WINDOW = 60  # a multiple of the script's length, so that no message weighs more than another
PROGRESS_TURNS = 50

# A calm conversation: five of the ten are answered by a custom action, nobody is handed off.
SCRIPT = (
    "hello there",
    "what is happening with my case",
    "what are my rights",
    "ok thanks",
    "what happens next",
    "support near me",
    "no",
    "who is my officer",
    "yes",
    "bye for now",
)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One turn as measured: the CPU of Rasa's process, and the time the caller waited."""

    message: int
    cpu_ms: float
    wall_ms: float
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What turns around one point of a conversation cost."""

    number: int
    cpu_ms: float
    wall_ms: float
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`fifth` was measured between the turns of `last`, `fifth_before` ahead of the long conversation."""

    name: str
    fifth: Cost
    middle: Cost
    last: Cost
    fifth_before: Cost
    unanswered: int
    asked: int

    @property
    def ratio(self) -> float:
        """CPU of the last turns divided by CPU of a fifth turn at the same time."""
        return self.last.cpu_ms / self.fifth.cpu_ms


def run_bench_turn(root: Path, data_dir: Path, *, turns: int = 500) -> int:
    """Measures both and prints the table; 0 when Waymark's ratio is within the limit, else 1.

    Refuses fewer than 100 turns, and an environment that cannot be measured, with BenchFailed.
    """
    if turns < FEWEST_TURNS:
        raise BenchFailed(f"{turns} turns are too few to compare; ask for {FEWEST_TURNS} or more.")
    model = training.find_current_model(root)
    if model is None:
        _say("Training Waymark's assistant: its data or code is new")
        model = training.train(root, log_path=data_dir / "logs" / "train.log")
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as folder:
        try:
            return asyncio.run(_bench(root, model, Path(folder), turns))
        except (KeyboardInterrupt, asyncio.CancelledError):
            _say("Stopped before the end; nothing was decided.")
            return 1


async def _bench(root: Path, model: training.Model, folder: Path, turns: int) -> int:
    _end_cleanly_on_sigterm()
    load = os.getloadavg()[0]
    print(f"{model.path.name}, {os.cpu_count()} processors, load {load:.1f} before the start\n", flush=True)
    waymark = await _measure_waymark(root, model, folder, turns)
    print(render_table(waymark), flush=True)
    try:
        stock = await _measure_stock(root, folder, turns)
    except BenchFailed as refusal:
        print(f"\nStock Rasa was not measured. {refusal}", flush=True)
    else:
        print("\n" + render_table(stock), flush=True)
    is_within = waymark.ratio <= LARGEST_RATIO
    print(
        f"\nWaymark's turn {turns} costs {waymark.ratio:.2f} times its turn 5 (limit {LARGEST_RATIO}): "
        f"{'held' if is_within else 'NOT held'}.",
        flush=True,
    )
    return 0 if is_within else 1


def _end_cleanly_on_sigterm() -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _measure_waymark(root: Path, model: training.Model, folder: Path, turns: int) -> Measured:
    _say(f"Waymark's Rasa: {turns} turns in one conversation")
    async with (
        actions_beside() as beside,
        running_waymark(root, model, beside, folder / "waymark.log") as talker,
    ):
        return await measure("Waymark", talker, turns)


async def _measure_stock(root: Path, folder: Path, turns: int) -> Measured:
    _say("Stock Rasa: training its default pipeline on the same data")
    started = time.monotonic()
    model = await train_stock(root, folder)
    _say(f"      trained in {time.monotonic() - started:.0f} s")
    if model.skipped:
        print(
            f"\nStock Rasa trained without {', '.join(model.skipped)}: our data has no stories.", flush=True
        )
    _say(f"Stock Rasa: {turns} turns in one conversation, {STOCK_SECONDS:.0f} s at most")
    async with actions_beside() as beside, running_stock(root, model, beside, folder) as talker:
        return await measure("Stock Rasa", talker, turns, longest_seconds=STOCK_SECONDS)


async def measure(name: str, talker: Talker, turns: int, *, longest_seconds: float = math.inf) -> Measured:
    """One long conversation; each turn around its last is paired with a fifth turn of a new conversation.

    The two of a pair carry the same message, one straight after the other, so a machine that is busier for a
    while slows both. A conversation that takes longer than `longest_seconds` is measured where it stands.
    """
    meter = Meter(talker)
    _say(f"      {name}: warming up")
    await meter.talk("warm-up", WARM_UP_TURNS)
    before = [await meter.take_fifth_turn(f"before-{i}", i) for i in range(WINDOW)]
    long = await meter.talk("long", turns - WINDOW // 2, name=name, longest_seconds=longest_seconds)
    if len(long) < WINDOW:
        raise BenchFailed(f"Only {len(long)} turns in {longest_seconds:.0f} s: too few to compare.")
    _say(f"      {name}: {WINDOW} turns around the last, each beside a fifth turn")
    pairs = [await _take_pair(meter, i) for i in range(len(long), len(long) + WINDOW)]
    reached = len(long) + WINDOW // 2
    return Measured(
        name=name,
        fifth=get_cost(5, [fifth for _, fifth in pairs]),
        middle=get_cost(reached // 2, window(long, reached // 2)),
        last=get_cost(reached, [last for last, _ in pairs]),
        fifth_before=get_cost(5, before),
        unanswered=meter.unanswered,
        asked=meter.asked,
    )


async def _take_pair(meter: "Meter", place: int) -> tuple[Turn, Turn]:
    """The long conversation's next turn and a fifth turn, first the one and next time the other."""
    beside = f"beside-{place}"
    await meter.prepare_fifth_turn(beside, place)
    if place % 2:
        return await meter.take_turn("long", place), await meter.take_turn(beside, place)
    fifth = await meter.take_turn(beside, place)
    return await meter.take_turn("long", place), fifth


@dataclass
class Meter:
    """Takes turns and reads what each cost. A `place` is a place in the script, which goes round."""

    talker: Talker
    asked: int = 0
    unanswered: int = 0

    async def take_turn(self, conversation: str, place: int) -> Turn:
        message = place % len(SCRIPT)
        cpu, wall = read_cpu_ns(self.talker.pid), time.perf_counter_ns()
        is_answered = await self.talker.say(conversation, SCRIPT[message])
        wall_ms = (time.perf_counter_ns() - wall) / 1e6
        cpu_ms = (read_cpu_ns(self.talker.pid) - cpu) / 1e6
        self.asked += 1
        self.unanswered += not is_answered
        size_bytes = self.talker.size_bytes(conversation)
        return Turn(message=message, cpu_ms=cpu_ms, wall_ms=wall_ms, size_bytes=size_bytes)

    async def take_fifth_turn(self, conversation: str, place: int) -> Turn:
        await self.prepare_fifth_turn(conversation, place)
        return await self.take_turn(conversation, place)

    async def prepare_fifth_turn(self, conversation: str, place: int) -> None:
        """Four turns of a new conversation, so that its fifth is the message at `place`."""
        for earlier in range(place - 4, place):
            await self.take_turn(conversation, earlier)

    async def talk(
        self, conversation: str, turns: int, *, name: str = "", longest_seconds: float = math.inf
    ) -> list[Turn]:
        """The script from its start; with a name, every fiftieth turn is told."""
        done: list[Turn] = []
        started = time.monotonic()
        while len(done) < turns and time.monotonic() - started < longest_seconds:
            done.append(await self.take_turn(conversation, len(done)))
            if name and len(done) % PROGRESS_TURNS == 0:
                _say(f"      {name}: turn {len(done)}, {time.monotonic() - started:.0f} s")
        return done


def window(turns: Sequence[Turn], middle: int) -> Sequence[Turn]:
    """The turns around turn `middle`, counted from 1: each message of the script equally often."""
    first = max(0, min(middle - WINDOW // 2, len(turns) - WINDOW))
    return turns[first : first + WINDOW]


def get_cost(number: int, turns: Sequence[Turn]) -> Cost:
    """The cost of an average message. Of the same message sent several times the median counts.

    So one pause of the garbage collector or of the machine does not decide, and no message weighs more than
    another.
    """
    by_message: dict[int, list[Turn]] = defaultdict(list)
    for turn in turns:
        by_message[turn.message].append(turn)
    return Cost(
        number=number,
        cpu_ms=_mean_of_medians([[turn.cpu_ms for turn in same] for same in by_message.values()]),
        wall_ms=_mean_of_medians([[turn.wall_ms for turn in same] for same in by_message.values()]),
        size_bytes=round(statistics.median(turn.size_bytes for turn in turns)),
    )


def _mean_of_medians(groups: Sequence[Sequence[float]]) -> float:
    return statistics.mean(statistics.median(group) for group in groups)


def render_table(row: Measured) -> str:
    """One Rasa's figures, for people to read."""
    points = (row.fifth, row.middle, row.last)
    heads = "".join(f"{f'turn {point.number}':>12}" for point in points)
    lines = [
        f"{row.name:24}{heads}{f'{row.last.number} / 5':>12}",
        _line("CPU, ms a turn", [point.cpu_ms for point in points], row.ratio),
        _line("wall, ms a turn", [point.wall_ms for point in points], row.last.wall_ms / row.fifth.wall_ms),
        _line("kept, KB", [p.size_bytes / 1000 for p in points], row.last.size_bytes / row.fifth.size_bytes),
        f"  turn 5 before the long conversation: {row.fifth_before.cpu_ms:.2f} ms CPU",
        f"  turns not answered: {row.unanswered} of {row.asked}",
    ]
    return "\n".join(lines)


def _line(name: str, values: Sequence[float], ratio: float) -> str:
    return f"  {name:22}" + "".join(f"{value:12.2f}" for value in values) + f"{ratio:12.2f}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
