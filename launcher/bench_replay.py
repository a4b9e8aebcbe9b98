"""`./waymark bench replay`: how long comparing two models on stored turns takes, and whether it finds the same."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.conversations import screen_to_json
from casework.adapters.storage.migrate import upgrade
from casework.adapters.storage.sealed import seal_all
from casework.adapters.storage.statements import new_id
from casework.adapters.storage.tables import conversation, inbox, metadata, turn
from casework.adapters.storage.workbench_tables import turn_record
from casework.bootstrap import build_service
from casework.model.disclosure_screen import DisclosureScreen, load_disclosure_screen
from casework.services.ports import Assistant, JsonObject
from launcher import training
from launcher.bench_desk import describe_machine
from launcher.bench_rasa import BenchFailed
from launcher.bench_turn import SCRIPT
from launcher.compare import Compared, compare, read_inputs
from launcher.evaluation.sets import read_set
from launcher.model_files import read_birth
from launcher.model_loader import CheckedModel, check_birth
from launcher.processes import find_free_port
from launcher.replay import running_model
from launcher.replay_input import a_strangers_turn
from launcher.replay_reads import ReplayReads
from launcher.up import make_plan

LONGEST_SECONDS = 300.0
TURNS_OF_ONE = 10
CHUNK = 500
# Stored turns may be used here: they are nobody's.
ALLOWED = {"WAYMARK_TRAINING_USE": "allowed"}


def run_bench_replay(root: Path, data_dir: Path, *, turns: int) -> int:
    """Prints the figures; 0 when both comparisons are within the limit and agree, else 1.

    Two processes of the one model that is there stand for two models: each is asked everything, whatever it is.
    """
    model = training.find_current_model(root)
    if model is None:
        raise BenchFailed("There is no model of the tree as it is. Train one with ./waymark train")
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as folder:
        plan = make_plan(root, data_dir=Path(folder), port=find_free_port(), console_port=find_free_port())
        url = f"sqlite:///{folder}/replay.db"
        service = build_service(Settings.from_env({**plan.environ, "WAYMARK_DATABASE_URL": url, **ALLOWED}))
        try:
            checked = check_birth(model.path, read_birth(model.path), run_dir=Path(folder) / "models")
            print(f"{describe_machine(root, 'sqlite')}, {model.path.name}, {turns} stored turns", flush=True)
            fill(root, service, asyncio.run(make_states(root, checked)), turns=turns)
            return _measure(root, service, checked, turns=turns)
        finally:
            service.database.close()


def _measure(root: Path, service: Service, checked: CheckedModel, *, turns: int) -> int:
    began = time.monotonic()
    asked = read_inputs(service.database, service.masker, newest=turns)
    print(f"read and masked {len(asked)} turns in {time.monotonic() - began:.1f} s", flush=True)
    if len(asked) != turns:
        raise BenchFailed(f"{len(asked)} of {turns} stored turns were found.")
    found = []
    for number in (1, 2):
        began = time.monotonic()
        # Nothing is taken from an earlier replay, or the second would ask nothing.
        compared = asyncio.run(compare(root, None, checked, checked, asked, bands=service.bands))
        found.append((time.monotonic() - began, compared))
        print(_in_words(number, *found[-1]), flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    is_equal = len({each.digest for _, each in found}) == 1
    is_whole = not any(each.before.failed or each.after.failed or each.changes for _, each in found)
    is_quick = all(seconds <= LONGEST_SECONDS for seconds, _ in found)
    print(
        f"equal digests: {'held' if is_equal else 'NOT held'}; every turn answered alike by both: {is_whole}"
    )
    print(f"at most {LONGEST_SECONDS:.0f} s each: {'held' if is_quick else 'NOT held'}.")
    return 0 if is_equal and is_whole and is_quick else 1


def _in_words(number: int, seconds: float, compared: Compared) -> str:
    p95_ms = max(compared.before.p95_ms, compared.after.p95_ms)
    return (
        f"comparison {number}: {seconds:.1f} s with the start of both, {compared.seconds:.1f} s asking, "
        f"p95 of a turn {p95_ms:.0f} ms, digest {compared.digest[:16]}"
    )


async def make_states(root: Path, checked: CheckedModel) -> list[JsonObject | None]:
    """The dialogue states of one conversation, from its beginning on: what stored turns were asked with."""
    stranger = a_strangers_turn("bench-states")
    async with running_model(root, checked, ReplayReads([stranger])) as assistant:
        return await _talk(assistant, stranger.facts)


async def _talk(assistant: Assistant, facts: JsonObject) -> list[JsonObject | None]:
    states: list[JsonObject | None] = [None]
    for number, text in enumerate(SCRIPT):
        answer = await assistant.ask(
            turn_id=f"bench-states-{number}",
            conversation="bench-states",
            text=text,
            state=states[-1],
            facts=facts,
        )
        states.append(answer.state)
    return states


def fill(root: Path, service: Service, states: Sequence[JsonObject | None], *, turns: int) -> None:
    """`turns` stored turns with their records, ten a conversation: the development set's words, over and over."""
    engine = service.database.engine
    upgrade(engine)
    texts = [example.text for example in read_set(root, "dev")]
    now = datetime.now(UTC)
    rows = list(_rows(texts, load_disclosure_screen(), states, turns=turns, now=now))
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        with engine.begin() as connection:
            for name in (conversation.name, inbox.name, turn.name, turn_record.name):
                table = metadata.tables[name]
                of_table = [row[name] for row in some if name in row]
                if of_table:
                    connection.execute(sa.insert(table), seal_all(connection, table, of_table))


