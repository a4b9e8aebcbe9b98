"""`./waymark bench enumeration`: whether anything an asker sees tells a reference that exists from one that does not.

Each asker writes over a real socket to the real gateway: a signed webhook for SMS, a form for the web chat. The
worker's steps follow with the real actions and no Rasa, which understands from the text alone. Looked at: status,
headers, body and time of the request; words, rows and time of the answer; the same again for a wrong code.
"""

import asyncio
import hashlib
import random
import re
import statistics
import tempfile
import time
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import sqlalchemy as sa
import structlog
from aiohttp import web
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.utils import read_yaml_file

from actions.database_reads import DatabaseReads
from actions.proof import CheckCode, RequestCode
from casework.adapters.settings import Settings
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.tables import audit, code_request, desk_item, inbox, outbox, turn
from casework.bootstrap import Service, build_service
from casework.model.cases import Case
from casework.model.messages import Channel
from casework.model.staffed_hours import load_staffed_hours
from casework.services import answer, deliver, prove
from casework.services.ports import Assistant, AssistantAnswer, AssistantReply, Delivery, JsonObject
from casework.services.promises import Promising, load_promising
from casework.services.service_texts import load_service_texts
from channels.gateway import build_gateway_app
from channels.senders import WebchatSender
from channels.twilio_signature import SIGNATURE_HEADER, compute_signature
from launcher.rank_test import get_p_value

ROOT = Path(__file__).parents[1]
LARGEST_DIFFERENCE_MS = 2.0
SMALLEST_P = 0.01
FEWEST_PAIRS = 20
# A wrong code costs two argon2 checks, so fewer of them; a channel's casework is the same for both.
CODES_SHARE = 5
ACCOUNT_SID, TOKEN = "AC" + "0" * 32, "bench-token-that-signs-nothing-else"
FILED_TO_ASKER = (inbox, turn, outbox, code_request, audit, desk_item)
CHANNELS = (Channel.SMS, Channel.WEBCHAT)


class Kind(StrEnum):
    EXISTING = "existing"
    UNKNOWN = "not existing"
    IMPOSSIBLE = "never given out"  # well formed, and of a year to come
    MALFORMED = "malformed"


def get_reference(kind: Kind, number: int) -> str:
    """Eleven characters of each kind; the same number is the same pair."""
    year = {Kind.EXISTING: "26", Kind.UNKNOWN: "25", Kind.IMPOSSIBLE: "49", Kind.MALFORMED: "2x"}[kind]
    return f"43{year}{number:07d}"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one asker could see of one step, and how long they waited."""

    shown: str
    milliseconds: float


Step = Mapping[Kind, list[Seen]]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One kind against those that exist, in one step."""

    step: str
    kind: Kind
    pairs: int
    is_same: bool
    difference_ms: float
    p_value: float

    @property
    def holds(self) -> bool:
        return self.is_same and abs(self.difference_ms) < LARGEST_DIFFERENCE_MS and self.p_value > SMALLEST_P


