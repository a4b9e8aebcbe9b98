"""The sandbox takes e-mail from the worker's own sender and shows it on a page."""

from pathlib import Path

import pytest

from casework.adapters.email import EmailSender, SmtpSettings
from casework.model.messages import Channel, Lane, OutboxStatus
from casework.services.service_texts import load_service_texts
from tests.channels.provider_stand_ins import running_sandbox
from tests.support.builders import an_outbound
from tests.support.clock import SetClock
from tests.support.running import free_port

LINK = "http://127.0.0.1:8080/i/" + "x" * 32


async def test_a_caught_e_mail_is_on_the_page_with_its_link(tmp_path: Path) -> None:
    port = free_port()
    smtp = SmtpSettings(
        host="127.0.0.1",
        port=port,
        email_from="messages@example.org",
        is_tls_from_start=False,
        needs_tls=False,
    )
    text = f"<b>Here</b>:\n{LINK}\nonce."
    message = an_outbound("c" * 32, text, channel=Channel.EMAIL, to="alex@example.org", lane=Lane.STAFF)
    async with running_sandbox(tmp_path, service_url="http://127.0.0.1:9", smtp_port=port) as sandbox:
        delivery = await EmailSender(smtp, load_service_texts(), SetClock()).deliver(message)
        async with sandbox.session.get(f"{sandbox.url}/mail") as answer:
            page = await answer.text()
        async with sandbox.session.get(f"{sandbox.url}/sandbox/mail") as answer:
            [mail] = await answer.json()

    assert delivery.status is OutboxStatus.SENT
    assert (mail["to"], mail["text"].rstrip("\n")) == ("alex@example.org", text)
    assert f'href="{LINK}"' in page
    assert "&lt;b&gt;Here" in page


@pytest.mark.parametrize("path", ["/mail", "/sandbox/mail"])
async def test_an_empty_mailbox_is_a_page_too(tmp_path: Path, path: str) -> None:
    async with (
        running_sandbox(tmp_path, service_url="http://127.0.0.1:9") as sandbox,
        sandbox.session.get(sandbox.url + path) as answer,
    ):
        assert answer.status == 200
