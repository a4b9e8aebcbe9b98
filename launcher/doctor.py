"""`./waymark doctor`: what is missing or wrong, and what to do about it."""

import asyncio
import json
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from pysqlite3 import dbapi2 as sqlite

from casework.adapters.settings import Settings
from casework.adapters.storage.database import create_engine
from casework.adapters.storage.migration_state import is_current
from casework.adapters.vault.key_files import KeysWrong
from casework.adapters.vault.key_services import FileKeys
from casework.model.errors import WaymarkError
from casework.services.sweeps import ProviderUnreachable
from channels.twilio_reads import TwilioAccount, TwilioReader
from channels.twilio_settings_check import SettingFound, check_twilio_settings
from launcher import training
from launcher.environments import bot_environment, service_environment
from launcher.fence.command import find_containment, find_what_holds
from launcher.fence.rules import OFF
from launcher.supply_audit import audit, say_certain, say_of_today
from launcher.up import make_plan

# What a Rasa that was broken into could still do where that does not hold.
WITHOUT = {
    "network": "it could call whatever listens at the actions' port number on any address",
    "privileges": "it keeps the rights this user has, and nothing else holds either",
    "files": "it could read the database and the keys",
    "calls": "it could send datagrams, start programs and signal other processes",
}
TEMPLATES = Path("casework/templates")
BACKUP_DAYS = 35  # docs/retention.md


@dataclass(frozen=True)
class Finding:
    what: str
    is_well: bool
    detail: str


Check = Callable[[Path, Path], Iterator[Finding]]


def run_doctor(root: Path, data_dir: Path) -> int:
    """Prints every finding; 0 when all are well."""
    findings = [finding for check in CHECKS for finding in _run(check, root, data_dir)]
    for finding in findings:
        print(f"{'ok  ' if finding.is_well else 'FIX '} {finding.what}: {finding.detail}")
    wrong = sum(not finding.is_well for finding in findings)
    print("Everything looks well." if not wrong else f"{wrong} to fix.")
    return 1 if wrong else 0


def _run(check: Check, root: Path, data_dir: Path) -> list[Finding]:
    try:
        return list(check(root, data_dir))
    except (WaymarkError, OSError, sa.exc.SQLAlchemyError) as error:
        return [Finding(check.__name__.removeprefix("check_"), False, str(error).splitlines()[0])]


def check_environments(root: Path, _data_dir: Path) -> Iterator[Finding]:
    for environment in (service_environment(root), bot_environment(root)):
        well = environment.is_current()
        detail = "installed as locked" if well else "not as locked; ./waymark up installs it"
        yield Finding(f"packages of {environment.what}", well, detail)


def check_settings(root: Path, data_dir: Path) -> Iterator[Finding]:
    settings = Settings.from_env(make_plan(root, data_dir=data_dir, port=8080, console_port=8081).environ)
    provider = "the built-in sandbox" if settings.is_sandbox else "Twilio"
    yield Finding("settings", True, f"complete; messages go through {provider}")
    is_open = not settings.is_sandbox and not settings.public_url.startswith("https://")
    yield Finding(
        "public address",
        not is_open,
        "WAYMARK_PUBLIC_URL must start with https:// once real messages arrive"
        if is_open
        else settings.public_url,
    )


def check_database(root: Path, data_dir: Path) -> Iterator[Finding]:
    settings = Settings.from_env(make_plan(root, data_dir=data_dir, port=8080, console_port=8081).environ)
    engine = create_engine(settings.database_url, FileKeys(settings.keys_file))
    try:
        with engine.connect() as connection:
            well = is_current(connection)
    except KeysWrong as wrong:
        yield Finding("keys", False, f"{wrong}")
        return
    finally:
        engine.dispose()
    yield Finding("keys", True, f"{settings.keys_file}; keep a copy where the database is not")
    yield Finding("database", well, "current" if well else "a migration is missing; run ./waymark db upgrade")
    if engine.dialect.name == "sqlite":
        yield Finding("SQLite", True, f"{sqlite.sqlite_version}, which keeps committed writes")


def check_audit_anchors(root: Path, data_dir: Path) -> Iterator[Finding]:
    """Whether the signed heads of the audit go where whoever can change the database cannot change them."""
    settings = Settings.from_env(make_plan(root, data_dir=data_dir, port=8080, console_port=8081).environ)
    outside = [each.name for each in settings.audit_anchors if each.is_outside(settings.data_dir)]
    detail = (
        f"handed to {', '.join(outside)}"
        if outside
        else "only in the data folder, which is not outside: set WAYMARK_AUDIT_ANCHORS (docs/audit.md)"
    )
    yield Finding("signed heads of the audit", bool(outside) or settings.is_sandbox, detail)


def check_model(root: Path, _data_dir: Path) -> Iterator[Finding]:
    model = training.find_current_model(root)
    detail = model.path.name if model else "none for the present data; run ./waymark train"
    yield Finding("assistant's model", model is not None, detail)


