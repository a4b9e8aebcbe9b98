"""Taking in what the spool kept: each line by the function its webhook would have come to, in the order they came.

The mark is written after the commit. A crash between the two gives the same lines again, which the inbox, unique by
the provider's id, does not take twice. What cannot be read is set aside for a person, with an alarm.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import sqlalchemy as sa
import structlog

from casework.adapters.service import Service
from casework.model.errors import WaymarkError
from casework.model.messages import InboundMessage, Origin
from casework.services.ports import Transaction
from casework.services.receipts import record_receipt
from channels.spool import MESSAGE_PATH, STATUS_PATH
from channels.spool_files import (
    LineUnreadable,
    SpooledPost,
    Waiting,
    decode_line,
    hold_alone,
    list_days,
    list_set_aside,
    list_waiting,
    remove_day,
    set_aside,
    write_offset,
)
from channels.twilio_errors import name_failure
from channels.twilio_forms import FormInvalid, parse_inbound_sms, parse_status
from channels.twilio_signature import parse_form

log = structlog.get_logger()

AT_ONCE = 20
MOST_LOOKED_THROUGH = 100_000
ALARM = "spool_waiting"
# The spool's clock may be behind ours at midnight, so yesterday's file may still grow.
KEPT_FOR = timedelta(days=2)


class PathUnknown(WaymarkError):
    """A line of a webhook that this version does not know."""


@dataclass
class Draining:
    """What draining needs, and whether the alarm is known to sound; None: not known."""

    service: Service
    folder: Path
    is_sounding: bool | None = None


IsDue = Callable[[Waiting], bool]


async def drain_next(draining: Draining, *, is_due: IsDue | None = None) -> bool:
    """Takes in the next few lines of the oldest day that has any. False when there was nothing to do.

    `is_due`: and stops before the first of which it says no.
    """
    with hold_alone(draining.folder) as is_ours:
        if not is_ours:
            return False  # another worker is at it
        path, waiting = await asyncio.to_thread(_find_next, draining)
        if path is None:
            await _report_left(draining)
            return False
        if is_due is not None:
            waiting = list(takewhile(is_due, waiting))
        if not waiting:
            return False
        for line in waiting:
            await _take_in(draining, path, line)
        await asyncio.to_thread(write_offset, path, waiting[-1].end)
    log.info("spool_drained", count=len(waiting))
    return True


def _find_next(draining: Draining) -> tuple[Path | None, list[Waiting]]:
    for path in list_days(draining.folder):
        waiting = list_waiting(path, most=AT_ONCE)
        if waiting:
            return path, waiting
        if path.stem < (draining.service.clock.now().astimezone(UTC) - KEPT_FOR).date().isoformat():
            remove_day(path)
    return None, []


async def drain_until(draining: Draining, message: InboundMessage, *, ids: set[str]) -> None:
    """Takes in what came before that message was written, and up to it if it is one of `ids`: those the spool holds.

    A line has the whole form, so it goes before what the provider's list says of the same message.
    """
    until = message.sent_at or message.received_at

    def is_due(waiting: Waiting) -> bool:
        if message.provider_message_id not in ids:
            return _is_before(waiting, until)
        ids.discard(_find_id(waiting))
        return True

    while await drain_next(draining, is_due=is_due):
        pass


def list_ids(draining: Draining) -> set[str]:
    """The provider's ids of the messages that wait in the spool."""
    days = list_days(draining.folder)
    return {_find_id(waiting) for path in days for waiting in list_waiting(path, most=MOST_LOOKED_THROUGH)}


def _find_id(waiting: Waiting) -> str:
    try:
        fields = dict(parse_form(decode_line(waiting.line).body))
    except LineUnreadable:
        return ""
    return fields.get(b"MessageSid", b"").decode("utf-8", "replace")


def _is_before(waiting: Waiting, until: datetime) -> bool:
    try:
        return decode_line(waiting.line).received_at <= until
    except LineUnreadable:
        return True  # it is set aside wherever it stands


async def _take_in(draining: Draining, path: Path, waiting: Waiting) -> None:
    if not waiting.line:
        return  # put there so that a line did not continue one that was cut short
    try:
        work = _read(draining.service, waiting.line)
        await draining.service.database.write(work)
    except (LineUnreadable, FormInvalid, PathUnknown) as fault:
        await _set_aside(draining, path, waiting, type(fault).__name__)
    except (sa.exc.DataError, sa.exc.IntegrityError) as fault:
        await _set_aside(draining, path, waiting, type(fault).__name__)
    except sa.exc.SQLAlchemyError:
        raise  # the database is away or not as it should be: this line waits, and all after it
    except Exception as fault:
        # One line that cannot be stored must not keep the rest of the spool out.
        await _set_aside(draining, path, waiting, type(fault).__name__)


def _read(service: Service, line: bytes) -> Callable[[Transaction], object]:
    post = decode_line(line)
    if post.path == MESSAGE_PATH:
        return _read_message(service, post)
    if post.path == STATUS_PATH:
        return _read_status(service, post)
    raise PathUnknown


def _read_message(service: Service, post: SpooledPost) -> Callable[[Transaction], object]:
    settings = service.settings
    message = parse_inbound_sms(
        post.body,
        account_sid=settings.twilio_account_sid,
        received_at=post.received_at,
        api_url=settings.twilio_api_url,
    )
    message = replace(message, origin=Origin.SPOOL)
    return lambda tx: service.receive(tx, message)


def _read_status(service: Service, post: SpooledPost) -> Callable[[Transaction], object]:
    status = parse_status(post.body, account_sid=service.settings.twilio_account_sid)
    code = str(status.error_code) if status.error_code else None
    return lambda tx: record_receipt(
        tx,
        status.provider_message_id,
        status.status,
        error_code=code,
        name_failure=name_failure,
        texts=service.texts,
    )


async def _set_aside(draining: Draining, path: Path, waiting: Waiting, why: str) -> None:
    log.error("spool_line_set_aside", code="torn" if waiting.is_torn else why)
    await asyncio.to_thread(set_aside, path, waiting.line)
    draining.is_sounding = None


async def _report_left(draining: Draining) -> None:
    """The alarm holds as long as something lies there for a person; written only when that changes."""
    left = [path.stem for path in await asyncio.to_thread(list_set_aside, draining.folder)]
    if draining.is_sounding is bool(left):
        return
    if left:
        detail = f"set aside, to be read by a person: {', '.join(left)}"
        await draining.service.database.write(lambda tx: tx.alarms.sound(ALARM, detail))
    else:
        await draining.service.database.write(lambda tx: tx.alarms.end(ALARM))
    draining.is_sounding = bool(left)
