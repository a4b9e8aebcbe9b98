"""Whole conversations through the service: real storage, screen, Rasa and actions; only the meaning is told.

What a message means stands before its bar (tests/bot/dialogue_bot); a message without one is not understood.
"""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from actions.database_reads import DatabaseReads
from actions.server import build_actions_app
from casework.adapters.assistant import RasaAssistant
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import desk_item, outbox, turn
from casework.bootstrap import build_service
from casework.model.sms_segments import count_segments
from tests.bot.rasa_process import SECRET, Rasa, running_rasa
from tests.console.desk_site import desk_environ
from tests.support.builders import REFERENCE, VICTIM, a_case
from tests.support.clock import SetClock
from tests.support.dialogue_rasa import dialogue_model as dialogue_model
from tests.support.line import Line
from tests.support.running import free_port

pytestmark = pytest.mark.rasa

ACTIONS_PORT = free_port()
UNIFORM = "If that matches our records"
OTHER_REFERENCE = "43260012346"


@pytest.fixture(scope="module")
def rasa(dialogue_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rasa]:
    log = tmp_path_factory.mktemp("conversations") / "rasa.log"
    with running_rasa(dialogue_model, ACTIONS_PORT, log) as running:
        yield running


class Conversation:
    """One person and the service, one message and its answer at a time."""

    def __init__(self, line: Line, clock: SetClock) -> None:
        self.line = line
        self.clock = clock

    async def say(self, text: str) -> str:
        """What the person gets back for it; several messages joined."""
        seen = len(self.line.rows(outbox))
        done = self.line.receive(text, external_id=VICTIM, received_at=self.clock.now())
        await self.line.answer_all()
        rows = self.line.rows(outbox)[seen:]
        return "\n".join(row.text for row in rows if row.conversation_id == done.conversation_id)

    async def take_code(self) -> str:
        """The code that has just been asked for, as it would arrive on the phone of record."""
        seen = len(self.line.rows(outbox))
        await self.line.issue_codes()
        sent = [
            found[1] for row in self.line.rows(outbox)[seen:] if (found := re.search(r"(\d{6})", row.text))
        ]
        return sent[-1] if sent else ""

    def items(self) -> list[str]:
        """The reasons of the desk's items, oldest first."""
        return [row.reason for row in self.line.rows(desk_item)]


@pytest_asyncio.fixture
async def talk(rasa: Rasa, tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Conversation]:
    clock = SetClock()
    service = build_service(Settings.from_env(desk_environ(tmp_path, sqlite_template)), clock=clock)
    today = clock.now().date()
    runner = web.AppRunner(build_actions_app(DatabaseReads(service), SECRET, today=lambda: today))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", ACTIONS_PORT, reuse_address=True).start()
    async with aiohttp.ClientSession() as session:
        line = Line(
            database=service.database,
            clock=clock,
            assistant=RasaAssistant([f"http://127.0.0.1:{rasa.port}"], SECRET, session),
            screen=service.screen,
            codes=service.codes,
            bands=service.bands,
        )
        line.add_cases(a_case())
        yield Conversation(line, clock)
    await runner.cleanup()
    service.database.close()


async def prove(talk: Conversation) -> None:
    await talk.say(REFERENCE)
    await talk.say(await talk.take_code())


async def test_danger_in_the_middle_is_handed_over_and_the_code_is_still_taken(talk: Conversation) -> None:
    await talk.say("ask_oic_contact | who is my officer")
    asked = await talk.say(REFERENCE)
    code = await talk.take_code()
    danger = await talk.say("he is outside my house now")
    linked = await talk.say(code)

    assert UNIFORM in asked
    assert "999" in danger and "crime reference" not in danger
    assert talk.items() == ["disclosure"]
    assert "I now know it is you" in linked and "DC Robin Test-Officer" in linked


async def test_a_corrected_reference_is_the_one_that_gets_the_code(talk: Conversation) -> None:
    await talk.say("ask_status | any news")
    await talk.say(OTHER_REFERENCE)
    decoy = await talk.take_code()
    corrected = await talk.say(f"sorry meant {REFERENCE}")
    linked = await talk.say(await talk.take_code())

    assert decoy == ""
    assert UNIFORM in corrected
    assert "We are investigating" in linked