def _rows(
    texts: Sequence[str],
    screen: DisclosureScreen,
    states: Sequence[JsonObject | None],
    *,
    turns: int,
    now: datetime,
) -> Iterator[dict[str, dict[str, Any]]]:
    """For each turn its row of every table; a conversation's own row stands with its first."""
    conversation_id = ""
    for number in range(turns):
        place = number % TURNS_OF_ONE
        at = now - timedelta(days=1) - timedelta(minutes=turns - number)
        row: dict[str, dict[str, Any]] = {}
        if place == 0:
            conversation_id = new_id()
            row[conversation.name] = _conversation(conversation_id, number, now)
        turn_id, text = new_id(), texts[number % len(texts)]
        row[inbox.name] = _message(number, conversation_id, at, text, screen)
        row[turn.name] = _turn(turn_id, number, conversation_id, at)
        earlier = list(range(number - min(place, 4) + 1, number + 1))
        row[turn_record.name] = _record(turn_id, number, conversation_id, at, states[place], earlier)
        yield row


def _conversation(conversation_id: str, number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": conversation_id,
        "channel": "sms",
        # No more than a thousand numbers are kept for drama: a letter tells these apart.
        "external_id": f"+447700900{number % 1000:03d}x{number}",
        "epoch": 0,
        "created_at": now - timedelta(days=60),
        "last_inbound_at": now - timedelta(days=1),
    }


def _message(
    number: int, conversation_id: str, at: datetime, text: str, screen: DisclosureScreen
) -> dict[str, Any]:
    return {
        "id": number + 1,
        "channel": "sms",
        "provider_message_id": f"SM{number:032x}",
        "conversation_id": conversation_id,
        "received_at": at,
        "text": text,
        "raw": b"",
        "media_count": 0,
        "has_location": False,
        "screen": screen_to_json(screen.screen_text(text)),
    }


def _turn(turn_id: str, number: int, conversation_id: str, at: datetime) -> dict[str, Any]:
    return {
        "id": turn_id,
        "inbox_id": number + 1,
        "conversation_id": conversation_id,
        "status": "finished",
        "outcome": "answered",
        "fence": 1,
        "attempts": 1,
        "created_at": at,
        "finished_at": at,
    }


def _record(
    turn_id: str,
    number: int,
    conversation_id: str,
    at: datetime,
    state: JsonObject | None,
    earlier: Sequence[int],
) -> dict[str, Any]:
    """What the first answer was is not compared: both models are asked anew."""
    return {
        "turn_id": turn_id,
        "inbox_id": number + 1,
        "conversation_id": conversation_id,
        "at": at,
        "model_id": "bench",
        "state": state,
        "standing": ("unknown", "linked")[number // TURNS_OF_ONE % 2],
        "code_pending": False,
        "safe_question": False,
        "earlier_ids": list(earlier),
        "intent": None,
        "confidence": 0.0,
        "runner_up": None,
        "runner_up_confidence": 0.0,
        "urgency": None,
        "categories": {},
        "responses": [],
        "effects": [],
        "band": "green",
        "tier": None,
    }
