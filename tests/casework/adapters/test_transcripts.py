"""What a transcript says of each message beside its words, on both databases.

Red when: `list_named` leaves out its conversation (another person's message is quoted), `_all_came` joins the turn
inside (a message whose turn is not there yet vanishes), `_went` takes the conversation's channel for its own.
"""

import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.disclosures import ScreenResult
from casework.model.messages import Author, Channel
from tests.support.builders import an_outbound, an_sms
from tests.support.clock import SetClock

CALM = ScreenResult(urgent=False)
SAM, KIM = "+447700900001", "+447700900002"


def came(tx: SqlTransaction, text: str, writer: str = SAM, name: str | None = None, **values: object) -> int:
    opened = tx.conversations.open(Channel.SMS, writer)
    named = {"provider_message_id": name} if name else {}
    inbox_id = tx.inbox.record(an_sms(text, external_id=writer, **named, **values), opened.id, CALM)
    assert inbox_id is not None
    return inbox_id


def went(tx: SqlTransaction, text: str, name: str, writer: str = SAM, channel: Channel = Channel.SMS) -> None:
    opened = tx.conversations.open(Channel.SMS, writer)
    outbox_id = tx.outbox.record(an_outbound(opened.id, text, to=writer, channel=channel), decision="test")
    tx.connection.execute(sa.update(outbox).where(outbox.c.id == outbox_id).values(provider_message_id=name))


def find(database: Database, writer: str = SAM) -> str:
    return database.write_now(lambda tx: tx.conversations.open(Channel.SMS, writer).id)


def test_what_became_of_a_message_is_told_and_one_without_a_turn_is_there(database: Database) -> None:
    def fill(tx: SqlTransaction) -> None:
        left = came(tx, "EXIT")
        tx.turns.record_finished(left, tx.conversations.open(Channel.SMS, SAM).id, "left")
        came(tx, "no turn yet")

    database.write_now(fill)
    conversation_id = find(database)
    entries = database.read_now(lambda tx: tx.transcripts.list_latest(conversation_id))

    assert [(entry.text, entry.outcome) for entry in entries] == [("EXIT", "left"), ("no turn yet", None)]


def test_what_left_another_way_says_which(database: Database, clock: SetClock) -> None:
    def fill(tx: SqlTransaction) -> None:
        went(tx, "here", "SM1")
        went(tx, "there", "SM2", channel=Channel.WHATSAPP)

    database.write_now(fill)
    conversation_id = find(database)
    entries = database.read_now(lambda tx: tx.transcripts.list_latest(conversation_id))

    assert [(entry.text, entry.channel) for entry in entries] == [
        ("here", Channel.SMS),
        ("there", Channel.WHATSAPP),
    ]


def test_messages_are_found_by_their_names_in_their_own_conversation_alone(
    database: Database, clock: SetClock
) -> None:
    def fill(tx: SqlTransaction) -> None:
        came(tx, "theirs", name="SMa", received_at=clock.now())
        went(tx, "ours", "SMb")
        went(tx, "to somebody else", "SMc", writer=KIM)
        came(tx, "by somebody else", KIM, name="SMd")
        came(tx, "not asked for", name="SMe")

    database.write_now(fill)
    conversation_id = find(database)
    named = database.read_now(
        lambda tx: tx.transcripts.list_named(conversation_id, ["SMa", "SMb", "SMc", "SMd", "none"])
    )
    nothing = database.read_now(lambda tx: tx.transcripts.list_named(conversation_id, []))

    assert {(entry.text, entry.author) for entry in named} == {
        ("theirs", Author.PERSON),
        ("ours", Author.ASSISTANT),
    }
    assert nothing == []
