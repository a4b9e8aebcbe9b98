"""`./waymark demo friday-night`: an evening at the desk, beside a running `./waymark up` and its sandbox.

Every message goes the way a real one would: from a pretend handset over the sandbox's provider, or through the pages of
the web chat. What staff do is posted to the desk. The evening has a clock of its own, which `--speed` drives; the
service keeps the real time, so what it says of staffed hours is true now and not at that hour of the evening.
"""

import asyncio
import json
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from casework.model.errors import WaymarkError

SCRIPT = Path(__file__).with_name("demo_friday_night.toml")
STAFF = ("sam", "robin")
PHONES = {"sms": "", "whatsapp": "whatsapp:"}
DRAMA_NUMBER = re.compile(r"07700 900\d{3}")
CONVERSATION = re.compile(r'id="row-([0-9a-f]{32})"')
PATIENCE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 120.0


class DemoRefused(WaymarkError):
    """Not beside a sandbox, or not as the script is meant."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One thing somebody does at a minute of the evening. `does`: writes, leaves, races, lowers."""

    minute: int
    victim: Mapping[str, Any]
    does: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Running:
    """Where the service that runs beside us listens."""

    public: str
    console: str
    sandbox: str
    password: str


def run_demo(data_dir: Path, *, speed: float) -> int:
    """Plays the evening and prints it; 1 where something went otherwise than it should. Refuses without a sandbox."""
    if not 0 < speed <= 10_000:
        raise DemoRefused("--speed is how many times as fast: 20, for example.")
    running = find_running(data_dir)
    return asyncio.run(_play(running, load_moments(), speed=speed))


def find_running(data_dir: Path) -> Running:
    """Raises DemoRefused where no `./waymark up` runs from that folder, or none with a sandbox."""
    run_file = data_dir / "run.json"
    kept = data_dir / "keys" / "sandbox-staff-password"
    if not run_file.exists():
        raise DemoRefused(
            "Nothing runs from this folder. Start ./waymark up in another window, then ask again."
        )
    addresses = json.loads(run_file.read_text())["addresses"]
    if "sandbox" not in addresses or not kept.exists():
        raise DemoRefused("That Waymark is not a sandbox. A demo writes to nobody's real service.")
    return Running(
        public=addresses["public"],
        console=addresses["console"],
        sandbox=addresses["sandbox"],
        password=kept.read_text().strip(),
    )


# --- the evening ----------------------------------------------------------------------------------------


