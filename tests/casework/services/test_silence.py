"""Going quiet after a disclosure is told on the desk: once a silence, whoever restarts, and to nobody else."""

import threading

import pytest

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import audit, desk_item, outbox
from casework.model.desk import Outcome
from casework.services import silence
from casework.services.ports import StaffMember
from tests.support.builders import a_hit, an_amber_hit
from tests.support.line import Line


@pytest.fixture
def line(line: Line) -> Line:
    line.screen.results |= {f"red {tier}": a_hit(tier) for tier in (1, 2, 3, 4)}
    line.screen.results |= {f"amber {tier}": an_amber_hit(tier) for tier in (1, 2, 3, 4)}
    return line


def write(line: Line, text: str, **values: object) -> str:
    return line.receive(text, received_at=line.clock.now(), **values).conversation_id


def told(line: Line) -> int:
    return len(line.rows(audit, act="gone_quiet"))


@pytest.mark.parametrize("tier", [1, 2, 3, 4])
@pytest.mark.parametrize("band", ["red", "amber"])
async def test_after_its_tiers_minutes_an_item_says_it_has_gone_quiet_once(
    line: Line, band: str, tier: int
) -> None:
    minutes = line.bands.limits.quiet_minutes(tier)
    wrote_at = line.clock.now()
    write(line, f"{band} {tier}")

    line.clock.advance(minutes=minutes - 0.1)
    await line.note_silences()
    assert line.row(desk_item).quiet_since is None

    line.clock.advance(minutes=0.2)
    await line.note_silences()
    line.clock.advance(days=2)
    await line.note_silences()

    since = line.row(desk_item).quiet_since
    assert since is not None and abs((since - wrote_at).total_seconds()) < 1
    assert told(line) == 1


async def test_a_message_in_between_starts_the_time_again(line: Line) -> None:
    write(line, "red 1")
    line.clock.advance(minutes=4)
    write(line, "thank you")

    line.clock.advance(minutes=4)
    await line.note_silences()
    assert told(line) == 0

    line.clock.advance(minutes=2)
    await line.note_silences()
    assert told(line) == 1


async def test_who_writes_again_is_not_quiet_and_the_next_silence_is_told_again(line: Line) -> None:
    write(line, "red 1")
    line.clock.advance(minutes=6)
    await line.note_silences()

    write(line, "still here")
    await line.note_silences()
    assert line.row(desk_item).quiet_since is None
    assert told(line) == 1

    line.clock.advance(minutes=6)
    await line.note_silences()
    assert line.row(desk_item).quiet_since is not None
    assert told(line) == 2


async def test_a_copy_of_a_message_is_no_sign_of_life(line: Line) -> None:
    write(line, "red 1", provider_message_id="SM1")
    line.clock.advance(minutes=6)
    await line.note_silences()

    write(line, "red 1", provider_message_id="SM1")

    assert line.row(desk_item).quiet_since is not None


async def test_the_quiet_come_first_in_their_grade_and_in_no_other(line: Line) -> None:
    numbers = {name: f"+44770090000{n}" for n, name in enumerate(("early", "quiet", "danger", "late"))}
    ids = {"early": write(line, "red 2", external_id=numbers["early"])}
    line.clock.advance(minutes=1)
    ids["quiet"] = write(line, "red 2", external_id=numbers["quiet"])
    line.clock.advance(minutes=14)
    write(line, "i am here", external_id=numbers["early"])
    line.clock.advance(minutes=3)
    await line.note_silences()
    ids["danger"] = write(line, "red 1", external_id=numbers["danger"])
    ids["late"] = write(line, "red 2", external_id=numbers["late"])

    queue = line.database.read_now(lambda tx: tx.desk.list_queue())

    expected = [ids[name] for name in ("danger", "quiet", "early", "late")]
    assert [item.conversation_id for item in queue] == expected
    paged, after = [], None
    while page := line.database.read_now(lambda tx, after=after: tx.desk.list_queue(limit=1, after=after)):
        paged += page
        after = page[-1]
    assert paged == queue


def claim(line: Line, conversation_id: str) -> StaffMember:
    rowan = line.add_staff()
    line.claim(conversation_id, rowan)
    return rowan


async def test_a_claimed_item_is_not_told_of_until_it_is_back_in_the_queue(line: Line) -> None:
    conversation_id = write(line, "red 1")
    rowan = claim(line, conversation_id)
    line.clock.advance(minutes=30)
    await line.note_silences()
    assert told(line) == 0

    line.return_to_queue(conversation_id, rowan)
    await line.note_silences()

    assert told(line) == 1


async def test_a_closed_item_is_never_told_of(line: Line) -> None:
    conversation_id = write(line, "red 1")
    rowan = claim(line, conversation_id)
    line.hand_back(conversation_id, Outcome.TOLD_TO_CALL_999, by=rowan)
    line.clock.advance(days=1)

    await line.note_silences()

    assert told(line) == 0


async def test_nobody_is_written_to_because_they_are_quiet(line: Line) -> None:
    write(line, "red 1")
    before = line.rows(outbox)
    line.clock.advance(minutes=30)

    await line.note_silences()

    assert line.rows(outbox) == before


async def test_items_that_are_no_disclosure_have_no_timer(line: Line) -> None:
    line.assistant.is_down = True
    write(line, "hello")
    await line.answer_all()
    line.clock.advance(days=1)

    await line.note_silences()

    assert [row.reason for row in line.rows(desk_item)] == ["assistant_unavailable"]
    assert told(line) == 0


async def test_a_restart_forgets_no_timer(line: Line, database_url: str) -> None:
    write(line, "red 1")
    line.clock.advance(minutes=6)
    other = Database(create_engine(database_url), line.clock)

    assert await silence.note_next_silence(other, line.bands.limits)
    other.close()

    assert told(line) == 1


def test_workers_that_look_at_the_same_time_tell_it_once(line: Line) -> None:
    write(line, "red 1")
    line.clock.advance(minutes=6)

    def look() -> None:
        line.database.write_now(lambda tx: silence.note_silence(tx, line.bands.limits))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told(line) == 1
