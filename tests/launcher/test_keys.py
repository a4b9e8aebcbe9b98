"""The key file is the right one or nothing runs; keys change while everything runs, and nothing stored is lost."""

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.key_tables import data_key, key_check
from casework.adapters.storage.migrate import SCRIPTS, upgrade
from casework.adapters.storage.tables import conversation, inbox, person
from casework.adapters.storage.vaults import check_keys, get_vault
from casework.adapters.vault.key_files import KeyRing, KeysWrong, new_ring, read_keys, write_keys
from casework.adapters.vault.key_services import FileKeys
from casework.model.messages import Channel
from launcher.__main__ import main
from launcher.keys import run_keys
from tests.support.builders import a_case
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, empty, make_postgresql, make_sqlite, put_keys
from tests.support.line import Line

MOBILE = "+447700900077"


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database, clock)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file of the test's own, the same keys as every other's."""
    return put_keys(tmp_path)


@pytest.fixture
def own(database_url: str, key_file: Path, clock: SetClock) -> Iterator[Line]:
    """A database with something in it, by a key file that the test may change."""
    database = Database(create_engine(database_url, FileKeys(key_file)), clock)
    line = Line(database, clock)
    line.add_cases(a_case(contact_mobile=MOBILE))
    line.receive("the words", external_id=MOBILE)
    yield line
    database.close()
    if database_url.startswith("postgresql"):
        put_check_back(database_url)


def put_check_back(url: str) -> None:
    """The server's database is the next test's too, by the keys of every test."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    empty(engine)
    with engine.begin() as connection:
        connection.execute(sa.delete(key_check))
    engine.dispose()
    engine = create_engine(url)
    with engine.begin() as connection:
        get_vault(engine).note_field(connection)
        get_vault(engine).note_index(connection, 1)
    engine.dispose()


def address(line: Line) -> str:
    return line.database.engine.url.render_as_string(hide_password=False)


def run(action: str, line: Line, key_file: Path, what: str | None = None) -> int:
    return run_keys(action, what, url=address(line), key_file=key_file, data_dir=key_file.parent.parent)


def reopen(line: Line, key_file: Path) -> Line:
    """As another process sees it: nothing of a key is remembered."""
    return Line(Database(create_engine(address(line), FileKeys(key_file)), line.clock), line.clock)


# --- the file ------------------------------------------------------------------------------------


