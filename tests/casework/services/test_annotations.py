"""Labels: each blind to the other's, two where it matters, a third where two differ, and presses taken back.

Red when, each tried once: `find_for` gives others' labels before one's own, `_may_adjudicate` lets one of both decide,
`record` inserts without a conflict clause, `undo` forgets who pressed it or the last ten or what was written,
`resettle` leaves the desk's suggestions alone, or `_pairs` counts a label given after reading the other's.
"""

import hashlib
from dataclasses import fields
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.conversation_tables import label_suggestion
from casework.adapters.storage.tables import audit, inbox
from casework.adapters.storage.workbench_tables import annotation, example, review_item
from casework.model.annotations import ItemStatus, Judgement, Label, is_drawn
from casework.model.desk import Outcome
from casework.model.disclosures import Category
from casework.model.errors import AnnotationNotFound
from casework.model.review_queues import Queue
from casework.services import annotations, examples, review_steps
from casework.services.annotations import (
    AlreadyLabelled,
    LabelUnfit,
    NotTheThird,
    Settled,
    TooLateToUndo,
)
from casework.services.conversation_ports import WasUrgent
from casework.services.ports import StaffMember
from casework.services.review_findings import Finding
from casework.services.review_inbox import ItemNotFound
from tests.casework.services.reviewing import (
    MASKER,
    an_answer_of,
    close_as,
    decide,
    make_line,
    make_quiet,
    put,
    queue_of,
    say,
)
from tests.support.clock import SetClock
from tests.support.line import Line

DANGER = (Category.STRANGULATION.value,)
OTHER_DANGER = (Category.MODERN_SLAVERY.value,)


@pytest.fixture
def line(database_url: str, clock: SetClock) -> Any:
    made = make_line(database_url, clock)
    yield made
    made.database.close()


@pytest.fixture
def people(line: Line) -> tuple[StaffMember, StaffMember, StaffMember]:
    toni, jo, kit = (line.add_staff(login) for login in ("toni", "jo", "kit"))
    return toni, jo, kit


async def an_item(line: Line, queue: Queue = Queue.UNSURE, *, side: str = "train", **values: Any) -> int:
    """A quiet message in a queue that one person may settle, if they find it calm: none drawn for a second."""
    number = 0
    while not number or is_drawn(f"second:{number}", 10):
        number = await say(line, "so he came round again", **values)
        line.clock.advance(seconds=1)
    put(line, number, queue)
    set_side(line, number, side)
    make_quiet(line)
    return number


def set_side(line: Line, inbox_id: int, side: str) -> None:
    changed = sa.update(review_item).where(review_item.c.inbox_id == inbox_id).values(side=side)
    line.database.write_now(lambda tx: tx.connection.execute(changed))


def find_for(line: Line, inbox_id: int, by: StaffMember) -> annotations.LabelsSeen:
    return line.database.read_now(lambda tx: annotations.find_for(tx, inbox_id, by=by))


def undo(line: Line, annotation_id: str, by: StaffMember) -> Settled:
    return line.database.write_now(lambda tx: annotations.undo(tx, annotation_id, by=by))


# --- settling ---


async def test_one_calm_label_settles_calm_matter_and_danger_needs_a_second(line: Line, people: Any) -> None:
    toni, _, _ = people
    calm, risky = await an_item(line), await an_item(line)
    assert decide(line, calm, toni).status is ItemStatus.SETTLED
    assert decide(line, risky, toni, risks=DANGER).status is ItemStatus.NEEDS_SECOND
    row = line.row(review_item, inbox_id=calm)
    assert (row.intent, row.risks, row.settled_at is not None) == ("ask_status", [], True)
    assert [each.act for each in line.rows(audit) if each.act.startswith("item_")] == ["item_labelled"] * 2


