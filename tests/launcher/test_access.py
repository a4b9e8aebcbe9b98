"""`./waymark access`: who waits, and the copy of one that is ready, written for its owner alone.

Red when: the role is not asked (`test_a_copy_is_for_who_may_give_one`), or a file is written over.
"""

import stat
import zipfile
from argparse import Namespace
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import audit
from casework.adapters.storage.transaction import SqlTransaction
from casework.bootstrap import build_service
from casework.services import access_requests as access
from launcher.access import CopyNotWritten, run_access
from launcher.identities import NotTheirs
from tests.console.desk_site import desk_environ
from tests.support.builders import REFERENCE, a_case
from tests.support.clock import SetClock


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path, clock: SetClock) -> Iterator[Service]:
    made = build_service(Settings.from_env(desk_environ(tmp_path, sqlite_template)), clock=clock)
    made.database.write_now(lambda tx: tx.cases.record_all([a_case()]))
    made.database.write_now(_add_staff)
    yield made
    made.database.close()


def _add_staff(tx: SqlTransaction) -> None:
    for login, role in (("alex", "supervisor"), ("sam", "investigator")):
        tx.staff.add(login=login, display_name=f"{login.title()} Test", role=role, password_hash="x")


@pytest.fixture
def request_id(service: Service) -> str:
    def make(tx: SqlTransaction) -> str:
        alex = tx.staff.find("alex")
        assert alex is not None
        made = access.open_request(
            tx,
            REFERENCE,
            asked_on=date(2026, 11, 20),
            asked_by="Themselves",
            identity="Passport seen",
            names_staff=False,
            by=alex,
        )
        shown = {each.key: each.digest for each in tx.access_requests.list_items(made)}
        access.give_items(tx, made, shown, by=alex)
        access.finish_looking(tx, made, by=alex)
        return made

    return service.database.write_now(make)


def given(**values: object) -> Namespace:
    defaults = {"act": "copy", "of": None, "by": "alex", "out": None, "password_stdin": False}
    return Namespace(**(defaults | values))


def test_a_copy_is_a_file_for_its_owner_alone_and_on_record(
    service: Service, request_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "copy.zip"

    assert run_access(service, given(of=request_id, out=out)) == 0

    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as bundle:
        assert REFERENCE in bundle.read("copy.html").decode()
    said = capsys.readouterr().out
    acts = service.database.read_now(lambda tx: tx.connection.execute(audit.select()).all())
    [taken] = [row.thing for row in acts if row.act == "access_copy_taken"]
    assert taken.partition(":")[2] in said
    with pytest.raises(CopyNotWritten):
        run_access(service, given(of=request_id, out=out))


def test_a_copy_is_for_who_may_give_one(service: Service, request_id: str, tmp_path: Path) -> None:
    with pytest.raises(NotTheirs):
        run_access(service, given(of=request_id, out=tmp_path / "copy.zip", by="sam"))

    assert not (tmp_path / "copy.zip").exists()


def test_the_list_says_who_waits_and_whose_day_has_gone_by(
    service: Service, request_id: str, clock: SetClock, capsys: pytest.CaptureFixture[str]
) -> None:
    in_time = run_access(service, given(act="list"))
    clock.advance(days=40)
    late = run_access(service, given(act="list"))

    assert (in_time, late) == (0, 1)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{request_id}  ready     due 2026-12-20",
        f"{request_id}  ready     due 2026-12-20  LATE",
    ]
