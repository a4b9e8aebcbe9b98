"""Whoever claims, exactly one has it; and while somebody has it, nothing of the assistant leaves.

Red when: `claim_conversation` gives away what somebody has; or `deliver._prepare` leaves out either look at the epoch,
the one at the time of the lease or the one just before it leaves.

More of both: `WAYMARK_RACES=1000 WAYMARK_LIVES=10000 ./waymark test -m slow tests/casework/services/test_claim_race.py`
"""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.tables import audit, conversation, outbox
from casework.model.desk import Outcome
from casework.model.errors import AlreadyClaimed
from casework.model.messages import Author, NotSentReason, OutboxStatus
from casework.services import answer, deliver, desk
from casework.services.ports import Delivery, LeasedDelivery, LeasedTurn, StaffMember
from tests.support.builders import an_answer
from tests.support.line import Line

STAFF = 8
RACES_EACH_TIME, LIVES_EACH_TIME = 60, 100
RACES = int(os.environ.get("WAYMARK_RACES", "200"))
LIVES = int(os.environ.get("WAYMARK_LIVES", "500"))
MOVES = 9  # of one interleaving, before everything under way is brought to its end


# --- claim_race -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "races", [RACES_EACH_TIME, pytest.param(RACES, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_claim_race(line: Line, races: int) -> None:
    """Real threads, each with a connection of its own. Every loser is told who was first."""
    staff = [line.add_staff(f"staff{number}") for number in range(STAFF)]
    conversations = [line.open(f"+447700900{number:04d}") for number in range(races)]
    start = threading.Barrier(STAFF)

    def claim_all(by: StaffMember) -> list[tuple[str, str]]:
        """(conversation, who has it as this person was told)"""
        told = []
        for conversation_id in conversations:
            start.wait()
            try:
                line.claim(conversation_id, by)
                told.append((conversation_id, by.display_name))
            except AlreadyClaimed as refusal:
                told.append((conversation_id, refusal.owner_name))
        return told

    with ThreadPoolExecutor(STAFF) as pool:
        told = [pair for each in pool.map(claim_all, staff) for pair in each]

    names = {each.id: each.display_name for each in staff}
    owners = {row.id: names[row.owner_id] for row in line.rows(conversation)}
    assert sorted(owners) == sorted(conversations)
    assert {row.epoch for row in line.rows(conversation)} == {1}
    # All eight were told the same name, and it is the one who has it.
    assert sorted(told) == sorted((each, owners[each]) for each in conversations for _ in range(STAFF))
    assert len(line.rows(audit, act="conversation_claimed")) == races


# --- what leaves while somebody has it -------------------------------------------------------------


