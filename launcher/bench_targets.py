"""Whom the benches write to: the whole service, or stock Rasa with the same actions and a provider of its own."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from launcher.bench_ingest import MESSAGE_PATH
from launcher.bench_phones import Provider
from launcher.bench_processes import Groups, group_processes
from launcher.bench_rasa import BenchFailed, actions_beside, end_of
from launcher.bench_report import OURS, STOCK
from launcher.bench_stock import SmsAccount, StockModel, running_stock_by_sms
from launcher.bench_up import LOOK_SECONDS, SANDBOX, is_there, running_up
from launcher.processes import end_process, find_free_port
from launcher.up import SANDBOX_SMS_FROM

READY_SECONDS = 30.0
ACTIONS = "actions"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Who is written to. `everything`: its processes as they are now, the sandbox provider that it starts too."""

    name: str
    provider: Provider
    everything: Callable[[], Groups]

    def groups(self) -> Groups:
        """Without the provider, which would be elsewhere."""
        return {name: pids for name, pids in self.everything().items() if name != SANDBOX}


@asynccontextmanager
async def running_our_target(
    root: Path, folder: Path, *, database_url: str | None = None
) -> AsyncIterator[Target]:
    """The whole service, ready, with everything that it starts."""
    async with running_up(root, folder, database_url=database_url) as up:
        webhook = up.addresses["gateway"] + MESSAGE_PATH
        provider = Provider(
            url=webhook,
            signed_url=webhook,
            token=up.keys["sandbox_auth_token"],
            account_sid=up.keys["sandbox_account_sid"],
            to=SANDBOX_SMS_FROM,
            data_dir=str(folder / "sandbox"),
        )
        yield Target(name=OURS, provider=provider, everything=up.groups)


@asynccontextmanager
async def running_stock_target(root: Path, model: StockModel, folder: Path) -> AsyncIterator[Target]:
    """Its server, the same actions in this process, and a sandbox provider of its own."""
    os.makedirs(folder)
    port = find_free_port()
    account = SmsAccount(
        account_sid="AC" + secrets.token_hex(16),
        auth_token=secrets.token_hex(16),
        number=SANDBOX_SMS_FROM,
        api_url=f"http://127.0.0.1:{port}",
    )
    async with (
        _running_sandbox(root, folder / "sandbox", port, account),
        actions_beside() as beside,
        running_stock_by_sms(root, model, beside, folder, account) as rasa,
    ):
        url = f"{rasa.address}/webhooks/twilio/webhook"
        provider = Provider(
            url=url,
            signed_url=url,
            token=account.auth_token,
            account_sid=account.account_sid,
            to=account.number,
            data_dir=str(folder / "sandbox"),
        )
        # This process does nothing else while the driver writes.
        groups = {"rasa": group_processes({"rasa": rasa.pid})["rasa"], ACTIONS: [os.getpid()]}
        yield Target(name=STOCK, provider=provider, everything=lambda: groups)


@asynccontextmanager
async def _running_sandbox(root: Path, folder: Path, port: int, account: SmsAccount) -> AsyncIterator[None]:
    os.makedirs(folder)
    log = folder / "sandbox.log"
    ours = ("WAYMARK_", "TWILIO_", "TELEGRAM_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with log.open("ab") as written:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "channels.sandbox", "--port", str(port), "--data-dir", str(folder)),
            *("--account-sid", account.account_sid, "--service-number", account.number),
            cwd=root,
            env=environ | {"TWILIO_AUTH_TOKEN": account.auth_token, "PYTHONPATH": str(root)},
            stdout=written,
            stderr=written,
        )
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession(trust_env=False) as http:
            while not await is_there(http, account.api_url):
                if process.returncode is not None:
                    raise BenchFailed(f"The sandbox provider stopped. The end of its log:\n{end_of(log)}")
                await asyncio.sleep(LOOK_SECONDS)
        yield
    finally:
        await end_process(process)
