"""What is set at the provider, read from the sandbox over a socket, and what is said of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from casework.adapters.settings import Settings
from casework.bootstrap import build_service
from casework.services.sweeps import ProviderUnreachable
from channels.sandbox.settings import MESSAGING_SERVICE_SID
from channels.twilio_reads import TwilioAccount, TwilioReader
from channels.twilio_settings_check import (
    WANTED_OVERRIDES,
    HourlyCheck,
    SettingFound,
    check_twilio_settings,
)
from tests.channels.provider_stand_ins import ACCOUNT_SID, SERVICE, TOKEN, Sandbox, running_sandbox, serving
from tests.support.databases import put_keys

PUBLIC_URL = "https://messages.example.org"
SPOOL_URL = "https://fallback.example.org"
MESSAGE = "/webhooks/twilio/message"
WELL = {
    "sms_url": f"{PUBLIC_URL}{MESSAGE}#{WANTED_OVERRIDES}",
    "sms_fallback_url": SPOOL_URL + MESSAGE,
    "inbound_request_url": f"{PUBLIC_URL}{MESSAGE}#{WANTED_OVERRIDES}",
    "fallback_url": SPOOL_URL + MESSAGE,
    "status_callback": None,
    "uses_service": True,
}


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(tmp_path, service_url="http://127.0.0.1:1") as running:
        yield running


def settings_for(url: str, *, sms_from: str = SERVICE, **more: str) -> Settings:
    return Settings.from_env(
        {
            "WAYMARK_PUBLIC_URL": PUBLIC_URL,
            "WAYMARK_SPOOL_URL": SPOOL_URL,
            "WAYMARK_TURN_SECRET": "x" * 32,
            "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "WAYMARK_TWILIO_API_URL": url,
            "WAYMARK_SMS_FROM": sms_from,
            **more,
        }
    )


async def check(sandbox: Sandbox, *, sms_from: str = SERVICE, **set_there: Any) -> list[SettingFound]:
    async with sandbox.session.post(f"{sandbox.url}/sandbox/settings", json=WELL | set_there) as answer:
        assert answer.status == 200, await answer.text()
    settings = settings_for(sandbox.url, sms_from=sms_from)
    async with TwilioReader(TwilioAccount.from_settings(settings)) as reader:
        return await check_twilio_settings(reader, settings)


def wrong(found: list[SettingFound]) -> list[tuple[str, bool]]:
    return [(each.what, each.is_vital) for each in found if not each.is_well]


@pytest.mark.parametrize("sms_from", [MESSAGING_SERVICE_SID, SERVICE])
async def test_what_the_document_says_to_set_is_found_well(sandbox: Sandbox, sms_from: str) -> None:
    found = await check(sandbox, sms_from=sms_from)

    assert wrong(found) == []
    assert {"Twilio: webhook", "Twilio: tries", "Twilio: fallback"} <= {each.what for each in found}


async def test_a_service_without_an_inbound_address_is_vital_because_nothing_can_be_found_again(
    sandbox: Sandbox,
) -> None:
    """Red when `inbound_request_url` null is taken for "the number decides"."""
    found = await check(sandbox, sms_from=MESSAGING_SERVICE_SID, inbound_request_url=None)

    assert wrong(found) == [("Twilio: webhook", True)]
    assert "no sweep finds it" in next(each.detail for each in found if each.is_vital)


NUMBER_MISTAKES = {
    "elsewhere": ({"sms_url": "https://other.example.org/sms"}, [("Twilio: webhook", True)]),
    "http": ({"sms_url": f"http://messages.example.org{MESSAGE}"}, [("Twilio: webhook", True)]),
    "no fallback": ({"sms_fallback_url": None}, [("Twilio: fallback", False)]),
    "no retries": ({"sms_url": f"{PUBLIC_URL}{MESSAGE}#rc=0&rp=all"}, [("Twilio: tries", False)]),
    "none": ({"sms_url": None}, [("Twilio: webhook", True)]),
    "only connects retried": ({"sms_url": PUBLIC_URL + MESSAGE}, [("Twilio: tries", False)]),
    "slash more": ({"sms_url": f"{PUBLIC_URL}{MESSAGE}/"}, [("Twilio: webhook", True)]),
    "spool elsewhere": ({"sms_fallback_url": "https://old.example.org/x"}, [("Twilio: fallback", False)]),
}


@pytest.mark.parametrize("mistake", sorted(NUMBER_MISTAKES))
async def test_every_mistake_of_a_number_is_named_with_the_remedy(sandbox: Sandbox, mistake: str) -> None:
    set_there, expected = NUMBER_MISTAKES[mistake]

    found = await check(sandbox, **set_there)

    assert wrong(found) == expected
    assert all("http" in each.detail or "#" in each.detail for each in found if not each.is_well)


@pytest.mark.parametrize("sms_from", ["+447700900123", "MG" + "9" * 32])
async def test_a_sender_the_account_does_not_have_is_vital(sandbox: Sandbox, sms_from: str) -> None:
    assert [is_vital for _, is_vital in wrong(await check(sandbox, sms_from=sms_from))] == [True]


def number_with(**fields: Any) -> web.Application:
    """A provider whose one number has fields the sandbox never sets."""

    async def answer(_request: web.Request) -> web.Response:
        number = {
            "phone_number": SERVICE,
            "sms_url": WELL["sms_url"],
            "sms_fallback_url": WELL["sms_fallback_url"],
        }
        return web.json_response({"incoming_phone_numbers": [number | fields]})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


@pytest.mark.parametrize("fields", [{"sms_application_sid": "AP1"}, {"sms_method": "GET"}], ids=str)
async def test_an_address_that_twilio_would_not_post_to_is_vital(fields: dict[str, str]) -> None:
    async with serving(number_with(**fields)) as url:
        settings = settings_for(url)
        async with TwilioReader(TwilioAccount.from_settings(settings)) as reader:
            assert wrong(await check_twilio_settings(reader, settings))[0] == ("Twilio: webhook", True)


async def test_an_address_with_a_password_is_said_without_it(sandbox: Sandbox) -> None:
    found = await check(sandbox, sms_url="https://user:hunter22@other.example.org/sms")

    assert not any("hunter22" in each.detail for each in found)


# --- in the worker ----------------------------------------------------------------------------------------------


async def test_the_worker_looks_at_start_and_every_hour_and_keeps_the_alarm_true(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Red when the alarm is only ever sounded, or is looked at once."""
    settings = settings_for(
        sandbox.url, WAYMARK_DATABASE_URL=database_url, WAYMARK_KEYS=str(put_keys(tmp_path))
    )
    service = build_service(settings)
    seconds = [0.0]
    told = []
    async with TwilioReader(TwilioAccount.from_settings(service.settings)) as reader:
        hourly = HourlyCheck(service, reader, monotonic=lambda: seconds[0])
        for second, sms_url in ((0, None), (10, WELL["sms_url"]), (3601, WELL["sms_url"])):
            seconds[0] = second
            async with sandbox.session.post(
                f"{sandbox.url}/sandbox/settings", json=WELL | {"sms_url": sms_url}
            ) as answer:
                assert answer.status == 200
            await hourly.check_if_due()
            told.append([each.kind for each in await service.database.read(lambda tx: tx.alarms.list_open())])
    service.database.close()

    assert told == [["webhook_not_set"], ["webhook_not_set"], []]


async def test_nobody_there_is_said_and_changes_no_alarm() -> None:
    settings = settings_for("http://127.0.0.1:1")
    async with TwilioReader(TwilioAccount.from_settings(settings)) as reader:
        with pytest.raises(ProviderUnreachable):
            await check_twilio_settings(reader, settings)
