"""People whose every personal value is one of a kind, and trainers of whom every page is searched for each of them."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import sqlalchemy as sa

from casework.adapters.clock import SystemClock
from casework.adapters.storage.conversation_tables import correction, ending
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.desk_tables import regrade
from casework.adapters.storage.tables import conversation, desk_item, inbox, outbox, turn
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.workbench_tables import turn_record
from tests.journeys.test_a_missed_disclosure_is_taught import Stored, Trainer
from tests.support.canaries import Found, find_in_text
from tests.support.running import ROOT, Detective, Running, Victim, eventually

BY_SMS, BY_WEB = "+447700900751", "+447700900752"
STRANGER, ANOTHER_STRANGER = "+447700900753", "+447700900754"
NUMBERS = (BY_SMS, BY_WEB, STRANGER, ANOTHER_STRANGER)
# Nobody's, and no model was ever taught it.
NEW_WORD = "trundlewick"
# The last of each brings a person.
SAID_BY_SMS = (
    "quillara vexmoor here again, nobody told me a thing about the trundlewick since tuesday",
    "DC Brannoch Tethwin was kind but PC Tethwin never rang, can someone chase that up",
    "we live at 14 Thornquist Lane, SW99 7QX now so send letters there please",
    "ring 07700 900768 or oh seven seven oh oh nine oh oh seven six five in the afternoon",
    "for the claim form its QQ 46 81 57 C and nhs 999 417 2387, which box do they go in",
    "the van was a Vauxhall reg YQ19 ZXK, did anybody look at the doorbell film",
    "can i talk to a person please",
)
SAID_BY_WEB = (
    "Ivoryth Plumquell again, I was born on 14/02/1987 in case the court asks of the trundlewick",
    "mail ruby.other73@example.net or look at www.hedgefield73.example.com/shed?id=9173 for pictures",
    "pay what they owe me into account 48172639 when the court has decided",
    "he wrote to me on insta as @vex_quill_739 and my mate Wendolyth Drexwold saw it",
    "can i talk to a person please",
)
SAID_LIVE = "its about kestlewick, can i talk to a person please"
SAID_BY_ANOTHER = "the trundlewick is gone, what are my rights"
TRIED = "my friend Peverelda Stroodwyn says he is outside with a knife"
REPLY = "Hello Quillara Vexmoor, this is Sam. DC Brannoch Tethwin is on 07700 900763, collar TEST7719."

# What the queues go by, and what stands around a message: all of it grows older together.
TIMES = (
    (conversation, "last_inbound_at"),
    (inbox, "received_at"),
    (outbox, "created_at"),
    (turn_record, "at"),
    (ending, "created_at"),
    (regrade, "at"),
    (correction, "created_at"),
    (desk_item, "closed_at"),
)
LONG_AGO = timedelta(hours=2)
Result = TypeVar("Result")
Say = Callable[[str], Awaitable[object]]


@dataclass
class Sitting:
    """All of a run. `found`: what stands where nothing may; `shown`: pages that were there and were searched."""

    waymark: Running
    tree: Path
    temporary: Path
    stored: Stored
    found: set[Found] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.waymark.data_dir}/waymark.db"

    def look(self, where: str, text: str) -> str:
        """The text, searched."""
        self.found.update(find_in_text(where, text))
        return text

    def run(self, *command: str, given: str = "") -> str:
        """A command of the launcher beside the service, as an operator gives it; what it printed, searched."""
        ran = subprocess.run(
            [sys.executable, "-m", "launcher", *command, "--data-dir", str(self.waymark.data_dir)],
            cwd=ROOT,
            env=dict(self.waymark.environ),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        self.look(f"printed by {command[0]}", ran.stdout)
        self.look(f"printed as a fault by {command[0]}", ran.stderr)
        return ran.stdout

    def find_talk(self, said: str) -> str:
        """The conversation somebody said that in."""
        [found] = [talk for talk, text in self._list(inbox.c.conversation_id) if text == said]
        return str(found)

    def _list(self, column: sa.Column[Any]) -> list[tuple[Any, str]]:
        """That column and the words of every message: what is sealed is compared here."""
        in_order = [sa.select(each).order_by(inbox.c.id) for each in (column, inbox.c.text)]
        return list(zip(*map(self.stored.column, in_order), strict=True))

    def find_messages(self) -> list[int]:
        """All that both people said once they were known, but for asking for a person."""
        said = (*SAID_BY_SMS[:-1], *SAID_BY_WEB[:-1])
        found = [number for number, text in self._list(inbox.c.id) if text in said]
        assert len(found) == len(SAID_BY_SMS) + len(SAID_BY_WEB) - 2
        return [int(each) for each in found]

    def write(self, work: Callable[[SqlTransaction], Result]) -> Result:
        """As the service would, from beside it."""
        database = Database(create_engine(self.database_url), SystemClock())
        try:
            return database.write_now(work)
        finally:
            database.close()

    def grow_older(self) -> None:
        """Everything was said and done two hours ago: no talk is live that nobody has, and all rows have settled."""

        def move(tx: SqlTransaction) -> None:
            for table, column in TIMES:
                [key] = table.primary_key.columns
                rows = sa.select(key, table.c[column]).where(table.c[column].is_not(None))
                for name, at in tx.connection.execute(rows).all():
                    older = sa.update(table).where(key == name).values({column: at - LONG_AGO})
                    tx.connection.execute(older)

        self.write(move)


# --- people, and whoever answers them -------------------------------------------------------------------


async def write_and_work(sitting: Sitting, http: aiohttp.ClientSession) -> str:
    """Both tell all there is to tell and a detective ends both talks; the conversation that stays live."""
    waymark, sandbox = sitting.waymark, sitting.waymark.addresses["sandbox"]
    phones = {number: Victim(http, sandbox, number) for number in NUMBERS}
    writer = WebWriter(http, waymark.addresses["public"])
    await writer.start()
    await say_all(sitting, phones[BY_SMS].text, phones[BY_SMS], "43260990971", SAID_BY_SMS)
    await say_all(sitting, writer.say, phones[BY_WEB], "43260990972", SAID_BY_WEB)
    await phones[STRANGER].text(SAID_LIVE)
    await phones[ANOTHER_STRANGER].text(SAID_BY_ANOTHER)
    await settled(sitting)
    sam = Detective(http, waymark.addresses["console"])
    await sam.sign_in("sam", waymark.password)
    for said in (SAID_BY_SMS[0], SAID_BY_WEB[0]):
        await work(sam, sitting.find_talk(said))
    live = sitting.find_talk(SAID_LIVE)
    await sam.act(live, "claim")
    await settled(sitting)
    sitting.grow_older()
    return live


async def say_all(sitting: Sitting, say: Say, phone: Victim, reference: str, texts: tuple[str, ...]) -> None:
    """Proves who they are, then says everything, each answered before the next."""
    await say(f"my reference is {reference} if that helps")

    async def find_code() -> str | None:
        found = re.search(r"code is (\d{6})", " ".join(await phone.arrived()))
        return found[1] if found else None

    await say(await eventually(find_code, within_seconds=60.0, what="the code"))
    for text in texts:
        await settled(sitting)
        await say(text)
    await settled(sitting)


async def settled(sitting: Sitting) -> None:
    """Every message was answered, or left to a person."""
    waiting = sa.select(turn.c.id).where(turn.c.finished_at.is_(None))

    async def look() -> bool:
        return not await asyncio.to_thread(sitting.stored.column, waiting)

    await eventually(look, within_seconds=120.0, what="the end of every turn")


async def work(sam: Detective, conversation_id: str) -> None:
    """All that staff write about a conversation, and what they do at its end."""
    page = await sam.act(conversation_id, "claim")
    assert find_in_text("the desk", page), "a detective reads what they wrote"
    await sam.act(conversation_id, "reply", text=REPLY)
    await sam.act(conversation_id, "notes", text="Marrowkestle told the front office on Monday")
    await sam.act(conversation_id, "wrong", block="wants", text="Fennibrake is what they want")
    path = f"/console/c/{conversation_id}"
    page = await sam.get(f"{path}/regrade")
    item = re.search(r'(?:name="item_id" value|<option value)="([^"]+)"', page)
    assert item is not None
    given = {"item_id": item[1], "grade": "1", "reason": "Wimberlode was there before"}
    await sam.post(f"{path}/regrade", page, **given)
    await sam.post(f"{path}/draft", await sam.get(path), status=204, text="Ostlethrup, and then")
    told = {"outcome": "log_created", "was_urgent": "sooner", "about": "stalking_escalation"}
    await sam.act(conversation_id, "hand-back", **told, log_number="LOG-QX-771903")


class WebWriter:
    """Somebody at the web chat without a script."""

    def __init__(self, session: aiohttp.ClientSession, public: str) -> None:
        self._session = session
        self._public = public

    async def start(self) -> None:
        await self.post("/start", language="en", screen_seen="no")

    async def say(self, text: str) -> None:
        async with self._session.get(f"{self._public}/m") as response:
            name = re.search(r'name="msg_id"[^>]*value="([^"]*)"', await response.text())
        assert name is not None, "the page has no form to write in"
        await self.post("/m", msg_id=name[1], page_language="en", text=text)

    async def post(self, path: str, **fields: str) -> str:
        own = {"Sec-Fetch-Site": "same-origin", "Origin": self._public}
        async with self._session.post(self._public + path, data=fields, headers=own) as response:
            page = await response.text()
            assert response.status == 200, page
            return page


# --- trainers -------------------------------------------------------------------------------------------


class Watched(Trainer):
    """Somebody at the workbench whose every page is searched."""

    def __init__(self, session: aiohttp.ClientSession, sitting: Sitting, login: str) -> None:
        super().__init__(session, sitting.waymark.addresses["console"])
        self._sitting = sitting
        self.login = login

    async def get(self, path: str) -> str:
        """Of a stream, its beginning."""
        async with self._session.get(self._console + path) as response:
            is_stream = response.content_type == "text/event-stream"
            told = await (response.content.readline() if is_stream else response.read())
            assert response.status < 500, path
            if response.status == 200:
                self._sitting.shown.add(path)
        return self._look(path, told.decode())

    async def post(self, path: str, page: str, *, status: int = 200, **fields: str) -> str:
        answer = await super().post(path, page, status=status, **fields)
        return self._look(f"the answer to {path}", answer)

    async def press_what_is_not_there(self, path: str) -> None:
        """What no page has, to see what the refusal shows."""
        hidden = read_hidden(await self.get("/workbench"))
        async with self._session.post(self._console + path, data=hidden | {"press": "x"}) as response:
            assert response.status < 500, path
            self._look(f"the refusal of {path}", await response.text())

    async def uncover(self, item: int, span: int, reason: str) -> str:
        """The one value; the rest of its page is searched."""
        path = f"/workbench/items/{item}/unmask"
        fields = read_hidden(await self.get(path)) | {"span": str(span), "text": reason}
        async with self._session.post(self._console + path, data=fields) as response:
            answer = await response.text()
        said = re.search(r'<p id="said"[^>]*>(.*?)</p>', answer)
        assert said is not None, answer
        self._look(f"the rest of the answer to {path}", answer.replace(said[0], ""))
        return said[1]

    def _look(self, where: str, text: str) -> str:
        return self._sitting.look(f"{where} for {self.login}", text)


def read_hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"', page))


@asynccontextmanager
async def signed_in(sitting: Sitting, login: str) -> AsyncIterator[Watched]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        someone = Watched(session, sitting, login)
        await someone.sign_in(login, sitting.waymark.password)
        yield someone
