"""Drills: through the real pipeline, marked for ever, never sent, and measured.

Red when, each tried once: `send_line` does not mark the conversation; `_keep_drill` is left out of `_take` and
`_deliver`; `record_sent` updates without asking whether it was sent; `end` closes what somebody has; a code asked for
by a drill is sent; `_first_claim` reads the item, which a return to the queue empties.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.drill_tables import drill_line
from casework.adapters.storage.tables import alarm, audit, conversation, desk_item, inbox, outbox
from casework.model.desk import Grade
from casework.model.disclosure_screen import load_disclosure_screen
from casework.model.disclosures import Band
from casework.model.grade_clocks import load_grade_clocks
from casework.model.messages import Author, Channel, Lane, OutboxStatus, SendKind
from casework.services import deliver, drills
from casework.services.drill_addresses import is_drill_address
from casework.services.drill_ports import DrillNotFound
from casework.services.drill_reports import DrillReport, report_drill
from tests.support.builders import REFERENCE, VICTIM, a_hit, an_outbound
from tests.support.clock import SetClock
from tests.support.line import Line

DANGER = "he is at the door now"
CALM_TEXT = "is there any news"
SCRIPT = drills.parse_script(
    "test",
    {
        "title": "Two at once",
        "looks_for": "Who is first.",
        "lines": [
            {
                "victim": "One",
                "channel": "sms",
                "number": "07700 900810",
                "after_seconds": 0,
                "text": DANGER,
            },
            {
                "victim": "Two",
                "channel": "telegram",
                "number": "07700 900811",
                "after_seconds": 30,
                "text": CALM_TEXT,
            },
        ],
    },
)


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    made = Line(database=database, clock=clock)
    made.screen.results[DANGER] = a_hit(1)
    return made


def drilling(line: Line) -> drills.Drilling:
    return drills.Drilling(
        store=line.database,
        screen=line.screen,
        safety_lines=line.safety_lines,
        bands=line.bands,
        texts=line.texts,
    )


def start(line: Line, **values: Any) -> str:
    return line.database.write_now(lambda tx: drills.start_drill(tx, SCRIPT, by="supervisor", **values))


async def write_all(line: Line) -> None:
    while await drills.send_next_line(drilling(line)):
        pass


def report(line: Line, drill_id: str) -> DrillReport:
    return line.database.read_now(lambda tx: report_drill(tx, drill_id, load_grade_clocks()))


def conversation_of(line: Line, victim: str) -> str:
    return str(line.row(drill_line, victim=victim).conversation_id)


async def test_each_line_is_received_when_it_is_due_as_anybodys(line: Line) -> None:
    start(line)
    await write_all(line)
    assert [row.text for row in line.rows(inbox)] == [DANGER]
    line.clock.advance(seconds=31)
    await write_all(line)

    assert [(row.channel, row.text) for row in line.rows(inbox)] == [("sms", DANGER), ("telegram", CALM_TEXT)]
    item = line.row(desk_item)
    assert (item.grade, item.conversation_id) == (1, conversation_of(line, "One"))
    assert [row.is_drill for row in line.rows(conversation)] == [True, True]
    assert all(is_drill_address(row.external_id) for row in line.rows(conversation))
    [listed] = line.database.read_now(lambda tx: tx.desk.list_queue())
    assert listed.is_drill
    assert line.database.read_now(lambda tx: tx.conversations.get(item.conversation_id)).is_drill


async def test_a_drill_waits_for_its_hour(line: Line) -> None:
    start(line, at=line.clock.now().replace(hour=23))
    await write_all(line)
    assert line.rows(inbox) == []
    line.clock.advance(hours=12)
    await write_all(line)
    assert len(line.rows(inbox)) == 2


async def test_nothing_of_a_drill_reaches_a_sender_and_nobody_is_given_a_task_for_it(line: Line) -> None:
    start(line)
    line.clock.advance(seconds=31)
    await write_all(line)
    await line.answer_all()
    staff = line.add_staff()
    line.claim(conversation_of(line, "One"), staff)
    line.reply(conversation_of(line, "One"), "I am Rowan. Are you safe?", staff)

    await line.deliver_all()

    assert (line.sender.sent, line.sender.looked_up) == ([], [])
    rows = line.rows(outbox)
    assert {row.author for row in rows} == {"service", "assistant", "staff"}
    assert {(row.status, row.reason) for row in rows} == {("suppressed", "drill")}
    assert "I am Rowan. Are you safe?" in [row.text for row in rows]
    assert {row.reason for row in line.rows(desk_item)} == {"disclosure"}


async def test_what_a_dead_worker_left_half_sent_is_not_looked_up(line: Line) -> None:
    start(line)
    await write_all(line)
    line.database.write_now(lambda tx: tx.outbox.lease_next("dead", lease_seconds=1))
    line.clock.advance(seconds=5)

    await line.deliver_all()

    assert (line.sender.sent, line.sender.looked_up) == ([], [])
    assert {row.reason for row in line.rows(outbox)} == {"drill"}


async def test_the_address_alone_keeps_a_message_back(line: Line) -> None:
    """The second lock: whatever became of the mark, no drill's address is given to a sender."""
    start(line)
    await write_all(line)
    line.database.write_now(lambda tx: tx.connection.execute(sa.update(conversation).values(is_drill=False)))

    await line.deliver_all()

    assert line.sender.sent == []


