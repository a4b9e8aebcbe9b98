"""Taking in what the spool kept, over both databases: in order, once, and nothing lost silently."""

import fcntl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
import sqlalchemy as sa

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import delivery_event, desk_item, inbox, outbox, turn
from casework.bootstrap import build_service
from casework.model.messages import InboundMessage
from channels.spool_drain import AT_ONCE, Draining, drain_next, drain_until, list_ids
from channels.spool_files import SpooledPost, append, encode_line, hold_alone, list_days, list_set_aside
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN
from tests.support.builders import an_sms
from tests.support.clock import SetClock

MESSAGE = "/webhooks/twilio/message"
STATUS = "/webhooks/twilio/status"
AT = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)


@dataclass
class Spool:
    service: Service
    folder: Path

    def __post_init__(self) -> None:
        self.draining = Draining(self.service, self.folder)

    def keep(self, number: int = 1, *, at: datetime = AT, **fields: str) -> SpooledPost:
        post = a_post(number, at=at, **fields)
        append(self.folder, post)
        return post

    def write(self, line: bytes, *, day: str = "2026-11-21") -> None:
        self.folder.mkdir(exist_ok=True)
        with (self.folder / f"{day}.jsonl").open("ab") as file:
            file.write(line)

    async def drain(self) -> None:
        while await drain_next(self.draining):
            pass

    def rows(self, table: sa.Table) -> list[Any]:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return self.service.database.read_now(lambda tx: tx.connection.execute(query).all())

    def texts(self) -> list[str]:
        return [row.text for row in self.rows(inbox)]

    def alarms(self) -> list[str]:
        return [each.kind for each in self.service.database.read_now(lambda tx: tx.alarms.list_open())]

    def set_aside(self) -> bytes:
        return b"".join(path.read_bytes() for path in list_set_aside(self.folder))


def a_post(number: int = 1, *, at: datetime = AT, **fields: str) -> SpooledPost:
    defaults = {
        "MessageSid": f"SM{number:032x}",
        "AccountSid": ACCOUNT_SID,
        "From": "+447700900001",
        "To": "+447700900900",
        "Body": f"text {number}",
        "NumMedia": "0",
        # What Twilio adds when it calls the fallback address.
        "ErrorCode": "11200",
        "ErrorUrl": "https://messages.example.org" + MESSAGE,
    }
    return SpooledPost(received_at=at, path=MESSAGE, body=urlencode(defaults | fields).encode())


@pytest_asyncio.fixture
async def spool(database_url: str, tmp_path: Path, clock: SetClock) -> AsyncIterator[Spool]:
    environ = {
        "WAYMARK_DATA_DIR": str(tmp_path),
        "WAYMARK_DATABASE_URL": database_url,
        "WAYMARK_TURN_SECRET": "x" * 32,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WAYMARK_SMS_FROM": "+447700900900",
    }
    service = build_service(Settings.from_env(environ), clock=clock)
    yield Spool(service, service.settings.spool_dir)
    service.database.close()


async def test_lines_come_in_as_they_came_screened_and_with_the_time_they_came(spool: Spool) -> None:
    """Red when a line goes round the receive function, or is dated when it was taken in."""
    for number in range(1, AT_ONCE + 6):
        spool.keep(number, at=AT + timedelta(seconds=number))
    spool.keep(99, Body="he has a knife", From="+447700900002", at=AT + timedelta(minutes=5))
    append(
        spool.folder,
        SpooledPost(
            received_at=AT,
            path=STATUS,
            body=urlencode(
                {"MessageSid": "SM" + "f" * 32, "MessageStatus": "sent", "AccountSid": ACCOUNT_SID}
            ).encode(),
        ),
    )

    await spool.drain()

    assert spool.texts() == [*(f"text {number}" for number in range(1, AT_ONCE + 6)), "he has a knife"]
    assert {row.origin for row in spool.rows(inbox)} == {"spool"}
    assert spool.rows(inbox)[0].received_at == AT + timedelta(seconds=1)
    assert spool.rows(inbox)[0].raw == a_post(1).body
    assert "disclosure" in {row.reason for row in spool.rows(desk_item)}
    assert [row.status for row in spool.rows(delivery_event)] == ["sent"]
    assert spool.alarms() == []


async def test_a_crash_between_the_commit_and_the_mark_takes_nothing_twice(spool: Spool) -> None:
    """The mark is gone, as when the process died before it was written. Red without the inbox's unique key."""
    spool.keep(1, Body="he has a knife")
    spool.keep(2, From="+447700900002")
    await spool.drain()
    before = [spool.rows(table) for table in (inbox, turn, desk_item, outbox)]
    [day] = list_days(spool.folder)
    day.with_suffix(".offset").unlink()

    await spool.drain()

    assert [spool.rows(table) for table in (inbox, turn, desk_item, outbox)] == before
    assert len(before[0]) == 2
    assert spool.set_aside() == b""


async def test_what_is_taken_in_is_not_read_again(spool: Spool) -> None:
    """Red when the mark is not kept: the second process would read from the beginning."""
    spool.keep(1)
    await spool.drain()
    spool.keep(2)

    again = Spool(spool.service, spool.folder)
    [day] = list_days(spool.folder)
    start = int(day.with_suffix(".offset").read_text())
    await again.drain()

    assert start == len(encode_line(a_post(1)))
    assert int(day.with_suffix(".offset").read_text()) == day.stat().st_size
    assert spool.texts() == ["text 1", "text 2"]


