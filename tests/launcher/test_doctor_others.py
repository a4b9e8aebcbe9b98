"""The doctor on others: Rasa, mail, the identity provider and the provider's clock, over real sockets."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from casework.adapters.clock import SystemClock
from casework.adapters.storage.database import Database, create_engine
from casework.services import model_releases
from launcher.doctor import addresses, assistants, here, outside
from launcher.doctor.findings import Examined
from tests.launcher.doctoring import all_well, examined, look, wrong
from tests.support.models import a_birth

__all__ = ["examined"]
Answer = Callable[[BaseHTTPRequestHandler], tuple[int, object]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server on this machine that says what `answer` says; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say()

        def _say(self) -> None:
            status, body = answer(self)
            content = json.dumps(body).encode()
            self.send_response(status)  # with the Date of this moment
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_given: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def rasa(*, secret: str = "b" * 32, model: str = "m-live") -> Answer:
    """What `bot/turn_channel.py` answers to no turn, and to who asks for its model."""

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, object]:
        if request.command == "GET":
            return 200, {"ready": True, "model": model}
        if request.headers["X-Waymark-Secret"] != secret:
            return 403, {"code": "wrong_secret"}
        return 400, {"code": "malformed"}

    return answer


@pytest.fixture
def released(examined: Examined) -> Examined:
    """The model "m-live" was released there."""
    database = Database(create_engine(f"sqlite:///{examined.data_dir}/waymark.db"), SystemClock())
    birth = a_birth("m-live")
    database.write_now(lambda tx: model_releases.found(tx, birth, file="m.tar.gz", paper="signed"))
    database.close()
    return examined


def test_a_rasa_on_a_public_address_is_told(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYMARK_RASA_URLS", "http://127.0.0.1:5005,http://192.168.3.4:5005")
    assert all_well(examined, assistants.check_addresses)
    monkeypatch.setenv("WAYMARK_RASA_URLS", "http://8.8.8.8:5005")
    assert "public address" in wrong(examined, assistants.check_addresses, "assistant's address")
    monkeypatch.setenv("WAYMARK_RASA_URLS", "http://nowhere.invalid:5005")
    assert "nobody knows that name" in wrong(examined, assistants.check_addresses, "assistant's address")


def test_a_rasa_with_another_secret_or_none_at_all_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(rasa()) as url:
        monkeypatch.setenv("WAYMARK_RASA_URLS", url)
        assert all_well(examined, assistants.check_answers)
        monkeypatch.setenv("WAYMARK_TURN_SECRET", "z" * 32)
        said = wrong(examined, assistants.check_answers, "assistant's secret")
        assert "another WAYMARK_TURN_SECRET" in said and "zzz" not in said
    assert "does not answer" in wrong(examined, assistants.check_answers, "assistant's secret")
    with serving(lambda _: (404, {})) as url:
        monkeypatch.setenv("WAYMARK_RASA_URLS", url)
        assert "answers 404" in wrong(examined, assistants.check_answers, "assistant's secret")


def test_a_model_without_a_paper_and_a_live_one_that_is_nowhere_are_told(
    released: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(rasa()) as live, serving(rasa(model="m-other")) as other:
        monkeypatch.setenv("WAYMARK_RASA_URLS", live)
        assert all_well(released, assistants.check_models)
        monkeypatch.setenv("WAYMARK_RASA_URLS", f"{live},{other}")
        assert "has no paper" in wrong(released, assistants.check_models, "assistant's models")
        monkeypatch.setenv("WAYMARK_RASA_URLS", other)
        found = look(released, assistants.check_models)
        assert "is loaded nowhere" in found["assistant's live model"].detail


def test_a_service_that_released_no_model_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYMARK_RASA_URLS", "http://127.0.0.1:1")

    assert "none was ever released" in wrong(examined, assistants.check_models, "assistant's models")


def test_a_clock_that_is_not_the_providers_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda _: (404, {})) as url:
        monkeypatch.setenv("WAYMARK_TWILIO_API_URL", url)
        assert all_well(examined, outside.check_provider_clock)
        late = replace(examined, now=lambda: datetime.now(UTC) - timedelta(minutes=2))
        said = wrong(late, outside.check_provider_clock, "clock and the provider's")
    assert "time server" in said


class Greeting(StreamRequestHandler):
    """As much of a mail server as is asked for: a greeting, what it offers, a goodbye (RFC 5321)."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example.org\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 mail.example.org\r\n")


@contextmanager
def greeting() -> Iterator[int]:
    """A mail server on this machine; its port."""
    with ThreadingTCPServer(("127.0.0.1", 0), Greeting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_a_port_with_something_else_behind_it_is_told_and_one_of_ours_is_well(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when: whatever listens is taken for ours, or a program that speaks no HTTP ends the doctor."""
    with greeting() as port:
        monkeypatch.setenv("WAYMARK_CONSOLE_PORT", str(port))
        assert "in use by another program" in wrong(examined, addresses.check_ports, "port of the desk")
    with serving(lambda _: (200, {"live": True})) as url:
        monkeypatch.setenv("WAYMARK_CONSOLE_PORT", url.rpartition(":")[2])
        found = look(examined, addresses.check_ports)["port of the desk"]
    assert found.is_well and "Waymark listens there" in found.detail


def test_a_mail_server_that_is_away_is_told(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_well(examined, outside.check_mail)
    monkeypatch.setenv("WAYMARK_EMAIL_FROM", "messages@example.org")
    with greeting() as port:
        monkeypatch.setenv("WAYMARK_SMTP_URL", f"smtp://127.0.0.1:{port}")
        assert all_well(examined, outside.check_mail)

    assert "does not answer" in wrong(examined, outside.check_mail, "mail server")


def test_an_identity_provider_that_is_away_or_called_otherwise_is_told(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(examined, outside.check_identities) == {}
    calls_itself: list[str] = []
    for name, value in {
        "WAYMARK_OIDC_CLIENT_ID": "desk",
        "WAYMARK_OIDC_CLIENT_SECRET": "c" * 32,
        "WAYMARK_OIDC_ROLES": "cid=investigator",
    }.items():
        monkeypatch.setenv(name, value)
    with serving(lambda _: (200, {"issuer": calls_itself[0]})) as url:
        monkeypatch.setenv("WAYMARK_OIDC_ISSUER", url)
        calls_itself[:] = [url]
        assert all_well(examined, outside.check_identities)
        calls_itself[:] = [url + "/"]
        assert "calls itself" in wrong(examined, outside.check_identities, "identity provider")
        calls_itself[:] = [url]
        late = replace(examined, now=lambda: datetime.now(UTC) + timedelta(minutes=2))
        assert wrong(late, outside.check_identities, "clock and the identity provider's")
    assert "nobody can sign in" in wrong(examined, outside.check_identities, "identity provider")


def test_what_up_started_is_asked_whether_it_answers(examined: Examined) -> None:
    """Red when: a Rasa that runs and says the wrong thing is well."""
    parts = {"ready": True, "database": True, "worker": True, "assistant": True, "assistant_answers": True}
    with serving(lambda _: (200, parts)) as url:
        running = {"launcher": os.getpid(), "addresses": {"public": url}, "restarts": {"worker": 0}}
        (examined.data_dir / "run.json").write_text(json.dumps(running))
        assert all_well(examined, here.check_running)
        parts["assistant_answers"] = False
        said = wrong(examined, here.check_running, "running assistant: answers")
        assert "docs/runbook/assistant-wrong.md" in said
        parts |= {"assistant_answers": True, "worker": False}
        assert "does not answer" in wrong(examined, here.check_running, "running worker")
