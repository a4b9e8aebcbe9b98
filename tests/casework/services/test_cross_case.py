"""cross_case_property: two victims at once, in any order, and neither ever reads a word of the other's case."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.case import TellAboutCase
from actions.database_reads import DatabaseReads
from actions.proof import CheckCode, RequestCode
from actions.telling import Wish
from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.schema import metadata
from casework.adapters.storage.tables import outbox
from casework.bootstrap import build_service
from casework.model.cases import Case, CaseEvent
from casework.model.messages import Channel
from casework.services.ports import AssistantAnswer, AssistantReply, JsonObject
from tests.actions.asking import Said, ask, render
from tests.channels.webchat_site import make_settings
from tests.support.builders import a_case
from tests.support.clock import SetClock
from tests.support.databases import copy_sqlite, lift_audit_triggers
from tests.support.line import Line

PAIRS = 1000
TODAY = date(2026, 11, 21)
STEPS = ("status", "officer", "next", "reference", "other reference", "code", "issue", "stage")
CHANNELS = (Channel.SMS, Channel.WEBCHAT, Channel.WHATSAPP)


@dataclass
class ActingAssistant:
    """The real actions over the real database, without Rasa between them and the text."""

    reads: DatabaseReads
    asked: list[str] = field(default_factory=list)

    async def ask(
        self,
        *,
        turn_id: str,
        conversation: str,
        text: str,
        state: JsonObject | None,
        facts: JsonObject,
        models: tuple[str, ...] = (),
    ) -> AssistantAnswer:
        said = await self._act(text, conversation)
        replies = [
            AssistantReply(response=message["response"] or "", text=render(message, str(facts["channel"])))
            for message in said.messages
            if message["response"]
        ]
        return AssistantAnswer(
            replies=tuple(replies), effects=tuple(said.effects), state={"v": 1}, model="acting"
        )

    async def _act(self, text: str, conversation: str) -> Said:
        word, _, rest = text.partition(" ")
        if word == "code":
            action: Any = CheckCode(self.reads, lambda: TODAY)
            slots = {"wish": "officer"}
            return await ask(
                action, text, entities={"one_time_code": rest}, slots=slots, conversation=conversation
            )
        if word == "reference":
            action = RequestCode(self.reads, lambda: TODAY)
        else:
            action = TellAboutCase(self.reads, Wish(word), lambda: TODAY)
        return await ask(action, text, conversation=conversation)


@dataclass(frozen=True)
class Victim:
    """Everything of their case that a person could read holds their own canary."""

    name: str
    number: str
    reference: str

    @property
    def canary(self) -> str:
        return f"canary{self.name}"

    def case(self, stage_since: date = date(2026, 11, 1)) -> Case:
        return a_case(
            crime_reference=self.reference,
            crime_type=f"burglary {self.canary}",
            oic_name=f"DC {self.canary}",
            oic_collar_number=f"C{self.canary}",
            oic_contact=f"101 {self.canary}",
            victim_name=f"Alex {self.canary}",
            contact_mobile=self.number,
            contact_email=f"{self.canary}@example.org",
            stage_since=stage_since,
            events=(CaseEvent(at=SetClock().now(), kind="note", detail=self.canary),),
        )


ANNE = Victim("one", "+447700900001", "43260000001")
BEN = Victim("two", "+447700900002", "43260000002")
DUE = {ANNE.name: date(2026, 12, 10), BEN.name: date(2026, 12, 24)}
SEEN: dict[str, int] = {"runs": 0, "told": 0}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("cross-case")
    clock = SetClock()
    database = Database(create_engine(copy_sqlite(sqlite_template, folder / "waymark.db")), clock)
    made = Line(database=database, clock=clock)
    service = replace(
        build_service(make_settings(folder, "http://127.0.0.1"), clock=clock),
        database=database,
        codes=made.codes,
    )
    made.assistant = ActingAssistant(DatabaseReads(service))  # type: ignore[assignment]
    yield made
    database.close()


def empty(line: Line) -> None:
    def delete(tx: Any) -> None:
        lift_audit_triggers(tx.connection)
        for table in reversed(metadata.sorted_tables):
            tx.connection.execute(table.delete())

    line.database.write_now(delete)
    line.codes.issued.clear()


async def play(line: Line, steps: list[tuple[int, str]], channels: tuple[Channel, Channel]) -> None:
    empty(line)
    line.add_cases(*(replace(victim.case(), next_update_due=DUE[victim.name]) for victim in (ANNE, BEN)))
    pair = ((ANNE, BEN), (BEN, ANNE))
    for who, step in [(0, "reference"), (1, "reference"), (0, "issue"), *steps]:
        own, other = pair[who]
        await do(line, step, own, other, channels[who])
        await line.answer()
    await line.answer_all()


async def do(line: Line, step: str, own: Victim, other: Victim, channel: Channel) -> None:
    texts = {
        "status": "status",
        "officer": "officer please",  # alone it is a keyword: it asks for a person
        "next": "next_steps",
        "reference": f"reference {own.reference}",
        "other reference": f"reference {other.reference}",
        "code": f"code {find_code(line, own)}",
    }
    if step == "issue":
        await line.issue_codes()
    elif step == "stage":
        moved = replace(own.case(), stage="charged", next_update_due=DUE[own.name])
        line.add_cases(moved)
    else:
        address = own.number if channel is not Channel.WEBCHAT else f"browser-{own.name}"
        line.receive(texts[step], external_id=address, channel=channel)


def find_code(line: Line, of: Victim) -> str:
    """The newest code that reached this victim's phone: what they, or whoever took it, could type."""
    sent = [row.text for row in line.rows(outbox, template="one_time_code") if row.to == of.number]
    return sent[-1].split("code is ")[1][:6] if sent else "000000"


def check(line: Line, channels: tuple[Channel, Channel]) -> None:
    for victim, other, channel in ((ANNE, BEN, channels[0]), (BEN, ANNE, channels[1])):
        address = victim.number if channel is not Channel.WEBCHAT else f"browser-{victim.name}"
        words = " ".join(row.text for row in line.rows(outbox, to=address) if row.channel == channel.value)
        SEEN["told"] += victim.canary in words
        assert other.canary not in words, words
        assert f"{DUE[other.name].day} December" not in words, words


interleavings = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(STEPS)),
    min_size=2,
    max_size=7,
)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@settings(max_examples=PAIRS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(steps=interleavings, channels=st.tuples(st.sampled_from(CHANNELS), st.sampled_from(CHANNELS)))
def test_no_reply_ever_holds_a_word_of_the_other_victims_case(
    line: Line, steps: list[tuple[int, str]], channels: tuple[Channel, Channel]
) -> None:
    ending = [(0, "code"), (1, "code"), (0, "officer"), (1, "officer")]
    asyncio.run(play(line, [*steps, *ending], channels))
    check(line, channels)
    SEEN["runs"] += 1


@pytest.mark.slow
def test_the_property_was_looked_at_often_enough(capsys: pytest.CaptureFixture[str]) -> None:
    if SEEN["runs"]:
        with capsys.disabled():
            sys.stdout.write(
                f"\n{SEEN['runs']} interleaved pairs, {SEEN['told']} times a victim read their own case"
            )
        assert SEEN["runs"] >= PAIRS
        assert SEEN["told"] > PAIRS / 2
