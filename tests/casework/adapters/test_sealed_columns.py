"""Nobody's words stand in the database in the clear, and what is sealed opens where it was put and nowhere else."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.key_tables import data_key
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.sealed import BlindIndex, Ciphertext, Sealed, SealedBeside, of_case, seal
from casework.adapters.storage.tables import case, conversation, inbox, opt_out, outbox, person
from casework.adapters.storage.vaults import get_vault
from casework.adapters.vault.data_keys import FieldUnreadable
from casework.model.cases import CaseEvent
from casework.model.erased import Erased, load_erased
from casework.model.messages import Channel, InboundMedia
from tests.support.builders import a_case
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.line import Line

PLAIN = Path("tests/data/plain_columns.toml")
CLOSED = (Sealed, SealedBeside, BlindIndex)
READABLE = (sa.String, sa.Text, sa.JSON, sa.LargeBinary)
MOBILE = "+447700900077"


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database, clock)


def fill(line: Line) -> None:
    """Three people, each with a case, messages, a file and answers, one of them by staff."""
    for number in range(3):
        reference, mobile = f"4326001234{number}", f"+44770090007{number}"
        event = CaseEvent(at=line.clock.now(), kind="note", detail=f"canary detail {number}")
        line.add_cases(
            a_case(
                crime_reference=reference,
                victim_name=f"Canary Name{number}",
                contact_mobile=mobile,
                contact_email=f"canary{number}@example.org",
                events=(event,),
            )
        )
        received = line.receive(
            f"canary text {number}",
            external_id=mobile,
            provider_message_id=f"SM{number}",
            raw=f"Body=canary+raw+{number}".encode(),
            details={"profile_name": f"canary profile {number}"},
            media=(InboundMedia(source=f"https://canary.example/{number}", stated_type="image/png"),),
        )
        rowan = line.add_staff(f"rowan{number}")
        line.claim(received.conversation_id, rowan)
        line.reply(received.conversation_id, f"canary reply {number}", rowan, form_id=f"form{number}")
        line.database.write_now(
            lambda tx, of=received.conversation_id, by=rowan.id, n=number: (
                tx.staff_notes.record(of, by, f"canary note {n}"),
                tx.media.keep(
                    tx.media.list_of_conversation(of)[0].media_id,
                    f"canary bytes {n}".encode(),
                    found_type="image/png",
                    sha256="0" * 64,
                ),
                tx.opt_outs.record(Channel.SMS, mobile, how="asked", word="STOP"),
            )
        )


def test_every_column_is_decided() -> None:
    """Sealed, an index, or plain for a written reason.

    Red when: a column of text is added to any table and to none of these.
    """
    lists = tomllib.loads(PLAIN.read_text())
    plain = [name for each in lists.values() for name in each["columns"]]
    columns = {
        f"{table.name}.{column.name}": column for table in metadata.sorted_tables for column in table.c
    }
    undecided = {
        name
        for name, column in columns.items()
        if isinstance(column.type, READABLE) and not isinstance(column.type, CLOSED) and name not in plain
    }

    assert undecided == set()
    assert len(plain) == len(set(plain))
    assert {name for name in plain if name not in columns or isinstance(columns[name].type, CLOSED)} == set()
    assert all(each["why"] for each in lists.values())


def test_every_table_with_something_sealed_says_what_names_its_rows() -> None:
    for table in metadata.sorted_tables:
        if any(isinstance(column.type, Sealed | SealedBeside) for column in table.c):
            named = table.info["sealed_rows"].row
            assert named, table.name
            assert set(named) <= set(table.c.keys()), table.name


# --- writing -------------------------------------------------------------------------------------


def test_a_bare_word_is_refused_wherever_it_would_be_stored(line: Line) -> None:
    received = line.receive("hello")
    of = inbox.c.id == received.inbox_id
    statements = [
        sa.update(inbox).where(of).values(text="in the clear"),
        sa.update(inbox).where(of).values(raw=b"in the clear"),
        sa.update(inbox).where(of).values(details={"phone": "in the clear"}),
        sa.update(conversation).values(external_id="+447700900001"),
    ]

    for statement in statements:
        with pytest.raises((sa.exc.StatementError, TypeError)):
            line.database.write_now(lambda tx, one=statement: tx.connection.execute(one))

    assert line.row(inbox).text == "hello"


def test_a_condition_never_looks_inside_what_is_sealed(line: Line) -> None:
    for make in (
        lambda: sa.select(inbox.c.id).where(inbox.c.text == "hello"),
        lambda: sa.select(inbox.c.id).where(inbox.c.text.contains("hello")),
        lambda: sa.select(outbox.c.id).where(outbox.c.text == outbox.alias().c.text),
        lambda: sa.select(case.c.crime_reference).order_by(case.c.victim_name.desc()),
    ):
        with pytest.raises(TypeError, match="is sealed"):
            make()
    with pytest.raises(TypeError, match="is sealed"):
        line.database.read_now(
            lambda tx: tx.connection.execute(sa.select(sa.func.coalesce(inbox.c.read_as, inbox.c.text)))
        )


def test_the_same_number_is_found_in_every_table_and_no_table_has_it(line: Line) -> None:
    fill(line)

    def look(tx: Any) -> tuple[Any, ...]:
        joined = (
            sa.select(conversation.c.external_id, case.c.contact_mobile, person.c.contact_mobile)
            .join(case, case.c.contact_mobile == conversation.c.external_id)
            .join(person, person.c.contact_mobile == case.c.contact_mobile)
            .join(opt_out, opt_out.c.external_id == conversation.c.external_id)
            .where(conversation.c.external_id == "+447700900071")
        )
        held = tx.connection.exec_driver_sql("SELECT external_id FROM conversation").scalars().all()
        return tx.connection.execute(joined).all(), held

    found, held = line.database.read_now(look)

    assert [tuple(row) for row in found] == [("+447700900071",) * 3]
    assert len(held) == len(set(held)) == 3
    assert all(len(index) == 64 and set(index) <= set("0123456789abcdef") for index in held)


def test_no_word_of_anybody_is_in_the_files(sqlite_template: Path, tmp_path: Path, clock: SetClock) -> None:
    """Every byte of the database and its log, with all of it written.

    Red when: any one column of those is stored as it came.
    """
    database = Database(create_engine(copy_sqlite(sqlite_template, tmp_path / "waymark.db")), clock)
    fill(Line(database, clock))
    stored = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("waymark.db*")))
    database.close()

    assert b"43260012341" in stored
    for word in (b"canary", b"Canary", b"+44770090007", b"44770090007"):
        assert word not in stored


# --- what was moved ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    table: str
    column: str
    key: tuple[tuple[str, Any], ...]
    held: str


def list_cells(connection: sa.Connection) -> Iterator[Cell]:
    for table in metadata.sorted_tables:
        keys = [column.name for column in table.primary_key.columns]
        plain = sa.table(table.name, *(sa.column(name) for name in table.c.keys()))  # noqa: SIM118
        for column in table.c:
            if isinstance(column.type, Sealed | SealedBeside):
                query = sa.select(*(plain.c[name] for name in keys), plain.c[column.name].label("held"))
                for row in connection.execute(query.where(plain.c[column.name].is_not(None))):
                    yield Cell(table.name, column.name, tuple(zip(keys, row, strict=False)), row.held)


def put(connection: sa.Connection, cell: Cell, held: str) -> None:
    plain = sa.table(cell.table, sa.column(cell.column), *(sa.column(name) for name, _ in cell.key))
    same = [plain.c[name] == value for name, value in cell.key]
    connection.execute(sa.update(plain).where(*same).values({cell.column: held}))


def read(connection: sa.Connection, cell: Cell) -> None:
    table = metadata.tables[cell.table]
    column = cell.column.removesuffix("_sealed")
    same = [table.c[name] == value for name, value in cell.key]
    connection.execute(sa.select(table.c[column]).where(*same)).all()


def test_what_is_sealed_opens_nowhere_but_where_it_was_put(line: Line) -> None:
    """Any two changed for each other: of one row, one column, one owner, or of none of them.

    Red when: the table, the column or the row is left out of what is sealed with it.
    """
    fill(line)
    cells = line.database.read_now(lambda tx: list(list_cells(tx.connection)))
    assert len({cell.table for cell in cells}) >= 10
    place = st.sampled_from(range(len(cells)))

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(place, place)
    def swap(first: int, second: int) -> None:
        one, other = cells[first], cells[second]
        with line.database.engine.connect() as connection:
            read(connection, one)
            if first == second:
                return
            put(connection, one, other.held)
            put(connection, other, one.held)
            for cell in (one, other):
                with pytest.raises(FieldUnreadable) as refused:
                    read(connection, cell)
                assert "canary" not in str(refused.value).lower()
            connection.rollback()

    swap()


@pytest.mark.parametrize("change", ["cut", "empty", "flip", "no_base64", "other_key"])
def test_what_was_altered_is_refused(line: Line, change: str) -> None:
    line.receive("hello")
    held = line.database.read_now(
        lambda tx: tx.connection.exec_driver_sql("SELECT text FROM inbox").scalar_one()
    )
    letter = "B" if held[30] == "A" else "A"
    altered = {
        "cut": held[:-4],
        "empty": "",
        "flip": held[:30] + letter + held[31:],
        "no_base64": "hello!",
        "other_key": held[:4] + "AAAAAAAA" + held[12:],
    }[change]
    line.database.write_now(
        lambda tx: tx.connection.execute(sa.update(sa.table("inbox", sa.column("text"))).values(text=altered))
    )

    with pytest.raises(FieldUnreadable):
        line.row(inbox)


# --- whose key it is -----------------------------------------------------------------------------


def test_each_conversation_and_case_has_a_key_of_its_own(line: Line) -> None:
    fill(line)
    owners = line.database.read_now(
        lambda tx: set(tx.connection.exec_driver_sql("SELECT owner FROM data_key").scalars())
    )

    assert {of_case(f"4326001234{number}") for number in range(3)} <= owners
    assert {row.id for row in line.rows(conversation)} <= owners
    assert {row.id for row in line.rows(person)} <= owners
    assert len(owners) == 10  # and what is nobody's own


def test_what_is_sealed_for_somebody_is_gone_with_their_key_and_nothing_else_is(line: Line) -> None:
    fill(line)
    gone, *_ = line.rows(conversation)
    [kept, *_] = [row for row in line.rows(inbox) if row.conversation_id != gone.id]

    assert line.database.write_now(lambda tx: tx.data_keys.shred(gone.id)) is True

    [erased] = line.rows(inbox, conversation_id=gone.id)
    assert (erased.text, erased.raw, erased.details) == (load_erased(), b"", {})
    assert isinstance(erased.text, Erased)
    assert [row.text for row in line.rows(inbox, conversation_id=kept.conversation_id)] == [kept.text]
    assert line.rows(case)[0].victim_name == "Canary Name0"
    assert line.database.write_now(lambda tx: tx.data_keys.shred(gone.id)) is False


def test_a_key_that_is_gone_without_a_note_of_it_is_no_erasing(line: Line) -> None:
    """Red when: `_open` of sealed.py takes every field nobody can read for one that was erased."""
    fill(line)
    line.database.write_now(lambda tx: tx.connection.execute(sa.delete(data_key)))
    get_vault(line.database.engine)._kept.clear()

    with pytest.raises(FieldUnreadable):
        line.rows(inbox)


def test_words_that_say_it_was_erased_are_never_written_as_somebodys(line: Line) -> None:
    """Red when: `_seal` takes them for words."""
    line.receive("hello")
    values = {"id": "a" * 32, "channel": "sms", "external_id": load_erased()}
    with pytest.raises(FieldUnreadable):
        line.database.write_now(lambda tx: seal(tx.connection, conversation, values))


def test_a_key_that_was_never_committed_seals_nothing_that_is_kept(line: Line) -> None:
    """Red when: a key made in a transaction that was rolled back is used by the next one."""

    def begin(tx: Any) -> str:
        found: str = tx.conversations.open(Channel.SMS, MOBILE).id
        return found

    def fail(tx: Any) -> None:
        begin(tx)
        raise KeyError("nothing of it")

    with pytest.raises(KeyError):
        line.database.write_now(fail)
    opened = line.database.write_now(begin)

    fresh = Database(
        create_engine(line.database.engine.url.render_as_string(hide_password=False)), line.clock
    )
    assert fresh.read_now(lambda tx: tx.conversations.get(opened)).external_id == MOBILE
    fresh.close()


def test_a_key_shredded_by_another_process_seals_nothing_more(line: Line) -> None:
    received = line.receive("one")
    other = Database(
        create_engine(line.database.engine.url.render_as_string(hide_password=False)), line.clock
    )
    other.write_now(lambda tx: tx.data_keys.shred(received.conversation_id))
    other.close()

    again = line.database.write_now(
        lambda tx: (
            get_vault(line.database.engine)
            .get_for_writing(tx.connection, received.conversation_id)
            .seal(b"two", "inbox.text|x")
        )
    )

    assert isinstance(again, str)
    assert not isinstance(again, Ciphertext)
    assert get_vault(line.database.engine).open(again, "inbox.text|x") == b"two"
