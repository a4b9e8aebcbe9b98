"""The worker: answers turns, issues codes, sends what is due and notes silences, until it is told to stop."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine

import aiohttp
import structlog

from casework.adapters.assistant import RasaAssistant
from casework.adapters.logs import configure_logs
from casework.adapters.settings import Settings
from casework.adapters.storage.changes import watch_changes
from casework.adapters.storage.statements import new_id
from casework.bootstrap import Service, build_service
from casework.services import answer, deliver, prove, silence
from casework.services.ports import Transaction
from channels.senders import build_senders

log = structlog.get_logger()

ANSWERERS = 4
SENDERS = 4
IDLE_SECONDS = 1.0
RENEW_SECONDS = 3.0
FAILURE_PAUSE_SECONDS = 1.0

Step = Callable[[], Awaitable[bool]]


async def run_worker(service: Service, *, stop: asyncio.Event) -> None:
    """Runs until `stop`; what is leased and unfinished is taken up by another worker after the lease."""
    worker_id = new_id()
    async with aiohttp.ClientSession() as session:
        assistant = RasaAssistant(service.settings.rasa_urls, service.settings.turn_secret, session)
        tasks = [asyncio.create_task(loop) for loop in _loops(service, assistant, worker_id)]
        log.info("worker_started")
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    log.info("worker_stopped")


def _loops(service: Service, assistant: RasaAssistant, worker_id: str) -> list[Coroutine[None, None, None]]:
    answering = answer.Answering(
        store=service.database,
        assistant=assistant,
        texts=service.texts,
        codes=service.codes,
        bands=service.bands,
        safety_lines=service.safety_lines,
        worker_id=worker_id,
    )
    delivering = deliver.Delivering(
        store=service.database,
        senders=build_senders(service),
        texts=service.texts,
        worker_id=worker_id,
    )
    loops = [_repeat(service, lambda: answer.answer_next_turn(answering)) for _ in range(ANSWERERS)]
    loops += [_repeat(service, lambda: deliver.deliver_next_message(delivering)) for _ in range(SENDERS)]
    loops.append(
        _repeat(
            service,
            lambda: prove.issue_next_code(service.database, codes=service.codes, texts=service.texts),
        )
    )
    loops.append(_repeat(service, lambda: silence.note_next_silence(service.database, service.bands.limits)))
    loops.append(_keep_leases(service, worker_id))
    return loops


async def _repeat(service: Service, step: Step) -> None:
    """One step after another while there is work; else waits for a commit, and looks anyway each second."""
    changes = watch_changes(service.database.engine)
    try:
        while True:
            if not await _try(step):
                await changes.wait(IDLE_SECONDS)
    finally:
        await changes.close()


async def _try(step: Step) -> bool:
    try:
        return await step()
    except asyncio.CancelledError:
        raise
    except Exception:
        # Whatever was leased comes back by itself; the loop must outlive any one message.
        log.exception("step_failed")
        await asyncio.sleep(FAILURE_PAUSE_SECONDS)
        return False


async def _keep_leases(service: Service, worker_id: str) -> None:
    while True:
        await _try(lambda: _renew(service, worker_id))
        await asyncio.sleep(RENEW_SECONDS)


async def _renew(service: Service, worker_id: str) -> bool:
    def renew(tx: Transaction) -> None:
        tx.turns.renew(worker_id, lease_seconds=answer.LEASE_SECONDS)
        tx.outbox.renew(worker_id, lease_seconds=deliver.LEASE_SECONDS)
        tx.beats.beat(worker_id)

    await service.database.write(renew)
    return True


async def main() -> None:
    configure_logs("worker")
    service = build_service(Settings.from_env(os.environ))
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await run_worker(service, stop=stop)
    service.database.close()


if __name__ == "__main__":
    asyncio.run(main())