def check_review_dates(root: Path, _data_dir: Path) -> Iterator[Finding]:
    """Every fixed text and directory entry says by when it must be looked at again."""
    today = datetime.now(UTC).date()
    for template in sorted((root / TEMPLATES).glob("*.toml")):
        late = [name for name, due in _review_dates(tomllib.loads(template.read_text())) if due < today]
        detail = f"past their review date: {', '.join(late)}" if late else "all within their review date"
        yield Finding(f"texts in {template.name}", not late, detail)


def _review_dates(node: object, name: str = "") -> Iterator[tuple[str, date]]:
    if isinstance(node, list):
        for each in node:
            yield from _review_dates(each, name)
    if not isinstance(node, dict):
        return
    due = node.get("review_by")
    if isinstance(due, date):
        yield str(node.get("id", name)), due
    for key, child in node.items():
        yield from _review_dates(child, key)


def check_supply(root: Path, _data_dir: Path) -> Iterator[Finding]:
    """What is known against the packages, with today's date: strict, unlike `./waymark test`."""
    found = audit(root)
    wrong = [*say_certain(found), *say_of_today(found, datetime.now(UTC).date())]
    detail = (
        f"{wrong[0].splitlines()[0]} (./waymark supply has all {len(wrong)})"
        if wrong
        else "nothing undecided"
    )
    yield Finding("known flaws of packages", not wrong, detail)


def check_provider(root: Path, data_dir: Path) -> Iterator[Finding]:
    """What is set at the provider, read from the provider: it decides whether a message reaches us at all."""
    settings = Settings.from_env(make_plan(root, data_dir=data_dir, port=8080, console_port=8081).environ)
    if settings.is_sandbox:
        run_file = data_dir / "run.json"
        if not run_file.exists():
            yield Finding("provider", True, "the built-in sandbox, not running; nothing to read")
            return
        settings = _as_running(settings, json.loads(run_file.read_text())["addresses"])
    try:
        found = asyncio.run(_read_provider(settings))
    except ProviderUnreachable as failure:
        yield Finding(
            "provider", False, f"could not be asked ({failure.code}); check the account and the network"
        )
        return
    for each in found:
        yield Finding(each.what, each.is_well, each.detail)


def _as_running(settings: Settings, addresses: Mapping[str, str]) -> Settings:
    port = urlsplit(addresses["public"]).port or settings.port
    # A service that was started before there was a spool runs without one.
    spool_url = addresses.get("spool", settings.spool_url)
    return replace(settings, twilio_api_url=addresses["sandbox"], spool_url=spool_url, port=port)


async def _read_provider(settings: Settings) -> list[SettingFound]:
    async with TwilioReader(TwilioAccount.from_settings(settings)) as reader:
        return await check_twilio_settings(reader, settings)


def check_backups(_root: Path, data_dir: Path) -> Iterator[Finding]:
    """What was erased is in a backup until the backup goes (docs/retention.md)."""
    oldest = time.time() - timedelta(days=BACKUP_DAYS).total_seconds()
    found = [*data_dir.glob("*.before-restore*"), *(data_dir / "backups").glob("*")]
    late = sorted(path.name for path in found if path.stat().st_mtime < oldest)
    detail = f"older than {BACKUP_DAYS} days; remove {', '.join(late)}" if late else "none kept too long here"
    yield Finding("backups", not late, detail)


def check_running(_root: Path, data_dir: Path) -> Iterator[Finding]:
    run_file = data_dir / "run.json"
    if not run_file.exists():
        yield Finding("processes", True, "not running; start them with ./waymark up")
        return
    running = json.loads(run_file.read_text())
    try:
        with urllib.request.urlopen(running["addresses"]["public"] + "/health/ready", timeout=3) as response:
            parts = json.load(response)
    except urllib.error.HTTPError as refusal:
        parts = json.load(refusal)
    for name in ("database", "worker", "assistant"):
        detail = "answers" if parts[name] else f"does not answer; look in {data_dir / 'logs'}"
        yield Finding(f"running {name}", parts[name], detail)
    for name, count in running["restarts"].items():
        yield Finding(
            f"{name} restarts", count < 5, f"{count} since start; see {data_dir / 'logs' / name}.log"
        )


def check_containment(_root: Path, _data_dir: Path) -> Iterator[Finding]:
    """What keeps Rasa from everything else, tried on this machine with a program that does nothing."""
    if find_containment() == OFF:
        yield Finding(
            "containment of Rasa", False, "WAYMARK_CONTAINMENT is off: whoever gets into Rasa has everything"
        )
        return
    for name, holds in find_what_holds().items():
        detail = "holds" if holds else f"does not hold here: {WITHOUT[name]}; see docs/containment.md"
        yield Finding(f"containment of Rasa: {name}", holds, detail)


CHECKS: tuple[Check, ...] = (
    check_containment,
    check_environments,
    check_settings,
    check_database,
    check_audit_anchors,
    check_model,
    check_review_dates,
    check_supply,
    check_provider,
    check_running,
    check_backups,
)
