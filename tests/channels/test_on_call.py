"""A notice to staff over real sockets: a signed webhook, a text at the sandbox provider, an e-mail that says nothing.

Red when: a webhook follows a redirect; shown in a copy.
"""

import json
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from casework.services.staff_notices import Came, StaffNotice
from channels.feed_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, check_signature
from channels.on_call import SmsNotices, WebhookNotices
from channels.twilio_sms import TwilioSender
from channels.twilio_transport import TwilioSettings
from tests.channels.provider_stand_ins import ACCOUNT_SID, SERVICE, TOKEN, running_sandbox, serving
from tests.support.clock import SetClock

KEY = "w" * 32
STAFF = "+447700900101"


def a_notice(to: str) -> StaffNotice:
    link = "https://desk.example.org/a/x"
    return StaffNotice(
        id="n1", to=to, text=f"Waymark: an urgent item waits. {link}", link=link, item="0123abcd"
    )


async def test_a_webhook_is_signed_and_holds_ids_alone(clock: SetClock) -> None:
    seen: list[tuple[bytes, dict[str, str], str]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((await request.read(), dict(request.headers), request.raw_path))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with serving(app) as url, aiohttp.ClientSession() as session:
        attempt = await WebhookNotices(session, key=KEY, clock=clock).deliver(a_notice(f"{url}/hook?a=b%20c"))

    [(body, headers, path)] = seen
    assert attempt.came is Came.SENT
    check_signature(
        keys=[KEY],
        method="POST",
        path=path,
        body=body,
        timestamp=headers[TIMESTAMP_HEADER],
        signature=headers[SIGNATURE_HEADER],
        now=clock.now(),
    )
    assert json.loads(body).keys() == {"text", "link", "item", "notice"}


@pytest.mark.parametrize(
    ("status", "came"),
    [(200, Came.SENT), (307, Came.NEVER), (404, Came.NEVER), (429, Came.TRY_AGAIN), (503, Came.TRY_AGAIN)],
)
async def test_what_a_webhook_answers_is_believed(clock: SetClock, status: int, came: Came) -> None:
    elsewhere: list[str] = []

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async def take(request: web.Request) -> web.Response:
        elsewhere.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", answer)
    app.router.add_post("/elsewhere", take)
    async with serving(app) as url, aiohttp.ClientSession() as session:
        attempt = await WebhookNotices(session, key=KEY, clock=clock).deliver(a_notice(f"{url}/hook"))

    assert attempt.came is came
    assert elsewhere == []


async def test_a_webhook_nobody_listens_at_is_tried_again(clock: SetClock) -> None:
    async with serving(web.Application()) as url:
        pass
    async with aiohttp.ClientSession() as session:
        attempt = await WebhookNotices(session, key=KEY, clock=clock).deliver(a_notice(url))

    assert attempt.came is Came.TRY_AGAIN


async def test_a_text_reaches_a_staff_phone_through_the_provider(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path, service_url="http://127.0.0.1:1") as sandbox:
        twilio = TwilioSender(
            TwilioSettings(account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=sandbox.url)
        )
        attempt = await SmsNotices(twilio).deliver(a_notice(STAFF))
        twilio.close()
        [arrived] = await sandbox.get_thread(STAFF)

    assert attempt.came is Came.SENT and attempt.provider_message_id
    assert arrived["body"] == a_notice(STAFF).text
