"""A member of staff at the desk for a bench: logged in, without a browser, doing what the queue page's script does."""

import asyncio
import re
import secrets
import time
from dataclasses import dataclass, field

import aiohttp

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from casework.model.tokens import hash_token
from console.sign_in import new_session_token
from launcher.staff import add_member, make_password
from launcher.up import Plan

EDITION = re.compile(r'data-edition="([0-9a-f]+)"')
ROW = re.compile(r'id="row-([0-9a-f]{32})"')
EVENTS = re.compile(r'data-events="([^"]+)"')
COOKIE = "waymark-session"  # of a console without TLS


def open_desk_session(plan: Plan, *, role: str = "investigator") -> str:
    """A new member of staff in that service's database, logged in: the value of their cookie."""
    service = build_service(Settings.from_env(plan.environ))
    try:
        return open_session(service, role=role)
    finally:
        service.database.close()


def open_session(service: Service, *, role: str = "investigator") -> str:
    login = f"bench-{secrets.token_hex(3)}"
    staff_id = add_member(
        service, login=login, display_name="Bench Example", role=role, password=make_password()
    )
    token = new_session_token(service.clock.now())
    service.database.write_now(
        lambda tx: tx.staff.open_session(hash_token(token), staff_id, secrets.token_urlsafe(32))
    )
    return token


@dataclass
class QueueWatcher:
    """Follows `console/static/live.js`: an event says the page is out of date, the pane is fetched, one at a time.

    `seen`: conversation -> the moment its row was first in a pane that had come whole, `time.perf_counter`.
    """

    http: aiohttp.ClientSession
    seen: dict[str, float] = field(default_factory=dict)
    panes: int = 0
    pane_seconds: list[float] = field(default_factory=list)
    _is_due: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def open(self) -> None:
        """Opens the page and its stream. Raises aiohttp.ClientError where the desk lets nobody in."""
        page = await self._fetch("/console", {})
        found = EVENTS.search(page)
        if found is None:
            raise aiohttp.ClientError("the queue page has no stream")
        is_open = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._listen(found[1].replace("&amp;", "&"), is_open)),
            asyncio.create_task(self._refresh()),
        ]
        await is_open.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fetch(self, path: str, headers: dict[str, str]) -> str:
        async with self.http.get(path, headers=headers, allow_redirects=False) as answer:
            if answer.status != 200:
                raise aiohttp.ClientError(f"the queue answered {answer.status}")
            return await answer.text()

    async def _listen(self, path: str, is_open: asyncio.Event) -> None:
        async with self.http.get(path, timeout=aiohttp.ClientTimeout(total=None)) as stream:
            is_open.set()
            async for line in stream.content:
                if line.startswith(b"data: "):
                    self._is_due.set()

    async def _refresh(self) -> None:
        edition = ""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            began = time.perf_counter()
            pane = await self._fetch("/console", {"X-Pane": "queue", "X-Have": edition})
            edition = "".join(EDITION.findall(pane)[:1])
            now = time.perf_counter()
            self.panes += 1
            self.pane_seconds.append(now - began)
            for conversation_id in ROW.findall(pane):
                self.seen.setdefault(conversation_id, now)
