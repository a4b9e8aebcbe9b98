"""A pretend mail server: it takes every e-mail it is offered, keeps it on this machine and shows it on a page.

SMTP as far as a sending client needs it (RFC 5321, AUTH PLAIN and LOGIN answered with yes to anyone).
"""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import jinja2
from aiohttp import web

HOST = "127.0.0.1"
LARGEST_MAIL_BYTES = 1024 * 1024
TEMPLATES = Path(__file__).parent / "templates"
DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class CaughtMail:
    message_id: str
    from_: str
    to: str
    subject: str
    text: str
    caught_at: str


class Mailbox:
    """Every caught e-mail, kept in a file that is written before the sender is told."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._path = data_dir / "sandbox-mail.jsonl"
        self.mails = [CaughtMail(**json.loads(line)) for line in self._read_lines()]

    def _read_lines(self) -> list[bytes]:
        if not self._path.exists():
            return []
        whole, newline, _torn = self._path.read_bytes().rpartition(b"\n")
        # A line cut short by a crash was never told to anyone; the next one must not be glued to it.
        os.truncate(self._path, len(whole) + len(newline))
        return whole.splitlines()

    def keep(self, letter: bytes, *, recipient: str) -> CaughtMail:
        mail = _read(letter, recipient)
        with self._path.open("ab") as file:
            file.write(json.dumps(asdict(mail)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.mails.append(mail)
        return mail


def _read(letter: bytes, recipient: str) -> CaughtMail:
    parsed = message_from_bytes(letter, policy=default)
    assert isinstance(parsed, EmailMessage)
    return CaughtMail(
        message_id=str(parsed["Message-ID"] or ""),
        from_=str(parsed["From"] or ""),
        to=recipient,
        subject=str(parsed["Subject"] or ""),
        text=parsed.get_content().replace("\r\n", "\n") if parsed.get_content_maintype() == "text" else "",
        caught_at=datetime.now(UTC).isoformat(),
    )


class MailServer:
    """Listens on loopback; with `tls` from the first byte, with `starttls` once asked.

    `faults` maps a recipient to the answer it gets instead of 250; `drop` takes the whole e-mail and closes
    without an answer.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        faults: Mapping[str, str] | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._tls = tls
        self._starttls = starttls
        self._faults = dict(faults or {})
        self.port = port
        self.logins: list[str] = []

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """For `cleanup_ctx`: takes e-mail while the app runs."""
        server = await asyncio.start_server(
            self._receive, HOST, self.port, limit=LARGEST_MAIL_BYTES, ssl=self._tls
        )
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            visit = _Visit(self._mailbox, self._faults, self.logins, reader, writer)
            await visit.run(starttls=self._starttls)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()


class _Visit:
    """One client's connection."""

    def __init__(
        self,
        mailbox: Mailbox,
        faults: Mapping[str, str],
        logins: list[str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._mailbox = mailbox
        self._faults = faults
        self._logins = logins
        self._reader = reader
        self._writer = writer
        self._recipients: list[str] = []

    async def run(self, *, starttls: ssl.SSLContext | None) -> None:
        self._starttls = starttls
        await self._say("220 sandbox")
        while line := await self._reader.readline():
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                await self._say("221 bye")
                return
            if not await self._answer(verb.upper(), rest):
                return

    async def _answer(self, verb: str, rest: str) -> bool:
        """False when the connection is to be dropped."""
        if verb == "EHLO":
            offered = ["250-STARTTLS"] if self._starttls else []
            await self._say("250-sandbox", *offered, "250-8BITMIME", "250 AUTH PLAIN LOGIN")
        elif verb == "STARTTLS" and self._starttls:
            await self._say("220 go on")
            await self._writer.start_tls(self._starttls)
            self._starttls = None
        elif verb == "AUTH":
            await self._log_in(rest)
        elif verb == "MAIL":
            self._recipients = []
            await self._say("250 ok")
        elif verb == "RCPT":
            await self._name(rest.partition(":")[2].strip().strip("<>"))
        elif verb == "DATA":
            return await self._take()
        else:
            known = verb in ("HELO", "RSET", "NOOP")
            await self._say("250 ok" if known else "502 not known here")
        return True

    async def _log_in(self, rest: str) -> None:
        how, _, given = rest.partition(" ")
        if how.upper() == "LOGIN":
            user = given or await self._ask("334 VXNlcm5hbWU6")
            given = f"{user} {await self._ask('334 UGFzc3dvcmQ6')}"
        self._logins.append(given)
        await self._say("235 ok")

    async def _ask(self, prompt: str) -> str:
        await self._say(prompt)
        return (await self._reader.readline()).decode("ascii", "replace").strip()

    async def _name(self, recipient: str) -> None:
        fault = self._faults.get(recipient, "")
        if fault and fault != DROP:
            await self._say(fault)
            return
        self._recipients.append(recipient)
        await self._say("250 ok")

    async def _take(self) -> bool:
        if not self._recipients:
            await self._say("503 name a recipient first")
            return True
        await self._say("354 end with a full stop")
        raw = await self._reader.readuntil(b"\r\n.\r\n")
        # RFC 5321 section 4.5.2: a line that begins with a full stop has one more on its way.
        letter = raw[:-3].replace(b"\r\n..", b"\r\n.")
        for recipient in self._recipients:
            self._mailbox.keep(letter, recipient=recipient)
        if any(self._faults.get(recipient) == DROP for recipient in self._recipients):
            return False
        await self._say("250 kept")
        return True

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()


class MailPages:
    """`/mail` for people, `/sandbox/mail` for tests."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._template = environment.get_template("mail.html")

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/mail", self.show_mails)
        router.add_get("/sandbox/mail", self.list_mails)

    async def show_mails(self, request: web.Request) -> web.Response:
        page = self._template.render(mails=self._mailbox.mails[::-1])
        return web.Response(text=page, content_type="text/html")

    async def list_mails(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(mail) for mail in self._mailbox.mails])