class Life:
    """One conversation, and moves that may come in any order. A move that finds nothing to do is a move as well.

    The steps of a worker are taken apart where another process may come in between: a turn is leased, and its answer
    comes back later; a message is leased, and leaves later.
    """

    def __init__(self, line: Line, staff: list[StaffMember], number: int, dice: random.Random) -> None:
        self.line, self.staff, self.dice = line, staff, dice
        self.address = f"+4477009{number:05d}"
        self.conversation_id = line.open(self.address)
        self.turn: LeasedTurn | None = None
        self.leased: LeasedDelivery | None = None
        self.answering, self.delivering = line.answering(), line.delivering()
        self.left: list[int] = []
        self.left_while_owned: list[int] = []
        self.moves = [self.write, self.lease_turn, self.commit_turn, self.lease_send, self.send]
        self.moves += [self.claim, self.reply, self.hand_back, self.let_go, self.take_over]

    def live(self) -> None:
        self.write()
        for _ in range(MOVES):
            self.dice.choice(self.moves)()
        while self.bring_to_an_end():
            pass

    def bring_to_an_end(self) -> bool:
        self.lease_turn()
        self.lease_send()
        is_under_way = self.turn is not None or self.leased is not None
        self.commit_turn()
        self.send()
        return is_under_way

    @property
    def owner(self) -> StaffMember | None:
        row = self.line.database.read_now(lambda tx: tx.conversations.get(self.conversation_id))
        return next((each for each in self.staff if each.id == row.owner_id), None)

    def write(self) -> None:
        self.line.receive("what is happening", external_id=self.address)

    def lease_turn(self) -> None:
        if self.turn is not None:
            return
        taken = self.line.database.write_now(lambda tx: answer._lease(tx, self.answering))
        # What somebody has is theirs to answer: `_lease` has ended that turn.
        self.turn = None if taken is None or taken.is_settled else taken.turn

    def commit_turn(self) -> None:
        """The assistant's answer comes back, whatever has happened since it was asked."""
        turn, self.turn = self.turn, None
        if turn is not None:
            self.line.database.write_now(
                lambda tx: answer.commit_answer(tx, turn, an_answer(), self.answering)
            )

    def lease_send(self) -> None:
        if self.leased is None:
            self.leased = self.line.database.write_now(
                lambda tx: tx.outbox.lease_next("sender", lease_seconds=deliver.LEASE_SECONDS)
            )

    def send(self) -> None:
        leased, self.leased = self.leased, None
        if leased is not None:
            self.line.database.write_now(lambda tx: self._send(tx, leased))

    def _send(self, tx: Any, leased: LeasedDelivery) -> None:
        _, hindrance = deliver._prepare(tx, self.delivering, leased)
        sent = deliver._settle(self.delivering, leased, Delivery(status=OutboxStatus.SENT))
        (hindrance or sent)(tx)
        if hindrance is None and leased.message.author is Author.ASSISTANT:
            owner_id = tx.conversations.get(leased.message.conversation_id).owner_id
            (self.left if owner_id is None else self.left_while_owned).append(leased.outbox_id)

    def claim(self) -> None:
        try:
            self.line.claim(self.conversation_id, self.dice.choice(self.staff))
        except AlreadyClaimed:
            return

    def take_over(self) -> None:
        by = self.dice.choice(self.staff)
        self.line.database.write_now(
            lambda tx: desk.take_over(
                tx, self.conversation_id, by=by, reason="a reason", texts=self.line.texts
            )
        )

    def reply(self) -> None:
        if self.owner is not None:
            self.line.reply(self.conversation_id, f"words {self.dice.random()}", by=self.owner)

    def hand_back(self) -> None:
        if self.owner is not None:
            self.line.hand_back(self.conversation_id, Outcome.TEST, by=self.owner)

    def let_go(self) -> None:
        if self.owner is not None:
            self.line.return_to_queue(self.conversation_id, self.owner)


def make_fast(line: Line) -> None:
    """What is tested is the order of things, not that a disk keeps them."""
    engine = line.database.engine
    relax = "PRAGMA synchronous=OFF" if engine.dialect.name == "sqlite" else "SET synchronous_commit = off"

    @sa.event.listens_for(engine, "connect")
    def do_not_wait(connection: Any, _record: Any) -> None:
        connection.cursor().execute(relax)

    engine.dispose()


@pytest.mark.parametrize(
    ("seed", "lives"),
    [(0, LIVES_EACH_TIME), pytest.param(1, LIVES, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_in_no_order_of_things_does_the_assistant_speak_while_somebody_has_it(
    line: Line, seed: int, lives: int
) -> None:
    """Interleavings of claim, reply, hand-back, take-over and the two halves of the assistant's turn."""
    make_fast(line)
    staff = [line.add_staff(f"staff{number}") for number in range(3)]
    dice = random.Random(seed)
    lived = [Life(line, staff, number, dice) for number in range(lives)]
    for life in lived:
        life.live()

    assert [each.left_while_owned for each in lived if each.left_while_owned] == []
    rows = line.rows(outbox, author="assistant")
    assert {row.status for row in rows} == {"sent", "suppressed"}
    # What came too late is kept, and says why. Both happen, or the dice proved nothing.
    late = [row for row in rows if row.status == "suppressed"]
    assert {row.reason for row in late} == {NotSentReason.PERSON_TOOK_OVER.value}
    assert len(late) > lives / 20
    assert sum(len(each.left) for each in lived) > lives / 20
