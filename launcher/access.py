"""`./waymark access`: the requests for a copy that wait, and the copy of one that is ready."""

import os
import shutil
from argparse import Namespace
from pathlib import Path

from casework.adapters.access_copy import make_copy
from casework.adapters.service import Service
from casework.model.errors import WaymarkError
from casework.model.policy import Action
from casework.model.working_days import local_day
from casework.services import access_requests as access
from launcher.identities import check_role, identify

ACTS = ("list", "copy")
MOST_LISTED = 200


class CopyNotWritten(WaymarkError):
    """What is asked for has to be said whole, and no file is written over."""


def run_access(service: Service, given: Namespace) -> int:
    """0, or 1 where the day of a request that waits has gone by. Raises CopyNotWritten and what the service refuses."""
    if given.act == "list":
        return _list(service)
    if not (given.of and given.by and given.out):
        raise CopyNotWritten(
            "Say which, who and where to: ./waymark access copy ID --by LOGIN --out copy.zip"
        )
    by = identify(service, given)
    check_role(by, Action.GIVE_ACCESS)
    sha256 = _write_copy(service, given.of, given.out, by=by.id)
    print(f"{given.out} is not locked: keep it where nobody else can read it.\nSHA-256 {sha256}")
    return 0


def _list(service: Service) -> int:
    today = local_day(service.clock.now())
    found = service.database.read_now(lambda tx: tx.access_requests.list_newest(limit=MOST_LISTED))
    waiting = [each for each in found if each.ended_at is None]
    for each in waiting:
        late = "  LATE" if each.due_on < today else ""
        print(f"{each.id}  {each.status.value:8}  due {each.due_on}{late}")
    if not waiting:
        print("Nobody waits for a copy.")
    return int(any(each.due_on < today for each in waiting))


def _write_copy(service: Service, request_id: str, out: Path, *, by: str) -> str:
    if out.exists() or not out.parent.is_dir():
        raise CopyNotWritten(f"{out} cannot be written anew: it exists already, or its folder does not.")
    made = service.database.read_now(lambda tx: make_copy(tx, request_id))
    with made.file:
        service.database.write_now(
            lambda tx: access.record_copy(tx, request_id, made.sha256, made.conversations, by=by)
        )
        # Whoever reads the file reads all of it: for its owner's eyes, and never over a file that is there.
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(made.file, file)
    return made.sha256
