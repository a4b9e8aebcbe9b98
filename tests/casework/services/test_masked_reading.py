"""What a person wrote, and what was said around it, is masked with what is known of every case they have to do with.

Red when, each tried once: an ended proof no longer counts, the person's other cases are left out, or the case that a
typed reference names; the names of staff are no values; a trainer's mark is left out, or one of a reading that is no
more; what never left stands in the context.
"""

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.masking import build_masker
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import conversation, outbox
from casework.adapters.storage.workbench_tables import annotation
from casework.model.errors import MessageNotFound
from casework.model.masking import CaseValues, MaskedText, MaskKind
from casework.model.messages import Author, Channel
from casework.model.standings import ProofMethod, Standing
from casework.services.masked_reading import (
    MaskedEntry,
    list_masked_context,
    mask_message,
    mask_messages,
    read_values,
)
from casework.services.ports import StaffMember
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.line import Line

OTHER = "43260012399"
SETTINGS: Any = SimpleNamespace(turn_secret="s" * 40)
MASKER = build_masker(SETTINGS)


def values_of(line: Line, conversation_id: str) -> CaseValues:
    return line.database.read_now(lambda tx: read_values(tx, conversation_id))


def newest(line: Line) -> int:
    found: int = line.database.read_now(
        lambda tx: tx.connection.exec_driver_sql("SELECT max(id) FROM inbox").scalar()
    )
    return found


def masked_of(line: Line, inbox_id: int) -> MaskedText:
    return line.database.read_now(lambda tx: mask_message(tx, inbox_id, masker=MASKER))


def masked(line: Line, text: str, **values: Any) -> MaskedText:
    line.receive(text, **values)
    return masked_of(line, newest(line))


def context_of(line: Line, inbox_id: int, **values: Any) -> list[MaskedEntry]:
    return line.database.read_now(lambda tx: list_masked_context(tx, inbox_id, masker=MASKER, **values))


def prove(line: Line, conversation_id: str, reference: str = REFERENCE) -> None:
    line.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, reference, Standing.LINKED, method=ProofMethod.CODE.value
        )
    )


def mark(line: Line, by: StaffMember, reading: MaskedText, word: str, *, kind: str = "personal") -> None:
    """A trainer marks a word of the newest message in the reading they have before them."""
    start = reading.text.index(word)
    line.database.write_now(
        lambda tx: tx.connection.execute(
            sa.insert(annotation).values(
                id=new_id(),
                inbox_id=newest(line),
                staff_id=by.id,
                form_id=new_id(),
                kind="label",
                act="flagged",
                risks=[],
                spans=[[start, start + len(word), kind]],
                text_sha=reading.sha,
                was_blind=True,
                seconds=1.0,
                made_at=tx.now,
            )
        )
    )
    line.clock.advance(seconds=1)


def test_of_a_stranger_their_address_alone_is_known(line: Line) -> None:
    line.add_cases()

    conversation_id = line.open("+447700900999")

    assert values_of(line, conversation_id) == CaseValues(phones=("+447700900999",))
    assert values_of(line, "nobody") == CaseValues()


def test_everything_of_a_proved_case_is_known_and_the_persons_other_cases_too(line: Line) -> None:
    line.add_cases(
        a_case(),
        a_case(crime_reference=OTHER, oic_name="DS Wren Test-Officer", oic_contact="team@example.org"),
    )
    conversation_id = line.open(VICTIM)
    prove(line, conversation_id)

    values = values_of(line, conversation_id)

    assert values.names == ("Alex Example",)
    assert values.officers == ("DC Robin Test-Officer", "DS Wren Test-Officer")
    assert values.references == (REFERENCE, OTHER)
    assert values.phones == (VICTIM,)
    assert values.emails == ("alex@example.org", "team@example.org")
    assert values.others == ("T0001",)


def test_a_proof_that_has_ended_still_says_who_writes(line: Line) -> None:
    line.add_cases()
    conversation_id = line.open("visit", Channel.WEBCHAT)
    prove(line, conversation_id)
    line.database.write_now(lambda tx: tx.standings.end_of_conversation(conversation_id, why="left"))

    assert values_of(line, conversation_id).names == ("Alex Example",)


def test_a_reference_that_was_typed_names_its_case_before_anything_is_proved(line: Line) -> None:
    line.add_cases()
    conversation_id = line.open("+447700900999")
    line.database.write_now(lambda tx: tx.codes.request(conversation_id, REFERENCE))

    assert values_of(line, conversation_id).names == ("Alex Example",)


def test_the_name_a_channel_shows_is_known(line: Line) -> None:
    received = masked(line, "its tamsin", details={"profile_name": "Tamsin Q"})

    assert [one.kind for one in received.masks] == [MaskKind.PERSON]
    assert "tamsin" not in received.text


def test_whoever_has_the_conversation_or_answered_in_it_is_known_by_name(line: Line) -> None:
    rowan, ash = line.add_staff("rowan"), line.add_staff("ash")
    line.receive("hello")
    conversation_id = line.row(conversation).id
    line.claim(conversation_id, rowan)
    line.reply(conversation_id, "This is Rowan.", rowan)

    assert values_of(line, conversation_id).officers == (rowan.display_name,)
    assert ash.display_name not in values_of(line, conversation_id).officers


