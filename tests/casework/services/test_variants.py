"""A trainer's own wordings of what is taught: masked, of one label, no near copies, and gone with their message.

Red when, each tried once: `add` asks no side, or finds no near copies; five words of what is taught in own words alone
pass; `list_made_of` leaves out variants.
"""

from typing import Any

import pytest

from casework.adapters.storage.tables import inbox
from casework.adapters.storage.workbench_tables import annotation, example
from casework.model.errors import ExampleNotFound
from casework.model.training_flags import TrainingFlag
from casework.services import annotations, consents, examples, variants
from casework.services.example_words import TextRefused
from casework.services.ports import StaffMember
from casework.services.variants import NoVariants, TooManyVariants
from tests.casework.services.reviewing import MASKER
from tests.casework.services.test_examples import accept, line, people, settled
from tests.support.line import Line

__all__ = ["line", "people"]
OTHER = "what day do they hear my burglary"


def add(line: Line, example_id: str, by: StaffMember, text: str = OTHER) -> str:
    return line.database.write_now(lambda tx: variants.add(tx, example_id, text, by=by, masker=MASKER))


async def test_a_variant_has_the_label_the_side_and_the_scenario_of_its_message(
    line: Line, people: Any
) -> None:
    given = accept(line, await settled(line, people, intent="ask_court"), people[0])

    made = add(line, given, people[1], "its 07700 900123, what day is my burglary heard")
    again = add(line, made, people[1], OTHER + " then")

    rows = {row.id: row for row in line.rows(example)}
    assert "900123" not in rows[made].text
    for each in (made, again):
        assert rows[each].derived_from == given
        for name in ("intent", "side", "scenario", "conversation_id", "status"):
            assert getattr(rows[each], name) == getattr(rows[given], name)
        assert (rows[each].inbox_id, rows[each].is_reworded) == (None, True)


async def test_what_is_tested_with_or_taught_no_more_has_none(line: Line, people: Any) -> None:
    tested = accept(line, await settled(line, people, side="test"), people[0])
    with pytest.raises(NoVariants):
        add(line, tested, people[0])
    taught = accept(line, await settled(line, people), people[0])
    line.database.write_now(lambda tx: examples.remove(tx, taught, by=people[0]))
    with pytest.raises(NoVariants):
        add(line, taught, people[0])


async def test_of_what_was_taken_back_nothing_more_is_made_and_what_was_made_is_gone(
    line: Line, people: Any
) -> None:
    inbox_id = await settled(line, people)
    given = accept(line, inbox_id, people[0])
    made = add(line, given, people[0])
    of = line.row(inbox, id=inbox_id).conversation_id
    line.database.write_now(
        lambda tx: consents.flag(tx, of, None, TrainingFlag.WITHDRAWN, why="asked", by="victim")
    )

    with pytest.raises(ExampleNotFound):
        add(line, given, people[0], "something else altogether about it")
    row = line.row(example, id=made)
    assert row.status == "withdrawn" and OTHER not in row.text


@pytest.mark.parametrize("text", ["", "/restart", "when ${x} please", "what day do they hear my burglary?"])
async def test_what_could_not_be_taught_or_nearly_is_already_is_refused(
    line: Line, people: Any, text: str
) -> None:
    given = accept(line, await settled(line, people), people[0])
    add(line, given, people[0])

    with pytest.raises(TextRefused):
        add(line, given, people[0], text)
    assert len(line.rows(example)) == 2


async def test_one_message_has_no_more_than_so_many(line: Line, people: Any) -> None:
    given = accept(line, await settled(line, people), people[0])
    words = (
        "bus gate lamp moss pond quay rope silt tarn vane weir yard arch bolt cove dune elms fern glen hill"
    )
    for number, word in enumerate(words.split()):
        add(line, given, people[0], f"{word} {'x' * (number + 3)} {word[::-1]} thing {number}")

    with pytest.raises(TooManyVariants):
        add(line, given, people[0], "one more of quite another kind")


async def test_of_what_is_taught_in_own_words_alone_no_variant_copies_five(line: Line, people: Any) -> None:
    said = "he did that to me again last night and i cant stop shaking"
    hurt = {"risks": ("sexual_violence_recent",)}
    given = accept(
        line, await settled(line, people, said, **hurt), people[0], "i was forced by him yesterday"
    )

    with pytest.raises(TextRefused):
        add(line, given, people[0], "so he did that to me again and left")
    made = add(line, given, people[0], "my body has not been mine since that evening")
    with pytest.raises(TextRefused):
        line.database.write_now(
            lambda tx: examples.change(
                tx, made, row_version=1, by=people[0], masker=MASKER, text="last night and i cant stop crying"
            )
        )


@pytest.mark.parametrize("is_first_gone", [False, True])
async def test_a_label_that_is_taken_back_takes_them_too(
    line: Line, people: Any, is_first_gone: bool
) -> None:
    given = accept(line, await settled(line, people, risks=("stalking_escalation",)), people[0])
    add(line, given, people[0])
    if is_first_gone:
        line.database.write_now(lambda tx: examples.remove(tx, given, by=people[0]))
    [own] = [row.id for row in line.rows(annotation) if row.staff_id == people[0].id]

    line.database.write_now(lambda tx: annotations.undo(tx, own, by=people[0]))

    assert {row.status for row in line.rows(example)} == {"removed"}
