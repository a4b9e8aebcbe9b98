"""The sandbox's Messages and Media beyond create and list; what is set at the provider; how a message is posted.

Red when: the file store takes the account's token, a message without an address is still listed, a 503 is tried again
without a rule that says so, nothing goes to the fallback, or news waits for the answer (each tried in a copy).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from channels.sandbox.provider_settings import RetryRule, parse_retry_rule
from channels.sandbox.samples import HUGE_BYTES, SAMPLES
from channels.twilio_signature import check_signature
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
ROOT = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
MESSAGES = f"{ROOT}/Messages"
SERVICE_SID = "MG" + "0" * 32


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


async def ask(sandbox: Sandbox, method: str, path: str, **options: Any) -> tuple[int, Any]:
    options = {"headers": SIGNED_IN, **options}
    async with sandbox.session.request(method, sandbox.url + path, **options) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await answer.json() if is_json else await answer.read()


async def create_finished(sandbox: Sandbox) -> dict[str, Any]:
    """One whose news is all told before the answer."""
    await sandbox.script_news(["sent", "delivered"], before_answer=True)
    return await create(sandbox)


async def create(sandbox: Sandbox, **fields: str) -> dict[str, Any]:
    form = {"To": HANDSET, "From": SERVICE, "Body": "We have your message.", **fields}
    status, created = await ask(sandbox, "POST", MESSAGES + ".json", data=form)
    assert status == 201, created
    found: dict[str, Any] = created
    return found


async def test_a_redacted_text_is_gone_at_the_provider_and_stays_on_the_phone(sandbox: Sandbox) -> None:
    created = await create_finished(sandbox)

    status, redacted = await ask(sandbox, "POST", created["uri"], data={"Body": ""})
    _, fetched = await ask(sandbox, "GET", created["uri"])

    assert (status, redacted["body"], fetched["body"]) == (200, "", "")
    assert [message["body"] for message in await sandbox.get_thread()] == ["We have your message."]


@pytest.mark.parametrize(("method", "data"), [("DELETE", None), ("POST", {"Body": ""})])
async def test_what_is_still_on_its_way_cannot_be_let_go_of(
    service: ListeningService, tmp_path: Path, method: str, data: dict[str, str] | None
) -> None:
    async with running_sandbox(tmp_path, service_url=service.url, status_delay_seconds=60.0) as sandbox:
        created = await create(sandbox)
        status, refusal = await ask(sandbox, method, created["uri"], data=data)

    assert (status, refusal["code"]) == (409, 20009)


async def test_only_what_has_not_left_can_be_cancelled(service: ListeningService, tmp_path: Path) -> None:
    async with running_sandbox(tmp_path, service_url=service.url, status_delay_seconds=60.0) as sandbox:
        created = await create(sandbox, StatusCallback=service.url + "/webhooks/twilio/status")
        status, cancelled = await ask(sandbox, "POST", created["uri"], data={"Status": "canceled"})
        again, refusal = await ask(sandbox, "POST", created["uri"], data={"Status": "canceled"})
        posted = await service.wait_for(1)

    assert (status, cancelled["status"], cancelled["date_sent"]) == (200, "canceled", None)
    assert (again, refusal["code"]) == (400, 30409)
    assert [get_form(each)["MessageStatus"] for each in posted] == ["canceled"]


async def test_a_text_cannot_be_rewritten(sandbox: Sandbox) -> None:
    created = await create(sandbox)

    status, refusal = await ask(sandbox, "POST", created["uri"], data={"Body": "Something else"})

    assert (status, refusal["code"]) == (400, 20001)


async def test_a_deleted_message_is_neither_listed_nor_found(sandbox: Sandbox) -> None:
    created = await create_finished(sandbox)

    deleted, _ = await ask(sandbox, "DELETE", created["uri"])
    found, refusal = await ask(sandbox, "GET", created["uri"])
    _, listed = await ask(sandbox, "GET", MESSAGES + ".json")

    assert (deleted, found, refusal["code"]) == (204, 404, 20404)
    assert listed["messages"] == []


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"missing", "huge", "unsized"}))
async def test_a_file_is_fetched_from_where_the_redirect_leads(
    name: str, sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send(body="", media=[name])

    form = get_form(service.posted[0])
    async with sandbox.session.get(form["MediaUrl0"], headers=SIGNED_IN, allow_redirects=False) as first:
        moved = first.headers["Location"]
    async with sandbox.session.get(moved) as second:
        content = await second.read()
    assert (first.status, second.status) == (307, 200)
    assert urlsplit(moved).hostname != urlsplit(form["MediaUrl0"]).hostname
    assert (form["NumMedia"], form["MediaContentType0"]) == ("1", SAMPLES[name].content_type)
    assert (second.content_type, content) == (SAMPLES[name].content_type, SAMPLES[name].make())


async def test_the_file_store_takes_nobody_who_brings_the_accounts_token(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send(media=["photo"])
    url = get_form(service.posted[0])["MediaUrl0"]

    async with sandbox.session.get(url, allow_redirects=False) as without:
        assert without.status == 401
    async with sandbox.session.get(url, headers=SIGNED_IN, allow_redirects=False) as first:
        moved = first.headers["Location"]
    async with sandbox.session.get(moved, headers=SIGNED_IN) as carried:
        assert carried.status == 400
    async with sandbox.session.get(moved.replace("signature=", "signature=0")) as forged:
        assert forged.status == 403


@pytest.mark.parametrize("name", ["huge", "unsized"])
async def test_a_file_of_20_mb_comes_with_its_length_or_without(
    name: str, sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.send(media=[name])
    url = get_form(service.posted[0])["MediaUrl0"]

    async with sandbox.session.get(url, headers=SIGNED_IN, allow_redirects=False) as first:
        moved = first.headers["Location"]
    async with sandbox.session.get(moved) as answer:
        length = answer.content_length
        received = sum([len(block) async for block in answer.content.iter_chunked(65536)])
    assert (length, received) == (HUGE_BYTES if name == "huge" else None, HUGE_BYTES)


async def test_a_deleted_file_is_gone_and_no_longer_counted(sandbox: Sandbox) -> None:
    sent = await sandbox.send(media=["photo", "missing"])
    files = f"{MESSAGES}/{sent['sid']}/Media"

    deleted, _ = await ask(sandbox, "DELETE", f"{files}/{sent['media'][0]}.json")
    gone, _ = await ask(sandbox, "GET", f"{files}/{sent['media'][0]}", allow_redirects=False)
    missing, _ = await ask(sandbox, "GET", f"{files}/{sent['media'][1]}", allow_redirects=False)
    _, listed = await ask(sandbox, "GET", files + ".json")
    _, message = await ask(sandbox, "GET", f"{MESSAGES}/{sent['sid']}.json")

    assert (deleted, gone, missing) == (204, 404, 404)
    assert [each["sid"] for each in listed["media_list"]] == sent["media"][1:]
    assert message["num_media"] == "1"


async def test_what_no_phone_can_send_is_refused(sandbox: Sandbox) -> None:
    for asked in ({"media": ["a film"]}, {"media": ["photo"] * 11}, {"press": 1}, {"delivery": "by owl"}):
        address = f"{sandbox.url}/sandbox/handsets/{HANDSET}/send"
        async with sandbox.session.post(address, json=asked) as answer:
            assert answer.status == 400


async def test_where_webhooks_go_can_be_read_and_changed(sandbox: Sandbox, service: ListeningService) -> None:
    before = await sandbox.set_up()
    await sandbox.set_up(inbound_request_url=None, sms_fallback_url="https://spool.example.org/")

    _, numbers = await ask(
        sandbox, "GET", ROOT + "/IncomingPhoneNumbers.json", params={"PhoneNumber": SERVICE}
    )
    _, others = await ask(
        sandbox, "GET", ROOT + "/IncomingPhoneNumbers.json", params={"PhoneNumber": HANDSET}
    )
    _, found = await ask(sandbox, "GET", "/v1/Services/" + SERVICE_SID)
    unknown, _ = await ask(sandbox, "GET", "/v1/Services/MG" + "1" * 32)

    [number] = numbers["incoming_phone_numbers"]
    assert before["sms_url"] == service.url + "/webhooks/twilio/message" == number["sms_url"]
    assert number["sms_fallback_url"] == "https://spool.example.org/"
    assert (found["inbound_request_url"], found["use_inbound_webhook_on_number"]) == (None, True)
    assert (others["incoming_phone_numbers"], unknown) == ([], 404)


@pytest.mark.parametrize(
    "asked", [{"colour": "red"}, {"uses_service": 1}, {"delivery": "by owl"}, ["a list"]]
)
async def test_a_setting_the_provider_does_not_have_is_refused(sandbox: Sandbox, asked: Any) -> None:
    async with sandbox.session.post(sandbox.url + "/sandbox/settings", json=asked) as answer:
        assert answer.status == 400


async def test_a_service_without_an_address_loses_what_people_write(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.set_up(uses_service=True, inbound_request_url=None)
    lost = await sandbox.send(body="Is anybody there")
    await sandbox.set_up(inbound_request_url=service.url + "/webhooks/twilio/message")
    await sandbox.send(body="And now")

    _, listed = await ask(sandbox, "GET", MESSAGES + ".json")
    found, _ = await ask(sandbox, "GET", f"{MESSAGES}/{lost['sid']}.json")
    [posted] = service.posted
    assert [message["body"] for message in listed["messages"]] == ["And now"]
    assert found == 404
    assert get_form(posted)["MessagingServiceSid"] == SERVICE_SID


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://127.0.0.1/", RetryRule()),
        (
            "http://127.0.0.1/#rc=5&rp=all&ct=2000&rt=5000&tt=15000",
            RetryRule(retries=5, retried=frozenset({"all"}), connect_seconds=2.0, read_seconds=5.0),
        ),
        ("http://127.0.0.1/#rc=9&rp=5xx,rt", RetryRule(retries=5, retried=frozenset({"5xx", "rt"}))),
        ("http://127.0.0.1/#rc=many", RetryRule()),
    ],
)
def test_the_retry_rule_is_read_from_the_address(url: str, rule: RetryRule) -> None:
    assert parse_retry_rule(url) == rule


@pytest.mark.parametrize(
    ("fragment", "status", "tries"),
    [
        ("", 503, 1),
        ("#rc=3&rp=5xx", 503, 4),
        ("#rc=3&rp=ct", 503, 1),
        ("#rc=2&rp=all", 404, 3),
        ("#rc=5&rp=all", 204, 1),
    ],
)
async def test_twilio_tries_again_by_its_rule_and_then_never(
    fragment: str, status: int, tries: int, sandbox: Sandbox, service: ListeningService
) -> None:
    service.status = status
    await sandbox.set_up(sms_url=service.url + "/webhooks/twilio/message" + fragment)

    sent = await sandbox.send(body="Are you there", delivery="as_twilio")

    assert (sent["webhook_status"], len(service.posted)) == (status, tries)
    for posted in service.posted:
        header = posted.headers["X-Twilio-Signature"]
        check_signature(tokens=[TOKEN], url=posted.url, body=posted.body, header=header)


async def test_twilio_posts_once_more_after_a_failed_connection_and_gives_up(tmp_path: Path) -> None:
    async with listening_service() as gone:
        url = gone.url
    async with running_sandbox(tmp_path, service_url=url) as sandbox:
        sent = await sandbox.send(body="Are you there", delivery="as_twilio")
        _, listed = await ask(sandbox, "GET", MESSAGES + ".json")

    assert sent["webhook_status"] is None
    assert [message["sid"] for message in listed["messages"]] == [sent["sid"]]


@pytest.mark.parametrize("delivery", ["as_twilio", "until_answered"])
async def test_the_fallback_gets_what_the_webhook_did_not_take(
    delivery: str, sandbox: Sandbox, service: ListeningService
) -> None:
    service.status = 503
    async with listening_service() as spool:
        await sandbox.set_up(sms_fallback_url=spool.url + "/webhooks/twilio/message")
        sent = await sandbox.send(body="Are you there", delivery=delivery)

    [posted] = spool.posted
    form = get_form(posted)
    assert sent["webhook_status"] == 204
    assert (form["MessageSid"], form["ErrorCode"]) == (sent["sid"], "11200")
    assert form["ErrorUrl"] == service.url + "/webhooks/twilio/message"
    header = posted.headers["X-Twilio-Signature"]
    check_signature(tokens=[TOKEN], url=posted.url, body=posted.body, header=header)


async def test_the_fallback_is_signed_for_itself_where_the_webhook_has_a_public_name(
    service: ListeningService, tmp_path: Path
) -> None:
    service.status = 503
    async with listening_service() as spool:
        more = {"public_url": "https://waymark.example.org", "fallback_url": spool.url + "/spool"}
        async with running_sandbox(tmp_path, service_url=service.url, **more) as sandbox:
            shown = await sandbox.set_up()
            await sandbox.send(body="Are you there", delivery="as_twilio")

    [posted] = spool.posted
    header = posted.headers["X-Twilio-Signature"]
    assert shown["sms_url"] == "https://waymark.example.org/webhooks/twilio/message"
    check_signature(tokens=[TOKEN], url=posted.url, body=posted.body, header=header)


async def get_news(service: ListeningService, count: int) -> list[tuple[str, str | None]]:
    forms = [get_form(posted) for posted in await service.wait_for(count)]
    return [(form["MessageStatus"], form.get("ErrorCode")) for form in forms]


async def test_news_comes_in_the_order_of_the_script(sandbox: Sandbox, service: ListeningService) -> None:
    await sandbox.script_news(["sending", "sent", {"status": "undelivered", "error_code": 30003}])
    created = await create(sandbox, StatusCallback=service.url + "/webhooks/twilio/status")

    assert await get_news(service, 3) == [("sending", None), ("sent", None), ("undelivered", "30003")]
    _, fetched = await ask(sandbox, "GET", created["uri"])
    assert (fetched["status"], fetched["error_code"]) == ("undelivered", 30003)


async def test_news_can_come_shuffled_and_twice_and_the_message_ends_as_it_really_did(
    sandbox: Sandbox, service: ListeningService
) -> None:
    steps = ["queued", "sending", "sent", "delivered"]
    await sandbox.script_news(steps, shuffle=3, copies=2)
    created = await create(sandbox, StatusCallback=service.url + "/webhooks/twilio/status")

    news = [status for status, _ in await get_news(service, 8)]
    _, fetched = await ask(sandbox, "GET", created["uri"])
    assert sorted(news) == sorted(steps * 2)
    assert news != sorted(news, key=steps.index)
    assert fetched["status"] == "delivered"


async def test_news_can_come_before_the_message_is_answered_for(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.script_news(["sent", "delivered"], before_answer=True)

    created = await create(sandbox, StatusCallback=service.url + "/webhooks/twilio/status")

    assert [get_form(posted)["MessageSid"] for posted in service.posted] == [created["sid"]] * 2


async def test_a_script_with_a_state_twilio_does_not_have_is_refused(sandbox: Sandbox) -> None:
    async with sandbox.session.post(sandbox.url + "/sandbox/statuses", json={"statuses": ["lost"]}) as answer:
        assert answer.status == 400


async def test_news_by_sms_has_the_minute_and_by_a_service_its_sid(
    sandbox: Sandbox, service: ListeningService
) -> None:
    await create(
        sandbox, MessagingServiceSid=SERVICE_SID, StatusCallback=service.url + "/webhooks/twilio/status"
    )

    _, delivered = map(get_form, await service.wait_for(2))
    assert delivered["MessagingServiceSid"] == SERVICE_SID
    assert len(delivered["RawDlrDoneDate"]) == 10


async def test_a_busy_provider_says_how_long_to_wait(sandbox: Sandbox) -> None:
    await sandbox.add_fault("429:7")

    form = {"To": HANDSET, "From": SERVICE, "Body": "Hello"}
    async with sandbox.session.post(f"{sandbox.url}{MESSAGES}.json", data=form, headers=SIGNED_IN) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize(
    ("word", "kind"), [("Stop", "STOP"), ("unstop", "START"), ("help", "HELP"), ("Hello", None)]
)
async def test_advanced_opt_out_says_which_word_it_was(
    word: str, kind: str | None, sandbox: Sandbox, service: ListeningService
) -> None:
    await sandbox.set_up(has_opt_out_type=True)

    await sandbox.send(body=word)

    assert get_form(service.posted[0]).get("OptOutType") == kind


async def test_stop_words_are_left_to_the_service(sandbox: Sandbox) -> None:
    await sandbox.send(body="STOP")

    assert (await create(sandbox))["status"] == "queued"


async def test_all_that_is_known_outlives_the_sandbox(service: ListeningService, tmp_path: Path) -> None:
    whatsapp = "whatsapp:" + HANDSET
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        sent = await sandbox.send(media=["photo"], location={"latitude": 51.5, "longitude": -0.1})
        await sandbox.set_state(whatsapp, is_hidden=True)
        asked = {"language": "en", "types": {"twilio/text": {"body": "Hello"}}}
        _, content = await ask(sandbox, "POST", "/v1/Content", json=asked)
    async with running_sandbox(tmp_path, service_url=service.url) as sandbox:
        found, _ = await ask(sandbox, "GET", f"{MESSAGES}/{sent['sid']}/Media/{sent['media'][0]}.json")
        kept, _ = await ask(sandbox, "GET", "/v1/Content/" + content["sid"])
        await sandbox.send(whatsapp, body="Hello")

    assert (found, kept) == (200, 200)
    assert "WaId" not in get_form(service.posted[-1])


async def test_posting_goes_on_after_a_restart_with_all_a_message_had(
    service: ListeningService, tmp_path: Path
) -> None:
    async with listening_service() as gone:
        url = gone.url
    async with running_sandbox(tmp_path, service_url=url) as sandbox:
        sent = await sandbox.send(media=["pdf"], wait=False)
        await asyncio.wait_for(sandbox.get_thread(), 5)
    lines = (tmp_path / "sandbox-messages.jsonl").read_bytes().splitlines()
    assert not json.loads(lines[-1])["is_settled"]

    async with running_sandbox(tmp_path, service_url=service.url):
        [posted] = await service.wait_for(1)

    assert get_form(posted)["MessageSid"] == sent["sid"]
    assert get_form(posted)["MediaContentType0"] == "application/pdf"
