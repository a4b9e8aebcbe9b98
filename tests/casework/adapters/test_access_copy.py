"""A copy holds everything of its person, nothing of anybody else's, and nothing that is held back.

Red when: `SubjectRows._is_theirs` leaves out a table (`..._whole_...`) or the first that is not empty
(`..._of_nobody_else_whoever_...`); `HeldBack.clean` looks at the row alone (`..._wherever_else_...`); the record is not
cut at `ready_at` (`..._the_same_bytes`).
"""

import hashlib
import html
import io
import json
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.access_copy import MadeCopy, make_copy
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import case, conversation, inbox, officer_message, standing
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.access_requests import RestrictionReason
from casework.model.disclosures import ScreenResult
from casework.model.messages import Channel
from casework.services import access_requests as access
from casework.services.access_ports import AccessItem
from casework.services.ports import StaffMember
from tests.casework.adapters.subject_canaries import Seeded
from tests.support.builders import a_case, an_sms
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.rows import put_rows, put_value


class Desk:
    """A supervisor who looks everything through, a second one, and what comes of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.alex, self.kim = self._add("alex"), self._add("kim")

    def _add(self, login: str) -> StaffMember:
        def add(tx: SqlTransaction) -> StaffMember:
            staff_id = tx.staff.add(
                login=login,
                display_name=f"{login.title()} Test-Supervisor",
                role="supervisor",
                password_hash="x",
            )
            return tx.staff.get(staff_id)

        return self.database.write_now(add)

    def seed(self, letter: str) -> Seeded:
        return self.database.write_now(lambda tx: Seeded(tx.connection, letter, self.kim.id).fill())

    def open(self, reference: str, *, names_staff: bool = False) -> str:
        return self.database.write_now(
            lambda tx: access.open_request(
                tx,
                reference,
                asked_on=date(2026, 11, 20),
                asked_by="Themselves, by letter",
                identity="Passport seen at the front desk",
                names_staff=names_staff,
                by=self.alex,
            )
        )

    def items(self, request_id: str) -> list[AccessItem]:
        return self.database.read_now(lambda tx: tx.access_requests.list_items(request_id))

    def item(self, request_id: str, words: str) -> AccessItem:
        """The first that says this, or is of that table."""
        return next(
            each
            for each in self.items(request_id)
            if each.key.startswith(words) or words in "\n".join(each.texts.values())
        )

    def give_the_rest(self, request_id: str) -> None:
        """Conversations first: what is in them comes to light by that."""
        for _ in range(2):
            self.database.write_now(lambda tx: self._give(tx, request_id))

    def _give(self, tx: SqlTransaction, request_id: str) -> None:
        items = tx.access_requests.list_items(request_id)
        shown = {each.key: each.digest for each in items if not each.is_looked_at}
        access.give_items(tx, request_id, shown, by=self.alex)

    def hold_back(self, request_id: str, item: AccessItem, *words: str, is_told: bool = True) -> None:
        self.database.write_now(
            lambda tx: access.hold_back(
                tx,
                request_id,
                item.key,
                item.digest,
                reason=RestrictionReason.RIGHTS_OF_OTHERS,
                why="A neighbour is named",
                words=words,
                is_told=is_told,
                by=self.alex,
            )
        )
        self.database.write_now(
            lambda tx: access.answer_second(tx, request_id, item.key, item.digest, agrees=True, by=self.kim)
        )

    def finish(self, request_id: str) -> None:
        self.database.write_now(lambda tx: access.finish_looking(tx, request_id, by=self.alex))

    @contextmanager
    def copy(self, request_id: str) -> Iterator["Opened"]:
        made = self.database.read_now(lambda tx: make_copy(tx, request_id))
        with made.file:
            yield Opened(made)

    def copy_of(self, request_id: str) -> "Opened":
        self.give_the_rest(request_id)
        self.finish(request_id)
        with self.copy(request_id) as opened:
            return opened


class Opened:
    def __init__(self, made: MadeCopy) -> None:
        self.bytes = made.file.read()
        self.sha256 = made.sha256
        with zipfile.ZipFile(io.BytesIO(self.bytes)) as bundle:
            self.files = {name: bundle.read(name) for name in bundle.namelist()}
        self.page = html.unescape(self.files["copy.html"].decode())
        self.json = json.loads(self.files["copy.json"])
        self.everything = "\n".join(each.decode("utf-8", "replace") for each in self.files.values())

    def rows(self, table: str) -> list[dict[str, Any]]:
        [found] = [each for each in self.json["tables"] if each["table"] == table]
        rows: list[dict[str, Any]] = found["rows"]
        return rows


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


@pytest.fixture
def sqlite_desk(sqlite_template: Path, tmp_path: Path, clock: SetClock) -> Iterator[Desk]:
    """For what the database has no part in."""
    made = Database(create_engine(copy_sqlite(sqlite_template, tmp_path / "waymark.db")), clock)
    yield Desk(made)
    made.close()


def test_the_copy_is_whole_every_personal_column_of_the_person_is_in_the_page_and_in_the_json(
    desk: Desk,
) -> None:
    seeded = desk.seed("a")

    opened = desk.copy_of(desk.open(seeded.reference))

    assert len(seeded.words) > 150
    told = opened.files["copy.json"].decode()
    assert sorted(name for name, word in seeded.words.items() if word not in opened.page) == []
    assert sorted(name for name, word in seeded.words.items() if word not in told) == []
    assert opened.files["files/0001.bin"] == seeded.files["media_content.content"]


def test_it_is_of_nobody_else_however_two_lives_are_interleaved(desk: Desk) -> None:
    first, second = desk.seed("a"), desk.seed("b")

    opened = desk.copy_of(desk.open(first.reference))

    assert [name for name, word in second.words.items() if word in opened.everything] == []
    assert second.files["media_content.content"] not in opened.files.values()


@pytest.mark.parametrize("seed", range(2))
def test_it_is_of_nobody_else_whoever_wrote_what_by_which_way(desk: Desk, seed: int) -> None:
    """Four people with some cases and conversations each, their rows in no order."""
    drawn = random.Random(seed)
    people = range(4)

    def seed_all(tx: SqlTransaction) -> None:
        cases = [(person, number) for person in people for number in range(drawn.randint(1, 3))]
        drawn.shuffle(cases)
        for person, number in cases:
            tx.cases.record_all([a_case(**_case_of(person, number))])
        talks = [
            (person, tx.conversations.open(Channel.SMS, f"+4477009001{person}{number}").id)
            for person in people
            for number in range(drawn.randint(1, 3))
        ]
        proved = [(person, talk, _reference(person, 0)) for person, talk in talks]
        for _, talk, reference in proved:
            row = {"conversation_id": talk, "crime_reference": reference, "level": 1, "method": "code"}
            tx.connection.execute(sa.insert(standing).values(**row, proved_at=tx.now))
        for number in range(40):
            person, talk, reference = drawn.choice(proved)
            said = an_sms(f"of{person}said{number:02d}", received_at=tx.now, external_id="x")
            inbox_id = tx.inbox.record(said, talk, _no_hit())
            if drawn.random() < 0.3:
                # Of a case of theirs, sometimes noted on the conversation of somebody else.
                asked = {
                    "id": f"{number:032x}",
                    "crime_reference": reference,
                    "conversation_id": drawn.choice(talks)[1],
                    "author": "victim",
                    "author_name": "",
                    "inbox_id": inbox_id,
                    "text": f"of{person}asked{number:02d}",
                    "created_at": tx.now,
                    "status": "answered",
                }
                put_rows(tx.connection, officer_message, asked)

    desk.database.write_now(seed_all)
    for person in drawn.sample(people, 2):
        opened = desk.copy_of(desk.open(_reference(person, 0)))

        others = [f"of{other}said" for other in people if other != person]
        others += [f"of{other}asked" for other in people if other != person]
        assert [word for word in others if word in opened.everything] == []
        own = desk.database.read_now(
            lambda tx: tx.connection.execute(sa.select(inbox.c.text)).scalars().all()
        )
        assert [said for said in own if said.startswith(f"of{person}") and said not in opened.page] == []


def test_what_is_held_back_is_absent_wherever_else_it_stands_and_counted(desk: Desk) -> None:
    seeded = desk.seed("a")
    request_id = desk.open(seeded.reference)
    desk.give_the_rest(request_id)
    text = seeded.words["inbox.text"]
    desk.database.write_now(
        lambda tx: (
            put_value(tx.connection, inbox.c.text, f"{text} my neighbour  Wendolyth Drexwold saw him"),
            put_value(
                tx.connection,
                inbox.c.raw,
                f"Body={text}+my+neighbour++Wendolyth+Drexwold+saw+him&From=%2B44".encode(),
            ),
        )
    )
    desk.database.write_now(
        lambda tx: put_value(
            tx.connection, officer_message.c.text, "WENDOLYTH DREXWOLD saw him, and Wendolyth knows"
        )
    )

    item = desk.item(request_id, "inbox:")
    desk.hold_back(request_id, item, "Wendolyth Drexwold", "Wendolyth")
    opened = desk.copy_of(request_id)

    assert "wendolyth" not in opened.everything.lower()
    assert "drexwold" not in opened.everything.lower()
    assert f"{text} my neighbour  [held back] saw him" in opened.page
    assert opened.rows("officer_message")[0]["text"] == "[held back] saw him, and [held back] knows"
    assert opened.json["held_back"] == [
        {
            "law": "s.45(4)(e)",
            "because": "the rights and freedoms of somebody else have to be protected",
            "things": 1,
        }
    ]
    assert "1 thing, because the rights and freedoms of somebody else" in opened.page


def test_a_row_and_a_file_held_back_leave_what_lies_outside(desk: Desk) -> None:
    seeded = desk.seed("a")
    request_id = desk.open(seeded.reference)
    desk.give_the_rest(request_id)
    for words in ("staff_note:", "media_content:"):
        desk.hold_back(request_id, desk.item(request_id, words))
    desk.hold_back(request_id, desk.item(request_id, "follow_up:"), is_told=False)

    opened = desk.copy_of(request_id)

    [note] = opened.rows("staff_note")
    assert (note["text"], note["by"]) == ("[held back]", ["supervisor"])
    assert note["created_at"].startswith("2026-11-01T")
    assert opened.rows("media_content") == [{"content": "[held back]"}]
    assert opened.rows("follow_up") == []
    assert not [name for name in opened.files if name.startswith("files/")]
    assert opened.json["held_back"][0]["things"] == 2
    for column in ("staff_note.text", "follow_up.text"):
        assert seeded.words[column] not in opened.everything


def test_the_same_state_gives_the_same_bytes(desk: Desk, clock: SetClock) -> None:
    seeded = desk.seed("a")
    request_id = desk.open(seeded.reference)
    first = desk.copy_of(request_id)
    desk.database.write_now(
        lambda tx: access.record_copy(tx, request_id, first.sha256, [seeded.conversation_id], by=desk.alex.id)
    )
    clock.advance(days=3)

    with desk.copy(request_id) as second:
        assert second.bytes == first.bytes
    assert first.sha256 == hashlib.sha256(first.bytes).hexdigest()


def test_the_list_names_every_file_with_its_sum(sqlite_desk: Desk) -> None:
    opened = sqlite_desk.copy_of(sqlite_desk.open(sqlite_desk.seed("a").reference))

    listed = {each["path"]: each["sha256"] for each in json.loads(opened.files["manifest.json"])["files"]}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in opened.files.items()}

    assert listed == {name: digest for name, digest in found.items() if name != "manifest.json"}


@pytest.mark.parametrize("names_staff", [False, True])
def test_staff_are_named_by_role_unless_the_force_gives_names(sqlite_desk: Desk, names_staff: bool) -> None:
    seeded = sqlite_desk.seed("a")

    opened = sqlite_desk.copy_of(sqlite_desk.open(seeded.reference, names_staff=names_staff))

    assert ("Kim Test-Supervisor" in opened.everything) == names_staff
    assert sqlite_desk.kim.id not in opened.everything


def test_nothing_is_finished_while_something_is_not_looked_at(sqlite_desk: Desk) -> None:
    seeded = sqlite_desk.seed("a")
    request_id = sqlite_desk.open(seeded.reference)
    sqlite_desk.give_the_rest(request_id)
    sqlite_desk.database.write_now(
        lambda tx: tx.inbox.record(
            an_sms("one more thing", received_at=tx.now), seeded.conversation_id, _no_hit()
        )
    )

    with pytest.raises(access.StillToLook) as refused:
        sqlite_desk.finish(request_id)

    assert (refused.value.unlooked, refused.value.unagreed) == (1, 0)


def test_what_comes_after_it_was_ready_is_looked_at_before_a_copy_is_made(sqlite_desk: Desk) -> None:
    seeded = sqlite_desk.seed("a")
    request_id = sqlite_desk.open(seeded.reference)
    sqlite_desk.copy_of(request_id)
    sqlite_desk.database.write_now(
        lambda tx: put_value(tx.connection, inbox.c.text, "something else than was looked at")
    )

    with pytest.raises(access.StillToLook), sqlite_desk.copy(request_id):
        raise AssertionError

    sqlite_desk.database.write_now(lambda tx: access.look_again(tx, request_id, by=sqlite_desk.alex))
    assert "something else than was looked at" in sqlite_desk.copy_of(request_id).page


def test_a_conversation_that_is_somebody_elses_is_left_out_with_all_that_is_in_it(sqlite_desk: Desk) -> None:
    """The number changed hands: what was written from it since is not theirs."""
    seeded = sqlite_desk.seed("a")
    sqlite_desk.database.write_now(
        lambda tx: tx.connection.execute(sa.update(standing).values(ended_at=tx.now, ended_why="recycled"))
    )
    request_id = sqlite_desk.open(seeded.reference)
    item = sqlite_desk.item(request_id, "conversation:")
    assert item.says == "proved_once"

    sqlite_desk.database.write_now(
        lambda tx: access.leave_out_conversation(
            tx,
            request_id,
            item.key,
            item.digest,
            why="The number was given to somebody else",
            by=sqlite_desk.alex,
        )
    )
    sqlite_desk.database.write_now(
        lambda tx: access.answer_second(
            tx, request_id, item.key, item.digest, agrees=True, by=sqlite_desk.kim
        )
    )
    opened = sqlite_desk.copy_of(request_id)

    assert seeded.words["case.victim_name"] in opened.page
    for column in ("inbox.text", "outbox.text", "staff_note.text", "conversation.external_id"):
        assert seeded.words[column] not in opened.everything


def test_what_came_from_the_contact_of_record_is_found_and_a_drill_is_not(sqlite_desk: Desk) -> None:
    seeded = sqlite_desk.seed("a")

    def write(tx: SqlTransaction) -> None:
        put_value(tx.connection, case.c.contact_mobile, "+447700900123")
        for channel, is_drill in ((Channel.SMS, False), (Channel.WHATSAPP, True)):
            opened = tx.conversations.open(channel, "+447700900123")
            tx.connection.execute(
                sa.update(conversation).where(conversation.c.id == opened.id).values(is_drill=is_drill)
            )

    sqlite_desk.database.write_now(write)
    request_id = sqlite_desk.open(seeded.reference)

    found = [each for each in sqlite_desk.items(request_id) if each.is_conversation]
    assert sorted((each.says, each.parts[0][1]) for each in found if each.says != "proved") == [
        ("same_contact", "sms")
    ]


def _case_of(person: int, number: int) -> dict[str, Any]:
    return {
        "crime_reference": _reference(person, number),
        "victim_name": f"Person{person} Example",
        "contact_mobile": f"+44770090020{person}",
        "contact_email": f"person{person}@example.org",
    }


def _reference(person: int, number: int) -> str:
    return f"4326009{person}{number:03d}"


def _no_hit() -> Any:
    return ScreenResult(urgent=False)
