"""`./waymark models`, `promote`, `rollback` and `shadow`: which models there are, and which one answers people."""

import json
from argparse import Namespace
from typing import Any

from casework.adapters import promotions
from casework.adapters.service import Service
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.policy import Action
from casework.model.release_gates import load_gate_limits
from casework.services import model_releases, shadows
from casework.services.model_ports import ModelRelease, ModelVersion
from launcher.identities import check_role, identify

SHORT = 12


def run_models(service: Service, given: Namespace) -> int:
    """Prints every model, newest first, and which one is live."""
    lines = service.database.read_now(_list)
    if given.json:
        print(json.dumps(lines, indent=1))
        return 0
    for line in lines:
        is_what = "LIVE" if line["is_live"] else "before" if line["is_before"] else line["status"]
        print(f"{line['model'][:SHORT]:14} {is_what:12} {line['trained_at'][:16]}  {line['said']}")
    if not lines:
        print("No model was ever recorded here. ./waymark up finds or trains the first one.")
    return 0


def _list(tx: SqlTransaction) -> list[dict[str, Any]]:
    live, before = tx.model_releases.find_live(), tx.model_releases.find_before()
    newest = {each.model_id: each for each in reversed(tx.model_releases.list_releases())}
    return [
        {
            "model": each.model_id,
            "file": each.file,
            "status": each.status,
            "is_live": each.model_id == live,
            "is_before": each.model_id == before,
            "is_measured": each.report is not None,
            "data_version": each.data_version,
            "trained_at": each.trained_at.isoformat(),
            "trained_by": each.trained_by,
            "said": _say(each, newest.get(each.model_id)),
        }
        for each in tx.model_releases.list_versions()
    ]


def _say(version: ModelVersion, release: ModelRelease | None) -> str:
    if release is None:
        return "never proposed" if version.report is not None else "not measured"
    if release.is_open:
        return "proposed; waits for a second person"
    measured = "" if version.report is not None else ", not judged"
    return f"{release.kind}{measured}" + (f": {release.reason}" if release.reason else "")


def run_promote(service: Service, given: Namespace) -> int:
    """The first call proposes; a second one by somebody else, whose role approves, releases."""
    by = identify(service, given)
    model_id = service.database.read_now(lambda tx: _find(tx, given.model))
    limits = load_gate_limits()
    proposal = service.database.read_now(lambda tx: tx.model_releases.find_proposal())
    if proposal is None or proposal.model_id != model_id:
        check_role(by, Action.TRAIN)
        service.database.write_now(lambda tx: model_releases.propose(tx, model_id, by=by.id, limits=limits))
        print(
            f"Proposed {model_id[:SHORT]}. A supervisor releases it: ./waymark promote {given.model} --by LOGIN"
        )
        return 0
    check_role(by, Action.APPROVE_MODEL)
    data_dir = service.settings.data_dir
    service.database.write_now(
        lambda tx: promotions.release(tx, proposal.id, by=by.id, limits=limits, data_dir=data_dir)
    )
    service.database.read_now(lambda tx: promotions.keep_released_paper(tx, proposal.id, data_dir=data_dir))
    print(
        f"Released {model_id[:SHORT]}. New conversations go to it; those that run stay with theirs for a day."
    )
    return 0


def run_rollback(service: Service, given: Namespace) -> int:
    by = identify(service, given)
    check_role(by, Action.ROLL_BACK_MODEL)
    to = service.database.write_now(lambda tx: model_releases.roll_back(tx, by=by.id, reason=given.reason))
    print(f"Live is {to[:SHORT]} again, for every conversation, from its next message on.")
    return 0


def run_shadow(service: Service, given: Namespace) -> int:
    """Starts or stops asking a candidate what people write, beside the live model. 1 where nothing was to stop."""
    by = identify(service, given)
    check_role(by, Action.TRAIN)
    model_id = service.database.read_now(lambda tx: _find(tx, given.model))
    if given.stop:
        is_stopped = service.database.write_now(lambda tx: shadows.stop(tx, model_id, by=by.id))
        print(f"{model_id[:SHORT]} is asked no more." if is_stopped else "It was not asked anything.")
        return 0 if is_stopped else 1
    service.database.write_now(lambda tx: shadows.start(tx, model_id, hours=given.hours, by=by.id))
    print(
        f"{model_id[:SHORT]} is asked what comes in for {given.hours} hours. It answers nobody; what would differ "
        f"stands at /workbench/models/{model_id[:SHORT]}"
    )
    return 0


def _find(tx: SqlTransaction, asked: str) -> str:
    found = [each.model_id for each in tx.model_releases.list_versions() if each.model_id.startswith(asked)]
    if len(found) != 1:
        raise model_releases.ModelNotFound(
            f"{len(found)} models begin with {asked}. See ./waymark models --json"
        )
    return found[0]