def load_moments(path: Path = SCRIPT) -> list[Moment]:
    """Everything that happens, in its order. Raises DemoRefused for a number that could be somebody's."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    moments: list[Moment] = []
    for victim in told["victims"]:
        if victim["channel"] != "web" and not DRAMA_NUMBER.fullmatch(victim.get("number", "")):
            raise DemoRefused(f"{victim['name']}: use a number of 07700 900xxx.")
        at = parse_minute(victim["at"]) - parse_minute(told["begins"])
        minute = at
        for line in victim["lines"]:
            minute += line["after"]
            moments.append(Moment(minute=minute, victim=victim, does="writes", text=line["text"]))
        if victim.get("race"):
            moments.append(Moment(minute=at + 1, victim=victim, does="races"))
        if victim.get("leaves"):
            moments.append(Moment(minute=minute + 1, victim=victim, does="leaves"))
        if victim.get("wrong_grade"):
            moments.append(
                Moment(minute=minute + 2, victim=victim, does="lowers", text=victim["wrong_grade"])
            )
    return sorted(moments, key=lambda moment: moment.minute)


def parse_minute(written: str) -> int:
    """Minutes since midnight; 25:10 is ten past one of the night that follows."""
    hours, minutes = written.split(":")
    return int(hours) * 60 + int(minutes)


def render_clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


# --- those who play in it -------------------------------------------------------------------------------


@dataclass
class Colleague:
    """Somebody at the desk, as a browser without a script: keeps cookies, posts what the forms hold."""

    login: str
    http: aiohttp.ClientSession
    csrf_token: str = ""

    async def log_in(self, password: str) -> None:
        page = await self.read("/login")
        fields = {"login": self.login, "password": password, "form_token": find_field(page, "form_token")}
        status, _ = await self.post("/login", fields)
        if status != 303:
            raise DemoRefused(f"{self.login} could not log in: the desk answered {status}.")
        self.csrf_token = find_field(await self.read("/console"), "csrf_token")

    async def read(self, path: str) -> str:
        async with self.http.get(path) as answer:
            return await answer.text()

    async def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, str]:
        body = urlencode({"csrf_token": self.csrf_token, **fields}).encode()
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        async with self.http.post(path, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()


def find_field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    return found[1] if found else ""


class Evening:
    """Plays moments and notes what went otherwise. `say` prints one line."""

    def __init__(
        self,
        running: Running,
        http: aiohttp.ClientSession,
        staff: list[Colleague],
        say: Callable[[str], None],
    ) -> None:
        self._running = running
        self._http = http
        self._staff = staff
        self._say = say
        self._web: dict[str, aiohttp.ClientSession] = {}
        self._rows: dict[str, str] = {}  # victim -> conversation, once it is in the queue
        self.faults = 0

    async def close(self) -> None:
        for http in self._web.values():
            await http.close()

    async def play(self, moment: Moment) -> None:
        match moment.does:
            case "writes":
                await self._write(moment)
            case "leaves":
                await self._leave(moment)
            case "races":
                await self._race(moment)
            case "lowers":
                await self._lower(moment)

    async def _write(self, moment: Moment) -> None:
        victim = moment.victim
        before = await self._list_rows()
        status: int | None
        if victim["channel"] == "web":
            status = await self._write_on_the_web(victim["name"], moment.text)
        else:
            handset = PHONES[victim["channel"]] + "+44" + victim["number"].replace(" ", "")[1:]
            status = await self._write_from_phone(handset, moment.text)
        self._check(200 <= (status or 0) < 400, f'writes on {victim["channel"]}: "{moment.text}"')
        # Only for those the desk is to act on: which row is theirs is seen as a person would see it.
        if victim.get("race") or victim.get("wrong_grade"):
            await self._find_row(victim["name"], before)

    async def _write_from_phone(self, handset: str, text: str) -> int | None:
        address = f"{self._running.sandbox}/sandbox/handsets/{handset}/send"
        async with self._http.post(address, json={"body": text}) as answer:
            told: dict[str, Any] = await answer.json()
        status: int | None = told["webhook_status"]
        return status

    async def _write_on_the_web(self, name: str, text: str) -> int:
        http = self._web.get(name)
        if http is None:
            http = aiohttp.ClientSession(
                self._running.public, cookie_jar=aiohttp.CookieJar(unsafe=True), trust_env=False
            )
            self._web[name] = http
            async with http.post("/start", data={}) as answer:
                answer.raise_for_status()
        async with http.post("/m", data={"text": text, "msg_id": secrets.token_hex(8)}) as sent:
            return sent.status

    async def _leave(self, moment: Moment) -> None:
        http = self._web[moment.victim["name"]]
        async with http.post("/leave", data={}, allow_redirects=False) as answer:
            self._check(
                answer.status < 400, "leaves by the quick exit: the page is gone, and the desk is told"
            )

    async def _race(self, moment: Moment) -> None:
        conversation_id = self._rows.get(moment.victim["name"])
        if conversation_id is None:
            self._check(False, "is not in the queue, so nobody can claim it")
            return
        answers = await asyncio.gather(
            *(each.post(f"/console/c/{conversation_id}/claim", {}) for each in self._staff)
        )
        statuses = sorted(status for status, _ in answers)
        won = next(
            (each.login for each, (status, _) in zip(self._staff, answers, strict=True) if status == 303), "?"
        )
        self._check(
            statuses == [303, 409], f"{' and '.join(STAFF)} claim at once: {won} has it, the other is told so"
        )

    async def _lower(self, moment: Moment) -> None:
        conversation_id = self._rows.get(moment.victim["name"])
        page = (
            ""
            if conversation_id is None
            else await self._staff[0].read(f"/console/c/{conversation_id}/regrade")
        )
        item_id = find_field(page, "item_id")
        if not item_id:
            self._check(False, "has no item whose grade could be changed")
            return
        fields = {"item_id": item_id, "grade": "4", "reason": moment.text}
        status, _ = await self._staff[0].post(f"/console/c/{conversation_id}/regrade", fields)
        self._check(status == 303, f'was graded too high; {STAFF[0]} lowers it: "{moment.text}"')

    async def _list_rows(self) -> set[str]:
        return set(CONVERSATION.findall(await self._staff[0].read("/console")))

    async def _find_row(self, name: str, before: set[str]) -> None:
        if name in self._rows:
            return
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            new = await self._list_rows() - before
            if len(new) == 1:
                [self._rows[name]] = new
                return
            await asyncio.sleep(0.2)

    def _check(self, is_well: bool, what: str) -> None:
        self.faults += not is_well
        self._say(what if is_well else f"NOT as it should: {what}")


async def _play(running: Running, moments: list[Moment], *, speed: float) -> int:
    begins = parse_minute(tomllib.loads(SCRIPT.read_text(encoding="utf-8"))["begins"])
    minute, who = 0, ""

    def say(what: str) -> None:
        print(f"{render_clock(begins + minute)}  {who}: {what}", flush=True)

    async with aiohttp.ClientSession(trust_env=False) as http:
        staff = [
            Colleague(
                login,
                aiohttp.ClientSession(
                    running.console, cookie_jar=aiohttp.CookieJar(unsafe=True), trust_env=False
                ),
            )
            for login in STAFF
        ]
        evening = Evening(running, http, staff, say)
        try:
            for each in staff:
                await each.log_in(running.password)
            print(f"A Friday night, {speed:g} times as fast. The desk: {running.console}", flush=True)
            for moment in moments:
                pause = (moment.minute - minute) * 60 / speed
                await asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS))
                minute, who = moment.minute, moment.victim["name"]
                await evening.play(moment)
        finally:
            await evening.close()
            for each in staff:
                await each.http.close()
    print("The night is over." if not evening.faults else f"{evening.faults} did not go as they should.")
    return 1 if evening.faults else 0
