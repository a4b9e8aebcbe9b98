"""Files given for a case: a message with every byte of what is kept, whole or not at all.

Red when, each tried once: the standing is not asked, a second copy is kept again, no desk item is made, or somebody who
sends evidence is told not to send it.
"""

from hashlib import sha256
from typing import Any

import pytest

from casework.adapters.storage.tables import desk_item, inbound_media, inbox, media_content, outbox
from casework.model.disclosures import Category
from casework.model.messages import Channel, InboundMessage
from casework.model.standings import HIGHEST_OF_METHOD, ProofMethod, Standing
from casework.services.left_messages import LEFT_FOR, Receiving
from casework.services.media import TYPE_NOT_TAKEN
from casework.services.proved import StandingTooLow
from casework.services.receive import Received
from casework.services.uploads import (
    MOST_OF_A_CONVERSATION,
    GivenFile,
    UploadedFile,
    count_room,
    list_given_files,
    receive_upload,
)
from tests.support.builders import REFERENCE, a_hit
from tests.support.line import Line

NOTE = "the door, this morning"
JPEG = b"\xff\xd8\xff\xe0" + bytes(200)


@pytest.fixture
def line(line: Line) -> Line:
    line.add_cases()
    return line


@pytest.fixture
def conversation_id(line: Line) -> str:
    return prove(line, Standing.STEPPED_UP)


def prove(line: Line, standing: Standing) -> str:
    conversation_id = line.open("browser", Channel.WEBCHAT)
    methods = [ProofMethod.INVITE, ProofMethod.PIN] if standing > Standing.LINKED else [ProofMethod.INVITE]
    for method in methods:
        line.database.write_now(
            lambda tx, method=method: tx.standings.record(
                conversation_id, REFERENCE, HIGHEST_OF_METHOD[method], method=method.value
            )
        )
    return conversation_id


def a_file(content: bytes = JPEG, **values: Any) -> UploadedFile:
    defaults: dict[str, Any] = {
        "stated_type": "image/jpeg",
        "found_type": "image/jpeg",
        "sha256": sha256(content).hexdigest(),
        "read": lambda: content,
    }
    return UploadedFile(**(defaults | values))


def give(line: Line, *files: UploadedFile, note: str = NOTE, form: str = "form") -> Received:
    message = InboundMessage(
        channel=Channel.WEBCHAT,
        provider_message_id=f"browser:{form}",
        external_id="browser",
        text=note,
        received_at=line.clock.now(),
    )
    receiving = Receiving(
        screen=line.screen, safety_lines=line.safety_lines, bands=line.bands, texts=line.texts
    )
    return line.database.write_now(lambda tx: receive_upload(tx, message, files, receiving=receiving))


def test_files_are_a_message_with_their_bytes_and_somebody_looks(line: Line, conversation_id: str) -> None:
    second = b"%PDF-1.7\n" + bytes(50)

    give(line, a_file(), a_file(second, found_type="application/pdf", stated_type="image/png"))

    received = line.row(inbox)
    assert (received.text, received.media_count, received.details) == (NOTE, 2, {LEFT_FOR: "case"})
    kept = [
        (row.status, row.found_type, row.stated_type, row.size, row.sha256)
        for row in line.rows(inbound_media)
    ]
    assert kept == [
        ("kept", "image/jpeg", "image/jpeg", len(JPEG), sha256(JPEG).hexdigest()),
        ("kept", "application/pdf", "image/png", len(second), sha256(second).hexdigest()),
    ]
    assert [bytes(row.content) for row in line.rows(media_content)] == [JPEG, second]
    item = line.row(desk_item)
    assert (item.reason, item.inbox_id) == ("files_sent", received.id)
    given = line.database.read_now(lambda tx: list_given_files(tx, conversation_id))
    assert given == [
        GivenFile(at=received.received_at, media_type="image/jpeg", size=len(JPEG)),
        GivenFile(at=received.received_at, media_type="application/pdf", size=len(second)),
    ]


def test_no_worker_goes_to_fetch_what_is_here(line: Line, conversation_id: str) -> None:
    give(line, a_file())

    assert line.database.write_now(lambda tx: tx.media.lease_next(lease_seconds=1)) is None


def test_the_same_form_twice_is_kept_once(line: Line, conversation_id: str) -> None:
    assert give(line, a_file()).inbox_id is not None
    assert give(line, a_file()).inbox_id is None

    assert len(line.rows(inbox)) == len(line.rows(inbound_media)) == len(line.rows(media_content)) == 1


def test_one_file_that_cannot_be_read_leaves_nothing_of_the_others(line: Line, conversation_id: str) -> None:
    def break_down() -> bytes:
        raise OSError("the disk is full")

    with pytest.raises(OSError):
        give(line, a_file(), a_file(read=break_down))

    assert (
        line.rows(inbox) == line.rows(inbound_media) == line.rows(media_content) == line.rows(desk_item) == []
    )


def test_what_is_no_kind_of_file_we_take_is_told_to_the_desk_and_not_kept(
    line: Line, conversation_id: str
) -> None:
    give(line, a_file(), a_file(found_type=None, refused=TYPE_NOT_TAKEN, stated_type="application/zip"))

    assert [(row.status, row.reason) for row in line.rows(inbound_media)] == [
        ("kept", None),
        ("refused", "type_not_allowed"),
    ]
    assert len(line.rows(media_content)) == 1
    assert len(line.database.read_now(lambda tx: list_given_files(tx, conversation_id))) == 1


@pytest.mark.parametrize("standing", [None, Standing.LINKED])
def test_below_a_step_up_nothing_is_taken(line: Line, standing: Standing | None) -> None:
    if standing is not None:
        prove(line, standing)

    with pytest.raises(StandingTooLow):
        give(line, a_file())

    assert line.rows(inbox) == line.rows(media_content) == []


def test_danger_in_the_note_is_a_disclosure_and_the_files_are_kept(line: Line, conversation_id: str) -> None:
    line.screen.results[NOTE] = a_hit(1)

    assert give(line, a_file()).is_urgent

    assert [row.reason for row in line.rows(desk_item)] == ["disclosure"]
    assert "999" in line.row(outbox).text
    assert len(line.rows(media_content)) == 1


def test_who_sends_evidence_here_is_not_told_not_to(line: Line, conversation_id: str) -> None:
    line.screen.results[NOTE] = a_hit(4, category=Category.NEW_EVIDENCE_OR_DETAILS)

    give(line, a_file())

    assert "A person will read this" in line.row(outbox).text
    assert "Do not send" not in line.row(outbox).text


def test_a_page_that_is_full_has_no_room(line: Line, conversation_id: str) -> None:
    assert line.database.read_now(lambda tx: count_room(tx, conversation_id)) == MOST_OF_A_CONVERSATION

    for number in range(2):
        give(line, *[a_file()] * (MOST_OF_A_CONVERSATION // 2), form=str(number))

    assert line.database.read_now(lambda tx: count_room(tx, conversation_id)) == 0
