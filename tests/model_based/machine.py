"""The world as Hypothesis plays it: each rule is one thing that may happen, in any order and any number of times."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model_based import assistant, provider
from tests.model_based.endings import let_it_settle, list_broken, say_all
from tests.model_based.faults import HOW, STEPS, WHEN, Point
from tests.model_based.people import CALM, DANGER, DOUBTED, KNOWN, PEOPLE, PLANS, POISON, WORDS
from tests.model_based.world import SUMMER_TIME_ENDS, World

PLACE = st.integers(0, 5)  # which of several, counted from the end or round and round
WORKER = st.integers(0, 1)
WHO = st.sampled_from(sorted(PEOPLE))
DEEDS = ("claims", "closes", "hands back", "hands back in silence", "reads", "replies", "returns it")
NEWS = (
    ("sent", None),
    ("delivered", None),
    ("undelivered", 30003),
    ("undelivered", 30005),
    ("failed", 30007),
)
MOST_DAYS = 8  # a sweep looks back two weeks


class Machine(RuleBasedStateMachine):
    """`make_url` gives the address of an empty database, new for each run; `told` counts what came about in all."""

    def __init__(self, make_url: Callable[[], str], told: Counter[str]) -> None:
        super().__init__()
        self.told = told
        told["runs"] += 1
        self.days = 0
        self.world = World(make_url(), told)

    def note(self, what: str) -> None:
        self.told["steps"] += 1
        self.told[what] += 1

    # --- people write ---

    @initialize(who=WHO, text=st.sampled_from([*CALM, *DANGER]), others=st.sampled_from(CALM))
    def two_people_write(self, who: str, text: str, others: str) -> None:
        """No run is of nothing."""
        self.world.webhook(self.world.write(who, text))
        self.world.webhook(self.world.write("Asha", others))

    @rule(who=WHO, text=st.sampled_from(CALM))
    def someone_writes(self, who: str, text: str) -> None:
        self.note("someone writes")
        self.world.webhook(self.world.write(who, text))

    @rule(who=WHO, text=st.sampled_from([*DANGER, *DOUBTED]))
    def someone_writes_of_danger(self, who: str, text: str) -> None:
        self.note("of danger")
        self.world.webhook(self.world.write(who, text))

    @rule(who=WHO, text=st.sampled_from(WORDS))
    def someone_writes_a_word_that_acts(self, who: str, text: str) -> None:
        self.note("a word that acts")
        self.world.webhook(self.world.write(who, text))

    @rule(who=WHO, text=st.sampled_from([*CALM, *DANGER, *WORDS]))
    def someone_writes_and_no_webhook_comes(self, who: str, text: str) -> None:
        self.note("no webhook")
        self.world.write(who, text)

    @rule(who=WHO, what=st.sampled_from(sorted(POISON)))
    def someone_writes_what_is_hard_to_read(self, who: str, what: str) -> None:
        self.note("hard to read")
        is_picture = what == "empty, with a picture"
        self.world.webhook(self.world.write(who, POISON[what], media=int(is_picture)))

    @rule(place=PLACE)
    def a_webhook_comes_out_of_order(self, place: int) -> None:
        waiting = [each for each in self.world.twilio.written if not each.was_accepted]
        if waiting:
            self.note("out of order")
            self.world.webhook(waiting[-1 - place % len(waiting)])

    @rule(place=PLACE)
    def a_copy_comes(self, place: int) -> None:
        if self.world.twilio.written:
            self.note("a copy")
            written = self.world.twilio.written
            self.world.webhook(written[-1 - place % len(written)])

    # --- workers ---

    @rule(worker=WORKER, assistant_=st.sampled_from(assistant.MOODS))
    def a_worker_answers(self, worker: int, assistant_: str) -> None:
        self.note(f"assistant {assistant_}")
        before, self.world.assistant.mood = self.world.assistant.mood, assistant_
        self.world.crew.look(worker, "answer")
        self.world.assistant.mood = before

    @rule(worker=WORKER, provider_=st.sampled_from(provider.MOODS))
    def a_worker_sends(self, worker: int, provider_: str) -> None:
        self.note(f"provider {provider_}")
        before, self.world.twilio.mood = self.world.twilio.mood, provider_
        self.world.crew.look(worker, "send")
        self.world.twilio.mood = before

    @rule(worker=WORKER, step=st.sampled_from(["climb", "sweep", "issue codes", "tell news"]))
    def a_worker_looks(self, worker: int, step: str) -> None:
        self.note(f"a worker: {step}")
        self.world.crew.look(worker, step)

    @rule()
    def the_workers_do_all_there_is(self) -> None:
        self.note("all the work")
        self.world.crew.work()

    @rule(worker=WORKER)
    def a_worker_dies(self, worker: int) -> None:
        self.note("a worker dies")
        self.world.crew.kill(worker)

    @rule(worker=WORKER)
    def a_worker_keeps_its_leases(self, worker: int) -> None:
        self.note("leases kept")
        self.world.crew.renew(worker)

    @rule(step=st.sampled_from(sorted(STEPS)), when=st.sampled_from(WHEN), how=st.sampled_from(HOW))
    def the_next_process_fails_at(self, step: str, when: str, how: str) -> None:
        self.note("a failpoint is armed")
        self.world.failpoints.arm(Point(step, when, how))

    @rule(what=st.sampled_from(["the database", "the provider's lists"]))
    def something_goes_or_comes(self, what: str) -> None:
        self.note(f"{what} goes or comes")
        if what == "the database":
            self.world.store.is_away = not self.world.store.is_away
        else:
            self.world.twilio.is_unreadable = not self.world.twilio.is_unreadable

    # --- the assistant and the provider ---

    @rule(assistant_=st.sampled_from(assistant.MOODS), provider_=st.sampled_from(provider.MOODS))
    def from_now_on(self, assistant_: str, provider_: str) -> None:
        self.note("from now on")
        self.world.assistant.mood, self.world.twilio.mood = assistant_, provider_

    @precondition(lambda self: self.world.hanging.waiting)
    @rule(place=PLACE, with_=st.sampled_from(["an answer", "a timeout"]))
    def what_hung_comes_back(self, place: int, with_: str) -> None:
        self.note("what hung comes back")
        self.world.crew.come_back(place, with_)

    @precondition(lambda self: self.world.twilio.taken)
    @rule(place=PLACE, news=st.sampled_from(NEWS), is_heard=st.booleans())
    def a_message_reaches_or_does_not(self, place: int, news: tuple[str, int | None], is_heard: bool) -> None:
        self.note("news")
        word, error_code = news
        self.world.news(place, word, error_code, is_heard=is_heard)

    # --- staff, plans and cases ---

    @rule(worker=WORKER, who=st.integers(0, 1), lets_go=st.booleans())
    def staff_take_over_while_the_assistant_thinks(self, worker: int, who: int, lets_go: bool) -> None:
        self.note("taken over while thinking")
        before, self.world.assistant.mood = self.world.assistant.mood, "hangs"
        hung = len(self.world.hanging.waiting)
        self.world.crew.look(worker, "answer")
        self.world.assistant.mood = before
        if len(self.world.hanging.waiting) > hung:
            self.world.take_over_newest(who, lets_go=lets_go)
            self.world.crew.come_back(hung, "an answer")

    @rule(deed=st.sampled_from(DEEDS), place=PLACE, who=st.integers(0, 1))
    def staff(self, deed: str, place: int, who: int) -> None:
        self.note(f"staff: {deed}")
        self.world.as_staff(deed, place, who)

    @precondition(lambda self: self.world.phones.took)
    @rule()
    def who_was_woken_acknowledges(self) -> None:
        self.note("acknowledged")
        self.world.acknowledge()

    @rule(number=st.sampled_from(sorted(KNOWN)), plan=st.sampled_from(sorted(PLANS)))
    def a_plan_is_agreed(self, number: str, plan: str) -> None:
        self.note(f"plan: {plan}")
        self.world.change_plan(number, plan)

    @rule(number=st.sampled_from(sorted(KNOWN)), stage=st.sampled_from(["charged", "under_investigation"]))
    def something_happens_in_a_case(self, number: str, stage: str) -> None:
        self.note("news of a case")
        self.world.something_happens(number, stage)

    # --- time ---

    @rule(seconds=st.sampled_from([1, 5, 11, 40, 130, 1000, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.note("time passes")
        self.world.clock.advance(seconds=seconds)

    @precondition(lambda self: self.days < MOST_DAYS)
    @rule(until=st.sampled_from(["six hours on", "a day on", "summer time ends"]))
    def much_time_passes(self, until: str) -> None:
        self.note(until)
        self.days += 1
        left = SUMMER_TIME_ENDS - self.world.clock.now() - timedelta(seconds=30)
        by = {"six hours on": timedelta(hours=6), "a day on": timedelta(days=1)}.get(until, left)
        self.world.clock.advance(seconds=max(0.0, by.total_seconds()))

    # --- what must hold ---

    @invariant()
    def nothing_is_broken(self) -> None:
        assert not self.world.watch.broken, say_all(self.world.watch.broken)

    def teardown(self) -> None:
        try:
            broken = let_it_settle(self.world)
            broken += [*list_broken(self.world), *self._copies_after_months()]
            broken += self.world.watch.broken
            assert not broken, say_all(broken)
        finally:
            self.world.close()

    def _copies_after_months(self) -> list[str]:
        before = self._count()
        self.world.clock.advance(days=100)
        for each in self.world.twilio.written:
            self.world.webhook(each)
        return (
            []
            if self._count() == before
            else [f"P1: copies after months: {before} rows, now {self._count()}"]
        )

    def _count(self) -> Any:
        tables = ("inbox", "turn", "desk_item", "outbox")
        query = "SELECT " + ", ".join(f"(SELECT count(*) FROM {each})" for each in tables)
        return self.world.database.read_now(lambda tx: tuple(tx.connection.exec_driver_sql(query).one()))