def run_bench_enumeration(*, pairs: int = 1000) -> int:
    """Measures each channel and prints the table; 0 when nothing tells, else 1."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    failed = 0
    for channel in CHANNELS:
        for compared in measure_again(lambda at=channel: asyncio.run(measure(at, pairs=pairs))):  # type: ignore[misc]
            print(render(compared), flush=True)
            failed += not compared.holds
    print("Nothing tells an existing reference from another." if not failed else f"{failed} differences.")
    return 1 if failed else 0


def measure_again(measured: Callable[[], list[Compared]]) -> list[Compared]:
    """One in a hundred comparisons of equal things has p under 0.01, so a difference must show twice to be one."""
    first = measured()
    if all(each.holds for each in first):
        return first
    second = measured()
    return [early if early.holds else late for early, late in zip(first, second, strict=True)]


def render(compared: Compared) -> str:
    return (
        f"{compared.step:28} {compared.kind.value:16} {compared.pairs:5} pairs  "
        f"{'same' if compared.is_same else 'DIFFERENT'}  "
        f"{compared.difference_ms:+.2f} ms  p {compared.p_value:.3f}  {'held' if compared.holds else 'NOT held'}"
    )


def compare(name: str, step: Step) -> list[Compared]:
    existing = step[Kind.EXISTING]
    return [
        Compared(
            step=name,
            kind=kind,
            pairs=len(seen),
            is_same={one.shown for one in seen} == {one.shown for one in existing},
            difference_ms=_median(seen) - _median(existing),
            p_value=get_p_value([one.milliseconds for one in existing], [one.milliseconds for one in seen]),
        )
        for kind, seen in step.items()
        if kind is not Kind.EXISTING
    ]


def _median(seen: Iterable[Seen]) -> float:
    return statistics.median(one.milliseconds for one in seen)


# --- one channel ----------------------------------------------------------------------------------


async def measure(
    channel: Channel,
    *,
    pairs: int,
    service: Service | None = None,
    make_assistant: Callable[[DatabaseReads], Assistant] | None = None,
) -> list[Compared]:
    """Every step of `pairs` askers of each kind, in an order nobody can learn anything from."""
    make = make_assistant or ProvingAssistant
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as folder:
        made = service or _build_service(Path(folder))
        try:
            async with (
                _serve(made) as url,
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            ):
                bench = Bench(
                    service=made,
                    assistant=make(DatabaseReads(made)),
                    channel=channel,
                    url=url,
                    http=http,
                    pairs=pairs,
                )
                bench.add_cases()
                return await bench.run()
        finally:
            if service is None:
                made.database.close()


@dataclass
class Bench:
    service: Service
    assistant: Assistant
    channel: Channel
    url: str
    http: aiohttp.ClientSession
    pairs: int
    askers: dict[tuple[Kind, int], str] = field(default_factory=dict)  # external id
    cookies: dict[tuple[Kind, int], str] = field(default_factory=dict)
    # Seeded, so that a run can be looked at again.
    order: random.Random = field(default_factory=lambda: random.Random(4))

    def add_cases(self) -> None:
        cases = [_make_case(number) for number in range(self.pairs)]
        self.service.database.write_now(lambda tx: tx.cases.record_all(cases))

    async def run(self) -> list[Compared]:
        asked, answered, refused = (defaultdict[Kind, list[Seen]](list) for _ in range(3))
        for number in range(self.pairs):
            await self._ask(number, asked, answered)
            if number < self._count_tried():
                await self._give_wrong_codes(number, refused)
        self._check_codes_were_real()
        name = self.channel.value
        return [
            *compare(f"{name}, request", asked),
            *compare(f"{name}, answer", answered),
            *compare(f"{name}, wrong code", refused),
        ]

    async def _ask(
        self, number: int, asked: dict[Kind, list[Seen]], answered: dict[Kind, list[Seen]]
    ) -> None:
        for kind in self.order.sample(list(Kind), len(Kind)):
            await self._start(kind, number)
            asked[kind].append(await self._write(kind, number, f"its {get_reference(kind, number)} i think"))
            said = await self._answer()
            # What is not a reference is told so from its text alone, and may be answered in other words.
            if kind is not Kind.MALFORMED:
                answered[kind].append(said)

    async def _give_wrong_codes(self, number: int, refused: dict[Kind, list[Seen]]) -> None:
        kinds = [kind for kind in Kind if kind is not Kind.MALFORMED]
        for _ in kinds:
            await self._issue()
        for kind in self.order.sample(kinds, len(kinds)):
            await self._write(kind, number, "000000")
            refused[kind].append(await self._answer())

    def _count_tried(self) -> int:
        return max(FEWEST_PAIRS, self.pairs // CODES_SHARE)

    def _check_codes_were_real(self) -> None:
        """A decoy is like a decoy: nothing would have been compared."""
        query = sa.select(sa.func.count()).where(code_request.c.crime_reference.is_not(None))
        real = self.service.database.read_now(lambda tx: tx.connection.execute(query).scalar_one())
        if real != self._count_tried():
            raise RuntimeError(f"{real} codes were sent and {self._count_tried()} were tried.")

    # --- the asker ---

    async def _start(self, kind: Kind, number: int) -> None:
        if self.channel is Channel.SMS:
            # A digit too long for a telephone number: nobody's.
            self.askers[kind, number] = f"+4477009{list(Kind).index(kind)}{number:05d}"
            return
        async with self.http.post(
            f"{self.url}/start", data=b"", headers=FORM, allow_redirects=False
        ) as response:
            self.cookies[kind, number] = response.cookies["wm"].value

    async def _write(self, kind: Kind, number: int, text: str) -> Seen:
        if self.channel is Channel.SMS:
            return await self._post_sms(self.askers[kind, number], text)
        return await self._post(
            "/m",
            urlencode({"text": text, "msg_id": f"{number:016x}"}).encode(),
            {**FORM, "Cookie": f"wm={self.cookies[kind, number]}"},
        )

    async def _post_sms(self, sender: str, text: str) -> Seen:
        sid = "SM" + hashlib.md5(f"{sender}{text}".encode(), usedforsecurity=False).hexdigest()
        body = urlencode(
            {
                "MessageSid": sid,
                "AccountSid": ACCOUNT_SID,
                "From": sender,
                "To": "+447700900900",
                "Body": text,
            }
        ).encode()
        path = "/webhooks/twilio/message"
        signature = compute_signature(token=TOKEN, url=self.service.settings.public_url + path, body=body)
        return await self._post(path, body, {**FORM, SIGNATURE_HEADER: signature})

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Seen:
        started = time.perf_counter()
        async with self.http.post(
            self.url + path, data=body, headers=headers, allow_redirects=False
        ) as response:
            shown = await response.read()
            took = (time.perf_counter() - started) * 1000
            names = sorted(name for name in response.headers if name != "Date")
            return Seen(
                shown=f"{response.status} {names} {len(shown)} {b64encode(shown)!r}", milliseconds=took
            )

    # --- the worker ---

    async def _answer(self) -> Seen:
        started = time.perf_counter()
        if not await answer.answer_next_turn(_answering(self.service, self.assistant)):
            raise RuntimeError("A message was not waiting for its answer.")
        took = (time.perf_counter() - started) * 1000
        while await deliver.deliver_next_message(_delivering(self.service)):
            pass
        return Seen(shown=self._list_shown(), milliseconds=took)

    async def _issue(self) -> None:
        await prove.issue_next_code(self.service.database, codes=self.service.codes, texts=self.service.texts)

    def _list_shown(self) -> str:
        """The words the newest asker was answered with, and how many rows of each kind are filed under them."""

        def look(tx: Any) -> str:
            newest = sa.select(inbox.c.conversation_id).order_by(inbox.c.id.desc()).limit(1)
            asker = tx.connection.execute(newest).scalar_one()
            counts = Counter(
                {
                    table.name: tx.connection.execute(
                        sa.select(sa.func.count()).select_from(table).where(table.c.conversation_id == asker)
                    ).scalar_one()
                    for table in FILED_TO_ASKER
                }
            )
            words = sa.select(outbox.c.text, outbox.c.status).where(outbox.c.conversation_id == asker)
            told = [tuple(row) for row in tx.connection.execute(words.order_by(outbox.c.id))]
            return f"{told} {sorted(counts.items())}"

        return self.service.database.read_now(look)


FORM = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Sec-Fetch-Site": "same-origin",
}


# --- the parts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProvingAssistant:
    """The actions of proof alone, told what a message is by its shape."""

    reads: DatabaseReads

    async def ask(
        self,
        *,
        turn_id: str,
        conversation: str,
        text: str,
        state: JsonObject | None,
        facts: JsonObject,
        models: tuple[str, ...] = (),
    ) -> AssistantAnswer:
        is_code = re.fullmatch(r"[0-9]{6}", text) is not None
        action: Action = CheckCode(self.reads) if is_code else RequestCode(self.reads)
        entities = [{"entity": "one_time_code", "value": text}] if is_code else []
        latest = {"intent": {"name": "give_code"}, "entities": entities, "text": text}
        said = CollectingDispatcher()
        tracker = Tracker(conversation, {}, latest, [], False, None, {}, "action_listen")
        await action.run(said, tracker, {})
        return AssistantAnswer(
            replies=tuple(
                AssistantReply(response=message["response"], text=_read_words()[message["response"]])
                for message in said.messages
            ),
            effects=tuple(message["custom"] for message in said.messages if message["custom"]),
            state={"v": 1},
            model="bench",
        )


@cache
def _load_promising() -> Promising:
    return load_promising(load_service_texts(), load_staffed_hours())


@cache
def _read_words() -> Mapping[str, str]:
    responses: dict[str, list[dict[str, str]]] = read_yaml_file(ROOT / "bot/domain/proof.yml")["responses"]
    return {name: variations[0]["text"] for name, variations in responses.items()}


class NoSender:
    """Texts to phones end here: what leaves towards the contact of record is not what the asker sees."""

    async def deliver(self, message: object) -> Delivery:
        return await WebchatSender().deliver(message)  # type: ignore[arg-type]

    async def find_sent(self, message: object, *, since: datetime) -> Delivery | None:
        return None


def _answering(service: Service, assistant: Assistant) -> answer.Answering:
    return answer.Answering(
        store=service.database,
        assistant=assistant,
        texts=service.texts,
        codes=service.codes,
        bands=service.bands,
        safety_lines=service.safety_lines,
        promising=_load_promising(),
        worker_id="bench",
        retry_after_seconds=0.0,
    )


def _delivering(service: Service) -> deliver.Delivering:
    return deliver.Delivering(
        store=service.database,
        senders=dict.fromkeys(Channel, NoSender()),
        texts=service.texts,
        worker_id="bench",
    )


def _build_service(folder: Path) -> Service:
    service = build_service(
        Settings.from_env(
            {
                "WAYMARK_DATA_DIR": str(folder),
                "WAYMARK_TURN_SECRET": "b" * 32,
                "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
                "WAYMARK_PUBLIC_URL": "http://127.0.0.1:8080",
                "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
                "TWILIO_AUTH_TOKEN": TOKEN,
                "WAYMARK_SMS_FROM": "+447700900900",
            }
        )
    )
    upgrade(service.database.engine)
    return service


@asynccontextmanager
async def _serve(service: Service) -> AsyncIterator[str]:
    runner = web.AppRunner(build_gateway_app(service), shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _make_case(number: int) -> Case:
    return Case(
        crime_reference=get_reference(Kind.EXISTING, number),
        crime_type="burglary",
        stage="under_investigation",
        stage_since=date(2026, 11, 1),
        oic_name="DC Bench Test-Officer",
        oic_collar_number="T0000",
        oic_contact="101 (synthetic)",
        next_update_due=None,
        victim_name=f"Example {number}",
        contact_mobile=f"+447700900{number % 1000:03d}",
        contact_email=None,
        safe_contact="any",
        enhanced_rights=False,
        language="en",
        imported_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