def test_a_message_is_masked_with_what_its_own_case_holds(line: Line) -> None:
    line.add_cases()
    prove(line, line.open(VICTIM))

    result = masked(line, "alex again, ring 07700 900 001 about 4326 0012345 on 12 March at 10:30")

    assert {one.kind for one in result.masks} == {MaskKind.PERSON, MaskKind.PHONE, MaskKind.REFERENCE}
    assert "on 12 March at 10:30" in result.text
    assert all(value not in result.text for value in ("alex", "900 001", "0012345"))


def test_many_messages_at_once_are_masked_as_one_by_one(line: Line) -> None:
    line.add_cases()
    prove(line, line.open(VICTIM))
    ids = []
    for text, sender in (("its alex", VICTIM), ("its alex", "+447700900777"), ("alex, 07700 900001", VICTIM)):
        line.receive(text, external_id=sender)
        ids.append(newest(line))

    together = line.database.read_now(lambda tx: mask_messages(tx, [*ids, 987654], masker=MASKER))

    assert together == {inbox_id: masked_of(line, inbox_id) for inbox_id in ids}
    assert "alex" not in together[ids[2]].text


def test_a_message_that_was_never_stored_is_refused(line: Line) -> None:
    for reading in (mask_message, list_masked_context):
        with pytest.raises(MessageNotFound):
            line.database.read_now(lambda tx, reading=reading: reading(tx, 987654, masker=MASKER))


async def test_what_both_sides_said_around_a_message_is_masked_alike(line: Line) -> None:
    line.add_cases()
    prove(line, line.open(VICTIM))
    rowan = line.add_staff()
    line.receive("first")
    line.clock.advance(seconds=1)
    line.receive("its alex example, hello")
    line.clock.advance(seconds=1)
    conversation_id = line.row(conversation).id
    line.claim(conversation_id, rowan)
    line.reply(conversation_id, "Hello Alex, I am Rowan", rowan)
    await line.deliver_all()
    line.clock.advance(seconds=1)
    line.receive("ring 07700 900001")
    asked = newest(line)
    line.clock.advance(seconds=1)
    line.reply(conversation_id, "I will, Alex", rowan)
    await line.deliver_all()
    line.clock.advance(seconds=1)
    line.receive("ta")

    entries = context_of(line, asked)

    assert [(entry.author, entry.is_asked) for entry in entries] == [
        (Author.PERSON, False),
        (Author.STAFF, False),
        (Author.PERSON, True),
        (Author.STAFF, False),
    ]
    said = " ".join(entry.masked.text for entry in entries).casefold()
    assert all(value not in said for value in ("alex", "rowan", "900001"))
    assert "hello" in entries[0].masked.text
    fakes = {
        one.surrogate.casefold()
        for entry in entries
        for one in entry.masked.masks
        if one.kind is MaskKind.PERSON
    }
    assert len(fakes) == 2  # "alex" alone, and with the surname
    assert len(context_of(line, asked, before=0, after=0)) == 1


async def test_what_never_left_is_no_part_of_what_was_said(line: Line) -> None:
    line.receive("hello")
    asked = newest(line)
    await line.answer_all()

    assert [entry.author for entry in context_of(line, asked)] == [Author.PERSON]
    await line.deliver_all()
    assert [entry.author for entry in context_of(line, asked)] == [Author.PERSON, Author.ASSISTANT]
    line.database.write_now(lambda tx: tx.connection.execute(sa.update(outbox).values(status="suppressed")))
    assert [entry.author for entry in context_of(line, asked)] == [Author.PERSON]


def test_what_a_trainer_marked_is_hidden_from_then_on(line: Line) -> None:
    toni, jo = line.add_staff("toni"), line.add_staff("jo")
    first = masked(line, "snouty and biffer did it")
    mark(line, toni, first, "snouty")
    second = masked_of(line, newest(line))
    mark(line, jo, first, "biffer")  # on the page as it was before
    third = masked_of(line, newest(line))
    mark(line, toni, third, "did", kind="age")  # says something, and hides nothing

    assert "snouty" not in second.text
    assert "biffer" in second.text
    assert "biffer" not in third.text
    assert third.text.endswith(" did it")
    assert masked_of(line, newest(line)) == third


def test_a_mark_of_a_reading_that_cannot_be_made_again_hides_everything(line: Line) -> None:
    toni = line.add_staff("toni")
    before = masked(line, "example and snouty did it")
    mark(line, toni, before, "snouty")
    line.add_cases()
    prove(line, line.row(conversation).id)

    after = masked_of(line, newest(line))

    assert [(one.start, one.end) for one in after.masks] == [(0, len("example and snouty did it"))]
    assert not any(word in after.text for word in ("snouty", "did", "example"))


def test_another_secret_gives_other_fakes() -> None:
    other = build_masker(SimpleNamespace(turn_secret="t" * 40))  # type: ignore[arg-type]
    text = "my name is Tamsin Quill"

    assert MASKER.mask(text, CaseValues(), of="c").text != other.mask(text, CaseValues(), of="c").text
