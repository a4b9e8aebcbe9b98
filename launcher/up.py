"""`./waymark up`: everything on this machine, ready to use, with synthetic cases and a pretend provider."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from casework.adapters import metrics
from casework.adapters.case_import import ImportHeld, import_cases
from casework.adapters.own_process import keep_memory_private
from casework.adapters.settings import SHORTEST_SECRET, Settings
from casework.adapters.storage.database import Database
from casework.adapters.storage.migrate import upgrade
from casework.bootstrap import build_service
from casework.model.errors import SettingsInvalid
from casework.model.release_gates import load_gate_limits
from channels.sandbox.contents import WAITING_SID
from channels.spool import MESSAGE_PATH, STATUS_PATH
from channels.twilio_settings_check import WANTED_OVERRIDES
from launcher import model_files, staff, training
from launcher.live_model import Places, ensure_released
from launcher.model_keeper import NICENESS, Keeping, ModelKeeper, Slot, keep
from launcher.model_loader import CheckedModel, rasa_command, remove_copies
from launcher.processes import Program, Supervisor
from launcher.serve import ACTIONS, DESK, GATEWAY

READY_SECONDS = 180.0
# Places for models: the live one, the one before it, and one that guests try.
RASA_PROGRAMS = ("rasa", "rasa-2", "rasa-3")
SANDBOX_SMS_FROM = "+447700900999"
SANDBOX_SEGMENTS_PER_SECOND = "20"  # a number of a real network sends one
SANDBOX_EMAIL_FROM = "Messages <messages@example.org>"
# With either the web server shows whoever asked what went wrong, line by line.
DEBUGGING = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE")
SYNTHETIC_CASES = Path("data/cases/synthetic_cases.json")
PYTHON = sys.executable


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where everything will listen and what it will be told."""

    root: Path
    data_dir: Path
    environ: Mapping[str, str]
    sandbox_port: int | None
    rasa_ports: tuple[int, ...] = ()  # of the places for models; none: the operator runs Rasa elsewhere

    @property
    def public_address(self) -> str:
        return f"http://127.0.0.1:{self.environ['WAYMARK_PORT']}"

    @property
    def addresses(self) -> dict[str, str]:
        found = {
            "public": self.public_address,
            "console": f"http://127.0.0.1:{self.environ['WAYMARK_CONSOLE_PORT']}",
            # Of several the first: where the only model of a new database is.
            "rasa": self.environ["WAYMARK_RASA_URLS"].partition(",")[0],
            "spool": f"http://127.0.0.1:{self.environ['WAYMARK_SPOOL_PORT']}",
        }
        if self.sandbox_port:
            found["sandbox"] = f"http://127.0.0.1:{self.sandbox_port}"
        return found


def run_up(root: Path, *, data_dir: Path, port: int, console_port: int) -> int:
    """Starts and watches everything until Ctrl-C or SIGTERM; gives the exit code."""
    keep_memory_private()
    plan = make_plan(root, data_dir=data_dir, port=port, console_port=console_port)
    settings = Settings.from_env(plan.environ)
    _check_ports(port, console_port)
    _make_metrics_folder(plan)
    _say("Preparing the database")
    password = _prepare_database(plan, settings)
    service = build_service(settings)
    try:
        if plan.rasa_ports:
            ensure_released(_places(plan, settings), service.database, say=_say)
        return asyncio.run(_run(plan, settings, service.database, password))
    finally:
        service.database.close()


