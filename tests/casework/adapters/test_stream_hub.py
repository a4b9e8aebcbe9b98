"""One look for all open streams, each told its own version only; nobody waits for anybody.

Red when: the versions of all are read on each commit; a reader is told another key's; one who comes during a look is
told what was read before; a failed look ends the looking; the oldest of a visit is not sent away, or the newest is;
what time brings about is never looked for; the last to leave stops nothing.
"""

import asyncio

import pytest

from casework.adapters.stream_hub import MOST_OF_ONE_KEY, SLICES, Reader, StreamHub
from tests.casework.adapters.versions_in_memory import VersionsInMemory

PATIENCE_SECONDS = 20.0
NEVER = 3600.0


@pytest.fixture
def versions() -> VersionsInMemory:
    return VersionsInMemory()


async def read(reader: Reader, version: str) -> None:
    """Returns once the reader has been told that version."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while reader.version != version:
            await reader.wait(PATIENCE_SECONDS)


async def join_all(hub: StreamHub, versions: VersionsInMemory, count: int) -> dict[str, Reader]:
    """As many readers, each of a visit of its own, told and known; what was asked until then is forgotten."""
    versions.told |= {f"visit-{n:03}": f"{n}.0" for n in range(count)}
    readers = {key: hub.join(key) for key in sorted(versions.told)}
    for key, reader in readers.items():
        await read(reader, versions.told[key])
    versions.commit(**{"visit-000": "0.1"})
    await read(readers["visit-000"], "0.1")
    versions.marks_asked.clear()
    versions.versions_asked.clear()
    return readers


async def close(hub: StreamHub, *readers: Reader) -> None:
    for reader in readers:
        await hub.leave(reader)


async def test_one_look_for_all_and_only_what_moved_is_read(versions: VersionsInMemory) -> None:
    hub = StreamHub(versions, tick_seconds=NEVER)
    readers = await join_all(hub, versions, 200)

    versions.commit(**{"visit-007": "7.1"})
    await read(readers["visit-007"], "7.1")

    assert versions.marks_asked == [tuple(sorted(readers))]
    assert versions.versions_asked == [("visit-007",)]
    assert {key: reader.version for key, reader in readers.items()} == versions.told
    await close(hub, *readers.values())


async def test_a_reader_holds_the_newest_version_and_no_queue(versions: VersionsInMemory) -> None:
    hub = StreamHub(versions, tick_seconds=NEVER)
    readers = await join_all(hub, versions, 2)
    slow, quick = readers["visit-000"], readers["visit-001"]

    for number in range(1, 50):
        versions.commit(**{"visit-000": f"0.{number}", "visit-001": f"1.{number}"})
        await read(quick, f"1.{number}")

    assert slow.version == "0.49"
    await slow.wait(PATIENCE_SECONDS)
    waiting = asyncio.create_task(slow.wait(0.05))
    await waiting  # nothing more waits for it: only the time ends this one
    assert slow.version == "0.49"
    await close(hub, slow, quick)


async def test_one_who_comes_during_a_look_is_not_told_what_was_read_before(
    versions: VersionsInMemory,
) -> None:
    hub = StreamHub(versions, tick_seconds=NEVER)
    readers = await join_all(hub, versions, 1)
    versions.has_read.clear()
    versions.gate.clear()
    versions.commit(**{"visit-000": "0.2"})
    async with asyncio.timeout(PATIENCE_SECONDS):
        await versions.has_read.wait()

    versions.told["visit-000"] = "0.3"  # committed after the look has read, and known to who comes now
    late = hub.join("visit-000")
    told = []
    versions.gate.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while late.version != "0.3":
            await late.wait(PATIENCE_SECONDS)
            told.append(late.version)

    assert told == ["0.3"]
    await close(hub, late, *readers.values())


async def test_a_failed_look_is_made_up_for(versions: VersionsInMemory) -> None:
    hub = StreamHub(versions, tick_seconds=NEVER, failed_seconds=0.01)
    readers = await join_all(hub, versions, 3)
    versions.is_down = True
    versions.commit(**{"visit-001": "1.1"})
    async with asyncio.timeout(PATIENCE_SECONDS):
        await versions.has_failed.acquire()
        await versions.has_failed.acquire()
    assert readers["visit-001"].version == "1.0"

    versions.is_down = False

    await read(readers["visit-001"], "1.1")
    await close(hub, *readers.values())


async def test_what_time_brings_about_is_found_without_a_commit(versions: VersionsInMemory) -> None:
    hub = StreamHub(versions, tick_seconds=0.01)
    readers = await join_all(hub, versions, 25)

    versions.told["visit-017"] = "ended"

    await read(readers["visit-017"], "ended")
    assert (
        max(len(asked) for asked in versions.versions_asked) <= 25 // SLICES + 1
    )  # never all of them at once
    await close(hub, *readers.values())


async def test_of_one_visit_the_oldest_goes_and_nobody_elses(versions: VersionsInMemory) -> None:
    hub = StreamHub(versions, tick_seconds=NEVER)
    other = hub.join("other")
    tabs = [hub.join("visit") for _ in range(MOST_OF_ONE_KEY + 1)]

    assert [tab.must_go for tab in tabs] == [True] + [False] * MOST_OF_ONE_KEY
    assert not other.must_go
    assert hub.count == 1 + MOST_OF_ONE_KEY
    await close(hub, other, *tabs)


async def test_a_full_house_makes_room_for_whoever_comes(versions: VersionsInMemory) -> None:
    hub = StreamHub(versions, most_readers=5, tick_seconds=NEVER)
    readers = [hub.join(f"visit-{n}") for n in range(7)]

    assert [reader.must_go for reader in readers] == [True, True, False, False, False, False, False]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await readers[0].wait(NEVER)  # told at once to go
    await close(hub, *readers)


async def test_when_the_last_has_left_nothing_goes_on_and_the_next_is_told(
    versions: VersionsInMemory,
) -> None:
    hub = StreamHub(versions, tick_seconds=NEVER)
    readers = await join_all(hub, versions, 2)
    assert versions.watchers == 1

    await close(hub, *readers.values())

    assert (hub.count, versions.watchers) == (0, 0)
    again = hub.join("visit-001")
    await read(again, "1.0")
    assert versions.watchers == 1
    await close(hub, again)


async def test_all_are_told_to_go_at_the_end(versions: VersionsInMemory) -> None:
    hub = StreamHub(versions, tick_seconds=NEVER)
    readers = await join_all(hub, versions, 3)

    hub.send_all_away()

    assert all(reader.must_go for reader in readers.values())
    await close(hub, *readers.values())
    assert versions.watchers == 0