@pytest.mark.parametrize(
    ("queue", "side", "status"),
    [
        (Queue.NOT_UNDERSTOOD, "train", ItemStatus.SETTLED),
        (Queue.POSSIBLE_MISSES, "train", ItemStatus.NEEDS_SECOND),
        (Queue.UNSURE, "test", ItemStatus.NEEDS_SECOND),
    ],
)
async def test_where_it_stands_and_which_side_it_is_on_may_ask_for_a_second(
    line: Line, people: Any, queue: Queue, side: str, status: ItemStatus
) -> None:
    inbox_id = await an_item(line, queue, side=side)
    assert decide(line, inbox_id, people[0]).status is status


async def test_two_that_agree_settle_it_and_two_that_differ_need_a_third(line: Line, people: Any) -> None:
    toni, jo, _ = people
    same, differ = await an_item(line), await an_item(line)
    for inbox_id in (same, differ):
        decide(line, inbox_id, toni, risks=DANGER)
    assert decide(line, same, jo, risks=DANGER).label == Label(risks=DANGER)
    assert decide(line, differ, jo, risks=OTHER_DANGER).status is ItemStatus.NEEDS_THIRD


async def test_a_third_decides_for_good_and_is_neither_of_the_two(line: Line, people: Any) -> None:
    toni, jo, kit = people
    inbox_id = await an_item(line)
    decide(line, inbox_id, toni, risks=DANGER)
    with pytest.raises(NotTheThird):
        decide(line, inbox_id, kit, kind="adjudication", risks=DANGER)
    decide(line, inbox_id, jo, risks=OTHER_DANGER)
    for one_of_both in (toni, jo):
        with pytest.raises(NotTheThird):
            decide(line, inbox_id, one_of_both, kind="adjudication", risks=DANGER)
    settled = decide(line, inbox_id, kit, kind="adjudication", risks=OTHER_DANGER)
    assert (settled.status, settled.label) == (ItemStatus.SETTLED, Label(risks=OTHER_DANGER))
    assert line.rows(audit, act="item_adjudicated")
    with pytest.raises(NotTheThird):
        decide(line, inbox_id, line.add_staff("ash"), kind="adjudication", risks=DANGER)


async def test_another_queue_asks_a_second_person_about_what_one_had_settled(line: Line, people: Any) -> None:
    toni, jo, _ = people
    inbox_id = await an_item(line)
    decide(line, inbox_id, toni)
    finding = Finding(inbox_id=inbox_id, queue=Queue.POSSIBLE_MISSES, why="handled_as_urgent", harm=1)
    line.database.write_now(lambda tx: review_steps.note(tx, [finding]))
    assert [row.status for row in queue_of(line, Queue.POSSIBLE_MISSES)] == ["needs_second"]
    decide(line, inbox_id, jo)
    line.database.write_now(lambda tx: review_steps.note(tx, [finding]))
    assert queue_of(line, Queue.POSSIBLE_MISSES) == []


# --- a form sent twice, and labels that are none ---


async def test_the_same_form_twice_is_one_press_and_says_the_same(line: Line, people: Any) -> None:
    inbox_id = await an_item(line)
    first = decide(line, inbox_id, people[0], form_id="f1")
    again = decide(line, inbox_id, people[0], form_id="f1", risks=DANGER)
    assert (again.annotation_id, again.status, again.is_new) == (first.annotation_id, first.status, False)
    assert len(line.rows(annotation)) == 1 and len(line.rows(audit, act="item_labelled")) == 1
    other = await an_item(line)
    with pytest.raises(LabelUnfit):
        decide(line, other, people[0], form_id="f1")
    with pytest.raises(LabelUnfit):
        decide(line, inbox_id, people[1], form_id="f1")


