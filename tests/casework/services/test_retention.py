"""What goes by itself, and above all what does not.

Red when: the alarm is counted from another time (`..._is_told_after_thirty_days`); `list_in_work` forgets a table
(`..._is_somebodys_work_...`); `covers_until` is the moment of the press by itself (`..._written_since_...`).
"""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from casework.adapters.storage.keeping_tables import hold, keeping_mark, record_export
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.retention_rows import find_belongings
from casework.adapters.storage.tables import (
    alarm,
    audit,
    case,
    conversation,
    desk_item,
    inbox,
    outbox,
    promise,
    staff_member,
    turn,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.vaults import get_vault
from casework.adapters.vault.shredded import read_shredded
from casework.model.errors import MessageNotFound, ReasonNeeded
from casework.model.holds import HoldReason, Subject, SubjectKind
from casework.model.standings import Standing
from casework.services import holds, retention
from casework.services.holds import HoldNotFound, ReviewDayWrong, SubjectNotFound
from casework.services.retention import ExportUnclear
from tests.support.builders import a_case
from tests.support.keeping import Keeper, a_conversation, all_of
from tests.support.line import Line
from tests.support.rows import put_rows

DAYS = timedelta(days=1)


@pytest.fixture
def keeper(line: Line) -> Keeper:
    return Keeper(database=line.database, clock=line.clock)


async def talk(line: Line, **values: str) -> str:
    received = line.receive("the words of a talk that is over", **values)
    await line.answer_all()
    await line.deliver_all()
    return received.conversation_id


def note_exported(line: Line, conversation_id: str, **values: object) -> None:
    def note(tx: object) -> None:
        up_to = tx.inbox.latest_id(conversation_id)  # type: ignore[attr-defined]
        retention.note_exported(tx, conversation_id, up_to, by="alex", **values)  # type: ignore[arg-type]

    line.database.write_now(note)


async def test_what_nobody_exported_is_never_deleted_and_is_told_after_thirty_days(
    line: Line, keeper: Keeper
) -> None:
    await talk(line)
    line.clock.advance(days=29)
    keeper.remove_due()
    line.database.write_now(retention._finish_round(keeper.rules))
    assert line.rows(alarm) == []

    line.clock.advance(days=4000)
    keeper.remove_due()
    line.database.write_now(retention._finish_round(keeper.rules))

    assert len(line.rows(inbox)) == len(line.rows(outbox)) == 1
    assert [(row.kind, row.detail) for row in line.rows(alarm)] == [
        ("record_not_exported", "1 conversations")
    ]


async def test_ninety_days_after_the_forces_record_has_it_all_of_it_goes(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    note_exported(line, conversation_id, covers_until=line.clock.now())

    line.clock.advance(days=89, hours=23)
    assert not keeper.remove_due()
    line.clock.advance(hours=2)
    done = keeper.remove_due()

    assert {
        name: done[name] for name in ("conversation", "inbox", "outbox", "turn", "record_export")
    } == dict.fromkeys(("conversation", "inbox", "outbox", "turn", "record_export"), 1)
    for table in (conversation, inbox, outbox, turn, record_export):
        assert line.rows(table) == []


async def test_what_was_written_since_the_export_stays(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    note_exported(line, conversation_id)
    line.clock.advance(days=1)
    line.receive("and one more thing")
    await line.answer_all()
    await line.deliver_all()

    line.clock.advance(days=365)
    keeper.remove_due()

    # The first message was exported, its answer was not: the answer came after the message.
    assert [row.text for row in line.rows(inbox)] == ["and one more thing"]
    assert len(line.rows(outbox)) == 2
    assert len(line.rows(conversation)) == 1


@pytest.mark.parametrize("work", ["owner", "item", "promise", "turn"])
async def test_what_is_somebodys_work_waits_until_it_is_done(line: Line, keeper: Keeper, work: str) -> None:
    conversation_id = await talk(line)
    note_exported(line, conversation_id, covers_until=line.clock.now())
    line.clock.advance(days=91)
    staff = line.add_staff()
    if work == "owner":
        line.claim(conversation_id, staff)
    values = {"item": (desk_item, "open"), "promise": (promise, "made"), "turn": (turn, "waiting")}
    if work in values:
        table, status = values[work]
        line.database.write_now(lambda tx: _make(tx, table, conversation_id, status))

    assert keeper.remove_due()["inbox"] == 0
    line.database.write_now(lambda tx: tx.connection.execute(sa.update(conversation).values(owner_id=None)))
    for table, _ in values.values():
        line.database.write_now(
            lambda tx, table=table: tx.connection.execute(sa.update(table).values(status="done"))
        )
    assert keeper.remove_due()["inbox"] == 1
    assert len(line.rows(staff_member)) == 1


def _make(tx: SqlTransaction, table: sa.Table, conversation_id: str, status: str) -> None:
    if table is turn:
        tx.connection.execute(sa.update(turn).values(status=status))
        return
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    values: dict[str, object] = {"id": "w" * 32, "conversation_id": conversation_id, "status": status}
    if table is desk_item:
        values |= {
            "dedupe_key": "w",
            "grade": 3,
            "reason": "asked",
            "waiting_since": moment,
            "created_at": moment,
        }
    else:
        values |= {
            "kind": "x",
            "owner": "x",
            "words": "x",
            "made_at": moment,
            "due_at": moment,
            "dedupe_key": "w",
        }
    put_rows(tx.connection, table, values)


async def test_a_rehearsal_goes_without_any_export(line: Line, keeper: Keeper) -> None:
    await talk(line)
    line.database.write_now(lambda tx: tx.connection.execute(sa.update(conversation).values(is_drill=True)))

    line.clock.advance(days=91)
    keeper.remove_due()

    assert line.rows(conversation) == line.rows(inbox) == []


async def test_a_round_is_done_once_a_day_and_is_on_record(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    note_exported(line, conversation_id, covers_until=line.clock.now())
    line.clock.advance(days=91)
    keeping = retention.Keeping(store=line.database, clock=line.clock, rules=keeper.rules)

    while await retention.keep_next(keeping):
        pass
    assert line.rows(inbox) == []
    assert not await retention.keep_next(keeping)
    [mark] = line.rows(keeping_mark)
    removed = [row.thing for row in line.rows(audit, act="rows_removed")]
    assert {"inbox:1", "outbox:1", "conversation:1"} <= set(removed)

    line.clock.advance(days=1)
    assert await retention.keep_next(keeping)
    while await retention.keep_next(keeping):
        pass
    assert line.row(keeping_mark).at > mark.at


async def test_rows_that_should_have_gone_are_an_alarm(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    note_exported(line, conversation_id, covers_until=line.clock.now())
    line.clock.advance(days=93)

    line.database.write_now(retention._finish_round(keeper.rules))
    assert [row.kind for row in line.rows(alarm)] == ["rows_overdue"]
    keeper.remove_due()
    line.database.write_now(retention._finish_round(keeper.rules))
    assert line.row(alarm).ended_at is not None


async def test_an_export_is_of_a_message_of_theirs_and_of_what_has_been(line: Line) -> None:
    conversation_id = await talk(line)
    other = await talk(line, external_id="+447700900002")
    newest = line.row(inbox, conversation_id=other).id

    for refusal, up_to, until in (
        (MessageNotFound, newest, None),
        (ExportUnclear, newest - 1, line.clock.now() + DAYS),
    ):
        with pytest.raises(refusal):
            line.database.write_now(
                lambda tx, up_to=up_to, until=until: retention.note_exported(
                    tx, conversation_id, up_to, by="alex", covers_until=until
                )
            )
    assert line.rows(record_export) == []


def test_a_hold_says_why_and_until_when_somebody_looks_again(line: Line) -> None:
    conversation_id = line.open("+447700900001")
    today = line.clock.now().date()

    def place(
        why: str = "the trial is in May", review_on: date = today + DAYS, of: str = conversation_id
    ) -> str:
        return line.database.write_now(
            lambda tx: holds.place(
                tx, a_conversation(of), HoldReason.DISCLOSURE, why=why, review_on=review_on, by="alex"
            )
        )

    for refusal, values in (
        (ReasonNeeded, {"why": " "}),
        (ReviewDayWrong, {"review_on": today}),
        (ReviewDayWrong, {"review_on": today + 400 * DAYS}),
        (SubjectNotFound, {"of": "f" * 32}),
    ):
        with pytest.raises(refusal):
            place(**values)  # type: ignore[arg-type]
    assert line.rows(hold) == []
    hold_id = place()
    line.database.write_now(lambda tx: holds.lift(tx, hold_id, why="it is over", by="kim"))
    with pytest.raises(HoldNotFound):
        line.database.write_now(lambda tx: holds.lift(tx, hold_id, why="again, by mistake", by="kim"))
    assert [(row.act, row.actor) for row in line.rows(audit)] == [
        ("hold_placed", "alex"),
        ("hold_lifted", "kim"),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_no_timer_takes_a_held_row_whoever_it_was_placed_on(line: Line, keeper: Keeper, seed: int) -> None:
    """Any holds on any of them: every conversation of which none keeps anything goes, and no other."""
    rng, held = random.Random(seed), set[str]()
    whole: list[str] = []
    for number in range(6):
        address = f"+44770090000{number}"
        reference = f"4326001234{number}"
        case_ = a_case(crime_reference=reference, contact_mobile=address, victim_name=f"Alex {number}")
        line.add_cases(case_)
        received = line.receive("what is happening", external_id=address)
        whole.append(received.conversation_id)
        line.database.write_now(
            lambda tx, of=received.conversation_id, on=reference: tx.standings.record(
                of, on, Standing.LINKED, method="code"
            )
        )
    line.database.write_now(lambda tx: tx.connection.execute(sa.update(turn).values(status="done")))
    for each in whole:
        note_exported(line, each, covers_until=line.clock.now())
    for each in rng.sample(whole, k=3):
        subjects = line.database.read_now(lambda tx, of=each: tx.holds.list_subjects(a_conversation(of)))
        subject = rng.choice(subjects)
        held.add(each)
        line.database.write_now(
            lambda tx, on=subject: holds.place(
                tx,
                on,
                HoldReason.COMPLAINT,
                why="a complaint runs",
                review_on=tx.now.date() + DAYS,
                by="alex",
            )
        )

    line.clock.advance(days=4000)
    keeper.remove_due()

    assert {row.id for row in line.rows(conversation)} == held
    assert {row.conversation_id for row in line.rows(inbox)} == held


async def test_what_a_hold_reaches_is_named(line: Line) -> None:
    conversation_id = await talk(line)
    line.add_cases()
    reference = a_case().crime_reference
    line.database.write_now(
        lambda tx: tx.standings.record(conversation_id, reference, Standing.LINKED, method="code")
    )

    for kind, subject_id in ((SubjectKind.CASE, reference), (SubjectKind.CONVERSATION, conversation_id)):
        found = line.database.read_now(
            lambda tx, kind=kind, of=subject_id: tx.holds.list_subjects(Subject(kind=kind, id=of))
        )
        assert all_of(found, SubjectKind.CONVERSATION) == [conversation_id]
        assert all_of(found, SubjectKind.CASE) == [reference]
        assert len(all_of(found, SubjectKind.PERSON)) == 1


# --- keys -----------------------------------------------------------------------------------------


def keys_of(line: Line) -> dict[str, str]:
    """Owner -> the name of the key."""
    return {row.owner: row.id for row in line.rows(data_key)}


def shredded_in(line: Line) -> frozenset[str]:
    return read_shredded(get_vault(line.database.engine)._file.path)


async def test_the_key_of_a_conversation_that_had_its_time_never_comes_back(
    line: Line, keeper: Keeper
) -> None:
    """Red when: `Belongings.remove` deletes keys as any other row."""
    conversation_id = await talk(line)
    key_id = keys_of(line)[conversation_id]
    note_exported(line, conversation_id, covers_until=line.clock.now())
    line.clock.advance(days=91)

    keeper.remove_due()

    assert conversation_id not in keys_of(line)
    assert key_id in shredded_in(line)


async def test_the_key_of_a_case_goes_once_nothing_of_the_case_is_left(line: Line, keeper: Keeper) -> None:
    """Red when: `_finish_round` shreds none; `_list_uses` forgets a table (`..._sealed_with_it`)."""
    line.add_cases(a_case(), a_case(crime_reference="43260012346", victim_name="Bo Example"))
    gone, kept = "case:43260012345", "case:43260012346"
    key_id = keys_of(line)[gone]
    await asyncio.to_thread(keeper.keep_all)
    assert {gone, kept} <= keys_of(line).keys()
    rules = find_belongings(keeper.rules)
    mine = case.c.crime_reference == "43260012345"
    line.database.write_now(lambda tx: rules.remove(tx.connection, case, mine))

    await asyncio.to_thread(keeper.keep_all)

    assert gone not in keys_of(line)
    assert kept in keys_of(line)
    assert key_id in shredded_in(line)
    assert ("rows_removed", "data_key:1") in [(row.act, row.thing) for row in line.rows(audit)]


def test_a_key_with_which_something_is_sealed_meanwhile_stays(line: Line) -> None:
    """Found unused by one transaction, used again by the next, before it is destroyed."""
    line.add_cases()
    [key_id] = [name for owner, name in keys_of(line).items() if owner.startswith("case:")]

    assert line.database.read_now(lambda tx: tx.data_keys.list_unused(limit=9)) == []
    assert line.database.write_now(lambda tx: tx.data_keys.shred_unused([key_id])) == 0
    assert key_id in keys_of(line).values()
