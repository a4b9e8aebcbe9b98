"""Figures are counts and times. Their labels come from closed lists, and no word of anybody is in the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from actions.server import build_actions_app
from casework.adapters.assistant import RasaAssistant
from casework.adapters.metrics import (
    ACKNOWLEDGED,
    ASSISTANT_FAULTS,
    COUNTED,
    ROUTES,
    close,
    count_assistant_fault,
    time_acknowledged,
)
from casework.adapters.metrics_page import HELP, MetricsPage
from casework.adapters.storage.database import Database, create_engine, may_retry
from casework.adapters.storage.error_counts import count_database_errors
from casework.adapters.storage.metric_reads import SETTLED
from casework.adapters.storage.tables import desk_item, inbox
from casework.model.desk import Grade, HandoffReason
from casework.model.errors import AssistantUnavailable
from casework.model.known_turns import Heard
from tests.support.builders import a_hit
from tests.support.canaries import CANARIES, find_in_text
from tests.support.clock import SetClock
from tests.support.fakes import FixedScreen
from tests.support.line import Line
from tests.support.running import ROOT

BUILD = {"version": "0.1.0", "database": "test"}
LABELS = {
    "route",
    "fault",
    "kind",
    "status",
    "grade",
    "channel",
    "origin",
    "tier",
    "outcome",
    "act",
    "le",
} | set(BUILD)


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


def read(page: bytes) -> dict[tuple[str, str], float]:
    """(name, the values of its labels) -> value."""
    families = text_string_to_metric_families(page.decode())
    samples = (sample for family in families for sample in family.samples)
    return {(each.name, " ".join(each.labels.values())): each.value for each in samples}


def a_page(line: Line) -> MetricsPage:
    return MetricsPage(line.database, BUILD, fresh_seconds=0)


async def test_what_waits_is_told_with_its_age(line: Line) -> None:
    line.receive("what is happening", external_id="+447700900001")
    line.receive("he is outside my door now", external_id="+447700900002")
    line.clock.advance(seconds=90)

    found = read(await a_page(line).read())

    assert found["waymark_turns_unanswered", ""] >= 1
    assert found["waymark_oldest_turn_seconds", ""] == 90
    assert found["waymark_database_up", ""] == 1
    assert found["waymark_build_info", "test 0.1.0"] == 1
    assert {label for name, label in found if name == "waymark_queue"} == {"1", "2", "3", "4"}
    assert {label for name, label in found if name == "waymark_outbox"} == {"waiting", "sending", "unknown"}


async def test_an_item_nobody_has_is_told_apart_from_one_that_is_claimed(line: Line) -> None:
    received = line.receive()
    line.database.write_now(
        lambda tx: tx.desk.record_item(
            conversation_id=received.conversation_id,
            reason=HandoffReason.ASKED_FOR_PERSON,
            grade=Grade.HIGH,
            dedupe_key="asked",
        )
    )
    line.clock.advance(seconds=30)
    page = a_page(line)
    before = read(await page.read())

    line.claim(received.conversation_id, line.add_staff())
    after = read(await page.read())

    grade = "2"
    assert before["waymark_queue_oldest_unclaimed_seconds", grade] == 30
    assert (before["waymark_queue_unclaimed", grade], after["waymark_queue_unclaimed", grade]) == (1, 0)
    assert after["waymark_queue", grade] == 1
    assert after["waymark_queue_oldest_unclaimed_seconds", grade] == 0


async def test_rows_are_counted_once_and_only_once_they_are_settled(line: Line) -> None:
    """Red when: a row too young moves the mark: whatever was written before it with a lower number is never counted."""
    page = a_page(line)
    await page.read()
    line.receive("one", external_id="+447700900001")
    line.receive("two", external_id="+447700900002")
    key = ("waymark_messages_in_total", "sms webhook")

    assert key not in read(await page.read())
    line.clock.advance(seconds=SETTLED.total_seconds() + 1)
    assert read(await page.read())[key] == 2
    assert read(await page.read())[key] == 2
    line.receive("three", external_id="+447700900003")
    line.clock.advance(seconds=SETTLED.total_seconds() + 1)
    found = read(await page.read())
    assert found[key] == 3
    assert found["waymark_acts_total", "message_received"] == 3
    assert found["waymark_screen_total", "none"] == 3


async def test_danger_without_its_desk_item_is_counted_and_danger_with_it_is_not(line: Line) -> None:
    """Red when: any item of the conversation counts for this message, or the figure begins only with the first."""
    key = ("waymark_danger_without_item_total", "")
    page = a_page(line)
    assert read(await page.read())[key] == 0
    line.screen = FixedScreen({"he is outside": a_hit(1)})
    line.receive("he is outside", external_id="+447700900001")
    line.receive("he is outside", external_id="+447700900001", provider_message_id="SM" + "2" * 32)
    line.clock.advance(seconds=SETTLED.total_seconds() + 1)
    assert read(await page.read())[key] == 0

    line.receive("he is outside", external_id="+447700900001", provider_message_id="SM" + "3" * 32)
    with line.database.engine.begin() as connection:
        newest = sa.select(sa.func.max(inbox.c.id)).scalar_subquery()
        connection.execute(sa.delete(desk_item).where(desk_item.c.inbox_id == newest))
    line.clock.advance(seconds=SETTLED.total_seconds() + 1)

    assert read(await page.read())[key] == 1
    assert read(await page.read())[key] == 1


async def test_what_the_assistant_says_to_known_texts_is_told(line: Line) -> None:
    page = a_page(line)
    assert ("waymark_assistant_answers", "") not in read(await page.read())
    for heard, told in ((Heard.WELL, 1), (Heard.MISSED_DANGER, 0)):
        line.database.write_now(lambda tx, heard=heard: tx.known_turns.record(heard, since=tx.now))
        line.clock.advance(seconds=5)
        found = read(await page.read())
        assert found["waymark_assistant_answers", ""] == told
        assert found["waymark_assistant_checked_seconds", ""] == 5


async def test_an_alarm_is_told_while_it_stands(line: Line) -> None:
    page = a_page(line)
    line.database.write_now(lambda tx: tx.alarms.sound("rows_overdue", "what it is about"))
    assert read(await page.read())["waymark_alarm", "rows_overdue"] == 1

    line.database.write_now(lambda tx: tx.alarms.end("rows_overdue"))
    assert ("waymark_alarm", "rows_overdue") not in read(await page.read())


async def test_without_a_database_the_page_says_so_and_what_was_counted(
    tmp_path: Path, clock: SetClock
) -> None:
    database = Database(create_engine(f"sqlite:///{tmp_path}/empty.db"), clock)

    found = read(await MetricsPage(database, BUILD).read())

    assert found["waymark_database_up", ""] == 0
    assert ("waymark_assistant_seconds_count", "") in found
    database.close()


async def test_no_label_holds_anything_of_a_person_and_no_list_of_them_grows(line: Line) -> None:
    """Red when: any label takes a value as it comes: every column a page reads is filled with a person's words here."""
    page = a_page(line)
    await page.read()
    words = [value for values in CANARIES.values() for value in values]
    for number, said in enumerate(words):
        line.receive(said, external_id=f"+4477009{number:05}", provider_message_id=f"SM{number}")
    line.clock.advance(seconds=60)
    _fill_with(line, words[0])
    for word in words[:3]:
        count_assistant_fault(word)

    text = (await page.read()).decode()

    assert find_in_text("the page", text) == []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels.keys() <= LABELS
            for value in sample.labels.values():
                assert re.fullmatch(r"[a-z][a-z_]*|/[a-z/]*|[0-9.e+-]+|\+Inf|0\.1\.0", value), value
    for label in ("channel", "origin", "status", "kind", "fault"):
        assert f'{label}="other"' in text