def make_plan(root: Path, *, data_dir: Path, port: int, console_port: int) -> Plan:
    """The processes' environment: what the operator set, and safe values made for what they did not."""
    data_dir = data_dir.absolute()
    environ = {name: value for name, value in os.environ.items() if name not in DEBUGGING}
    keys = _get_keys(data_dir)
    is_sandbox = not environ.get("TWILIO_ACCOUNT_SID")
    sandbox_port = _free_port(8083) if is_sandbox else None
    if is_sandbox:
        environ |= {
            "WAYMARK_SANDBOX": "1",
            "TWILIO_ACCOUNT_SID": keys["sandbox_account_sid"],
            "TWILIO_AUTH_TOKEN": keys["sandbox_auth_token"],
            "WAYMARK_TWILIO_API_URL": f"http://127.0.0.1:{sandbox_port}",
            "WAYMARK_SMS_FROM": SANDBOX_SMS_FROM,
            "WAYMARK_SMTP_URL": f"smtp://127.0.0.1:{_free_port(8025)}",
            "WAYMARK_EMAIL_FROM": SANDBOX_EMAIL_FROM,
        }
        environ.setdefault("WAYMARK_FEED_KEYS", keys["sandbox_feed_key"])
        environ.setdefault("WAYMARK_WHATSAPP_FROM", SANDBOX_SMS_FROM)
        environ.setdefault("WAYMARK_SMS_SEGMENTS_PER_SECOND", SANDBOX_SEGMENTS_PER_SECOND)
        environ.setdefault("WAYMARK_WHATSAPP_TEMPLATE", WAITING_SID)
        if not environ.get("TELEGRAM_BOT_TOKEN"):
            environ |= {
                "TELEGRAM_BOT_TOKEN": keys["sandbox_bot_token"],
                "WAYMARK_TELEGRAM_SECRET": keys["sandbox_telegram_secret"],
                "WAYMARK_TELEGRAM_API_URL": f"http://127.0.0.1:{sandbox_port}",
            }
    private_port = int(environ.get("WAYMARK_PRIVATE_PORT") or _free_port(8082))
    spool_port = int(environ.get("WAYMARK_SPOOL_PORT") or _free_port(8085))
    if is_sandbox:
        environ.setdefault("WAYMARK_SPOOL_URL", f"http://127.0.0.1:{spool_port}")
    rasa_ports = () if environ.get("WAYMARK_RASA_URLS") else _choose_rasa_ports()
    environ.setdefault("WAYMARK_TURN_SECRET", keys["turn_secret"])
    environ.setdefault("WAYMARK_PUBLIC_URL", f"http://127.0.0.1:{port}")
    environ |= {
        "WAYMARK_DATA_DIR": str(data_dir),
        "WAYMARK_PORT": str(port),
        "WAYMARK_CONSOLE_PORT": str(console_port),
        "WAYMARK_PRIVATE_PORT": str(private_port),
        "WAYMARK_SPOOL_PORT": str(spool_port),
        metrics.FOLDER: str(data_dir / "metrics"),
        "OMP_NUM_THREADS": "1",
        # Threads that share what they free: a gateway's memory goes to its readers.
        "MALLOC_ARENA_MAX": "2",
    }
    if rasa_ports:
        environ["WAYMARK_RASA_URLS"] = ",".join(f"http://127.0.0.1:{port}" for port in rasa_ports)
    return Plan(
        root=root, data_dir=data_dir, environ=environ, sandbox_port=sandbox_port, rasa_ports=rasa_ports
    )


def _get_keys(data_dir: Path) -> dict[str, str]:
    """Secrets this machine makes for itself, once."""
    path = data_dir / "keys" / "local.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    keys = {
        "turn_secret": secrets.token_urlsafe(SHORTEST_SECRET),
        "sandbox_account_sid": "AC" + secrets.token_hex(16),
        "sandbox_auth_token": secrets.token_hex(16),
        "sandbox_feed_key": secrets.token_hex(SHORTEST_SECRET),
        "sandbox_bot_token": f"1000001:{secrets.token_hex(16)}",
        "sandbox_telegram_secret": secrets.token_hex(SHORTEST_SECRET),
    } | known
    if keys == known:
        return keys
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(json.dumps(keys, indent=1) + "\n")
    return keys


def _make_metrics_folder(plan: Plan) -> None:
    """Anew: what an earlier run counted is an earlier run's."""
    folder = Path(plan.environ[metrics.FOLDER])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)


def _check_ports(*ports: int) -> None:
    for port in ports:
        if not is_free(port):
            raise SettingsInvalid(
                f"Port {port} is in use. Stop what listens there, or choose others: "
                "./waymark up --port 8090 --console-port 8091"
            )


def _free_port(wanted: int) -> int:
    if is_free(wanted):
        return wanted
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


def _choose_rasa_ports() -> tuple[int, ...]:
    """The places for models: the first where Rasa is usually looked for, the others wherever nobody else looks."""
    others: list[int] = []
    with ExitStack() as taken:
        for _ in RASA_PROGRAMS[1:]:
            place = taken.enter_context(socket.socket())
            place.bind(("127.0.0.1", 0))
            others.append(int(place.getsockname()[1]))
        return (_free_port(5005), *others)


