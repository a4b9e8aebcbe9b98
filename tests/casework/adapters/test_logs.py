"""A log line is a fixed sentence and ids. What a victim wrote never reaches it, not even inside an error."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from casework.adapters.log_values import CODES, FITS, RouteName, drop_unfit
from casework.adapters.logs import add_error, keep_what_fits
from casework.adapters.metrics import COUNTED
from casework.services.shadows import WHYS_ENDED
from channels import telegram_updates, twilio_signature
from launcher import model_loader
from tests.support.canaries import CANARIES
from tests.support.running import ROOT

SAID = "he has a knife"
TURN = "0123456789abcdef0123456789abcdef"
PARTS = ("actions", "casework", "channels", "console", "launcher")
# Whole words of the program: a victim who writes just this has written nothing of theirs.
OURS = frozenset(CODES | {"unknown", "root", "telegram", "test", "info", "error"})


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
        "conversation_id": TURN,
        "text": SAID,
        "external_id": "+447700900001",
    }

    assert keep_what_fits(None, "info", event) == {"event": "message_received", "conversation_id": TURN}


def test_the_list_names_nothing_that_could_hold_a_persons_words() -> None:
    names = {"text", "body", "message", "name", "number", "to", "from", "external_id", "reference", "token"}

    assert FITS.keys().isdisjoint(names | {"exception", "exc_info", "stack", "url", "headers", "form"})


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
        "try:\n    fail()\nexcept ValueError:\n    log.exception('step_failed', turn_id='0' * 32, text=SAID)\n"
    )

    assert SAID not in whole
    [line] = lines
    assert (line["event"], line["error"], line["turn_id"], line["process"]) == (
        "step_failed",
        "ValueError",
        "0" * 32,
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


# --- values, not only keys ----------------------------------------------------------------------------------


def test_a_value_of_another_shape_is_dropped_and_counted() -> None:
    before = _dropped()
    event = {
        "event": "turn_held",
        "turn_id": SAID,
        "count": SAID,
        "code": SAID,
        "route": "/i/a-secret",
        "length": 14,
    }

    assert keep_what_fits(None, "info", event) == {"event": "turn_held", "length": 14}
    assert _dropped() == before + 4


@pytest.mark.parametrize("key", sorted(FITS.keys() - {"event"}))
@given(
    said=st.one_of(
        st.text(), st.sampled_from([SAID, *(each for values in CANARIES.values() for each in values)])
    )
)
def test_nothing_a_victim_could_write_survives_under_any_key(key: str, said: str) -> None:
    """Red when: a key takes text by its shape alone, as `[a-z]+` for a code: "knife" would be one.

    The sentence itself is no value: every line of code that logs has a fixed one, below.
    """
    kept, _ = drop_unfit({key: said})

    assert kept == {} or said in OURS


@pytest.mark.parametrize("key", sorted(FITS))
@pytest.mark.parametrize(
    "value",
    [
        [SAID],
        {"a": SAID},
        SAID.encode(),
        ValueError(SAID),
        ("he", "has"),
        CIMultiDict(a=SAID),
        True,
        10**20,
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_but_text_and_numbers_is_a_value(key: str, value: object) -> None:
    assert drop_unfit({key: value}) == ({}, 1)


@pytest.mark.parametrize(
    "word",
    ["knife", "help", "he_has_a_knife", "stabbed.py", "07700900001", "43260990001", "N1", "/he/has/a/knife"],
)
def test_a_word_that_looks_like_the_programs_own_is_none(word: str) -> None:
    kept, _ = drop_unfit(dict.fromkeys(FITS, word))

    assert kept.keys() <= {"event"} if word == "he_has_a_knife" else kept == {}


def test_what_the_program_says_itself_stays() -> None:
    whole = {
        "event": "request_failed",
        "code": "http_503",
        "error": "TimeoutError",
        "route": RouteName("/i/{token}"),
        "where": "sms.py:44",
        "seconds": 0.5,
        "status": 413,
    }

    assert drop_unfit(whole) == (whole, 0)


def test_every_reason_the_program_gives_is_on_the_list() -> None:
    """Red when: a new reason is given and not listed: it would be missing from every log."""
    reasons = {
        value.value
        for call in ast.walk(ast.parse(Path(twilio_signature.__file__).read_text()))
        if isinstance(call, ast.keyword) and call.arg == "reason"
        for value in [call.value]
        if isinstance(value, ast.Constant)
    }

    assert len(reasons) >= 4
    assert reasons <= CODES
    assert telegram_updates.KNOWN_UPDATES <= CODES
    assert set(WHYS_ENDED) <= CODES
    assert model_loader._SAYS.keys() <= CODES


# --- every line of code that logs ---------------------------------------------------------------------------


@cache
def calls(root: Path) -> list[tuple[str, ast.Call]]:
    """Every call of anything, and where it stands."""
    return [
        (f"{path.relative_to(root)}:{node.lineno}", node)
        for part in PARTS
        for path in sorted((root / part).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


def _is_a_log(called: ast.Attribute) -> bool:
    if called.attr not in {
        "debug",
        "info",
        "warning",
        "error",
        "critical",
        "exception",
        "log",
        "bind",
        "msg",
    }:
        return False
    of = called.value
    is_made_here = (
        isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) and of.func.attr == "get_logger"
    )
    return is_made_here or (isinstance(of, ast.Name) and of.id == "log")


def wrong_with(call: ast.Call) -> str | None:
    event = call.args[0] if call.args else None
    if len(call.args) != 1 or not isinstance(event, ast.Constant) or not FITS["event"](event.value):
        return "its first and only argument is no fixed sentence"
    keys = {each.arg for each in call.keywords}
    unknown = sorted(str(key) for key in keys - FITS.keys() - {"exc_info"})
    return f"{', '.join(unknown)} may not be logged" if unknown else None


def test_every_line_that_logs_gives_a_fixed_sentence_and_known_keys() -> None:
    """Red when: `log.info("got", text=text)`, `log.info(f"got {text}")` or `log.info("got", **form)` stands there."""
    found = [
        (place, call)
        for place, call in calls(ROOT)
        if isinstance(call.func, ast.Attribute) and _is_a_log(call.func)
    ]

    assert len(found) >= 40
    assert [f"{place}: {wrong}" for place, call in found if (wrong := wrong_with(call))] == []


@pytest.mark.parametrize(
    "line",
    [
        'log.info("got_it", text=said)',
        'log.info(f"got_{said}")',
        'log.info("got_it", **form)',
        'log.info("got_it", said)',
    ],
)
def test_a_line_that_would_give_words_away_is_noticed(line: str) -> None:
    statement = ast.parse(line).body[0]
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)

    assert wrong_with(statement.value) is not None


def test_no_server_writes_an_access_log() -> None:
    """A path may hold a key, and what follows the question mark may hold anything."""
    without = [
        place
        for place, call in calls(ROOT)
        if ast.unparse(call.func).endswith(("AppRunner", "run_app"))
        and {each.arg: ast.unparse(each.value) for each in call.keywords}.get("access_log") != "None"
    ]

    assert without == []


def test_the_debugging_of_the_event_loop_gives_nothing_away_even_when_asked_for() -> None:
    """It tells of slow steps with everything they hold."""
    _, whole = run(
        "import time\nasync def main(said):\n    time.sleep(0.2)\nasyncio.run(main(SAID), debug=True)\n"
    )

    assert "asyncio" in whole
    assert SAID not in whole


def _dropped() -> float:
    return COUNTED.get_sample_value("waymark_log_values_dropped_total") or 0.0
