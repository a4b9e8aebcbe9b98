"""`python -m console` as a process: up, answering, and gone when told."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.console.desk_site import desk_environ
from tests.support.running import ROOT, eventually, free_port

pytestmark = pytest.mark.slow


async def test_the_desk_starts_answers_and_stops_on_sigterm(tmp_path: Path, sqlite_template: Path) -> None:
    port = free_port()
    environ = dict(os.environ) | desk_environ(tmp_path, sqlite_template) | {"WAYMARK_CONSOLE_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console"), cwd=ROOT, env=environ, stderr=asyncio.subprocess.PIPE
    )
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:

        async def is_alive() -> bool:
            try:
                async with http.get("/health/live") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await eventually(is_alive, what="the desk")
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), 10)

    assert process.returncode == 0
    assert b'"event": "console_stopped"' in said


async def test_a_missing_setting_is_named_and_nothing_starts(tmp_path: Path, sqlite_template: Path) -> None:
    environ = {"PATH": os.environ["PATH"]} | desk_environ(tmp_path, sqlite_template)
    del environ["WAYMARK_TURN_SECRET"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console"), cwd=ROOT, env=environ, stderr=asyncio.subprocess.PIPE
    )

    _, said = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 1
    assert b"WAYMARK_TURN_SECRET is not set" in said
