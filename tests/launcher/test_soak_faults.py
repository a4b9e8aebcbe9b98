"""The soak's faults: the list a seed gives, and what the proxy does to bytes on a real socket.

Red when: a fault does nothing, does not end, or lets through later what it swallowed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from launcher.__main__ import build_parser
from launcher.soak.command import make_plan
from launcher.soak.disks import make_disk
from launcher.soak.proxy import HOST, LATENCY_SECONDS, Link
from launcher.soak.schedule import NETWORK, Kind, Targets, make_schedule
from launcher.soak.site import Program, Site

TARGETS = Targets(processes=["gateway-1", "worker-1"], links=["a", "b"], disks=["spool's disk"])
ANSWER_SECONDS = 0.2  # of somebody on this machine; silence is known by it
Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def test_a_seed_gives_one_list_and_another_seed_another() -> None:
    asked = {"count": 40, "messages": 4000, "targets": TARGETS}

    assert make_schedule(seed=1, **asked) == make_schedule(seed=1, **asked)
    assert make_schedule(seed=1, **asked) != make_schedule(seed=2, **asked)


def test_every_kind_comes_before_any_comes_again_and_in_order() -> None:
    faults = make_schedule(seed=5, count=2 * len(Kind), messages=1000, targets=TARGETS, longest_seconds=3.0)

    assert (
        {each.kind for each in faults[: len(Kind)]}
        == {each.kind for each in faults[len(Kind) :]}
        == set(Kind)
    )
    assert [each.at_message for each in faults] == sorted(each.at_message for each in faults)
    assert max(each.seconds for each in faults) <= 3.0
    assert all(each.target in TARGETS.of(each.kind) for each in faults)
    assert faults[0].at_message > 0
    assert faults[-1].at_message < 1000


def test_what_cannot_be_filled_is_in_no_list() -> None:
    bare = Targets(processes=["worker-1"], links=["a"], disks=[])

    assert Kind.DISK_FULL not in {
        each.kind for each in make_schedule(seed=5, count=60, messages=1000, targets=bare)
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("--stand-in --minutes 10", (4800, 600.0, 40, 8.0, 14.0)),
        ("--stand-in --messages 240", (240, 86400.0, 2, 8.0, 5.0)),
        ("--minutes 1 --faults 9", (180, 60.0, 9, 3.0, 10.0)),
        ("--messages 9000000 --faults 99999", (1_000_000, 86400.0, 10_000, 3.0, 14.0)),
    ],
)
def test_a_run_is_bounded_and_what_was_not_said_follows_from_what_was(
    asked: str, expected: tuple[float, ...]
) -> None:
    given = build_parser().parse_args(["soak", *asked.split()])
    given.root = Path()
    plan = make_plan(given)

    assert expected == (plan.messages, plan.seconds, plan.faults, plan.rate, plan.longest_fault_seconds)


# --- the proxy ------------------------------------------------------------------------------------------


@asynccontextmanager
async def shouting() -> AsyncIterator[int]:
    """The port of somebody who says everything again, in capitals."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while said := await reader.read(1000):
                writer.write(said.upper())
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(shout, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def linked(*upstreams: int) -> AsyncIterator[Link]:
    link = Link("a link", upstreams)
    await link.start()
    yield link
    await link.stop()


@asynccontextmanager
async def calling(link: Link) -> AsyncIterator[Talk]:
    reader, writer = await asyncio.open_connection(HOST, link.port)
    yield reader, writer
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def call(link: Link, words: str) -> str:
    """What somebody hears who calls anew and says that."""
    async with calling(link) as talk:
        return await say(talk, words)


async def say(talk: Talk, words: str) -> str:
    """What comes back: `nothing` within the time, `broken off`, or words."""
    reader, writer = talk
    try:
        writer.write(words.encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            return (await reader.read(1000)).decode() or "broken off"
    except TimeoutError:
        return "nothing"
    except ConnectionError:
        return "broken off"


async def test_without_a_fault_everything_goes_through_both_ways() -> None:
    async with shouting() as port, linked(port) as link, calling(link) as talk:
        said = [await say(talk, word) for word in ("hello", "again")]

    assert said == ["HELLO", "AGAIN"]


@pytest.mark.parametrize("fault", NETWORK)
async def test_a_fault_is_felt_by_who_was_there_and_the_next_caller_afterwards_is_well(fault: Kind) -> None:
    expected = {
        Kind.LATENCY: "nothing",  # yet
        Kind.DROP: "nothing",
        Kind.RESET: "broken off",
        Kind.HALF_OPEN: "nothing",
        Kind.TRUNCATE: "HE",
    }
    async with shouting() as port, linked(port) as link, calling(link) as talk:
        before = await say(talk, "first")
        link.begin(fault)
        felt = await say(talk, "hell")
        link.end()

        assert (before, felt) == ("FIRST", expected[fault])
        assert await call(link, "later") == "LATER"
        assert link.fault is None


@pytest.mark.parametrize("fault", [Kind.DROP, Kind.HALF_OPEN])
async def test_what_was_swallowed_is_never_delivered(fault: Kind) -> None:
    """As by a peer that started again: who was silent for a while is broken off."""
    async with shouting() as port, linked(port) as link, calling(link) as talk:
        await say(talk, "first")
        link.begin(fault)
        await say(talk, "lost")
        link.end()

        assert await say(talk, "late") == "broken off"


async def test_what_is_slow_arrives_whole_and_in_order() -> None:
    async with shouting() as port, linked(port) as link, calling(link) as (reader, writer):
        link.begin(Kind.LATENCY)
        began = asyncio.get_running_loop().time()
        writer.write(b"one ")
        await asyncio.sleep(LATENCY_SECONDS / 4)
        writer.write(b"two")
        link.end()

        assert await reader.readexactly(7) == b"ONE TWO"
        assert asyncio.get_running_loop().time() - began >= LATENCY_SECONDS


async def test_whoever_refuses_is_passed_over_and_where_all_refuse_the_caller_is_told() -> None:
    async with shouting() as port, linked(1, port) as link, linked(1) as nowhere:
        said = [await call(link, "hello") for _ in range(3)]

        assert said == ["HELLO"] * 3
        assert await call(nowhere, "hello") == "broken off"


# --- processes and disks --------------------------------------------------------------------------------


async def test_what_dies_by_itself_is_started_again_and_what_was_killed_waits_to_be(tmp_path: Path) -> None:
    site = Site(tmp_path, tmp_path / "logs")
    await site.start(Program(name="sleeper", command=("sleep", "60"), environ={"PATH": "/usr/bin:/bin"}))
    first = site.find_pid("sleeper")
    await site.kill("sleeper")
    down = site.find_pid("sleeper")
    site.start_again("sleeper")
    async with asyncio.timeout(10):
        while site.find_pid("sleeper") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    second = site.find_pid("sleeper")
    await site.stop()

    assert first is not None and second is not None
    assert down is None
    assert first != second
    assert site.find_pid("sleeper") is None
    assert not site.died


def test_where_nothing_may_be_mounted_there_is_no_disk(tmp_path: Path) -> None:
    assert make_disk(tmp_path / "nowhere", largest_bytes=4096) is None
