"""What each subcommand does. Each gives the exit code: 0 well, 1 found wrong, 2 refused."""

import getpass
import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casework.adapters import backups, restores
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.migrate import upgrade
from casework.bootstrap import build_service
from casework.model.bands import load_band_limits
from casework.model.desk import DeskItem
from casework.model.disclosure_screen import load_disclosure_screen
from launcher import checks, staff, training
from launcher.access import run_access
from launcher.audit_verify import run_verify
from launcher.case_imports import run_cases
from launcher.compliance import show_compliance
from launcher.drills import run_drill
from launcher.evaluation.packs import read_packs
from launcher.evaluation.run import run_evaluation
from launcher.evaluation.sets import DEFAULT_SETS, HeldOutSet, read_set
from launcher.feedback import show_feedback
from launcher.invite import WAYS as WAYS
from launcher.invite import invite as make_invite
from launcher.keeping import run_erase, run_retention
from launcher.keys import make_keys, run_keys
from launcher.link import LABELS as LABELS
from launcher.link import run_link
from launcher.model_files import read_birth
from launcher.models import run_models, run_promote, run_rollback, run_shadow
from launcher.record_export import run_export
from launcher.staff import ROLES as ROLES
from launcher.switches import CHANNELS as CHANNELS
from launcher.switches import SWITCHES as SWITCHES
from launcher.switches import TRIAL_ACTS as TRIAL_ACTS
from launcher.switches import run_assistant, run_trial
from launcher.understanding import (
    Parsed,
    decide,
    screen_to_line,
    understand_lines,
    understand_texts,
    understood_to_line,
)
from launcher.up import make_plan, run_up
from launcher.words import run_words


@dataclass(frozen=True, kw_only=True)
class Line:
    """One message of `screen` and `understand`."""

    text: str
    id: Any
    channel: str = "sms"


def up(given: Namespace) -> int:
    return run_up(given.root, data_dir=given.data_dir, port=given.port, console_port=given.console_port)


def test(given: Namespace) -> int:
    return checks.run_checks(given.root, unit_only=given.unit, pytest_arguments=given.pytest_arguments)


def train(given: Namespace) -> int:
    if given.candidate:
        return _train_candidate(given)
    model = training.find_current_model(given.root)
    if model is not None:
        print(f"Nothing to train: {model.path.name} is current.")
        return 0
    model = training.train(given.root, log_path=given.data_dir / "logs" / "train.log")
    print(f"Trained {model.path.name}: {read_birth(model.path).model_id}")
    return 0


def _train_candidate(given: Namespace) -> int:
    from launcher.candidate_command import run_train_candidate

    service = _open(given)
    try:
        return run_train_candidate(service)
    finally:
        service.database.close()


def workbench(given: Namespace) -> int:
    """What trainers do at the desk, for the command line."""
    from launcher.withdrawals import run_withdraw
    from launcher.workbench_data import run_workbench_data

    service = _open(given)
    try:
        if given.act == "withdraw":
            return run_withdraw(service.settings.training_root, service, given)
        return run_workbench_data(service.settings.training_root, service, given)
    finally:
        service.database.close()


def screen(_given: Namespace) -> int:
    """Reads lines, writes lines, in order; a line that is no JSON is screened as it stands, never dropped."""
    found = load_disclosure_screen()
    for line in read_lines():
        _write({"id": line.id, **screen_to_line(found.screen_text(line.text))})
    return 0


def read_lines() -> Iterator[Line]:
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        if not raw.strip():
            continue
        try:
            yield _parse_line(raw)
        except ValueError:
            print(f"line {number} is not a JSON object with a text; read as it stands", file=sys.stderr)
            yield Line(text=raw.decode("utf-8", "replace"), id=None)


def _parse_line(raw: bytes) -> Line:
    # The standard library's parser, because it accepts what people's phones really send: half characters.
    given = json.loads(raw)
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise ValueError("no text")
    return Line(text=given["text"], id=given.get("id"), channel=str(given.get("channel") or "sms"))


