"""A desk with a ladder over it: a rota, phones of staff that remember, and a worker's looks one at a time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from casework.adapters.storage.ladder_tables import staff_notice
from casework.adapters.storage.tables import desk_item
from casework.model.grade_clocks import GradeClocks, load_grade_clocks
from casework.model.ladder import Ladder, load_ladder
from casework.model.rota import RotaKind, Way
from casework.services import ladder, staff_notices
from casework.services.ladder_ports import StoredStep
from casework.services.staff_notices import Attempt, Came, StaffNotice
from tests.support.builders import a_hit
from tests.support.line import Line

KEY = "k" * 32
CONSOLE_URL = "https://desk.example.org"
KIT, ROBIN, CONTROL = "+447700900101", "+447700900102", "+447700900103"


@dataclass
class FakePhones:
    """Remembers what came. `answers` are used up first; then everything arrives."""

    answers: list[Attempt] = field(default_factory=list)
    took: list[StaffNotice] = field(default_factory=list)
    tried: int = 0

    async def deliver(self, notice: StaffNotice) -> Attempt:
        self.tried += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is None or answer.came is Came.SENT:
            self.took.append(notice)
        return answer or Attempt(came=Came.SENT, provider_message_id=f"SMstaff{len(self.took)}")


@dataclass
class OnCall:
    line: Line
    store: Any = None
    phones: FakePhones = field(default_factory=FakePhones)
    rungs: Ladder = field(default_factory=load_ladder)
    clocks: GradeClocks = field(default_factory=load_grade_clocks)

    def __post_init__(self) -> None:
        self.store = self.store or self.line.database
        self.line.screen.results |= {f"red {tier}": a_hit(tier) for tier in (1, 2, 3, 4)}

    # --- who is on call ---

    def put(self, name: str, mobile: str | None = KIT, *, place: int = 1, **values: Any) -> str:
        now = self.line.clock.now()
        given: dict[str, Any] = {
            "kind": RotaKind.ON_CALL,
            "starts_at": now - timedelta(days=1),
            "ends_at": now + timedelta(days=1),
            "email": None,
            "webhook": None,
        }
        return self.line.database.write_now(
            lambda tx: tx.rota.add(name=name, mobile=mobile, place=place, by="test", **(given | values))
        )

    def put_control_room(self, mobile: str = CONTROL) -> str:
        return self.put("Control room", mobile, kind=RotaKind.CONTROL_ROOM, ends_at=None)

    # --- what the worker does ---

    @property
    def climbing(self) -> ladder.Climbing:
        return ladder.Climbing(
            store=self.store, ladder=self.rungs, clocks=self.clocks, texts=self.line.texts, key=KEY
        )

    def notifying(self, **senders: Any) -> staff_notices.Notifying:
        return staff_notices.Notifying(
            store=self.store,
            senders={Way.SMS: self.phones} | {Way(way): sender for way, sender in senders.items()},
            limits=self.rungs.notice,
            texts=self.line.texts,
            console_url=CONSOLE_URL,
            key=KEY,
        )

    async def look(self, **senders: Any) -> None:
        """Everything a worker's loops find to do now."""
        notifying = self.notifying(**senders)
        is_busy = True
        while is_busy:
            is_busy = False
            while await ladder.take_next_step(self.climbing):
                is_busy = True
            for way in Way:
                while await staff_notices.send_next_notice(notifying, way):
                    is_busy = True
            while await staff_notices.note_next_undelivered(self.store):
                is_busy = True
        await ladder.settle_alarms(self.store)

    async def pass_time(self, **by: float) -> None:
        """That much time, with a look half a second before each stored timer, and one when it has come."""
        clock = self.line.clock
        end = clock.now() + timedelta(**by)
        await self.look()
        while (due := self._next_timer()) is not None and due <= end:
            for moment in (due - timedelta(seconds=0.5), due):
                clock.advance(seconds=max(0.0, (moment - clock.now()).total_seconds()))
                await self.look()
        clock.advance(seconds=max(0.0, (end - clock.now()).total_seconds()))
        await self.look()

    def _next_timer(self) -> datetime | None:
        timers = [row.ladder_due_at for row in self.line.rows(desk_item) if row.status != "closed"]
        timers += [row.not_before for row in self.line.rows(staff_notice, status="waiting")]
        now = self.line.clock.now()
        return min((each for each in timers if each is not None and each > now), default=None)

    # --- what a test looks at ---

    def steps(self, conversation_id: str) -> list[StoredStep]:
        """Oldest first. Of workers that came at once, who waited for the other looked at its clock before."""
        found = self.line.database.read_now(lambda tx: tx.ladder.list_of_conversation(conversation_id))
        return sorted(
            found, key=lambda each: (round(each.taken_at.timestamp()), each.wait_from, each.position)
        )

    def timeline(self, conversation_id: str) -> list[tuple[str, int]]:
        """(step, seconds after they wrote) of each step taken, oldest first."""
        # The first of them by time: the ids are random.
        since = min(row.created_at for row in self.line.rows(desk_item, conversation_id=conversation_id))
        return [
            (each.step.value, round((each.taken_at - since).total_seconds()))
            for each in self.steps(conversation_id)
        ]

    def sounding(self) -> dict[str, str]:
        opened = self.line.database.read_now(lambda tx: tx.alarms.list_open())
        return {each.kind: each.detail for each in opened}

    def link_of(self, number: str) -> str:
        """The key of the newest link that came to this phone."""
        newest = [each for each in self.phones.took if each.to == number][-1]
        return newest.link.removeprefix(f"{CONSOLE_URL}/a/")

    def acknowledge(self, number: str) -> Any:
        token = self.link_of(number)
        return self.line.database.write_now(lambda tx: ladder.acknowledge(tx, token))
