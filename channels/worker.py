"""The worker: answers turns, issues codes, sends what is due and notes silences, until it is told to stop."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from functools import partial

import aiohttp
import structlog

from casework.adapters.anchor_places import KeySigner, build_anchor_places
from casework.adapters.assistant import RasaAssistant
from casework.adapters.content_base import load_base_texts
from casework.adapters.credentials import take_credentials
from casework.adapters.health import FINISH_SECONDS
from casework.adapters.known_turns import RasaPlaces
from casework.adapters.logs import configure_logs
from casework.adapters.own_process import keep_memory_private
from casework.adapters.process_settings import ProcessSettings
from casework.adapters.settings import Settings
from casework.adapters.storage.statements import new_id
from casework.adapters.traces import configure_traces
from casework.bootstrap import Service, build_service
from casework.model.known_turns import load_known_turns
from casework.model.ladder import LADDER_FILE, load_ladder
from casework.model.rota import Way
from casework.model.unusual_reading import LIMITS_FILE, load_reading_limits
from casework.services import (
    anchors,
    answer,
    clocks,
    contents,
    deliver,
    drills,
    duress,
    ladder,
    media,
    notices,
    officer_thread,
    pacing,
    promises,
    prove,
    readiness,
    silence,
    staff_notices,
    stale,
    transfers,
    unusual_readings,
)
from casework.services.kept_informed import load_kept_informed
from casework.services.ports import Transaction
from casework.services.work_ports import Work
from channels.crews import IDLE_SECONDS, Crew, Lookout, Step, attempt
from channels.keeping import open_steps
from channels.media import open_provider_files
from channels.media_types import find_media_type
from channels.on_call import build_notice_senders
from channels.recovery import Recovery
from channels.senders import SHOWN, build_senders, find_trackers
from channels.telegram_transport import build_bot, find_telegram_settings
from channels.telegram_webhook import TelegramWebhook
from channels.twilio_errors import name_failure
from channels.twilio_reads import TwilioAccount, TwilioReader
from channels.worker_health import telling_health, wait_until_migrated

log = structlog.get_logger()

ANSWERERS = 4
SENDERS = 4
FETCHERS = 2
RENEW_SECONDS = 3.0


async def run_worker(service: Service, *, stop: asyncio.Event) -> None:
    """Runs until `stop`; what is leased and unfinished is taken up by another worker after the lease.

    What it answers or sends at that moment is finished first, if that takes no longer than `FINISH_SECONDS`. Raises
    SystemExit when one of its loops has ended by itself: whoever keeps it running starts another.
    """
    worker_id = new_id()
    async with aiohttp.ClientSession() as session:
        assistant = RasaAssistant(service.settings.rasa_urls, service.settings.turn_secret, session)
        seeding = contents.Seeding(store=service.database, texts=load_base_texts())
        # Before the first answer. Where it fails, it is tried again beside them.
        await attempt(seeding.seed)
        crews, others = _loops(service, assistant, worker_id, stop)
        finishing = asyncio.create_task(crews)
        tasks = [finishing, *map(asyncio.create_task, [*others, _poll(seeding.seed)])]
        log.info("worker_started")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        has_died = not stop.is_set()
        stopped.cancel()
        if not has_died:
            log.info("worker_leaving", seconds=FINISH_SECONDS)
            await asyncio.wait([finishing], timeout=FINISH_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if has_died:
        # It would go on beating, with nobody at one of its tasks.
        log.error("worker_loop_ended")
        raise SystemExit(1)
    log.info("worker_stopped")


def _loops(
    service: Service, assistant: RasaAssistant, worker_id: str, stop: asyncio.Event
) -> tuple[Coroutine[None, None, None], list[Coroutine[None, None, None]]]:
    """What finishes what it has in hand when it is told to stop, and all others."""
    promising = promises.load_promising(service.texts, service.clocks.hours)
    answering = answer.Answering(
        store=service.database,
        assistant=assistant,
        texts=service.texts,
        codes=service.codes,
        bands=service.bands,
        safety_lines=service.safety_lines,
        worker_id=worker_id,
        promising=promising,
    )
    senders = build_senders(service)
    delivering = deliver.Delivering(
        store=service.database,
        senders=senders,
        texts=service.texts,
        worker_id=worker_id,
        name_failure=name_failure,
        pace=_make_pace(service),
        shown=SHOWN,
        hours=service.clocks.hours,
    )
    tracking = stale.Tracking(
        store=service.database,
        clock=service.clock,
        trackers=find_trackers(senders),
        texts=service.texts,
        name_failure=name_failure,
    )
    crews = [
        Crew(
            Work.TURN,
            lambda leased: answer.answer_next_turn(answering, on_leased=leased),
            size=ANSWERERS,
        ),
        Crew(
            Work.MESSAGE,
            lambda leased: deliver.deliver_next_message(delivering, on_leased=leased),
            size=SENDERS,
        ),
        Crew(
            Work.CODE,
            lambda _leased: prove.issue_next_code(
                service.database,
                codes=service.codes,
                texts=service.texts,
                segments_a_day=service.settings.code_segments_a_day,
            ),
        ),
        Crew(
            Work.DURESS_CHECK,
            lambda _leased: duress.hear_next_duress(
                service.database, codes=service.codes, bands=service.bands
            ),
        ),
    ]
    loops = [_poll(*_watch_steps(service, promising))]
    loops.append(_climb(service))
    loops.append(_poll(lambda: stale.look_up_next_silent(tracking)))
    loops.append(_drill(service))
    loops.append(_anchor(service))
    loops.append(_watch_reading(service))
    loops.append(_ask_known_turns(service))
    loops += [_fetch_media(service) for _ in range(FETCHERS)]
    loops += _telegram_loops(service)
    loops.append(_recover(service))
    loops.append(_let_go(service))
    loops.append(_keep_leases(service, answering, delivering))
    return Lookout(service.database, crews).run(stop), loops


def _make_pace(service: Service) -> deliver.Pace:
    settings = service.settings
    paced = pacing.list_paced_senders(
        sms_from=settings.sms_from,
        whatsapp_from=settings.whatsapp_from,
        sms_per_second=settings.sms_segments_per_second,
        has_telegram=settings.telegram_bot_token is not None,
    )
    return lambda tx, message: pacing.keep_pace(tx, message, senders=paced)


def _watch_steps(service: Service, promising: promises.Promising) -> list[Step]:
    """What hours and days bring about. Nobody waits at the other end of these: one loop looks after them all."""
    informed = load_kept_informed()
    informing = notices.Informing(store=service.database, texts=service.texts, rules=informed.notices)
    timing = clocks.Timing(store=service.database, rules=informed.code)
    return [
        lambda: silence.note_next_silence(service.database, service.bands.limits),
        lambda: transfers.return_next_late_transfer(service.database),
        lambda: officer_thread.pass_on_next_silent(service.database, promising),
        lambda: promises.note_next_overdue_promise(service.database, promising),
        lambda: notices.send_next_notice(informing),
        lambda: clocks.note_next_overdue_clock(timing),
    ]


def _drill(service: Service) -> Coroutine[None, None, None]:
    drilling = drills.Drilling(
        store=service.database,
        screen=service.screen,
        safety_lines=service.safety_lines,
        bands=service.bands,
        texts=service.texts,
    )
    return _poll(lambda: drills.send_next_line(drilling))


async def _climb(service: Service) -> None:
    """The ladder, and what it tells staff: each way by itself, so that none waits for another."""
    rungs = load_ladder(service.settings.ladder_file or LADDER_FILE)
    climbing = ladder.Climbing(
        store=service.database,
        ladder=rungs,
        clocks=service.clocks,
        texts=service.texts,
        key=service.settings.turn_secret,
    )
    async with aiohttp.ClientSession() as session:
        notifying = staff_notices.Notifying(
            store=service.database,
            senders=build_notice_senders(service, session),
            limits=rungs.notice,
            texts=service.texts,
            console_url=service.settings.console_url,
            key=service.settings.turn_secret,
        )
        await asyncio.gather(
            _poll(
                lambda: ladder.take_next_step(climbing),
                lambda: staff_notices.note_next_undelivered(service.database),
                lambda: ladder.settle_alarms(service.database),
            ),
            *(_poll(partial(staff_notices.send_next_notice, notifying, way)) for way in Way),
        )


async def _anchor(service: Service) -> None:
    """Signs where the audit ends, and hands it on: each place by itself, so that none waits for another."""
    anchoring = anchors.Anchoring(
        store=service.database,
        signer=KeySigner(service.settings.data_dir),
        places=build_anchor_places(service),
    )
    await asyncio.gather(
        _poll(
            lambda: anchors.sign_if_due(anchoring),
            lambda: anchors.settle_alarm(anchoring),
        ),
        *(_poll(partial(anchors.hand_over_next, anchoring, place)) for place in anchoring.places),
    )


def _watch_reading(service: Service) -> Coroutine[None, None, None]:
    limits = load_reading_limits(service.settings.unusual_reading_file or LIMITS_FILE)
    watching = unusual_readings.Watching(store=service.database, limits=limits)
    return _poll(lambda: unusual_readings.look_at_next_day(watching))


async def _ask_known_turns(service: Service) -> None:
    settings = service.settings
    async with aiohttp.ClientSession() as session:
        places = RasaPlaces(settings.rasa_urls, settings.turn_secret, session)
        asking = readiness.Asking(store=service.database, places=places, turns=load_known_turns())
        await _poll(lambda: readiness.ask_if_due(asking))


async def _recover(service: Service) -> None:
    async with TwilioReader(TwilioAccount.from_settings(service.settings)) as reader:
        recovery = Recovery(service, reader)
        await asyncio.gather(_poll(recovery.drain), _poll(recovery.sweep, recovery.check_settings))


async def _let_go(service: Service) -> None:
    async with open_steps(service) as (here, at_the_provider):
        await asyncio.gather(_poll(*here), _poll(at_the_provider))


async def _fetch_media(service: Service) -> None:
    async with open_provider_files(service.settings) as files:
        fetching = media.Fetching(store=service.database, files=files, find_type=find_media_type)
        await _poll(lambda: media.fetch_next_media(fetching))


def _telegram_loops(service: Service) -> list[Coroutine[None, None, None]]:
    settings = find_telegram_settings(service.settings)
    if settings is None:
        return []
    webhook = TelegramWebhook(build_bot(settings), settings, service.database, service.clock)
    return [_poll(webhook.look)]


async def _poll(*steps: Step) -> None:
    """For what nobody waits for: looks each second, and no commit of another wakes it."""
    while True:
        found = [await attempt(step) for step in steps]
        if not any(found):
            await asyncio.sleep(IDLE_SECONDS)


async def _keep_leases(service: Service, answering: answer.Answering, delivering: deliver.Delivering) -> None:
    while True:
        await attempt(lambda: _renew(service, answering, delivering))
        await asyncio.sleep(RENEW_SECONDS)


async def _renew(service: Service, answering: answer.Answering, delivering: deliver.Delivering) -> bool:
    turn_ids, outbox_ids = tuple(answering.in_hand), tuple(delivering.in_hand)

    def renew(tx: Transaction) -> None:
        tx.turns.renew(answering.worker_id, turn_ids, lease_seconds=answer.LEASE_SECONDS)
        tx.outbox.renew(delivering.worker_id, outbox_ids, lease_seconds=deliver.LEASE_SECONDS)
        tx.beats.beat(answering.worker_id)

    await service.database.write(renew)
    return True


async def main() -> None:
    keep_memory_private()
    take_credentials(os.environ)
    configure_logs("worker")
    configure_traces(os.environ, "worker")
    service = build_service(Settings.from_env(os.environ), screens=True)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with telling_health(service, ProcessSettings.from_env(os.environ), stop=stop):
        if await wait_until_migrated(service, stop=stop):
            await run_worker(service, stop=stop)
    service.database.close()


if __name__ == "__main__":
    asyncio.run(main())
