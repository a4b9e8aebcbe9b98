"""`./waymark doctor`: what is missing or wrong, and what to do about it."""

import asyncio
import json
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from pysqlite3 import dbapi2 as sqlite

from casework.adapters.settings import Settings
from casework.adapters.storage.database import create_engine
from casework.adapters.storage.migration_state import is_current
from casework.model.errors import WaymarkError
from casework.services.sweeps import ProviderUnreachable
from channels.twilio_reads import TwilioAccount, TwilioReader
from channels.twilio_settings_check import SettingFound, check_twilio_settings
from launcher import training
from launcher.environments import bot_environment, service_environment
from launcher.up import make_plan

TEMPLATES = Path("casework/templates")


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
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        well = is_current(connection)
    engine.dispose()
    yield Finding("database", well, "current" if well else "a migration is missing; run ./waymark db upgrade")
    if engine.dialect.name == "sqlite":
        yield Finding("SQLite", True, f"{sqlite.sqlite_version}, which keeps committed writes")


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


CHECKS: tuple[Check, ...] = (
    check_environments,
    check_settings,
    check_database,
    check_model,
    check_review_dates,
    check_provider,
    check_running,
)
