from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from actions.server import build_actions_app
from tests.actions.fake_reads import FakeReads

SECRET = "s" * 32
Client = TestClient[web.Request, web.Application]


@pytest.fixture
def reads() -> FakeReads:
    return FakeReads()


@pytest.fixture
async def client(reads: FakeReads) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_actions_app(reads, SECRET))) as client:
        yield client


def a_call(action: str = "action_tell_status", text: str = "canary-words") -> dict[str, Any]:
    tracker = {"sender_id": "c1", "slots": {}, "latest_message": {"text": text}, "events": []}
    return {"next_action": action, "sender_id": "c1", "tracker": tracker, "version": "3.6.21"}


async def test_an_action_is_run_for_the_caller_who_knows_the_secret(client: Client) -> None:
    response = await client.post("/actions", json=a_call(), headers={"X-Waymark-Secret": SECRET})
    assert response.status == 200
    body = await response.json()
    assert body["responses"][0]["response"] == "utter_need_reference"
    assert body["events"] == [{"event": "slot", "timestamp": None, "name": "wish", "value": "status"}]


@pytest.mark.parametrize("headers", [{}, {"X-Waymark-Secret": ""}, {"X-Waymark-Secret": "s" * 31}])
async def test_anyone_else_is_refused(client: Client, headers: dict[str, str]) -> None:
    assert (await client.post("/actions", json=a_call(), headers=headers)).status == 403


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"next_action": "action_hand_off"}', b"\xff\xfe"])
async def test_what_is_no_action_call_is_malformed(client: Client, body: bytes) -> None:
    response = await client.post("/actions", data=body, headers={"X-Waymark-Secret": SECRET})
    assert response.status == 400


async def test_an_unknown_action_is_an_error(client: Client) -> None:
    call = a_call("action_unheard_of")
    assert (await client.post("/actions", json=call, headers={"X-Waymark-Secret": SECRET})).status == 500


async def test_a_failing_action_is_an_error_that_repeats_no_words(
    client: Client, reads: FakeReads, caplog: pytest.LogCaptureFixture
) -> None:
    reads.failure = RuntimeError("canary-words in the database error")
    response = await client.post("/actions", json=a_call(), headers={"X-Waymark-Secret": SECRET})
    assert response.status == 500
    assert "canary" not in await response.text() and "canary" not in caplog.text


async def test_a_body_too_large_is_refused(client: Client) -> None:
    call = a_call(text="x" * 600_000)
    assert (await client.post("/actions", json=call, headers={"X-Waymark-Secret": SECRET})).status == 413


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        build_actions_app(FakeReads(), "short")
