"""The whole line over a real database, with everything at its edges in our hands: who writes, what fails, the time.

Processes are a gateway, which only ever does one thing, and two workers, each with what it holds in memory. A worker
that dies loses that, and another takes its place.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from casework.adapters.storage.database import Database, create_engine
from casework.adapters.storage.tables import conversation, turn
from casework.model.desk import Outcome
from casework.model.disclosure_screen import DisclosureScreen, load_disclosure_screen
from casework.model.errors import WaymarkError
from casework.model.messages import Channel
from casework.model.rota import RotaKind
from casework.services import desk, ladder, plans
from casework.services.plans import SecretChange
from channels.twilio_forms import parse_inbound_sms
from tests.casework.services.on_call import CONSOLE_URL, CONTROL, KIT, FakePhones
from tests.model_based.assistant import FakeAssistant
from tests.model_based.faults import ConnectionLost, Died, Failpoints, FaultyStore, HangingCalls
from tests.model_based.people import DANGER, KNOWN, PEOPLE, PLANS
from tests.model_based.provider import ACCOUNT, FakeTwilio, Written
from tests.model_based.watch import Watch
from tests.model_based.workers import Crew, Outside
from tests.support.builders import a_case
from tests.support.clock import SetClock
from tests.support.line import Line
from tests.support.news import stage_becomes

START = datetime(2026, 10, 23, 17, 0, tzinfo=UTC)
SUMMER_TIME_ENDS = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


STAFF = ("rowan", "sasha")
KEEP = SecretChange()

load_screen = cache(load_disclosure_screen)


class World:
    """`url`: an empty, migrated database that is this world's alone. `told` counts what came about, over all worlds."""

    def __init__(self, url: str, told: Counter[str]) -> None:
        self.told = told
        self.loop = asyncio.new_event_loop()
        self.clock = SetClock(START)
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            # Thousands of commits, none of which has to survive the power being cut.
            sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self.database = Database(engine, self.clock)
        self.failpoints = Failpoints(fired=told)
        self.hanging = HangingCalls()
        self.twilio = FakeTwilio(self.clock, self.hanging, self._on_take)
        self.store = FaultyStore(self.database, self.failpoints, self._on_commit)
        self.line = Line(self.store, self.clock)  # type: ignore[arg-type]
        self.assistant = FakeAssistant(self.hanging)
        self.phones = FakePhones()
        self.screen: DisclosureScreen = load_screen()
        self.outside = Outside(self.line, self.store, self.twilio, self.assistant, self.phones, self.screen)
        self.plans = dict.fromkeys(KNOWN, "any time")
        self.deeds: Counter[str] = Counter()
        self.forms = 0
        self.watch = Watch(self)
        self._begin()
        self.failpoints.watch(engine)
        self.crew = Crew(self.outside, self.hanging, self.loop)
        self.crew.work()

    def _begin(self) -> None:
        self.line.add_cases(
            *(
                a_case(crime_reference=reference, contact_mobile=number, victim_name=f"Victim {number[-1]}")
                for number, reference in KNOWN.items()
            )
        )
        self.staff = [self.line.add_staff(name) for name in STAFF]
        self._put_on_rota("Kit Example", KIT, RotaKind.ON_CALL)
        self._put_on_rota("Control room", CONTROL, RotaKind.CONTROL_ROOM)

    def _put_on_rota(self, name: str, mobile: str, kind: RotaKind) -> None:
        self.store.write_now(
            lambda tx: tx.rota.add(
                kind=kind,
                name=name,
                starts_at=START - timedelta(days=1),
                ends_at=START + timedelta(days=400) if kind is RotaKind.ON_CALL else None,
                place=1,
                mobile=mobile,
                email=None,
                webhook=None,
                by="test",
            )
        )

    def close(self) -> None:
        for number in range(len(self.crew.workers)):
            self.crew.kill(number)
        self.database.close()
        self.loop.close()

    def _on_take(self, message: Any) -> None:
        self.watch.see_taken(message)

    def _on_commit(self) -> None:
        self.watch.see_commit()

    # --- people and the gateway ---

    def write(self, name: str, text: str, *, media: int = 0) -> Written:
        person = PEOPLE[name]
        return self.twilio.write(
            person.channel,
            person.number,
            text.format(word=person.word),
            media=media,
            is_danger=text in DANGER,
        )

    def webhook(self, written: Written) -> None:
        """The provider brings it. It is told "accepted" only after a commit."""

        def take() -> None:
            message = parse_inbound_sms(
                written.make_form(),
                account_sid=ACCOUNT.account_sid,
                received_at=self.clock.now(),
                api_url=ACCOUNT.api_url,
            )
            self.store.write_now(lambda tx: self.outside.receive(tx, message))
            written.was_accepted = True

        self.try_to(take)

    def news(self, number: int, word: str, error_code: int | None, *, is_heard: bool) -> None:
        """What became of a message that left. Where it is not heard, the callback was lost."""
        if not self.twilio.taken:
            return
        taken = self.twilio.taken[-1 - number % len(self.twilio.taken)]
        if self.clock.now() - taken.at < timedelta(hours=1):
            taken.status, taken.error_code = word, error_code
        elif not is_heard:
            return
        if is_heard:
            self.try_to(
                lambda: self.store.write_now(
                    lambda tx: self.outside.record_news(tx, taken.sid, word, error_code)
                )
            )

    def try_to(self, deed: Callable[[], Any]) -> bool:
        """A process that may die of it, or be refused by the database; false where it did not come about."""
        try:
            deed()
        except (Died, ConnectionLost):
            return False
        return True

    # --- staff ---

    def any_conversation(self, number: int) -> str | None:
        """In the order in which they began."""
        query = sa.select(conversation.c.id).order_by(conversation.c.created_at, conversation.c.id)
        ids = self.database.read_now(lambda tx: tx.connection.execute(query).scalars().all())
        return ids[number % len(ids)] if ids else None

    def as_staff(self, deed: str, number: int, who: int) -> None:
        conversation_id = self.any_conversation(number)
        if conversation_id is None:
            return
        by, line = self.staff[who], self.line
        self.forms += 1
        form = str(self.forms)
        deeds: dict[str, Callable[[], Any]] = {
            "claims": lambda: line.claim(conversation_id, by),
            "reads": lambda: self.store.write_now(
                lambda tx: desk.read_conversation(tx, conversation_id, by=by, relations=())
            ),
            "replies": lambda: line.reply(conversation_id, f"staff {form}", by, form_id=form),
            "closes": lambda: line.close(conversation_id, Outcome.INFORMATION_GIVEN, by),
            "hands back": lambda: line.hand_back(conversation_id, Outcome.INFORMATION_GIVEN, by),
            "hands back in silence": lambda: line.hand_back(conversation_id, None, by),
            "returns it": lambda: line.return_to_queue(conversation_id, by),
        }
        # A refusal is an answer, and nothing was changed.
        with suppress(WaymarkError):
            was_owner = line.conversation(conversation_id).owner_id if not self.store.is_away else None
            if self.try_to(deeds[deed]) and not (deed == "claims" and was_owner == by.id):
                self.deeds[deed] += 1

    def take_over_newest(self, who: int, *, lets_go: bool) -> None:
        """Whose turn is being answered since last: claimed, and perhaps let go of again."""
        query = sa.select(turn.c.conversation_id).where(turn.c.id == self.assistant.asked[-1])
        conversation_id = self.database.read_now(lambda tx: tx.connection.execute(query).scalar_one())
        with suppress(WaymarkError):
            claimed = self.try_to(lambda: self.line.claim(conversation_id, self.staff[who]))
            self.deeds["claims"] += claimed
            if claimed and lets_go:
                self.try_to(lambda: self.line.return_to_queue(conversation_id, self.staff[who]))

    def acknowledge(self) -> None:
        """Whoever was woken last presses the button of the link."""
        if not self.phones.took:
            return
        token = self.phones.took[-1].link.removeprefix(f"{CONSOLE_URL}/a/")
        self.try_to(lambda: self.store.write_now(lambda tx: ladder.acknowledge(tx, token)))

    def change_plan(self, number: str, plan: str) -> None:
        def change(tx: Any) -> None:
            opened = tx.conversations.open(Channel.SMS, number)
            [known] = plans.list_person_plans(tx, opened.id)
            plans.change_plan(
                tx,
                opened.id,
                known.reach.person_id,
                PLANS[plan],
                by=self.staff[0].id,
                safe_word=KEEP,
                duress_phrase=KEEP,
                hash_of=str,
            )

        # Whoever loses the connection at a commit does not know which plan holds: the database does.
        if self.try_to(lambda: self.store.write_now(change)) or self._has_plan(number, plan):
            self.plans[number] = plan

    def _has_plan(self, number: str, plan: str) -> bool:
        stored = self.database.read_now(lambda tx: tx.people.find_of_case(KNOWN[number]).stored_plan)
        return stored == PLANS[plan]

    def something_happens(self, number: str, stage: str) -> None:
        self.try_to(lambda: stage_becomes(self.line, stage, reference=KNOWN[number]))

    # --- in the end ---

    def heal(self) -> None:
        """Everything works again, and what hung comes back."""
        self.failpoints.arm(None)
        self.store.is_away = False
        self.twilio.mood, self.twilio.is_unreadable = "takes it", False
        self.assistant.mood = "answers"
        while self.hanging.waiting:
            self.crew.come_back(0, "an answer")

    def pass_time(self, **by: float) -> None:
        self.clock.advance(**by)
        self.crew.work()

    def rows(self, table: sa.Table) -> list[Any]:
        return self.line.rows(table)
