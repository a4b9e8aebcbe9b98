"""E-mail over real sockets to a real SMTP server on this machine: the sandbox's."""

import base64
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from casework.adapters.email import EmailSender, SmtpSettings, parse_smtp_settings
from casework.adapters.settings import Settings
from casework.model.messages import Channel, Lane, OutboundMessage, OutboxStatus
from casework.services.service_texts import load_service_texts
from channels.sandbox.mail import DROP, CaughtMail, Mailbox, MailServer
from tests.casework.adapters.test_settings import WHOLE
from tests.support.builders import an_outbound
from tests.support.clock import SetClock

TO = "alex@example.org"
TEXT = "Here is the link.\nhttps://messages.example.org/i/" + "x" * 60 + "\n.\nA line with a stop above."


@asynccontextmanager
async def mail_server(
    folder: Path, *, faults: Mapping[str, str] | None = None, **tls: ssl.SSLContext
) -> AsyncIterator[tuple[MailServer, Mailbox]]:
    mailbox = Mailbox(folder)
    server = MailServer(mailbox, faults=faults, **tls)
    async with asynccontextmanager(server.run)(web.Application()):
        yield server, mailbox


def sender_to(server: MailServer, *, tls: ssl.SSLContext | None = None, **values: Any) -> EmailSender:
    smtp = SmtpSettings(
        host="127.0.0.1",
        port=server.port,
        email_from="Messages <messages@example.org>",
        is_tls_from_start=False,
        needs_tls=False,
    )
    return EmailSender(replace(smtp, **values), load_service_texts(), SetClock(), tls=tls)


def an_email(to: str = TO, **values: Any) -> OutboundMessage:
    return an_outbound("c" * 32, TEXT, channel=Channel.EMAIL, to=to, lane=Lane.STAFF, **values)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 in one file."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key", "-out", folder / "cert"),
        ],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_bytes((folder / "key").read_bytes() + (folder / "cert").read_bytes())
    return both


async def test_an_e_mail_arrives_word_for_word_under_a_neutral_subject(tmp_path: Path) -> None:
    async with mail_server(tmp_path) as (server, mailbox):
        delivery = await sender_to(server).deliver(an_email())

    [mail] = mailbox.mails
    assert delivery.status is OutboxStatus.SENT
    assert delivery.provider_message_id == mail.message_id
    assert mail.text.rstrip("\n") == TEXT
    assert (mail.to, mail.from_) == (TO, "Messages <messages@example.org>")
    assert mail.subject == "The message you were told about"


async def test_the_same_message_again_bears_the_same_id_and_another_bears_its_own(tmp_path: Path) -> None:
    message = an_email()
    async with mail_server(tmp_path) as (server, mailbox):
        sender = sender_to(server)
        for each in (message, message, an_email()):
            await sender.deliver(each)

    first, again, other = (mail.message_id for mail in mailbox.mails)
    assert first == again != other


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("550 5.1.1 no such person", OutboxStatus.FAILED),
        ("553 not that name", OutboxStatus.FAILED),
        ("451 4.7.1 come back later", OutboxStatus.WAITING),
        ("421 too many", OutboxStatus.WAITING),
        (DROP, OutboxStatus.UNKNOWN),
    ],
)
async def test_each_refusal_is_sorted_into_never_later_or_unknown(
    tmp_path: Path, answer: str, status: OutboxStatus
) -> None:
    async with mail_server(tmp_path, faults={TO: answer}) as (server, _):
        delivery = await sender_to(server).deliver(an_email())

    assert delivery.status is status


async def test_a_server_that_is_away_is_tried_again() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    server = MailServer.__new__(MailServer)
    server.port = port

    delivery = await sender_to(server).deliver(an_email())

    assert (delivery.status, delivery.error_code) == (OutboxStatus.WAITING, "not_reached")