@contextmanager
def _reserved(ports: Sequence[int]) -> Iterator[None]:
    """Nobody who asks for any port is given one of these, though a model may listen there only in months.

    Bound and not listening: whoever asks for the very port, as Rasa will, may bind it too.
    """
    with ExitStack() as held:
        for port in ports:
            place = held.enter_context(socket.socket())
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                place.bind(("127.0.0.1", port))
        yield


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _prepare_database(plan: Plan, settings: Settings) -> str | None:
    """Migrates, imports the case file, and in the sandbox makes staff members of each kind: their password."""
    service = build_service(settings)
    try:
        upgrade(service.database.engine, say=_say)
        _import_cases(plan, service.database)
        return staff.ensure_sandbox_members(service, plan.data_dir) if settings.is_sandbox else None
    finally:
        service.database.close()


def _import_cases(plan: Plan, database: Database) -> None:
    chosen = plan.environ.get("WAYMARK_CASES_FILE")
    if chosen:
        try:
            _say(f"Imported {import_cases(database, Path(chosen)).total} cases from {chosen}")
        except ImportHeld as held:
            _say(f"{held}")  # a file that waits for two people must not keep everything else from starting
    elif plan.sandbox_port and database.read_now(lambda tx: tx.cases.count()) == 0:
        _say(f"Imported {import_cases(database, plan.root / SYNTHETIC_CASES).total} synthetic cases")


def _places(plan: Plan, settings: Settings) -> Places:
    return Places(root=plan.root, training_root=settings.training_root, data_dir=plan.data_dir)


async def _run(plan: Plan, settings: Settings, database: Database, password: str | None) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    supervisor = Supervisor(root=plan.root, data_dir=plan.data_dir, addresses=plan.addresses)
    for program in programs(plan):
        supervisor.start(program)
    async with _keeping_models(plan, settings, supervisor, database):
        try:
            if await _wait_ready(plan, stop):
                _print_addresses(plan, password)
                await stop.wait()
            return 0 if stop.is_set() else 1
        finally:
            _say("Stopping")
            await supervisor.stop()


@asynccontextmanager
async def _keeping_models(
    plan: Plan, settings: Settings, supervisor: Supervisor, database: Database
) -> AsyncIterator[None]:
    """Whichever models are wanted are loaded meanwhile; none where the operator runs Rasa elsewhere."""
    if not plan.rasa_ports:
        yield
        return
    copies = model_files.run_dir(plan.data_dir)
    remove_copies(copies)
    keeping = Keeping(
        root=plan.root,
        data_dir=plan.data_dir,
        model_dirs=_places(plan, settings).model_dirs,
        slots=[Slot(name, port) for name, port in zip(RASA_PROGRAMS, plan.rasa_ports, strict=True)],
        environ=_rasa_environ(plan),
        limits=load_gate_limits(),
        say=_say,
    )
    with _reserved(plan.rasa_ports[1:]):
        keeper = asyncio.create_task(keep(ModelKeeper(keeping, supervisor, database), say=_say))
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await supervisor.stop()
            remove_copies(copies)


def programs(plan: Plan) -> list[Program]:
    """What runs beside the models, most urgent to be up first."""
    wanted = []
    if plan.sandbox_port:
        wanted.append(Program(name="sandbox", command=_sandbox_command(plan), environ=plan.environ))
    # Before the gateway: it takes what comes while the gateway starts.
    wanted.append(Program(name="spool", command=(PYTHON, "-m", "channels.spool"), environ=plan.environ))
    serve = (PYTHON, "-m", "launcher.serve")
    wanted.append(Program(name="gateway", command=(*serve, GATEWAY), environ=plan.environ))
    wanted.append(Program(name="desk", command=(*serve, DESK), environ=plan.environ))
    # Where processors are short: to take a message in, and screen it, comes before answering one.
    worker = Program(
        name="worker", command=(PYTHON, "-m", "channels.worker"), environ=plan.environ, niceness=5
    )
    wanted.append(worker)
    wanted.append(Program(name="actions", command=(*serve, ACTIONS), environ=plan.environ, niceness=5))
    # Trains and measures for minutes on end: whatever a victim waits for goes first.
    jobs = (PYTHON, "-m", "launcher.workbench_jobs")
    wanted.append(Program(name="jobs", command=jobs, environ=plan.environ, niceness=15))
    return wanted


