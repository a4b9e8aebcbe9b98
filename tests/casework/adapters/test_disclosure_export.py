"""What stands in a sealed record, on both databases: everything that was said and done, once, and nothing of ours.

Red when: entries are not put in order (`test_it_is_the_same_from_another_database_and_other_row_order`); the time of
making stands in it, or files are packed (`test_made_again_it_is_the_same`); drafts are planned with the rest
(`test_words_of_staff_and_drafts_are_apart`).
"""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage import disclosure_export_sources as told
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.key_tables import data_key, key_check
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.tables import audit, conversation, inbound_media, inbox, media_content
from casework.model.disclosures import CALM
from casework.model.messages import Channel, Lane, OutboxStatus
from casework.model.standings import Standing
from casework.services.disclosure_export_ports import INTERNAL, ExportScope, RecordKind
from tests.casework.adapters.export_tale import (
    NEVER_SENT,
    PICTURE,
    RAW,
    WORDS,
    make_bundle,
    scope_of,
    tell_tale,
    unpack,
)
from tests.support.builders import REFERENCE, a_case, an_outbound, an_sms
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, empty
from tests.support.rows import put_rows, put_value
from tests.support.running import ROOT, clean_environ

Records = list[dict[str, Any]]


def read(folder: Path, name: str = "record.jsonl") -> Records:
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


def make(database: Database, scope: ExportScope, tmp_path: Path) -> Path:
    content, _ = make_bundle(database, scope, tmp_path / "keys")
    return unpack(content, tmp_path / "record")


def of_kind(records: Records, kind: RecordKind) -> Records:
    return [each for each in records if each["kind"] == kind.value]


def test_every_kind_is_there_and_stands_in_order(database: Database, clock: SetClock, tmp_path: Path) -> None:
    folder = make(database, scope_of(tell_tale(database, clock), case=True), tmp_path)
    records, internal = read(folder), read(folder, "internal.jsonl")

    assert {each["kind"] for each in records} == {kind.value for kind in RecordKind if kind not in INTERNAL}
    assert {each["kind"] for each in internal} == {kind.value for kind in INTERNAL}
    assert [each["no"] for each in records] == list(range(1, len(records) + 1))
    assert [each["kind"] for each in records[:2]] == ["case", "conversation"]
    moments = [each["at"]["utc"] for each in records[2:]]
    assert moments == sorted(moments)


