"""Whether the assistant really answers: over HTTP, with a stand-in that says what it is told to, on both databases.

Red when: a wrong answer counts as one, one of several addresses is left out, or what was asked leaves a row of anybody.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestServer

from casework.adapters.known_turns import RasaPlaces
from casework.adapters.storage.database import Database
from casework.adapters.storage.keeping_tables import keeping_mark
from casework.adapters.storage.tables import alarm
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.known_turns import Heard, load_known_turns
from casework.model.messages import Channel
from casework.services import model_releases
from casework.services.readiness import (
    ANSWERED,
    AWAY,
    AWAY_FOR,
    EVERY,
    OLD_AFTER,
    WRONG,
    Asking,
    ask_if_due,
    find_answers,
)
from tests.support.assistant_stand_in import AssistantStandIn
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.models import a_birth

TURNS = load_known_turns()
URGENCY = {TURNS.calm: {"probability": 0.01}, TURNS.danger: {"probability": 0.99}}
REPLIES = {TURNS.calm: min(TURNS.replies)}


def a_rasa(model: str | None = "m-live", **values: Any) -> AssistantStandIn:
    """One that knows both texts, unless `values` says otherwise."""
    return AssistantStandIn(model=model, **({"urgency": URGENCY, "responses": REPLIES} | values))


@dataclass
class Stage:
    line: Line
    places: RasaPlaces
    seconds: float = 0.0
    asking: Asking = field(init=False)

    def __post_init__(self) -> None:
        self.asking = self.make_asking()

    def make_asking(self) -> Asking:
        return Asking(
            store=self.line.database, places=self.places, turns=TURNS, monotonic=lambda: self.seconds
        )

    async def ask(self) -> None:
        await ask_if_due(self.asking)

    async def ask_for(self, seconds: float) -> None:
        """As often as the worker would in that time."""
        for _ in range(round(seconds / EVERY.total_seconds())):
            self.seconds += EVERY.total_seconds()
            self.line.clock.advance(seconds=EVERY.total_seconds())
            await self.ask()

    @property
    def answers(self) -> tuple[bool | None, float | None]:
        found = self.line.database.read_now(find_answers)
        return found.really, found.checked_seconds

    @property
    def alarms(self) -> list[tuple[str, str]]:
        return [(row.kind, row.detail) for row in self.line.rows(alarm) if row.ended_at is None]


@pytest.fixture
def line(database: Database, clock: SetClock) -> Line:
    return Line(database=database, clock=clock)


@asynccontextmanager
async def run_stage(line: Line, *rasas: AssistantStandIn) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(TestServer(rasa.make_app())) for rasa in rasas]
        session = await stack.enter_async_context(aiohttp.ClientSession())
        urls = [str(server.make_url("")).rstrip("/") for server in servers] or ["http://127.0.0.1:1"]
        yield Stage(line, RasaPlaces(urls, "s" * 32, session, deadline_seconds=0.3, probe_seconds=0.2))


async def test_an_assistant_that_knows_both_texts_answers_and_nothing_of_it_stays(line: Line) -> None:
    def declare(_text: str) -> list[dict[str, Any]]:
        return [{"effect": "hand_off", "reason": "asked_for_person"}]

    rasa = a_rasa(effects_of=declare)
    before = line.everything()
    async with run_stage(line, rasa) as stage:
        assert stage.answers == (None, None)
        await stage.ask()
        line.clock.advance(seconds=7)

        assert stage.answers == (True, 7.0)
        assert stage.alarms == []
    assert rasa.asked == [TURNS.calm, TURNS.danger]
    after = line.everything()
    assert {name for name, rows in after.items() if rows != before[name]} == {"keeping_mark"}
    assert len(line.rows(keeping_mark)) == 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"responses": {}}, Heard.WRONG_REPLY),
        ({"urgency": URGENCY | {TURNS.calm: {"probability": 0.9}}}, Heard.FALSE_DANGER),
        ({"urgency": URGENCY | {TURNS.danger: {"probability": 0.01}}}, Heard.MISSED_DANGER),
        ({"urgency": {}}, Heard.MISSED_DANGER),
    ],
    ids=lambda value: str(value) if isinstance(value, Heard) else "",
)
async def test_a_rasa_that_says_200_and_the_wrong_thing_is_found_at_once(
    line: Line, values: dict[str, Any], said: Heard
) -> None:
    """The next round finds it: after 30 seconds, and the time it takes to answer."""
    rasa = a_rasa()
    async with run_stage(line, rasa) as stage:
        await stage.ask()
        assert stage.answers[0] is True
        for name, value in values.items():
            setattr(rasa, name, value)
        await stage.ask_for(EVERY.total_seconds())

        assert stage.answers == (False, 0.0)
        assert stage.alarms == [(WRONG, f"m-live {said}")]
        rasa.urgency, rasa.responses = URGENCY, REPLIES
        await stage.ask_for(EVERY.total_seconds())
        assert (stage.answers[0], stage.alarms) == (True, [])


@pytest.mark.parametrize("mood", ["hangs", "is broken", "says nothing", "talks rubbish"])
async def test_one_that_gives_no_whole_answer_is_away_and_not_wrong(line: Line, mood: str) -> None:
    async with run_stage(line, a_rasa(mood=mood)) as stage:
        await stage.ask()

        assert stage.answers[0] is False
        assert stage.alarms == []


async def test_one_that_stays_away_is_told_after_as_long_as_a_start_may_take(line: Line) -> None:
    """Red when: each start of the service sounds it, or a longer absence does not."""
    async with run_stage(line) as stage:
        await stage.ask()
        await stage.ask_for(AWAY_FOR.total_seconds() - EVERY.total_seconds())
        assert stage.alarms == []
        await stage.ask_for(EVERY.total_seconds())
        assert stage.alarms == [(AWAY, "")]
        # A night in which nobody asked is not a night in which nobody answered.
        line.database.write_now(lambda tx: tx.alarms.end(AWAY))
        line.clock.advance(seconds=OLD_AFTER.total_seconds() + 1)
        assert stage.answers[0] is None
        await stage.ask_for(EVERY.total_seconds())
        assert stage.alarms == []


async def test_a_wrong_answer_is_not_forgiven_because_nobody_is_there_now(line: Line) -> None:
    rasa = a_rasa(responses={})
    async with run_stage(line, rasa) as stage:
        await stage.ask()
        rasa.mood = "is broken"
        await stage.ask_for(EVERY.total_seconds())

        assert [kind for kind, _ in stage.alarms] == [WRONG]


async def test_of_several_addresses_each_is_asked_and_one_wrong_is_too_many(line: Line) -> None:
    rasas = a_rasa(), a_rasa(responses={}), a_rasa(mood="is broken")
    async with run_stage(line, *rasas) as stage:
        await stage.ask()
        assert stage.alarms == [(WRONG, f"m-live {Heard.WRONG_REPLY}")]
        rasas[1].responses = REPLIES
        await stage.ask_for(EVERY.total_seconds())

        assert (stage.answers[0], stage.alarms) == (True, [])
    assert all(rasa.asked for rasa in rasas)


async def test_a_candidate_that_answers_nobody_is_not_asked(line: Line) -> None:
    """Red when: a model that guests only try sounds the alarm of the one people talk with."""
    line.database.write_now(
        lambda tx: model_releases.found(tx, a_birth("m-live"), file="m.tar.gz", paper="signed")
    )
    live, candidate = a_rasa(), a_rasa("m-candidate", responses={})
    async with run_stage(line, live, candidate, a_rasa(None)) as stage:
        await stage.ask()

        assert (stage.answers[0], stage.alarms) == (True, [])
    assert candidate.asked == []


async def test_a_live_model_that_is_nowhere_is_away(line: Line) -> None:
    line.database.write_now(
        lambda tx: model_releases.found(tx, a_birth("m-live"), file="m.tar.gz", paper="signed")
    )
    async with run_stage(line, a_rasa("m-other")) as stage:
        await stage.ask()

        assert stage.answers[0] is False


async def test_one_that_is_too_busy_to_say_it_is_there_is_asked_all_the_same(line: Line) -> None:
    """Red when: a Rasa under load counts as gone, which the desk would be told after three minutes of load."""
    rasa = a_rasa()
    async with run_stage(line, rasa) as stage:
        await stage.ask()
        rasa.is_busy = True
        await stage.ask_for(EVERY.total_seconds())

        assert stage.answers == (True, 0.0)
    assert len(rasa.asked) == 4


@pytest.mark.parametrize("one_by_one", [False, True], ids=["for all", "each by itself"])
async def test_switched_off_everywhere_it_is_asked_and_no_alarm_stands_until_it_is_on(
    line: Line, one_by_one: bool
) -> None:
    """Red when: what nobody gets an answer from sounds an alarm, or is not known before it is switched on."""
    rasa = a_rasa(responses={})
    async with run_stage(line, rasa) as stage:
        await stage.ask()
        assert [kind for kind, _ in stage.alarms] == [WRONG]
        switch(line, *(sorted(ANSWERED) if one_by_one else [None]), is_on=False)
        await stage.ask_for(EVERY.total_seconds())
        assert (stage.answers, stage.alarms) == ((False, 0.0), [])
        assert len(rasa.asked) == 4
        rasa.mood = "is broken"
        await stage.ask_for(2 * AWAY_FOR.total_seconds())
        assert (stage.answers, stage.alarms) == ((False, 0.0), [])

        switch(line, None, is_on=True)
        await stage.ask_for(EVERY.total_seconds())
        assert stage.alarms == [(AWAY, "")]
        rasa.mood = "answers"
        await stage.ask_for(EVERY.total_seconds())
        assert [kind for kind, _ in stage.alarms] == [WRONG]


async def test_off_on_one_channel_it_still_answers_on_others_and_is_told(line: Line) -> None:
    """Red when: one channel that is off silences the alarm of all."""
    async with run_stage(line, a_rasa(responses={})) as stage:
        switch(line, Channel.SMS, is_on=False)
        await stage.ask()

        assert [kind for kind, _ in stage.alarms] == [WRONG]


def switch(line: Line, *channels: Channel | None, is_on: bool) -> None:
    by = line.add_staff("on" if is_on else "off")

    def write(tx: SqlTransaction) -> None:
        for channel in channels:
            if is_on:
                tx.assistant_switch.turn_on(channel, by=by.id)
            else:
                tx.assistant_switch.turn_off(channel, reason="It gives wrong dates", by=by.id)

    line.database.write_now(write)


async def test_of_several_workers_one_asks(line: Line) -> None:
    rasa = a_rasa()
    async with run_stage(line, rasa) as stage:
        for _ in range(3):
            await ask_if_due(stage.make_asking())
        assert len(rasa.asked) == 2
        # And nobody asks the database before it is time.
        await stage.ask()
        statements: list[str] = []
        sa.event.listen(
            line.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2])
        )
        await stage.ask()
        assert (len(rasa.asked), statements) == (2, [])
        await stage.ask_for(EVERY.total_seconds())
        assert len(rasa.asked) == 4