@pytest.mark.parametrize(
    "to",
    [
        "alex@example.org\r\nBcc: other@example.org",
        "alex@example.org,other@example.org",
        "alex,other@example.org",
        "Alex <other@example.org>",
        "ål@example.org",
        "alex",
        "",
    ],
)
async def test_only_one_plain_address_is_ever_written_to(tmp_path: Path, to: str) -> None:
    async with mail_server(tmp_path) as (server, mailbox):
        delivery = await sender_to(server).deliver(an_email(to))

    assert (delivery.status, delivery.error_code) == (OutboxStatus.FAILED, "address")
    assert mailbox.mails == []


async def test_user_and_password_are_given_to_the_server(tmp_path: Path) -> None:
    async with mail_server(tmp_path) as (server, mailbox):
        await sender_to(server, user="waymark", password="a secret").deliver(an_email())

    assert [base64.b64decode(login) for login in server.logins] == [b"\0waymark\0a secret"]
    assert len(mailbox.mails) == 1


async def test_no_password_and_no_word_reach_a_server_without_tls(tmp_path: Path) -> None:
    async with mail_server(tmp_path) as (server, mailbox):
        sender = sender_to(server, needs_tls=True, user="waymark", password="a secret")
        delivery = await sender.deliver(an_email())

    assert (delivery.status, delivery.error_code) == (OutboxStatus.WAITING, "tls_missing")
    assert (server.logins, mailbox.mails) == ([], [])


async def test_the_password_follows_starttls_and_never_goes_before_it(
    tmp_path: Path, certificate: Path
) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    login = {"needs_tls": True, "user": "waymark", "password": "a secret"}
    async with mail_server(tmp_path, starttls=serving) as (server, mailbox):
        trusted = await sender_to(server, tls=trusting, **login).deliver(an_email())
        unknown = await sender_to(server, **login).deliver(an_email())

    assert trusted.status is OutboxStatus.SENT
    assert unknown.status is OutboxStatus.WAITING
    assert (len(server.logins), len(mailbox.mails)) == (1, 1)


async def test_smtps_works_with_a_certificate_that_is_trusted_and_with_no_other(
    tmp_path: Path, certificate: Path
) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    async with mail_server(tmp_path, tls=serving) as (server, mailbox):
        trusted = await sender_to(server, tls=trusting, is_tls_from_start=True).deliver(an_email())
        unknown = await sender_to(server, is_tls_from_start=True).deliver(an_email())

    assert trusted.status is OutboxStatus.SENT
    assert unknown.status is OutboxStatus.WAITING
    assert len(mailbox.mails) == 1


def test_a_mailbox_keeps_what_it_was_given_and_forgets_a_torn_line(tmp_path: Path) -> None:
    letter = b"From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n"
    kept = Mailbox(tmp_path).keep(letter, recipient=TO)
    with (tmp_path / "sandbox-mail.jsonl").open("ab") as file:
        file.write(b'{"torn')

    again = Mailbox(tmp_path)
    again.keep(letter, recipient=TO)

    assert [mail.text for mail in Mailbox(tmp_path).mails] == [kept.text, kept.text]
    assert isinstance(again.mails[0], CaughtMail)
    assert message_from_bytes(letter, policy=default)["Subject"] == again.mails[0].subject


# --- settings ---------------------------------------------------------------------------------------


def smtp_of(url: str) -> SmtpSettings | None:
    environ = {**WHOLE, "WAYMARK_SMTP_URL": url, "WAYMARK_EMAIL_FROM": "messages@example.org"}
    return parse_smtp_settings(Settings.from_env(environ))


def test_an_address_says_server_port_tls_and_who_we_are() -> None:
    plain, tls = smtp_of("smtp://us%40er:p%3Aw@mail.example.org"), smtp_of("smtps://mail.example.org:4650")
    here = smtp_of("smtp://127.0.0.1:8025")

    assert plain is not None and tls is not None and here is not None
    assert (plain.host, plain.port, plain.user, plain.password) == (
        "mail.example.org",
        587,
        "us@er",
        "p:w",
    )
    assert (plain.needs_tls, plain.is_tls_from_start) == (True, False)
    assert (tls.port, tls.is_tls_from_start) == (4650, True)
    assert here.needs_tls is False
    assert "p:w" not in repr(plain)


def test_without_an_address_there_is_no_e_mail() -> None:
    assert parse_smtp_settings(Settings.from_env(WHOLE)) is None
