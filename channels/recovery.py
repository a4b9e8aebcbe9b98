"""The worker's part in bringing back what a webhook did not: what the spool kept, then what the provider lists.

Both come to the one receive function. Of a message in both the spool's line is taken, because it has the whole form.
After a start the two are taken in together, oldest first; from then on the spool waits for nobody.
"""

import asyncio
import contextlib
import time

import sqlalchemy as sa
import structlog

from casework.adapters.service import Service
from casework.model.messages import InboundMessage
from channels.spool_drain import Draining, drain_next, drain_until, list_ids
from channels.sweep import PROVIDER, build_timetable
from channels.twilio_reads import TwilioReader
from channels.twilio_settings_check import HourlyCheck

log = structlog.get_logger()


# How long after a start the spool waits for the provider's list, and then for its next message.
LIST_FIRST_SECONDS = 20.0


class Recovery:
    """Steps for the worker's loops; each says whether it found work."""

    def __init__(self, service: Service, reader: TwilioReader) -> None:
        self._service = service
        self._draining = Draining(service, service.settings.spool_dir)
        self._timetable = build_timetable(service, reader, take_earlier=self._take_earlier)
        self._settings = HourlyCheck(service, reader)
        self._one_at_a_time = asyncio.Lock()
        self._has_swept = asyncio.Event()
        self._moved_at = time.monotonic()
        self._spooled: set[str] | None = None

    async def drain(self) -> bool:
        while not self._has_swept.is_set():
            left = self._moved_at + LIST_FIRST_SECONDS - time.monotonic()
            if left <= 0:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_swept.wait(), left)
        return await self._drain_all()

    async def sweep(self) -> bool:
        if self._has_swept.is_set():
            await self._drain_all()
        self._spooled = None
        try:
            return await self._timetable.sweep_if_due()
        finally:
            self._has_swept.set()

    async def check_settings(self) -> bool:
        return await self._settings.check_if_due()

    async def _drain_all(self) -> bool:
        found = False
        async with self._one_at_a_time:
            while await drain_next(self._draining):
                found = True
        if found:
            # What came to the spool is not all that missed us: some may have reached neither address.
            await self._service.database.write(lambda tx: tx.sweeps.ask(PROVIDER))
        return found

    async def _take_earlier(self, message: InboundMessage) -> None:
        async with self._one_at_a_time:
            if self._spooled is None:
                self._spooled = await asyncio.to_thread(list_ids, self._draining)
            await drain_until(self._draining, message, ids=self._spooled)
        self._moved_at = time.monotonic()


async def ask_for_sweep(service: Service) -> None:
    """A gateway that starts was away before: what was sent meanwhile is looked for at once."""
    try:
        await service.database.write(lambda tx: tx.sweeps.ask(PROVIDER))
    except sa.exc.SQLAlchemyError:
        log.warning("sweep_not_asked")  # without a database it still starts; the next sweep comes by itself
