"""The whole straight line of a message over a real database, one step a call, nothing in the background."""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.database import Database
from casework.adapters.storage.key_tables import key_check
from casework.adapters.storage.sealed import Sealed
from casework.adapters.storage.tables import conversation, metadata, outbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.bands import Bands, load_band_limits, load_band_says
from casework.model.desk import Outcome
from casework.model.messages import Channel
from casework.model.staffed_hours import load_staffed_hours
from casework.services import answer, deliver, desk, prove, silence
from casework.services.ports import Conversation, NameFailure, StaffMember
from casework.services.promises import load_promising
from casework.services.receipts import name_nothing
from casework.services.receive import Received, receive_message
from casework.services.safety_lines import SafetyLines, load_safety_lines
from casework.services.service_texts import ServiceTexts, load_service_texts
from tests.support.builders import a_case, an_sms
from tests.support.clock import SetClock
from tests.support.fakes import FakeAssistant, FakeSender, FixedScreen, PlainCodeBook

Row = Any


def load_bands() -> Bands:
    """The packaged limits; sentences for the learned layer, and for rules of a test their own name."""
    learned = load_band_says()
    return Bands(limits=load_band_limits(), says=lambda rule: learned.get(rule, f"says {rule}"))


@dataclass(repr=False)
class Line:
    database: Database
    clock: SetClock
    assistant: FakeAssistant = field(default_factory=FakeAssistant)
    sender: Any = field(default_factory=FakeSender)
    screen: FixedScreen = field(default_factory=FixedScreen)
    safety_lines: SafetyLines = field(default_factory=load_safety_lines)
    codes: PlainCodeBook = field(default_factory=PlainCodeBook)
    texts: ServiceTexts = field(default_factory=load_service_texts)
    bands: Bands = field(default_factory=load_bands)
    name_failure: NameFailure = name_nothing
    pace: deliver.Pace | None = None

    # --- what the world does ---

    def receive(self, text: str = "what is happening with my case", **values: Any) -> Received:
        return self.receive_again(an_sms(text, **({"received_at": self.clock.now()} | values)))

    def receive_again(self, message: Any) -> Received:
        return self.database.write_now(lambda tx: self.take_in(tx, message))

    def take_in(self, tx: SqlTransaction, message: Any) -> Received:
        return receive_message(
            tx,
            message,
            screen=self.screen,
            safety_lines=self.safety_lines,
            bands=self.bands,
            texts=self.texts,
        )

    def open(self, external_id: str, channel: Channel = Channel.SMS) -> str:
        """A conversation whose person has just written: what answers them may leave."""

        def open_and_hear(tx: SqlTransaction) -> str:
            opened = tx.conversations.open(channel, external_id)
            tx.connection.execute(
                sa.update(conversation).where(conversation.c.id == opened.id).values(last_inbound_at=tx.now)
            )
            return opened.id

        return self.database.write_now(open_and_hear)

    # --- what the worker does ---

    def answering(self, worker_id: str = "answerer") -> answer.Answering:
        return answer.Answering(
            store=self.database,
            assistant=self.assistant,
            texts=self.texts,
            codes=self.codes,
            bands=self.bands,
            safety_lines=self.safety_lines,
            worker_id=worker_id,
            promising=load_promising(self.texts, load_staffed_hours()),
            retry_after_seconds=0.0,
        )

    async def answer(self, worker_id: str = "answerer") -> bool:
        return await answer.answer_next_turn(self.answering(worker_id))

    async def answer_all(self) -> None:
        while await self.answer():
            pass

    def delivering(self, worker_id: str = "sender") -> deliver.Delivering:
        return deliver.Delivering(
            store=self.database,
            senders=dict.fromkeys(Channel, self.sender),
            texts=self.texts,
            worker_id=worker_id,
            name_failure=self.name_failure,
            pace=self.pace,
        )

    async def deliver(self, worker_id: str = "sender") -> bool:
        return await deliver.deliver_next_message(self.delivering(worker_id))

    async def deliver_all(self) -> None:
        while await self.deliver():
            pass

    async def issue_codes(self) -> None:
        while await prove.issue_next_code(self.database, codes=self.codes, texts=self.texts):
            pass

    async def note_silences(self) -> None:
        while await silence.note_next_silence(self.database, self.bands.limits):
            pass

    # --- what staff do ---

    def add_staff(self, login: str = "rowan") -> StaffMember:
        def add(tx: Any) -> StaffMember:
            staff_id = tx.staff.add(
                login=login,
                display_name=f"{login.title()} Test-Detective",
                role="investigator",
                password_hash="x",
            )
            found: StaffMember = tx.staff.get(staff_id)
            return found

        return self.database.write_now(add)

    def claim(self, conversation_id: str, by: StaffMember) -> Conversation:
        return self.database.write_now(
            lambda tx: desk.claim_conversation(tx, conversation_id, by=by, texts=self.texts)
        )

    def reply(self, conversation_id: str, text: str, by: StaffMember, **values: Any) -> None:
        def write(tx: Any) -> None:
            seen = values.get("last_seen_inbox_id", tx.inbox.latest_id(conversation_id) or 0)
            form_id = values.get("form_id", f"form {text}")
            desk.reply_as_staff(tx, conversation_id, text, by=by, last_seen_inbox_id=seen, form_id=form_id)

        self.database.write_now(write)

    def close(self, conversation_id: str, outcome: Outcome, by: StaffMember) -> int:
        def close(tx: Any) -> int:
            seen = tx.inbox.latest_id(conversation_id) or 0
            return desk.close_items(tx, conversation_id, outcome, by=by, last_seen_inbox_id=seen)

        return self.database.write_now(close)

    def hand_back(self, conversation_id: str, outcome: Outcome | None, by: StaffMember) -> None:
        def hand_back(tx: Any) -> None:
            seen = tx.inbox.latest_id(conversation_id) or 0
            desk.hand_back(tx, conversation_id, outcome, by=by, last_seen_inbox_id=seen, texts=self.texts)

        self.database.write_now(hand_back)

    def return_to_queue(self, conversation_id: str, by: StaffMember) -> None:
        self.database.write_now(lambda tx: desk.return_to_queue(tx, conversation_id, by=by))

    # --- what a test looks at ---

    def rows(self, table: sa.Table, **where: Any) -> list[Row]:
        query = sa.select(table).order_by(*table.primary_key.columns)
        # What is sealed is compared here: no condition looks inside it.
        sealed = {name for name in where if isinstance(table.c[name].type, Sealed)}
        for name in where.keys() - sealed:
            query = query.where(table.c[name] == where[name])
        found = self.database.read_now(lambda tx: tx.connection.execute(query).all())
        return [row for row in found if all(getattr(row, name) == where[name] for name in sealed)]

    def row(self, table: sa.Table, **where: Any) -> Row:
        [found] = self.rows(table, **where)
        return found

    def conversation(self, conversation_id: str) -> Row:
        return self.row(conversation, id=conversation_id)

    def outgoing(self, conversation_id: str) -> list[tuple[str, str]]:
        """(text, status) of everything written towards the person, oldest first."""
        return [(row.text, row.status) for row in self.rows(outbox, conversation_id=conversation_id)]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every value of every row of every table, but for what was there before anybody wrote."""
        tables = [table for table in metadata.sorted_tables if table is not key_check]
        return {table.name: [tuple(row) for row in self.rows(table)] for table in tables}

    def add_cases(self, *cases: Any) -> None:
        self.database.write_now(lambda tx: tx.cases.record_all(list(cases) or [a_case()]))
