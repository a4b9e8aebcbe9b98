"""A day's reading looked at once it is over, on both databases: each rule from the rows it is made of.

Red when: `list_reader_days` leaves out an act, a shift, a link to a case or the openings; a day is looked at twice.
"""

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from casework.adapters.storage.reading_tables import unusual_reading
from casework.adapters.storage.tables import audit, case
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import Grade, HandoffReason
from casework.model.policy import Relation
from casework.model.standings import Standing
from casework.model.unusual_reading import Rule, load_reading_limits
from casework.model.working_days import local_day
from casework.services.desk import read_conversation
from casework.services.ports import StaffMember
from casework.services.reading_ports import StoredFinding
from casework.services.unusual_readings import (
    ReviewFault,
    Watching,
    find_next_day,
    look_at_next_day,
    review_finding,
)
from tests.support.builders import a_case
from tests.support.line import Line

LIMITS = load_reading_limits()
NAMES = iter(range(10**6))


def open_many(line: Line, count: int) -> list[str]:
    return [line.open(f"+4477009{next(NAMES):05d}") for _ in range(count)]


def read(line: Line, by: StaffMember, conversation_ids: list[str], *through: Relation) -> None:
    def work(tx: SqlTransaction) -> None:
        for conversation_id in conversation_ids:
            read_conversation(tx, conversation_id, by=by, relations=through)

    line.database.write_now(work)


def begin_shift(line: Line, by: StaffMember) -> None:
    line.database.write_now(lambda tx: tx.shifts.start(by.id, sound_heard=True, covers_words=False))


async def look(line: Line) -> list[StoredFinding]:
    """At every day that is over."""
    while await look_at_next_day(Watching(store=line.database, limits=LIMITS)):
        pass
    return line.database.read_now(lambda tx: tx.unusual_readings.list_unreviewed())


async def look_tomorrow(line: Line) -> list[StoredFinding]:
    line.clock.advance(days=1)
    return await look(line)


def link_case(line: Line, conversation_id: str, **values: object) -> None:
    def link(tx: SqlTransaction) -> None:
        linked = a_case(**values)  # type: ignore[arg-type]
        tx.cases.record_all([linked])
        tx.standings.record(conversation_id, linked.crime_reference, Standing.LINKED, method="code")

    line.database.write_now(link)


async def test_an_ordinary_day_leaves_no_finding_and_is_looked_at_once(line: Line) -> None:
    rowan = line.add_staff()
    begin_shift(line, rowan)
    read(line, rowan, open_many(line, 4), Relation.OWNER)

    assert await look_tomorrow(line) == []
    assert line.database.read_now(find_next_day) is None


async def test_what_colleagues_have_is_told_from_three_conversations_on(line: Line) -> None:
    rowan, other = line.add_staff(), line.add_staff("hazel")
    begin_shift(line, rowan)
    begin_shift(line, other)
    theirs = open_many(line, 3)
    read(line, rowan, theirs, Relation.COLLEAGUE)
    read(line, other, theirs[:2], Relation.COLLEAGUE)

    [finding] = await look_tomorrow(line)

    assert (finding.rule, finding.staff_id, finding.counted) == (Rule.NO_RELATION, rowan.id, 3)
    assert finding.conversation_ids == tuple(sorted(theirs))
    assert finding.staff_name == rowan.display_name


async def test_openings_with_a_reason_are_told_from_three_a_day_on(line: Line) -> None:
    rowan = line.add_staff()
    for conversation_id in open_many(line, 3):
        line.database.write_now(
            lambda tx, of=conversation_id: tx.glass.record(
                of, staff_id=rowan.id, reason="test", until=tx.now + timedelta(hours=1)
            )
        )

    [finding] = await look_tomorrow(line)

    assert (finding.rule, finding.counted) == (Rule.GLASS, 3)


async def test_a_victim_with_the_readers_family_name_is_told(line: Line) -> None:
    rowan = line.add_staff()  # Rowan Test-Detective
    begin_shift(line, rowan)
    namesake, stranger = open_many(line, 2)
    link_case(line, namesake, victim_name="Casey Detective")
    link_case(line, stranger, victim_name="Casey Example", crime_reference="43260099999")
    read(line, rowan, [namesake, stranger], Relation.OWNER)

    [finding] = await look_tomorrow(line)

    assert (finding.rule, finding.conversation_ids) == (Rule.SAME_NAME, (namesake,))