def test_the_file_is_written_for_its_owner_alone_and_read_as_it_was(tmp_path: Path) -> None:
    ring = new_ring().add_field().add_index()

    write_keys(tmp_path / "keys" / "field.keys", ring)

    assert read_keys(tmp_path / "keys" / "field.keys") == ring
    assert (tmp_path / "keys" / "field.keys").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["field.keys"]
    assert "b'" not in repr(ring)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no key file"),
        ("[]", "no key file"),
        ('{"field": {"1": "short"}, "index": {}}', "no key file"),
        ('{"field": {}, "index": {}}', "no key file"),
        ("open", "chmod 600"),
        (None, "There is no key file"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name_and_no_key_is_told(
    tmp_path: Path, content: str | None, says: str
) -> None:
    path = put_keys(tmp_path)
    if content is None:
        path.unlink()
    elif content == "open":
        path.chmod(0o640)
    else:
        path.write_text(content)

    with pytest.raises(KeysWrong, match=says) as refused:
        read_keys(path)

    assert str(path) in str(refused.value)


# --- the start -----------------------------------------------------------------------------------


def hash_files(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def spoil(key_file: Path, how: str) -> None:
    ring = read_keys(key_file)
    if how == "missing":
        key_file.unlink()
    elif how == "another":
        write_keys(key_file, new_ring())
    elif how == "another_index":
        write_keys(key_file, KeyRing(field=ring.field, index=new_ring().index))
    else:
        write_keys(key_file, KeyRing(field={2: ring.field[1]}, index=ring.index))


@pytest.mark.parametrize("how", ["another", "another_index", "missing", "older"])
def test_without_its_keys_nothing_starts_and_not_a_byte_is_written(
    sqlite_template: Path, tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Red when: the check is left out, or a missing file is made anew."""
    monkeypatch.delenv("WAYMARK_KEYS")
    url = copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    line = Line(Database(create_engine(url), clock), clock)
    line.receive("the words", external_id=MOBILE)
    line.database.close()
    key_file = put_keys(tmp_path)
    spoil(key_file, how)
    before = hash_files(tmp_path)
    engine = create_engine(url)

    with pytest.raises(KeysWrong, match=str(key_file)):
        upgrade(engine)
    with pytest.raises(KeysWrong, match=str(key_file)):
        Database(engine, clock).write_now(lambda tx: tx.conversations.open(Channel.SMS, "+447700900078"))
    engine.dispose()

    assert hash_files(tmp_path) == before
    assert key_file.exists() is (how != "missing")


@pytest.mark.parametrize("command", [["queue"], ["db", "upgrade"], ["staff", "list"]])
def test_a_command_names_the_file_and_the_remedy(
    sqlite_template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    monkeypatch.delenv("WAYMARK_KEYS")
    copy_sqlite(sqlite_template, tmp_path / "waymark.db")
    write_keys(tmp_path / "keys" / "field.keys", new_ring())
    before = hash_files(tmp_path)

    assert main([*command, "--data-dir", str(tmp_path)]) == 2

    said = capsys.readouterr().err
    assert str(tmp_path / "keys" / "field.keys") in said
    assert "docs/keys.md" in said
    assert hash_files(tmp_path) == before


def test_a_first_start_makes_the_keys_once(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/data/waymark.db", FileKeys(tmp_path / "field.keys"))
    upgrade(engine)
    made = (tmp_path / "field.keys").read_bytes()
    upgrade(engine)
    engine.dispose()

    assert (tmp_path / "field.keys").read_bytes() == made


def test_a_database_that_is_not_there_yet_stops_no_start(tmp_path: Path) -> None:
    """The gateway starts, and its fallback takes what is written, however long the database is away."""
    url = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
    engine = create_engine(url, FileKeys(put_keys(tmp_path)))
    check_keys(engine)


class OwnService:
    """A force's key service, as small as it can be: it keeps what it was given and hands out a number."""

    def __init__(self) -> None:
        self.held: list[tuple[bytes, str]] = []

    def newest(self) -> int:
        return 7

    def wrap(self, data_key: bytes, owner: str) -> bytes:
        self.held.append((data_key, owner))
        return str(len(self.held) - 1).encode()

    def unwrap(self, version: int, wrapped: bytes, owner: str) -> bytes:
        data_key, whose = self.held[int(wrapped)]
        assert (version, owner) == (7, whose)
        return data_key


def test_a_key_service_of_the_force_takes_the_place_of_the_file(tmp_path: Path, clock: SetClock) -> None:
    service = OwnService()
    url, keys = f"sqlite:///{tmp_path}/waymark.db", FileKeys(put_keys(tmp_path))
    engine = create_engine(url, keys, service=service)
    upgrade(engine)
    Line(Database(engine, clock), clock).receive("the words")
    engine.dispose()

    other = Line(Database(create_engine(url, keys, service=service), clock), clock)

    assert other.row(inbox).text == "the words"
    assert {row.key_version for row in other.rows(data_key)} == {7}
    assert {owner for _, owner in service.held} >= {row.owner for row in other.rows(data_key)}
    other.database.close()
    with pytest.raises(KeysWrong):
        create_engine(url, keys).connect().exec_driver_sql("SELECT 1")


# --- what was there before -----------------------------------------------------------------------


def back_to(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


OLD = """
INSERT INTO person (id, match_key, contact_mobile, plan, created_at)
    VALUES ('p', 'm', '+447700900077', '{"v": 1}', '2026-11-20 12:00:00+00');
INSERT INTO "case" (crime_reference, crime_type, stage, stage_since, oic_name, oic_collar_number, oic_contact,
    victim_name, contact_mobile, safe_contact, language, person_id, imported_at)
    VALUES ('43260012345', 'burglary', 'reported', '2026-11-01', 'DC Test', '1', '101', 'Old Canary',
    '+447700900077', 'any', 'en', 'p', '2026-11-20 12:00:00+00');
INSERT INTO conversation (id, channel, external_id, state, epoch, created_at, is_drill)
    VALUES ('c', 'sms', '+447700900077', '{"slots": ["old canary"]}', 0, '2026-11-20 12:00:00+00', FALSE);
INSERT INTO inbox (channel, provider_message_id, conversation_id, received_at, text, raw, media_count, has_location,
    screen, details) VALUES ('sms', 'SM1', 'c', '2026-11-20 12:00:00+00', 'old canary text', 'old canary raw', 0, FALSE,
    '{"urgent": false, "tier": null, "category": null, "evidence": []}', 'null');
INSERT INTO credential (id, person_id, kind, secret_hash, created_at)
    VALUES ('k', 'p', 'pin', 'x', '2026-11-20 12:00:00+00');
INSERT INTO throttle (bucket, window_start, count, cooled)
    VALUES ('wrong_pins_of_person:p', '2026-11-20 12:00:00+00', 3, 0)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_stored_in_the_clear_is_sealed_by_the_upgrade(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock, kind: str
) -> None:
    """Red when: any of it still stands in a file, or reads otherwise than before."""
    if kind == "sqlite":
        url = make_sqlite(tmp_path / "waymark.db")
    else:
        url = make_postgresql(request.getfixturevalue("postgresql_uri"), "waymark_unsealed")
    engine = create_engine(url)
    back_to(engine, "0018")
    with engine.begin() as connection:
        raw = "decode('6f6c64', 'hex')" if kind == "postgresql" else "x'6f6c64'"
        for statement in OLD.replace("'old canary raw'", raw).split(";\n"):
            connection.exec_driver_sql(statement)

    upgrade(engine)

    line = Line(Database(engine, clock), clock)
    talk, message, whose = line.row(conversation), line.row(inbox), line.row(person)
    assert (talk.external_id, talk.state) == (MOBILE, {"slots": ["old canary"]})
    assert (message.text, message.raw, message.details) == ("old canary text", b"old", None)
    assert (whose.contact_mobile, whose.plan) == (MOBILE, {"v": 1})
    [found] = line.database.read_now(lambda tx: tx.people.list_reaches(Channel.SMS, MOBILE, "c"))
    assert found.person_id == whose.id != "p"
    assert line.database.read_now(lambda tx: tx.cases.find("43260012345").victim_name) == "Old Canary"
    assert line.database.read_now(lambda tx: tx.credentials.find_hash(whose.id, "pin")) == "x"
    held = line.database.read_now(lambda tx: tx.throttles.find(f"wrong_pins_of_person:{whose.id}"))
    assert held is not None
    assert line.database.write_now(lambda tx: tx.conversations.open(Channel.SMS, MOBILE)).id == "c"
    line.add_cases(a_case(victim_name="Old Canary", contact_mobile=MOBILE))
    line.database.close()
    if kind == "sqlite":
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("waymark.db*"))
        assert b"canary" not in stored
        assert b"900077" not in stored


# --- new keys ------------------------------------------------------------------------------------


def test_a_new_key_takes_the_place_of_the_old_one_while_messages_come(
    own: Line, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Red when: a row is left on the old key, or what was written meanwhile cannot be read."""
    stop = threading.Event()
    sent: list[str] = []

    def keep_writing() -> None:
        while not stop.is_set():
            text = f"message {len(sent)}"
            own.receive(text, external_id=f"+44770090{len(sent) % 40:04d}", provider_message_id=f"SM-{text}")
            sent.append(text)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        while len(sent) < 20:
            stop.wait(0.005)
        assert run("rotate", own, key_file) == 0
        known = len(sent)
        while len(sent) < known + 20:
            stop.wait(0.005)
        assert run("rewrap", own, key_file) == 0
    finally:
        stop.set()
        writer.join()

    assert run("rewrap", own, key_file) == 0
    assert "Rows on an old key: 0" in capsys.readouterr().out
    assert run("forget", own, key_file, "1") == 0
    other = reopen(own, key_file)
    assert {row.text for row in other.rows(inbox)} == {"the words", *sent}
    assert {row.key_version for row in other.rows(data_key)} == {2}
    assert set(read_keys(key_file).field) == {2}
    other.database.close()


def test_a_rewrap_killed_half_way_goes_on_where_it_was(own: Line, key_file: Path) -> None:
    for number in range(30):
        own.receive("more", external_id=f"+4477009000{number:02d}", provider_message_id=f"SM{number}x")
    run("rotate", own, key_file)

    class Killed(Exception):
        pass

    def rewrap_and_die(tx: Any) -> None:
        tx.data_keys.rewrap_some(limit=5)
        raise Killed

    own.database.write_now(lambda tx: tx.data_keys.rewrap_some(limit=10))
    with pytest.raises(Killed):
        own.database.write_now(rewrap_and_die)
    total = len(own.rows(data_key))

    assert own.database.read_now(lambda tx: tx.data_keys.count_older()) == total - 10
    other = reopen(own, key_file)
    assert len([row.text for row in other.rows(inbox)]) == 31  # both versions are read meanwhile
    other.database.close()
    with pytest.raises(KeysWrong, match="need version 1 still"):
        run("forget", own, key_file, "1")
    assert run("rewrap", own, key_file) == 0
    assert run("check", own, key_file) == 0


def test_the_key_in_use_is_never_forgotten(own: Line, key_file: Path) -> None:
    with pytest.raises(KeysWrong, match="is the one in use"):
        run("forget", own, key_file, "1")


def test_a_file_from_before_the_last_new_key_is_refused(own: Line, key_file: Path) -> None:
    older = key_file.read_bytes()
    run("rotate", own, key_file)
    key_file.write_bytes(older)

    other = reopen(own, key_file)
    with pytest.raises(KeysWrong, match="older than this database"):
        get_vault(other.database.engine).check()
    other.database.close()


def test_a_new_index_key_finds_everybody_again(own: Line, key_file: Path) -> None:
    """Red when: an index is left as it was, or a person is not known any more by their name and number."""
    details = {"phone": MOBILE, "profile_name": "Alex"}
    talk = own.receive("hi", external_id="wa", channel=Channel.WHATSAPP, details=details).conversation_id
    before = own.rows(conversation)
    of_record = own.row(person)
    own.database.close()

    assert run("rotate-index", own, key_file) == 0

    after = reopen(own, key_file)
    assert after.rows(conversation) == before
    again = after.receive("again", external_id=MOBILE, provider_message_id="SM-again")
    assert again.conversation_id in {row.id for row in before}
    assert after.database.read_now(lambda tx: tx.people.list_seen_numbers(Channel.WHATSAPP, talk)) == [MOBILE]
    after.add_cases(a_case(crime_reference="43260099999", contact_mobile=MOBILE))
    assert after.row(person).id == of_record.id
    assert set(json.loads(key_file.read_text())["index"]) == {"2"}
    after.database.close()
