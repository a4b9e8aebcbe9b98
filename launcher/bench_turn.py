"""`./waymark bench turn`: what a turn costs late in a conversation, against its fifth turn and stock Rasa."""

import asyncio
import math
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher import training
from launcher.bench_desk import describe_machine
from launcher.bench_rasa import (
    BenchFailed,
    Talker,
    actions_beside,
    end_on_sigterm,
    read_cpu_ns,
    running_waymark,
)
from launcher.bench_report import OURS, STOCK, Part, Promise, Row, render_text
from launcher.bench_stock import StockModel, get_stock, running_stock
from launcher.live_model import get_trained

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


def run_bench_turn(root: Path, data_dir: Path, *, turns: int = 500, fresh: bool = False) -> int:
    """Measures both and prints the table; 0 when Waymark's ratio is within the limit, else 1.

    Refuses fewer than 100 turns, and an environment that cannot be measured, with BenchFailed.
    """
    end_on_sigterm()
    if turns < FEWEST_TURNS:
        raise BenchFailed(f"{turns} turns are too few to compare; ask for {FEWEST_TURNS} or more.")
    part = measure_turn(root, data_dir, stock=get_stock(root, data_dir, fresh=fresh), turns=turns)
    print(render_text(part))
    return 0 if part.holds else 1


def measure_turn(root: Path, data_dir: Path, *, stock: StockModel, turns: int) -> Part:
    """Both, one after the other. A stock Rasa that could not be run is told as that."""
    measured = describe_machine(root, "sqlite")
    model = get_trained(root, data_dir, say=_say)
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as folder:
        ours = asyncio.run(_measure_waymark(root, model, Path(folder), turns))
        try:
            beside, note = asyncio.run(_measure_stock(root, stock, Path(folder), turns)), stock.tell()
        except BenchFailed as refusal:
            beside, note = None, f"{STOCK} was not measured. {refusal}"
    return make_part(ours, beside, notes=(note,), measured=f"{measured}, {model.path.name}")


async def _measure_waymark(root: Path, model: training.Model, folder: Path, turns: int) -> Measured:
    _say(f"Waymark's Rasa: {turns} turns in one conversation")
    async with (
        actions_beside() as beside,
        running_waymark(root, model, beside, folder / "waymark.log") as talker,
    ):
        return await measure(OURS, talker, turns)


async def _measure_stock(root: Path, model: StockModel, folder: Path, turns: int) -> Measured:
    _say(f"Stock Rasa: {turns} turns in one conversation, {STOCK_SECONDS:.0f} s at most")
    async with actions_beside() as beside, running_stock(root, model, beside, folder) as talker:
        return await measure(STOCK, talker, turns, longest_seconds=STOCK_SECONDS)


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


def make_part(
    ours: Measured, stock: Measured | None, *, notes: Sequence[str] = (), measured: str = ""
) -> Part:
    """The figures of both at their fifth, middle and last turn, and whether ours keeps within its limit."""
    turns = ours.last.number
    points = ("fifth", "middle", "last")
    rows = []
    for name, unit, of in (
        ("CPU", "ms", "cpu_ms"),
        ("Wall", "ms", "wall_ms"),
        ("Kept of the conversation", "bytes", "size_bytes"),
    ):
        for point in points:
            one, other = getattr(ours, point), getattr(stock, point) if stock else None
            rows.append(
                Row(
                    name=f"{name}, turn {one.number}",
                    unit=unit,
                    ours=getattr(one, of),
                    stock=getattr(other, of) if other else None,
                    drawn=name == "CPU" and point != "middle",
                )
            )
    rows.append(
        Row(
            name=f"CPU of turn {turns} / turn 5",
            unit="",
            ours=ours.ratio,
            stock=stock.ratio if stock else None,
        )
    )
    told = [_tell_asked(each) for each in (ours, stock) if each is not None]
    return Part(
        name="turn",
        title="A turn late in a conversation",
        measured=measured,
        rows=tuple(rows),
        promises=(
            Promise(
                text=f"Turn {turns} costs at most {LARGEST_RATIO} times turn 5 ({ours.ratio:.2f})",
                held=ours.ratio <= LARGEST_RATIO,
            ),
        ),
        notes=(*told, *notes),
    )


def _tell_asked(row: Measured) -> str:
    return (
        f"{row.name}: {row.asked} turns, {row.unanswered} not answered; its last is turn {row.last.number}, its turn 5 "
        f"before the long conversation cost {row.fifth_before.cpu_ms:.2f} ms."
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
