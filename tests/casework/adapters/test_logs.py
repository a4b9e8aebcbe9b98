"""A log line is a fixed sentence and ids. What a victim wrote never reaches it, not even inside an error."""

import json
import subprocess
import sys
from typing import Any

from casework.adapters.logs import ALLOWED, add_error, drop_unknown_keys

SAID = "he has a knife"


def run(script: str) -> tuple[list[dict[str, Any]], str]:
    """The log lines and all output of a program of its own: its logging setup touches no other test."""
    started = "from casework.adapters.logs import configure_logs\nimport structlog, logging, asyncio\n"
    started += (
        f"configure_logs('test')\nSAID = {SAID!r}\nlog = structlog.get_logger()\nprint('logs are set up')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", started + script], capture_output=True, text=True, timeout=60, check=False
    )
    assert "logs are set up" in done.stdout, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return lines, done.stdout + done.stderr


def test_a_key_that_is_not_on_the_list_is_dropped() -> None:
    event = {
        "event": "message_received",
        "conversation_id": "c1",
        "text": SAID,
        "external_id": "+447700900001",
    }

    assert drop_unknown_keys(None, "info", event) == {"event": "message_received", "conversation_id": "c1"}


def test_the_list_names_nothing_that_could_hold_a_persons_words() -> None:
    names = {"text", "body", "message", "name", "number", "to", "from", "external_id", "reference", "token"}

    assert ALLOWED.isdisjoint(names | {"exception", "exc_info", "stack", "url", "headers", "form"})


def test_an_error_is_its_type_and_place() -> None:
    try:
        raise ValueError(SAID)
    except ValueError as error:
        event = add_error(None, "error", {"event": "step_failed", "exc_info": error})

    assert event["error"] == "ValueError"
    assert event["where"].startswith("test_logs.py:")
    assert SAID not in repr(event)


def test_an_error_without_a_place_is_its_type() -> None:
    event = add_error(None, "error", {"event": "step_failed", "exc_info": ValueError(SAID)})

    assert event == {"event": "step_failed", "error": "ValueError"}


def test_the_message_of_an_exception_is_never_logged() -> None:
    lines, whole = run(
        "def fail():\n    raise ValueError(SAID)\n"
        "try:\n    fail()\nexcept ValueError:\n    log.exception('step_failed', turn_id='t1', text=SAID)\n"
    )

    assert SAID not in whole
    [line] = lines
    assert (line["event"], line["error"], line["turn_id"], line["process"]) == (
        "step_failed",
        "ValueError",
        "t1",
        "test",
    )
    assert line["where"] == "<string>:8"


def test_the_cause_of_an_exception_is_never_logged() -> None:
    _, whole = run(
        "try:\n"
        "    try:\n        raise ValueError(SAID)\n"
        "    except ValueError as error:\n        raise RuntimeError('x') from error\n"
        "except RuntimeError:\n    log.exception('step_failed')\n"
    )

    assert SAID not in whole


def test_a_library_that_logs_an_error_gives_away_nothing_of_it() -> None:
    """The web server logs a handler's exception by itself, traceback and all; a database error quotes its row."""
    _, whole = run(
        "try:\n    raise ValueError(SAID)\n"
        "except ValueError:\n    logging.getLogger('aiohttp.server').exception('Error handling %s', SAID)\n"
    )

    assert "aiohttp.server" in whole
    assert SAID not in whole


def test_a_task_that_fails_unseen_gives_away_nothing() -> None:
    _, whole = run(
        "async def fail():\n    raise ValueError(SAID)\n"
        "async def main():\n    asyncio.create_task(fail())\n    await asyncio.sleep(0.01)\n"
        "asyncio.run(main())\n"
    )

    assert SAID not in whole


def test_a_process_that_dies_gives_away_nothing() -> None:
    _, whole = run("raise ValueError(SAID)\n")

    assert SAID not in whole


def test_a_thread_that_dies_gives_away_nothing() -> None:
    _, whole = run(
        "import threading\n"
        "def fail():\n    raise ValueError(SAID)\n"
        "thread = threading.Thread(target=fail)\nthread.start()\nthread.join()\n"
    )

    assert SAID not in whole


def test_a_database_error_does_not_carry_the_row_it_failed_on() -> None:
    _, whole = run(
        "import sqlalchemy as sa, tempfile\n"
        "from casework.adapters.storage.database import create_engine\n"
        "engine = create_engine('sqlite:///' + tempfile.mkdtemp() + '/test.db')\n"
        "try:\n"
        "    with engine.begin() as connection:\n"
        "        connection.execute(sa.text('INSERT INTO nowhere VALUES (:text)'), {'text': SAID})\n"
        "except sa.exc.DBAPIError as error:\n    print(error)\n"
    )

    assert "nowhere" in whole
    assert SAID not in whole


def test_quiet_levels_stay_quiet() -> None:
    lines, _ = run("log.debug('noise')\nlog.info('worker_started', port=1)\n")

    assert [line["event"] for line in lines] == ["worker_started"]
