"""A conversation in which everything happened that a sealed record tells of, and the record of it in a folder."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.adapters.disclosure_export_bundle import Sealed, write_bundle
from casework.adapters.masking import TOWNS_FILE
from casework.adapters.signing import load_signing_key
from casework.adapters.storage.content_tables import content_version, told_content
from casework.adapters.storage.conversation_tables import correction, ending, follow_up, hand_back_summary
from casework.adapters.storage.database import Database
from casework.adapters.storage.desk_tables import regrade, transfer
from casework.adapters.storage.ladder_tables import escalation
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import (
    case_event,
    case_notice,
    desk_item,
    officer_message,
    outbox,
    promise,
    turn,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.workbench_tables import turn_record
from casework.model.desk import Grade, HandoffReason, ItemEvidence
from casework.model.disclosures import Band, Category, Evidence, ScreenResult
from casework.model.masking import Masker
from casework.model.masking.masker import load_masker
from casework.model.messages import Author, Channel, InboundMedia, OutboxStatus
from casework.model.standings import Standing
from casework.services.disclosure_export_ports import ExportScope
from tests.support.builders import REFERENCE, VICTIM, a_case, an_outbound, an_sms
from tests.support.clock import SetClock
from tests.support.rows import put_rows

PICTURE = b"\x89PNG\r\n\x1a\n not much of a picture"
RAW = b"Body=Karen+from+next+door+saw+him&From=%2B447700900001"
WORDS = "Karen Smith next door saw him. Her number is 07700 900123"
NEVER_SENT = "never sent to anybody"


@cache
def load_test_masker() -> Masker:
    return load_masker(key=b"m" * 32, towns=TOWNS_FILE.read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True)
class Tale:
    conversation_id: str
    staff_id: str


def tell_tale(database: Database, clock: SetClock) -> Tale:
    """One row at least of every kind; the clock goes on between them."""
    tale = database.write_now(_begin)
    for step in (_they_write, _desk_acts, _we_write, _words_of_staff):
        clock.advance(minutes=1)
        database.write_now(lambda tx, step=step: step(tx, tale))
    return tale


def _begin(tx: SqlTransaction) -> Tale:
    conversation = tx.conversations.open(Channel.SMS, VICTIM)
    staff_id = tx.staff.add(
        login="rowan",
        display_name="Rowan Test-Detective",
        role="supervisor",
        password_hash="x",
        collar_number="T9",
    )
    tx.cases.record_all([a_case()])
    tx.standings.record(conversation.id, REFERENCE, Standing.LINKED, method="code")
    return Tale(conversation_id=conversation.id, staff_id=staff_id)


def _they_write(tx: SqlTransaction, tale: Tale) -> None:
    screen = ScreenResult(
        urgent=True,
        band=Band.RED,
        tier=1,
        category=Category.IMMEDIATE_DANGER,
        evidence=(Evidence(rule="immediate_danger.at_the_door", start=0, end=5),),
        rules="0123456789abcdef",
    )
    message = an_sms(
        WORDS,
        provider_message_id="SM1",
        received_at=tx.now,
        sent_at=tx.now - timedelta(seconds=2),
        raw=RAW,
        media_count=1,
        media=(InboundMedia(source="https://example.org/1", stated_type="image/png"),),
        details={"profile_name": "Alex"},
    )
    inbox_id = tx.inbox.record(message, tale.conversation_id, screen)
    assert inbox_id is not None
    tx.media.record(inbox_id, message.media)
    [media] = tx.media.list_of_conversation(tale.conversation_id)
    tx.media.keep(media.media_id, PICTURE, found_type="image/png", sha256=_sha(PICTURE))
    tx.turns.record_finished(inbox_id, tale.conversation_id, "answered")
    turn_id = tx.connection.execute(sa.select(turn.c.id)).scalar_one()
    put_rows(tx.connection, turn_record, _reading(turn_id, inbox_id, tale, tx.now))
    edit = an_sms(
        "Corrected: he left",
        provider_message_id="SM1-2",
        received_at=tx.now,
        raw=b"{}",
        details={"edits": "SM1"},
    )
    tx.inbox.record(edit, tale.conversation_id, ScreenResult(urgent=False))
    tx.desk.record_item(
        conversation_id=tale.conversation_id,
        reason=HandoffReason.DISCLOSURE,
        grade=Grade.HIGH,
        dedupe_key="tale",
        inbox_id=inbox_id,
        tier=1,
        category=Category.IMMEDIATE_DANGER.value,
        evidence=[ItemEvidence(inbox_id=inbox_id, rule="a.rule", start=0, end=5, says="at the door")],
    )


def _reading(turn_id: str, inbox_id: int, tale: Tale, at: datetime) -> dict[str, Any]:
    return {
        "turn_id": turn_id,
        "inbox_id": inbox_id,
        "conversation_id": tale.conversation_id,
        "at": at,
        "model_id": "model-of-the-tale",
        "state": {"left": "out"},
        "standing": "linked",
        "code_pending": False,
        "safe_question": False,
        "earlier_ids": [],
        "intent": "give_new_information",
        "confidence": 0.1 + 0.2,
        "runner_up": None,
        "runner_up_confidence": 0.0,
        "urgency": 0.97,
        "categories": {"immediate_danger": 0.9},
        "responses": ["utter_x"],
        "effects": [],
        "band": "red",
        "tier": 1,
    }


def _desk_acts(tx: SqlTransaction, tale: Tale) -> None:
    item_id = tx.connection.execute(sa.select(desk_item.c.id)).scalar_one()
    of = {"conversation_id": tale.conversation_id}
    tx.audit.record("conversation_claimed", by=tale.staff_id, conversation_id=tale.conversation_id)
    tx.audit.record("conversation_read", by=tale.staff_id, conversation_id=tale.conversation_id)
    moved = {"item_id": item_id, "from_grade": 2, "to_grade": 1, "by_id": tale.staff_id, "at": tx.now}
    _insert(tx, regrade, **of, **moved, reason="Karen Smith is there again")
    _insert(
        tx,
        transfer,
        **of,
        id=new_id(),
        kind="to_person",
        status="accepted",
        from_id=tale.staff_id,
        to_id=tale.staff_id,
        by_id=tale.staff_id,
        reason="end of shift",
        promised="a call",
        offered_at=tx.now,
        due_at=tx.now,
    )
    _insert(
        tx,
        escalation,
        **of,
        id=new_id(),
        item_id=item_id,
        wait_from=tx.now,
        position=1,
        step="supervisor",
        grade=1,
        due_at=tx.now,
        taken_at=tx.now,
        name="On call",
    )
    _insert(
        tx, ending, **of, id=new_id(), staff_id=tale.staff_id, outcome="log_created", log_number="LOG-1",
        was_urgent="yes", about="immediate_danger", last_inbox_id=1, created_at=tx.now,
    )  # fmt: skip
    _insert(
        tx, hand_back_summary, **of, id=new_id(), staff_id=tale.staff_id, done="log_created", next="team",
        due_on=tx.now.date(), crime_reference=REFERENCE, epoch=1, text="We made a log.", created_at=tx.now,
    )  # fmt: skip
    _insert(
        tx, promise, **of, id=new_id(), crime_reference=REFERENCE, kind="officer_answer", owner=tale.staff_id,
        words="by Tuesday", made_at=tx.now, due_at=tx.now, status="made", dedupe_key="tale",
    )  # fmt: skip
    _insert(
        tx, officer_message, **of, id=new_id(), crime_reference=REFERENCE, author="person", author_name="",
        text="When is the hearing?", created_at=tx.now, status="waiting",
    )  # fmt: skip
    event = {"crime_reference": REFERENCE, "event_id": "e1", "kind": "stage_changed"}
    _insert(tx, case_event, **event, at=tx.now, detail="charged", received_at=tx.now)
    _insert(
        tx, case_notice, **event, id=new_id(), status="told", needs_person=False, happened_at=tx.now,
        not_before=tx.now, created_at=tx.now,
    )  # fmt: skip


def _we_write(tx: SqlTransaction, tale: Tale) -> None:
    answer = an_outbound(tale.conversation_id, "Call 999 now.", dedupe_key="tale:1", template="safety")
    outbox_id = tx.outbox.record(answer, decision="safety_line", status=OutboxStatus.WAITING)
    assert outbox_id is not None
    sent = sa.update(outbox).where(outbox.c.id == outbox_id)
    tx.connection.execute(sent.values(status="sent", provider_message_id="SMout", sent_at=tx.now))
    tx.outbox._record_attempt(outbox_id, "sent")
    tx.outbox.record_event("SMout", "delivered", None)
    _insert(
        tx, content_version, id=new_id(), name="utter_x", kind="reply", version=3, forms={"web": "Call 999 now."},
        source="test", status="published", drafted_by="x", drafted_at=tx.now, published_at=tx.now, note="",
    )  # fmt: skip
    _insert(tx, told_content, outbox_id=outbox_id, name="utter_x", version=3, at=tx.now)
    reply = an_outbound(
        tale.conversation_id,
        "Karen Smith will ring you.",
        dedupe_key="tale:2",
        author=Author.STAFF,
        staff_id=tale.staff_id,
    )
    tx.outbox.record(reply, decision="answers_only", status=OutboxStatus.SUPPRESSED, reason="answers_only")


def _words_of_staff(tx: SqlTransaction, tale: Tale) -> None:
    tx.staff_notes.record(tale.conversation_id, tale.staff_id, "He was here before.")
    tx.drafts.keep(tale.conversation_id, tale.staff_id, NEVER_SENT)
    of = {"conversation_id": tale.conversation_id, "id": new_id(), "created_at": tx.now}
    _insert(tx, correction, **of, staff_id=tale.staff_id, block="case", text="This stage is old.")
    _insert(
        tx, follow_up, **of, to_staff_id=tale.staff_id, by_staff_id=tale.staff_id, text="He was arrested."
    )


def _insert(tx: SqlTransaction, table: sa.Table, **values: Any) -> None:
    put_rows(tx.connection, table, values)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def scope_of(tale: Tale, *, case: bool = False) -> ExportScope:
    return ExportScope(conversation_ids=(tale.conversation_id,), crime_reference=REFERENCE if case else None)


def make_bundle(database: Database, scope: ExportScope, folder: Path) -> tuple[bytes, Sealed]:
    """The zip, made with the key of that folder."""
    target = io.BytesIO()
    folder.mkdir(exist_ok=True, parents=True)
    key = load_signing_key(folder, "record_signing")
    sealed = database.read_now(
        lambda tx: write_bundle(
            tx,
            scope,
            target,
            key=key,
            masker=load_test_masker(),
            models_dir=folder,
            work_dir=folder,
        )
    )
    return target.getvalue(), sealed


def unpack(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        bundle.extractall(folder)
    return folder


A_SUMMER_NIGHT = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
