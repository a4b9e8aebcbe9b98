"""E-mail out, by SMTP (RFC 5321, STARTTLS as in RFC 3207): plain text, one neutral subject, nothing quoted.

A password never crosses the network in the clear, and a certificate is always checked: only a server on this
machine, as the sandbox's is, may be spoken to without TLS.
"""

import asyncio
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from urllib.parse import unquote, urlsplit

import structlog

from casework.adapters.settings import Settings
from casework.model.messages import OutboundMessage, OutboxStatus
from casework.services.ports import Clock, Delivery
from casework.services.service_texts import ServiceTexts

log = structlog.get_logger()

TIMEOUT_SECONDS = 15.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SUBMISSION_PORT, TLS_PORT = 587, 465
# One plain address and nothing else: no second recipient, no line break, no name that hides another address.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    host: str
    port: int
    email_from: str
    is_tls_from_start: bool  # smtps
    needs_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_smtp_settings(settings: Settings) -> SmtpSettings | None:
    """What `WAYMARK_SMTP_URL` and `WAYMARK_EMAIL_FROM` say; None where no e-mail is set up."""
    if settings.smtp_url is None or settings.email_from is None:
        return None
    parts = urlsplit(settings.smtp_url)
    is_tls = parts.scheme == "smtps"
    host = parts.hostname or ""
    return SmtpSettings(
        host=host,
        port=parts.port or (TLS_PORT if is_tls else SUBMISSION_PORT),
        email_from=settings.email_from,
        is_tls_from_start=is_tls,
        needs_tls=host not in LOOPBACK,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class TlsMissing(Exception):
    """The server offers no TLS; nothing was sent, a password least of all."""


class EmailSender:
    """SMTP behind the port the outbox knows."""

    def __init__(
        self, smtp: SmtpSettings, texts: ServiceTexts, clock: Clock, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._smtp = smtp
        self._texts = texts
        self._clock = clock
        self._tls = tls or ssl.create_default_context()

    async def deliver(self, message: OutboundMessage) -> Delivery:
        """One attempt. A server's fault is never raised."""
        return await asyncio.to_thread(self._send, message)

    async def find_sent(self, message: OutboundMessage, *, since: datetime) -> Delivery | None:
        # SMTP cannot be asked. The same Message-ID again lets a mailbox show the two copies as one.
        return None

    def _send(self, message: OutboundMessage) -> Delivery:
        if not ADDRESS.fullmatch(message.to):
            return Delivery(status=OutboxStatus.FAILED, error_code="address")
        letter = self._write(message)
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException):
            return _try_again("not_reached")
        try:
            return self._hand_over(server, letter, message.to)
        finally:
            # No answer to the goodbye is waited for: it could turn a message that left into one that did not.
            with suppress(OSError, smtplib.SMTPException):
                server.putcmd("QUIT")
            server.close()

    def _hand_over(self, server: smtplib.SMTP, letter: EmailMessage, recipient: str) -> Delivery:
        try:
            self._log_in(server)
            code, _ = server.mail(parseaddr(self._smtp.email_from)[1])
            if code != 250:
                return _try_again(str(code))
            code, _ = server.rcpt(recipient)
            if code not in (250, 251):
                return _sort(code, letter)
        except TlsMissing:
            log.error("smtp_without_tls")
            return _try_again("tls_missing")
        except smtplib.SMTPResponseException as refusal:
            # About us or the server, not the recipient: mended by people, tried again meanwhile.
            return _try_again(str(refusal.smtp_code))
        except (OSError, smtplib.SMTPException):
            return _try_again("not_reached")
        return _give(server, letter)

    def _connect(self) -> smtplib.SMTP:
        if self._smtp.is_tls_from_start:
            return smtplib.SMTP_SSL(
                self._smtp.host, self._smtp.port, timeout=TIMEOUT_SECONDS, context=self._tls
            )
        return smtplib.SMTP(self._smtp.host, self._smtp.port, timeout=TIMEOUT_SECONDS)

    def _log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if not self._smtp.is_tls_from_start:
            if server.has_extn("starttls"):
                server.starttls(context=self._tls)
                server.ehlo()
            elif self._smtp.needs_tls:
                raise TlsMissing
        if self._smtp.user:
            server.login(self._smtp.user, self._smtp.password or "")

    def _write(self, message: OutboundMessage) -> EmailMessage:
        letter = EmailMessage()
        letter["From"] = self._smtp.email_from
        letter["To"] = message.to
        letter["Subject"] = self._texts.render("email_subject", message.channel)
        letter["Date"] = format_datetime(self._clock.now())
        letter["Message-ID"] = self._make_id(message)
        # RFC 3834: no out-of-office note should answer this.
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        return letter

    def _make_id(self, message: OutboundMessage) -> str:
        domain = parseaddr(self._smtp.email_from)[1].rpartition("@")[2]
        return f"<{sha256(message.dedupe_key.encode()).hexdigest()[:32]}@{domain}>"


def _give(server: smtplib.SMTP, letter: EmailMessage) -> Delivery:
    try:
        code, _ = server.data(letter.as_bytes(policy=SMTP))
    except smtplib.SMTPDataError as refusal:
        return _sort(refusal.smtp_code, letter)
    except (OSError, smtplib.SMTPException):
        return Delivery(status=OutboxStatus.UNKNOWN)
    return _sort(code, letter)


def _sort(code: int, letter: EmailMessage) -> Delivery:
    """RFC 5321 section 4.2.1: 2 accepted, 4 not now, 5 never."""
    if 200 <= code < 300:
        return Delivery(status=OutboxStatus.SENT, provider_message_id=str(letter["Message-ID"]))
    if code >= 500:
        return Delivery(status=OutboxStatus.FAILED, error_code=str(code))
    return _try_again(str(code))


def _try_again(why: str) -> Delivery:
    return Delivery(status=OutboxStatus.WAITING, error_code=why)