async def test_who_writes_for_real_while_a_drill_runs_is_answered(line: Line) -> None:
    start(line)
    await write_all(line)
    line.receive("what is happening with my case")
    await line.answer_all()
    await line.deliver_all()

    assert [message.to for message in line.sender.sent] == [VICTIM]
    assert line.row(conversation, external_id=VICTIM).is_drill is False


async def test_a_code_asked_for_in_a_drill_goes_to_nobody(line: Line) -> None:
    """Two locks again: a script with a reference is refused, and the code is a decoy."""
    line.add_cases()
    start(line)
    await write_all(line)
    asker = conversation_of(line, "One")
    line.database.write_now(lambda tx: tx.codes.request(asker, REFERENCE))
    await line.issue_codes()
    await line.deliver_all()

    assert line.sender.sent == []
    assert [row for row in line.rows(outbox) if row.to == VICTIM] == []


async def test_every_page_says_that_a_drill_runs_until_it_is_ended(line: Line) -> None:
    drill_id = start(line)
    await write_all(line)
    assert line.row(alarm).kind == "drill_running"
    assert line.row(alarm).ended_at is None

    assert line.database.write_now(lambda tx: drills.end_drill(tx, drill_id, by="supervisor"))

    assert line.row(alarm).ended_at is not None
    assert [row.act for row in line.rows(audit) if row.act.startswith("drill")] == [
        "drill_started",
        "drill_ended",
    ]


async def test_ending_stops_what_is_to_come_and_closes_only_what_nobody_has(line: Line) -> None:
    line.screen.results[CALM_TEXT] = a_hit(2)
    drill_id = start(line)
    line.clock.advance(seconds=31)
    await write_all(line)
    line.claim(conversation_of(line, "Two"), line.add_staff())

    assert line.database.write_now(lambda tx: drills.end_drill(tx, drill_id, by="supervisor"))
    assert not line.database.write_now(lambda tx: drills.end_drill(tx, drill_id, by="supervisor"))

    states = {row.conversation_id: (row.status, row.outcome) for row in line.rows(desk_item)}
    assert states == {
        conversation_of(line, "One"): ("closed", "test"),
        conversation_of(line, "Two"): ("claimed", None),
    }


async def test_no_line_follows_after_the_end(line: Line) -> None:
    drill_id = start(line)
    line.database.write_now(lambda tx: drills.end_drill(tx, drill_id, by="supervisor"))
    line.clock.advance(minutes=5)
    await write_all(line)
    assert line.rows(inbox) == []


async def test_a_drill_nobody_ended_ends_by_itself(line: Line) -> None:
    drill_id = start(line)
    line.clock.advance(minutes=2)
    await write_all(line)
    line.clock.advance(hours=3, minutes=1)
    await write_all(line)
    assert not line.database.read_now(lambda tx: tx.drills.get(drill_id)).is_open
    assert line.row(alarm).ended_at is not None


def test_one_drill_at_a_time(line: Line) -> None:
    start(line)
    with pytest.raises(drills.DrillRunning):
        start(line)


async def test_two_workers_write_a_line_once(line: Line) -> None:
    start(line)
    await asyncio.gather(*(drills.send_next_line(drilling(line)) for _ in range(8)))
    assert len(line.rows(inbox)) == 1


def test_a_line_is_recorded_as_written_once(line: Line) -> None:
    """Whatever was read before: the second worker's write is the one that finds nothing to change."""
    start(line)
    conversation_id = line.open("drill:0:07700900810")
    due = line.database.read_now(lambda tx: tx.drills.find_due())
    assert due is not None
    written = [
        line.database.write_now(lambda tx: tx.drills.record_sent(due.id, conversation_id)) for _ in range(2)
    ]
    assert written == [True, False]


def test_an_unknown_drill_is_not_found(line: Line) -> None:
    with pytest.raises(DrillNotFound):
        line.database.read_now(lambda tx: report_drill(tx, "0" * 32, load_grade_clocks()))


# --- the report -----------------------------------------------------------------------------------------


async def test_the_report_says_how_long_each_waited_for_a_person_and_what_was_missed(line: Line) -> None:
    drill_id = start(line)
    await write_all(line)
    line.clock.advance(seconds=50)
    await write_all(line)
    staff = line.add_staff()
    line.claim(conversation_of(line, "One"), staff)
    line.clock.advance(seconds=100)
    line.reply(conversation_of(line, "One"), "I am Rowan.", staff)

    one, two = report(line, drill_id).victims

    assert (one.found.graded, one.claim_seconds, one.found.claimed_by) == (
        Grade.DANGER_NOW,
        50,
        "Rowan Test-Detective",
    )
    # Claimed within the minute of its grade, and answered after the two.
    assert (one.answer_seconds, one.missed_steps) == (150, ("answer",))
    assert (two.found.wrote_at is not None, two.found.graded, two.missed_steps) == (True, None, ())
    whole = report(line, drill_id)
    assert (whole.wrote, whole.claimed, whole.answered, whole.missed) == (2, 1, 1, 1)
    assert (whole.claim_seconds, whole.answer_seconds) == ((50, 50), (150, 150))


