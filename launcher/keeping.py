"""`./waymark erase` and `./waymark retention`; and the part of an erasing that needs the training data."""

import asyncio
import sys
from argparse import Namespace

from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.holds import ErasureReason, ErasureStage, Refusal, Subject, SubjectKind
from casework.model.policy import Action
from casework.services import erasure, retention
from casework.services.erasure import ErasureRefused, WarningNotSeen
from casework.services.keeping_ports import Erasure
from channels.keeping import build_erasing, build_keeping, load_rules
from launcher.identities import check_role, identify
from launcher.workbench_data import write_data

ERASED = (SubjectKind.CONVERSATION.value, SubjectKind.PERSON.value)
TAUGHT = "rows of training data"
WHY = {
    Refusal.HELD: "a hold keeps it",
    Refusal.OPEN_CASE: "a case of theirs is open",
    Refusal.IN_WORK: "somebody works on it, it waits on the queue, or a message has yet to leave",
    Refusal.IMPORT_WAITS: "a case file that waits for a decision names their case",
    Refusal.NEW_MESSAGE: "they have written since",
    Refusal.NOT_AGREED: "a second person saw what was never exported, and said no",
    Refusal.NOT_THERE: "nothing has that id",
}


def run_erase(service: Service, given: Namespace) -> int:
    """Asks for it and does it, with the worker's own steps. 1 where it was refused or stopped, or has to wait.

    Raises SignInRefused, NotTheirs, ErasureUnderWay.
    """
    by = identify(service, given)
    check_role(by, Action.ERASE)
    subject = Subject(kind=SubjectKind(given.what), id=given.of)
    try:
        erasure_id = service.database.write_now(
            lambda tx: erasure.ask(
                tx, subject, ErasureReason(given.reason), by=by.id, has_seen_warning=given.never_exported
            )
        )
    except WarningNotSeen:
        waiting = service.database.read_now(lambda tx: erasure.list_unexported(tx, subject))
        print("Nothing was erased: the force's record does not have all of it.", file=sys.stderr)
        for each in waiting:
            print(f"- {each}", file=sys.stderr)
        print("With --never-exported it waits for a second person at the desk.", file=sys.stderr)
        return 1
    except ErasureRefused as refused:
        print("Nothing was erased:", file=sys.stderr)
        for each in refused.refusals:
            print(f"- {WHY[each]}", file=sys.stderr)
        return 1
    return _finish(service, erasure_id)


def run_retention(service: Service, given: Namespace) -> int:
    """What has had its time, by table; with --now it goes. 1 where rows are left that should be gone."""
    rules = load_rules(service)
    if given.now:
        asyncio.run(retention.keep_all(build_keeping(service, rules)))
    due = service.database.read_now(lambda tx: retention.list_due(tx, rules))
    for each in due:
        print(f"{each.rule.table:20} {each.rule.kept_as:14} {each.due:8} due, {each.overdue} overdue")
    unexported = service.database.read_now(lambda tx: tx.retention.count_unexported(rules.unexported_alarm))
    print(f"{sum(each.due for each in due)} rows have had their time.")
    print(f"{unexported} conversations wait longer than they should to be taken into the force's record.")
    return 1 if any(each.overdue for each in due) else 0


def finish_taught(service: Service) -> bool:
    """Writes the files of examples anew without what is being erased. False where nothing waits for that."""
    database = service.database
    waiting = database.read_now(lambda tx: tx.erasures.next_unfinished([ErasureStage.TAUGHT]))
    if waiting is None:
        return False
    written = write_data(service.settings.training_root, service, by=erasure.BY)
    database.write_now(lambda tx: erasure.note_taught(tx, waiting.id, {TAUGHT: written.removed}))
    return True


def _finish(service: Service, erasure_id: str) -> int:
    if service.database.read_now(lambda tx: _get(tx, erasure_id)).stage is ErasureStage.WARNED:
        print("It waits for a second person, at the desk under Holds and erasing.", file=sys.stderr)
        return 1
    asyncio.run(_take_steps(service, erasure_id))
    found = service.database.read_now(lambda tx: _get(tx, erasure_id))
    for name, count in sorted(found.counts.items()):
        print(f"{name:24} {count}")
    if found.stage is ErasureStage.DONE:
        print("Erased. What a backup still holds goes with the backup: keep none longer than 35 days.")
        return 0
    if found.stopped_why is not None:
        print(f"Stopped: {WHY[found.stopped_why]}. What was taken out until then is gone.", file=sys.stderr)
    else:
        print(
            "The rows are gone. The rest is done by the worker, as soon as nobody reads them.",
            file=sys.stderr,
        )
    return 1


async def _take_steps(service: Service, erasure_id: str) -> None:
    erasing = build_erasing(service, load_rules(service))
    while await erasure.erase_next(erasing) or await asyncio.to_thread(finish_taught, service):
        now = await service.database.read(lambda tx: _get(tx, erasure_id))
        print(f"{now.stage.value}: {sum(now.counts.values())} so far")


def _get(tx: SqlTransaction, erasure_id: str) -> Erasure:
    found = tx.erasures.find(erasure_id)
    assert found is not None
    return found
