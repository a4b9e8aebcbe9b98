"""Fetching pictures and files over sockets: from the sandbox, and from a server that means no good.

Red when, each tried once: the authorization goes along with a redirect, the size is believed from the header alone,
the stated type is believed, the whole has no deadline, any address is asked, or the lease is shorter than a fetch.
"""

import asyncio
import base64
import hashlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from casework.adapters.clock import SystemClock
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import inbound_media, media_content
from casework.model.messages import Channel, InboundMedia
from casework.services import media as media_service
from casework.services.media import Fetching, fetch_next_media, get_pause
from channels.media import TOTAL_SECONDS, ProviderFilesOverHttp, TwilioFiles, open_file_session
from channels.media_types import find_media_type
from channels.sandbox.samples import SAMPLES
from channels.telegram_transport import TelegramSettings, build_bot
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN, running_sandbox, serving
from tests.channels.telegram_door import BOT_TOKEN, SECRET
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite
from tests.support.line import Line, Row
from tests.support.running import ROOT, clean_environ

JPEG = SAMPLES["photo"].make()
PROGRAM = SAMPLES["program"].make()
LARGEST = 200_000  # in place of 16 MB, where the size is not what it is about
MEDIA = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM1/Media/ME1"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FileStore:
    """A server of files. `pages` are what it says at each path; it remembers who asked and with what."""

    pages: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        self.asked.append((request.path, headers.get("Authorization"), headers.get("Cookie")))
        page = self.pages.get(request.path)
        return web.Response(status=404) if page is None else await page(request)


@asynccontextmanager
async def storing() -> AsyncIterator[FileStore]:
    store = FileStore()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", store.answer)
    async with serving(app) as store.url:
        yield store


def give(content: bytes, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=content, headers={"Content-Type": "image/jpeg", **headers})

    return answer


