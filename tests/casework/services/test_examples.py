"""What is taught: masked, on the side its talk was drawn to, by two for tests, and in own words where it hurts.

Red when, each tried once: `accept` takes the raw text, `find_side` looks at the message in place of the conversation,
`_check_settled` forgets the second person or the flag, `_word` lets five words of a restricted message pass, `change`
asks no `row_version`, or one of the three leaves out its audit row.
"""

from typing import Any

import pytest

from casework.adapters.storage.tables import audit, inbox
from casework.adapters.storage.workbench_tables import example, example_change
from casework.model.disclosures import Category
from casework.model.errors import ExampleNotFound
from casework.model.training_flags import TrainingFlag
from casework.services import consents, examples
from casework.services.example_words import OwnWordingNeeded, TextRefused
from casework.services.examples import (
    ExampleFrozen,
    ExampleStale,
    NothingToTeach,
    NotSettled,
    NotUsable,
    SecondPersonNeeded,
)
from casework.services.masked_reading import mask_message
from casework.services.ports import StaffMember
from casework.services.review_inbox import ItemNotFound
from tests.casework.services.reviewing import MASKER, decide, make_line, make_quiet, put, say
from tests.casework.services.test_annotations import set_side
from tests.support.clock import SetClock
from tests.support.line import Line

TEXT = "my name is Kieran ring me on 07700 900123 when is it in court"
SECRET = ("Kieran", "900123")


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Any:
    made = make_line(database_url, clock)
    yield made
    made.database.close()


@pytest.fixture
def people(line: Line) -> tuple[StaffMember, StaffMember]:
    return line.add_staff("toni"), line.add_staff("jo")


async def settled(
    line: Line, people: Any, text: str = TEXT, *, side: str = "train", by_both: bool = True, **label: Any
) -> int:
    """A message of that side two people labelled alike."""
    inbox_id = await say(line, text)
    put(line, inbox_id)
    set_side(line, inbox_id, side)
    make_quiet(line)
    for by in people if by_both else people[:1]:
        decide(line, inbox_id, by, **label)
    return inbox_id


def accept(line: Line, inbox_id: int, by: StaffMember, text: str | None = None) -> str:
    return line.database.write_now(lambda tx: examples.accept(tx, inbox_id, text=text, by=by, masker=MASKER))


def change(line: Line, example_id: str, by: StaffMember, **values: Any) -> int:
    return line.database.write_now(
        lambda tx: examples.change(tx, example_id, by=by, masker=MASKER, **({"row_version": 1} | values))
    )


async def test_an_accepted_message_is_taught_masked_and_as_it_was_settled(line: Line, people: Any) -> None:
    inbox_id = await settled(line, people, intent="ask_court")
    of = line.row(inbox, id=inbox_id).conversation_id
    example_id = accept(line, inbox_id, people[0])

    row = line.row(example)
    assert not any(value in row.text for value in SECRET) and row.text.endswith("when is it in court")
    assert (row.intent, row.category, row.side, row.status) == ("ask_court", None, "train", "accepted")
    assert (row.is_reworded, row.row_version, row.in_data_since) == (False, 1, None)
    assert row.scenario == examples.name_scenario(of) and of not in row.scenario
    assert len(example_id) == 18 and int(example_id[:10]) == int(row.accepted_at.timestamp())
    assert [(each.actor, each.thing) for each in line.rows(audit, act="example_accepted")] == [
        (people[0].id, example_id)
    ]
    assert [each.what["status"] for each in line.rows(example_change)] == ["accepted"]


async def test_danger_is_taught_by_its_gravest_kind_and_no_wish(line: Line, people: Any) -> None:
    risks = (Category.STALKING_ESCALATION.value, Category.STRANGULATION.value)
    accept(line, await settled(line, people, risks=risks), people[0])
    row = line.row(example)
    assert (row.intent, row.category) == (None, "strangulation")


async def test_accepting_twice_is_one_example(line: Line, people: Any) -> None:
    inbox_id = await settled(line, people)
    assert accept(line, inbox_id, people[0]) == accept(line, inbox_id, people[1], "other words")
    assert len(line.rows(example)) == 1 and len(line.rows(audit, act="example_accepted")) == 1


async def test_nothing_is_taught_of_what_is_not_settled_or_is_nothing_to_teach(
    line: Line, people: Any
) -> None:
    with pytest.raises(ItemNotFound):
        accept(line, 4711, people[0])
    risks = (Category.STRANGULATION.value,)
    open_ = await settled(line, people, by_both=False, risks=risks)
    with pytest.raises(NotSettled):
        accept(line, open_, people[0])
    unclear = await settled(line, people, intent="unclear")
    with pytest.raises(NothingToTeach):
        accept(line, unclear, people[0])
    assert line.rows(example) == []


