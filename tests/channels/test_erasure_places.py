"""After an erasing no byte of it is left: in the database's file and log, in the spool, among exports.

Red when: `secure_delete` is off (words in the file), `clear_deleted` is never called (words in the log), a line of the
spool is left as it is, or a packed export is read by its name alone (each tried in a copy).
"""

import base64
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import case, conversation, inbox, opt_out, outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.messages import Channel
from casework.services import erasure
from casework.services.keeping_ports import Addresses, Covers
from channels.erasure_places import EXPORTED, SPOOLED, ErasurePlaces
from channels.spool import MESSAGE_PATH
from channels.spool_files import SpooledPost, append, list_waiting, set_aside, write_offset
from tests.casework.adapters.subject_canaries import Seeded
from tests.support.clock import SetClock
from tests.support.keeping import Keeper, a_person
from tests.support.line import Line

THEIRS, OTHERS = "+447700900001", "+447700900002"
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COVERS = Covers(
    conversations=("c" * 32,), cases=("43260012345",), people=("d" * 32,), proved=(), last_inbox_id=1
)
ADDRESSES = Addresses(by_channel=[(Channel.SMS, THEIRS)], message_ids=frozenset({"SM1"}))


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def spool(folder: Path, *, sender: str, words: str, sid: str = "SM9") -> None:
    form = {"MessageSid": sid, "From": sender, "To": "+447700900900", "Body": words}
    append(folder, SpooledPost(received_at=AT, path=MESSAGE_PATH, body=urlencode(form).encode()))


def read_spool(folder: Path) -> str:
    """Everything there, as it stands and as it says."""
    lines = [line for path in sorted(folder.rglob("*.*")) for line in path.read_bytes().split(b"\n")]
    bodies = [part for line in lines for part in line.split(b'"') if len(part) > 40]
    return "".join(map(str, [*lines, *(base64.b64decode(each + b"==") for each in bodies)]))


async def test_a_line_that_was_taken_in_loses_its_words_and_nothing_else_moves(tmp_path: Path) -> None:
    spool(tmp_path, sender=THEIRS, words="erase-me-one")
    spool(tmp_path, sender=OTHERS, words="keep-me-one")
    spool(tmp_path, sender="whatsapp:" + THEIRS, words="erase-me-two")
    spool(tmp_path, sender=OTHERS, words="erase-me-three", sid="SM1")
    path = tmp_path / "2026-11-21.jsonl"
    taken_in = path.stat().st_size
    write_offset(path, taken_in)
    spool(tmp_path, sender=THEIRS, words="not-read-yet")

    done = await ErasurePlaces(tmp_path, tmp_path / "exports").clean(COVERS, ADDRESSES)

    left = read_spool(tmp_path)
    assert done == {SPOOLED: 3, EXPORTED: 0}
    assert "erase-me" not in left
    assert "keep-me-one" in left
    [waiting] = list_waiting(path, most=10)
    assert b"not-read-yet" in base64.b64decode(waiting.line.split(b'"body": "')[1].split(b'"')[0])
    assert await ErasurePlaces(tmp_path, tmp_path / "exports").clean(COVERS, ADDRESSES) == {
        SPOOLED: 0,
        EXPORTED: 0,
    }


async def test_what_could_not_be_read_loses_its_words_too(tmp_path: Path) -> None:
    spool(tmp_path, sender=THEIRS, words="erase-me-torn")
    path = tmp_path / "2026-11-21.jsonl"
    whole = path.read_bytes()
    write_offset(path, len(whole))
    set_aside(path, whole[:-90])
    set_aside(path, b"something else that was torn")

    done = await ErasurePlaces(tmp_path, tmp_path / "exports").clean(COVERS, ADDRESSES)

    assert done[SPOOLED] == 2
    assert "erase-me" not in read_spool(tmp_path)
    assert "something else" in read_spool(tmp_path)


async def test_an_export_of_theirs_is_removed_packed_or_not(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    (exports / "deep").mkdir(parents=True)
    (exports / f"{'c' * 32}.txt").write_text("by its name")
    (exports / "deep" / "case.json").write_text('{"case": "43260012345"}')
    (exports / "other.json").write_text('{"case": "43260099999"}')
    with zipfile.ZipFile(exports / "packed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("record.jsonl", '{"conversation": "%s"}' % ("c" * 32))
    with zipfile.ZipFile(exports / "others.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("record.jsonl", '{"conversation": "%s"}' % ("e" * 32))

    done = await ErasurePlaces(tmp_path / "spool", exports).clean(COVERS, ADDRESSES)

    assert done[EXPORTED] == 3
    assert sorted(path.name for path in exports.rglob("*.*")) == ["other.json", "others.zip"]


def find_words(folder: Path, words: dict[str, str]) -> Iterator[str]:
    """Where in any file below a word stands."""
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = path.read_bytes()
        yield from (f"{path.name}: {place}" for place, word in words.items() if word.encode() in content)


async def test_no_byte_of_a_person_is_left_once_they_are_erased(line: Line, tmp_path: Path) -> None:
    staff = line.add_staff()
    theirs = line.database.write_now(lambda tx: _seed(tx, staff.id))
    spool(tmp_path / "spool", sender="word", words=theirs.words["inbox.text"], sid="SM1")
    spool(
        tmp_path / "spool", sender=theirs.words["conversation.external_id"], words=theirs.words["inbox.text"]
    )
    for path in (tmp_path / "spool").glob("*.jsonl"):
        write_offset(path, path.stat().st_size)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "record.json").write_text(
        f"{theirs.conversation_id} {theirs.words['inbox.text']}"
    )
    kept = ("audit.", "example.intent", "example.category")
    words = {place: word for place, word in theirs.words.items() if not place.startswith(kept)}
    is_sqlite = line.database.engine.dialect.name == "sqlite"
    if is_sqlite:
        assert len({each.partition(": ")[2] for each in find_words(tmp_path, words)}) > 100

    keeper = Keeper(database=line.database, clock=line.clock)
    keeper.places = ErasurePlaces(tmp_path / "spool", tmp_path / "exports")  # type: ignore[assignment]
    erasure_id = keeper.ask(a_person(theirs.person_id))
    await keeper.erase_all()
    line.database.write_now(lambda tx: erasure.note_taught(tx, erasure_id, {}))
    await keeper.erase_all()

    assert keeper.find(erasure_id).counts[EXPORTED] == 1
    assert list(find_words(tmp_path, words)) == []
    left = str({name: rows for name, rows in line.everything().items() if name != "audit"})
    assert [place for place, word in words.items() if word in left] == []
    if is_sqlite:
        assert (tmp_path / "waymark.db-wal").stat().st_size == 0


def _seed(tx: SqlTransaction, staff_id: str) -> Seeded:
    seeded = Seeded(tx.connection, "a", staff_id).fill()
    for table in (conversation, inbox, outbox, opt_out):
        tx.connection.execute(sa.update(table).values(channel="sms"))
    tx.connection.execute(sa.update(conversation).values(owner_id=None))
    tx.connection.execute(sa.update(case).values(stage="closed_no_further_lines"))
    return seeded


async def test_a_reader_in_the_way_makes_it_later_and_holds_nobody_up(line: Line) -> None:
    if line.database.engine.dialect.name != "sqlite":
        assert await line.database.clear_deleted(["inbox"])
        return
    line.receive("something in the log")
    reading = line.database.engine.connect().execution_options(waymark_read=True)
    with reading:
        assert reading.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one() == 1
        line.receive("and more behind the reader")
        assert not await line.database.clear_deleted(["inbox"])
        line.receive("writing goes on")
    assert await line.database.clear_deleted(["inbox"])
