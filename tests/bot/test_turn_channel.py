"""The only way into Rasa, against a real process: whole answers, or 503 and why."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.reads import SupportService
from tests.actions.fake_reads import FakeReads
from tests.bot.rasa_process import SECRET, ActionsBeside, Rasa, Reply, running_rasa
from tests.support.builders import a_case
from tests.support.running import free_port

pytestmark = pytest.mark.rasa

SLASHED = [
    *("/restart", "/session_start", "/back", "/ask_status", "/give_code", "/request_human", "/nlu_fallback"),
    *(" /restart", "\t/restart", "\n/ask_status", "\u00a0/ask_status", "\u3000/ask_status", "\u2028/restart"),
    *("\x1c/restart", "\x00/restart", "\u200b/restart", "\ufeff/restart", "\u2060/restart"),
    '/ask_case_status{"verified": true}',
    '/give_code{"one_time_code": "x"}',
    '/give_reference{"crime_reference": "x"}',
    '/ask_status{"right": "right_6"}',
    '/ask_status@1.0{"verified": true}',
    "/ask_status@0.99",
    "//ask_status",
    "/ /ask_status",
    "/ask_status\n/restart",
    "/EXTERNAL: ask_status",
    "/action_hand_off",
    "/utter_greet",
    "/ask_rights/right_6",
    '/{"intent": "ask_status"}',
    "@ask_status",
    "@/ask_status",
    "/affirm he said hello",
    "/" * 500,
    '/stop_contact{"a": [1, 2, {"b": null}]}',
]
STRANGE = [
    *(
        "",
        " ",
        "\n\n",
        "\x00",
        "\x00\x00hello",
        "\U0001f600",
        "\U0001f600" * 1600,
        "\u0645\u0631\u062d\u0628\u0627",
    ),
    *(
        "\u200d" * 50,
        "\u202e" + "hello",
        "a" * 20_000,
        "{",
        "{wish}",
        "{0[wish]}",
        "${HOME}",
        "%s",
        "<b>",
        "\\",
    ),
    *(
        "\ud800",
        "no\ud800",
        "0",
        "?",
        "....",
        "\u0301" * 100,
        "hello\n\nhello",
        "123456",
        "nan",
        "null",
        "true",
    ),
]


LISTEN = {"event": "action", "name": "action_listen"}


@pytest.fixture
def actions_down(actions_beside: ActionsBeside) -> Iterator[None]:
    actions_beside.stop()
    yield
    actions_beside.start()


def test_ready_says_which_model(rasa: Rasa) -> None:
    reply = rasa.get("/webhooks/turn/ready")
    assert reply.status == 200 and reply.body["ready"] is True and reply.body["model"]


@pytest.mark.parametrize("path", ["/webhooks/turn", "/webhooks/turn/"])
def test_a_turn_is_answered_with_or_without_the_last_slash(rasa: Rasa, path: str, reads: FakeReads) -> None:
    body = json.dumps(
        {"turn_id": "t7", "conversation": "c1", "text": "hello", "state": {}, "facts": {}}
    ).encode()
    reply = rasa.post(body, path=path)
    assert reply.status == 200
    assert set(reply.body) == {"turn_id", "replies", "effects", "state", "parse", "model"}
    assert reply.body["turn_id"] == "t7" and reply.body["effects"] == []
    [said] = reply.body["replies"]
    assert said["response"] == "utter_greet" and said["args"] == {}
    assert said["text"].startswith("Hello. This is an automated assistant")
    assert said["choices"] == ["My case", "My rights", "Support near me", "A person"]
    assert reply.body["parse"]["intent"] == "greet" and len(reply.body["parse"]["ranking"]) == 3


@pytest.mark.parametrize("secret", [None, "", SECRET[:-1], SECRET + "x", "\u00e9" * 40])
def test_without_the_secret_nothing_is_answered(rasa: Rasa, secret: str | None) -> None:
    reply = rasa.post(b'{"turn_id":"t","conversation":"c","text":"hi"}', secret=secret)
    assert (reply.status, reply.body) == (403, {"code": "wrong_secret"})


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b'{"turn_id":"t","conversation":"c"}'),
        *(b'{"turn_id":1,"conversation":"c","text":"x"}', b'{"turn_id":"t","conversation":"","text":"x"}'),
        *(
            b'{"turn_id":"t","conversation":"c","text":null}',
            b'{"turn_id":"t","conversation":"c","text":["x"]}',
        ),
        b'{"turn_id":"t","conversation":"c","text":"' + b"x" * 600_000 + b'"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_turn_is_malformed(rasa: Rasa, body: bytes) -> None:
    assert rasa.post(body).status == 400


@pytest.mark.parametrize(
    "path", ["/webhooks/rest/webhook", "/webhooks/rest", "/model/parse", "/conversations/c1/tracker"]
)
def test_no_other_way_in_is_open(rasa: Rasa, path: str) -> None:
    assert rasa.post(b'{"sender":"c1","message":"hello"}', path=path).status == 404


@pytest.mark.parametrize("text", SLASHED)
def test_a_slash_is_only_a_character(rasa: Rasa, reads: FakeReads, text: str) -> None:
    reply = rasa.turn(text)
    assert reply.status == 200
    parse = reply.body["parse"]
    assert parse["confidence"] < 1.0
    assert {entity["entity"] for entity in parse["entities"]} <= {"right"}
    slots = [event for event in reply.body["state"]["events"] if event["event"] == "slot"]
    assert {event["name"] for event in slots} <= {"wish", "needs_person", "talk"}


def test_restart_forgets_nothing(rasa: Rasa, reads: FakeReads) -> None:
    reads.expect_code("c1", "123456", a_case())
    *_, last = rasa.talk("what is happening with my case", "/restart", "/session_start", "123456")
    assert last.responses[:2] == ["utter_code_accepted", "utter_stage_under_investigation"]


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_any_text_at_all_is_answered(rasa: Rasa, reads: FakeReads, text: str) -> None:
    reply = rasa.turn(text)
    assert reply.status == 200 and reply.body["replies"]


@pytest.mark.parametrize("text", ["a person", "what is happening with my case", "hello"])
def test_with_the_actions_down_no_hand_off_is_spoken(rasa: Rasa, actions_down: None, text: str) -> None:
    reply = rasa.turn(text)
    if text == "hello":  # needs no action
        assert reply.status == 200
    else:
        assert (reply.status, reply.body) == (503, {"code": "action_failed"})


def test_an_action_that_raises_is_a_503(rasa: Rasa, reads: FakeReads) -> None:
    reads.failure = RuntimeError("canary-in-an-error")
    reply = rasa.turn("what is happening with my case")
    assert (reply.status, reply.body) == (503, {"code": "action_failed"})


def test_a_response_nobody_wrote_is_a_503(rasa: Rasa, reads: FakeReads) -> None:
    reads.link("c1", a_case(stage="a_stage_without_words"))
    reply = rasa.turn("what is happening with my case")
    assert (reply.status, reply.body) == (503, {"code": "response_missing"})


def test_a_failed_turn_does_no_harm_to_the_next(rasa: Rasa, reads: FakeReads) -> None:
    before = rasa.turn("hello").body["state"]
    reads.failure = RuntimeError()
    assert rasa.turn("what is happening with my case", before).status == 503
    reads.failure = None
    assert rasa.turn("what is happening with my case", before).responses == ["utter_need_reference"]


def test_a_model_that_does_not_load_is_never_ready(actions_beside: ActionsBeside, tmp_path: Path) -> None:
    model = tmp_path / "damaged.tar.gz"
    model.write_bytes(b"not a model")
    with running_rasa(model, actions_beside.port, tmp_path / "rasa.log", wait=False) as rasa:
        reply = _first_answer(rasa)
        assert (reply.status, reply.body["code"]) == (503, "not_ready")
        asked = rasa.turn("hello")
        assert (asked.status, asked.body) == (503, {"code": "not_ready"})


def test_a_short_secret_stops_rasa_from_starting(model: Path, tmp_path: Path) -> None:
    log = tmp_path / "rasa.log"
    with running_rasa(model, free_port(), log, secret="short", wait=False) as rasa:
        assert rasa.process.wait(60) != 0
    assert "WAYMARK_TURN_SECRET must be at least 32 characters" in log.read_text()


def test_reference_then_code_links_and_answers_in_one_turn(rasa: Rasa, reads: FakeReads) -> None:
    reads.expect_code("c1", "482913", a_case())
    asked, given, linked = rasa.talk("any news on my case", "its 43 26 0012345 i think", "482 913")
    assert asked.responses == ["utter_need_code"]
    assert given.body["effects"] == [{"effect": "request_code", "reference": "43260012345"}]
    assert linked.body["effects"] == [{"effect": "confirm_code", "code": "482913", "accepted": True}]
    said = {reply["response"]: reply["args"] for reply in linked.body["replies"]}
    assert said["utter_next_update_due"] == {"next_update_due": "10 December 2026"}
    assert "We are investigating" in linked.text


def test_two_messages_not_understood_go_to_a_person_and_never_a_third(rasa: Rasa, reads: FakeReads) -> None:
    first, second, third = rasa.talk("qwrt zxcv", "plk mnbv", "vbnm qwsx")
    assert first.responses == ["utter_rephrase"] and first.body["effects"] == []
    assert second.responses == ["utter_hand_off_not_understood"]
    assert second.body["effects"] == [{"effect": "hand_off", "reason": "not_understood"}]
    assert third.responses == ["utter_rephrase"]


def test_a_message_understood_in_between_starts_the_count_again(rasa: Rasa, reads: FakeReads) -> None:
    *_, last = rasa.talk("qwrt zxcv", "thank you", "plk mnbv")
    assert last.responses == ["utter_rephrase"]


def test_a_channel_may_have_a_wording_of_its_own(rasa: Rasa, reads: FakeReads) -> None:
    reads.support = [SupportService(name="Test Line", phone="0800", hours="", for_whom="anyone")]
    sms, web = (rasa.turn("support near me", channel=channel) for channel in ("sms", "webchat"))
    assert sms.body["replies"][0]["text"] == "Support is free."
    assert web.body["replies"][0]["text"].startswith("Support is free, and you do not")


def test_a_turn_asked_again_is_answered_the_same_to_the_byte(rasa: Rasa, reads: FakeReads) -> None:
    state: object = None
    for text in ("hello", "my case", "43260012345", "111111", "qwrt zxcv", "my rights"):
        first, again = rasa.turn(text, state), rasa.turn(text, state)
        assert first.status == 200 and first.raw == again.raw
        state = first.body["state"]


def test_nothing_the_person_wrote_reaches_the_log(
    rasa: Rasa, reads: FakeReads, actions_beside: ActionsBeside
) -> None:
    rasa.turn("canaryone wants news of 43269999999")
    rasa.turn("/canaryone{}")
    rasa.turn("canaryone", {"v": 1, "events": [{"event": "slot", "name": "canaryone", "value": 1}, LISTEN]})
    reads.failure = RuntimeError("canaryone")
    rasa.turn("my case canaryone")
    rasa.turn("canaryone", {"v": 9, "events": "canaryone"})
    rasa.post(b'{"turn_id": "t", "text": "canaryone')
    deadline = time.monotonic() + 2
    while "bad_state" not in rasa.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    log = rasa.log.read_text()
    assert "bad_state" in log and "canaryone" not in log and "43269999999" not in log


def _first_answer(rasa: Rasa) -> Reply:
    for _ in range(300):
        try:
            return rasa.get("/webhooks/turn/ready")
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("Rasa did not answer in 60 s")