@pytest.mark.parametrize("flag", sorted({TrainingFlag.EXCLUDED, TrainingFlag.WITHDRAWN}))
async def test_nothing_is_taught_of_what_may_not_teach(line: Line, people: Any, flag: TrainingFlag) -> None:
    inbox_id = await settled(line, people)
    of = line.row(inbox, id=inbox_id).conversation_id
    line.database.write_now(lambda tx: consents.flag(tx, of, None, flag, why="asked", by="victim"))
    with pytest.raises((ItemNotFound, NotUsable)):
        accept(line, inbox_id, people[0])
    assert line.rows(example) == []


async def test_a_withdrawal_takes_the_example_and_its_words(line: Line, people: Any) -> None:
    inbox_id = await settled(line, people)
    example_id = accept(line, inbox_id, people[0])
    of = line.row(inbox, id=inbox_id).conversation_id
    line.database.write_now(
        lambda tx: consents.flag(tx, of, None, TrainingFlag.WITHDRAWN, why="asked", by="victim")
    )
    with pytest.raises(ExampleNotFound):
        line.database.read_now(lambda tx: examples.get(tx, example_id))
    with pytest.raises((NotUsable, ExampleStale)):
        change(line, example_id, people[0], text="other words altogether")


async def test_a_conversation_is_on_one_side_and_about_one_in_five_is_tested_with(line: Line) -> None:
    sides = [examples.find_side(f"{number:032x}") for number in range(2000)]
    assert 320 < sides.count("test") < 480
    assert sides == [examples.find_side(f"{number:032x}") for number in range(2000)]


async def test_a_test_row_needs_two_people(line: Line, people: Any) -> None:
    inbox_id = await settled(line, people, by_both=False)
    # Settled by one, as nothing else asks for a second, and put on the other side since.
    set_side(line, inbox_id, "train")
    settle_by_one(line, inbox_id)
    set_side(line, inbox_id, "test")
    with pytest.raises(SecondPersonNeeded):
        accept(line, inbox_id, people[0])
    both = await settled(line, people, side="test")
    accept(line, both, people[0])
    assert line.row(example).side == "test"


def settle_by_one(line: Line, inbox_id: int) -> None:
    line.database.write_now(lambda tx: tx.reviews.settle(inbox_id, intent="ask_status", sub=None, risks=()))


RESTRICTED = "he made me do it again on sunday night while the kids were next door"
REWORDED = "it was forced on me at the weekend, the children in the other room"


async def test_of_restricted_matter_only_own_words_are_taught(line: Line, people: Any) -> None:
    risks = (Category.SEXUAL_VIOLENCE_RECENT.value,)
    inbox_id = await settled(line, people, RESTRICTED, risks=risks)
    with pytest.raises(OwnWordingNeeded):
        accept(line, inbox_id, people[0])
    with pytest.raises(OwnWordingNeeded):
        accept(line, inbox_id, people[0], RESTRICTED)
    with pytest.raises(TextRefused) as refused:
        accept(line, inbox_id, people[0], "he did it on sunday night while the kids slept")
    assert refused.value.codes == ("copied",)
    accept(line, inbox_id, people[0], REWORDED)
    row = line.row(example)
    assert (row.text, row.is_reworded) == (REWORDED, True)


async def test_by_somebodys_wish_only_own_words_are_taught(line: Line, people: Any) -> None:
    inbox_id = await settled(line, people)
    of = line.row(inbox, id=inbox_id).conversation_id
    line.database.write_now(
        lambda tx: consents.flag(tx, of, None, TrainingFlag.RESTRICTED, why="asked", by="victim")
    )
    with pytest.raises(OwnWordingNeeded):
        accept(line, inbox_id, people[0])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/ask_status", "command"),
        ("what about ${DB_URL}", "variable"),
        ("see [me](person)", "entity"),
        ("x" * 601, "too_long"),
    ],
)
async def test_words_the_assistant_must_not_be_taught_are_refused(
    line: Line, people: Any, text: str, code: str
) -> None:
    inbox_id = await settled(line, people)
    with pytest.raises(TextRefused) as refused:
        accept(line, inbox_id, people[0], text)
    assert code in refused.value.codes
    assert line.rows(example) == []


async def test_own_words_are_masked_too(line: Line, people: Any) -> None:
    inbox_id = await settled(line, people)
    accept(line, inbox_id, people[0], "ring 07700 900123 about the court day please")
    assert "900123" not in line.row(example).text


async def test_marked_spans_are_taught_only_of_the_very_text_they_were_marked_in(
    line: Line, people: Any
) -> None:
    spans = [[10, 13, "date"]]
    for sha in ("", "f" * 16):
        inbox_id = await say(line, "it was in may")
        put(line, inbox_id)
        set_side(line, inbox_id, "train")
        right = line.database.read_now(lambda tx, i=inbox_id: mask_message(tx, i, masker=MASKER).sha)
        for by in people:
            decide(line, inbox_id, by, spans=((10, 13, "date"),), text_sha=sha or right)
        example_id = accept(line, inbox_id, people[0])
        assert line.row(example, id=example_id).spans == ([] if sha else spans)


