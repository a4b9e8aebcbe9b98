"""Testers' messages are labelled blind, by two where it matters, and taught masked. Over both databases.

Red when, each tried once: `find_item` gives others' labels before one's own; `accept` takes the words as they stand;
`_settle` asks for one label where there is danger; `undo` leaves the example.
"""

import secrets
from typing import Any

import pytest

from casework.adapters.storage.model_tables import guest_message
from casework.adapters.storage.tables import audit
from casework.adapters.storage.workbench_tables import data_version, example
from casework.model.annotations import AnnotationKind, ItemStatus, Label, is_drawn
from casework.model.disclosures import Band, Category
from casework.model.tokens import hash_token
from casework.services import examples, guest_labels, variants
from casework.services.annotations import AlreadyLabelled, LabelUnfit, NotTheThird, TooLateToUndo
from casework.services.example_words import OwnWordingNeeded, TextRefused
from casework.services.examples import TEST, TRAIN, NotSettled, SecondPersonNeeded, find_side
from casework.services.guest_labels import GuestItem
from casework.services.guest_ports import NewGuestMessage
from casework.services.ports import StaffMember
from casework.services.review_inbox import ItemNotFound, list_guest_page
from tests.casework.services.reviewing import MASKER, make_line
from tests.support.clock import SetClock
from tests.support.guests import make_guest_link
from tests.support.line import Line

TOKEN = "a token"
TEXT = "ring me on 07700 900123 when is it in court"
STATUS, COURT = Label(intent="ask_status"), Label(intent="ask_court")
DANGER = Label(risks=("immediate_danger",))


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Any:
    made = make_line(database_url, clock)
    make_guest_link(made.database, TOKEN)
    yield made
    made.database.close()


@pytest.fixture
def people(line: Line) -> tuple[StaffMember, StaffMember, StaffMember]:
    return line.add_staff("toni"), line.add_staff("jo"), line.add_staff("kit")


def write(line: Line, text: str = TEXT, *, side: str = TRAIN, band: Band = Band.GREEN) -> int:
    """A tester's message of a visit on that side, that one person may settle where it is calm; its number."""
    visit = next(f"{number:032x}" for number in range(1000) if find_side(f"guest-{number:032x}") == side)
    while True:
        written = NewGuestMessage(text=text, state=None, responses=(), said=(), band=band, tier=None)
        number = line.database.write_now(lambda tx: tx.guests.record(hash_token(TOKEN), visit, written))
        if not is_drawn(f"second:{number}", 10):
            return number


def label(line: Line, number: int, chosen: Label, by: StaffMember, **values: Any) -> ItemStatus:
    given: dict[str, Any] = {"kind": AnnotationKind.LABEL, "form_id": secrets.token_hex(16)} | values
    return line.database.write_now(lambda tx: guest_labels.label(tx, number, chosen, by=by, **given))


def see(line: Line, number: int, by: StaffMember) -> GuestItem:
    return line.database.read_now(lambda tx: guest_labels.find_item(tx, number, by=by))


def accept(line: Line, number: int, by: StaffMember, text: str | None = None) -> str:
    return line.database.write_now(
        lambda tx: guest_labels.accept(tx, number, text=text, by=by, masker=MASKER)
    )


def waiting(line: Line) -> list[int]:
    return [row.id for row in line.database.read_now(list_guest_page).rows]


def test_what_is_calm_is_settled_by_one_and_taught_masked(line: Line, people: Any) -> None:
    toni, _, _ = people
    number = write(line)

    assert label(line, number, COURT, toni) is ItemStatus.SETTLED
    assert number not in waiting(line)
    example_id = accept(line, number, toni)
    assert accept(line, number, toni) == example_id

    row = line.row(example, id=example_id)
    assert (row.intent, row.category, row.side, row.guest_message_id) == ("ask_court", None, TRAIN, number)
    assert (row.inbox_id, row.conversation_id) == (None, None)
    assert "900123" not in row.text and "when is it in court" in row.text
    assert row.scenario.startswith("wb_") and len(row.scenario) == 15
    acts = [(each.act, each.conversation_id) for each in line.rows(audit) if each.actor == toni.id]
    assert acts == [("guest_message_labelled", None), ("example_accepted", None)]


@pytest.mark.parametrize(
    ("chosen", "band", "side"),
    [(DANGER, Band.GREEN, TRAIN), (STATUS, Band.AMBER, TRAIN), (STATUS, Band.GREEN, TEST)],
)
def test_two_look_where_it_matters_and_neither_sees_the_others_label_first(
    line: Line, people: Any, chosen: Label, band: Band, side: str
) -> None:
    toni, jo, _ = people
    number = write(line, band=band, side=side)

    assert label(line, number, chosen, toni) is ItemStatus.NEEDS_SECOND
    assert number in waiting(line)
    seen = see(line, number, jo)
    assert (seen.own, seen.others, seen.settled, seen.example) == (None, (), None, None)
    with pytest.raises(NotSettled):
        accept(line, number, toni)
    assert label(line, number, chosen, jo) is ItemStatus.SETTLED

    assert see(line, number, jo).others == (chosen,)
    row = line.row(example, id=accept(line, number, jo))
    assert row.side == side