async def test_a_claim_that_was_given_back_still_was_one_and_the_assistants_words_are_no_answer(
    line: Line,
) -> None:
    drill_id = start(line)
    await write_all(line)
    line.clock.advance(seconds=20)
    staff = line.add_staff()
    line.claim(conversation_of(line, "One"), staff)
    line.return_to_queue(conversation_of(line, "One"), staff)
    line.clock.advance(minutes=10)
    await line.answer_all()

    one = report(line, drill_id).victims[0]

    assert (one.claim_seconds, one.answer_seconds) == (20, None)
    assert one.missed_steps == ("answer",)


async def test_after_the_end_nothing_gets_later(line: Line) -> None:
    drill_id = start(line)
    await write_all(line)
    line.clock.advance(seconds=30)
    line.database.write_now(lambda tx: drills.end_drill(tx, drill_id, by="supervisor"))
    line.clock.advance(hours=5)
    assert report(line, drill_id).victims[0].missed_steps == ()


# --- the packaged scripts -------------------------------------------------------------------------------


def test_the_packaged_scripts_are_four_and_one_is_a_wave_of_ten() -> None:
    scripts = drills.load_scripts()
    assert set(scripts) == {"three_in_the_morning", "impersonation", "angry_status", "wave_of_ten"}
    assert scripts["wave_of_ten"].victims == 10


def test_the_screen_takes_the_packaged_danger_for_danger() -> None:
    screen = load_disclosure_screen()
    found = {
        (name, line.victim): screen.screen_text(line.text).band
        for name, script in drills.load_scripts().items()
        for line in script.lines
        if line.after_seconds == 0 or name == "wave_of_ten"
    }
    red = {key for key, band in found.items() if band is Band.RED}
    wave = {("wave_of_ten", victim) for victim in ("Three", "Five", "Seven", "Eight")}
    assert red == {("three_in_the_morning", "Night"), *wave}


def _with(**values: Any) -> dict[str, Any]:
    first = {"victim": "One", "channel": "sms", "number": "07700 900810", "after_seconds": 0, "text": "hello"}
    return {"title": "T", "looks_for": "L", "lines": [first | values]}


@pytest.mark.parametrize(
    "values",
    [
        {"number": "07911 123456"},
        {"number": "07700 9008100"},
        {"channel": "email"},
        {"channel": "webchat"},
        {"after_seconds": 5},
        {"after_seconds": -1},
        {"after_seconds": "0"},
        {"text": ""},
        {"text": f"it is about {REFERENCE}"},
    ],
    ids=str,
)
def test_a_script_that_could_reach_somebody_or_never_begins_is_refused(values: dict[str, Any]) -> None:
    drills.parse_script("good", _with())
    with pytest.raises(drills.DrillInvalid):
        drills.parse_script("bad", _with(**values))


def test_two_victims_have_two_addresses() -> None:
    given = _with()
    given["lines"].append(given["lines"][0] | {"victim": "Two"})
    with pytest.raises(drills.DrillInvalid):
        drills.parse_script("bad", given)


# --- every kind of message ------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", list(Channel), ids=str)
@pytest.mark.parametrize("lane", list(Lane), ids=str)
async def test_no_lane_and_no_channel_is_let_through(line: Line, channel: Channel, lane: Lane) -> None:
    """Also a plain number and a page that reads the outbox itself: the mark alone is enough."""
    conversation_id = line.open("+447700900055" if channel is not Channel.EMAIL else "a@example.org", channel)
    line.database.write_now(lambda tx: tx.drills.mark_conversation(conversation_id))
    author = Author.STAFF if lane is Lane.STAFF else Author.SERVICE
    message = an_outbound(
        conversation_id,
        channel=channel,
        to="+447700900055",
        lane=lane,
        author=author,
        kind=SendKind.STAFF_REPLY,
    )
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))

    await line.deliver_all()

    assert line.sender.sent == []
    assert line.row(outbox).status == OutboxStatus.SUPPRESSED.value


async def test_what_a_page_reads_itself_is_not_shown_as_sent(line: Line) -> None:
    """Red when: the guard is left out of `_take`, where no sender is asked at all."""
    conversation_id = line.open("drill:0:page", Channel.WEBCHAT)
    line.database.write_now(lambda tx: tx.drills.mark_conversation(conversation_id))
    message = an_outbound(conversation_id, channel=Channel.WEBCHAT, to="drill:0:page")
    line.database.write_now(lambda tx: tx.outbox.record(message, decision="test"))
    shown = replace(line.delivering(), shown=frozenset({Channel.WEBCHAT}))

    assert await deliver.deliver_next_message(shown)

    assert (line.row(outbox).status, line.row(outbox).reason) == ("suppressed", "drill")
