"""Signed heads arrive at real sockets, on a real disk and in a real mailbox, and a place that is away is a fault."""

import asyncio
import socket
import stat
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from casework.adapters.anchor_places import (
    FilePlace,
    KeySigner,
    SyslogPlace,
    build_anchor_places,
    write_syslog,
)
from casework.adapters.anchor_settings import PlaceKind, parse_anchor_places
from casework.adapters.settings import Settings
from casework.model.audit_anchors import Anchor, find_signed, write_anchor
from casework.model.audit_chain import Head
from casework.model.errors import SettingsInvalid
from casework.services.anchors import HandOverFailed, StoredAnchor
from casework.services.service_texts import load_service_texts
from channels.sandbox.mail import Mailbox, MailServer
from tests.casework.adapters.test_settings import WHOLE
from tests.support.clock import SetClock

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def anchor(tmp_path: Path) -> StoredAnchor:
    content = write_anchor(Anchor(number=7, at=AT, heads=(Head(3, 41, "ab" * 32),)))
    return StoredAnchor(number=7, signed_at=AT, signed=KeySigner(tmp_path).sign(content))


def an_address(written: str) -> object:
    [address] = parse_anchor_places({"WAYMARK_AUDIT_ANCHORS": written}, Path("/data"))
    return address


async def test_a_file_is_only_added_to(tmp_path: Path, anchor: StoredAnchor) -> None:
    path = tmp_path / "new" / "anchors.log"
    place = FilePlace(an_address(f"file:{path}"))

    await place.hand_over(anchor)
    await place.hand_over(anchor)

    assert path.read_text() == f"{anchor.signed}\n" * 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_is_a_fault(tmp_path: Path, anchor: StoredAnchor) -> None:
    """Red when: a fault of the disk is raised as it comes, and ends the worker's loop."""
    with pytest.raises(HandOverFailed) as failed:
        await FilePlace(an_address(f"file:{tmp_path}")).hand_over(anchor)

    assert failed.value.code == "EISDIR"


@pytest.mark.parametrize("kind", ["udp", "unix"])
async def test_syslog_takes_it_as_one_datagram(kind: str, tmp_path: Path, anchor: StoredAnchor) -> None:
    path = tmp_path / "log"
    with closing(
        socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET, socket.SOCK_DGRAM)
    ) as receiver:
        receiver.bind(str(path) if kind == "unix" else ("127.0.0.1", 0))
        receiver.settimeout(5)
        written = (
            f"syslog+unix:{path}" if kind == "unix" else f"syslog+udp://127.0.0.1:{receiver.getsockname()[1]}"
        )

        await SyslogPlace(an_address(written)).hand_over(anchor)

        message = receiver.recv(2048).decode()
    assert message.startswith("<109>1 2026-11-23T09:30:00.000000Z ")
    assert find_signed(message) == [anchor.signed]


async def test_syslog_takes_it_as_one_counted_frame(anchor: StoredAnchor) -> None:
    taken = asyncio.get_running_loop().create_future()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int(await reader.readuntil(b" "))
        taken.set_result(await reader.readexactly(length))
        writer.close()

    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await SyslogPlace(an_address(f"syslog+tcp://127.0.0.1:{port}")).hand_over(anchor)
        message = await asyncio.wait_for(taken, 5)

    assert message == write_syslog(anchor, host=socket.gethostname())


@pytest.mark.parametrize("written", ["syslog+tcp://127.0.0.1:1", "syslog+unix:/nowhere/log"])
async def test_syslog_that_is_away_is_a_fault(written: str, anchor: StoredAnchor) -> None:
    with pytest.raises(HandOverFailed) as failed:
        await SyslogPlace(an_address(written)).hand_over(anchor)

    assert failed.value.code in ("ECONNREFUSED", "ENOENT")


async def test_an_auditor_has_it_by_mail(tmp_path: Path, anchor: StoredAnchor) -> None:
    """Red when: it leaves under the subject that victims read, or is not folded."""
    mailbox = Mailbox(tmp_path / "mail")
    server = MailServer(mailbox, faults={"away@example.org": "450 not now"})
    async with asynccontextmanager(server.run)(web.Application()):
        environ = WHOLE | {
            "WAYMARK_SMTP_URL": f"smtp://127.0.0.1:{server.port}",
            "WAYMARK_EMAIL_FROM": "Messages <messages@example.org>",
            "WAYMARK_AUDIT_ANCHORS": "mailto:auditor@example.org,mailto:away@example.org",
        }
        service = SimpleNamespace(
            settings=Settings.from_env(environ), texts=load_service_texts(), clock=SetClock()
        )
        reached, away = build_anchor_places(service)  # type: ignore[arg-type]

        await reached.hand_over(anchor)
        with pytest.raises(HandOverFailed) as failed:
            await away.hand_over(anchor)

    assert failed.value.code == "450"
    [caught] = mailbox.mails
    assert (caught.to, "signed head" in caught.subject) == ("auditor@example.org", True)
    assert find_signed(caught.text) == [anchor.signed]
    assert max(len(line) for line in caught.text.splitlines()) < 200


def test_without_a_setting_it_is_a_file_in_the_data_folder_and_not_outside() -> None:
    [place] = parse_anchor_places({}, Path("/data"))

    assert (place.kind, place.target) == (PlaceKind.FILE, "/data/audit/anchors.log")
    assert not place.is_outside(Path("/data"))
    assert replace(place, target="/elsewhere/anchors.log").is_outside(Path("/data"))


@pytest.mark.parametrize(
    "written",
    [
        "anchors.log",
        "file:anchors.log",
        "file://host/anchors.log",
        "syslog+udp:",
        "syslog+udp://host:0x",
        "syslog+tcp://user:password@host",
        "mailto:nobody",
        "mailto:auditor@example.org",
        "https://example.org",
        "file:/a,file:/a",
        "file:/a,",
    ],
)
def test_a_place_that_is_none_is_named_at_start(written: str) -> None:
    """A mail address among them while there is no server for mail."""
    with pytest.raises(SettingsInvalid, match="WAYMARK_AUDIT_ANCHORS"):
        parse_anchor_places({"WAYMARK_AUDIT_ANCHORS": written}, Path("/data"))
