"""`./waymark erase` and `retention`: the worker's own steps from the command line, and the files of examples.

Red when: `finish_taught` is left out of `_take_steps` (the example stands in its file, and the erasing waits).
"""

import os
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from casework.adapters.settings import Settings
from casework.adapters.storage.keeping_tables import erasure
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import conversation, inbox, turn
from casework.adapters.storage.workbench_tables import example
from casework.bootstrap import build_service
from casework.model.holds import HoldReason
from casework.model.standings import Standing
from casework.services import holds
from launcher.doctor.files import check_backups
from launcher.doctor.findings import Examined
from launcher.identities import NotTheirs
from launcher.keeping import finish_taught, run_erase, run_retention
from launcher.taught_texts import TAUGHT
from tests.console.desk_site import PASSWORD_HASH
from tests.launcher.test_workbench_data import SCOOTER, Bench
from tests.support.builders import a_case
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.keeping import a_conversation
from tests.support.running import ROOT


@pytest.fixture
def bench(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> Bench:
    """Trainers' tree and database, with a supervisor; in the sandbox nobody is asked for a password."""
    root = tmp_path / "tree"
    for folder in ("data/corpus", "data/nlu", "data/held_out/corpus_dev", "data/held_out/corpus_test"):
        (root / folder).mkdir(parents=True)
    for folder in ("data/held_out/packs", TAUGHT, "bot"):
        (root / folder).mkdir(parents=True)
    (root / "data/held_out/first_messages.jsonl").write_text("")
    (root / "bot/outcomes.yml").write_text((ROOT / "bot/outcomes.yml").read_text())
    settings = Settings.from_env(
        {
            "WAYMARK_DATA_DIR": str(tmp_path),
            "WAYMARK_DATABASE_URL": copy_sqlite(sqlite_template, tmp_path / "waymark.db"),
            "WAYMARK_TURN_SECRET": "s" * 40,
            "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "t" * 32,
            "WAYMARK_SMS_FROM": "+447700900999",
            "WAYMARK_TRAINING_USE": "allowed",
            "WAYMARK_SANDBOX": "1",
        }
    )
    service = build_service(replace(settings, training_root=root), clock=clock)
    upgrade(service.database.engine)
    for login, role in (("alex", "supervisor"), ("sam", "investigator")):
        service.database.write_now(
            lambda tx, login=login, role=role: tx.staff.add(  # type: ignore[misc]
                login=login, display_name=login, role=role, password_hash=PASSWORD_HASH
            )
        )
    return Bench(root, service, clock)


def erase(bench: Bench, conversation_id: str, by: str = "alex", *, never_exported: bool = False) -> int:
    given = Namespace(what="conversation", of=conversation_id, by=by, reason="request", password_stdin=True)
    given.never_exported = never_exported
    return run_erase(bench.service, given)


def finish_talk(bench: Bench) -> str:
    """The turn is over: nothing of the conversation is anybody's work. Its id."""
    bench.service.database.write_now(lambda tx: tx.connection.execute(sa.update(turn).values(status="done")))
    return str(bench.line.row(conversation).id)


def test_the_words_leave_the_database_and_the_files_of_examples(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.add(SCOOTER)
    bench.write()
    conversation_id = finish_talk(bench)
    file = bench.root / TAUGHT / "ask_status.yml"
    assert SCOOTER in file.read_text()

    code = erase(bench, conversation_id)

    assert code == 0
    assert not any(SCOOTER in path.read_text() for path in bench.root.rglob("*.yml"))
    assert bench.line.rows(inbox) == bench.line.rows(conversation) == []
    assert [(row.status, row.text) for row in bench.line.rows(example)] == [("withdrawn", "")]
    said = capsys.readouterr().out
    assert "35 days" in said
    assert SCOOTER not in said
    assert bench.line.row(erasure).stage == "done"
    assert not finish_taught(bench.service)


def test_a_refusal_says_every_reason_and_changes_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.line.receive("still waiting")
    conversation_id = str(bench.line.row(conversation).id)
    bench.service.database.write_now(
        lambda tx: holds.place(
            tx,
            a_conversation(conversation_id),
            HoldReason.COMPLAINT,
            why="a complaint runs",
            review_on=tx.now.date().replace(year=2027),
            by="alex",
        )
    )

    assert erase(bench, conversation_id) == 1
    said = capsys.readouterr().err
    assert "a hold keeps it" in said
    assert "somebody works on it" in said
    assert len(bench.line.rows(inbox)) == 1
    assert erase(bench, "f" * 32) == 1


def test_an_investigator_erases_nothing(bench: Bench) -> None:
    with pytest.raises(NotTheirs):
        erase(bench, "f" * 32, by="sam")


def test_doctor_tells_of_a_backup_that_was_kept_too_long(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    old, new = tmp_path / "backups/autumn.db", tmp_path / "waymark.db.before-restore"
    for path in (old, new):
        path.touch()
    month = time.time() - 36 * 24 * 3600
    os.utime(old, (month, month))

    examined = Examined(root=tmp_path, data_dir=tmp_path)

    [found] = check_backups(examined)

    assert (found.is_well, "autumn.db" in found.detail) == (False, True)
    assert new.name not in found.detail
    old.unlink()
    assert [each.is_well for each in check_backups(examined)] == [True]


def test_retention_says_what_is_due_and_with_now_it_goes(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.line.receive("words of a rehearsal")
    finish_talk(bench)
    bench.service.database.write_now(
        lambda tx: tx.connection.execute(sa.update(conversation).values(is_drill=True))
    )
    bench.line.clock.advance(days=95)

    assert run_retention(bench.service, Namespace(now=False)) == 1
    assert "1 due, 1 overdue" in capsys.readouterr().out
    assert run_retention(bench.service, Namespace(now=True)) == 0
    assert "0 rows have had their time." in capsys.readouterr().out
    assert bench.line.rows(inbox) == []


def test_what_was_never_exported_is_said_and_waits_for_a_second_person_at_the_desk(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Red when: `run_erase` passes the warning as seen by itself, or takes steps before the second person."""
    bench.add(SCOOTER)
    conversation_id = finish_talk(bench)
    bench.line.add_cases(a_case(stage="closed_no_further_lines"))
    bench.service.database.write_now(
        lambda tx: tx.standings.record(
            conversation_id, a_case().crime_reference, Standing.LINKED, method="code"
        )
    )

    assert erase(bench, conversation_id) == 1
    said = capsys.readouterr().err
    assert "the force's record does not have all of it" in said and conversation_id in said
    assert bench.line.rows(erasure) == []
    assert erase(bench, conversation_id, never_exported=True) == 1

    assert "It waits for a second person" in capsys.readouterr().err
    assert bench.line.row(erasure).stage == "warned"
    assert len(bench.line.rows(inbox)) == 1