def test_where_two_differ_a_third_decides_and_nobody_else(line: Line, people: Any) -> None:
    toni, jo, kit = people
    number = write(line)
    label(line, number, DANGER, toni)
    assert label(line, number, STATUS, jo) is ItemStatus.NEEDS_THIRD

    with pytest.raises(NotTheThird):
        label(line, number, DANGER, jo, kind=AnnotationKind.ADJUDICATION)
    seen = see(line, number, kit)
    assert seen.may_adjudicate and seen.others == (DANGER, STATUS)
    assert label(line, number, DANGER, kit, kind=AnnotationKind.ADJUDICATION) is ItemStatus.SETTLED

    assert line.row(example, id=accept(line, number, kit)).category == "immediate_danger"
    with pytest.raises(TooLateToUndo):
        line.database.write_now(lambda tx: guest_labels.undo(tx, number, by=toni))


def test_the_same_form_twice_is_one_label_and_a_second_label_is_refused(line: Line, people: Any) -> None:
    toni, jo, _ = people
    number, form_id = write(line), secrets.token_hex(16)

    for _ in range(2):
        assert label(line, number, STATUS, toni, form_id=form_id) is ItemStatus.SETTLED
    with pytest.raises(AlreadyLabelled):
        label(line, number, COURT, toni)
    with pytest.raises(LabelUnfit):
        label(line, number, COURT, jo, form_id=form_id)
    for wrong in (Label(), Label(risks=("dragons",)), Label(risks=("immediate_danger",), intent="ask_court")):
        with pytest.raises(LabelUnfit):
            label(line, number, wrong, jo)
    with pytest.raises(ItemNotFound):
        label(line, 987654, STATUS, toni)


def test_undo_brings_it_back_and_takes_what_was_taught_with_its_variants(line: Line, people: Any) -> None:
    toni, _, _ = people
    number = write(line)
    label(line, number, COURT, toni)
    example_id = accept(line, number, toni)
    line.database.write_now(
        lambda tx: variants.add(tx, example_id, "has a judge got a day for us", by=toni, masker=MASKER)
    )

    line.database.write_now(lambda tx: guest_labels.undo(tx, number, by=toni))

    assert {row.status for row in line.rows(example)} == {"removed"}
    assert number in waiting(line) and line.row(guest_message, id=number).handled_at is None
    assert label(line, number, STATUS, toni) is ItemStatus.SETTLED


def test_what_was_written_into_the_data_is_not_undone(line: Line, people: Any) -> None:
    toni, _, _ = people
    number = write(line)
    label(line, number, COURT, toni)
    example_id = accept(line, number, toni)
    line.database.write_now(lambda tx: tx.examples.mark_written([example_id], version=1))

    with pytest.raises(TooLateToUndo):
        line.database.write_now(lambda tx: guest_labels.undo(tx, number, by=toni))
    assert line.rows(data_version) == []
    assert line.row(example, id=example_id).status == "accepted"


def test_of_grave_crimes_own_words_alone_are_taught_and_none_that_copy(line: Line, people: Any) -> None:
    toni, jo, _ = people
    number = write(line, "he did that to me again last night and i cant stop shaking")
    hurt = Label(risks=(Category.SEXUAL_VIOLENCE_RECENT.value,))
    label(line, number, hurt, toni)
    label(line, number, hurt, jo)

    with pytest.raises(OwnWordingNeeded):
        accept(line, number, toni)
    for words in ("he did that to me again", "/command"):
        with pytest.raises(TextRefused):
            accept(line, number, toni, words)
    example_id = accept(line, number, toni, "yesterday evening he forced me, my phone is 07700 900456")

    row = line.row(example, id=example_id)
    assert row.is_reworded and "900456" not in row.text


def test_what_is_tested_with_needs_two_people_whatever_was_undone(line: Line, people: Any) -> None:
    toni, jo, _ = people
    number = write(line, side=TEST)
    label(line, number, STATUS, toni)
    label(line, number, STATUS, jo)
    line.database.write_now(lambda tx: guest_labels.undo(tx, number, by=jo))

    with pytest.raises((NotSettled, SecondPersonNeeded)):
        accept(line, number, toni)


def test_other_words_for_it_are_masked_too(line: Line, people: Any) -> None:
    """Red when: `word_alone` takes the words of an example without a conversation as they stand."""
    toni, _, _ = people
    number = write(line)
    label(line, number, COURT, toni)
    example_id = accept(line, number, toni)

    line.database.write_now(
        lambda tx: examples.change(
            tx, example_id, row_version=1, by=toni, masker=MASKER, text="call 07700 900456 about the hearing"
        )
    )

    row = line.row(example, id=example_id)
    assert "900456" not in row.text and "about the hearing" in row.text
