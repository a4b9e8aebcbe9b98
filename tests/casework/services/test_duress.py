"""Agreed words are heard silently: the answer is the same words, and a detective sees them at once."""

from typing import Any

import pytest

from casework.adapters.passwords import ArgonCodeBook
from casework.adapters.storage.tables import desk_item, duress_check, outbox
from casework.model.messages import Channel
from casework.model.safe_contact import SafeContactPlan
from casework.services import duress
from tests.support.builders import VICTIM, a_case
from tests.support.line import Line

PHRASE = "is Daisy OK?"
CODES = ArgonCodeBook()
EVERY = frozenset(Channel)


def agree(line: Line) -> None:
    def write(tx: Any) -> None:
        plan = SafeContactPlan(
            answered_channels=EVERY, duress_phrase_hash=CODES.hash(duress.fold_phrase(PHRASE))
        )
        tx.people.set_plan(tx.people.find_of_case(a_case().crime_reference).person_id, plan, by="test")

    line.add_cases(a_case(safe_contact=""))
    line.database.write_now(write)


async def hear_all(line: Line) -> None:
    while await duress.hear_next_duress(line.database, codes=CODES, bands=line.bands):
        pass


@pytest.mark.parametrize(
    "text",
    ["is daisy ok", "Is Daisy ok??", "hi any news on the case\nis Daisy OK", "thanks. Is daisy ok. bye"],
)
async def test_the_words_bring_a_detective_and_nothing_is_written_back(line: Line, text: str) -> None:
    agree(line)
    received = line.receive(text)
    await line.answer_all()
    await hear_all(line)

    item = line.row(desk_item)
    assert (item.reason, item.grade, item.tier) == ("duress", 1, 1)
    assert item.conversation_id == received.conversation_id
    assert [row.template for row in line.rows(outbox)] == ["utter_case_status"]
    assert line.rows(duress_check) == []


async def test_the_answer_is_the_same_with_and_without_them(line: Line) -> None:
    agree(line)
    line.receive("is daisy ok")
    line.receive("is daisy okay then")
    await line.answer_all()
    await hear_all(line)

    one, two = line.rows(outbox)
    assert (one.text, one.lane, one.status) == (two.text, two.lane, two.status)
    assert len(line.rows(desk_item)) == 1


async def test_other_words_and_other_people_bring_nobody(line: Line) -> None:
    agree(line)
    line.receive("how is daisy")
    line.receive("is daisy ok", external_id="+447700900999")
    await line.answer_all()
    await hear_all(line)

    assert line.rows(desk_item) == []


async def test_a_stranger_s_message_costs_no_comparison(line: Line) -> None:
    line.receive("is daisy ok", external_id=VICTIM)

    assert line.rows(duress_check) == []


async def test_heard_twice_it_is_one_item(line: Line) -> None:
    agree(line)
    line.receive("is daisy ok")
    check = line.database.write_now(lambda tx: tx.people.take_duress_check())
    assert check is not None
    for _ in range(2):
        line.database.write_now(lambda tx: duress.end_check(tx, check, line.bands, is_heard=True))

    assert len(line.rows(desk_item)) == 1
