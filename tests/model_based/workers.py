"""Worker processes: every loop of the real one that has to do with a message's life, one look at a time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from casework.model.grade_clocks import load_grade_clocks
from casework.model.ladder import load_ladder
from casework.model.messages import Channel
from casework.model.rota import Way
from casework.model.staffed_hours import load_staffed_hours
from casework.services import (
    answer,
    deliver,
    ladder,
    notices,
    promises,
    prove,
    silence,
    staff_notices,
    stale,
    sweeps,
    transfers,
)
from casework.services.receipts import record_receipt
from casework.services.receive import receive_message
from channels.senders import SmsSender
from channels.sweep import PROVIDER, OurAddresses, TwilioList
from channels.twilio_errors import name_failure
from tests.casework.services.on_call import CONSOLE_URL, KEY, FakePhones
from tests.model_based.assistant import FakeAssistant
from tests.model_based.faults import ConnectionLost, Died, FaultyStore, HangingCalls
from tests.model_based.provider import OURS, FakeTwilio
from tests.support.line import Line
from tests.support.news import INFORMED

Step = Callable[[], Coroutine[Any, Any, Any]]
MOST_LOOKS = 200  # of one loop that always finds more: then it will never end

LEASING = ("answer", "send")

load_rungs = cache(load_ladder)
load_clocks = cache(load_grade_clocks)


@dataclass
class Outside:
    """What every worker reaches, and what outlives it."""

    line: Line
    store: FaultyStore
    twilio: FakeTwilio
    assistant: FakeAssistant
    phones: FakePhones
    screen: Any

    def receive(self, tx: Any, message: Any) -> Any:
        return receive_message(
            tx,
            message,
            screen=self.screen,
            safety_lines=self.line.safety_lines,
            bands=self.line.bands,
            texts=self.line.texts,
        )

    def record_news(self, tx: Any, sid: str, word: str, error_code: int | None) -> None:
        code = str(error_code) if error_code else None
        record_receipt(tx, sid, word, error_code=code, name_failure=name_failure, texts=self.line.texts)


@dataclass
class Worker:
    """One process. `paused` are its calls that have not come back."""

    outside: Outside
    name: str
    paused: list[asyncio.Task[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        line, store = self.outside.line, self.outside.store
        texts = line.texts
        promising = promises.load_promising(texts, load_staffed_hours())
        sender = SmsSender(self.outside.twilio, store)  # type: ignore[arg-type]
        senders = {Channel.SMS: sender, Channel.WHATSAPP: sender}
        self.answering = answer.Answering(
            store=store,
            assistant=self.outside.assistant,
            texts=texts,
            codes=line.codes,
            bands=line.bands,
            safety_lines=line.safety_lines,
            worker_id=self.name,
            promising=promising,
            retry_after_seconds=0.0,
        )
        self.delivering = deliver.Delivering(
            store=store, senders=senders, texts=texts, worker_id=self.name, name_failure=name_failure
        )
        tracking = stale.Tracking(
            store=store, clock=line.clock, trackers=senders, texts=texts, name_failure=name_failure
        )
        climbing = ladder.Climbing(
            store=store, ladder=load_rungs(), clocks=load_clocks(), texts=texts, key=KEY
        )
        notifying = staff_notices.Notifying(
            store=store,
            senders={Way.SMS: self.outside.phones},
            limits=load_rungs().notice,
            texts=texts,
            console_url=CONSOLE_URL,
            key=KEY,
        )
        informing = notices.Informing(store=store, texts=texts, rules=INFORMED.notices)
        self.timetable = self._make_timetable()
        self.steps: dict[str, Step] = {
            "answer": lambda: answer.answer_next_turn(self.answering),
            "send": lambda: deliver.deliver_next_message(self.delivering),
            "issue codes": lambda: prove.issue_next_code(store, codes=line.codes, texts=texts),
            "note silences": lambda: silence.note_next_silence(store, line.bands.limits),
            "return late transfers": lambda: transfers.return_next_late_transfer(store),
            "note broken promises": lambda: promises.note_next_overdue_promise(store, promising),
            "tell news": lambda: notices.send_next_notice(informing),
            "climb": lambda: ladder.take_next_step(climbing),
            "wake staff": partial(staff_notices.send_next_notice, notifying, Way.SMS),
            "settle alarms": lambda: ladder.settle_alarms(store),
            "ask about the silent": lambda: stale.look_up_next_silent(tracking),
            "sweep": self.timetable.sweep_if_due,
        }

    def _make_timetable(self) -> sweeps.Timetable:
        outside = self.outside

        def record_news(tx: Any, send: sweeps.ListedSend) -> None:
            code = int(send.error_code) if send.error_code else None
            outside.record_news(tx, send.provider_message_id, send.status, code)

        return sweeps.Timetable(
            sweeps.Sweeping(
                store=outside.store,
                provider=TwilioList(
                    outside.twilio,  # type: ignore[arg-type]
                    OurAddresses(numbers=frozenset({OURS}), messaging_service=None),
                ),
                name=PROVIDER,
                channels=(Channel.SMS, Channel.WHATSAPP),
                receive=outside.receive,
                record_news=record_news,
                every_seconds=300.0,
                monotonic=lambda: outside.line.clock.now().timestamp(),
            )
        )

    def renew(self) -> None:
        """As its loop does every few seconds: what it has in hand stays its own."""

        def renew(tx: Any) -> None:
            tx.turns.renew(self.name, tuple(self.answering.in_hand), lease_seconds=answer.LEASE_SECONDS)
            tx.outbox.renew(self.name, tuple(self.delivering.in_hand), lease_seconds=deliver.LEASE_SECONDS)
            tx.beats.beat(self.name)

        self.outside.store.write_now(renew)


@dataclass
class Crew:
    """Two workers. What a step came to decides whether its process lives on."""

    outside: Outside
    hanging: HangingCalls
    loop: asyncio.AbstractEventLoop
    deaths: int = 0

    def __post_init__(self) -> None:
        self._born = 0
        self.workers = [self._begin(), self._begin()]

    def _begin(self) -> Worker:
        self._born += 1
        return Worker(self.outside, f"worker-{self._born}")

    def look(self, number: int, step: str) -> bool:
        """One look of one loop. False when there was nothing to do, it hangs, or it failed."""
        worker = self.workers[number]
        task = self.loop.create_task(worker.steps[step]())
        self._go_on(task)
        if not task.done():
            worker.paused.append(task)
            return False
        return self._end(worker, task)

    def come_back(self, number: int, with_: str) -> None:
        """The call that has hung longest, or the one after it, comes back, and whoever waited goes on."""
        if not self.hanging.waiting:
            return
        hanging = self.hanging.waiting[number % len(self.hanging.waiting)]
        [worker] = [each for each in self.workers if hanging.task in each.paused]
        hanging.comes_back.set_result(with_)
        self._go_on(hanging.task)
        if hanging.task.done():
            worker.paused.remove(hanging.task)
            self._end(worker, hanging.task)

    def kill(self, number: int) -> None:
        worker = self.workers[number]
        self.deaths += 1
        for task in worker.paused:
            task.cancel()
        if worker.paused:
            self.loop.run_until_complete(asyncio.wait(worker.paused))
        self.workers[number] = self._begin()

    def renew(self, number: int) -> None:
        try:
            self.workers[number].renew()
        except ConnectionLost:
            pass
        except Died:
            self.kill(number)

    def work(self) -> None:
        """Everything there is to do now, by both, until nothing is due."""
        is_busy = True
        while is_busy:
            is_busy = False
            for step in self.workers[0].steps:
                for number in range(MOST_LOOKS + 1):
                    if not self.look(number % 2 if step in LEASING else 0, step):
                        break
                    is_busy = True
                else:
                    raise AssertionError(f"the loop that is to {step} never ends")

    def _go_on(self, task: asyncio.Task[Any]) -> None:
        async def until_still() -> None:
            # Not an event: everything but a call that hangs goes on by itself, one turn of the loop after another.
            while not task.done() and not self.hanging.has(task):  # noqa: ASYNC110
                await asyncio.sleep(0)

        self.loop.run_until_complete(until_still())

    def _end(self, worker: Worker, task: asyncio.Task[Any]) -> bool:
        fault = task.exception()
        if fault is None:
            return bool(task.result())
        if isinstance(fault, Died):
            self.kill(self.workers.index(worker))
        elif not isinstance(fault, ConnectionLost):
            raise fault
        return False
