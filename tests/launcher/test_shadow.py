"""A candidate is asked what came in, of a Rasa of its own, and what would differ is kept: once, and killed or not.

Over a program that stands where Rasa would, with databases, papers and sockets as they really are. Red when, each tried
once: the mark moves in another transaction than the differences; `_load` goes on with the turns it read before it
started a model; `find_recorded` takes what was asked in other words; a refusal by the loader is passed over;
`_judge_again` is left out; what is idle stays loaded.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from casework.adapters.model_signing import load_signing_key
from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.model_tables import comparison, comparison_change, replay_answer, shadow
from casework.adapters.storage.tables import turn
from casework.adapters.storage.workbench_tables import turn_record
from casework.bootstrap import build_service
from casework.model.review_queues import Queue
from casework.model.standings import Standing
from casework.model.training_flags import TrainingFlag
from casework.services import consents, model_releases, shadows
from casework.services import workbench_jobs as jobs
from casework.services.job_ports import JobKind, JobStatus
from casework.services.workbench_ports import TurnRecord
from launcher import workbench_jobs
from launcher.recorded_answers import find_recorded
from launcher.replay import find_outcome
from launcher.replay_input import prepare
from launcher.shadow import Shadowing
from launcher.shadow_models import copies_dir
from tests.casework.services.reviewing import MASKER, an_answer_of, decide, make_quiet, put, say
from tests.launcher.test_replay import STORED, VALUES
from tests.support.clock import SetClock
from tests.support.databases import put_keys
from tests.support.line import Line, load_bands
from tests.support.models import LIMITS, a_birth, a_paper, a_report, make_model_file, make_stand_in_root, sign
from tests.support.running import ROOT

LIVE, NEW = "a" * 32, "b" * 32
CALM, DANGER, NAMED = "is there any news", "he is at my door", "its 07700 900123 any news"


@dataclass
class Staged:
    service: Service
    environ: dict[str, str]
    root: Path
    line: Line
    shadowings: list[Shadowing] = field(default_factory=list)

    @property
    def beside(self) -> Path:
        return self.root / "bot" / ".venv" / "bin"

    def shadowing(self, **values: Any) -> Shadowing:
        """Looked at every time: what people said is read, and what failed is tried, without a wait."""
        given = {"limits": LIMITS, "again_seconds": 0.0, "judge_seconds": 0.0} | values
        self.shadowings.append(Shadowing(self.service, **given))
        return self.shadowings[-1]

    def start(self) -> None:
        self.line.database.write_now(lambda tx: shadows.start(tx, NEW, hours=240, by="toni"))

    async def say(self, text: str, **values: Any) -> int:
        """Answered by the live model, as the stand-in would of a calm message, and settled since."""
        inbox_id = await say(self.line, text, answer=an_answer_of(model=LIVE), **values)
        self.line.clock.advance(seconds=31)
        return inbox_id

    def reads(self, model_id: str, **urgency: float | None) -> None:
        told = self.beside / "turns.json"
        known = json.loads(told.read_text()) if told.exists() else {}
        named = {text.replace("_", " "): value for text, value in urgency.items()}
        told.write_text(json.dumps(known | {model_id: known.get(model_id, {}) | named}))

    def asked(self) -> list[tuple[str, str]]:
        """(model, text) of all that a Rasa was asked."""
        kept = self.beside / "asked.jsonl"
        return [tuple(json.loads(line)) for line in kept.read_text().splitlines()] if kept.exists() else []

    def found(self) -> list[tuple[int, str, str]]:
        return [
            (row.inbox_id, row.before["band"], row.after["band"]) for row in self.line.rows(comparison_change)
        ]

    def file_of(self, model_id: str) -> Path:
        return self.root / "models" / f"{model_id}.tar.gz"

    def flag(self, inbox_id: int, which: TrainingFlag) -> None:
        of = self.line.row(turn, inbox_id=inbox_id).conversation_id
        self.line.database.write_now(lambda tx: consents.flag(tx, of, None, which, why="asked", by="victim"))


@pytest.fixture
async def staged(
    database_url: str, tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Staged]:
    # The stand-in writes down beside itself what it was asked: inside the fence it could not.
    monkeypatch.setenv("WAYMARK_CONTAINMENT", "off")
    root = make_stand_in_root(tmp_path / "tree")
    environ = {
        "WAYMARK_DATA_DIR": str(tmp_path / "var"),
        "WAYMARK_KEYS": str(put_keys(tmp_path)),
        "WAYMARK_DATABASE_URL": database_url,
        "WAYMARK_TURN_SECRET": "s" * 40,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "t" * 32,
        "WAYMARK_SMS_FROM": "+447700900999",
        "WAYMARK_TRAINING_USE": "allowed",
    }
    service = build_service(replace(Settings.from_env(environ), training_root=root), clock=clock)
    made = Staged(service, environ, root, Line(database=service.database, clock=clock))
    _record_models(made)
    made.reads(NEW, he_is_at_my_door=0.99)
    yield made
    for each in made.shadowings:
        await each.let_go()
    service.database.close()


def _record_models(staged: Staged) -> None:
    key = load_signing_key(staged.service.settings.data_dir)
    births = {each: a_birth(each, make_model_file(staged.file_of(each), each)) for each in (LIVE, NEW)}
    founding = a_paper(births[LIVE], kind="founding", report=None, approved_by=None)
    candidate = a_paper(births[NEW], kind="candidate", approved_by=None)

    def write(tx: Any) -> None:
        name = f"{LIVE}.tar.gz"
        model_releases.found(tx, births[LIVE], file=name, paper=sign(founding, key))
        model_releases.record_trained(tx, births[NEW], file=f"{NEW}.tar.gz", by="toni")
        model_releases.record_report(tx, a_report(NEW), limits=LIMITS, paper=sign(candidate, key), by="toni")

    staged.line.database.write_now(write)


async def take_all(shadowing: Shadowing) -> None:
    while await shadowing.take():
        pass


# --- what is asked ----------------------------------------------------------------------------------------------------


async def test_what_came_in_is_asked_and_what_would_differ_is_kept(staged: Staged) -> None:
    shadowing = staged.shadowing()
    staged.start()
    await staged.say(CALM)
    danger = await staged.say(DANGER)
    await take_all(shadowing)

    # The live model is not asked again: what it gave stands in the record.
    assert sorted(staged.asked()) == [(NEW, DANGER), (NEW, CALM)]
    assert shadowing.models.loaded == {NEW}
    assert staged.found() == [(danger, "green", "red")]
    made = staged.line.row(comparison)
    assert (made.source, made.turns, made.counts["changed_risk"]) == ("shadow", 2, 1)
    later = await staged.say(DANGER, external_id="+447700900402")
    await take_all(shadowing)
    assert [each[0] for each in staged.found()] == [danger, later]
    assert len(staged.asked()) == 3


async def test_where_words_were_masked_both_models_are_asked_the_same(staged: Staged) -> None:
    staged.start()
    await staged.say(NAMED)
    shadowing = staged.shadowing()
    await take_all(shadowing)

    (one, first), (other, second) = sorted(staged.asked())
    assert (one, other) == (LIVE, NEW)
    assert first == second != NAMED and first.endswith("any news") and "900123" not in first
    assert shadowing.models.loaded == {LIVE, NEW}
    assert staged.found() == []
    assert {row.model_id for row in staged.line.rows(replay_answer)} == {LIVE, NEW}


async def test_what_another_model_answered_is_asked_of_the_live_one(staged: Staged) -> None:
    staged.start()
    await say(staged.line, CALM, answer=an_answer_of(model="c" * 32))
    staged.line.clock.advance(seconds=31)
    await take_all(staged.shadowing())

    assert sorted(staged.asked()) == [(LIVE, CALM), (NEW, CALM)]


async def test_nothing_is_loaded_while_nothing_waits_and_what_is_idle_is_let_go(staged: Staged) -> None:
    shadowing = staged.shadowing(idle_seconds=0.0)
    await staged.say(CALM)
    assert not await shadowing.take()
    staged.start()
    assert not await shadowing.take()
    assert shadowing.models.loaded == frozenset()
    await staged.say(DANGER)
    assert await shadowing.take()
    assert shadowing.models.loaded == {NEW}
    await take_all(shadowing)

    assert shadowing.models.loaded == frozenset()
    assert list(copies_dir(staged.service.settings.data_dir).iterdir()) == []


async def test_what_is_taken_back_before_it_is_asked_is_never_asked(staged: Staged) -> None:
    shadowing = staged.shadowing()
    staged.start()
    stays = await staged.say(CALM, external_id="+447700900402")
    gone = await staged.say(DANGER)
    # The first step loads the candidate, which takes a while.
    assert await shadowing.take()
    staged.flag(gone, TrainingFlag.WITHDRAWN)
    await take_all(shadowing)

    assert staged.asked() == [(NEW, CALM)]
    assert staged.line.row(shadow).last_inbox_id == gone > stays
    assert staged.found() == []


async def test_a_turn_without_an_answer_is_asked_of_a_new_process_and_then_passed_over(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.replay.TRY_AGAIN_SECONDS", 0.0)
    staged.reads(NEW, nothing_comes_of_this=None)
    staged.start()
    await staged.say("nothing comes of this")
    shadowing = staged.shadowing()
    await take_all(shadowing)
    row = staged.line.row(shadow)

    assert (row.unanswered, staged.line.row(comparison).turns) == (1, 0)
    assert len(staged.asked()) == 4
    danger = await staged.say(DANGER, external_id="+447700900402")
    await take_all(shadowing)
    assert [each[0] for each in staged.found()] == [danger]


# --- killed -----------------------------------------------------------------------------------------------------------


async def test_a_kill_between_asking_and_storing_loses_nothing_and_keeps_nothing_twice(
    staged: Staged,
) -> None:
    staged.start()
    numbers = [await staged.say(DANGER, external_id=f"+44770090041{each}") for each in range(3)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.launcher.dying_shadow", str(staged.root), str(numbers[-1])),
        cwd=ROOT,
        env={**os.environ, **staged.environ},
    )
    assert await process.wait() == -signal.SIGKILL
    assert (staged.found(), staged.line.rows(replay_answer), len(staged.asked())) == ([], [], 3)

    staged.line.clock.advance(hours=7)
    await take_all(staged.shadowing())

    assert [each[0] for each in staged.found()] == numbers
    assert staged.line.row(comparison).turns == 3
    assert len(staged.asked()) == 6


# --- ended ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model_id", "how", "why"),
    [
        (LIVE, "altered", "live_refused"),
        (NEW, "altered", "altered"),
        (NEW, "gone", "altered"),
        (NEW, "unsigned", "unsigned"),
    ],
)
async def test_a_model_the_loader_refuses_is_not_asked_and_the_page_can_say_why(
    staged: Staged, model_id: str, how: str, why: str
) -> None:
    staged.start()
    await staged.say(NAMED)
    if how == "altered":
        make_model_file(staged.file_of(model_id), model_id, more=b"another")
    elif how == "gone":
        staged.file_of(model_id).unlink()
    else:
        staged.line.database.write_now(
            lambda tx: tx.model_releases.record_report(
                model_id, report=tx.model_releases.find_version(model_id).report, status=None, paper="no"
            )
        )
    shadowing = staged.shadowing()
    await take_all(shadowing)

    assert staged.line.row(shadow).why_ended == why
    assert staged.asked() == [] and shadowing.models.loaded == frozenset()


async def test_one_that_does_not_start_is_given_up_after_three_tries(staged: Staged) -> None:
    staged.start()
    await staged.say(CALM)
    (staged.beside / "python").write_text("#!/bin/sh\nexit 1\n")
    shadowing = staged.shadowing()
    for _ in range(2):
        assert not await shadowing.take()
    assert staged.line.row(shadow).ended_at is None
    assert not await shadowing.take()

    assert staged.line.row(shadow).why_ended == "not_running"


async def test_when_it_is_over_it_ends_and_its_process_with_it(staged: Staged) -> None:
    staged.start()
    await staged.say(CALM)
    shadowing = staged.shadowing()
    await take_all(shadowing)
    assert shadowing.models.loaded == {NEW}
    staged.line.clock.advance(days=11)
    await take_all(shadowing)

    assert staged.line.row(shadow).why_ended == "over"
    assert shadowing.models.loaded == frozenset()


async def test_what_people_say_later_makes_a_difference_right_or_wrong(staged: Staged) -> None:
    staged.start()
    danger, calm = [await staged.say(DANGER, external_id=f"+44770090042{each}") for each in range(2)]
    await take_all(staged.shadowing())
    make_quiet(staged.line)
    people = [staged.line.add_staff(login) for login in ("toni", "terry")]
    for inbox_id, risks in ((danger, ("immediate_danger",)), (calm, ())):
        put(staged.line, inbox_id, Queue.POSSIBLE_MISSES)
        for each in people:
            decide(staged.line, inbox_id, each, risks=risks)
    assert {row.kind for row in staged.line.rows(comparison_change)} == {"changed"}
    await take_all(staged.shadowing())

    kinds = {row.inbox_id: row.kind for row in staged.line.rows(comparison_change)}
    assert kinds == {danger: "newly_right", calm: "newly_wrong"}
    assert staged.line.row(comparison).counts["newly_wrong_risk"] == 1


# --- beside the jobs --------------------------------------------------------------------------------------------------


def test_the_jobs_process_takes_its_steps_and_ends_what_it_loaded(staged: Staged) -> None:
    """With the packaged gates, which these numbers do not pass: it is refused there, and that is told."""
    staged.start()
    asyncio.run(staged.say(CALM))
    database, ending = staged.line.database, threading.Event()
    database.write_now(lambda tx: jobs.ask(tx, JobKind.COMPARE, {"model_id": "nobody"}, by="toni"))
    running = threading.Thread(
        target=workbench_jobs.run_jobs, args=(staged.service,), kwargs={"ending": ending}
    )
    running.start()
    while staged.line.row(shadow).ended_at is None:
        threading.Event().wait(0.02)
    ending.set()
    running.join(30)

    assert not running.is_alive()
    assert staged.line.row(shadow).why_ended == "gates_failed"
    found = database.read_now(lambda tx: tx.jobs.find_newest(JobKind.COMPARE))
    assert found is not None and found.status is JobStatus.FAILED


# --- what the record says exactly -------------------------------------------------------------------------------------


async def test_the_record_of_a_turn_comes_to_what_asking_again_does(staged: Staged) -> None:
    """The fields of a record are enough: the outcome is compared with that of the answer it was made of."""
    answer = an_answer_of(
        "request_human",
        0.8,
        model=LIVE,
        urgency=0.06,
        effects=({"effect": "hand_off", "reason": "asked_for_person"},),
    )
    inbox_id = await say(staged.line, CALM, answer=answer)
    [stored] = staged.line.database.read_now(lambda tx: tx.turn_records.list_for_replay(newest=1))
    record = staged.line.database.read_now(lambda tx: tx.turn_records.find(inbox_id))
    asked = prepare(stored, masker=MASKER, values_of=lambda _: VALUES)
    assert record is not None
    found = find_recorded(record, stored, asked)

    assert found is not None and staged.line.row(turn_record).model_id == found.model
    bands = load_bands()
    assert find_outcome(asked.screen, found, bands) == find_outcome(asked.screen, answer, bands)


PLAIN = replace(STORED, text="any news", earlier=("hello",), standing="unknown", code_pending=False)


def a_record(**values: Any) -> TurnRecord:
    given: dict[str, Any] = {
        **{"turn_id": "t1", "inbox_id": 1, "conversation_id": "c1", "at": SetClock().now(), "model_id": LIVE},
        **{"state": None, "standing": "unknown", "code_pending": False, "safe_question": False},
        **{"earlier_ids": (), "intent": None, "confidence": 0.0, "runner_up": None},
        **{"runner_up_confidence": 0.0, "urgency": None, "categories": {}, "effects": ()},
        **{"responses": ("utter_thanks",), "band": "green", "tier": None},
    }
    return TurnRecord(**(given | values))


@pytest.mark.parametrize(
    ("stored", "record", "is_exact"),
    [
        (PLAIN, {}, True),
        (replace(PLAIN, state=None, earlier=()), {}, True),
        (replace(PLAIN, earlier=()), {}, False),  # half a day may have passed
        (replace(PLAIN, text="its Kezia Canary"), {}, False),
        (replace(PLAIN, earlier=("its Kezia Canary",)), {}, False),
        (replace(PLAIN, code_pending=True), {}, False),
        (replace(PLAIN, standing=Standing.LINKED.name), {}, False),
        (PLAIN, {"responses": ("utter_support_intro", "utter_support_service")}, False),
        (PLAIN, {"effects": ({"effect": "confirm_code", "reason": None},)}, False),
    ],
)
def test_the_record_is_taken_only_where_the_question_was_the_same(
    stored: Any, record: dict[str, Any], is_exact: bool
) -> None:
    asked = prepare(stored, masker=MASKER, values_of=lambda _: VALUES)

    assert (find_recorded(a_record(**record), stored, asked) is not None) is is_exact