def _write(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def understand(given: Namespace) -> int:
    """Reads lines, writes lines, in order; a line that is no JSON is read as it stands, never dropped."""
    found, limits = load_disclosure_screen(), load_band_limits()
    lines = list(read_lines())
    for line, parsed in zip(lines, understand_lines(given.root, _get_model(given), lines), strict=True):
        understood = decide(found.screen_text(line.text), parsed, limits)
        _write({"id": line.id, **understood_to_line(understood)})
    return 0


def evaluate(given: Namespace) -> int:
    """Measures both layers on held-out sets; the exit code says that it was measured, not how well."""
    if given.gates:
        return _evaluate_gates(given)
    names = given.sets or DEFAULT_SETS
    chosen = [HeldOutSet(name=name, examples=tuple(read_set(given.root, name))) for name in names]
    packs = read_packs(given.root) if given.packs else []
    model = _get_model(given) if given.model is None else _find_model(given)
    asked: dict[str, Parsed] = {}

    def ask(texts: Sequence[str]) -> Mapping[str, Parsed]:
        more = [text for pack in packs for text in pack.texts]
        if not asked.keys() >= set(texts):
            asked.update(understand_texts(given.root, model, [*texts, *more]))
        return asked

    run_evaluation(chosen, ask, typos=given.typos, html=given.html, choosing_limits=given.choose_limits)
    if packs:
        from launcher.evaluate_gates import tell_packs

        print("\n".join(tell_packs(packs, ask)))
    return 0


def _evaluate_gates(given: Namespace) -> int:
    from launcher.evaluate_gates import run_gates

    service = _open(given)
    try:
        return run_gates(given.root, service, named=given.model or _get_model(given).path.name)
    finally:
        service.database.close()


def _find_model(given: Namespace) -> training.Model:
    from launcher.compare import find_model

    service = _open(given)
    try:
        path, birth = find_model(given.root, service.database, given.model)
    finally:
        service.database.close()
    return training.Model(path, birth.fingerprint, birth.sha256)


def compare(given: Namespace) -> int:
    from launcher.compare import BY, run_compare

    service = _open(given)
    try:
        return run_compare(
            given.root, service, model=given.model, against=given.against, turns=given.turns, by=BY
        )
    finally:
        service.database.close()


def _get_model(given: Namespace) -> training.Model:
    model = training.find_current_model(given.root)
    if model is None:
        print("Training first: the assistant's data or code is new", file=sys.stderr)
        model = training.train(given.root, log_path=given.data_dir / "logs" / "train.log")
    return model


def cases(given: Namespace) -> int:
    service = _open(given)
    try:
        return run_cases(service.database, given)
    finally:
        service.database.close()


def run_staff(given: Namespace) -> int:
    """Adds, lists or ends staff accounts, or takes a second factor away."""
    if given.action != "list" and not given.login:
        print(f"Say whom: ./waymark staff {given.action} LOGIN", file=sys.stderr)
        return 2
    service = _open(given)
    try:
        return _STAFF[given.action](service, given)
    finally:
        service.database.close()


def _staff_add(service: Service, given: Namespace) -> int:
    password = _get_password(given)
    staff.add_member(
        service,
        login=given.login,
        display_name=given.name or given.login,
        role=given.role,
        password=password,
        collar_number=given.collar,
    )
    print(f"Added {given.login} ({given.role})")
    if not given.password_stdin and not sys.stdin.isatty():
        print(f"Password: {password}")
    return 0


def _staff_list(service: Service, _given: Namespace) -> int:
    for line in staff.list_members(service):
        print(line)
    return 0


def _staff_end(service: Service, given: Namespace) -> int:
    staff.end_member(service, given.login)
    print(f"Ended {given.login}: logged out everywhere")
    return 0


def _staff_reset_factor(service: Service, given: Namespace) -> int:
    staff.reset_factor(service, given.login)
    print(f"{given.login} sets up a new second factor at the next log-in")
    return 0


_STAFF = {"add": _staff_add, "list": _staff_list, "end": _staff_end, "reset-factor": _staff_reset_factor}


def _get_password(given: Namespace) -> str:
    if given.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return staff.make_password()


def invite(given: Namespace) -> int:
    service = _open(given)
    try:
        print(make_invite(service, given))
    finally:
        service.database.close()
    return 0


def link(given: Namespace) -> int:
    # Nothing of the database is read.
    service = build_service(_settings(given))
    try:
        return run_link(service, given)
    finally:
        service.database.close()


def clocks(given: Namespace) -> int:
    service = _open(given)
    try:
        return show_compliance(service.database, given)
    finally:
        service.database.close()


def access(given: Namespace) -> int:
    return _with_service(run_access, given)


def erase(given: Namespace) -> int:
    return _with_service(run_erase, given)


def retention(given: Namespace) -> int:
    return _with_service(run_retention, given)


def export(given: Namespace) -> int:
    return _with_service(run_export, given)


def models(given: Namespace) -> int:
    return _with_service(run_models, given)


def promote(given: Namespace) -> int:
    return _with_service(run_promote, given)


def rollback(given: Namespace) -> int:
    return _with_service(run_rollback, given)


def shadow(given: Namespace) -> int:
    return _with_service(run_shadow, given)


def _with_service(run: Callable[[Service, Namespace], int], given: Namespace) -> int:
    service = _open(given)
    try:
        return run(service, given)
    finally:
        service.database.close()


def assistant(given: Namespace) -> int:
    return _with_service(run_assistant, given)


def trial(given: Namespace) -> int:
    return _with_service(run_trial, given)


def feedback(given: Namespace) -> int:
    service = _open(given)
    try:
        return show_feedback(service.database)
    finally:
        service.database.close()


def drill(given: Namespace) -> int:
    service = _open(given)
    try:
        return run_drill(service, given)
    finally:
        service.database.close()


def queue(given: Namespace) -> int:
    service = _open(given)
    items = service.database.read_now(lambda tx: tx.desk.list_queue())
    service.database.close()
    if given.json:
        print(json.dumps([item_to_json(item) for item in items], indent=1))
        return 0
    for item in items:
        since = item.waiting_since.strftime("%d %b %H:%M")
        print(f"{item.grade.value}  {item.category or item.reason.value:34} {since}  {item.status.value}")
    if not items:
        print("Nobody is waiting.")
    return 0


def item_to_json(item: DeskItem) -> dict[str, Any]:
    """The published form of an open desk item (architecture §7)."""
    return {
        "id": item.id,
        "conversation": item.conversation_id,
        "grade": item.grade.value,
        "tier": item.tier,
        "category": item.category,
        "reason": item.reason.value,
        "channel": item.channel.value,
        "waiting_since": item.waiting_since.isoformat(),
        "owner": item.owner_name,
        "status": item.status.value,
    }


def doctor(given: Namespace) -> int:
    from launcher.doctor.run import run_doctor

    return run_doctor(given.root, given.data_dir, as_json=given.json)


def database(given: Namespace) -> int:
    settings = _settings(given)
    match given.action:
        case "upgrade":
            service = build_service(settings)
            upgrade(service.database.engine, say=print)
            service.database.close()
            print("The database is current.")
        case "verify":
            # A database that is damaged or not current is not read any further.
            is_wrong = backups.verify(settings.database_url, key_file=settings.keys_file)
            return is_wrong or run_verify(settings, given.anchors)
        case "backup":
            saved = backups.backup(settings.database_url, _file(given))
            print(f"Saved {saved}, and its keys beside it: keep those elsewhere, for 35 days at most.")
        case "restore":
            print(backups.restore(settings.database_url, _file(given), key_file=settings.keys_file))
            _note_restored(settings)
            print("Restored. Run ./waymark db verify.")
        case "restored":
            backups.check_stopped(settings.data_dir)
            _note_restored(settings)
        case "rehearse":
            from launcher.rehearse import run_rehearse

            return run_rehearse(given.database_url)
    return 0


def _note_restored(settings: Settings) -> None:
    gap = restores.note_restored(settings.database_url, key_file=settings.keys_file)
    print(
        f"What was done from {gap.since:%d %b %H:%M:%S} UTC on is not in it. What people wrote is taken in from the "
        "provider's list at the start; nothing that may have left leaves again before it was looked up there.\n"
        "If the assistant was switched off since, switch it off again before you start."
    )


def keys(given: Namespace) -> int:
    if given.action == "make":
        return make_keys(given.what)
    settings = _settings(given)
    return run_keys(
        given.action,
        given.what,
        url=settings.database_url,
        key_file=settings.keys_file,
        data_dir=settings.data_dir,
    )


def _file(given: Namespace) -> Path:
    if given.file is None:
        raise SystemExit(f"Say which file: ./waymark db {given.action} FILE")
    file: Path = given.file
    return file


def capacity(given: Namespace) -> int:
    from launcher.capacity.table import ALL, FORCE, print_capacity

    return print_capacity([FORCE, ALL] if given.people is None else [given.people])


def bench(given: Namespace) -> int:
    from launcher.bench_all import run_bench_chosen

    return run_bench_chosen(given)


def words(given: Namespace) -> int:
    return run_words(given)


def screens(given: Namespace) -> int:
    """In a process of its own: what takes the pictures is beside the tests, which the launcher does not import."""
    out = given.out or given.data_dir / "screens"
    command = [sys.executable, "-m", "tests.screens", str(out.absolute()), given.only]
    return subprocess.run(command, cwd=given.root, check=False).returncode


def _settings(given: Namespace) -> Settings:
    # The same values `up` would use, so that a command beside a running service sees its database.
    return Settings.from_env(
        make_plan(given.root, data_dir=given.data_dir, port=8080, console_port=8081).environ
    )


def _open(given: Namespace) -> Service:
    service = build_service(_settings(given))
    upgrade(service.database.engine)
    return service