def test_the_manifest_says_of_what_from_when_until_when_and_how_much(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    tale = tell_tale(database, clock)
    folder = make(database, scope_of(tale), tmp_path)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    records = read(folder)

    newest = max(each["body"]["id"] for each in of_kind(records, RecordKind.MESSAGE_IN))
    assert manifest["about"] == {
        "crime_reference": None,
        "conversations": [{"id": tale.conversation_id, "last_message_in": newest}],
    }
    assert manifest["range"] == {"from": records[1]["at"], "until": records[-1]["at"]}
    assert manifest["chains"]["record.jsonl"]["head"] == records[-1]["sha256"]
    assert manifest["chains"]["record.jsonl"]["kinds"]["message_in"] == 2
    schedule = (folder / "schedule-entry.txt").read_text()
    assert schedule.startswith("TEMPLATE.")
    assert "2 from the person, 2 to the person, 1 that came with them" in " ".join(schedule.split())


def test_a_message_that_came_stands_with_all_there_is_of_it(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    folder = make(database, scope_of(tell_tale(database, clock)), tmp_path)
    came, edit = of_kind(read(folder), RecordKind.MESSAGE_IN)
    body = came["body"]

    assert (body["text"], body["provider_message_id"]) == (WORDS, "SM1")
    assert body["screen"]["evidence"] == [{"rule": "immediate_danger.at_the_door", "start": 0, "end": 5}]
    assert (body["screen"]["band"], body["screen"]["category"]) == ("red", "immediate_danger")
    assert body["screen"]["rules"] == "0123456789abcdef"
    assert body["turn"]["outcome"] == "answered"
    assert body["reading"]["model"] == {"id": "model-of-the-tale", "sha256": None}
    assert body["reading"]["confidence"] == 0.1 + 0.2
    assert "state" not in body["reading"]
    assert (folder / body["raw"]["path"]).read_bytes() == RAW
    assert body["raw"]["sha256"] == hashlib.sha256(RAW).hexdigest()
    [media] = body["media"]
    assert (folder / media["file"]["path"]).read_bytes() == PICTURE
    assert media["is_as_it_came"] is True
    assert edit["body"]["details"] == {"edits": "SM1"}
    assert [flag["field"] for flag in came["review"]["third_party"]] == ["text", "media"]
    spans = came["review"]["third_party"][0]["spans"]
    assert {"Karen Smith", "07700 900123"} <= {WORDS[span["start"] : span["end"]] for span in spans}


def test_a_message_of_ours_stands_with_its_attempts_its_news_and_its_texts(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    folder = make(database, scope_of(tell_tale(database, clock)), tmp_path)
    sent, withheld = of_kind(read(folder), RecordKind.MESSAGE_OUT)

    assert sent["body"]["text"] == "Call 999 now."
    assert [each["outcome"] for each in sent["body"]["attempts"]] == ["sent"]
    assert [each["status"] for each in sent["body"]["news"]] == ["delivered"]
    assert [(each["name"], each["version"]) for each in sent["body"]["told"]] == [("utter_x", 3)]
    assert "review" not in sent or "safe_contact" not in sent["review"]
    assert withheld["body"]["staff_id"]["name"] == "Rowan Test-Detective"
    assert withheld["body"]["status"] == "suppressed"
    assert withheld["review"]["safe_contact"] == [{"field": "safe_contact_decision"}]
    assert withheld["review"]["third_party"][0]["field"] == "text"


def test_desk_acts_stand_with_who_and_why_and_reading_is_no_act(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    folder = make(database, scope_of(tell_tale(database, clock)), tmp_path)
    records = read(folder)

    [act] = of_kind(records, RecordKind.DESK_ACT)
    assert act["body"]["act"] == "conversation_claimed"
    assert (act["body"]["actor"]["name"], act["body"]["actor"]["collar_number"]) == (
        "Rowan Test-Detective",
        "T9",
    )
    [regrade] = of_kind(records, RecordKind.REGRADE)
    assert (regrade["body"]["from_grade"], regrade["body"]["to_grade"]) == (2, 1)
    assert regrade["body"]["reason"] == "Karen Smith is there again"
    assert regrade["review"]["third_party"]


def test_words_of_staff_and_drafts_are_apart(database: Database, clock: SetClock, tmp_path: Path) -> None:
    folder = make(database, scope_of(tell_tale(database, clock), case=True), tmp_path)
    rest = [each.read_bytes() for each in folder.rglob("*") if each.is_file() and "internal" not in each.name]

    for words in ("He was here before.", NEVER_SENT, "He was arrested.", "This stage is old."):
        assert words in (folder / "internal.jsonl").read_text()
        assert words in (folder / "internal.html").read_text()
        assert not any(words.encode() in content for content in rest)
    assert all(each["review"]["internal"] for each in read(folder, "internal.jsonl"))
    assert "Not for disclosure as it stands" in (folder / "internal.html").read_text()


def test_a_code_and_the_key_of_an_invite_stand_nowhere_in_it(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    tale = tell_tale(database, clock)
    code = an_outbound(tale.conversation_id, "Your code is 271828.", lane=Lane.ONE_TIME_CODE)
    database.write_now(
        lambda tx: tx.outbox.record(code, decision="answers_a_message", status=OutboxStatus.WAITING)
    )

    folder = make(database, scope_of(tale), tmp_path)

    assert not any(b"271828" in each.read_bytes() for each in folder.rglob("*") if each.is_file())
    last = of_kind(read(folder), RecordKind.MESSAGE_OUT)[-1]["body"]
    assert (last["text"], last["is_text_whole"]) == ("Your code is ••••••.", False)


@pytest.mark.parametrize(
    ("at", "utc", "local"),
    [
        (
            datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
            "2026-03-29T00:59:59.000000Z",
            "2026-03-29T00:59:59.000000+00:00",
        ),
        (
            datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
            "2026-03-29T01:00:00.000000Z",
            "2026-03-29T02:00:00.000000+01:00",
        ),
        # The hour that comes twice: the same clock, an hour apart.
        (
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "2026-10-25T00:30:00.000000Z",
            "2026-10-25T01:30:00.000000+01:00",
        ),
        (
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            "2026-10-25T01:30:00.000000Z",
            "2026-10-25T01:30:00.000000+00:00",
        ),
    ],
)
def test_a_time_stands_in_utc_and_as_the_clock_of_the_station_showed_it(
    database: Database, tmp_path: Path, at: datetime, utc: str, local: str
) -> None:
    conversation_id = database.write_now(lambda tx: tx.conversations.open(Channel.SMS, "+447700900002").id)
    message = an_sms("in summer or in winter", received_at=at, sent_at=at)
    database.write_now(lambda tx: tx.inbox.record(message, conversation_id, CALM))

    folder = make(database, ExportScope(conversation_ids=(conversation_id,)), tmp_path)

    [came] = of_kind(read(folder), RecordKind.MESSAGE_IN)
    assert (
        came["at"] == came["body"]["received_at"] == came["body"]["sent_at"] == {"utc": utc, "local": local}
    )
    assert f"(UTC{local[-6:]}); in UTC {utc[:10]} {utc[11:-1]}" in (folder / "record.html").read_text()


def test_the_record_of_a_conversation_holds_nothing_of_another(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    tale = tell_tale(database, clock)
    other = database.write_now(lambda tx: tx.conversations.open(Channel.SMS, "+447700900009").id)
    for words in ("a canary of somebody else", "and another"):
        database.write_now(lambda tx, words=words: tx.inbox.record(an_sms(words), other, CALM))
    database.write_now(lambda tx: tx.staff_notes.record(other, tale.staff_id, "a canary of staff"))

    folder = make(database, scope_of(tale, case=True), tmp_path)

    assert not any(b"canary" in each.read_bytes() for each in folder.rglob("*") if each.is_file())


def test_of_a_case_are_all_its_conversations_but_drills_and_what_is_of_another_case_is_marked(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    tale = tell_tale(database, clock)

    def more(tx: Any) -> tuple[str, str]:
        second = tx.conversations.open(Channel.WHATSAPP, "+447700900001").id
        drill = tx.conversations.open(Channel.SMS, "drill:1").id
        tx.connection.execute(sa.update(conversation).where(conversation.c.id == drill).values(is_drill=True))
        tx.cases.record_all([a_case(crime_reference="43260099999")])
        for each in (second, drill):
            tx.standings.record(each, REFERENCE, Standing.LINKED, method="link")
        tx.standings.record(second, "43260099999", Standing.LINKED, method="code")
        return second, drill

    second, drill = database.write_now(more)
    rows = database.read_now(lambda tx: tx.export_reads.list_conversations_of_case(REFERENCE))
    scope = ExportScope(conversation_ids=tuple(row["id"] for row in rows), crime_reference=REFERENCE)
    folder = make(database, scope, tmp_path)
    records = read(folder)

    assert [row["id"] for row in rows] == [tale.conversation_id, second]
    assert [each["body"]["id"] for each in of_kind(records, RecordKind.CONVERSATION)] == [
        row["id"] for row in rows
    ]
    assert drill not in (folder / "record.jsonl").read_text()
    marked = [each for each in records if "other_case" in each.get("review", {})]
    assert [each["body"]["crime_reference"] for each in marked] == ["43260099999"]


def test_words_and_forms_that_were_taken_away_are_simply_not_there(
    database: Database, clock: SetClock, tmp_path: Path
) -> None:
    """As when the time for keeping them was over."""
    tale = tell_tale(database, clock)

    def take_away(tx: Any) -> None:
        put_value(tx.connection, inbox.c.text, "")
        put_value(tx.connection, inbox.c.raw, b"")
        tx.connection.execute(sa.delete(media_content))
        tx.connection.execute(sa.update(inbound_media).values(status="failed"))

    database.write_now(take_away)
    came, _ = of_kind(read(make(database, scope_of(tale), tmp_path)), RecordKind.MESSAGE_IN)

    assert (came["body"]["raw"], came["body"]["media"][0]["file"]) == (None, None)
    assert "files" not in came


# --- the same again -------------------------------------------------------------------------------------


def test_made_again_it_is_the_same(database: Database, clock: SetClock, tmp_path: Path) -> None:
    tale = tell_tale(database, clock)
    first, sealed = make_bundle(database, scope_of(tale, case=True), tmp_path / "keys")
    clock.advance(days=40)
    database.write_now(
        lambda tx: tx.audit.record(
            "record_exported",
            by=tale.staff_id,
            conversation_id=tale.conversation_id,
            thing=sealed.manifest_sha256,
        )
    )
    again, sealed_again = make_bundle(database, scope_of(tale, case=True), tmp_path / "keys")

    assert again == first
    assert sealed_again == sealed
    assert clock.now().isoformat()[:10].encode() not in first


def test_made_in_another_process_it_is_the_same(
    clock: SetClock, tmp_path: Path, sqlite_template: Path
) -> None:
    """With another seed for hashes, so with another order of every set."""
    url = copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    database = Database(create_engine(url), clock)
    tale = tell_tale(database, clock)
    first, _ = make_bundle(database, scope_of(tale, case=True), tmp_path / "keys")
    database.close()
    program = (
        "import hashlib, pathlib, sys\n"
        "from casework.adapters.storage.database import Database, create_engine\n"
        "from casework.services.disclosure_export_ports import ExportScope\n"
        "from tests.casework.adapters.export_tale import make_bundle\n"
        "from tests.support.clock import SetClock\n"
        "url, conversation, reference, folder = sys.argv[1:]\n"
        "scope = ExportScope(conversation_ids=(conversation,), crime_reference=reference)\n"
        "content, _ = make_bundle(Database(create_engine(url), SetClock()), scope, pathlib.Path(folder))\n"
        "print(hashlib.sha256(content).hexdigest())\n"
    )
    arguments = [url, tale.conversation_id, REFERENCE, str(tmp_path / "keys")]
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=clean_environ(PYTHONPATH=str(ROOT), PYTHONHASHSEED="7", TZ="Asia/Tokyo", LC_ALL="C"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.strip() == hashlib.sha256(first).hexdigest(), ran.stderr


def test_it_is_the_same_from_another_database_and_other_row_order(
    clock: SetClock, tmp_path: Path, sqlite_template: Path, postgresql_url: str
) -> None:
    here = Database(create_engine(copy_sqlite(sqlite_template, tmp_path / "waymark.db")), clock)
    engine = create_engine(postgresql_url)
    empty(engine)
    there = Database(engine, clock)
    scope = scope_of(tell_tale(here, clock), case=True)
    copy_backwards(here, there)

    first, _ = make_bundle(here, scope, tmp_path / "keys")
    second, _ = make_bundle(there, scope, tmp_path / "keys")
    here.close()
    there.close()

    assert first == second


def copy_backwards(here: Database, there: Database) -> None:
    """Every row, each table from its last row to its first."""
    for table in metadata.sorted_tables:
        if table in (data_key, key_check):
            continue
        rows = here.read_now(
            lambda tx, table=table: [dict(row) for row in tx.connection.execute(sa.select(table)).mappings()]
        )
        if rows:
            there.write_now(lambda tx, table=table, rows=rows: put_rows(tx.connection, table, *rows[::-1]))


def test_two_snapshots_are_not_mixed(database: Database, clock: SetClock, tmp_path: Path) -> None:
    """What is written while it is read is not in it, on PostgreSQL too, where each statement has its own moment."""
    tale = tell_tale(database, clock)

    def count_twice(tx: Any) -> tuple[int, int]:
        tx.export_reads.begin()
        scope = scope_of(tale)
        first = len(tx.export_reads.list_entries(RecordKind.MESSAGE_IN, scope))
        database.write_now(lambda other: other.inbox.record(an_sms("meanwhile"), tale.conversation_id, CALM))
        return first, len(tx.export_reads.list_entries(RecordKind.MESSAGE_IN, scope))

    first, second = database.read_now(count_twice)
    assert first == second


# --- nothing forgotten ----------------------------------------------------------------------------------


def test_every_column_of_what_is_told_is_in_a_record_or_left_out_by_name() -> None:
    """Red when: a table gets a column and nobody has said whether it belongs into the record."""
    undecided = [
        f"{source.table.name}.{column.name}"
        for source in [
            *told.SOURCES.values(),
            told.TURN,
            told.READING,
            told.MEDIA,
            told.ATTEMPT,
            told.NEWS,
        ]
        for column in source.table.columns
        if source.table is not audit and column.name not in {*source.columns, *source.left_out}
    ]
    assert undecided == []


@pytest.mark.slow
def test_ten_thousand_messages_take_little_memory(tmp_path: Path, sqlite_template: Path) -> None:
    """About 15 seconds. In a process of its own: what others took would count."""
    url = copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.casework.adapters.export_many", url, str(tmp_path)],
        cwd=ROOT,
        env=clean_environ(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(ran.stdout) if ran.returncode == 0 else {"fault": ran.stderr}

    assert told["messages"] == 10_000, told
    assert told["more_mb"] < 40, told
    assert os.stat(tmp_path / "record.zip").st_size == told["size"]