async def test_a_person_labels_a_message_once(line: Line, people: Any) -> None:
    inbox_id = await an_item(line)
    decide(line, inbox_id, people[0], risks=DANGER)
    with pytest.raises(AlreadyLabelled):
        decide(line, inbox_id, people[0], risks=OTHER_DANGER)
    assert len(line.rows(annotation)) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"act": "thought"},
        {"intent": "ask_nothing_we_know"},
        {"intent": None},
        {"kind": "judgement", "judgement": "nice"},
        {"kind": "opinion"},
        {"risks": ("danger",)},
        {"risks": DANGER, "intent": "ask_status"},
        {"risks": DANGER * 2},
        {"spans": ((3, 3, "personal"),), "text_sha": "x"},
        {"spans": ((3, 5, "personal"),)},
        {"form_id": ""},
        {"form_id": "f" * 33},
        {"sub": "s" * 65},
    ],
)
async def test_what_is_no_label_of_ours_is_refused(line: Line, people: Any, values: dict[str, Any]) -> None:
    inbox_id = await an_item(line)
    with pytest.raises(LabelUnfit):
        decide(line, inbox_id, people[0], **values)
    assert line.rows(annotation) == []


async def test_a_message_nobody_put_there_cannot_be_labelled(line: Line, people: Any) -> None:
    with pytest.raises(ItemNotFound):
        decide(line, 4711, people[0])


async def test_the_step_is_judged_beside_the_label(line: Line, people: Any) -> None:
    toni, jo, _ = people
    inbox_id = await an_item(line)
    decide(line, inbox_id, toni, risks=DANGER)
    decide(line, inbox_id, toni, kind="judgement", judgement="should_hand_over", intent=None)
    seen = find_for(line, inbox_id, toni)
    assert (seen.own, seen.own_judgement) == (Label(risks=DANGER), Judgement.SHOULD_HAND_OVER)
    # What one thinks of the step says nothing of the other's label.
    decide(line, inbox_id, jo, kind="judgement", judgement="good", intent=None)
    assert find_for(line, inbox_id, jo).others == ()


async def test_flagged_by_two_nobody_else_is_asked(line: Line, people: Any) -> None:
    inbox_id = await an_item(line)
    assert decide(line, inbox_id, people[0], act="flagged").status is ItemStatus.OPEN
    assert decide(line, inbox_id, people[1], act="skipped").status is ItemStatus.OPEN
    assert decide(line, inbox_id, people[1], act="flagged").status is ItemStatus.SKIPPED
    assert queue_of(line, Queue.UNSURE) == []
    acts = [each.act for each in line.rows(audit) if each.act.startswith("item_")]
    assert acts == ["item_flagged", "item_skipped", "item_flagged"]


# --- blind ---


async def test_nobody_reads_anothers_label_before_their_own(line: Line, people: Any) -> None:
    toni, jo, kit = people
    inbox_id = await an_item(line)
    decide(line, inbox_id, toni, risks=DANGER)
    for by in (jo, kit):
        seen = find_for(line, inbox_id, by)
        assert (seen.own, seen.others, seen.may_adjudicate) == (None, (), False)
        assert "strangulation" not in repr([getattr(seen, each.name) for each in fields(seen)])
    decide(line, inbox_id, jo, act="skipped")
    assert find_for(line, inbox_id, jo).others == ()
    decide(line, inbox_id, jo, risks=OTHER_DANGER)
    assert find_for(line, inbox_id, jo).others == (Label(risks=DANGER),)
    third = find_for(line, inbox_id, kit)
    assert (third.others, third.may_adjudicate) == ((Label(risks=DANGER), Label(risks=OTHER_DANGER)), True)
    names = {person.id for person in people} | {person.display_name for person in people}
    assert not any(name in repr(third) for name in names)


async def test_who_took_their_label_back_sees_nobodys_again(line: Line, people: Any) -> None:
    toni, jo, _ = people
    inbox_id = await an_item(line)
    decide(line, inbox_id, toni, risks=DANGER)
    press = decide(line, inbox_id, jo, risks=OTHER_DANGER)
    undo(line, press.annotation_id, jo)
    assert find_for(line, inbox_id, jo).others == ()