async def test_a_line_cut_short_is_kept_aside_with_an_alarm_and_the_next_is_read(spool: Spool) -> None:
    """Red when a torn line stops the drain, is skipped in silence, or swallows the line after it."""
    torn = encode_line(a_post(1))[:60]
    spool.write(torn)
    await spool.drain()
    alarms = spool.alarms()
    spool.keep(2)
    await spool.drain()

    assert spool.texts() == ["text 2"]
    assert spool.set_aside() == torn + b"\n"
    assert alarms == ["spool_waiting"]
    assert spool.alarms() == ["spool_waiting"]


async def test_the_alarm_ends_when_somebody_has_dealt_with_what_lay_aside(spool: Spool) -> None:
    spool.write(b"rubbish\n")
    await spool.drain()
    told = spool.alarms()
    for path in list_set_aside(spool.folder):
        path.unlink()
    await spool.drain()

    assert told == ["spool_waiting"]
    assert spool.alarms() == []


BROKEN = {
    "changed since": encode_line(a_post(1)).replace(b"11:30", b"11:31"),
    "not JSON": b"\x00\xff\n",
    "a list": b"[]\n",
    "another account": encode_line(a_post(1, AccountSid="AC" + "9" * 32)),
    "nobody": encode_line(a_post(1, From="")),
    "another path": encode_line(SpooledPost(received_at=AT, path="/webhooks/fax", body=b"x")),
}


@pytest.mark.parametrize("line", [BROKEN[name] for name in sorted(BROKEN)], ids=sorted(BROKEN))
async def test_a_line_that_is_no_message_of_ours_is_set_aside_whole(spool: Spool, line: bytes) -> None:
    """Red when the checksum is not compared, or a refusal drops the line."""
    spool.write(line)
    spool.keep(2)

    await spool.drain()

    assert spool.texts() == ["text 2"]
    assert spool.set_aside() == line
    assert spool.alarms() == ["spool_waiting"]


async def test_a_line_that_is_being_written_is_left_until_it_is_whole(spool: Spool) -> None:
    """Red when the drain does not ask for the writer's lock: the half would be set aside and the rest too."""
    line = encode_line(a_post(1))
    spool.write(line[:50])
    [day] = list_days(spool.folder)
    with day.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        await spool.drain()
        nothing_yet = (spool.texts(), spool.set_aside())
        writer.write(line[50:])
    await spool.drain()

    assert nothing_yet == ([], b"")
    assert spool.texts() == ["text 1"]
    assert spool.set_aside() == b""


async def test_while_the_database_is_not_there_lines_wait(spool: Spool) -> None:
    """Red when a database's fault passes for a line's: everything would be set aside."""
    spool.keep(1)
    database = spool.service.database
    database.write_now(lambda tx: tx.connection.exec_driver_sql("ALTER TABLE turn RENAME TO turn_away"))
    try:
        with pytest.raises(sa.exc.DBAPIError):
            await spool.drain()
    finally:
        database.write_now(lambda tx: tx.connection.exec_driver_sql("ALTER TABLE turn_away RENAME TO turn"))
    await spool.drain()

    assert spool.texts() == ["text 1"]
    assert spool.set_aside() == b""


async def test_one_worker_at_a_time_takes_lines_out(spool: Spool) -> None:
    spool.keep(1)

    with hold_alone(spool.folder) as is_ours:
        other = await drain_next(Draining(spool.service, spool.folder))
        rows = spool.rows(inbox)
    await spool.drain()

    assert (is_ours, other, rows) == (True, False, [])
    assert spool.texts() == ["text 1"]


async def test_a_day_that_is_taken_in_does_not_stay_on_the_disk(spool: Spool) -> None:
    spool.keep(1, at=AT - timedelta(days=4))
    spool.keep(2)

    await spool.drain()

    assert spool.texts() == ["text 1", "text 2"]
    assert [day.stem for day in list_days(spool.folder)] == ["2026-11-21"]


# --- together with the provider's list ------------------------------------------------------------------------------


def listed(number: int, *, seconds: float) -> InboundMessage:
    at = AT + timedelta(seconds=seconds)
    return an_sms(provider_message_id=f"SM{number:032x}", sent_at=at, received_at=at)


async def test_up_to_a_listed_message_only_what_came_before_it_is_taken_in(spool: Spool) -> None:
    """Red when the whole spool goes before the list: a conversation would lose its order."""
    for number, seconds in ((1, 10), (2, 20), (4, 40)):
        spool.keep(number, at=AT + timedelta(seconds=seconds))

    await drain_until(spool.draining, listed(3, seconds=30), ids=list_ids(spool.draining))

    assert spool.texts() == ["text 1", "text 2"]


async def test_a_message_in_both_comes_from_the_spool_though_it_came_there_later(spool: Spool) -> None:
    """Red when the list's time alone decides: the form with the button or the place would be lost."""
    for number, seconds in ((1, 10), (2, 20), (3, 30)):
        spool.keep(number, at=AT + timedelta(seconds=seconds))

    await drain_until(spool.draining, listed(2, seconds=5), ids=list_ids(spool.draining))

    assert spool.texts() == ["text 1", "text 2"]
