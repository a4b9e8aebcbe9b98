"""Erasing takes everything of somebody, nothing of anybody else's, and stops before what must stay.

Red when: `list_refusals` is not asked before each step (`..._placed_half_way_...`, `..._writes_again_...`); a table is
put into OUTLIVES (`..._leaves_no_row_...`); `_list_theirs_alone` leaves out `others` (`..._shared_phone_...`).
"""

from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.keeping_tables import erasure as erasure_table
from casework.adapters.storage.retention_rows import find_belongings
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.tables import (
    audit,
    case,
    conversation,
    desk_item,
    inbox,
    opt_out,
    outbox,
    person,
    standing,
    throttle,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.workbench_tables import example
from casework.model.bulk_brake import ImportStatus
from casework.model.desk import Grade, HandoffReason
from casework.model.holds import (
    ErasureReason,
    ErasureStage,
    HoldReason,
    LeftWhy,
    Refusal,
    Subject,
    SubjectKind,
)
from casework.model.messages import Channel
from casework.model.standings import Standing
from casework.services import erasure, holds, retention
from casework.services.erasure import (
    AnotherPersonNeeded,
    ErasureNotWaiting,
    ErasureRefused,
    ErasureUnderWay,
    WarningNotSeen,
)
from tests.casework.adapters.subject_canaries import Seeded
from tests.support.builders import a_case, an_answer
from tests.support.keeping import Keeper, a_conversation, a_person
from tests.support.line import Line
from tests.support.rows import put_value

CLOSED = "closed_no_further_lines"


@pytest.fixture
def keeper(line: Line) -> Keeper:
    return Keeper(database=line.database, clock=line.clock)


def seed(line: Line, letter: str, staff_id: str) -> Seeded:
    """Somebody with a row in every table that reaches one, whose case is closed and of whom nothing waits."""

    def write(tx: SqlTransaction) -> Seeded:
        seeded = Seeded(tx.connection, letter, staff_id).fill()
        for table in (conversation, inbox, outbox, opt_out):
            mine = table.c.id == seeded.row(table.name)["id"]
            put_value(tx.connection, table.c.channel, "sms", mine)
        tx.connection.execute(
            sa.update(conversation).where(conversation.c.id == seeded.conversation_id).values(owner_id=None)
        )
        mine = case.c.crime_reference == seeded.reference
        tx.connection.execute(sa.update(case).where(mine).values(stage=CLOSED))
        return seeded

    return line.database.write_now(write)


def count_rows(line: Line) -> dict[str, int]:
    return {name: len(rows) for name, rows in line.everything().items()}


async def talk(line: Line, words: str = "the words to be erased") -> str:
    """A conversation that is answered and done with; its id."""
    line.assistant.answer = an_answer("An answer of ours.")
    received = line.receive(words)
    await line.answer_all()
    await line.deliver_all()
    return received.conversation_id


def place_hold(line: Line, subject: Subject, reason: HoldReason = HoldReason.DISCLOSURE) -> str:
    return line.database.write_now(
        lambda tx: holds.place(
            tx,
            subject,
            reason,
            why="the trial is in May",
            review_on=tx.now.date().replace(year=2027),
            by="alex",
        )
    )


async def test_erasing_a_person_leaves_no_row_of_theirs_and_every_row_of_others(
    line: Line, keeper: Keeper
) -> None:
    staff = line.add_staff()
    other = seed(line, "b", staff.id)
    before = count_rows(line)
    written = str({name: rows for name, rows in line.everything().items() if name != "audit"})
    others_words = sorted(word for word in other.words.values() if word in written)
    theirs = seed(line, "a", staff.id)

    erasure_id = keeper.ask(a_person(theirs.person_id))
    await keeper.erase_all()

    done = keeper.find(erasure_id)
    assert done.stage is ErasureStage.TAUGHT
    line.database.write_now(lambda tx: erasure.note_taught(tx, erasure_id, {"rows taught": 0}))
    await keeper.erase_all()
    done = keeper.find(erasure_id)
    assert (done.stage, done.covers) == (ErasureStage.DONE, None)
    after = count_rows(line)
    # The record of who did what stays, and what was taught stands there empty.
    kept = {"audit", "audit_head", "example", "example_change", "erasure", "provider_redaction", "comparison"}
    assert {name: n for name, n in after.items() if name not in kept} == {
        name: n for name, n in before.items() if name not in kept
    }
    left = str({name: rows for name, rows in line.everything().items() if name != "audit"})
    # Who did what, and of an example what kind of thing it was: labels of ours.
    kept_words = ("audit.", "example.intent", "example.category")
    words = {place: word for place, word in theirs.words.items() if not place.startswith(kept_words)}
    assert [place for place, word in words.items() if word in left] == []
    assert sorted(word for word in other.words.values() if word in left) == others_words


async def test_what_was_done_is_kept_by_table_and_count_alone(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    erasure_id = keeper.ask(a_conversation(conversation_id))

    await keeper.erase_all()

    found = keeper.find(erasure_id)
    assert found.stage is ErasureStage.DONE
    assert {name: found.counts[name] for name in ("conversation", "inbox", "outbox", "turn")} == {
        "conversation": 1,
        "inbox": 1,
        "outbox": 1,
        "turn": 1,
    }
    assert "erased" not in str(line.row(erasure_table)).replace("erased by", "")
    acts = [row.act for row in line.rows(audit) if row.act.startswith("eras")]
    assert acts == ["erasure_asked", "erased"]


async def test_the_record_of_who_did_what_outlives_it(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    before = len(line.rows(audit, conversation_id=conversation_id))
    keeper.ask(a_conversation(conversation_id))

    await keeper.erase_all()

    assert before > 0
    assert len(line.rows(audit, conversation_id=conversation_id)) >= before


async def test_keys_go_before_rows_each_owner_once(line: Line, keeper: Keeper) -> None:
    staff = line.add_staff()
    theirs = seed(line, "a", staff.id)
    keeper.ask(a_person(theirs.person_id))

    erasing = keeper.erasing
    await erasure.erase_next(erasing)
    assert keeper.keys.shredded == []
    await erasure.erase_next(erasing)

    owners = [theirs.conversation_id, f"case:{theirs.reference}", theirs.person_id]
    assert keeper.keys.shredded == owners
    left = line.database.read_now(lambda tx: tx.connection.execute(sa.select(inbox.c.id)).all())
    assert len(left) == 1


async def test_an_erasing_killed_half_way_goes_on(line: Line, keeper: Keeper) -> None:
    """Each step is a transaction of its own, so whoever dies between two leaves what another goes on from."""
    staff = line.add_staff()
    theirs = seed(line, "a", staff.id)
    erasure_id = keeper.ask(a_person(theirs.person_id))
    steps = 0
    while keeper.find(erasure_id).stage is not ErasureStage.TAUGHT:
        # A new worker each time, that knows nothing of what was done.
        assert await erasure.erase_next(Keeper(database=line.database, clock=line.clock, at_once=9).erasing)
        steps += 1

    assert steps > 5
    assert line.rows(person) == line.rows(conversation) == line.rows(inbox) == []


async def test_a_step_whose_commit_was_lost_is_done_again(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    erasure_id = keeper.ask(a_conversation(conversation_id))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            line.database.write_now(lambda tx: _take_rows_and_die(tx, keeper, erasure_id))

    await keeper.erase_all()

    assert keeper.find(erasure_id).counts["inbox"] == 1


def _take_rows_and_die(tx: SqlTransaction, keeper: Keeper, erasure_id: str) -> None:
    covers = keeper.find(erasure_id).covers
    assert covers is not None
    assert tx.erasures.remove_some(covers, keeper.rules, limit=100)
    raise RuntimeError


@pytest.mark.parametrize("kind", list(SubjectKind))
async def test_a_hold_on_any_part_refuses_all_of_it(line: Line, keeper: Keeper, kind: SubjectKind) -> None:
    theirs = seed(line, "a", line.add_staff().id)
    subjects = {
        SubjectKind.CONVERSATION: theirs.conversation_id,
        SubjectKind.CASE: theirs.reference,
        SubjectKind.PERSON: theirs.person_id,
    }
    hold_id = place_hold(line, Subject(kind=kind, id=subjects[kind]))

    for subject in (a_person(theirs.person_id), a_conversation(theirs.conversation_id)):
        with pytest.raises(ErasureRefused) as refused:
            keeper.ask(subject)
        assert refused.value.refusals[0] is Refusal.HELD
    line.database.write_now(lambda tx: holds.lift(tx, hold_id, why="the trial is over", by="alex"))
    keeper.ask(a_person(theirs.person_id))


async def test_a_hold_placed_half_way_keeps_the_rest(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    erasure_id = keeper.ask(a_conversation(conversation_id))
    erasing = keeper.erasing
    await erasure.erase_next(erasing)
    place_hold(line, a_conversation(conversation_id))

    await keeper.erase_all()

    found = keeper.find(erasure_id)
    assert (found.stage, found.stopped_why) == (ErasureStage.STOPPED, Refusal.HELD)
    assert keeper.keys.shredded == []
    assert len(line.rows(inbox)) == 1


async def test_a_person_who_writes_again_meanwhile_loses_nothing_more(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    erasure_id = keeper.ask(a_conversation(conversation_id))
    line.receive("he is outside my door")

    await keeper.erase_all()

    found = keeper.find(erasure_id)
    assert (found.stage, found.stopped_why) == (ErasureStage.STOPPED, Refusal.NEW_MESSAGE)
    assert len(line.rows(inbox)) == 2


async def test_an_open_case_is_refused_and_may_be_restricted(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)
    line.add_cases()
    line.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, a_case().crime_reference, Standing.LINKED, method="code"
        )
    )

    with pytest.raises(ErasureRefused) as refused:
        keeper.ask(a_conversation(conversation_id))
    review_on = line.clock.now().date().replace(year=2027)
    line.database.write_now(
        lambda tx: erasure.restrict(
            tx, conversation_id, why="may be evidence", review_on=review_on, by="alex"
        )
    )

    assert refused.value.refusals == (Refusal.OPEN_CASE,)
    kept = line.database.read_now(lambda tx: holds.list_holds(tx, conversation_id))
    assert [each.reason for each in kept] == [HoldReason.RESTRICTION]
    assert line.database.read_now(lambda tx: tx.training_flags.find_open(conversation_id, None)) == "excluded"


async def test_what_somebody_works_on_is_refused(line: Line, keeper: Keeper) -> None:
    staff = line.add_staff()
    conversation_id = await talk(line)
    line.claim(conversation_id, staff)

    with pytest.raises(ErasureRefused) as refused:
        keeper.ask(a_conversation(conversation_id))
    assert refused.value.refusals == (Refusal.IN_WORK,)


@pytest.mark.parametrize("waits", ["item", "turn", "answer", "held"])
async def test_what_waits_is_refused(line: Line, keeper: Keeper, waits: str) -> None:
    conversation_id = await talk(line) if waits in ("item", "held") else line.receive("wait").conversation_id
    if waits == "item":
        line.database.write_now(
            lambda tx: tx.desk.record_item(
                conversation_id=conversation_id,
                reason=HandoffReason.ASKED_FOR_PERSON,
                grade=Grade.HIGH,
                dedupe_key="test",
            )
        )
    if waits == "answer":
        await line.answer_all()
    if waits == "held":
        line.database.write_now(lambda tx: tx.connection.execute(sa.update(outbox).values(status="held")))

    with pytest.raises(ErasureRefused) as refused:
        keeper.ask(a_conversation(conversation_id))
    assert refused.value.refusals == (Refusal.IN_WORK,)


async def test_an_import_that_would_bring_it_back_is_decided_first(line: Line, keeper: Keeper) -> None:
    theirs = seed(line, "a", line.add_staff().id)
    content = f"crime_reference\n{theirs.reference}\n".encode()
    line.database.write_now(
        lambda tx: tx.imports.record(
            source="file",
            filename="cases.csv",
            content=content,
            summary={},
            status=ImportStatus.HELD,
            by="x",
        )
    )

    with pytest.raises(ErasureRefused) as refused:
        keeper.ask(a_person(theirs.person_id))
    assert refused.value.refusals == (Refusal.IMPORT_WAITS,)


async def test_what_is_not_there_cannot_be_erased_and_nothing_twice_at_once(
    line: Line, keeper: Keeper
) -> None:
    conversation_id = await talk(line)
    with pytest.raises(ErasureRefused) as refused:
        keeper.ask(a_person("f" * 32))
    assert refused.value.refusals == (Refusal.NOT_THERE,)

    keeper.ask(a_conversation(conversation_id))
    with pytest.raises(ErasureUnderWay):
        keeper.ask(a_conversation(conversation_id))


async def test_a_shared_phone_keeps_the_conversation_of_the_other_person(line: Line, keeper: Keeper) -> None:
    mother, daughter = (
        a_case(stage=CLOSED),
        a_case(
            crime_reference="43260012399",
            victim_name="Robin Example",
            stage=CLOSED,
            contact_mobile="+447700900002",
        ),
    )
    conversation_id = await talk(line)
    line.add_cases(mother, daughter)

    def prove(tx: SqlTransaction) -> None:
        for each in (mother, daughter):
            tx.standings.record(conversation_id, each.crime_reference, Standing.LINKED, method="code")

    line.database.write_now(prove)
    person_id = line.row(case, crime_reference=mother.crime_reference).person_id

    keeper.ask(a_person(person_id))
    await keeper.erase_all()

    assert [row.crime_reference for row in line.rows(case)] == [daughter.crime_reference]
    assert [row.crime_reference for row in line.rows(standing)] == [daughter.crime_reference]
    assert len(line.rows(inbox)) == 1


async def test_what_names_them_by_an_address_or_inside_a_text_goes_too(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk(line)

    def count_and_stop(tx: SqlTransaction) -> None:
        tx.throttles.hold(f"wrong_pins_of_session:{conversation_id}")
        tx.throttles.hold("unknown_references")
        tx.opt_outs.record(Channel.SMS, "+447700900001", how="asked", word="STOP")
        tx.opt_outs.record(Channel.SMS, "+447700900002", how="asked", word="STOP")

    line.database.write_now(count_and_stop)
    keeper.ask(a_conversation(conversation_id))
    await keeper.erase_all()

    assert [row.bucket for row in line.rows(throttle)] == ["unknown_references"]
    assert [row.external_id for row in line.rows(opt_out)] == ["+447700900002"]
    [(covers, addresses)] = keeper.places.asked
    assert covers.conversations == (conversation_id,)
    assert list(addresses.by_channel) == [(Channel.SMS, "+447700900001")]
    assert len(addresses.message_ids) == 2


async def test_every_example_made_of_it_loses_its_words(line: Line, keeper: Keeper) -> None:
    theirs = seed(line, "a", line.add_staff().id)
    keeper.ask(a_conversation(theirs.conversation_id))

    await keeper.erase_all()

    row: Any = line.row(example)
    assert (row.status, row.text, row.inbox_id, row.conversation_id) == ("withdrawn", "", None, None)


def test_rows_are_taken_from_every_table_of_somebody(database: Database, keeper: Keeper) -> None:
    tables = database.read_now(lambda tx: tx.erasures.list_tables(keeper.rules))

    assert set(tables) >= {each.name for each in find_belongings(keeper.rules).list_of_somebody()}
    assert set(tables) <= set(metadata.tables)
    assert desk_item.name in tables


# --- what was never exported ----------------------------------------------------------------------


async def talk_of_closed_case(line: Line, **values: object) -> str:
    """A conversation in which a case was proved whose investigation is over."""
    conversation_id = await talk(line)
    line.add_cases(a_case(stage=CLOSED, **values))
    line.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, a_case(**values).crime_reference, Standing.LINKED, method="code"
        )
    )
    return conversation_id


def ask_with_warning(line: Line, subject: Subject) -> str:
    return line.database.write_now(
        lambda tx: erasure.ask(tx, subject, ErasureReason.REQUEST, by="alex", has_seen_warning=True)
    )


async def test_what_the_forces_record_does_not_have_goes_only_when_two_people_know(
    line: Line, keeper: Keeper
) -> None:
    """Red when: `ask` records it as begun; `answer_warning` takes whoever asked."""
    subject = a_conversation(await talk_of_closed_case(line))

    with pytest.raises(WarningNotSeen):
        line.database.write_now(lambda tx: erasure.ask(tx, subject, ErasureReason.REQUEST, by="alex"))
    erasure_id = ask_with_warning(line, subject)
    assert await keeper.erase_all() == 0
    assert len(line.rows(inbox)) == 1
    with pytest.raises(AnotherPersonNeeded):
        line.database.write_now(lambda tx: erasure.answer_warning(tx, erasure_id, agrees=True, by="alex"))
    line.database.write_now(lambda tx: erasure.answer_warning(tx, erasure_id, agrees=True, by="robin"))
    await keeper.erase_all()

    assert keeper.find(erasure_id).stage is ErasureStage.DONE
    assert line.rows(inbox) == []
    acts = [(row.act, row.actor) for row in line.rows(audit) if row.act.startswith("eras")]
    assert acts == [("erasure_asked", "alex"), ("erasure_agreed", "robin"), ("erased", "erasure")]


async def test_a_second_person_who_says_no_keeps_it(line: Line, keeper: Keeper) -> None:
    subject = a_conversation(await talk_of_closed_case(line))
    erasure_id = ask_with_warning(line, subject)

    line.database.write_now(lambda tx: erasure.answer_warning(tx, erasure_id, agrees=False, by="robin"))

    found = keeper.find(erasure_id)
    assert (found.stage, found.stopped_why) == (ErasureStage.STOPPED, Refusal.NOT_AGREED)
    assert len(line.rows(inbox)) == 1
    with pytest.raises(ErasureNotWaiting):
        line.database.write_now(lambda tx: erasure.answer_warning(tx, erasure_id, agrees=True, by="robin"))
    assert ask_with_warning(line, subject)


async def test_what_has_come_since_stands_against_the_second_persons_yes(line: Line, keeper: Keeper) -> None:
    subject = a_conversation(await talk_of_closed_case(line))
    erasure_id = ask_with_warning(line, subject)
    line.receive("and one more thing")

    with pytest.raises(ErasureRefused) as refused:
        line.database.write_now(lambda tx: erasure.answer_warning(tx, erasure_id, agrees=True, by="robin"))

    assert refused.value.refusals[0] is Refusal.NEW_MESSAGE
    assert keeper.find(erasure_id).stage is ErasureStage.WARNED


async def test_what_the_forces_record_has_needs_no_second_person(line: Line, keeper: Keeper) -> None:
    conversation_id = await talk_of_closed_case(line)

    def note(tx: SqlTransaction) -> None:
        up_to = tx.inbox.latest_id(conversation_id)
        assert up_to is not None
        retention.note_exported(tx, conversation_id, up_to, by="alex", covers_until=tx.now)

    line.database.write_now(note)

    erasure_id = line.database.write_now(
        lambda tx: erasure.ask(tx, a_conversation(conversation_id), ErasureReason.REQUEST, by="alex")
    )

    assert keeper.find(erasure_id).stage is ErasureStage.OUTSIDE


# --- their own number -----------------------------------------------------------------------------

NUMBER = "+447700900123"


def add_person(line: Line, **values: object) -> str:
    """A person whose case is closed and whose contact of record is that number; their id."""
    facts = a_case(stage=CLOSED, **({"contact_mobile": NUMBER} | values))
    line.add_cases(facts)
    reach = line.database.read_now(lambda tx: tx.people.find_of_case(facts.crime_reference))
    assert reach is not None
    return reach.person_id


def left_of(line: Line, person_id: str) -> list[tuple[str, LeftWhy]]:
    return line.database.read_now(lambda tx: tx.erasures.list_left(a_person(person_id)))


async def write_from(line: Line, channel: Channel = Channel.SMS) -> str:
    line.assistant.answer = an_answer("An answer of ours.")
    received = line.receive("nothing is proved here", external_id=NUMBER, channel=channel)
    await line.answer_all()
    await line.deliver_all()
    return received.conversation_id


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
async def test_what_came_from_their_number_while_it_was_of_record_goes_with_them(
    line: Line, keeper: Keeper, channel: Channel
) -> None:
    """Red when: `find_covers` leaves out `_list_of_their_number`."""
    person_id = add_person(line)
    line.clock.advance(days=1)
    await write_from(line, channel)

    assert left_of(line, person_id) == []
    keeper.ask(a_person(person_id))
    await keeper.erase_all()

    assert line.rows(conversation) == line.rows(inbox) == line.rows(person) == []


@pytest.mark.parametrize("doubt", ["before", "doubted", "another", "of_a_case"])
async def test_what_may_be_anothers_stays_and_is_listed_for_a_person(
    line: Line, keeper: Keeper, doubt: str
) -> None:
    """A number may have been, or may be, another's.

    Red when: one of the conditions of `_list_of_their_number` is left out.
    """
    if doubt == "before":
        conversation_id = await write_from(line)
        line.clock.advance(days=1)
    person_id = add_person(line)
    if doubt == "another":
        add_person(line, crime_reference="43260012399", victim_name="Bo Example")
    line.clock.advance(days=1)
    if doubt != "before":
        conversation_id = await write_from(line)
    if doubt == "doubted":
        line.database.write_now(
            lambda tx: tx.connection.execute(
                sa.update(person).values(contact_suspended_at=tx.now, contact_suspended_why="test")
            )
        )
    if doubt == "of_a_case":
        add_person(line, crime_reference="43260012399", victim_name="Bo Example")
        other = case.c.crime_reference == "43260012399"
        line.database.write_now(
            lambda tx: tx.connection.execute(sa.update(case).where(other).values(person_id=None))
        )
        line.database.write_now(
            lambda tx: tx.connection.execute(sa.delete(person).where(person.c.id != person_id))
        )

    assert left_of(line, person_id) == [(conversation_id, LeftWhy.NUMBER)]
    erasure_id = keeper.ask(a_person(person_id))
    await keeper.erase_all()

    assert [row.id for row in line.rows(conversation)] == [conversation_id]
    assert keeper.find(erasure_id).counts[erasure.LEFT] == 1


async def test_a_phone_that_two_people_proved_themselves_on_is_listed_as_shared(line: Line) -> None:
    person_id = add_person(line)
    add_person(line, crime_reference="43260012399", victim_name="Bo Example", contact_mobile="+447700900124")
    conversation_id = await write_from(line)
    for reference in (a_case().crime_reference, "43260012399"):
        line.database.write_now(
            lambda tx, reference=reference: tx.standings.record(
                conversation_id, reference, Standing.LINKED, method="code"
            )
        )

    assert left_of(line, person_id) == [(conversation_id, LeftWhy.SHARED)]