def rasa_program(plan: Plan, checked: CheckedModel) -> Program:
    """One checked model in the first place, with no keeper: for benches."""
    return Program(
        name=RASA_PROGRAMS[0],
        command=rasa_command(plan.root, checked, port=plan.rasa_ports[0]),
        environ=_rasa_environ(plan),
        niceness=NICENESS,
        folder=checked.copy.parent,
    )


def _sandbox_command(plan: Plan) -> tuple[str, ...]:
    gateway = plan.public_address
    return (
        *(PYTHON, "-m", "channels.sandbox", "--port", str(plan.sandbox_port)),
        *("--smtp-port", str(urlsplit(plan.environ["WAYMARK_SMTP_URL"]).port)),
        *("--account-sid", plan.environ["TWILIO_ACCOUNT_SID"], "--auth-token-env", "TWILIO_AUTH_TOKEN"),
        # Posted to this machine, signed for the public address, as behind a proxy.
        *("--webhook-url", f"{gateway}{MESSAGE_PATH}#{WANTED_OVERRIDES}"),
        *("--fallback-url", f"{plan.environ['WAYMARK_SPOOL_URL'].rstrip('/')}{MESSAGE_PATH}"),
        *("--status-url", f"{gateway}{STATUS_PATH}"),
        *("--public-url", plan.environ["WAYMARK_PUBLIC_URL"].rstrip("/")),
        *("--telegram-webhook-url", f"{gateway}/webhooks/telegram"),
        *("--data-dir", str(plan.data_dir / "sandbox")),
    )


def _rasa_environ(plan: Plan) -> dict[str, str]:
    return training.rasa_environ(
        WAYMARK_TURN_SECRET=plan.environ["WAYMARK_TURN_SECRET"],
        WAYMARK_ACTIONS_URL=f"http://127.0.0.1:{plan.environ['WAYMARK_PRIVATE_PORT']}/actions",
    )


async def _wait_ready(plan: Plan, stop: asyncio.Event) -> bool:
    started = time.monotonic()
    said = ""
    while time.monotonic() - started < READY_SECONDS and not stop.is_set():
        parts = await asyncio.to_thread(_ask_ready, plan)
        if parts.get("ready") and parts["desk"]:
            return True
        waiting = [name for name in ("database", "worker", "assistant", "desk") if not parts.get(name)]
        line = "Starting; waiting for: " + ", ".join(waiting if parts else ["gateway"])
        if line != said:
            _say(line)
            said = line
        await asyncio.sleep(0.2)
    if not stop.is_set():
        _say(
            f"Not ready after {READY_SECONDS:.0f} s. Look in {plan.data_dir / 'logs'}, or run ./waymark doctor"
        )
    return False


def _ask_ready(plan: Plan) -> dict[str, bool]:
    """What the gateway says of everything it needs, and whether the desk answers; empty while the gateway does not."""
    try:
        with urllib.request.urlopen(f"{plan.public_address}/health/ready", timeout=3) as response:
            parts: dict[str, bool] = json.load(response)
    except urllib.error.HTTPError as refusal:
        parts = json.load(refusal)
    except (OSError, ValueError):
        return {}
    return parts | {"desk": _is_alive(plan.addresses["console"])}


def _is_alive(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/live", timeout=3) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _print_addresses(plan: Plan, password: str | None) -> None:
    found = plan.addresses
    lines = ["", "Waymark is ready.", ""]
    if "sandbox" in found:
        lines.append(
            f"  Pretend phones        {found['sandbox']}   (text as a victim; nothing leaves this machine)"
        )
        lines.append(f"  Caught e-mail         {found['sandbox']}/mail")
    lines.append(f"  Web chat              {found['public']}")
    lines.append(f"  Detectives' desk      {found['console']}")
    if password:
        lines.append(f"      sign in as {staff.SANDBOX_LOGIN} with password {password}")
        others = (f"{login} ({role})" for login, _, role in staff.SANDBOX_MEMBERS[1:])
        lines.append(f"      or, with the same password, as {', '.join(others)}")
    lines += ["", "Ctrl-C stops everything.", ""]
    print("\n".join(lines), flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
