"""What a person wrote is masked with what is known of every case they have to do with.

Red when, each tried once: an ended proof no longer counts, the person's other cases are left out, or the case that a
typed reference names.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from casework.adapters.masking import MessageNotFound, SqlMaskingReads, build_masker
from casework.model.masking import CaseValues, MaskKind
from casework.model.messages import Channel
from casework.model.standings import ProofMethod, Standing
from casework.services.masked_reading import mask_message, read_values
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.line import Line

OTHER = "43260012399"
SETTINGS: Any = SimpleNamespace(turn_secret="s" * 40)
MASKER = build_masker(SETTINGS)


def reading(tx: Any) -> Any:
    return SimpleNamespace(masking_reads=SqlMaskingReads(tx.connection))


def values_of(line: Line, conversation_id: str) -> CaseValues:
    return line.database.read_now(lambda tx: read_values(reading(tx), conversation_id))


def masked(line: Line, text: str, **values: Any) -> Any:
    line.receive(text, **values)
    inbox_id = line.database.read_now(
        lambda tx: tx.connection.exec_driver_sql("SELECT max(id) FROM inbox").scalar()
    )
    return line.database.read_now(lambda tx: mask_message(reading(tx), inbox_id, masker=MASKER))


def prove(line: Line, conversation_id: str, reference: str = REFERENCE) -> None:
    line.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, reference, Standing.LINKED, method=ProofMethod.CODE.value
        )
    )


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

    assert [mask.kind for mask in received.masks] == [MaskKind.PERSON]
    assert "tamsin" not in received.text


def test_a_message_is_masked_with_what_its_own_case_holds(line: Line) -> None:
    line.add_cases()
    prove(line, line.open(VICTIM))

    result = masked(line, "alex again, ring 07700 900 001 about 4326 0012345 on 12 March at 10:30")

    assert {mask.kind for mask in result.masks} == {MaskKind.PERSON, MaskKind.PHONE, MaskKind.REFERENCE}
    assert "on 12 March at 10:30" in result.text
    assert all(value not in result.text for value in ("alex", "900 001", "0012345"))


def test_a_message_that_was_never_stored_is_refused(line: Line) -> None:
    with pytest.raises(MessageNotFound):
        line.database.read_now(lambda tx: mask_message(reading(tx), 987654, masker=MASKER))


def test_another_secret_gives_other_fakes() -> None:
    other = build_masker(SimpleNamespace(turn_secret="t" * 40))  # type: ignore[arg-type]
    text = "my name is Tamsin Quill"

    assert MASKER.mask(text, CaseValues(), of="c").text != other.mask(text, CaseValues(), of="c").text
