"""A trial: those on the list are answered, nobody else is, and danger comes to the desk whoever writes.

Red when: `commit_answer` does not look at the list, the number is found in the clear, or whoever is left out is not
read for danger (the assistant not asked, or its RED dropped).
"""

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.switch_tables import trial_entry
from casework.adapters.storage.tables import audit, desk_item, outbox, turn
from casework.model.messages import Channel
from casework.services import trials
from casework.services.ports import StaffMember
from casework.services.trials import TrialRefused
from tests.support.builders import VICTIM, a_case, a_hit, a_learned, an_answer
from tests.support.clock import SetClock
from tests.support.line import Line


@pytest.fixture(name="line")
def open_line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


@pytest.fixture(name="adam")
def add_adam(line: Line) -> StaffMember:
    member = line.add_staff("adam")
    line.database.write_now(lambda tx: trials.start(tx, by=member))
    return member


def add(line: Line, written: str, by: StaffMember) -> bool:
    return line.database.write_now(lambda tx: trials.add(tx, written, by=by))


async def ask(line: Line, text: str = "what is happening with my case", **values: object) -> list[str]:
    """The templates of what they are sent."""
    before = len(line.sender.sent)
    line.receive(text, **values)
    await line.answer_all()
    await line.deliver_all()
    return [message.template for message in line.sender.sent[before:]]


async def test_a_listed_number_is_answered_however_it_was_written(line: Line, adam: StaffMember) -> None:
    assert add(line, "07700 900001", adam)
    assert not add(line, "+447700900001", adam)

    assert await ask(line) == ["utter_case_status"]


async def test_a_listed_beginning_of_a_reference_lets_in_its_contact_of_record(
    line: Line, adam: StaffMember
) -> None:
    line.add_cases(a_case())
    assert add(line, "4326", adam)

    assert await ask(line) == ["utter_case_status"]
    assert await ask(line, external_id="+447700900099") == ["trial_only"]


async def test_another_is_told_once_a_day_and_their_words_are_stored(
    line: Line, adam: StaffMember, clock: SetClock
) -> None:
    assert await ask(line, "hello") == ["trial_only"]
    assert await ask(line, "hello again") == []
    clock.advance(hours=24, seconds=1)
    assert await ask(line, "and again") == ["trial_only"]

    assert [row.outcome for row in line.rows(turn)] == [trials.OUTCOME] * 3
    assert line.rows(desk_item) == []


async def test_danger_of_somebody_left_out_is_danger(line: Line, adam: StaffMember) -> None:
    line.screen.results["he is here"] = a_hit(1)
    await ask(line, "he is here")
    assert "999" in line.sender.sent[-1].text
    line.assistant.answer = an_answer(learned=a_learned(1))

    sent = await ask(line, "its nothing but", external_id="+447700900099")

    assert [row.reason for row in line.rows(desk_item)] == ["disclosure", "disclosure"]
    assert "trial_only" not in sent
    assert "999" in line.sender.sent[-1].text


async def test_what_the_detector_doubts_is_a_check(line: Line, adam: StaffMember) -> None:
    line.assistant.answer = an_answer(learned=a_learned(1, 0.2))

    assert await ask(line, "was that him") == ["check_question", "trial_only"]
    assert line.row(desk_item).reason == "check"


async def test_with_the_trial_over_everybody_is_answered(line: Line, adam: StaffMember) -> None:
    line.database.write_now(lambda tx: trials.end(tx, by=adam))

    assert await ask(line) == ["utter_case_status"]


def test_the_number_lies_in_the_database_sealed_and_is_gone_when_it_is_removed(
    line: Line, adam: StaffMember
) -> None:
    add(line, VICTIM, adam)
    [raw] = line.database.read_now(
        lambda tx: tx.connection.exec_driver_sql("SELECT number, number_sealed FROM trial_entry").all()
    )
    assert "7700900001" not in "".join(raw)
    [entry] = line.database.read_now(lambda tx: tx.trials.list_entries())
    assert entry.number == VICTIM

    assert line.database.write_now(lambda tx: trials.remove(tx, entry.id, by=adam))

    assert line.rows(trial_entry) == []
    acts = [row.act for row in line.rows(audit) if row.act.startswith("trial_")]
    assert acts == ["trial_started", "trial_entry_added", "trial_entry_removed"]


@pytest.mark.parametrize("written", ["", "4", "hello there", "+15550100", "'; DROP"])
def test_what_is_neither_a_mobile_nor_a_reference_is_refused(
    line: Line, adam: StaffMember, written: str
) -> None:
    with pytest.raises(TrialRefused):
        add(line, written, adam)


async def test_a_web_visitor_let_into_a_listed_case_takes_part(line: Line, adam: StaffMember) -> None:
    line.add_cases(a_case(contact_mobile=None))
    add(line, "4326", adam)
    web = {"channel": Channel.WEBCHAT, "external_id": "w" * 32}
    assert await ask(line, **web) == ["trial_only"]
    conversation_id = line.row(turn).conversation_id
    line.database.write_now(lambda tx: link(tx.connection, conversation_id, tx.now))

    assert await ask(line, **web) == ["utter_case_status"]
    assert len(line.rows(outbox)) == 2


def link(connection: sa.Connection, conversation_id: str, now: object) -> None:
    """As whoever opened an invite to the case."""
    from casework.adapters.storage.tables import standing
    from tests.support.rows import put_rows

    put_rows(
        connection,
        standing,
        {
            "conversation_id": conversation_id,
            "crime_reference": a_case().crime_reference,
            "level": 1,
            "method": "invite",
            "proved_at": now,
            "used_at": now,
        },
    )