def _fill_with(line: Line, word: str) -> None:
    """Past every check: what only the reading can stop."""
    with line.database.engine.begin() as connection:
        for statement in (
            "UPDATE inbox SET channel = substr(:word, 1, 16), origin = substr(:word, 1, 16) WHERE id = 1",
            "INSERT INTO alarm (kind, detail, since, last_at) SELECT :word, :word, received_at, received_at"
            " FROM inbox WHERE id = (SELECT max(id) FROM inbox)",
            "INSERT INTO delivery_event (provider_message_id, status, received_at)"
            " SELECT :word, :word, received_at FROM inbox WHERE id = (SELECT max(id) FROM inbox)",
        ):
            connection.execute(sa.text(statement), {"word": word})


def test_every_figure_says_what_it_is_and_is_in_the_documents() -> None:
    documented = (ROOT / "docs" / "metrics.md").read_text()
    counted = {family.name for family in COUNTED.collect()}
    named = {f"waymark_{name}" for name in HELP} | counted

    assert sorted(name for name in named if f"`{name}" not in documented) == []


def test_a_value_that_is_on_no_list_is_other() -> None:
    assert close("deadline", ASSISTANT_FAULTS) == "deadline"
    assert close("she said", ASSISTANT_FAULTS) == "other"
    assert close(None, ASSISTANT_FAULTS) == "other"