async def test_a_label_given_after_reading_the_others_counts_for_no_agreement(
    line: Line, people: Any
) -> None:
    toni, jo, _ = people
    read, blind = await an_item(line), await an_item(line)
    for inbox_id in (read, blind):
        decide(line, inbox_id, toni, risks=DANGER)
    press = decide(line, read, jo, risks=OTHER_DANGER)
    undo(line, press.annotation_id, jo)
    decide(line, read, jo, risks=DANGER)
    decide(line, blind, jo, risks=DANGER)
    [pair] = line.database.read_now(annotations.list_pairs)
    assert (pair.inbox_id, pair.first, pair.second) == (blind, Label(risks=DANGER), Label(risks=DANGER))
    assert [each.name for each in fields(pair)] == ["inbox_id", "first", "second"]


async def test_the_wish_is_suggested_to_nine_in_ten_and_never_where_it_is_shown_blind(
    line: Line, people: Any
) -> None:
    toni = people[0]
    shown, hidden = 0, 0
    for _ in range(30):
        inbox_id = await say(line, "so he came round again")
        put(line, inbox_id)
        got = line.database.read_now(lambda tx, i=inbox_id: annotations.find_suggestion(tx, i, by=toni))
        if is_drawn(f"blind:{inbox_id}:{toni.id}", 10):
            hidden += got is None
        else:
            assert got == annotations.Suggestion(intent="ask_status", confidence=0.99)
            shown += 1
            put(line, inbox_id, Queue.SAMPLE)
            again = line.database.read_now(lambda tx, i=inbox_id: annotations.find_suggestion(tx, i, by=toni))
            assert again is None
    assert shown > 15 and shown + hidden == 30


# --- taking back ---


async def test_a_press_taken_back_puts_the_item_where_it_was(line: Line, people: Any) -> None:
    toni, jo, _ = people
    inbox_id = await an_item(line)
    decide(line, inbox_id, toni, risks=DANGER)
    press = decide(line, inbox_id, jo, risks=DANGER)
    assert queue_of(line, Queue.UNSURE) == []
    assert undo(line, press.annotation_id, jo).status is ItemStatus.NEEDS_SECOND
    assert [row.inbox_id for row in queue_of(line, Queue.UNSURE)] == [inbox_id]
    assert line.row(review_item, inbox_id=inbox_id).risks == []
    assert len(line.rows(audit, act="label_undone")) == 1
    decide(line, inbox_id, jo, risks=OTHER_DANGER)


async def test_only_ones_own_of_the_last_ten_and_once(line: Line, people: Any) -> None:
    toni, jo, _ = people
    numbers = [await an_item(line) for _ in range(3)]
    presses = [decide(line, each, toni, act="skipped").annotation_id for each in numbers]
    with pytest.raises(TooLateToUndo):
        undo(line, presses[0], jo)
    undo(line, presses[0], toni)
    with pytest.raises(TooLateToUndo):
        undo(line, presses[0], toni)
    for _ in range(9):
        decide(line, numbers[2], toni, act="skipped")
    last = line.database.read_now(lambda tx: annotations.list_last(tx, by=toni))
    assert len(last) == 10 and presses[2] in [each.id for each in last]
    with pytest.raises(TooLateToUndo):
        undo(line, presses[1], toni)
    with pytest.raises(AnnotationNotFound):
        undo(line, "nothing", toni)


async def test_what_a_third_decided_on_stands(line: Line, people: Any) -> None:
    toni, jo, kit = people
    inbox_id = await an_item(line)
    press = decide(line, inbox_id, toni, risks=DANGER)
    decide(line, inbox_id, jo, risks=OTHER_DANGER)
    third = decide(line, inbox_id, kit, kind="adjudication", risks=DANGER)
    with pytest.raises(TooLateToUndo):
        undo(line, press.annotation_id, toni)
    assert undo(line, third.annotation_id, kit).status is ItemStatus.NEEDS_THIRD
    assert undo(line, press.annotation_id, toni).status is ItemStatus.NEEDS_SECOND