def say(status: int, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    return answer


def send_to(address: str) -> Answer:
    return say(307, Location=address)


async def trickle(request: web.Request) -> web.StreamResponse:
    """A byte a moment, for ever: no single silence is long."""
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    while True:
        await response.write(b"\xff")
        await asyncio.sleep(0.01)


async def without_length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    for _ in range(2 * LARGEST // 10_000):
        await response.write(JPEG[:20] + bytes(9_980))
    return response


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100000"})
    await response.prepare(request)
    await response.write(JPEG[:1000])
    assert request.transport is not None
    request.transport.abort()
    return response


@dataclass
class Fetcher:
    """One file that came with a text, and a worker that fetches it."""

    line: Line
    files: ProviderFilesOverHttp

    async def fetch(self) -> bool:
        return await fetch_next_media(
            Fetching(store=self.line.database, files=self.files, find_type=find_media_type)
        )

    def row(self) -> Row:
        return self.line.row(inbound_media)

    def kept(self) -> bytes | None:
        rows = self.line.rows(media_content)
        return rows[0].content if rows else None


@asynccontextmanager
async def fetching(
    database: Database,
    clock: SetClock,
    source: str,
    *,
    api_url: str,
    channel: Channel = Channel.SMS,
    stated_type: str = "image/jpeg",
    largest_bytes: int = LARGEST,
    total_seconds: float = 5.0,
    auth_tokens: tuple[str, ...] = (TOKEN,),
) -> AsyncIterator[Fetcher]:
    line = Line(database, clock)
    media = (InboundMedia(source=source, stated_type=stated_type),)
    line.receive("look at this", channel=channel, media=media, media_count=1)
    twilio = TwilioFiles(api_url=api_url, account_sid=ACCOUNT_SID, auth_tokens=auth_tokens)
    telegram = TelegramSettings(token=BOT_TOKEN, api_url=api_url, secret=SECRET, webhook_url="https://x")
    async with open_file_session() as session:
        files = ProviderFilesOverHttp(
            session,
            twilio,
            (build_bot(telegram), telegram),
            largest_bytes=largest_bytes,
            total_seconds=total_seconds,
        )
        yield Fetcher(line, files)


BASIC = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()


async def test_a_photo_is_fetched_with_the_accounts_key_and_kept(database: Database, clock: SetClock) -> None:
    async with storing() as store:
        store.pages[MEDIA] = give(JPEG)
        async with fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
            assert await fetcher.fetch() is True
            assert await fetcher.fetch() is False

    row = fetcher.row()
    assert (row.status, row.found_type, row.size) == ("kept", "image/jpeg", len(JPEG))
    assert row.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert fetcher.kept() == JPEG
    assert [auth for _, auth, _ in store.asked] == [BASIC]


async def test_while_a_token_is_rotated_either_may_be_the_one_that_holds(
    database: Database, clock: SetClock
) -> None:
    async def answer(request: web.Request) -> web.Response:
        is_ours = request.headers.get("Authorization") == BASIC
        return web.Response(body=JPEG) if is_ours else web.Response(status=401)

    async with storing() as store:
        store.pages[MEDIA] = answer
        tokens = ("0" * 32, TOKEN)
        async with fetching(
            database, clock, store.url + MEDIA, api_url=store.url, auth_tokens=tokens
        ) as fetcher:
            await fetcher.fetch()

    assert fetcher.kept() == JPEG
    assert len(store.asked) == 2


@pytest.mark.parametrize(
    ("host", "is_shown"),
    [
        ("api.twilio.com", True),
        ("api.twilio.com:443", True),
        ("api.dublin.ie1.twilio.com", True),
        ("media.twiliocdn.com", False),
    ],
)
def test_the_key_is_shown_wherever_a_file_is_listed(host: str, is_shown: bool) -> None:
    """Red when the origin is compared letter by letter: a regional file would be refused to us for ever."""
    files = TwilioFiles(api_url="https://api.twilio.com", account_sid=ACCOUNT_SID, auth_tokens=(TOKEN,))

    shown = files.list_authorizations(f"https://{host}{MEDIA}")

    assert shown == ([{"Authorization": BASIC}] if is_shown else [{}])


@pytest.mark.parametrize("hops", [1, 3])
async def test_a_redirect_is_followed_without_key_or_cookie(
    database: Database, clock: SetClock, hops: int
) -> None:
    async with storing() as store, storing() as elsewhere:
        store.pages[MEDIA] = say(307, **{"Location": f"{elsewhere.url}/0", "Set-Cookie": "a=b; Path=/"})
        for hop in range(hops - 1):
            elsewhere.pages[f"/{hop}"] = send_to(f"{elsewhere.url}/{hop + 1}")
        elsewhere.pages[f"/{hops - 1}"] = give(JPEG)
        async with fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
            await fetcher.fetch()

    assert fetcher.row().status == "kept"
    assert [(auth, cookie) for _, auth, cookie in elsewhere.asked] == [(None, None)] * hops


async def test_a_redirect_back_to_the_api_is_given_no_key_either(database: Database, clock: SetClock) -> None:
    async with storing() as store:
        store.pages |= {MEDIA: send_to("/other"), "/other": give(JPEG)}
        async with fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
            await fetcher.fetch()

    assert [auth for _, auth, _ in store.asked] == [BASIC, None]


async def test_whoever_is_not_the_api_is_shown_no_key(database: Database, clock: SetClock) -> None:
    async with storing() as store, storing() as elsewhere:
        elsewhere.pages["/x"] = give(JPEG)
        async with fetching(database, clock, elsewhere.url + "/x", api_url=store.url) as fetcher:
            await fetcher.fetch()

    assert [auth for _, auth, _ in elsewhere.asked] == [None]


REFUSED_ADDRESSES = {
    "http elsewhere": ("http://media.example.org/1", "http://127.0.0.1:1"),
    "file": ("file:///etc/passwd", "http://127.0.0.1:1"),
    "no address": ("nothing", "http://127.0.0.1:1"),
    "empty": ("", "http://127.0.0.1:1"),
    "broken": ("https://[::1", "http://127.0.0.1:1"),
    "a password in it": ("https://a:b@media.example.org/1", "http://127.0.0.1:1"),
    "this machine, in earnest": ("http://127.0.0.1:8081/console", "https://api.twilio.com"),
    "this machine by https, in earnest": ("https://localhost/console", "https://api.twilio.com"),
    "plain http, in earnest": ("http://api.twilio.com/1", "https://api.twilio.com"),
}


@pytest.mark.parametrize("case", sorted(REFUSED_ADDRESSES))
async def test_an_address_that_no_provider_has_is_never_asked(
    database: Database, clock: SetClock, case: str
) -> None:
    source, api_url = REFUSED_ADDRESSES[case]
    async with fetching(database, clock, source, api_url=api_url) as fetcher:
        await fetcher.fetch()

    assert (fetcher.row().status, fetcher.row().reason) == ("refused", "address_refused")


@pytest.mark.parametrize(
    "location", ["http://media.example.org/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "//[bad"]
)
async def test_a_redirect_to_such_an_address_is_not_followed(
    database: Database, clock: SetClock, location: str
) -> None:
    async with storing() as store:
        store.pages[MEDIA] = send_to(location)
        async with fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
            await fetcher.fetch()

    assert (fetcher.row().status, fetcher.row().reason) == ("refused", "address_refused")


async def test_redirects_without_an_end_are_given_up_after_three(database: Database, clock: SetClock) -> None:
    async with storing() as store:
        store.pages[MEDIA] = send_to(MEDIA)
        async with fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
            await fetcher.fetch()

    assert len(store.asked) == 4
    assert fetcher.row().reason == "address_refused"


@pytest.mark.parametrize("case", ["length said", "length not said", "packed small"])
async def test_what_is_too_large_is_refused_and_not_read_to_its_end(
    database: Database, clock: SetClock, case: str
) -> None:
    pages: dict[str, Answer] = {
        "length said": give(bytes(LARGEST + 1)),
        "length not said": without_length,
        "packed small": give(b"\x1f\x8b" + bytes(100), **{"Content-Encoding": "gzip"}),
    }
    async with storing() as store:
        store.pages[MEDIA] = pages[case]
        async with fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
            await fetcher.fetch()

    expected = "type_not_allowed" if case == "packed small" else "too_large"
    assert (fetcher.row().status, fetcher.row().reason) == ("refused", expected)
    assert fetcher.kept() is None


@pytest.mark.parametrize(
    ("content", "stated", "found"),
    [
        (PROGRAM, "image/jpeg", None),
        (SAMPLES["script"].make(), "image/svg+xml", None),
        (b"<!DOCTYPE html><script>1</script>", "image/jpeg", None),
        (b"", "image/jpeg", None),
        (b"hello", "text/plain", None),
        (JPEG, "application/x-msdownload", "image/jpeg"),
        (SAMPLES["png"].make(), "image/jpeg", "image/png"),
        (SAMPLES["voice"].make(), "audio/ogg", "audio/ogg"),
    ],
    ids=["program", "drawing with a script", "page", "empty", "plain text", "photo", "png", "voice"],
)
async def test_a_file_is_what_its_bytes_are(
    database: Database, clock: SetClock, content: bytes, stated: str, found: str | None
) -> None:
    async with storing() as store:
        store.pages[MEDIA] = give(content)
        source = store.url + MEDIA
        async with fetching(database, clock, source, api_url=store.url, stated_type=stated) as fetcher:
            await fetcher.fetch()

    row = fetcher.row()
    if found is None:
        assert (row.status, row.reason, fetcher.kept()) == ("refused", "type_not_allowed", None)
    else:
        assert (row.status, row.found_type, fetcher.kept()) == ("kept", found, content)


FTYP = b"\0\0\0\x18ftyp"
TYPES = {
    "image/gif": [b"GIF89a" + bytes(20), b"GIF87a" + bytes(20)],
    "image/heic": [FTYP + brand + bytes(20) for brand in (b"heic", b"mif1", b"heix")],
    "image/jpeg": [b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(20), b"\xff\xd8\xff\xdb\0\x43" + bytes(20)],
    "image/webp": [b"RIFF\x24\0\0\0WEBPVP8 " + bytes(20)],
    "video/mp4": [FTYP + brand + bytes(20) for brand in (b"isom", b"mp42", b"iso5", b"avc1")],
    "video/quicktime": [FTYP + b"qt  " + bytes(20)],
    "video/3gpp": [FTYP + brand + bytes(20) for brand in (b"3gp4", b"3gp5", b"3gp6")],
    "audio/mp4": [FTYP + b"M4A " + bytes(20)],
    "audio/mpeg": [b"ID3\x03" + bytes(20), b"\xff\xfb\x90\x44" + bytes(20), b"\xff\xf3\x90" + bytes(20)],
    "audio/amr": [b"#!AMR\n" + bytes(20), b"#!AMR-WB\n" + bytes(20)],
    "audio/aac": [b"\xff\xf1\x50\x80" + bytes(20)],
    "application/pdf": [b"%PDF-1.7\n" + bytes(20)],
    "text/vcard": [b"BEGIN:VCARD\r\nVERSION:3.0\r\n"],
}
NOT_TAKEN = [
    FTYP + b"mjp2" + bytes(20),
    b"PK\3\4" + bytes(40),
    b"\x7fELF\2\1\1" + bytes(40),
    b"\x1f\x8b\x08" + bytes(40),
    b"#!/bin/sh\n",
    b"<html>%PDF-1.7",
    b"x",
]


def test_every_type_that_is_taken_is_known_by_its_beginning() -> None:
    for wanted, beginnings in TYPES.items():
        assert [find_media_type(each) for each in beginnings] == [wanted] * len(beginnings)
    assert [find_media_type(each) for each in NOT_TAKEN] == [None] * len(NOT_TAKEN)


@pytest.mark.parametrize(
    ("page", "reason", "tries"),
    [
        (say(404), "not_found", media_service.MAX_ATTEMPTS_MISSING),
        (say(410), "not_found", media_service.MAX_ATTEMPTS_MISSING),
        (say(401), "refused", media_service.MAX_ATTEMPTS),
        (say(500), "unreachable", media_service.MAX_ATTEMPTS),
        (say(204), "unreachable", media_service.MAX_ATTEMPTS),
        (cut_short, "unreachable", media_service.MAX_ATTEMPTS),
    ],
    ids=["404", "410", "401", "500", "204", "cut short"],
)
async def test_what_is_not_given_is_asked_for_again_ever_later_and_then_given_up(
    database: Database,
    clock: SetClock,
    page: Answer,
    reason: str,
    tries: int,
) -> None:
    async with storing() as store:
        store.pages[MEDIA] = page
        async with fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
            for attempt in range(1, tries + 1):
                assert fetcher.row().status == "waiting"
                assert await fetcher.fetch() is True
                assert await fetcher.fetch() is False  # not before its time
                clock.advance(seconds=get_pause(attempt).total_seconds() + 1)
            assert await fetcher.fetch() is False

    assert (fetcher.row().status, fetcher.row().reason) == ("failed", reason)
    assert len(store.asked) == tries


async def test_one_that_comes_late_is_kept(database: Database, clock: SetClock) -> None:
    async with storing() as store, fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
        await fetcher.fetch()
        store.pages[MEDIA] = give(JPEG)
        clock.advance(minutes=1)
        await fetcher.fetch()

    assert fetcher.kept() == JPEG


async def test_a_server_that_trickles_is_left_when_the_time_is_over(
    database: Database, clock: SetClock
) -> None:
    async with storing() as store:
        store.pages[MEDIA] = trickle
        source = store.url + MEDIA
        async with fetching(database, clock, source, api_url=store.url, total_seconds=0.3) as fetcher:
            await fetcher.fetch()

    assert (fetcher.row().status, fetcher.row().attempts) == ("waiting", 1)
    assert fetcher.kept() is None


def test_a_lease_outlives_the_longest_fetch_and_the_pauses_grow() -> None:
    assert media_service.LEASE_SECONDS > TOTAL_SECONDS
    pauses = [get_pause(attempt) for attempt in range(1, media_service.MAX_ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert pauses[0].total_seconds() <= 30


async def test_one_that_kills_every_worker_is_given_up(database: Database, clock: SetClock) -> None:
    async with storing() as store, fetching(database, clock, store.url + MEDIA, api_url=store.url) as fetcher:
        for _ in range(media_service.MAX_ATTEMPTS):
            fetcher.line.database.write_now(lambda tx: tx.media.lease_next(lease_seconds=1))
            clock.advance(seconds=2)
        await fetcher.fetch()

    assert (fetcher.row().status, fetcher.row().reason) == ("failed", "unreachable")
    assert store.asked == []


# --- Telegram ---


async def describe_file(request: web.Request) -> web.Response:
    result = {"file_id": "f", "file_unique_id": "u", "file_path": "photos/1.jpg", "file_size": len(JPEG)}
    return web.json_response({"ok": True, "result": result})


def refuse(status: int, description: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        body = {"ok": False, "error_code": status, "description": description}
        return web.json_response(body, status=status)

    return answer


GET_FILE = f"/bot{BOT_TOKEN}/getFile"
FILE = f"/file/bot{BOT_TOKEN}/photos/1.jpg"


@pytest.mark.parametrize(
    ("pages", "status", "reason"),
    [
        ({GET_FILE: describe_file, FILE: give(JPEG)}, "kept", None),
        ({GET_FILE: refuse(400, "Bad Request: file is too big")}, "refused", "too_large"),
        ({GET_FILE: refuse(400, "Bad Request: wrong file_id")}, "waiting", None),
        ({GET_FILE: refuse(401, "Unauthorized")}, "waiting", None),
        ({GET_FILE: describe_file}, "waiting", None),
        (
            {GET_FILE: describe_file, FILE: send_to("https://media.example.org/")},
            "refused",
            "address_refused",
        ),
        ({GET_FILE: describe_file, FILE: give(PROGRAM)}, "refused", "type_not_allowed"),
    ],
    ids=["photo", "too big", "no such file", "no such bot", "gone", "sent elsewhere", "program"],
)
async def test_a_file_of_telegram(
    database: Database,
    clock: SetClock,
    capfd: pytest.CaptureFixture[str],
    pages: dict[str, Answer],
    status: str,
    reason: str | None,
) -> None:
    async with storing() as store:
        store.pages |= pages
        async with fetching(database, clock, "f", api_url=store.url, channel=Channel.TELEGRAM) as fetcher:
            await fetcher.fetch()

    assert (fetcher.row().status, fetcher.row().reason) == (status, reason)
    assert BOT_TOKEN not in "".join(capfd.readouterr())
    assert all(auth is None for _, auth, _ in store.asked)


# --- with the sandbox ---

OUTCOMES = {
    "photo": ("kept", "image/jpeg"),
    "pdf": ("kept", "application/pdf"),
    "voice": ("kept", "audio/ogg"),
    "contact": ("kept", "text/vcard"),
    "program": ("refused", "type_not_allowed"),
    "script": ("refused", "type_not_allowed"),
    "huge": ("refused", "too_large"),
    "unsized": ("refused", "too_large"),
    "missing": ("waiting", None),
}


@pytest.mark.slow
@pytest.mark.parametrize("sample", sorted(OUTCOMES))
async def test_the_sandboxs_files_meet_the_end_they_should(
    tmp_path: Path, sqlite_template: Path, clock: SetClock, sample: str
) -> None:
    """20 MB with a length said and without one, against the limit as it is. What is kept, other tests ask of both."""
    database = Database(create_engine(copy_sqlite(sqlite_template, tmp_path / "waymark.db")), clock)
    async with running_sandbox(tmp_path, service_url="http://127.0.0.1:1") as sandbox:
        sent = await sandbox.send("+447700900001", body="look", media=[sample], wait=False)
        source = (
            f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sent['sid']}/Media/{sent['media'][0]}"
        )
        async with fetching(
            database, clock, source, api_url=sandbox.url, largest_bytes=media_service.LARGEST_BYTES
        ) as fetcher:
            await fetcher.fetch()

    row = fetcher.row()
    database.close()
    status, said = OUTCOMES[sample]
    assert row.status == status
    assert said in (row.found_type, row.reason)


def start_worker(environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "channels.worker"], cwd=ROOT, env=environ)


@pytest.mark.slow
async def test_a_worker_killed_in_the_middle_leaves_the_file_to_the_next(
    tmp_path: Path, database_url: str
) -> None:
    """A real process, killed while the bytes come: nothing half is kept, and the next keeps the whole."""
    database = Database(create_engine(database_url), SystemClock())
    hangs = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(JPEG))})
        await response.prepare(request)
        await response.write(JPEG[:1000])
        hangs.set()
        await asyncio.Event().wait()
        return response

    async with storing() as store:
        store.pages[MEDIA] = hang
        line = Line(database, SystemClock())  # type: ignore[arg-type]
        media = (InboundMedia(source=store.url + MEDIA, stated_type="image/jpeg"),)
        line.receive("look at this", media=media, media_count=1)
        given = {
            "PYTHONPATH": str(ROOT),
            "WAYMARK_DATA_DIR": str(tmp_path),
            "WAYMARK_DATABASE_URL": database_url,
            "WAYMARK_TURN_SECRET": "x" * 32,
            "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "WAYMARK_TWILIO_API_URL": store.url,
            "WAYMARK_SMS_FROM": "+447700900900",
        }
        worker = start_worker(clean_environ(**given))
        try:
            async with asyncio.timeout(60):
                await hangs.wait()
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert [row.status for row in line.rows(inbound_media)] == ["waiting"]
        assert line.rows(media_content) == []

        store.pages[MEDIA] = give(JPEG)
        line.database.write_now(lambda tx: tx.media.postpone(1, until=tx.now))  # the lease is over
        twilio = TwilioFiles(api_url=store.url, account_sid=ACCOUNT_SID, auth_tokens=(TOKEN,))
        async with open_file_session() as session:
            files = ProviderFilesOverHttp(session, twilio, None)
            assert await fetch_next_media(Fetching(store=database, files=files, find_type=find_media_type))
        assert [bytes(row.content) for row in line.rows(media_content)] == [JPEG]
    database.close()