async def test_a_question_that_fails_is_counted_by_its_fault() -> None:
    async with aiohttp.ClientSession() as session:
        assistant = RasaAssistant(["http://127.0.0.1:1"], "s" * 32, session)
        before = _sample("waymark_assistant_failures_total", fault="unreachable")
        with pytest.raises(AssistantUnavailable):
            await assistant.ask(turn_id="t", conversation="c", text="x", state=None, facts={})

    assert _sample("waymark_assistant_failures_total", fault="unreachable") == before + 1


def test_an_error_of_the_database_is_counted_and_a_refused_copy_is_none(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    count_database_errors(engine, may_retry)
    before = _sample("waymark_database_errors_total", kind="other")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER PRIMARY KEY)")
    for statement in ("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)", "SELECT * FROM nowhere"):
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(statement)
        except sa.exc.DBAPIError:
            pass
    engine.dispose()

    assert _sample("waymark_database_errors_total", kind="other") == before + 1


async def test_only_what_must_be_quick_is_timed() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(middlewares=[time_acknowledged])
    app.router.add_post(ROUTES[0], answer)
    app.router.add_post("/i/{token}", answer)
    before = _sample("waymark_acknowledged_seconds_count", route=ROUTES[0])
    async with TestClient(TestServer(app)) as client:
        await client.post(ROUTES[0])
        await client.post("/i/a-secret-token")

    assert _sample("waymark_acknowledged_seconds_count", route=ROUTES[0]) == before + 1
    assert {sample.labels["route"] for family in ACKNOWLEDGED.collect() for sample in family.samples} <= set(
        ROUTES
    )


async def test_the_private_listener_shows_them(line: Line) -> None:
    app = build_actions_app(None, "x" * 32, metrics=a_page(line).read)  # type: ignore[arg-type]
    async with TestClient(TestServer(app)) as client, client.get("/metrics") as response:
        text = await response.text()

    assert response.status == 200
    assert "waymark_database_up 1.0" in text


def test_processes_that_share_a_folder_are_added_up(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    count = "from casework.adapters.metrics import count_assistant_fault as c; c('deadline')"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env=environ, check=True)
    show = (
        "import asyncio; from casework.adapters.clock import SystemClock\n"
        "from casework.adapters.metrics_page import MetricsPage\n"
        "from casework.adapters.storage.database import Database, create_engine\n"
        "d = Database(create_engine('sqlite://'), SystemClock())\n"
        "import sys; sys.stdout.write(asyncio.run(MetricsPage(d, {}).read()).decode()); d.close()"
    )
    shown = subprocess.run([sys.executable, "-c", show], env=environ, check=True, capture_output=True).stdout

    page = b"".join(each for each in shown.splitlines(keepends=True) if b"metrics_not_read" not in each)
    assert read(page)["waymark_assistant_failures_total", "deadline"] == 2


def _sample(name: str, **labels: str) -> float:
    return COUNTED.get_sample_value(name, labels) or 0.0
