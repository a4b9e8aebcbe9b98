"""The sandbox provider over real sockets: Twilio's formats, its record, its failures, its handsets."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from casework.model.errors import SettingsInvalid
from casework.model.sms_segments import GSM_7, GSM_7_EXTENDED, count_segments
from channels.sandbox.addresses import get_address
from channels.sandbox.app import main
from channels.sandbox.faults import FaultKind, parse_fault
from channels.sandbox.record import Direction, Record
from channels.sandbox.settings import SandboxSettings, parse_settings
from channels.twilio_signature import check_signature
from channels.twilio_transport import TwilioSettings, TwilioTransport
from tests.channels.provider_stand_ins import (
    ACCOUNT_SID,
    HANDSET,
    SERVICE,
    TOKEN,
    ListeningService,
    Posted,
    Sandbox,
    listening_service,
    running_sandbox,
)

SIGNED_IN = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, TOKEN)}
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages"
OTHER_HANDSET = "+447700900002"


@pytest_asyncio.fixture
async def service() -> AsyncIterator[ListeningService]:
    async with listening_service() as service:
        yield service


@pytest_asyncio.fixture
async def sandbox(service: ListeningService, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        yield sandbox


def get_form(posted: Posted) -> dict[str, str]:
    return dict(parse_qsl(posted.body.decode(), keep_blank_values=True))


async def create(
    sandbox: Sandbox, *, headers: Mapping[str, str] = SIGNED_IN, **fields: str
) -> tuple[int, dict[str, Any]]:
    form = {"To": HANDSET, "From": SERVICE, "Body": "We have your message.", **fields}
    address = f"{sandbox.url}{MESSAGES}.json"
    async with sandbox.session.post(address, data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def get_json(sandbox: Sandbox, path: str, **query: Any) -> dict[str, Any]:
    async with sandbox.session.get(sandbox.url + path, params=query, headers=SIGNED_IN) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def get_page(sandbox: Sandbox, path: str, **options: Any) -> tuple[int, str]:
    async with sandbox.session.get(sandbox.url + path, **options) as answer:
        return answer.status, await answer.text()


async def test_a_text_from_a_handset_reaches_the_webhook_signed_as_twilio_signs(
    sandbox: Sandbox, service: ListeningService
) -> None:
    sent = await sandbox.send(body="Any news?")

    [posted] = service.posted
    form = get_form(posted)
    signature = posted.headers["X-Twilio-Signature"]
    assert sent["webhook_status"] == 204
    assert (form["MessageSid"], form["From"], form["To"], form["Body"]) == (
        sent["sid"],
        HANDSET,
        SERVICE,
        "Any news?",
    )
    assert (form["AccountSid"], form["FromCity"], form["NumMedia"]) == (ACCOUNT_SID, "", "0")
    assert RequestValidator(TOKEN).validate(posted.url, MultiDict(form), signature)


async def test_the_request_is_signed_for_the_public_address_when_one_is_named(
    service: ListeningService, tmp_path: Path
) -> None:
    public = "https://waymark.example.org"
    async with running_sandbox(tmp_path, service_url=service.url, public_url=public) as sandbox:
        await sandbox.send(body="Any news?")
        await create(sandbox, StatusCallback=public + "/webhooks/twilio/status")
        received = await service.wait_for(3)

    for posted, path in zip(received, ("message", "status", "status"), strict=True):
        signature = posted.headers["X-Twilio-Signature"]
        check_signature(
            tokens=[TOKEN], url=f"{public}/webhooks/twilio/{path}", body=posted.body, header=signature
        )


async def test_a_handset_can_send_what_no_phone_should(sandbox: Sandbox, service: ListeningService) -> None:
    await sandbox.send(body="\ud800\0", fields={"NumMedia": "many", "FromCity": None, "Twice": ["1", "2"]})

    [posted] = service.posted
    assert b"Body=%ED%A0%80%00" in posted.body
    assert b"NumMedia=many" in posted.body
    assert b"FromCity" not in posted.body
    assert b"Twice=1&Twice=2" in posted.body
    check_signature(
        tokens=[TOKEN], url=posted.url, body=posted.body, header=posted.headers["X-Twilio-Signature"]
    )
    assert (await get_page(sandbox, "/handsets/" + HANDSET))[0] == 200


async def test_a_whatsapp_handset_and_a_photo_have_their_fields(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send("whatsapp:" + HANDSET, num_media=1)

    form = get_form(service.posted[0])
    assert (form["From"], form["To"]) == ("whatsapp:" + HANDSET, "whatsapp:" + SERVICE)
    assert (form["WaId"], form["MessageType"], form["NumMedia"]) == (HANDSET[1:], "image", "1")
    assert form["MessageSid"].startswith("MM")
    assert form["MediaUrl0"].startswith("http://127.0.0.1:")


async def test_the_service_may_refuse_and_the_handset_is_told(
    sandbox: Sandbox, service: ListeningService
) -> None:
    service.status = 403

    sent = await sandbox.send(body="Any news?")

    [message] = await sandbox.get_thread()
    assert (sent["webhook_status"], message["webhook_status"]) == (403, 403)
    assert "The service refused it (403)" in (await get_page(sandbox, "/handsets/" + HANDSET))[1]


async def test_the_same_sid_again_is_posted_again_and_recorded_once(
    sandbox: Sandbox, service: ListeningService
) -> None:
    first = await sandbox.send(body="Any news?")
    again = await sandbox.send(body="changed", sid=first["sid"], copies=5)

    assert again["seq"] == first["seq"]
    assert len(again["webhook_statuses"]) == 5
    assert {posted.body for posted in service.posted} == {service.posted[0].body}
    assert len(service.posted) == 6
    assert len(await sandbox.get_thread()) == 1


async def test_a_text_sent_while_the_service_restarts_arrives(sandbox: Sandbox, tmp_path: Path) -> None:
    async with listening_service() as first:
        port = int(first.url.rpartition(":")[2])
    async with running_sandbox(tmp_path / "other", service_url=first.url) as waiting:
        sending = asyncio.create_task(waiting.send(body="Are you there"))
        await waiting.get_thread(wait=0.2)
        async with listening_service(port=port) as second:
            sent = await sending

    assert sent["webhook_status"] == 204
    assert [get_form(posted)["Body"] for posted in second.posted] == ["Are you there"]


async def test_a_text_the_service_never_heard_of_is_still_in_the_list(
    sandbox: Sandbox, service: ListeningService
) -> None:
    sent = await sandbox.send(body="Are you there", webhook=False)

    listed = await get_json(sandbox, MESSAGES + ".json", To=SERVICE)
    assert service.posted == []
    assert [(each["sid"], each["direction"], each["status"]) for each in listed["messages"]] == [
        (sent["sid"], "inbound", "received")
    ]


async def test_the_record_outlives_the_sandbox_and_a_torn_last_line(
    service: ListeningService, tmp_path: Path
) -> None:
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        await sandbox.send(body="First")
        await create(sandbox)
        before = await sandbox.get_thread()
    with (tmp_path / "sandbox-messages.jsonl").open("ab") as file:
        file.write(b'{"seq": 3, "sid": "SM')

    for _ in range(2):
        async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
            after = await sandbox.get_thread()
            next_seq = (await sandbox.send(body="Next"))["seq"]

    assert [message["sid"] for message in after[:2]] == [message["sid"] for message in before]
    assert next_seq == 4


async def test_an_unfinished_text_is_posted_after_the_sandbox_restarts(
    service: ListeningService, tmp_path: Path
) -> None:
    record = Record(tmp_path)
    record.add(
        direction=Direction.INBOUND,
        handset=HANDSET,
        from_=HANDSET,
        to=SERVICE,
        body="Unfinished",
        status="received",
        form=(("Body", "Unfinished"),),
    )
    record.close()

    async with running_sandbox(tmp_path, service_url=service.url):
        [posted] = await service.wait_for(1)

    assert get_form(posted) == {"Body": "Unfinished"}


async def test_a_created_message_looks_like_twilios(sandbox: Sandbox) -> None:
    status, created = await create(sandbox)

    assert status == 201
    assert len(created["sid"]) == 34
    assert created["sid"].startswith("SM")
    assert (created["status"], created["direction"], created["date_sent"]) == ("queued", "outbound-api", None)
    assert (created["num_segments"], created["error_code"]) == ("1", None)
    assert created["uri"] == f"{MESSAGES}/{created['sid']}.json"
    fetched = await get_json(sandbox, created["uri"])
    assert (fetched["sid"], fetched["body"], fetched["to"]) == (created["sid"], created["body"], HANDSET)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "07700900001"}, 21211),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "a" * 1601}, 21617),
    ],
)
async def test_a_wrong_send_is_refused_with_twilios_code(
    sandbox: Sandbox, fields: dict[str, Any], code: int
) -> None:
    status, refusal = await create(sandbox, **fields)

    assert (status, refusal["status"], refusal["code"]) == (400, 400, code)
    assert set(refusal) == {"code", "message", "more_info", "status"}
    assert await sandbox.get_thread() == []


@pytest.mark.parametrize("login", [ACCOUNT_SID, "AC" + "1" * 32])
async def test_the_wrong_token_is_refused(sandbox: Sandbox, login: str) -> None:
    wrong = {"Authorization": aiohttp.encode_basic_auth(login, "wrong")}

    status, refusal = await create(sandbox, headers=wrong)

    assert (status, refusal["code"]) == (401, 20003)


async def test_the_list_is_filtered_and_paged_as_twilios_own_library_reads_it(
    sandbox: Sandbox, service: ListeningService
) -> None:
    callback = service.url + "/webhooks/twilio/status"
    for number in range(7):
        await create(sandbox, Body=f"Text {number}", StatusCallback=callback)
    await create(sandbox, To=OTHER_HANDSET)
    await service.wait_for(14)  # "sent" and "delivered" of each: what is still queued has no date sent
    transport = TwilioTransport(
        TwilioSettings(account_sid=ACCOUNT_SID, auth_token=TOKEN, sms_from=SERVICE, api_url=sandbox.url)
    )
    messages = Client(ACCOUNT_SID, TOKEN, http_client=transport).messages

    listed = await asyncio.to_thread(messages.list, to=HANDSET, page_size=3)
    today = listed[0].date_created
    first_day = listed[-1].date_created  # another one where UTC midnight came in between
    same_day = await asyncio.to_thread(messages.list, to=HANDSET, date_sent=today)
    since_then = await asyncio.to_thread(messages.list, to=HANDSET, date_sent_after=first_day)
    other_day = await asyncio.to_thread(messages.list, to=HANDSET, date_sent_before=today.replace(year=2020))
    transport.close()

    assert [each.body for each in listed] == [f"Text {number}" for number in reversed(range(7))]
    sent_that_day = [each.body for each in listed if each.date_sent.date() == today.date()]
    assert [each.body for each in same_day] == sent_that_day
    assert (len(since_then), len(other_day)) == (7, 0)


async def test_the_news_of_a_message_is_posted_again_while_the_service_is_down(tmp_path: Path) -> None:
    async with listening_service() as first:
        port = int(first.url.rpartition(":")[2])
    async with running_sandbox(tmp_path, service_url=first.url) as sandbox:
        await create(sandbox, StatusCallback=first.url + "/webhooks/twilio/status")
        await sandbox.get_thread(after=1, wait=0.2)
        async with listening_service(port=port) as second:
            posted = await second.wait_for(2)

    assert [get_form(each)["MessageStatus"] for each in posted] == ["sent", "delivered"]


async def test_no_news_leaves_the_machine(sandbox: Sandbox) -> None:
    status, _ = await create(sandbox, StatusCallback="https://waymark.example.org/webhooks/twilio/status")

    assert status == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_url": "https://waymark.example.org/hook"},
        {"status_url": "http://192.0.2.1/"},
        {"auth_token": ""},
        {"account_sid": ""},
    ],
)
def test_settings_that_would_leave_the_machine_or_sign_nothing_are_refused(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    fields = {
        "account_sid": ACCOUNT_SID,
        "auth_token": TOKEN,
        "webhook_url": "http://127.0.0.1:1/",
        **changes,
    }
    with pytest.raises(SettingsInvalid):
        SandboxSettings(data_dir=tmp_path, **fields)


async def test_undelivered_news_carries_its_code(sandbox: Sandbox, service: ListeningService) -> None:
    await sandbox.add_fault("undelivered:30003")
    await create(sandbox, StatusCallback=service.url + "/webhooks/twilio/status")

    _, last = await service.wait_for(2)

    assert (get_form(last)["MessageStatus"], get_form(last)["ErrorCode"]) == ("undelivered", "30003")
    assert "Did not reach this phone" in (await get_page(sandbox, "/handsets/" + HANDSET))[1]


async def test_a_fault_happens_as_often_as_asked_and_to_that_number_only(sandbox: Sandbox) -> None:
    await sandbox.add_fault(500, count=2)

    other, _ = await create(sandbox, To=OTHER_HANDSET)
    statuses = [(await create(sandbox))[0] for _ in range(3)]

    assert (other, statuses) == (201, [500, 500, 201])


async def test_an_unknown_fault_is_refused(sandbox: Sandbox) -> None:
    async with sandbox.session.post(sandbox.url + "/sandbox/faults", json={"status": "fire"}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    "kind", [kind for kind in FaultKind if kind not in (FaultKind.ERROR, FaultKind.UNDELIVERED)]
)
def test_every_fault_has_a_name(kind: FaultKind) -> None:
    assert parse_fault(kind.value).kind is kind


async def test_a_stop_word_closes_the_phone_until_start(sandbox: Sandbox) -> None:
    await sandbox.set_up(handles_stop=True)
    await sandbox.send(body=" stop ")
    refused, refusal = await create(sandbox)
    async with sandbox.session.get(f"{sandbox.url}/handsets/{HANDSET}") as page:
        closed = await page.text()
    await sandbox.set_up(handles_stop=False)
    async with sandbox.session.get(f"{sandbox.url}/handsets/{HANDSET}") as page:
        left_to_the_service = await page.text()
    await sandbox.set_up(handles_stop=True)
    await sandbox.send(body="Start")
    allowed, _ = await create(sandbox)

    assert (refused, refusal["code"], allowed) == (400, 21610, 201)
    assert "No texts reach it until it sends START" in closed
    assert "No texts reach it" not in left_to_the_service


async def test_a_test_can_wait_for_the_answer_without_sleeping(sandbox: Sandbox) -> None:
    sent = await sandbox.send(body="Any news?")
    waiting = asyncio.create_task(sandbox.get_thread(after=sent["seq"], wait=10))
    await create(sandbox, Body="Your case is with the court.")

    [answer] = await waiting

    assert (answer["direction"], answer["body"]) == ("to_handset", "Your case is with the court.")
    assert answer["num_segments"] == 1


async def test_the_page_works_with_forms_alone(sandbox: Sandbox, service: ListeningService) -> None:
    form = {"body": "<b>Hello</b>\r\nthere", "photo": "1"}
    async with sandbox.session.post(f"{sandbox.url}/handsets/{HANDSET}", data=form) as answer:
        page = await answer.text()
    [posted] = await service.wait_for(1)

    assert str(answer.url).endswith(f"/handsets/{HANDSET}")
    assert "&lt;b&gt;Hello&lt;/b&gt;\nthere" in page
    assert "nothing leaves this machine" in page
    assert (get_form(posted)["Body"], get_form(posted)["NumMedia"]) == ("<b>Hello</b>\nthere", "1")


async def test_an_empty_text_is_not_sent(sandbox: Sandbox, service: ListeningService) -> None:
    async with sandbox.session.post(f"{sandbox.url}/handsets/{HANDSET}", data={"body": "  "}) as answer:
        assert answer.status == 200

    assert await sandbox.get_thread() == []


async def test_another_handset_shows_how_many_texts_are_new_until_it_is_opened(sandbox: Sandbox) -> None:
    await create(sandbox, To=OTHER_HANDSET)
    await create(sandbox, To=OTHER_HANDSET)

    _, before = await get_page(sandbox, "/handsets/" + HANDSET)
    _, opened = await get_page(sandbox, "/handsets/" + OTHER_HANDSET)
    _, after = await get_page(sandbox, "/handsets/" + HANDSET)

    assert "2 new" in before
    assert "new</span>" not in opened + after


async def test_the_page_allows_no_inline_script_and_is_never_kept(sandbox: Sandbox) -> None:
    async with sandbox.session.get(sandbox.url + "/") as answer:
        page = await answer.text()
        tag = answer.headers["ETag"]
    status, _ = await get_page(sandbox, "/handsets/" + HANDSET, headers={"If-None-Match": tag})

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert " style=" not in page
    assert "<script>" not in page
    assert status == 304


async def test_only_pretend_numbers_can_be_added(sandbox: Sandbox) -> None:
    async with sandbox.session.post(sandbox.url + "/handsets", data={"number": "07700 900123"}) as pretend:
        assert str(pretend.url).endswith("/handsets/+447700900123")
    async with sandbox.session.post(sandbox.url + "/handsets", data={"number": "07911 123456"}) as real:
        assert real.status == 422
        assert "Those belong to nobody" in await real.text()


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 154 + "€€€", 1),
        ("a" * 152 + "€" + "a" * 10, 2),
        ("ŵ" * 70, 1),
        ("ŵ" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_as_carriers_count_them(text: str, segments: int) -> None:
    assert count_segments(text) == segments


@given(text=st.text(sorted(GSM_7 | GSM_7_EXTENDED), max_size=1600))
def test_no_segment_holds_more_than_it_can(text: str) -> None:
    units = len(text) + sum(letter in GSM_7_EXTENDED for letter in text)

    assert count_segments(text) * 153 >= units or units <= 160


def test_the_alphabet_has_its_128_places() -> None:
    assert len(GSM_7) == 127  # and the escape to the extension table


def test_an_address_is_read_as_people_write_it() -> None:
    assert get_address("07700 900001") == HANDSET
    assert get_address("whatsapp:" + HANDSET) == "whatsapp:" + HANDSET
    assert get_address("VicLine") == "VicLine"


def test_the_token_is_taken_from_the_environment_never_the_command_line(tmp_path: Path) -> None:
    arguments = ["--account-sid", ACCOUNT_SID, "--auth-token-env", "MY_TOKEN", "--data-dir", str(tmp_path)]

    assert parse_settings(arguments, {"MY_TOKEN": TOKEN}).auth_token == TOKEN
    with pytest.raises(SettingsInvalid):
        parse_settings(arguments, {})


def test_a_wrong_setting_is_named_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    with pytest.raises(SystemExit, match="TWILIO_AUTH_TOKEN"):
        main(["--account-sid", ACCOUNT_SID, "--data-dir", str(tmp_path)])


async def test_the_process_starts_and_stops_cleanly_on_sigterm(tmp_path: Path) -> None:
    arguments = ["--port", "0", "--account-sid", ACCOUNT_SID, "--data-dir", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "channels.sandbox",
        *arguments,
        env={**os.environ, "TWILIO_AUTH_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        url = json.loads(await process.stdout.readline())["sandbox"]
        async with aiohttp.ClientSession() as session, session.get(url + "/health/ready") as answer:
            ready = answer.status
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()

    assert (ready, process.returncode, errors.decode()) == (200, 0, "")


async def test_a_phone_asked_about_has_its_own_messages_newest_first_and_pages_of_them(
    sandbox: Sandbox,
) -> None:
    """Red when another's stand among them, the newest come last, or the page after the last has more."""
    for number in range(5):
        await create(sandbox, Body=f"to them {number}")
        await create(sandbox, To=OTHER_HANDSET, Body="to somebody else")

    first = await get_json(sandbox, MESSAGES + ".json", To=HANDSET, PageSize="3")
    second = await get_json(sandbox, MESSAGES + ".json", To=HANDSET, PageSize="3", Page="1")
    none = await get_json(sandbox, MESSAGES + ".json", To=HANDSET, From=OTHER_HANDSET)

    assert [each["body"][-1] for each in first["messages"]] == ["4", "3", "2"]
    assert [each["body"][-1] for each in second["messages"]] == ["1", "0"]
    assert first["next_page_uri"] and not second["next_page_uri"]
    assert none["messages"] == []