@pytest.mark.parametrize("is_written", [False, True])
async def test_an_example_goes_with_its_label_unless_it_was_written(
    line: Line, people: Any, is_written: bool
) -> None:
    toni = people[0]
    inbox_id = await an_item(line)
    press = decide(line, inbox_id, toni)
    example_id = line.database.write_now(
        lambda tx: examples.accept(tx, inbox_id, text=None, by=toni, masker=MASKER)
    )
    if not is_written:
        undo(line, press.annotation_id, toni)
        assert line.row(example, id=example_id).status == "removed"
        assert line.rows(audit, act="example_removed")
        return
    line.database.write_now(lambda tx: tx.examples.mark_written([example_id], version=1))
    with pytest.raises(TooLateToUndo):
        undo(line, press.annotation_id, toni)
    assert line.row(example, id=example_id).status == "accepted"


# --- what desks suggested ---


@pytest.mark.parametrize(
    ("judged", "label", "status"),
    [
        ({"was_urgent": WasUrgent.YES}, {"risks": DANGER}, "accepted"),
        ({"was_urgent": WasUrgent.NO}, {"risks": DANGER}, "refused"),
        ({"about": "case_question"}, {}, "accepted"),
        ({"about": "strangulation"}, {"risks": DANGER}, "accepted"),
        ({"about": "strangulation"}, {"risks": OTHER_DANGER}, "refused"),
        ({"about": "strangulation", "was_urgent": WasUrgent.SOONER}, {}, "refused"),
    ],
)
async def test_what_a_desk_suggested_is_accepted_or_refused_when_it_settles(
    line: Line, people: Any, judged: dict[str, Any], label: dict[str, Any], status: str
) -> None:
    toni, jo, _ = people
    inbox_id = await an_item(line)
    close_as(line, inbox_id, Outcome.SIGNPOSTED, line.add_staff("rowan"), **judged)
    set_side(line, inbox_id, "test")
    decide(line, inbox_id, toni, **label)

    def stands() -> set[str]:
        return {row.status for row in line.rows(label_suggestion, inbox_id=inbox_id)}

    assert stands() == {"suggested"}
    press = decide(line, inbox_id, jo, **label)
    assert stands() == {status}
    undo(line, press.annotation_id, jo)
    assert stands() == {"suggested"}


# --- what the bar says ---


async def test_a_session_is_since_the_last_pause_and_proposes_a_rest(line: Line, people: Any) -> None:
    toni = people[0]

    def session() -> annotations.Session:
        return line.database.read_now(lambda tx: annotations.find_session(tx, by=toni))

    assert session() == annotations.Session(
        labels=0, minutes=0, both=0, agreed=None, graphic=0, is_rest_due=False
    )
    first = await an_item(line)
    decide(line, first, toni)
    line.clock.advance(minutes=21)
    numbers = [await say(line, f"again {each}", answer=an_answer_of()) for each in range(10)]
    for each in numbers:
        put(line, each)
        decide(line, each, toni, risks=DANGER)
        line.clock.advance(minutes=1)
        if each == numbers[8]:
            assert (session().labels, session().graphic, session().is_rest_due) == (9, 9, False)
    assert (session().labels, session().minutes, session().is_rest_due) == (10, 10, True)


async def test_agreement_is_told_from_ten_messages_on(line: Line, people: Any) -> None:
    toni, jo, kit = people

    def told(by: StaffMember) -> tuple[int, int | None]:
        session = line.database.read_now(lambda tx: annotations.find_session(tx, by=by))
        return session.both, session.agreed

    for number in range(10):
        inbox_id = await say(line, f"again {number}")
        put(line, inbox_id)
        decide(line, inbox_id, toni, risks=DANGER)
        decide(line, inbox_id, jo, risks=DANGER if number else OTHER_DANGER)
        if number == 8:
            assert told(toni) == (9, None)
    assert told(toni) == told(jo) == (10, 9)
    assert told(kit) == (0, None)
    assert len(line.database.read_now(annotations.list_pairs)) == 10
    line.clock.advance(days=91)
    assert line.database.read_now(annotations.list_pairs) == []


def test_the_text_a_span_is_of_is_named_and_never_kept() -> None:
    assert "text" not in annotation.c and "text_sha" in annotation.c
    assert annotation.c.text_sha.type.length == len(hashlib.sha256(b"").hexdigest()) // 4
    assert "text" in inbox.c
