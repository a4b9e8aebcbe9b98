"""The commands of everything that runs, each with how to tell that it can be spoken to."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp

from channels.spool import MESSAGE_PATH, STATUS_PATH
from channels.twilio_settings_check import WANTED_OVERRIDES
from launcher import training
from launcher.model_files import read_birth, run_dir
from launcher.model_loader import ask_model, check_birth, rasa_command
from launcher.serve import ACTIONS as ACTIONS_PART
from launcher.serve import GATEWAY
from launcher.soak import postgresql
from launcher.soak.plan import (
    ACCOUNT_SID,
    ACTIONS,
    GATEWAYS,
    PROVIDER,
    RASAS,
    SPOOL,
    TURN_SECRET,
    WORKERS,
    Plan,
    Ports,
    make_environ,
)
from launcher.soak.site import IsReady, Program, SoakFailed

PROBE_SECONDS = 2.0
# Where processors are short: to take a message in comes before answering one.
NICENESS = 5


def make_database_program(folder: Path, ports: Ports) -> Program:
    async def is_ready() -> bool:
        return await asyncio.to_thread(postgresql.is_accepting, ports.database)

    return replace(postgresql.make_server(folder, ports.database), is_ready=is_ready)


def list_programs(plan: Plan, folder: Path, ports: Ports, http: aiohttp.ClientSession) -> list[Program]:
    """All but the database, in the order they are started."""
    found = [_provider(folder, ports, http), _spool(folder, ports, http)]
    if plan.is_stand_in:
        found += [_stand_in(name, port, ports, folder, http) for name, port in _pairs(RASAS, ports.rasas)]
    else:
        found += [_serve(ACTIONS, ACTIONS_PART, folder, ports, None), *_real_rasas(plan, folder, ports, http)]
    for name, port in _pairs(GATEWAYS, ports.gateways):
        is_ready = _answers(http, f"http://127.0.0.1:{port}/health/live")
        found.append(_serve(name, GATEWAY, folder, ports, is_ready))
    for name in WORKERS:
        environ = make_environ(folder, ports, of=name)
        found.append(_python(name, environ, "channels.worker", niceness=NICENESS))
    return found


def _pairs(names: tuple[str, ...], ports: tuple[int, ...]) -> list[tuple[str, int]]:
    return list(zip(names, ports, strict=True))


def _python(
    name: str,
    environ: Mapping[str, str],
    *arguments: str,
    is_ready: IsReady | None = None,
    niceness: int = 0,
) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-m", *arguments),
        environ=environ,
        is_ready=is_ready,
        niceness=niceness,
    )


def _serve(name: str, part: str, folder: Path, ports: Ports, is_ready: IsReady | None) -> Program:
    return _python(name, make_environ(folder, ports, of=name), "launcher.serve", part, is_ready=is_ready)


def _spool(folder: Path, ports: Ports, http: aiohttp.ClientSession) -> Program:
    is_ready = _answers(http, f"http://127.0.0.1:{ports.spool}/health/live")
    return _python(SPOOL, make_environ(folder, ports, of=SPOOL), "channels.spool", is_ready=is_ready)


def _provider(folder: Path, ports: Ports, http: aiohttp.ClientSession) -> Program:
    public = ports.public_url
    return _python(
        PROVIDER,
        make_environ(folder, ports, of=PROVIDER),
        *("channels.sandbox", "--port", str(ports.provider), "--account-sid", ACCOUNT_SID),
        *("--webhook-url", f"{public}{MESSAGE_PATH}#{WANTED_OVERRIDES}"),
        *("--fallback-url", f"{ports.spool_url}{MESSAGE_PATH}"),
        *("--status-url", f"{public}{STATUS_PATH}", "--data-dir", str(folder / "provider")),
        is_ready=_answers(http, f"{ports.provider_url}/health/ready"),
    )


def _stand_in(name: str, port: int, ports: Ports, folder: Path, http: aiohttp.ClientSession) -> Program:
    is_ready = _answers(http, f"http://127.0.0.1:{port}/webhooks/turn/ready")
    environ = make_environ(folder, ports, of=name)
    return _python(name, environ, "launcher.soak.stand_in", "--port", str(port), is_ready=is_ready)


def _real_rasas(plan: Plan, folder: Path, ports: Ports, http: aiohttp.ClientSession) -> list[Program]:
    model = training.find_current_model(plan.root)
    if model is None:
        raise SoakFailed("There is no model of the present data. Run ./waymark train, or add --stand-in.")
    # By its birth certificate: nobody is answered by it but this run's own pretend phones.
    checked = check_birth(model.path, read_birth(model.path), run_dir=run_dir(folder))
    environ = training.rasa_environ(
        WAYMARK_TURN_SECRET=TURN_SECRET, WAYMARK_ACTIONS_URL=f"http://127.0.0.1:{ports.actions}/actions"
    )

    def make(name: str, port: int) -> Program:
        async def is_ready() -> bool:
            return await ask_model(http, f"http://127.0.0.1:{port}") == checked.model_id

        return Program(
            name=name,
            command=rasa_command(plan.root, checked, port=port),
            environ=environ,
            folder=checked.copy.parent,
            is_ready=is_ready,
            niceness=NICENESS,
        )

    return [make(name, port) for name, port in _pairs(RASAS, ports.rasas)]


def _answers(http: aiohttp.ClientSession, url: str) -> IsReady:
    async def ask() -> bool:
        try:
            async with http.get(url, timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    return ask
