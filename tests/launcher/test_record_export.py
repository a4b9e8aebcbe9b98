"""`./waymark export`: a record in a file that is whole or not there, and on record before it is there."""

import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from casework.model.errors import ReasonNeeded
from casework.model.record_verifier import Bundle, check
from casework.services.disclosure_export import ExportRefused
from launcher.record_export import ExportNotWritten, run_export
from tests.casework.adapters.export_tale import Tale, tell_tale
from tests.console.desk_site import desk_environ
from tests.support.builders import REFERENCE
from tests.support.clock import SetClock


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> Iterator[Service]:
    built = build_service(Settings.from_env(desk_environ(tmp_path, sqlite_template)), clock=clock)
    yield built
    built.database.close()


@pytest.fixture
def tale(service: Service, clock: SetClock) -> Tale:
    """By `rowan`, who is a supervisor."""
    return tell_tale(service.database, clock)


def asked(**values: object) -> Namespace:
    defaults = {
        "by": "rowan",
        "reason": "court",
        "number": "OP-1/26",
        "words": "",
        "out": None,
        "password_stdin": False,
    }
    return Namespace(**(defaults | values))


def acts(service: Service) -> list[str]:
    rows = service.database.read_now(
        lambda tx: tx.connection.exec_driver_sql("SELECT act FROM audit ORDER BY id").scalars().all()
    )
    return [act for act in rows if act.startswith("record_export")]


@pytest.mark.parametrize("what", ["conversation", "case"])
def test_it_writes_a_record_that_is_whole_and_only_its_owner_may_read(
    service: Service, tale: Tale, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    out = tmp_path / "out.zip"
    of = tale.conversation_id if what == "conversation" else REFERENCE

    assert run_export(service, asked(what=what, of=of, out=out)) == 0

    assert list(check(Bundle(str(out)))) == []
    assert os.stat(out).st_mode & 0o777 == 0o600
    assert acts(service) == ["record_export_asked", "record_exported"]
    said = capsys.readouterr().out
    assert Bundle(str(out)).hash("manifest.json")[1] in said
    assert "4 messages" in said


def test_into_a_folder_it_goes_by_its_own_name_and_the_same_one_again(
    service: Service, tale: Tale, tmp_path: Path
) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    for _ in range(2):
        run_export(service, asked(what="case", of=REFERENCE, out=folder))

    [written] = folder.iterdir()
    assert written.name.startswith("record-") and written.suffix == ".zip"


def test_a_file_that_is_there_stays(service: Service, tale: Tale, tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    out.write_text("something else")

    with pytest.raises(ExportNotWritten):
        run_export(service, asked(what="case", of=REFERENCE, out=out))

    assert out.read_text() == "something else"
    assert acts(service) == []


@pytest.mark.parametrize("missing", ["of", "by", "reason", "number"])
def test_what_is_missing_is_asked_for(service: Service, tale: Tale, missing: str) -> None:
    with pytest.raises(ExportNotWritten):
        run_export(service, asked(**({"what": "case", "of": REFERENCE} | {missing: None})))
    with pytest.raises(ReasonNeeded):
        run_export(service, asked(what="case", of=REFERENCE, number="nothing"))


def test_who_is_no_supervisor_and_does_not_have_it_is_refused(
    service: Service, tale: Tale, tmp_path: Path
) -> None:
    service.database.write_now(
        lambda tx: tx.staff.add(login="sam", display_name="Sam", role="investigator", password_hash="x")
    )
    for what, of in (("conversation", tale.conversation_id), ("case", REFERENCE)):
        with pytest.raises(ExportRefused):
            run_export(service, asked(what=what, of=of, by="sam", out=tmp_path / "out.zip"))

    assert not (tmp_path / "out.zip").exists()
    assert acts(service) == []


def test_the_key_is_the_one_in_the_record(
    service: Service, tale: Tale, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_export(service, asked(what="key", of=None))
    said = capsys.readouterr().out
    out = tmp_path / "out.zip"
    run_export(service, asked(what="case", of=REFERENCE, out=out))

    bundle = Bundle(str(out))
    assert said.startswith(bundle.open("signing-key.pem").read().decode())
    assert said.split()[-1] in bundle.open("START-HERE.txt").read().decode()
