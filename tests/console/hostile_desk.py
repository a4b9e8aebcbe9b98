"""A desk whose every free text is hostile: names, messages, files, cases, notes, canned replies, drills.

Rows are written as they would lie in the database, past the checks of the forms: a page must not rely on them.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.schema import metadata
from casework.adapters.storage.sealed import JSON, BlindIndex, Sealed
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import case
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.desk import HandoffReason, ItemEvidence
from casework.model.messages import Channel, InboundMedia
from casework.model.standings import Standing
from casework.model.tokens import hash_token
from tests.console.desk_site import DeskSite
from tests.support.builders import a_case
from tests.support.rows import put_rows

CORPUS = Path(__file__).with_name("hostile_texts.json")

# Where words somebody wrote, or could have written, are kept.
FREE_TEXTS: Mapping[str, tuple[str, ...]] = {
    "alarm": ("detail",),
    "assistant_off": ("reason",),
    "broadcast": ("text",),
    "canned_reply": ("title", "text"),
    "case": ("crime_type", "oic_name", "oic_collar_number", "oic_contact", "victim_name", "language"),
    "case_event": ("detail",),
    "correction": ("text",),
    "draft": ("text",),
    "drill_line": ("victim", "text"),
    "ending": ("log_number",),
    "escalation": ("name", "detail"),
    "follow_up": ("text",),
    "glass_opening": ("reason", "review_words"),
    "hand_back_summary": ("text",),
    "inbound_media": ("source", "stated_type", "reason"),
    "inbox": ("text", "read_as"),
    "officer_message": ("author_name", "text"),
    "outbox": ("text", "reason"),
    "promise": ("words", "owner"),
    "quality_review": ("words",),
    "record_export_words": ("words",),
    "regrade": ("reason",),
    "rota_entry": ("name", "mobile", "email", "webhook"),
    "staff_member": ("display_name", "collar_number"),
    "staff_note": ("text",),
    "staff_notice": ("to", "fault"),
    "transfer": ("reason", "promised"),
}
# Of requests for a copy: tests/console/test_copies_in_browser.py puts each text there.
FREE_TEXTS_OF_COPIES: Mapping[str, tuple[str, ...]] = {
    "access_decision": ("why",),
    "access_request": ("asked_by", "identity", "put_off_why", "ended_how"),
}
# Of the workbench: tests/console/test_workbench_pages.py writes messages and examples of each text there. Names of
# groups, notes and words of published texts are checked by the tests of their own pages.
FREE_TEXTS_OF_WORKBENCH: Mapping[str, tuple[str, ...]] = {
    "content_version": ("note",),
    "example": ("text",),
    "guest_link": ("group_name",),
    "guest_message": ("text",),
    "model_release": ("reason",),
    "review_reason": ("cluster",),
    "training_flag": ("why",),
    "unmasking": ("reason",),
    "workbench_job": ("says", "fault"),
}
# Columns of no page of the desk, of closed lists checked elsewhere, ids and secrets: decided one by one.
NOT_FREE = frozenset(
    {
        *("match_key", "contact_mobile", "contact_email", "sent_to", "external_id", "provider_message_id"),
        *("token_hash", "password_hash", "secret_hash", "code_hash", "session_hash", "state_hash"),
        *("browser_hash", "word_hash", "sha256", "csrf_token", "secret", "nonce", "verifier", "challenge"),
        *("credential_id", "login", "issuer", "subject", "issued_by", "created_by", "held_by", "told_by"),
        *("plan_changed_by", "first_approved_by", "decided_by", "started_by", "leased_by", "dedupe_key"),
        *("kind", "status", "role", "channel", "stage", "outcome", "grade", "origin", "lane", "author"),
        *("name", "block", "done", "next", "about", "was_urgent", "word", "how", "answer", "verdict", "way"),
        *(
            "step",
            "told",
            "category",
            "reference",
            "crime_reference",
            "reference_prefix",
            "event_id",
            "id",
            "act",
            "actor",
        ),
        *("thing", "to", "template", "safe_contact_decision", "safe_contact", "delivery_state", "menu_token"),
        *("script", "clock_id", "right", "method", "ended_why", "blocked_why", "by_way_of", "language"),
        *("screen_seen", "next_page", "error_code", "provider", "fault", "bucket", "sender", "found_type"),
        *("contact_suspended_why", "source", "filename", "text_name", "reason", "worker_id", "mobile"),
        # The workbench: ids, codes of closed lists, names of files and models, who did it.
        *("model_id", "against_id", "replaces", "digest", "item_key", "set_name", "band", "paper", "file"),
        *(
            "made_by",
            "drafted_by",
            "approved_by",
            "proposed_by",
            "trained_by",
            "asked_by",
            "accepted_by",
            "ended_by",
            "by",
        ),
        *("item", "copy_sha256"),
        # The audit's chain: hashes, signatures, addresses out of the settings.
        *("conversation_id", "hash", "signed", "place"),
        *("turn_id", "input_sha", "form_id", "text_sha", "intent", "runner_up", "sub", "judgement", "side"),
        *("scenario", "category_seen", "band_seen", "queue", "why", "flag", "standing", "visit", "why_ended"),
        # Keys, holds, erasing and readings: ids, kinds and who did it.
        *("owner", "row_key", "subject_kind", "subject_id", "stopped_why", "placed_by", "lifted_by"),
        *("rule", "acknowledged_by"),
    }
)


@cache
def load_corpus() -> tuple[str, ...]:
    groups = json.loads(CORPUS.read_text(encoding="ascii"))
    return tuple(text for name, texts in groups.items() if name != "about" for text in texts)


def list_undecided() -> list[str]:
    """Text columns nobody has decided on: neither free text, which is poisoned, nor known to be none."""
    return [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.String)
        and not column.foreign_keys
        and column.name not in FREE_TEXTS.get(table.name, ())
        and column.name not in FREE_TEXTS_OF_WORKBENCH.get(table.name, ())
        and column.name not in FREE_TEXTS_OF_COPIES.get(table.name, ())
        and column.name not in NOT_FREE
    ]


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """What was made for one text. `officer_token` opens the officer's page of its case."""

    text: str
    conversation_id: str
    item_id: str
    media_id: int
    officer_token: str


