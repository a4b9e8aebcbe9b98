"""Ten years of retention, leap days among them, beside a small model of its own: what went is what the model says.

Red when: `is_held` is left out of `_is_due` (a held row goes); `covers_until` is compared with nothing (what nobody
exported goes); an empty column is not ruled out in `Belongings._is_of_parent` (a row that names no case stays for
ever); `<=` becomes `<` in `_is_older` (a row stays past its moment).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from casework.adapters.storage.keeping_tables import hold, record_export
from casework.adapters.storage.tables import (
    case,
    code_request,
    conversation,
    delivery_attempt,
    delivery_event,
    inbox,
    metadata,
    outbox,
    person,
    standing,
    turn,
    web_session,
)
from casework.adapters.storage.transaction import SqlTransaction
from casework.model.retention import load_retention
from casework.services import retention
from tests.support.keeping import Keeper
from tests.support.line import Line
from tests.support.rows import put_rows

BEGINS, ENDS = datetime(2024, 2, 20, tzinfo=UTC), datetime(2034, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)
LEAP_DAYS = [datetime(year, 2, 29, 12, tzinfo=UTC) for year in (2024, 2028, 2032)]
Key = tuple[str, Any]


@dataclass
class World:
    """What was put in, as plain values. `gone`: (table, key) of every row the model says is deleted."""

    at: dict[Key, tuple[datetime, ...]] = field(default_factory=dict)
    whose: dict[Key, str] = field(default_factory=dict)
    hangs_on: dict[Key, Key] = field(default_factory=dict)
    exports: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    holds: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    gone: set[Key] = field(default_factory=set)

    def put(self, key: Key, whose: str, *at: datetime, on: Key | None = None) -> None:
        self.at[key], self.whose[key] = at, whose
        if on is not None:
            self.hangs_on[key] = on

    def run_to(self, now: datetime) -> None:
        for key in sorted(
            self.at.keys() - self.gone, key=lambda each: (each[0] == "conversation", str(each))
        ):
            if self._is_over(key, now):
                self.gone.add(key)
        while hanging := {key for key, on in self.hangs_on.items() if on in self.gone} - self.gone:
            self.gone |= hanging

    def _is_over(self, key: Key, now: datetime) -> bool:
        table, whose, times = key[0], self.whose[key], self.at[key]
        if any(since <= now < until for since, until in self.holds[whose]):
            return False
        if table in ("inbox", "outbox", "conversation"):
            left = [each for each in self.at if each[0] in ("inbox", "outbox") and self.whose[each] == whose]
            if table == "conversation" and set(left) - self.gone:
                return False
            return any(
                covers >= max(times) and said <= now - 90 * DAY for covers, said in self.exports[whose]
            )
        keep = {
            "code_request": DAY,
            "web_session": 30 * DAY,
            "delivery_attempt": 180 * DAY,
            "delivery_event": 180 * DAY,
        }.get(table)
        return keep is not None and times[0] <= now - keep

    def list_moments(self, rng: random.Random, count: int) -> list[datetime]:
        """Leap days, the very moment something is over, the moment before, and any others."""
        edges = [said + 90 * DAY for exports in self.exports.values() for _, said in exports]
        edges += [at[0] + 180 * DAY for key, at in self.at.items() if key[0] == "delivery_event"]
        chosen = rng.sample(edges, k=count // 4)
        chosen += [each - timedelta(microseconds=1) for each in chosen]
        chosen += [BEGINS + rng.random() * (ENDS - BEGINS) for _ in range(count // 2)]
        return sorted({*chosen, *LEAP_DAYS, ENDS})


class Filler:
    """People with a case and a conversation each, who write over ten years."""

    def __init__(self, tx: SqlTransaction, rng: random.Random, *, people: int, messages: int) -> None:
        self._tx, self._rng = tx, rng
        self.world = World()
        self.holds: list[tuple[datetime, datetime, str, str]] = []
        for number in range(people):
            self._add(number, messages)

    def _moment(self) -> datetime:
        return BEGINS + self._rng.random() * (ENDS - BEGINS - 200 * DAY)

    def _insert(self, table: sa.Table, **values: Any) -> None:
        put_rows(self._tx.connection, table, values)

    def _add(self, number: int, messages: int) -> None:
        mine, rng = f"{number:032x}", self._rng
        times = sorted(self._moment() for _ in range(messages))
        ids = self._add_person(number, mine, times)
        for place, at in enumerate(times):
            self._add_message(number * 100 + place + 1, mine, at)
        self.world.exports[mine] = []
        for _ in range(rng.randint(0, 3)):
            covers = self._moment()
            said = covers + rng.random() * 60 * DAY
            self.world.exports[mine].append((covers, said))
            values = {"up_to_inbox_id": 1, "acknowledged_by": "alex", "acknowledged_at": said}
            self._insert(record_export, conversation_id=mine, covers_until=covers, **values)
        self.world.holds[mine] = []
        for _ in range(rng.randint(0, 3)):
            kind = rng.choice(["case", "conversation", "person"])
            since = self._moment()
            until = since + rng.random() * 700 * DAY
            self.world.holds[mine].append((since, until))
            self.holds.append((since, until, kind, ids[kind]))

    def _add_person(self, number: int, mine: str, times: list[datetime]) -> dict[str, str]:
        reference = f"432609{number:05d}"
        address, begun = f"+4477009{number:05d}", times[0] - DAY
        self._insert(person, id=mine, match_key=mine, created_at=begun)
        self._insert(
            case,
            crime_reference=reference,
            crime_type="burglary",
            stage="closed_no_further_lines",
            stage_since=date(2024, 1, 1),
            oic_name="x",
            oic_collar_number="x",
            oic_contact="x",
            victim_name="Alex Example",
            safe_contact="any",
            language="en",
            person_id=mine,
            imported_at=begun,
        )
        self._insert(
            conversation,
            id=mine,
            channel="sms",
            external_id=address,
            epoch=0,
            created_at=begun,
            last_inbound_at=times[-1],
        )
        self._insert(
            standing, conversation_id=mine, crime_reference=reference, level=1, method="code", proved_at=begun
        )
        self.world.put(("conversation", mine), mine, begun, times[-1])
        self._insert(
            web_session, token_hash=mine, external_id=address, started_at=times[0], last_seen_at=times[0]
        )
        self.world.put(("web_session", mine), mine, times[0], on=("conversation", mine))
        self._insert(
            code_request,
            id=mine,
            conversation_id=mine,
            reference=reference,
            status="used",
            requested_at=times[1],
            failures=0,
        )
        self.world.put(("code_request", mine), mine, times[1], on=("conversation", mine))
        return {"person": mine, "case": reference, "conversation": mine}

    def _add_message(self, number: int, mine: str, at: datetime) -> None:
        self._insert(
            inbox,
            id=number,
            channel="sms",
            provider_message_id=f"SM{number:032x}",
            conversation_id=mine,
            received_at=at,
            text="words",
            raw=b"",
            media_count=0,
            has_location=False,
            screen={},
        )
        self.world.put(("inbox", number), mine, at)
        turn_id = f"{number:032x}"
        self._insert(
            turn, id=turn_id, inbox_id=number, conversation_id=mine, status="done", created_at=at, fence=0
        )
        self.world.put(("turn", turn_id), mine, at, on=("inbox", number))
        sent = at + timedelta(seconds=self._rng.randint(1, 90))
        self._insert(
            outbox,
            id=number,
            conversation_id=mine,
            turn_id=turn_id,
            dedupe_key=str(number),
            lane=3,
            channel="sms",
            to="x",
            text="words",
            choices=[],
            template="x",
            author="assistant",
            epoch=0,
            safe_contact_decision="x",
            status="sent",
            provider_message_id=f"out{number}",
            not_before=sent,
            created_at=sent,
            sent_at=sent,
        )
        self.world.put(("outbox", number), mine, sent, sent)
        self._insert(delivery_attempt, id=number, outbox_id=number, at=sent, outcome="sent")
        self.world.put(("delivery_attempt", number), mine, sent, on=("outbox", number))
        self._insert(
            delivery_event, id=number, provider_message_id=f"out{number}", status="sent", received_at=sent
        )
        self.world.put(("delivery_event", number), mine, sent, on=("outbox", number))


def place_holds(tx: SqlTransaction, holds: list[tuple[datetime, datetime, str, str]], now: datetime) -> None:
    """As they stand at that moment: begun before it, and lifted where they have been."""
    tx.connection.execute(sa.delete(hold))
    for number, (since, until, kind, subject) in enumerate(holds):
        if since <= now:
            is_over = until <= now
            placed = {
                "id": f"{number:032x}",
                "subject_kind": kind,
                "subject_id": subject,
                "reason": "disclosure",
                "why": "a trial",
                "placed_by": "alex",
                "placed_at": since,
                "review_on": since.date(),
                "lifted_by": "alex" if is_over else None,
                "lifted_at": until if is_over else None,
            }
            put_rows(tx.connection, hold, placed)


def list_left(tx: SqlTransaction, world: World) -> Iterator[Key]:
    for name in sorted({name for name, _ in world.at}):
        [key] = metadata.tables[name].primary_key.columns
        yield from ((name, value) for value in tx.connection.execute(sa.select(key)).scalars())


class Standing:
    """A clock that does not move while it is looked at."""

    def __init__(self) -> None:
        self.at = BEGINS

    def now(self) -> datetime:
        return self.at


def run_ten_years(line: Line, seed: int, *, people: int, messages: int, moments: int) -> int:
    """How many rows went."""
    rng, clock = random.Random(seed), Standing()
    line.database._clock = clock
    filler = line.database.write_now(lambda tx: Filler(tx, rng, people=people, messages=messages))
    world, rules = filler.world, load_retention()
    kept = {name: rule for name, rule in rules.tables.items() if any(name == table for table, _ in world.at)}
    keeper = Keeper(database=line.database, clock=line.clock, rules=replace(rules, tables=kept))
    for now in world.list_moments(rng, moments):
        clock.at = now
        line.database.write_now(lambda tx, now=now: place_holds(tx, filler.holds, now))
        world.run_to(now)

        keeper.remove_due()

        left = set(line.database.read_now(lambda tx: list(list_left(tx, world))))
        assert left == world.at.keys() - world.gone, now
        assert line.database.read_now(lambda tx: retention.list_due(tx, keeper.rules)) == [], now
    return len(world.gone)


def test_ten_years_leave_what_a_small_model_says_is_left(line: Line) -> None:
    assert run_ten_years(line, 7, people=6, messages=5, moments=16) > 40


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_ten_years_of_more_people_do_too(line: Line, seed: int) -> None:
    """About two minutes in all."""
    assert run_ten_years(line, seed, people=25, messages=8, moments=60) > 200