# --- changing and removing ---


async def test_who_changes_what_somebody_changed_since_is_told(line: Line, people: Any) -> None:
    example_id = accept(line, await settled(line, people), people[0])
    assert change(line, example_id, people[0], intent="ask_court") == 2
    with pytest.raises(ExampleStale):
        change(line, example_id, people[1], intent="ask_rights")
    row = line.row(example)
    assert (row.intent, row.category, row.row_version) == ("ask_court", None, 2)
    assert [each.what for each in line.rows(example_change)][1:] == [
        {"intent": "ask_court", "category": None, "reworded": False}
    ]
    assert len(line.rows(audit, act="example_changed")) == 1


async def test_what_is_taught_no_more_cannot_be_changed(line: Line, people: Any) -> None:
    example_id = accept(line, await settled(line, people), people[0])
    line.database.write_now(lambda tx: examples.remove(tx, example_id, by=people[0]))
    with pytest.raises(ExampleStale):
        change(line, example_id, people[0], row_version=2, intent="ask_rights")


async def test_a_change_of_words_is_checked_as_at_first(line: Line, people: Any) -> None:
    example_id = accept(line, await settled(line, people), people[0])
    with pytest.raises(TextRefused):
        change(line, example_id, people[0], text="/restart")
    change(line, example_id, people[0], text="ring me on 07700 900123 about court")
    row = line.row(example)
    assert "900123" not in row.text and row.is_reworded
    assert "court" not in repr([each.what for each in line.rows(example_change)])


async def test_a_danger_that_is_restricted_cannot_be_put_on_words_as_they_stand(
    line: Line, people: Any
) -> None:
    example_id = accept(line, await settled(line, people), people[0])
    with pytest.raises(OwnWordingNeeded):
        change(line, example_id, people[0], category="sexual_violence_recent")
    with pytest.raises(NothingToTeach):
        change(line, example_id, people[0], category="danger")
    with pytest.raises(NothingToTeach):
        change(line, example_id, people[0], intent="unclear")


async def test_what_is_tested_with_is_frozen_once_written_and_can_be_removed(line: Line, people: Any) -> None:
    example_id = accept(line, await settled(line, people, side="test"), people[0])
    change(line, example_id, people[0], intent="ask_court")
    line.database.write_now(lambda tx: tx.examples.mark_written([example_id], version=1))
    with pytest.raises(ExampleFrozen):
        change(line, example_id, people[0], row_version=2, intent="ask_rights")
    assert line.database.write_now(lambda tx: examples.remove(tx, example_id, by=people[0]))
    assert not line.database.write_now(lambda tx: examples.remove(tx, example_id, by=people[0]))
    assert line.row(example).status == "removed"
    assert len(line.rows(audit, act="example_removed")) == 1


async def test_rows_go_into_the_data_and_out_of_it_by_version(line: Line, people: Any) -> None:
    first = accept(line, await settled(line, people), people[0])
    second = accept(line, await settled(line, people, "is he on bail then"), people[0])

    def write(tx: Any) -> None:
        tx.examples.mark_written([first, second], version=1)
        tx.examples.record_version(1, by="toni", added=2, changed=0, removed=0, sha256="0" * 64)

    line.database.write_now(write)
    read = line.database.read_now
    assert [each.id for each in read(lambda tx: tx.examples.list_in_data("train"))] == sorted([first, second])
    assert read(lambda tx: tx.examples.list_to_drop()) == []
    line.database.write_now(lambda tx: examples.remove(tx, first, by=people[0]))
    assert [each.id for each in read(lambda tx: tx.examples.list_to_drop())] == [first]
    line.database.write_now(lambda tx: tx.examples.mark_dropped([first], version=2))
    assert read(lambda tx: tx.examples.list_to_drop()) == []
    row = line.row(example, id=first)
    assert (row.in_data_since, row.in_data_until) == (1, 2)
    assert read(lambda tx: tx.examples.find_newest_version()) == 1


async def test_pages_of_examples_go_newest_first(line: Line, people: Any) -> None:
    ids = [accept(line, await settled(line, people, f"is he on bail {n}"), people[0]) for n in range(5)]
    first = line.database.read_now(lambda tx: examples.list_page(tx, limit=3))
    assert [each.id for each in first.rows] == sorted(ids, reverse=True)[:3]
    rest = line.database.read_now(lambda tx: examples.list_page(tx, after=first.next, limit=3))
    assert ([each.id for each in rest.rows], rest.next) == (sorted(ids, reverse=True)[3:], None)
    assert line.database.read_now(lambda tx: examples.list_page(tx, side="test")).rows == ()