async def test_far_more_than_on_ones_usual_day_is_told(line: Line) -> None:
    rowan, steady = line.add_staff(), line.add_staff("hazel")
    for _ in range(5):
        for each, count in ((rowan, 2), (steady, 16)):
            begin_shift(line, each)
            read(line, each, open_many(line, count), Relation.OWNER)
        line.clock.advance(days=1)
    for each in (rowan, steady):
        begin_shift(line, each)
        read(line, each, open_many(line, 16), Relation.OWNER)

    [finding] = await look_tomorrow(line)

    assert (finding.rule, finding.staff_id) == (Rule.MANY_CONVERSATIONS, rowan.id)
    assert (finding.counted, finding.usual) == (16, 2)


async def test_reading_without_a_shift_is_told(line: Line) -> None:
    rowan, on_shift = line.add_staff(), line.add_staff("hazel")
    begin_shift(line, on_shift)
    theirs = open_many(line, 1)
    read(line, rowan, theirs, Relation.OWNER)
    read(line, on_shift, theirs, Relation.OWNER)

    [finding] = await look_tomorrow(line)

    assert (finding.rule, finding.staff_id) == (Rule.OFF_SHIFT, rowan.id)


async def test_a_case_long_closed_is_told_unless_something_waits_in_it(line: Line) -> None:
    rowan = line.add_staff()
    begin_shift(line, rowan)
    closed, waiting, running = open_many(line, 3)
    long_ago = local_day(line.clock.now()) - timedelta(days=400)
    for conversation_id, reference, stage in (
        (closed, "43260000001", "closed_no_further_lines"),
        (waiting, "43260000002", "closed_no_further_lines"),
        (running, "43260000003", "under_investigation"),
    ):
        link_case(line, conversation_id, crime_reference=reference, stage=stage, stage_since=long_ago)
    line.database.write_now(lambda tx: _ask_for_person(tx, waiting))
    read(line, rowan, [closed, waiting, running], Relation.HANDLED)

    [finding] = await look_tomorrow(line)

    assert (finding.rule, finding.conversation_ids) == (Rule.LONG_CLOSED, (closed,))
    assert line.rows(case) != []


async def test_a_day_is_a_british_day(line: Line) -> None:
    """In summer the day begins at 23:00 UTC."""
    rowan = line.add_staff()
    summer = datetime.fromisoformat("2027-06-10T22:30:00+00:00")
    line.clock.advance(seconds=(summer - line.clock.now()).total_seconds())
    read(line, rowan, open_many(line, 1), Relation.NONE)
    line.clock.advance(minutes=45)
    read(line, rowan, open_many(line, 1), Relation.NONE)

    found = await look_tomorrow(line)

    days = {each.day for each in found if each.rule is Rule.NO_RELATION}
    assert days == {date(2027, 6, 11)}


async def test_days_without_a_worker_are_made_good_one_by_one(line: Line) -> None:
    assert await look_tomorrow(line) == []
    rowan = line.add_staff()
    read(line, rowan, open_many(line, 1), Relation.NONE)
    line.clock.advance(days=3)

    found = await look(line)

    assert {each.rule for each in found} == {Rule.NO_RELATION, Rule.OFF_SHIFT}
    assert line.database.read_now(lambda tx: tx.unusual_readings.find_newest_day()) == (
        local_day(line.clock.now()) - timedelta(days=1)
    )


async def test_a_finding_is_judged_once_by_somebody_else_and_all_of_it_is_on_record(line: Line) -> None:
    rowan, alex = line.add_staff(), line.add_staff("alex")
    read(line, rowan, open_many(line, 1), Relation.NONE)
    finding = (await look_tomorrow(line))[0]

    def judge(by: StaffMember) -> ReviewFault | None:
        return line.database.write_now(
            lambda tx: review_finding(tx, finding.id, by=by.id, is_explained=True, words="Asked by the team")
        )

    assert (judge(rowan), judge(alex), judge(alex)) == (ReviewFault.OWN, None, ReviewFault.ALREADY)
    [row] = [each for each in line.rows(unusual_reading) if each.id == finding.id]
    assert (row.reviewed_by, row.is_explained, row.review_words) == (alex.id, True, "Asked by the team")
    acts = [(each.act, each.thing) for each in line.database.read_now(_list_acts)]
    assert ("access_refused", "review_own_reading") in acts
    assert ("unusual_reading_found", f"{finding.id}:{finding.rule.value}") in acts
    assert ("unusual_reading_reviewed", f"{finding.id}:explained") in acts


def _list_acts(tx: SqlTransaction) -> list[sa.Row[tuple[str, str]]]:
    return list(tx.connection.execute(sa.select(audit.c.act, audit.c.thing)).all())


def _ask_for_person(tx: SqlTransaction, conversation_id: str) -> None:
    tx.desk.record_item(
        conversation_id=conversation_id,
        reason=HandoffReason.ASKED_FOR_PERSON,
        grade=Grade.PROMPT,
        dedupe_key=f"test:{conversation_id}",
    )
