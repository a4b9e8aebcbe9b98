"""What trainers taught, out of the database into files that train: nothing lost, nothing leaked, nothing kept too long.

Red when, each tried once: `_read` asks nobody whether a row is usable; `find_edits` leaves out what was last written;
`end_sets` is not called; near copies are looked for among the trainers' own rows alone; `_find_codes_of_edit` is empty.
"""

import hashlib
import io
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import audit
from casework.adapters.storage.workbench_tables import data_version, example, example_change
from casework.adapters.training_files import TaughtRow, read_folder, read_rows
from casework.bootstrap import build_service
from casework.model.errors import ConversationNotFound, MessageNotFound, ReasonNeeded
from casework.model.training_flags import TrainingFlag
from casework.services import consents
from casework.services.review_ports import Example
from launcher import taught_tests
from launcher.evaluation.frozen import SetAltered, check_frozen, sha_path
from launcher.evaluation.sets import read_set
from launcher.identities import NotTheirs
from launcher.model_files import keep_taught, taught_dir
from launcher.taught_texts import TAUGHT
from launcher.withdrawals import WithdrawalUnclear, run_withdraw
from launcher.workbench_data import DataWritten, check_data, run_workbench_data, write_data
from tests.console.desk_site import PASSWORD, PASSWORD_HASH
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.running import ROOT

