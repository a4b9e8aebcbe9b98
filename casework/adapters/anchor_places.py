"""Where signed heads of the audit go: a file that is only added to, syslog, or an auditor's mailbox."""

import asyncio
import errno
import os
import socket
from dataclasses import replace
from pathlib import Path

from casework.adapters import signing
from casework.adapters.anchor_settings import AnchorAddress, PlaceKind
from casework.adapters.email import EmailSender, parse_smtp_settings
from casework.adapters.service import Service
from casework.model.audit_anchors import fold
from casework.model.messages import Author, Channel, Lane, OutboundMessage, OutboxStatus, SendKind
from casework.services.anchors import AnchorPlace, HandOverFailed, StoredAnchor
from casework.services.service_texts import ServiceTexts

PURPOSE = "audit_signing"
TIMEOUT_SECONDS = 10.0
# Facility 13 (log audit), severity 5 (notice): RFC 5424 section 6.2.1.
PRIORITY = 13 * 8 + 5


class KeySigner:
    """Signs with the data folder's own key, made at the first use."""

    def __init__(self, data_dir: Path) -> None:
        self._key = signing.load_signing_key(data_dir, PURPOSE)

    def sign(self, content: bytes) -> str:
        return signing.sign(content, self._key)


def build_anchor_places(service: Service) -> list[AnchorPlace]:
    return [_build_place(each, service) for each in service.settings.audit_anchors]


def _build_place(address: AnchorAddress, service: Service) -> AnchorPlace:
    match address.kind:
        case PlaceKind.FILE:
            return FilePlace(address)
        case PlaceKind.MAIL:
            return _build_mail(address, service)
        case _:
            return SyslogPlace(address)


def _build_mail(address: AnchorAddress, service: Service) -> "MailPlace":
    smtp = parse_smtp_settings(service.settings)
    assert smtp is not None  # the settings refuse a mail address without it
    subject = {"email_subject": service.texts.texts["audit_anchor_subject"]}
    texts = replace(service.texts, texts=service.texts.texts | subject)
    return MailPlace(address, EmailSender(smtp, texts, service.clock), service.texts)


class FilePlace:
    """One line each, on the disk before it counts as handed over."""

    def __init__(self, address: AnchorAddress) -> None:
        self.name = address.name
        self._path = Path(address.target)

    async def hand_over(self, anchor: StoredAnchor) -> None:
        try:
            await asyncio.to_thread(self._append, anchor.signed + "\n")
        except OSError as fault:
            raise HandOverFailed(_name_fault(fault)) from fault

    def _append(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
            os.fsync(file)
        finally:
            os.close(file)


class SyslogPlace:
    """RFC 5424, one datagram or one counted frame each (RFC 6587 section 3.4.1). By UDP nobody says that it came."""

    def __init__(self, address: AnchorAddress) -> None:
        self.name = address.name
        self._address = address

    async def hand_over(self, anchor: StoredAnchor) -> None:
        message = write_syslog(anchor, host=socket.gethostname())
        try:
            await asyncio.to_thread(self._send, message)
        except OSError as fault:
            raise HandOverFailed(_name_fault(fault)) from fault

    def _send(self, message: bytes) -> None:
        target, port = self._address.target, self._address.port
        if self._address.kind is PlaceKind.TCP:
            with socket.create_connection((target, port), timeout=TIMEOUT_SECONDS) as stream:
                stream.sendall(b"%d %b" % (len(message), message))
            return
        if self._address.kind is PlaceKind.UNIX:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
                unix.settimeout(TIMEOUT_SECONDS)
                unix.connect(target)
                unix.send(message)
            return
        family, kind, protocol, _, where_to = socket.getaddrinfo(target, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as udp:
            udp.connect(where_to)
            udp.send(message)


def write_syslog(anchor: StoredAnchor, *, host: str) -> bytes:
    at = anchor.signed_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = f"<{PRIORITY}>1 {at} {host[:255] or '-'} waymark - audit-anchor - "
    return (head + anchor.signed).encode("ascii", "replace")


class MailPlace:
    """One letter each to an auditor's mailbox; the same Message-ID at every attempt."""

    def __init__(self, address: AnchorAddress, sender: EmailSender, texts: ServiceTexts) -> None:
        self.name = address.name
        self._to = address.target
        self._sender = sender
        self._texts = texts

    async def hand_over(self, anchor: StoredAnchor) -> None:
        delivery = await self._sender.deliver(_write_letter(anchor, self._to, self._texts))
        if delivery.status is not OutboxStatus.SENT:
            raise HandOverFailed(str(delivery.error_code or delivery.status.value))


def _write_letter(anchor: StoredAnchor, to: str, texts: ServiceTexts) -> OutboundMessage:
    """What the sender of mail takes. It is of no conversation and never stored."""
    said = texts.render("audit_anchor_mail", Channel.EMAIL)
    return OutboundMessage(
        conversation_id="",
        channel=Channel.EMAIL,
        to=to,
        text=f"{said}\n\n{fold(anchor.signed)}\n",
        lane=Lane.STAFF,
        author=Author.SERVICE,
        kind=SendKind.INVITE,
        template="audit_anchor_mail",
        dedupe_key=f"audit-anchor:{anchor.number}",
        epoch=0,
    )


def _name_fault(fault: OSError) -> str:
    """A name such as ENOENT: the words of an error may hold a path."""
    if isinstance(fault, TimeoutError):
        return "timeout"
    return errno.errorcode.get(fault.errno or 0, type(fault).__name__)
