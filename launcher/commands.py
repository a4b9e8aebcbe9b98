"""What each subcommand does. Each gives the exit code: 0 well, 1 found wrong, 2 refused."""

import getpass
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casework.adapters import backups
from casework.adapters.case_import import import_cases
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.conversations import screen_to_json
from casework.adapters.storage.migrate import upgrade
from casework.bootstrap import build_service
from casework.model.desk import DeskItem
from casework.model.disclosure_screen import DisclosureScreen, load_disclosure_screen
from launcher import checks, staff, training
from launcher import doctor as doctor_checks
from launcher.staff import ROLES as ROLES
from launcher.understanding import evaluate_model, understand_lines
from launcher.up import make_plan, run_up


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
    model = training.find_current_model(given.root)
    if model is not None:
        print(f"Nothing to train: {model.path.name} is current.")
        return 0
    model = training.train(given.root, log_path=given.data_dir / "logs" / "train.log")
    print(f"Trained {model.path.name}")
    return 0


def screen(_given: Namespace) -> int:
    """Reads lines, writes lines, in order; a line that is no JSON is screened as it stands, never dropped."""
    found = load_disclosure_screen()
    for line in read_lines():
        _write({"id": line.id, **screen_line(found, line.text)})
    return 0


def screen_line(found: DisclosureScreen, text: str) -> dict[str, Any]:
    return screen_to_json(found.screen_text(text))


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
    found = load_disclosure_screen()
    lines = list(read_lines())
    model = _get_model(given)
    for line, understood in zip(lines, understand_lines(given.root, model, lines), strict=True):
        screened = screen_line(found, line.text)
        _write({"id": line.id, **screened, **merge_layers(screened, understood)})
    return 0


def merge_layers(screened: dict[str, Any], understood: dict[str, Any]) -> dict[str, Any]:
    """The band and outcome of both layers. The learned layer may raise the screen's word, never lower it."""
    is_red = bool(screened["urgent"])
    to_person = is_red or bool(understood["to_person"])
    return {
        "band": "red" if is_red else "amber" if understood["outcome"] == "unclear" else "green",
        "to_person": to_person,
        "outcome": "urgent" if is_red else understood["outcome"],
        "outcome_confidence": 1.0 if is_red else understood["outcome_confidence"],
        "sub": understood["sub"],
        "intent": understood["intent"],
    }


def evaluate(given: Namespace) -> int:
    return evaluate_model(given.root, _get_model(given))


def _get_model(given: Namespace) -> training.Model:
    model = training.find_current_model(given.root)
    if model is None:
        print("Training first: the assistant's data or code is new", file=sys.stderr)
        model = training.train(given.root, log_path=given.data_dir / "logs" / "train.log")
    return model


def cases(given: Namespace) -> int:
    service = _open(given)
    try:
        print(f"Imported {import_cases(service.database, given.file)} cases")
    finally:
        service.database.close()
    return 0


def staff_add(given: Namespace) -> int:
    service = _open(given)
    password = _get_password(given)
    name = given.name or given.login
    try:
        staff.add_member(service, login=given.login, display_name=name, role=given.role, password=password)
    finally:
        service.database.close()
    print(f"Added {given.login} ({given.role})")
    if not given.password_stdin and not sys.stdin.isatty():
        print(f"Password: {password}")
    return 0


def _get_password(given: Namespace) -> str:
    if given.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return staff.make_password()


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
    return doctor_checks.run_doctor(given.root, given.data_dir)


def database(given: Namespace) -> int:
    settings = _settings(given)
    match given.action:
        case "upgrade":
            service = build_service(settings)
            upgrade(service.database.engine)
            service.database.close()
            print("The database is current.")
        case "verify":
            return backups.verify(settings.database_url)
        case "backup":
            print(f"Saved {backups.backup(settings.database_url, _file(given))}")
        case "restore":
            backups.restore(settings.database_url, _file(given))
            print("Restored. Run ./waymark db verify.")
    return 0


def _file(given: Namespace) -> Path:
    if given.file is None:
        raise SystemExit(f"Say which file: ./waymark db {given.action} FILE")
    file: Path = given.file
    return file


def bench(given: Namespace) -> int:
    from launcher.bench_turn import run_bench_turn

    return run_bench_turn(given.root, given.data_dir, turns=given.turns)


def _settings(given: Namespace) -> Settings:
    # The same values `up` would use, so that a command beside a running service sees its database.
    return Settings.from_env(
        make_plan(given.root, data_dir=given.data_dir, port=8080, console_port=8081).environ
    )


def _open(given: Namespace) -> Service:
    service = build_service(_settings(given))
    upgrade(service.database.engine)
    return service