KNOWN = "any news about my van that went missing in spring"
TESTED = "has the court date been moved again or not"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a corpus of one text and a held-out one of another."""
    root = tmp_path / "tree"
    for folder, text in (("data/corpus", KNOWN), ("data/held_out/corpus_test", TESTED)):
        (root / folder).mkdir(parents=True)
        (root / folder / "calm.txt").write_text(f"# outcome=ask_status scenario=a style=plain\n{text}\n")
    for folder in ("data/nlu", "data/held_out/corpus_dev", "data/held_out/packs", TAUGHT, "bot"):
        (root / folder).mkdir(parents=True)
    (root / "data/held_out/first_messages.jsonl").write_text("")
    (root / "bot/outcomes.yml").write_text((ROOT / "bot/outcomes.yml").read_text())
    return root


@pytest.fixture
def service(database_url: str, tmp_path: Path, clock: SetClock) -> Any:
    settings = Settings.from_env(
        {
            "WAYMARK_DATA_DIR": str(tmp_path),
            "WAYMARK_DATABASE_URL": database_url,
            "WAYMARK_TURN_SECRET": "s" * 40,
            "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "t" * 32,
            "WAYMARK_SMS_FROM": "+447700900999",
            "WAYMARK_TRAINING_USE": "allowed",
        }
    )
    made = build_service(settings, clock=clock)
    upgrade(made.database.engine)
    yield made
    made.database.close()


class Bench:
    def __init__(self, root: Path, service: Service, clock: SetClock) -> None:
        self.root, self.service = root, service
        self.line = Line(database=service.database, clock=clock)
        self.count = 0

    def add(self, said: str, *, words: str = "", phone: str = "+447700900401", **values: Any) -> str:
        """An accepted example of a message that was stored, in its words or others; its id."""
        self.count += 1
        inbox_id = self.line.receive(said, external_id=phone).inbox_id
        of = self.service.database.read_now(lambda tx: tx.masking_reads.get_written(inbox_id))
        return self.add_row(words or said, inbox_id, of.conversation_id, **values)

    def add_row(self, text: str, inbox_id: int, conversation_id: str, **values: Any) -> str:
        given: dict[str, Any] = {
            "id": f"{1_700_000_000 + self.count}{self.count:08x}",
            "inbox_id": inbox_id,
            "conversation_id": conversation_id,
            "derived_from": None,
            "text": text,
            "intent": "ask_status",
            "category": None,
            "sub": None,
            "spans": (),
            "side": "train",
            "scenario": f"wb_{self.count}",
            "status": "accepted",
            "is_reworded": False,
            "row_version": 1,
            "accepted_by": "toni",
            "accepted_at": self.line.clock.now(),
        } | values
        self.service.database.write_now(lambda tx: tx.examples.add(Example(**given)))
        return str(given["id"])

    def write(self) -> DataWritten:
        return write_data(self.root, self.service, by="toni")

    def rows(self) -> dict[str, TaughtRow]:
        return read_rows(read_folder(self.root / TAUGHT))[0]

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.root / TAUGHT / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))


@pytest.fixture
def bench(root: Path, service: Service, clock: SetClock) -> Bench:
    return Bench(root, service, clock)


SCOOTER = "someone has been round asking for the scooter again"


def test_what_was_accepted_stands_in_the_file_of_its_label(bench: Bench) -> None:
    calm = bench.add(SCOOTER, sub="right_6")
    urgent = bench.add("hes outside the flat and he has a bat", intent=None, category="immediate_danger")

    written = bench.write()

    assert (written.version, written.added, written.held, written.faults) == (1, 2, (), ())
    assert bench.rows()[calm].file_name == "ask_status.yml"
    assert bench.rows()[calm].sub == "right_6"
    text = (bench.root / TAUGHT / "urgent_immediate_danger.yml").read_text()
    assert f'metadata: {{row: "{urgent}", scenario: wb_2, category: immediate_danger}}' in text
    version = bench.line.row(data_version)
    assert (version.number, version.by, version.added) == (1, "toni", 2)
    assert [row.in_data_since for row in bench.line.rows(example)] == [1, 1]
    assert [row.thing for row in bench.line.rows(audit, act="data_written")] == ["1"]


def test_writing_twice_is_writing_once(bench: Bench) -> None:
    bench.add(SCOOTER)
    bench.write()
    before = read_folder(bench.root / TAUGHT)

    again = bench.write()

    assert (again.version, again.is_new, again.added, again.changed, again.removed) == (1, False, 0, 0, 0)
    assert read_folder(bench.root / TAUGHT) == before


def test_what_a_hand_changed_is_in_the_database_and_stays_in_the_file(bench: Bench) -> None:
    row = bench.add(SCOOTER)
    bench.write()
    bench.edit("ask_status.yml", f'"{SCOOTER}"', "someone came for my scooter twice  # by Jo")
    before = read_folder(bench.root / TAUGHT)

    written = bench.write()

    assert (written.taken_back, written.version) == (1, 2)
    assert bench.line.row(example, id=row).text == "someone came for my scooter twice"
    assert bench.line.row(example, id=row).is_reworded
    assert read_folder(bench.root / TAUGHT) == before
    assert not bench.write().is_new
    said = [change.what for change in bench.line.rows(example_change)]
    assert "scooter" not in str(said)


def test_a_label_changed_by_hand_is_taken_too(bench: Bench) -> None:
    row = bench.add(SCOOTER)
    bench.write()
    path = bench.root / TAUGHT / "ask_status.yml"
    path.with_name("ask_court.yml").write_text(path.read_text().replace("ask_status", "ask_court"))
    path.unlink()

    assert bench.write().taken_back == 1
    assert bench.line.row(example, id=row).intent == "ask_court"


@pytest.mark.parametrize(
    ("by_hand", "code"),
    [("call ${HOME} for the scooter", "variable"), ("ring 07911 123456 for the scooter", "personal")],
)
def test_a_hand_edit_that_may_not_be_taught_stays_and_bars_training(
    bench: Bench, by_hand: str, code: str
) -> None:
    row = bench.add(SCOOTER)
    bench.write()
    bench.edit("ask_status.yml", SCOOTER, by_hand)

    written = bench.write()

    assert {(fault.code, fault.row, fault.line) for fault in written.faults} == {(code, row, 5)}
    assert bench.line.row(example, id=row).text == SCOOTER
    assert by_hand in (bench.root / TAUGHT / "ask_status.yml").read_text()


def test_the_words_of_a_message_are_not_brought_in_by_hand_where_they_were_reworded(bench: Bench) -> None:
    row = bench.add(SCOOTER, words="people keep coming for a scooter")
    bench.line.database.write_now(lambda tx: tx.examples.change(row, row_version=1, is_reworded=True))
    bench.write()
    bench.edit("ask_status.yml", "people keep coming for a scooter", SCOOTER)

    assert [fault.code for fault in bench.write().faults] == ["copied"]


def test_what_changed_on_the_page_and_in_the_file_is_the_page_s_and_is_told(bench: Bench) -> None:
    row = bench.add(SCOOTER)
    bench.write()
    bench.edit("ask_status.yml", SCOOTER, "by hand about that scooter of mine")
    bench.line.database.write_now(
        lambda tx: tx.examples.change(row, row_version=1, text="on the page instead")
    )

    written = bench.write()

    assert [finding.code for finding in written.held] == ["both"]
    assert bench.rows()[row].text == "on the page instead"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{KNOWN} too", "near_copy"),
        (f"{TESTED}?", "near_copy"),
        ("my number is 07911 123456 please ring", "personal"),
        ("/restart the whole thing", "command"),
    ],
)
def test_a_row_that_may_not_be_taught_is_held_back(bench: Bench, text: str, code: str) -> None:
    held, fine = bench.add(text), bench.add(SCOOTER)

    written = bench.write()

    assert [(finding.code, finding.row) for finding in written.held] == [(code, held)]
    assert set(bench.rows()) == {fine}
    assert text not in str(written.held[0])


def test_of_two_rows_that_say_the_same_the_first_is_taught(bench: Bench) -> None:
    first, second = bench.add(SCOOTER), bench.add(SCOOTER + "!", phone="+447700900402")

    assert [finding.row for finding in bench.write().held] == [second]
    assert set(bench.rows()) == {first}


def test_no_conversation_teaches_and_tests(bench: Bench) -> None:
    bench.add("he said it would be looked into by friday", side="test", scenario="wb_same")
    taught = bench.add(SCOOTER, scenario="wb_same")

    assert [(finding.code, finding.row) for finding in bench.write().held] == [("other_side", taught)]


def test_the_test_side_is_a_set_of_its_own_that_is_never_changed(bench: Bench) -> None:
    first = bench.add("he said it would be looked into by friday", side="test")
    assert bench.write().test_set == "v0001.jsonl"
    path = bench.root / taught_tests.FOLDER / "v0001.jsonl"
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() in sha_path(path).read_text()
    assert check_frozen(bench.root, "workbench/v0001.jsonl") == hashlib.sha256(content).hexdigest()
    [read] = read_set(bench.root, str(path))
    assert (read.text, read.outcome, read.scenario) == (
        "he said it would be looked into by friday",
        "ask_status",
        "wb_1",
    )

    second = bench.add("which form is it that i send to the court", side="test", intent="ask_court")
    assert bench.write().test_set == "v0002.jsonl"
    assert path.read_bytes() == content
    assert taught_tests.read_rows(path.with_name("v0002.jsonl")) == [first, second]
    assert bench.write().test_set is None


def test_a_set_that_was_altered_is_refused(bench: Bench) -> None:
    bench.add("he said it would be looked into by friday", side="test")
    bench.write()
    path = bench.root / taught_tests.FOLDER / "v0001.jsonl"
    path.write_bytes(path.read_bytes().replace(b"friday", b"monday"))

    for asked in (bench.write, lambda: check_frozen(bench.root, "workbench/v0001.jsonl")):
        with pytest.raises(SetAltered):
            asked()


@pytest.mark.parametrize("side", ["test", "train"])
def test_what_somebody_took_back_is_in_no_file_any_more(bench: Bench, side: str) -> None:
    row = bench.add("he said it would be looked into by friday", side=side)
    kept = bench.add("which form is it that i send to the court", side=side, phone="+447700900402")
    bench.write()
    of = bench.line.row(example, id=row).conversation_id
    bench.line.database.write_now(
        lambda tx: consents.flag(tx, of, None, TrainingFlag.WITHDRAWN, why="they asked", by="victim")
    )

    written = bench.write()

    everything = b"".join(path.read_bytes() for path in bench.root.rglob("*") if path.is_file())
    assert b"by friday" not in everything
    assert b"which form is it" in everything
    is_test = side == "test"
    assert (written.ended_sets, written.test_set) == (
        (("v0001.jsonl",), "v0002.jsonl") if is_test else ((), None)
    )
    assert bench.line.row(example, id=row).in_data_until == 2
    assert bench.line.row(example, id=kept).in_data_until is None


def test_what_may_no_longer_teach_goes_though_it_was_accepted(bench: Bench) -> None:
    row = bench.add(SCOOTER)
    bench.write()
    of = bench.line.row(example, id=row).conversation_id
    bench.line.database.write_now(
        lambda tx: tx.training_flags.record(of, None, TrainingFlag.EXCLUDED, by="x", why="y")
    )

    assert bench.write().removed == 1
    assert bench.rows() == {}


def test_a_row_somebody_deleted_from_the_file_comes_back(bench: Bench) -> None:
    row = bench.add(SCOOTER)
    bench.write()
    (bench.root / TAUGHT / "ask_status.yml").unlink()

    assert bench.write().added == 1
    assert set(bench.rows()) == {row}


def test_a_hand_s_own_example_is_looked_at_too(bench: Bench) -> None:
    (bench.root / TAUGHT / "ask_court.yml").write_text(
        f'version: "3.1"\nnlu:\n- intent: ask_court\n  examples: |\n    - {TESTED}?\n    - ring 07911 123456\n'
    )

    assert {(fault.code, fault.line) for fault in bench.write().faults} == {("near_copy", 5), ("personal", 6)}


def test_looking_changes_nothing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.add(SCOOTER)
    bench.add("/restart the whole thing")

    seen = check_data(bench.root, bench.service)

    assert (seen.added, len(seen.held), seen.version) == (1, 1, 0)
    assert run_workbench_data(bench.root, bench.service, Namespace(check=True)) == 1
    assert read_folder(bench.root / TAUGHT) == {}
    assert bench.line.rows(data_version) == []
    told = capsys.readouterr()
    assert "1 rows are taught: 1 would be added" in told.out
    assert "restart" not in told.out + told.err


def test_a_writing_that_died_half_way_is_noted_by_the_next(bench: Bench) -> None:
    bench.add(SCOOTER)
    bench.write()
    files = read_folder(bench.root / TAUGHT)
    bench.add("which form is it that i send to the court", intent="ask_court")
    bench.write()
    # As if the process had died between the files and the database.
    bench.line.database.write_now(
        lambda tx: (
            tx.connection.execute(data_version.delete().where(data_version.c.number == 2)),
            tx.connection.execute(
                example.update().where(example.c.in_data_since == 2).values(in_data_since=None)
            ),
        )
    )

    written = bench.write()

    assert (written.version, written.is_new) == (2, True)
    assert files.keys() < read_folder(bench.root / TAUGHT).keys()


# --- taking back by command ---


def withdraw(bench: Bench, of: str, by: str = "sam", reason: str = "she rang and asked") -> int:
    given = Namespace(of=of, by=by, reason=reason, password_stdin=True)
    return run_withdraw(bench.root, bench.service, given)


@pytest.fixture
def people(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for login, role in (("sam", "investigator"), ("toni", "trainer")):
        bench.service.database.write_now(
            lambda tx, login=login, role=role: tx.staff.add(  # type: ignore[misc]
                login=login, display_name=login, role=role, password_hash=PASSWORD_HASH
            )
        )
    monkeypatch.setattr("sys.stdin", EveryLine())


class EveryLine(io.StringIO):
    """Whoever is asked types the password."""

    def readline(self, *_given: Any) -> str:
        return PASSWORD + "\n"


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("of", ["conversation", "message"])
def test_what_is_taken_back_by_command_leaves_the_files_and_what_was_kept_of_them(
    bench: Bench, capsys: pytest.CaptureFixture[str], of: str
) -> None:
    """Red when: `forget_kept` is not called, or the files are not written."""
    row = bench.add("they moved my hearing date again and nobody told me")
    other = bench.add("who is looking into the broken shutters on my shop", phone="+447700900402")
    bench.write()
    data_dir = bench.service.settings.data_dir
    keep_taught(bench.root, data_dir, "m1")
    stored = bench.service.database.read_now(lambda tx: tx.examples.get(row))

    meant = stored.conversation_id if of == "conversation" else f"in-{stored.inbox_id}"
    assert withdraw(bench, str(meant)) == 0

    assert set(bench.rows()) == set(read_rows(read_folder(taught_dir(data_dir, "m1")))[0]) == {other}
    told = capsys.readouterr().out
    assert "lost their words: 1." in told and "marked: 0." in told
    [withdrawn] = bench.line.rows(audit, act="use_withdrawn")
    assert withdrawn.thing == ("all:withdrawn" if of == "conversation" else f"{stored.inbox_id}:withdrawn")


@pytest.mark.usefixtures("people")
def test_taking_back_by_command_needs_somebody_whose_work_it_is_and_a_reason(bench: Bench) -> None:
    row = bench.add("they moved my hearing date again and nobody told me")
    of = str(bench.service.database.read_now(lambda tx: tx.examples.get(row)).conversation_id)

    with pytest.raises(NotTheirs):
        withdraw(bench, of, by="toni")
    with pytest.raises(WithdrawalUnclear):
        withdraw(bench, of, reason="")
    with pytest.raises(ReasonNeeded):
        withdraw(bench, of, reason="no")
    with pytest.raises(MessageNotFound):
        withdraw(bench, "987654")
    with pytest.raises(ConversationNotFound):
        withdraw(bench, "a" * 32)
    assert bench.line.row(example, id=row).status == "accepted"
