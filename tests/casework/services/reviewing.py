"""A line whose messages may teach, and the few acts of detectives and trainers the workbench's tests are about."""

import secrets
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import conversation, inbox
from casework.adapters.storage.transaction import SqlTransaction
from casework.adapters.storage.workbench_tables import review_reason
from casework.model.bands import Learned, Wish
from casework.model.desk import Outcome
from casework.model.masking.masker import LayeredMasker, load_masker
from casework.model.review_queues import Queue
from casework.services import annotations, review_inbox, review_steps
from casework.services.annotations import Settled
from casework.services.hand_backs import Finish, hand_back
from casework.services.labels import Judged
from casework.services.ports import AssistantAnswer, StaffMember
from casework.services.review_findings import Finding
from casework.services.workbench_ports import Decided, ReviewRow
from tests.support.builders import an_answer
from tests.support.clock import SetClock
from tests.support.line import Line

MASKER: LayeredMasker = load_masker(key=b"k" * 32, towns="Sampleford\n")
SURE = Wish(name="ask_status", confidence=0.99)


def make_line(database_url: str, clock: SetClock) -> Line:
    """As a force that allows what nobody decided about."""
    return Line(
        database=Database(create_engine(database_url), clock, may_teach_unless_said=True), clock=clock
    )


def an_answer_of(intent: str = "ask_status", confidence: float = 0.99, **values: Any) -> AssistantAnswer:
    """A turn's answer with what the model made of the message. `urgency`: of no category."""
    urgency = values.pop("urgency", 0.001)
    given: dict[str, Any] = {
        "wish": Wish(name=intent, confidence=confidence),
        "learned": Learned(probability=urgency, categories=values.pop("categories", {})),
    }
    return an_answer(**(given | values))


async def say(line: Line, text: str, *, answer: AssistantAnswer | None = None, **values: Any) -> int:
    """A message that came and was answered; its inbox id."""
    line.assistant.answers[text] = answer or an_answer_of()
    received = line.receive(text, **values)
    await line.answer_all()
    assert received.inbox_id is not None
    return received.inbox_id


async def review(line: Line, *, limit: int = 200, after_minutes: float = 61) -> int:
    """Later, when all is quiet, every step there is; how many."""
    line.clock.advance(minutes=after_minutes)
    steps = 0
    while await review_steps.take_next_review_step(line.database, limit=limit):
        steps += 1
        assert steps < 500
    return steps


def close_as(line: Line, inbox_id: int, outcome: Outcome, by: StaffMember, **judged: Any) -> None:
    """A detective takes the conversation, says what came of it and hands it back."""
    of = line.row(inbox, id=inbox_id).conversation_id
    line.claim(of, by)
    hours = line.answering().promising.hours
    finish = Finish(outcome=outcome, judged=Judged(**judged))
    line.database.write_now(
        lambda tx: hand_back(
            tx,
            of,
            finish,
            by=by,
            last_seen_inbox_id=tx.inbox.latest_id(of) or 0,
            texts=line.texts,
            hours=hours,
        )
    )


def queue_of(line: Line, queue: Queue, **values: Any) -> list[ReviewRow]:
    page = line.database.read_now(lambda tx: review_inbox.list_page(tx, queue, **values))
    return list(page.rows)


def why(line: Line, queue: Queue) -> list[tuple[int, str]]:
    return [(row.inbox_id, row.why) for row in queue_of(line, queue)]


def put(line: Line, inbox_id: int, queue: Queue = Queue.UNSURE, **values: Any) -> int:
    """Into a queue, whatever the sources say of it; it is long quiet."""
    finding = Finding(**({"inbox_id": inbox_id, "queue": queue, "why": "unsure", "harm": 5} | values))
    line.database.write_now(lambda tx: review_steps.note(tx, [finding]))
    return inbox_id


def decide(line: Line, inbox_id: int, by: StaffMember, **values: Any) -> Settled:
    """A label: `ask_status` where nothing is said. `kind="adjudication"` decides between two."""
    given: dict[str, Any] = {"kind": "label", "act": "decided", "form_id": secrets.token_hex(16)}
    if not values.get("risks") and values.get("act", "decided") == "decided":
        given["intent"] = "ask_status"
    decided = Decided(inbox_id=inbox_id, **(given | values))
    keep = annotations.adjudicate if decided.kind == "adjudication" else annotations.decide
    return line.database.write_now(lambda tx: keep(tx, decided, by=by))


def make_quiet(line: Line) -> None:
    line.clock.advance(hours=1)


def set_of(line: Line, of: str, **values: Any) -> None:
    """A column of a conversation, set by hand."""

    def write(tx: SqlTransaction) -> None:
        tx.connection.execute(sa.update(conversation).where(conversation.c.id == of).values(**values))

    line.database.write_now(write)


def reasons(line: Line) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in line.rows(review_reason)]