async def test_two_wishes_are_one_text_message_and_the_officers_is_on_the_desk(talk: Conversation) -> None:
    await prove(talk)
    reply = await talk.say("ask_status +message_for_officer | tell her im away. any news")

    assert "your officer to see" in reply and "News on my case" in reply
    assert count_segments(reply) <= 2
    assert talk.items() == ["message_for_officer"]
    assert "We are investigating" in await talk.say("affirm | yes")


async def test_two_misunderstandings_bring_a_person_and_say_so(talk: Conversation) -> None:
    first, before = await talk.say("qwrt zxcv"), talk.items()
    second = await talk.say("plk mnbv")

    assert "Try other words" in first and before == []
    assert "a person will read this" in second and talk.items() == ["not_understood"]


async def test_not_that_offers_others_then_a_person(talk: Conversation) -> None:
    await talk.say("complain,ask_court,ask_support | she never came")
    offered = await talk.say("not_that | thats not what i asked")
    person = await talk.say("not_that | no")

    assert "1 When is court 2 Support near me 3 A person" in offered
    assert "a person will read this" in person and talk.items() == ["not_understood"]


async def test_the_same_question_three_times_brings_a_person(talk: Conversation) -> None:
    await prove(talk)
    first, second, third = [await talk.say("ask_status | any news") for _ in range(3)]

    assert "We are investigating" in first and "Would you like a person?" in second
    assert first != second
    assert "a person will read this" in third and talk.items() == ["not_understood"]


async def test_the_next_day_the_old_code_is_told_kindly_and_nothing_is_presumed(talk: Conversation) -> None:
    await talk.say("ask_status | any news")
    await talk.say(REFERENCE)
    code = await talk.take_code()
    talk.clock.advance(hours=25)
    late = await talk.say(code)
    await talk.say(REFERENCE)
    linked = await talk.say(await talk.take_code())

    assert "Your code has run out" in late
    assert "I now know it is you" in linked
    assert "We are investigating" not in linked or "What would you like to know" in linked


async def test_a_question_of_the_day_before_is_no_repetition(talk: Conversation) -> None:
    await prove(talk)
    first = await talk.say("ask_status | any news")
    talk.clock.advance(hours=20)
    again = await talk.say("ask_status | any news")

    assert again == first


async def test_after_a_day_unused_the_case_is_told_only_to_who_proves_it_again(talk: Conversation) -> None:
    await prove(talk)
    await talk.say("ask_status | any news")
    talk.clock.advance(hours=25)
    unproved = await talk.say("ask_status | any news")
    await talk.say(REFERENCE)
    proved = await talk.say(await talk.take_code())

    assert "investigating" not in unproved and "Type your crime reference" in unproved
    assert "We are investigating" in proved


async def test_another_language_is_answered_and_waits_for_a_person(talk: Conversation) -> None:
    reply = await talk.say("nie mówię po angielsku, gdzie jest moja sprawa")

    assert "tlumacza" in reply and "We can get an interpreter" in reply
    assert talk.items() == ["asked_for_person"]


async def test_who_asks_about_somebody_else_learns_nothing_with_or_without_proof(talk: Conversation) -> None:
    before = await talk.say(f"ask_about_victim | where does she live, {REFERENCE}")
    await prove(talk)
    after = await talk.say("ask_about_victim | did she withdraw")

    assert before == after
    assert "Alex" not in before and "investigating" not in before
    assert talk.items() == []
    assert [row.outcome for row in talk.line.rows(turn)] == ["answered"] * 4


async def test_a_child_gets_a_line_for_children_and_an_answer(talk: Conversation) -> None:
    reply = await talk.say("ask_status | im 12 whats happening with my case")

    assert "Childline 0800 1111" in reply and "999" in reply
    assert count_segments(reply) <= 2


async def test_abuse_is_never_answered_in_kind_and_ends_with_a_person(talk: Conversation) -> None:
    first, second, third = [await talk.say("abuse | you are useless") for _ in range(3)]

    assert "OK to be angry" in first and "Would you like a person?" in second
    assert "A person will read this" in third and talk.items() == ["not_understood"]
