"""Where the audit ends is signed every five minutes and handed on; what is not outside after ten is told."""

import asyncio
from dataclasses import dataclass, field

import pytest

from casework.adapters.storage.audit_tables import anchor_place, audit_anchor
from casework.adapters.storage.database import Database
from casework.adapters.storage.tables import alarm
from casework.model.audit_anchors import read_anchor
from casework.services import anchors
from casework.services.anchors import ALARM, Anchoring, HandOverFailed, StoredAnchor
from tests.support.clock import SetClock
from tests.support.line import Line


class OpenSigner:
    """Signs nothing: what is signed can be read."""

    def sign(self, content: bytes) -> str:
        return content.decode()


@dataclass
class FakePlace:
    name: str = "file:/outside"
    taken: list[int] = field(default_factory=list)
    fault: str | None = None
    tries: int = 0

    async def hand_over(self, anchor: StoredAnchor) -> None:
        self.tries += 1
        if self.fault is not None:
            raise HandOverFailed(self.fault)
        self.taken.append(anchor.number)


@dataclass
class Stage:
    line: Line
    place: FakePlace = field(default_factory=FakePlace)
    other: FakePlace = field(default_factory=lambda: FakePlace(name="syslog+tcp://other"))

    @property
    def anchoring(self) -> Anchoring:
        return Anchoring(store=self.line.database, signer=OpenSigner(), places=(self.place, self.other))

    async def work(self) -> None:
        """What the worker's loops do, until nothing is left to do."""
        while await anchors.sign_if_due(self.anchoring):
            pass
        for place in self.anchoring.places:
            while await anchors.hand_over_next(self.anchoring, place):
                pass
        await anchors.settle_alarm(self.anchoring)

    async def pass_time(self, minutes: float) -> None:
        """A step each minute, as if the worker had run all the time."""
        for _ in range(round(minutes)):
            self.line.clock.advance(minutes=1)
            await self.work()

    def list_alarms(self) -> list[tuple[str, str]]:
        return [(row.kind, row.detail) for row in self.line.rows(alarm) if row.ended_at is None]


@pytest.fixture
def stage(database: Database, clock: SetClock) -> Stage:
    return Stage(Line(database=database, clock=clock))


async def test_a_head_of_every_chain_is_signed_every_five_minutes(stage: Stage) -> None:
    """Red when: a quiet time is left out; outside, a gap must mean that somebody stopped the signing."""
    stage.line.database.write_now(lambda tx: tx.audit.record("shift_started", by="staff"))
    await stage.work()
    await stage.pass_time(4)
    assert [row.number for row in stage.line.rows(audit_anchor)] == [1]

    await stage.pass_time(6)

    signed = [read_anchor(row.signed.encode()) for row in stage.line.rows(audit_anchor)]
    assert [each.number for each in signed] == [1, 2, 3]
    assert signed[0].heads == signed[2].heads
    [head] = signed[0].heads
    assert head.seq == 1
    assert stage.place.taken == stage.other.taken == [1, 2, 3]
    assert stage.list_alarms() == []


async def test_of_two_workers_one_signs(stage: Stage) -> None:
    """Red when: `_sign` does not look again whether it is due, and the number is not held by the database."""
    for _ in range(5):
        signed = await asyncio.gather(*(anchors.sign_if_due(stage.anchoring) for _ in range(4)))
        assert sorted(signed) == [False, False, False, True]
        stage.line.clock.advance(minutes=5)

    assert [row.number for row in stage.line.rows(audit_anchor)] == [1, 2, 3, 4, 5]


async def test_a_place_that_fails_is_tried_again_and_told_after_ten_minutes(stage: Stage) -> None:
    """The other place goes on meanwhile. Red when: the alarm looks at one place, or at the newest head alone."""
    await stage.work()
    stage.place.fault = "ECONNREFUSED"
    await stage.pass_time(10)
    assert stage.list_alarms() == []

    await stage.pass_time(5)

    assert stage.list_alarms() == [(ALARM, "file:/outside ECONNREFUSED")]
    assert stage.place.tries > 5
    assert stage.other.taken == [1, 2, 3, 4]

    stage.place.fault = None
    await stage.pass_time(1)

    assert stage.place.taken == [1, 2, 3, 4]
    assert stage.list_alarms() == []
    assert stage.line.row(anchor_place, place="file:/outside").fault is None


async def test_a_place_that_does_not_answer_is_not_asked_without_pause(stage: Stage) -> None:
    stage.place.fault = "timeout"
    await stage.work()

    for _ in range(3):
        await anchors.hand_over_next(stage.anchoring, stage.place)

    assert stage.place.tries == 1


async def test_it_is_told_when_nothing_is_signed_any_more(stage: Stage) -> None:
    await stage.work()
    stage.line.clock.advance(minutes=10)

    await anchors.settle_alarm(stage.anchoring)

    assert stage.list_alarms() == [(ALARM, "nothing is signed")]


async def test_a_new_place_begins_with_the_newest(stage: Stage) -> None:
    """A mailbox that is set up after a year gets no hundred thousand letters."""
    await stage.work()
    await stage.pass_time(20)
    late = FakePlace(name="mailto:auditor@example.org")
    anchoring = Anchoring(store=stage.line.database, signer=OpenSigner(), places=(late,))

    while await anchors.hand_over_next(anchoring, late):
        pass

    assert late.taken == [5]
