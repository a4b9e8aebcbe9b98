"""The fallback process itself, over a socket: what it says is accepted is on the disk, whatever happens next."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from channels.spool_files import LineUnreadable, decode_line, list_days
from channels.twilio_signature import compute_signature
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN
from tests.support.running import ROOT, clean_environ, eventually, free_port

MESSAGE = "/webhooks/twilio/message"
STATUS = "/webhooks/twilio/status"
PUBLIC_URL = "https://messages.example.org"
SPOOL_URL = "https://fallback.example.org"


def form(number: int = 1, **fields: str) -> bytes:
    return urlencode(
        {
            "MessageSid": f"SM{number:032x}",
            "AccountSid": ACCOUNT_SID,
            "From": "+447700900001",
            "Body": "hello",
        }
        | fields
    ).encode()


@dataclass
class Spool:
    process: subprocess.Popen[bytes]
    url: str
    folder: Path
    http: aiohttp.ClientSession

    async def post(
        self, body: bytes, *, path: str = MESSAGE, token: str = TOKEN, origin: str = SPOOL_URL
    ) -> tuple[int, bytes]:
        signature = compute_signature(token=token, url=origin + path, body=body)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        async with self.http.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.read()

    def content(self) -> bytes:
        return b"".join(day.read_bytes() for day in list_days(self.folder))

    def bodies(self) -> list[bytes]:
        """The bodies of the lines that can be read, in order."""
        found = []
        for line in self.content().split(b"\n"):
            try:
                found.append(decode_line(line).body)
            except LineUnreadable:
                continue
        return found


def _start(environ: dict[str, str], before: Callable[[], None] | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "channels.spool"], cwd=ROOT, env=environ, preexec_fn=before
    )


@asynccontextmanager
async def running_spool(folder: Path, *, before: Callable[[], None] | None = None) -> AsyncIterator[Spool]:
    port = free_port()
    environ = clean_environ() | {
        "WAYMARK_SPOOL_DIR": str(folder),
        "WAYMARK_SPOOL_PORT": str(port),
        "WAYMARK_SPOOL_URL": SPOOL_URL,
        "WAYMARK_PUBLIC_URL": PUBLIC_URL,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "PYTHONPATH": str(ROOT),
    }
    process = _start(environ, before)
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as http:

        async def is_up() -> bool:
            try:
                async with http.get(url + "/health/live") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        try:
            await eventually(is_up, what="the spool being up")
            yield Spool(process, url, folder, http)
        finally:
            process.kill()
            process.wait()


async def test_what_is_signed_is_on_the_disk_when_it_is_accepted_and_nothing_else_is_kept(
    tmp_path: Path,
) -> None:
    """Red when the line is written after the answer, or a blank value of the form is dropped."""
    folder = tmp_path / "spool"
    message, status = form(FromCity=""), urlencode({"MessageSid": "SM1", "MessageStatus": "sent"}).encode()
    async with running_spool(folder) as spool:
        answers = [
            await spool.post(message),
            await spool.post(status, path=STATUS),
            await spool.post(form(2), origin=PUBLIC_URL),  # one proxy in front of both
        ]
        refused = [
            await spool.post(form(3), token="0" * 32),
            await spool.post(form(3), origin="https://elsewhere.example.org"),
            await spool.post(form(4, Body="x" * 300_000)),
        ]
        kept = spool.bodies()

    assert [code for code, _ in answers] == [200, 204, 200]
    assert answers[0][1] == b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert refused == [(403, b""), (403, b""), (413, b"")]
    assert kept == [message, status, form(2)]
    assert [day.stat().st_mode & 0o777 for day in list_days(folder)] == [0o600]


def test_it_knows_no_database() -> None:
    """Red when an import brings SQLAlchemy in: the fallback would fall with what it stands in for."""
    code = "import sys, channels.spool; print({name.partition('.')[0] for name in sys.modules})"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "channels" in printed.stdout
    assert not any(name in printed.stdout for name in ("sqlalchemy", "pysqlite3", "psycopg"))


@pytest.mark.parametrize("missing", ["", "short"])
def test_it_does_not_start_with_a_token_that_anyone_could_forge(tmp_path: Path, missing: str) -> None:
    environ = {"TWILIO_AUTH_TOKEN": missing, "WAYMARK_SPOOL_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "channels.spool"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "TWILIO_AUTH_TOKEN" in ended.stderr


async def test_killed_while_it_writes_it_has_everything_it_accepted(tmp_path: Path) -> None:
    """SIGKILL in the middle of a burst, then the same folder again. Red without fsync before the answer's line, or
    when a new line is glued to one that was cut short."""
    folder = tmp_path / "spool"
    accepted: list[bytes] = []
    async with running_spool(folder) as spool:

        async def post(number: int) -> None:
            body = form(number, Body="a longer text " * 50)
            try:
                status, _ = await spool.post(body)
            except aiohttp.ClientError:
                return
            if status == 200:
                accepted.append(body)
                if len(accepted) == 20:
                    os.kill(spool.process.pid, signal.SIGKILL)

        await asyncio.gather(*(post(number) for number in range(200)))
    [day] = list_days(folder)
    with day.open("ab") as file:  # as if the kill had come a moment later
        file.write(b'{"v": 1, "received_at": "2026-')
    async with running_spool(folder) as spool:
        last = form(1000)
        assert (await spool.post(last))[0] == 200
        kept = spool.bodies()

    assert len(accepted) >= 20
    assert set(accepted) <= set(kept)
    assert kept[-1] == last


async def test_with_the_disk_full_it_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    """Red when an OSError is not a 503, or the half of a line stays in the file."""
    folder = tmp_path / "spool"
    limit = 6000

    def cramp() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    async with running_spool(folder, before=cramp) as spool:
        answers = [await spool.post(form(number, Body="long " * 100)) for number in range(12)]
        full = spool.content()
        resource.prlimit(
            spool.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        again = await spool.post(form(100))
        kept = spool.bodies()

    codes = [code for code, _ in answers]
    assert set(codes) == {200, 503}
    assert full.endswith(b"\n") and full.count(b"\n") == codes.count(200)
    assert again[0] == 200
    assert kept == [
        *(form(number, Body="long " * 100) for number, code in enumerate(codes) if code == 200),
        form(100),
    ]