def storable(text: str) -> str:
    """As much of it as a database takes: a receiver replaces half characters, PostgreSQL has no zero byte."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def make_hostile_desk(site: DeskSite, *, viewer_id: str) -> list[Hostile]:
    """One conversation, case and colleague for each text of the corpus, and a row of every other kind."""
    made = [
        site.write(lambda tx, number=number, text=text: _make(tx, number, storable(text), viewer_id))
        for number, text in enumerate(load_corpus())
    ]
    site.write(lambda tx: _poison_the_rest(tx, [storable(text) for text in load_corpus()]))
    return made


def make_one(site: DeskSite, text: str, *, number: int, viewer_id: str) -> Hostile:
    """The same of one text; `number` tells what has become of it."""
    return site.write(lambda tx: _make(tx, number, text, viewer_id))


def _make(tx: SqlTransaction, number: int, text: str, viewer_id: str) -> Hostile:
    name = text[:90] or "?"
    colleague = tx.staff.add(
        login=f"colleague{number}", display_name=name, role="investigator", password_hash="x"
    )
    conversation = tx.conversations.open(Channel.WHATSAPP, f"+447700900{number % 1000:03d}")
    inbox_id = _record_message(tx, conversation.id, number, text)
    item_id = tx.desk.record_item(
        conversation_id=conversation.id,
        reason=HandoffReason.ASKED_FOR_PERSON,
        grade=_grade(number),
        dedupe_key=f"hostile:{number}",
        inbox_id=inbox_id,
        evidence=[ItemEvidence(inbox_id=inbox_id, rule="a.rule", start=0, end=len(text), says=text)],
    )
    assert item_id is not None
    reference = f"4326{number:07d}"
    facts = a_case(
        crime_reference=reference,
        crime_type=name,
        oic_name=name,
        oic_contact=name,
        oic_collar_number=text[:30],
        victim_name=name,
        contact_mobile=None,
        contact_email=None,
        language="en",
    )
    tx.cases.record_all([facts])
    tx.connection.execute(
        sa.update(case).where(case.c.crime_reference == reference).values(language=text[:16])
    )
    tx.standings.record(conversation.id, reference, Standing.LINKED, method="code")
    token = secrets.token_urlsafe(24)
    of = {"conversation_id": conversation.id, "item_id": item_id, "crime_reference": reference}
    people = {"staff_id": colleague, "by_id": colleague, "by_staff_id": colleague, "from_id": colleague}
    is_closed = number % 8 == 0  # of danger, and so for a second look
    for table, given in _rows(
        number, token, viewer_id, inbox_id, ends_at=tx.now + timedelta(hours=8)
    ).items():
        if table != "quality_review" or not is_closed:
            _insert(tx, table, text, of | people | given)
    if is_closed:
        _close(tx, item_id, colleague)
    elif number % 2:
        tx.conversations.pass_on(conversation.id, from_id=None, to_id=colleague)
        tx.desk.pass_all_on(conversation.id, colleague)
    [media] = tx.media.list_of_conversation(conversation.id)
    return Hostile(
        text=text,
        conversation_id=conversation.id,
        item_id=item_id,
        media_id=media.media_id,
        officer_token=token,
    )


def _close(tx: SqlTransaction, item_id: str, colleague: str) -> None:
    item = metadata.tables["desk_item"]
    tx.connection.execute(
        sa.update(item)
        .where(item.c.id == item_id)
        .values(
            status="closed",
            outcome="signposted",
            owner_id=colleague,
            claimed_at=tx.now,
            answered_at=tx.now,
            closed_at=tx.now,
        )
    )


def _grade(number: int) -> Any:
    from casework.model.desk import Grade

    return Grade(1 + number % 4)


def _record_message(tx: SqlTransaction, conversation_id: str, number: int, text: str) -> int:
    from casework.model.disclosures import CALM
    from tests.support.builders import an_sms

    message = an_sms(
        text,
        channel=Channel.WHATSAPP,
        external_id=f"+447700900{number % 1000:03d}",
        received_at=tx.now,
        media_count=1,
        has_location=True,
        media=(InboundMedia(source=text, stated_type=text[:90]),),
        details={
            "profile_name": text,
            "place": text,
            "latitude": text[:20],
            "longitude": text[:20],
            "phone": text[:30],
            "answers": text,
        },
    )
    inbox_id = tx.inbox.record(message, conversation_id, CALM)
    assert inbox_id is not None
    tx.media.record(inbox_id, message.media)
    tx.turns.record_finished(inbox_id, conversation_id, "answered")
    return inbox_id


def _rows(
    number: int, token: str, viewer_id: str, inbox_id: int, ends_at: datetime
) -> dict[str, dict[str, Any]]:
    """What else is kept of a conversation: table -> the values that must be of a closed list."""
    return {
        "outbox": {
            "channel": "whatsapp",
            "author": "staff",
            "kind": "staff_reply",
            "status": "failed",
            "lane": 2,
            "choices": ["one"],
            "reason": "code",
            "inbox_id": None,
        },
        "staff_note": {},
        "correction": {"block": "case"},
        "draft": {},
        "follow_up": {"to_staff_id": viewer_id},
        "ending": {"outcome": "signposted", "was_urgent": "yes", "about": None},
        "hand_back_summary": {"done": "log_created", "next": "nothing"},
        "transfer": {"kind": "to_person", "status": "offered", "to_id": viewer_id},
        "regrade": {"from_grade": 3, "to_grade": 2},
        "escalation": {"step": "supervisor", "grade": 2, "position": 1, "rota_entry_id": None},
        "officer_message": {"author": "person", "status": "waiting", "inbox_id": inbox_id},
        "officer_link": {"token_hash": hash_token(token), "ended_at": None},
        "quality_review": {"reviewer_id": viewer_id, "verdict": "good", "answers": {}},
        "glass_opening": {"reviewed_by": None, "reviewed_at": None},
        "record_export_words": {"asked_by": viewer_id},
        "promise": {"kind": "officer_answer", "status": "made"},
        "case_event": {"kind": "stage_changed", "event_id": f"e{number}"},
        "canned_reply": {
            "name": f"canned{number}",
            "version": 1,
            "is_offered": True,
            "is_closing": number % 2 == 0,
        },
        "rota_entry": {"kind": "on_call", "place": 1, "ends_at": ends_at, "removed_at": None},
        "broadcast": {"ended_at": None},
        "assistant_off": {"channel": None, "ended_at": None, "ended_by": None},
    }


def _insert(tx: SqlTransaction, table: str, text: str, given: Mapping[str, Any]) -> None:
    """A whole row: what is given, hostile text where text is free, and something plain in what must not be empty."""
    made = metadata.tables[table]
    values: dict[str, Any] = {}
    for column in made.columns:
        if column.name in FREE_TEXTS.get(table, ()):
            length = getattr(column.type, "length", None)
            values[column.name] = text[:length] if length else text
        elif column.name in given and (given[column.name] is not None or column.nullable):
            values[column.name] = given[column.name]
        elif not column.nullable and not (
            column.primary_key and isinstance(column.type, sa.Integer | sa.BigInteger)
        ):
            values[column.name] = _plain(column, tx)
    put_rows(tx.connection, made, values)


def _plain(column: sa.Column[Any], tx: SqlTransaction) -> object:
    if isinstance(column.type, sa.JSON) or getattr(column.type, "kind", None) == JSON:
        return {}
    if isinstance(column.type, sa.Boolean):
        return False
    if isinstance(column.type, sa.Integer | sa.BigInteger):
        return 0
    if isinstance(column.type, sa.String | BlindIndex | Sealed):
        return new_id() if column.primary_key or column.unique or column.name == "dedupe_key" else "x"
    ahead = column.name in ("until", "ends_at", "due_at", "expires_at")
    return tx.now + timedelta(hours=1) if ahead else tx.now


def _poison_the_rest(tx: SqlTransaction, texts: list[str]) -> None:
    """A standing alarm and a drill with a hostile name each."""
    tx.alarms.sound("sms_account_refused", texts[0])
    drill_id = tx.connection.execute(
        sa.insert(metadata.tables["drill"])
        .values(id=new_id(), script="wave_of_ten", started_by="x", created_at=tx.now, starts_at=tx.now)
        .returning(metadata.tables["drill"].c.id)
    ).scalar_one()
    for number, text in enumerate(texts):
        _insert(
            tx,
            "drill_line",
            text,
            {
                "drill_id": drill_id,
                "channel": "sms",
                "external_id": f"drill:{number}",
                "sent_at": tx.now,
                "conversation_id": None,
            },
        )
